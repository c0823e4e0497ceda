"""Ridge lines: one bell a layer above the next, the lane in focus filled, the others as outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QPointF, QRectF

from initviz.telemetry.frame import Floats, Histogram
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import plot as plots
from initviz.views.axes import Axis, Tick
from initviz.views.ink import Ink
from initviz.views.lane_legend import draw_legend, legend_height
from initviz.views.lane_status import diverged_at
from initviz.views.layers import layer_heading, layer_name
from initviz.views.numbers import percent, significant
from initviz.views.plot import Plot, Readout, ReadoutRow

if TYPE_CHECKING:
    from initviz.views.histograms import HistogramView

_OVERLAP = 1.25
"""Height of a ridge in rows."""
_FILL_ALPHA = 90
_OUTSIDE_FROM = 0.01
"""Share of values out of range from which it is said at the edge."""


class Ridges:
    """Draws the ridge lines of a histogram view.

    Every lane and layer is scaled to its own peak: what counts is where a bell lies and how wide it is.

    Attributes:
        plot: The data rectangle as it was last drawn, with rows from 0 for the first layer, or None.
    """

    def __init__(self, view: HistogramView) -> None:
        self._view = view
        self.plot: Plot | None = None

    def draw(self, ink: Ink, area: QRectF) -> None:
        """Draw into ``area``."""
        view, theme = self._view, self._view.theme
        assert view.info is not None
        histogram, axis = view.histogram(), view.value_axis()
        layers = view.info.num_layers
        names = self._names(area, layers)
        left = 8.0 * np.ceil((max(lettering.text_width(t.label, theme.small_px) for t in names) + 8) / 8) + 4
        across = max(40.0, area.width() - left - 14)
        head = legend_height(view, across + 8, area.height())
        height = max(24.0, area.height() - head - plots.axis_height(theme) - 4)
        rect = QRectF(area.left() + left, area.top() + head, across, height)
        # Rows from 0 for the first layer; the topmost ridge needs room above its row.
        plot = Plot(rect, axis, Axis(-0.1, layers - 1 + _OVERLAP + 0.05))
        if ink.painter.device() is view.canvas.image:
            self.plot = plot
        dead = tuple(diverged_at(view.history, lane) is not None for lane in view.shown_lanes())
        key = (plot.key, tuple(names), dead)
        view.backdrop(ink, key, lambda target: self._draw_backdrop(target, area, plot, names))
        self._draw_ridges(ink, plot, histogram)
        self._draw_outside(ink, plot, histogram)

    def _names(self, area: QRectF, layers: int) -> tuple[Tick, ...]:
        view = self._view
        assert view.info is not None
        size = view.theme.small_px
        room = min(110.0, 0.26 * area.width())
        every = max(1, int(np.ceil(layers * (size + 2) / max(1.0, area.height() - 60))))
        return tuple(
            Tick(float(layer), lettering.elide(layer_name(view.info, layer, view.focus_lane), room, size))
            for layer in range(layers)
            if layer % every == 0
        )

    def _draw_backdrop(self, ink: Ink, area: QRectF, plot: Plot, names: tuple[Tick, ...]) -> None:
        view, rect, theme = self._view, plot.rect, self._view.theme
        ink.fill(area, theme.surface)
        for tick in plot.x_ticks(theme):
            x = round(float(plot.px(np.array(tick.at)))) + 0.5
            if tick.label and rect.left() - 1 <= x <= rect.right() + 1:
                ink.line(x, rect.top(), x, rect.bottom(), theme.grid)
        plots.draw_backdrop(ink, plot, "", view.axis_title(), bare=True)
        across = QRectF(rect.left() - 4, area.top(), rect.width() + 8, rect.top() - area.top())
        draw_legend(view, ink, across, area.height())
        assert view.info is not None
        for layer in range(view.info.num_layers):
            y = round(float(plot.py(np.array(float(layer))))) + 0.5
            ink.line(rect.left(), y, rect.right(), y, theme.border)
        for tick in names:
            y = float(plot.py(np.array(tick.at)))
            ink.text(rect.left() - 6, y - 2, tick.label, theme.muted, theme.small_px, inks.RIGHT)

    def _heights(self, plot: Plot, histogram: Histogram) -> tuple[Floats, Floats]:
        """Return the pixels of the bin centres ``(n,)`` and of the ridges ``(K, L, n)``, cut to the range."""
        edges = histogram.edges
        # One bin more at either end, so that a line that leaves the range does not stop short of its edge.
        first = max(0, int(np.searchsorted(edges, plot.x.low, side="right")) - 2)
        last = min(len(edges) - 1, int(np.searchsorted(edges, plot.x.high)) + 1)
        bins = slice(first, max(last, first + 1))
        counts = _softened(histogram.counts[:, :, bins])
        peaks = counts.max(axis=2, keepdims=True)
        x = plot.px((edges[:-1][bins] + edges[1:][bins]) / 2)
        layers = np.arange(counts.shape[1], dtype=np.float64)[None, :, None]
        return x, plot.py(layers + _OVERLAP * 0.94 * counts / np.maximum(peaks, 1e-9))

    def _draw_ridges(self, ink: Ink, plot: Plot, histogram: Histogram) -> None:
        view = self._view
        x, y = self._heights(plot, histogram)
        base = plot.py(np.arange(y.shape[1], dtype=np.float64))
        raised = y < base[None, :, None] - 0.4
        # A stretch is drawn where either end is raised: the flat rest is the base line, which is there already.
        drawn = raised[:, :, :-1] | raised[:, :, 1:]
        ends = np.stack(
            (
                np.broadcast_to(x[:-1], drawn.shape),
                y[:, :, :-1],
                np.broadcast_to(x[1:], drawn.shape),
                y[:, :, 1:],
            ),
            axis=3,
        )
        focus = view.focus_lane
        ink.clip(plot.rect.adjusted(0, -2, 0, 2))
        width = view.theme.line_width
        if focus not in view.hidden_lanes:
            self._fill(ink, x, y[focus], base, view.lane_style(focus).color)
        for lane in view.painting_order():
            thick = width + 0.5 if lane == focus else 0.67 * width + 0.33
            alpha = 255 if lane == focus or len(view.shown_lanes()) <= 6 else 140
            ink.segments(ends[lane][drawn[lane]], view.lane_style(lane).color, thick, alpha)
        ink.clip(None)

    @staticmethod
    def _fill(ink: Ink, x: Floats, y: Floats, base: Floats, color: str) -> None:
        """Fill the ridges ``(L, n)`` of one lane down to their base lines, every other one in one go.

        Neighbours overlap, but a ridge never reaches the one after the next. From one to another the outline runs
        along the left edge, there and back.
        """
        across = np.concatenate((x[:1], x, x[-1:], x[:1]))
        for first in range(min(2, len(base))):
            floor = base[first::2, None]
            outline = np.concatenate((floor, y[first::2], floor, floor), axis=1)
            ink.area(np.tile(across, len(floor)), outline.ravel(), color, _FILL_ALPHA)

    def _draw_outside(self, ink: Ink, plot: Plot, histogram: Histogram) -> None:
        """Say at the edges what share of the lane in focus lies out of range, and where there are no numbers."""
        view = self._view
        focus, size = view.focus_lane, view.theme.small_px
        row = plot.rect.height() / histogram.counts.shape[1]
        if focus in view.hidden_lanes or row < size:
            return
        below, above, broken = outside(histogram, plot.x, focus)
        color = view.lane_style(focus).ink
        for layer in range(len(below)):
            y = float(plot.py(np.array(layer + 0.4)))
            if broken[layer] > 0:
                text = QCoreApplication.translate("View", "not finite")
                ink.text(plot.rect.center().x(), y, f"✕ {text}", color, size, inks.CENTER, halo=True)
                continue
            if below[layer] >= _OUTSIDE_FROM:
                ink.text(plot.rect.left() + 2, y, f"◂ {percent(float(below[layer]))}", color, size, halo=True)
            if above[layer] >= _OUTSIDE_FROM:
                text = f"{percent(float(above[layer]))} ▸"
                ink.text(plot.rect.right() - 2, y, text, color, size, inks.RIGHT, halo=True)

    def read_out(self, place: QPointF) -> Readout | None:
        """Return the share of each lane's values in the bin at ``place``."""
        view, plot = self._view, self.plot
        if plot is None or view.info is None or not plot.rect.contains(place):
            return None
        histogram = view.histogram()
        layers = view.info.num_layers
        height = (plot.rect.bottom() - place.y()) / plot.rect.height() * (plot.y.high - plot.y.low)
        layer = int(np.clip(np.floor(plot.y.low + height), 0, layers - 1))
        share = (place.x() - plot.rect.left()) / plot.rect.width()
        coordinate = plot.x.low + share * (plot.x.high - plot.x.low)
        last = len(histogram.edges) - 2
        place_of_bin = int(np.clip(np.searchsorted(histogram.edges, coordinate, side="right") - 1, 0, last))
        low, high = (plot.x.value(float(edge)) for edge in histogram.edges[place_of_bin : place_of_bin + 2])
        heading = (
            f"{layer_heading(view.info, layer, view.focus_lane)}   {significant(low)} … {significant(high)}"
        )
        rows = []
        for lane in view.shown_lanes():
            total = total_count(histogram, lane, layer)
            part = float(histogram.counts[lane, layer, place_of_bin]) / total if total else float("nan")
            rows.append(ReadoutRow(lane, view.lane_name(lane), percent(part)))
        return Readout(plot.rect, heading, tuple(rows), x=place.x(), y=float(plot.py(np.array(float(layer)))))


def _softened(counts: NDArray[np.int64]) -> Floats:
    """Average each bin with its neighbours, 1 to 2 to 1: a sample of a thousand values is ragged."""
    padded = np.pad(counts, ((0, 0), (0, 0), (1, 1)))
    return np.asarray((padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4)


def total_count(histogram: Histogram, lane: int, layer: int) -> int:
    """Return how many values were counted, wherever they lie."""
    return int(
        histogram.counts[lane, layer].sum()
        + histogram.below[lane, layer]
        + histogram.above[lane, layer]
        + histogram.not_finite[lane, layer]
    )


def outside(histogram: Histogram, axis: Axis, lane: int) -> tuple[Floats, Floats, Floats]:
    """Return the shares of values left of the axis, right of it and not finite, ``(L,)`` each."""
    edges, counts = histogram.edges, histogram.counts[lane]
    left = counts[:, edges[1:] <= axis.low].sum(axis=1) + histogram.below[lane]
    right = counts[:, edges[:-1] >= axis.high].sum(axis=1) + histogram.above[lane]
    broken = histogram.not_finite[lane]
    total = np.maximum(counts.sum(axis=1) + histogram.below[lane] + histogram.above[lane] + broken, 1)
    return left / total, right / total, broken / total
