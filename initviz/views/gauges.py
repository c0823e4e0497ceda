"""What the remedies do while they work: one small plot a gauge, over the steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QWidget

from initviz.catalog.remedy_part import Gauge
from initviz.telemetry.frame import Floats
from initviz.telemetry.series import Series
from initviz.views.axes import Axis, SteadyRange
from initviz.views.end_labels import EndLabel
from initviz.views.lane_status import diverged_at
from initviz.views.numbers import percent, significant
from initviz.views.panels import Curve, Panel
from initviz.views.reduction import Columns, Raster
from initviz.views.saving import Row
from initviz.views.step_view import StepView

SHARE = "%"
"""Unit of shares, which run from 0 to 1."""
_LOG_FROM = 30.0
"""Largest value over smallest from which an axis of decades is easier to read."""
_LEAST_HEIGHT = 5.5
"""Height of a plot with its caption, in multiples of the small type, below which fewer plots are shown."""


class GaugesView(StepView):
    """A stack of plots, as many as the remedies of this run have gauges."""

    KEY = "gauges"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ranges: dict[str, SteadyRange] = {}
        self._in_decades: set[str] = set()
        self._shown: tuple[Gauge, ...] = ()

    def title(self) -> str:
        return self.tr("What the remedies do")

    def sentence(self) -> str:
        return self.tr(
            "A remedy that never acts changes nothing, and one that acts at every step hides a bad start: see how"
            " often each has to step in, and whether that ends."
        )

    def invitation(self) -> str:
        if self.info is not None and not self.info.gauges:
            return self.tr(
                "No remedy of this run has anything to show.\nSwitch on gradient clipping, mixed precision or another"
                " remedy with a gauge, then press space."
            )
        return self.tr(
            "Press space to play.\nHow often and how strongly each remedy acts appears here, step by step."
        )

    def version(self) -> int:
        return self.frame_version()

    def has_data(self) -> bool:
        return (
            self.history is not None
            and self.info is not None
            and len(self.info.gauges) > 0
            and len(self.history.gauges().steps) > 0
        )

    def forget(self) -> None:
        super().forget()
        self._ranges, self._in_decades = {}, set()

    def value_text(self, panel: int, value: float) -> str:
        is_share = panel < len(self._shown) and self._shown[panel].unit == SHARE
        return percent(value) if is_share else significant(value)

    def panels(self, raster: Raster, height: float) -> tuple[Panel, ...]:
        assert self.info is not None
        most = max(1, int(height / (_LEAST_HEIGHT * self.theme.small_px)))
        gauges = self.info.gauges
        self._shown = gauges[:most]
        made = [self._panel(place, gauge, raster) for place, gauge in enumerate(self._shown)]
        left_out = len(gauges) - len(made)
        if left_out:
            note = self.tr("{count} more where there is more room").format(count=left_out)
            made[0] = replace(made[0], note=note)
        return tuple(made)

    def _panel(self, place: int, gauge: Gauge, raster: Raster) -> Panel:
        assert self.history is not None
        series = self.history.gauges()
        own = Series(series.steps, series.values[:, place], series.last[place])
        reduced = self.reduced(gauge.key, own, raster)
        title = gauge.title.in_language(QLocale().name())
        unit = "" if gauge.unit in {"", SHARE} else f" [{gauge.unit}]"
        return Panel(
            caption=title + unit,
            note="",
            axis=self._axis(gauge, reduced),
            curves=tuple(
                Curve(lane, reduced.steps, reduced.mean[:, lane], points=len(reduced) == 1)
                for lane in self.painting_order()
            ),
            labels=self._labels(place, reduced),
        )

    def _axis(self, gauge: Gauge, reduced: Columns) -> Axis:
        if gauge.unit == SHARE:
            return Axis(0.0, 1.0, percent=True)
        shown = self.shown_lanes()
        values = np.concatenate((reduced.low[:, shown].ravel(), reduced.high[:, shown].ravel()))
        values = values[np.isfinite(values)]
        in_decades = gauge.key in self._in_decades or _is_wide(values)
        if gauge.key not in self._ranges or in_decades != (gauge.key in self._in_decades):
            self._ranges[gauge.key] = SteadyRange(log=in_decades, least=0.3 if in_decades else 1e-9)
        held = self._ranges[gauge.key]
        if in_decades:
            self._in_decades.add(gauge.key)
            decades = np.log10(values[values > 0])
            if not len(decades):
                return held.fit(-1.0, 1.0)
            return held.fit(float(decades.min()) - 0.1, float(decades.max()) + 0.1)
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        spare = 0.04 * (high - low)
        return held.fit(0.0 if low >= 0 else low - spare, max(high + spare, 1e-9))

    def _labels(self, place: int, reduced: Columns) -> tuple[EndLabel, ...]:
        labels = []
        for lane in self.shown_lanes():
            known = np.flatnonzero(np.isfinite(reduced.mean[:, lane]))
            if len(known) and diverged_at(self.history, lane) is None:
                value = float(reduced.mean[known[-1], lane])
                step = float(reduced.steps[known[-1]])
                labels.append(EndLabel(lane, step, value, self.value_text(place, value)))
        return tuple(labels)

    def table(self) -> list[Row]:
        assert self.info is not None
        gauges, names = self.info.gauges, [lane.name for lane in self.info.lanes]
        rows: list[Row] = [["step", *(f"{name} {gauge.key}" for gauge in gauges for name in names)]]
        if self.history is not None:
            series = self.history.gauges()
            rows += [
                [step, *values.ravel().tolist()]
                for step, values in zip(series.steps.tolist(), series.values, strict=True)
            ]
        return rows


def _is_wide(values: Floats) -> bool:
    """Say whether values are all above 0 and span so much that only decades show the small ones."""
    return bool(len(values) and values.min() > 0 and values.max() > _LOG_FROM * values.min())
