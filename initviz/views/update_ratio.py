"""How much of itself each weight changes in a step: the norm of the update over the norm of the weight."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Counts, Floats
from initviz.telemetry.series import Series
from initviz.views.axes import SteadyRange
from initviz.views.end_labels import EndLabel
from initviz.views.lane_status import diverged_at
from initviz.views.numbers import significant
from initviz.views.reduction import Raster, smooth
from initviz.views.saving import Row
from initviz.views.step_view import Curve, Guide, Panel, StepView

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
        steps, low, middle, high = over_layers(series, raster)
        middle = smooth(middle, min(4, len(steps) // 60))
        axis = self._range.fit(*self._ends(low, middle, high))
        focus, few = self.focus_lane, len(self.shown_lanes()) <= 3
        curves = [
            Curve(
                lane,
                steps,
                middle[:, lane],
                thick=True,
                low=low[:, lane] if few or lane == focus else None,
                high=high[:, lane] if few or lane == focus else None,
            )
            for lane in self.painting_order()
        ]
        labels = []
        for lane in self.shown_lanes():
            held = np.flatnonzero(np.isfinite(middle[:, lane]))
            died = diverged_at(self.history, lane)
            if len(held):
                value = float(middle[held[-1], lane])
                end = float(steps[held[-1]]) if died is None else float(died)
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

    def _ends(self, low: Floats, middle: Floats, high: Floats) -> tuple[float, float]:
        shown = self.shown_lanes()
        values = np.concatenate([part[:, shown].ravel() for part in (low, middle, high)])
        values = values[np.isfinite(values) & (values > 0)]
        if not len(values):
            return -4.0, -2.0
        ends = np.quantile(values, (0.01, 0.99))
        decades = np.clip(np.log10(ends), *_DECADES)
        guide = float(np.log10(GUIDE))
        return min(float(decades[0]), guide) - 0.1, max(float(decades[1]), guide) + 0.1

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


def over_layers(series: Series, raster: Raster) -> tuple[Floats, Floats, Floats, Floats]:
    """Reduce ``(S, K, L)`` to columns and over layers.

    Args:
        series: Values by lane and layer.
        raster: The steps shown, and the most columns.
    Returns:
        Steps ``(C,)`` and least, median and largest layer ``(C, K)``. Least and largest are those of all steps of a
        column, the median is that of its last step.
    """
    begin, end = np.searchsorted(series.steps, (raster.first, raster.last + 0.5))
    steps: Counts = series.steps[begin:end]
    values: NDArray[Any] = series.values[begin:end]
    columns = raster.columns
    if len(steps) > columns:
        starts = (np.arange(columns) * len(steps)) // columns
        ends = np.append(starts[1:], len(steps)) - 1
    else:
        starts = ends = np.arange(len(steps))
    if not len(steps):
        empty = np.zeros((0, values.shape[1]))
        return np.zeros(0), empty, empty, empty
    if len(starts) == len(steps):
        least, largest = values, values
    else:
        flat = values.reshape(len(values), -1)
        shape = (len(starts), *values.shape[1:])
        least = np.fmin.reduceat(flat, starts, axis=0).reshape(shape)
        largest = np.fmax.reduceat(flat, starts, axis=0).reshape(shape)
    return (
        steps[ends].astype(np.float64),
        np.fmin.reduce(least, axis=2).astype(np.float64),
        _median(values[ends].astype(np.float64)),
        np.fmax.reduce(largest, axis=2).astype(np.float64),
    )


def _median(values: Floats) -> Floats:
    """Return the median over the last axis without its NaN; NaN where there is nothing else."""
    ordered = np.sort(values, axis=-1)  # NaN come last
    known = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    lower = np.take_along_axis(ordered, np.maximum(known - 1, 0) // 2, axis=-1)
    upper = np.take_along_axis(ordered, np.maximum(known, 1) // 2, axis=-1)
    upper = np.where(known > 1, upper, lower)
    return np.asarray(((lower + upper) / 2)[..., 0])
