"""Loss and accuracy of every lane, in training and on the examples held back."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats
from initviz.telemetry.spread import BAND_KINDS, BandKind
from initviz.views.axes import Axis, SteadyRange
from initviz.views.choice_button import ChoiceButton
from initviz.views.lane_status import diverged_at
from initviz.views.loss_lines import LossLines, Measured
from initviz.views.numbers import percent, significant
from initviz.views.panels import Curve, Guide, Panel
from initviz.views.reduction import Columns, Raster, smooth
from initviz.views.saving import Row
from initviz.views.step_view import StepView

_BOTH_FROM = 250.0
"""Height of the canvas, in multiples of the base size's 13 pixels, from which two plots are legible."""
_MAX_DECADES = 12.0
BAND = "loss_band"
"""Name under which the band around the mean of seeds is remembered."""


class LossView(StepView):
    """Training loss thin and smoothed, validation thick, on a logarithmic axis; accuracy below."""

    KEY = "loss"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range = SteadyRange(log=True, least=0.3)
        self._shown = ChoiceButton()
        self._shown.chosen.connect(self._choose)
        self.controls.addWidget(self._shown)
        self._bands = ChoiceButton()
        self._bands.chosen.connect(self._choose)
        self.controls.addWidget(self._bands)
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
        bands = {
            "range": self.tr("Min–max"),
            "quartiles": self.tr("Quartiles"),
            "std": self.tr("Std"),
        }
        self._bands.set_alternatives([(kind, bands[kind]) for kind in BAND_KINDS], self._kind)
        self._bands.describe(
            self.tr(
                "Band around the mean of a lane's seeds: from the least to the largest, the middle half of them, or one"
                " standard deviation to both sides"
            )
        )

    def forget(self) -> None:
        super().forget()
        self._range.reset()
        has_accuracy = self.info is not None and self.info.task != "regression"
        self._shown.setVisible(has_accuracy)
        self._bands.setVisible(self.groups.repeat)

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
        batches = self.reduced("loss", self.history.loss(), raster)
        scores = self.history.validation()
        measured = Measured(
            batches=batches,
            train=_smooth_decades(batches),
            validation=self.reduced("validation", scores, raster),
            averaged=self.reduced("averaged", self.history.averaged(), raster),
            scores=scores,
        )
        constant = self.info.constant_loss
        held_back = np.concatenate((measured.validation.mean, measured.averaged.mean))
        lines = LossLines(self, self._kind, measured)
        return Panel(
            caption=self.tr("loss"),
            note=self._note(measured),
            axis=self._fit(batches, measured.train, held_back, constant),
            curves=lines.curves(),
            labels=lines.labels(significant),
            guides=(Guide(constant, self.tr("best constant prediction")),) if constant > 0 else (),
            weight=1.5,
            values=self._values(measured),
            marks=lines.marks(),
        )

    def _accuracy_panel(self, raster: Raster) -> Panel:
        assert self.history is not None
        batches = self.reduced("accuracy", self.history.accuracy(), raster)
        scores = self.history.validation_accuracy()
        measured = Measured(
            batches=batches,
            train=smooth(batches.mean, _reach(batches)),
            validation=self.reduced("validation accuracy", scores, raster),
            averaged=self.reduced("averaged accuracy", self.history.averaged_accuracy(), raster),
            scores=scores,
        )
        lines = LossLines(self, self._kind, measured)
        return Panel(
            caption=self.tr("accuracy"),
            note="",
            axis=Axis(0.0, 1.0, percent=True),
            curves=lines.curves(scatter=False),
            labels=tuple(label for label in lines.labels(percent) if not label.died),
            values=self._values(measured),
            marks=lines.marks(),
        )

    def _note(self, measured: Measured) -> str:
        note = self.tr("training thin, validation thick") if len(measured.validation) else self.tr("training")
        if len(measured.averaged):
            note = {
                "weights": self.tr("validation thick, averaged weights double"),
                "answers": self.tr("validation thick, snapshots double"),
                "": self.tr("validation thick, averages double"),
            }[self._beside()]
        if self._shows_seeds():
            return self.tr("{lines}, seeds as band").format(lines=note)
        return note

    def _beside(self) -> str:
        """Say what the double lines are: averaged ``weights``, ``answers`` of snapshots, or, empty, both."""
        assert self.info is not None
        kinds = {self.info.lanes[lane].beside for lane in self.shown_lanes()} - {""}
        return kinds.pop() if len(kinds) == 1 else ""

    def _shows_seeds(self) -> bool:
        return any(len(self.groups.members_of(lane)) > 1 for lane in self.shown_lanes())

    def _values(self, measured: Measured) -> str:
        values = self.tr("train / validation") if len(measured.validation) else ""
        if len(measured.averaged):
            values = {
                "weights": self.tr("train / averaged / validation"),
                "answers": self.tr("train / snapshots / validation"),
                "": self.tr("train / averaged / validation"),
            }[self._beside()]
        if self._shows_seeds():
            kinds = {
                "range": self.tr("min – max"),
                "quartiles": self.tr("quartiles"),
                "std": self.tr("± std"),
            }
            return f"{values}  {kinds[self._kind]}".strip()
        return values

    # Seeds

    def lane_name(self, lane: int) -> str:
        """Return what a lane is called, and how many of its seeds are left of how many."""
        own = self.groups.members_of(lane)
        if self.info is None or len(own) == 1:
            return super().lane_name(lane)
        left = sum(diverged_at(self.history, member) is None for member in own)
        count = f"{len(own)}" if left in (0, len(own)) else f"{left}/{len(own)}"
        return f"{self.info.lanes[lane].title} × {count}"

    def choose_band(self, kind: str) -> None:
        """Draw another band around the mean of seeds, one of ``BAND_KINDS``."""
        self._bands.choose(kind)
        if self.band_kind == kind:
            self.redraw()

    @property
    def band_kind(self) -> BandKind:
        """Which band is drawn around the mean of seeds."""
        return self._kind

    def choices(self) -> dict[str, str]:
        return {BAND: self._kind}

    def recall(self, choices: Mapping[str, str]) -> None:
        if choices.get(BAND) in BAND_KINDS:
            self.choose_band(choices[BAND])

    @property
    def _kind(self) -> BandKind:
        return next((kind for kind in BAND_KINDS if kind == self._bands.current), BAND_KINDS[0])

    def band_text(self, panel: int, curves: list[Curve], step: float) -> str:
        curve = next((curve for curve in curves if curve.seeds), None)
        if curve is None or curve.low is None or curve.high is None:
            return ""
        place = int(np.argmin(np.abs(curve.steps - step)))
        mean, low, high = (float(line[place]) for line in (curve.values, curve.low, curve.high))
        if math.isnan(high) or abs(curve.steps[place] - step) > self._tolerance(curve):
            return ""
        if self._kind == "std":
            return f" ± {self.value_text(panel, high - mean)}"
        return f" ({self.value_text(panel, low)} – {self.value_text(panel, high)})"

    def _fit(self, reduced: Columns, train: Floats, validation: Floats, constant: float) -> Axis:
        """Find the range: every lane that lives, a decade of those that do not, and no single early spike."""
        shown = [member for lane in self.shown_lanes() for member in self.groups.members_of(lane)]
        living = [lane for lane in shown if diverged_at(self.history, lane) is None]
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
