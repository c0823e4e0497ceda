"""Loss and accuracy of every lane, in training and on the examples held back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats
from initviz.telemetry.series import Series
from initviz.views.axes import Axis, SteadyRange
from initviz.views.choice_button import ChoiceButton
from initviz.views.end_labels import EndLabel
from initviz.views.lane_status import diverged_at, stopped_at
from initviz.views.numbers import percent, significant
from initviz.views.panels import Curve, Guide, Mark, Panel
from initviz.views.reduction import Columns, Raster, smooth
from initviz.views.saving import Row
from initviz.views.step_view import StepView

_BOTH_FROM = 250.0
"""Height of the canvas, in multiples of the base size's 13 pixels, from which two plots are legible."""
_MAX_DECADES = 12.0
_FEW_POINTS = 25
RECENT = 0.7
"""A score counts as that of now from this share of the steps made on; before that the training loss is told."""


class LossView(StepView):
    """Training loss thin and smoothed, validation thick, on a logarithmic axis; accuracy below."""

    KEY = "loss"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range = SteadyRange(log=True, least=0.3)
        self._shown = ChoiceButton()
        self._shown.chosen.connect(self._choose)
        self.controls.addWidget(self._shown)
        self._kinds: tuple[str, ...] = ()

    def title(self) -> str:
        return self.tr("Loss and accuracy")

    def sentence(self) -> str:
        return self.tr(
            "A good start falls at once and steadily; a line that stays on the dashed one has learned nothing. ✕ marks"
            " where a lane diverged, a bar where it was stopped, with a ring at its best step."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nThe loss of every lane appears here, step by step: training thin, validation thick."
        )

    def retranslate(self) -> None:
        super().retranslate()
        alternatives = [
            ("both", self.tr("Both")),
            ("loss", self.tr("Loss")),
            ("accuracy", self.tr("Accuracy")),
        ]
        self._shown.set_alternatives(alternatives, self._shown.current or "both")
        self._shown.describe(self.tr("Show loss, accuracy or both"))

    def forget(self) -> None:
        super().forget()
        self._range.reset()
        has_accuracy = self.info is not None and self.info.task != "regression"
        self._shown.setVisible(has_accuracy)

    def show_part(self, part: str) -> None:
        """Show ``loss``, ``accuracy`` or ``both``."""
        self._shown.choose(part)
        self.redraw()

    @Slot(str)
    def _choose(self, part: str) -> None:
        self.redraw()

    def panels(self, raster: Raster, height: float) -> tuple[Panel, ...]:
        assert self.info is not None
        part = self._shown.current or "both"
        if self.info.task == "regression":
            part = "loss"
        elif part == "both" and height < _BOTH_FROM * self.theme.base_px / 13:
            part = "loss"
        made, kinds = [], []
        if part != "accuracy":
            made.append(self._loss_panel(raster))
            kinds.append("loss")
        if part != "loss":
            made.append(self._accuracy_panel(raster))
            kinds.append("accuracy")
        self._kinds = tuple(kinds)
        return tuple(made)

    def value_text(self, panel: int, value: float) -> str:
        is_share = panel < len(self._kinds) and self._kinds[panel] == "accuracy"
        return percent(value) if is_share else significant(value)

    def _loss_panel(self, raster: Raster) -> Panel:
        assert self.history is not None
        assert self.info is not None
        reduced = self.reduced("loss", self.history.loss(), raster)
        train = _smooth_decades(reduced)
        scores = self.history.validation()
        validation = self.reduced("validation", scores, raster)
        averaged = self.reduced("averaged", self.history.averaged(), raster)
        constant = self.info.constant_loss
        axis = self._fit(reduced, train, np.concatenate((validation.mean, averaged.mean)), constant)
        guides = (Guide(constant, self.tr("best constant prediction")),) if constant > 0 else ()
        return Panel(
            caption=self.tr("loss"),
            note=self._note(len(validation), len(averaged)),
            axis=axis,
            curves=self._curves(reduced, train, validation, averaged),
            labels=self._labels(reduced, train, validation, scores, significant),
            guides=guides,
            weight=1.5,
            values=self._values(len(validation), len(averaged)),
            marks=self._marks(validation),
        )

    def _accuracy_panel(self, raster: Raster) -> Panel:
        assert self.history is not None
        reduced = self.reduced("accuracy", self.history.accuracy(), raster)
        train = smooth(reduced.mean, _reach(reduced))
        scores = self.history.validation_accuracy()
        validation = self.reduced("validation accuracy", scores, raster)
        averaged = self.reduced("averaged accuracy", self.history.averaged_accuracy(), raster)
        labels = [
            label for label in self._labels(reduced, train, validation, scores, percent) if not label.died
        ]
        return Panel(
            caption=self.tr("accuracy"),
            note="",
            axis=Axis(0.0, 1.0, percent=True),
            curves=self._curves(reduced, train, validation, averaged, bands=False),
            labels=tuple(labels),
            values=self._values(len(validation), len(averaged)),
            marks=self._marks(validation),
        )

    def _note(self, scores: int, averaged: int) -> str:
        if averaged:
            return self.tr("training thin, validation thick, averaged weights double")
        return self.tr("training thin, validation thick") if scores else self.tr("training")

    def _values(self, scores: int, averaged: int) -> str:
        if averaged:
            return self.tr("train / averaged / validation")
        return self.tr("train / validation") if scores else ""

    def _marks(self, validation: Columns) -> tuple[Mark, ...]:
        """Return a ring around the best score of every lane that was stopped early."""
        if self.history is None or not self.history.lanes or not len(validation):
            return ()
        marks = []
        for lane in self.shown_lanes():
            best = self.history.lanes[lane].best_step
            if best is not None:
                place = int(np.argmin(np.abs(validation.steps - best)))
                marks.append(Mark(lane, float(best), float(validation.mean[place, lane])))
        return tuple(marks)

    def _curves(
        self, reduced: Columns, train: Floats, validation: Columns, averaged: Columns, bands: bool = True
    ) -> tuple[Curve, ...]:
        curves = []
        thin = len(self.shown_lanes()) <= 6
        for lane in self.painting_order():
            banded = bands and (thin or lane == self.focus_lane) and train is not reduced.mean
            curves.append(
                Curve(
                    lane,
                    reduced.steps,
                    train[:, lane],
                    faint=len(validation) > 1,
                    low=reduced.low[:, lane] if banded else None,
                    high=reduced.high[:, lane] if banded else None,
                )
            )
            if len(averaged):
                score = self._until_stopped(lane, averaged)
                curves.append(Curve(lane, averaged.steps, score, hollow=True))
            if len(validation):
                score = self._until_stopped(lane, validation)
                curves.append(
                    Curve(lane, validation.steps, score, thick=True, points=len(validation) <= _FEW_POINTS)
                )
        return tuple(curves)

    def _until_stopped(self, lane: int, validation: Columns) -> Floats:
        """Return a lane's scores up to the step at which it was stopped; from there on they say nothing new."""
        score: Floats = validation.mean[:, lane]
        stop = stopped_at(self.history, lane)
        if stop is None:
            return score
        return np.where(validation.steps <= stop, score, np.nan)

    def _labels(
        self, reduced: Columns, train: Floats, validation: Columns, scores: Series, show: Any
    ) -> tuple[EndLabel, ...]:
        labels = []
        for lane in self.shown_lanes():
            died = self._diverged_at(lane)
            finite = np.flatnonzero(np.isfinite(train[:, lane]))
            if died is not None:
                height = float(train[finite[-1], lane]) if len(finite) else math.inf
                labels.append(EndLabel(lane, float(died), height, "", died=True))
            elif len(finite):
                end = float(reduced.steps[finite[-1]])
                score = float(scores.last[lane])
                # An old score beside a line that has fallen since would say the opposite of what is seen.
                is_recent = len(scores.steps) > 0 and float(scores.steps[-1]) >= RECENT * end
                value = score if is_recent and math.isfinite(score) else float(train[finite[-1], lane])
                stop = stopped_at(self.history, lane)
                if stop is None:
                    labels.append(EndLabel(lane, end, value, show(value)))
                else:
                    # The bar stands at the end of the line; the number is that of the weights it has now.
                    line = self._until_stopped(lane, validation)
                    ends = line[np.isfinite(line)] if is_recent else train[finite[-1:], lane]
                    height = float(ends[-1]) if len(ends) else value
                    labels.append(EndLabel(lane, float(stop), height, show(value), stopped=True))
        return tuple(labels)

    def _diverged_at(self, lane: int) -> int | None:
        return diverged_at(self.history, lane)

    def _fit(self, reduced: Columns, train: Floats, validation: Floats, constant: float) -> Axis:
        """Find the range: every lane that lives, a decade of those that do not, and no single early spike."""
        shown = self.shown_lanes()
        living = [lane for lane in shown if self._diverged_at(lane) is None]
        lanes = living or shown
        lines = np.concatenate((_positive(train[:, lanes]), _positive(validation[:, lanes])))
        if not len(lines):
            middle = math.log10(constant) if constant > 0 else 0.0
            return self._range.fit(middle - 1, middle + 1)
        # A spike is the peak of a few columns, and never the least value of many.
        high = max(
            _upper(_positive(reduced.low[:, lanes]), 0.99),
            _upper(_positive(reduced.high[:, lanes]), 0.95),
            _upper(_positive(validation[:, lanes]), 0.99),
        )
        high = math.log10(high) if high > 0 else math.log10(float(lines.max()))
        low = max(math.log10(float(lines.min())), high - _MAX_DECADES)
        if constant > 0:
            low = min(low, math.log10(constant))
            # A little more at the top, so that the name of the dashed line has room above it.
            high = max(high, math.log10(constant) + 0.14 * max(0.5, math.log10(constant) - low))
        dying = [lane for lane in shown if lane not in living]
        peaks = _positive(train[:, dying])
        if living and len(peaks):
            high = max(high, min(high + 1, math.log10(float(peaks.max()))))
        return self._range.fit(low, high)

    def table(self) -> list[Row]:
        assert self.info is not None
        if self.history is None:
            return [["step"]]
        names = [lane.name for lane in self.info.lanes]
        kinds: tuple[str, ...] = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
        averaged = (self.history.averaged(), self.history.averaged_accuracy())
        if len(averaged[0].steps):
            kinds += ("averaged_val_loss", "averaged_val_accuracy")
        rows: list[Row] = [["step", *(f"{name} {kind}" for kind in kinds for name in names)]]
        train, accuracy = self.history.loss(), self.history.accuracy()
        scores, score_accuracy = self.history.validation(), self.history.validation_accuracy()
        nothing = [""] * len(names)
        merged: dict[int, list[Row]] = {}
        shown = (train, accuracy, scores, score_accuracy, *averaged)[: len(kinds)]
        for place, series in enumerate(shown):
            for step, values in zip(series.steps.tolist(), series.values.tolist(), strict=True):
                merged.setdefault(step, [nothing] * len(kinds))[place] = values
        for step in sorted(merged):
            rows.append([step, *(value for part in merged[step] for value in part)])
        return rows


def _reach(columns: Columns) -> int:
    """Return over how many columns to smooth: about a fortieth of the curve, and nothing while there are few."""
    return min(5, len(columns) // 40)


def _smooth_decades(columns: Columns) -> Floats:
    """Return the mean of each column, smoothed as the axis shows it, so that a spike stays as narrow as it is."""
    reach = _reach(columns)
    if reach < 1:
        return columns.mean
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = np.log10(columns.mean)
    smoothed = smooth(decades, reach)
    return np.where(np.isfinite(smoothed), 10.0 ** np.clip(smoothed, -307, 308), columns.mean)


def _positive(values: Floats) -> Floats:
    """Return what a logarithmic axis can show, flat."""
    return values[np.isfinite(values) & (values > 0)]


def _upper(values: Floats, share: float) -> float:
    """Return the value that this share of the values does not exceed; 0 when there are none."""
    if not len(values):
        return 0.0
    place = min(len(values) - 1, int(share * len(values)))
    return float(np.partition(values, place)[place])
