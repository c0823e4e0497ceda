"""A hint beside the start: what it does to the signal where it does not fit, and one click that mends it."""

from __future__ import annotations

import html
import math

from PySide6.QtCore import QCoreApplication, Signal, Slot
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from initviz.experiment.catalogue import Catalogue
from initviz.ui.form_row import GUTTER
from initviz.ui.lane_text import part_title
from initviz.ui.number_text import format_count, format_three
from initviz.ui.start_fit import Forecast, StartFit

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NEAR = 0.01
"""Relative difference below which a number counts as a power of 2."""
PLAIN_FROM, PLAIN_TO = 1e-2, 1e3
WARNS = ("signal", "gradient", "nothing", "equal")


def power_text(value: float) -> str:
    """Return a positive number that may be tiny or huge: ``2⁻¹²``, ``0.430``, ``4.6 × 10⁻¹⁰``."""
    if value <= 0 or not math.isfinite(value):
        return "0" if value <= 0 else "∞"
    exponent = round(math.log2(value))
    if abs(exponent) > 2 and math.isclose(value, 2.0**exponent, rel_tol=NEAR):
        return f"2{str(exponent).translate(SUPERSCRIPTS)}"
    if PLAIN_FROM <= value < PLAIN_TO:
        return format_three(value)
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits} × 10{str(int(power)).translate(SUPERSCRIPTS)}"


def _change(forecast: Forecast) -> tuple[str, str]:
    """Return what happens to the signal every layer, and what that comes to."""
    factor, left = forecast.factor, power_text(forecast.left)
    if math.isclose(factor, 0.5, rel_tol=NEAR):
        every = QCoreApplication.translate("FitHint", "the signal halves every layer")
    elif math.isclose(factor, 2.0, rel_tol=NEAR):
        every = QCoreApplication.translate("FitHint", "the signal doubles every layer")
    elif factor < 1:
        every = QCoreApplication.translate("FitHint", "the signal shrinks to {factor} of itself every layer")
    else:
        every = QCoreApplication.translate("FitHint", "the signal grows {factor}-fold every layer")
    end = (
        QCoreApplication.translate("FitHint", "after {layers} layers {left} of it is left")
        if forecast.left < 1
        else QCoreApplication.translate("FitHint", "after {layers} layers it is {left} times as large")
    )
    layers = format_count(forecast.layers)
    return every.format(factor=power_text(factor)), end.format(layers=layers, left=left)


def _backward_change(forecast: Forecast) -> tuple[str, str]:
    """Return what happens to the gradient every layer on its way back, and what that comes to."""
    slope, total = forecast.slope, forecast.slope ** (forecast.layers - 1)
    every = (
        QCoreApplication.translate("FitHint", "the gradient shrinks to {factor} of itself every layer back")
        if slope < 1
        else QCoreApplication.translate("FitHint", "the gradient grows {factor}-fold every layer back")
    )
    end = (
        QCoreApplication.translate("FitHint", "over {layers} layers {left} of it is left")
        if slope < 1
        else QCoreApplication.translate("FitHint", "over {layers} layers it gets {left} times as large")
    )
    layers = format_count(forecast.layers)
    return every.format(factor=power_text(slope)), end.format(layers=layers, left=power_text(total))


