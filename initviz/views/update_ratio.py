"""How much of itself each weight changes in a step: the norm of the update over the norm of the weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats
from initviz.telemetry.series import Series
from initviz.views.axes import SteadyRange
from initviz.views.end_labels import EndLabel
from initviz.views.lane_status import diverged_at
from initviz.views.numbers import significant
from initviz.views.panels import Curve, Guide, Panel
from initviz.views.reduction import Raster, smooth
from initviz.views.saving import Row
from initviz.views.step_view import StepView

GUIDE = 1e-3
"""An update of a thousandth of the weight a step is what healthy training usually shows."""
_DECADES = (-30.0, 10.0)


class UpdateRatioView(StepView):
    """The median layer of every lane as a line, all layers as a band, on a logarithmic axis."""

    KEY = "update_ratio"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range = SteadyRange(log=True, least=1.0)

    def title(self) -> str:
        return self.tr("Update to weight ratio")

    def sentence(self) -> str:
        return self.tr(
            "Near one thousandth a step is about right: far below it the weights hardly move, far above it they are"
            " thrown about."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nHow much each step changes the weights appears here, with a line at one thousandth."
        )

    def has_data(self) -> bool:
        return self.history is not None and len(self.history.update_ratio().steps) > 0

    def forget(self) -> None:
        super().forget()
        self._range.reset()

    def value_text(self, panel: int, value: float) -> str:
        return significant(value)

    def panels(self, raster: Raster, height: float) -> tuple[Panel, ...]:
        assert self.history is not None
        series = self.history.update_ratio()
        spreads = {lane: over_layers(series, lane, raster) for lane in self.shown_lanes()}
        axis = self._range.fit(*_ends(list(spreads.values())))
        focus, few = self.focus_lane, len(spreads) <= 3
        curves = [
            Curve(
                lane,
                spreads[lane].steps,
                spreads[lane].middle,
                thick=True,
                low=spreads[lane].low if few or lane == focus else None,
                high=spreads[lane].high if few or lane == focus else None,
            )
            for lane in self.painting_order()
        ]
        labels = []
        for lane, spread in spreads.items():
            died = diverged_at(self.history, lane)
            if len(spread.steps):
                value = float(spread.middle[-1])
                end = float(spread.steps[-1]) if died is None else float(died)
                labels.append(EndLabel(lane, end, value, significant(value), died=died is not None))
        return (
            Panel(
                self.tr("‖ΔW‖ / ‖W‖ in a step"),
                self.tr("median layer; band: all layers"),
                axis,
                tuple(curves),
                tuple(labels),
                (Guide(GUIDE, self.tr("10⁻³: about right")),),
            ),
        )

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [["step", "lane", "layer", "name", "update_ratio"]]
        if self.history is None:
            return rows
        series = self.history.update_ratio()
        for step, values in zip(series.steps.tolist(), series.values, strict=True):
            for index, lane in enumerate(self.info.lanes):
                rows += [
                    [step, lane.name, layer + 1, name, float(values[index, layer])]
                    for layer, name in enumerate(lane.layers)
                ]
        return rows


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """One lane's values over its layers, in C columns.

    Attributes:
        steps: ``(C,)`` last measured step of each column.
        low: ``(C,)`` least value of any layer and step of the column.
        middle: ``(C,)`` median layer at the last measured step of the column.
        high: ``(C,)`` largest value of any layer and step of the column.
    """

    steps: Floats
    low: Floats
    middle: Floats
    high: Floats


def over_layers(series: Series, lane: int, raster: Raster) -> Spread:
    """Reduce one lane of ``(S, K, L)`` to columns and over layers.

    Steps at which nothing of the lane was measured are left out: lanes are not all measured equally often.

    Args:
        series: Values by lane and layer.
        lane: Which.
        raster: The steps shown, and the most columns.
    """
    begin, end = np.searchsorted(series.steps, (raster.first, raster.last + 0.5)).tolist()
    values = series.values[begin:end, lane]
    known = ~np.isnan(values).all(axis=1)
    steps, values = series.steps[begin:end][known], values[known]
    if not len(steps):
        nothing = np.zeros(0)
        return Spread(nothing, nothing, nothing, nothing)
    count = min(len(steps), raster.columns)
    starts = (np.arange(count) * len(steps)) // count
    ends = np.append(starts[1:], len(steps)) - 1
    least, largest = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
    middle = _median(values[ends].astype(np.float64))
    return Spread(
        steps[ends].astype(np.float64),
        np.fmin.reduceat(least, starts).astype(np.float64),
        smooth(middle[:, None], min(4, count // 60))[:, 0],
        np.fmax.reduceat(largest, starts).astype(np.float64),
    )


def _ends(spreads: list[Spread]) -> tuple[float, float]:
    """Return the range in decades that holds the guide and all but the outermost hundredths."""
    values = np.concatenate([part for spread in spreads for part in (spread.low, spread.middle, spread.high)])
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return -4.0, -2.0
    decades = np.clip(np.log10(np.quantile(values, (0.01, 0.99))), *_DECADES)
    guide = float(np.log10(GUIDE))
    return min(float(decades[0]), guide) - 0.1, max(float(decades[1]), guide) + 0.1


def _median(values: Floats) -> Floats:
    """Return the median over the last axis without its NaN; NaN where there is nothing else."""
    ordered = np.sort(values, axis=-1)  # NaN come last
    known = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    lower = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, axis=-1)
    upper = np.take_along_axis(ordered, np.maximum(known, 1) // 2, axis=-1)
    upper = np.where(known > 1, upper, lower)
    return np.asarray(((lower + upper) / 2)[..., 0])
