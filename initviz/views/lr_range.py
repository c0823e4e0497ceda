"""Loss against the learning rate, for a run in which the rate rises all the time: which rate suits."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.range_test import RateCurve, rate_curve
from initviz.views import plot as plots
from initviz.views.axes import SteadyRange
from initviz.views.base import View
from initviz.views.end_labels import EndLabel, draw_end_labels, label_room
from initviz.views.ink import Ink
from initviz.views.numbers import significant
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row

_ROOM = 0.04
"""Decades of room around the curves."""


class RateRangeView(View):
    """A smoothed curve a lane, on logarithmic axes; a point marks where it falls fastest."""

    KEY = "lr_range"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ranges = (SteadyRange(log=True, least=0.5), SteadyRange(log=True, least=0.2))
        self._plot: Plot | None = None
        self._curves: dict[int, RateCurve] = {}
        self._curves_version = -1

    def title(self) -> str:
        return self.tr("Learning-rate range test")

    def sentence(self) -> str:
        return self.tr(
            "The loss falls where the learning rate suits and climbs where it is too large: take the rate at the dot,"
            " where the loss falls fastest, and compare which start bears the largest."
        )

    def invitation(self) -> str:
        if self.info is not None and not self._is_test():
            return self.tr(
                "The learning rate of this run does not rise all the way.\nChoose the schedule for a learning-rate"
                " range test, then press space: the loss is drawn against the rate, and a rate suggested."
            )
        return self.tr(
            "Press space to play.\nThe loss of every lane appears here against the learning rate, and the rate at"
            " which it falls fastest."
        )

    def _is_test(self) -> bool:
        return self.info is not None and any(lane.tests_rates for lane in self.info.lanes)

    def has_data(self) -> bool:
        return bool(self._is_test() and self.curves())

    def forget(self) -> None:
        self._curves, self._curves_version = {}, -1
        for held in self._ranges:
            held.reset()

    def curves(self) -> dict[int, RateCurve]:
        """Return the curve of every lane that tests rates and has made a few steps."""
        if self.history is None or self.info is None:
            return {}
        if self._curves_version != self.history.version:
            losses, rates = self.history.loss(), self.history.lr()
            found = {
                place: rate_curve(rates.values[:, place], losses.values[:, place])
                for place, lane in enumerate(self.info.lanes)
                if lane.tests_rates
            }
            self._curves = {place: curve for place, curve in found.items() if curve is not None}
            self._curves_version = self.history.version
        return self._curves

    def plot(self) -> Plot | None:
        """Return the plot as it was last drawn."""
        return self._plot

    def _shown(self) -> dict[int, RateCurve]:
        curves = self.curves()
        return {lane: curves[lane] for lane in self.painting_order() if lane in curves}

    def _labels(self, curves: dict[int, RateCurve]) -> list[EndLabel]:
        return [
            EndLabel(
                lane,
                float(curve.rates[-1]),
                float(curve.loss[-1]),
                significant(curve.suggestion) if curve.suggestion is not None else self.tr("no fall"),
            )
            for lane, curve in curves.items()
        ]

    def draw(self, ink: Ink, area: QRectF) -> None:
        curves = self._shown()
        labels = self._labels(curves)
        plot = self._arrange(area, curves, labels)
        if ink.painter.device() is self.canvas.image:
            self._plot = plot
        self.backdrop(ink, plot.key, lambda target: self._draw_backdrop(target, area, plot))
        width = self.theme.line_width
        ink.clip(plot.rect.adjusted(-1, -2, 2, 2))
        for lane, curve in curves.items():
            style = self.lane_style(lane)
            thick = width + 1 if lane == self.focus_lane else width
            x, y = self._pixels(plot, curve.rates, curve.loss)
            ink.curve(x, y, style.color, thick, style.dash)
        for lane, curve in curves.items():
            if curve.suggestion is not None:
                x, y = self._pixels(plot, np.array([curve.suggestion]), np.array([curve.suggested_loss]))
                color = self.lane_style(lane).color
                ink.line(float(x[0]), float(y[0]), float(x[0]), plot.rect.bottom(), color, 150, dashed=True)
                ink.marker("circle", float(x[0]), float(y[0]), color, 5.0 * self.theme.unit)
        ink.clip(None)
        ends = []
        for label in labels:
            x, y = self._pixels(plot, np.array([label.step]), np.array([label.value]))
            ends.append((label, QPointF(float(x[0]), float(y[0]))))
        draw_end_labels(self, ink, plot.rect, ends, area.right())

    @staticmethod
    def _pixels(plot: Plot, rates: np.ndarray, loss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return plot.px(plot.x.coordinates(rates)), plot.py_inside(plot.y.coordinates(loss))

    def _arrange(self, area: QRectF, curves: dict[int, RateCurve], labels: list[EndLabel]) -> Plot:
        theme = self.theme
        rates = np.concatenate([curve.rates[[0, -1]] for curve in curves.values()] or [np.array([1e-4, 1.0])])
        losses = np.concatenate([curve.loss for curve in curves.values()] or [np.ones(2)])
        losses = losses[losses > 0] if (losses > 0).any() else np.ones(1)
        decades = np.log10(losses)
        x = self._ranges[0].fit(float(np.log10(rates.min())), float(np.log10(rates.max())))
        y = self._ranges[1].fit(float(decades.min()) - _ROOM, float(decades.max()) + _ROOM)
        caption, below = plots.caption_height(theme), plots.axis_height(theme)
        height = max(20.0, area.height() - caption - below - 6)
        left = plots.axis_width(y, height, theme) + 4
        right = label_room(self, labels, area.width())
        rect = QRectF(
            area.left() + left, area.top() + 2 + caption, max(40.0, area.width() - left - right - 8), height
        )
        return Plot(rect, x, y)

    def _draw_backdrop(self, ink: Ink, area: QRectF, plot: Plot) -> None:
        ink.fill(area, self.theme.surface)
        plots.draw_backdrop(
            ink,
            plot,
            self.tr("training loss, smoothed"),
            self.tr("learning rate"),
            note=self.tr("● suggested rate: the steepest fall"),
        )

    def read_out(self, place: QPointF) -> Readout | None:
        plot = self._plot
        if plot is None or not plot.rect.adjusted(-6, -16, 6, 16).contains(place):
            return None
        share = min(1.0, max(0.0, (place.x() - plot.rect.left()) / plot.rect.width()))
        rate = 10.0 ** (plot.x.low + share * (plot.x.high - plot.x.low))
        rows = []
        for lane, curve in sorted(self._shown().items()):
            reached = curve.rates[0] * 0.999 <= rate <= curve.rates[-1] * 1.001
            loss = float(np.interp(np.log10(rate), np.log10(curve.rates), curve.loss))
            _, y = self._pixels(plot, np.array([rate]), np.array([loss]))
            point = QPointF(place.x(), float(y[0])) if reached else None
            advice = "" if curve.suggestion is None else f"   ● {significant(curve.suggestion)}"
            text = (significant(loss) if reached else significant(float("nan"))) + advice
            rows.append(ReadoutRow(lane, self.lane_name(lane), text, point))
        heading = self.tr("learning rate {rate}").format(rate=significant(rate))
        return Readout(plot.rect, heading, tuple(rows), x=place.x())

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [["lane", "lr", "smoothed_loss", "suggested_lr"]]
        for lane, curve in self.curves().items():
            advice = "" if curve.suggestion is None else curve.suggestion
            rows += [
                [self.info.lanes[lane].name, rate, loss, advice]
                for rate, loss in zip(curve.rates.tolist(), curve.loss.tolist(), strict=True)
            ]
        return rows