def fit_text(fit: StartFit, catalogue: Catalogue) -> str:
    """Return in a sentence how a start suits its network, in the current language; empty where it fits."""
    start = part_title(catalogue.get("initializer", fit.start))
    activation = part_title(catalogue.get("activation", fit.activation))
    if fit.verdict in ("signal", "gradient") and fit.forecast is not None:
        change = _change if fit.verdict == "signal" else _backward_change
        every, end = change(fit.forecast)
        if fit.forecast.layers == 1:
            said = QCoreApplication.translate("FitHint", "{start} with {activation}: {every}.")
        else:
            said = QCoreApplication.translate("FitHint", "{start} with {activation}: {every}; {end}.")
        return said.format(start=start, activation=activation, every=every, end=end)
    texts = {
        "nothing": QCoreApplication.translate("FitHint", "{start}: no signal and no gradient get through."),
        "equal": QCoreApplication.translate(
            "FitHint", "{start}: all units of a layer start alike, and stay alike."
        ),
        "renewed": QCoreApplication.translate(
            "FitHint",
            "Normalization sets the size of the signal anew. How large the weights start still decides how far a step"
            " turns them.",
        ),
        "partly": QCoreApplication.translate(
            "FitHint",
            "Normalization sets the size of the signal anew, but only where it stands. Within attention and other"
            " blocks, and in the first guesses, how large the weights start still counts.",
        ),
        "adapts": QCoreApplication.translate(
            "FitHint", "{start} measures the network and scales every layer to fit."
        ),
        "unknown": QCoreApplication.translate(
            "FitHint", "No forecast for this network. The plot “Signal by layer” shows what is measured."
        ),
    }
    return texts.get(fit.verdict, "").format(start=start)


class FitHint(QFrame):
    """Shows the sentence and offers what mends it; hidden where the start fits.

    Args:
        catalogue: Names the parts.
        parent: Qt parent.
    """

    mend_requested = Signal(str)

    def __init__(self, catalogue: Catalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._fit: StartFit | None = None
        self._lane = ("", "")
        self.frame = QFrame()
        self.frame.setObjectName("notice")
        self.quiet = QLabel()
        self.quiet.setObjectName("quiet")
        self.quiet.setWordWrap(True)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.button = QPushButton()
        self.button.setObjectName("quietButton")
        self.button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.button.clicked.connect(self._mend)
        inner = QVBoxLayout(self.frame)
        inner.setContentsMargins(10, 6, 8, 6)
        inner.setSpacing(6)
        inner.addWidget(self.text)
        inner.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(GUTTER, 0, 0, 0)
        column.addWidget(self.frame)
        column.addWidget(self.quiet)
        self.hide()

    @property
    def fit(self) -> StartFit | None:
        """What is said, or None for nothing."""
        return self._fit

    def show_fit(self, fit: StartFit | None, lane: str = "", color: str = "") -> None:
        """Say how a start suits its network.

        Args:
            fit: The judgement, or None where there is none yet.
            lane: Name of the lane that it is about, where the selector shows another start; else empty.
            color: Of that lane, as CSS writes it.
        """
        self._fit, self._lane = fit, (lane, color)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything in the current language."""
        fit = self._fit
        said = fit_text(fit, self._catalogue) if fit is not None else ""
        self.setVisible(bool(said))
        if fit is None or not said:
            return
        warns = fit.verdict in WARNS
        lane, color = self._lane
        dot = f'<span style="color:{color}">●</span> {html.escape(lane)}<br>' if lane else ""
        self.frame.setVisible(warns)
        self.quiet.setVisible(not warns)
        for label in (self.text, self.quiet):
            label.setText(dot + html.escape(said))
        self.text.setToolTip(self._explanation(fit))
        better = part_title(self._catalogue.get("initializer", fit.better)) if fit.better else ""
        self.button.setVisible(bool(better))
        self.button.setText(self.tr("Use {start}").format(start=better).replace("&", "&&"))
        self.button.setToolTip(self.tr("The start that is recommended for this activation."))

    def _explanation(self, fit: StartFit) -> str:
        if fit.forecast is None:
            return ""
        return self.tr(
            "Mean square of the activations, foretold from the standard deviation that the start aims at, the fan-in "
            "and E[φ(z)²]: {factor} a layer. The gradient's, backwards: {slope} a layer."
        ).format(factor=power_text(fit.forecast.factor), slope=power_text(fit.forecast.slope))

    @Slot()
    def _mend(self) -> None:
        if self._fit is not None and self._fit.better:
            self.mend_requested.emit(self._fit.better)
