"""One heat map a lane: a row a layer, a column a bin. Legible where ridge lines are too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from initviz.views import multiples as cells
from initviz.views.axes import Tick
from initviz.views.ink import Ink
from initviz.views.layers import layer_axis, layer_heading, layer_ticks
from initviz.views.magnitude import peaks, share_codes, share_table
from initviz.views.multiples import Multiples
from initviz.views.numbers import percent, significant
from initviz.views.plot import Readout, ReadoutRow
from initviz.views.ridges import total_count

if TYPE_CHECKING:
    from initviz.views.histograms import HistogramView


class LayerMaps:
    """Draws layer by value of a histogram view. Each row is scaled to its own peak."""

    def __init__(self, view: HistogramView) -> None:
        self._view = view
        self._multiples: Multiples | None = None

    def draw(self, ink: Ink, area: QRectF) -> None:
        """Draw into ``area``."""
        view = self._view
        assert view.info is not None
        histogram = view.histogram()
        layers = view.info.num_layers
        y = layer_axis(layers)
        ticks = layer_ticks(y, max(60.0, area.height() / 2), view.theme)
        multiples = cells.arrange(view, area, view.value_axis(), y, 1.1, ticks)
        if ink.painter.device() is view.canvas.image:
            self._multiples = multiples
        title = view.axis_title()
        view.backdrop(
            ink, (multiples.key, title), lambda target: self._draw_backdrop(target, area, multiples, ticks)
        )
        edges, table = histogram.edges, share_table(view.theme)
        for cell in multiples.cells:
            counts = histogram.counts[cell.lane].astype(np.float64)
            depth = len(view.info.lanes[cell.lane].layers)
            share = counts / np.maximum(counts.max(axis=1, keepdims=True), 1)
            share[histogram.not_finite[cell.lane] > 0] = np.nan
            plot = cell.plot
            x = plot.px(edges[[0, -1]])
            # Qt leaves out what is narrower than a pixel, and a start of zeros fills a single bin.
            share = peaks(share, 1, max(1, int((x[1] - x[0]) * ink.scale)))
            down = plot.rect.height() * depth / layers
            codes = share_codes(peaks(share[:depth], 0, max(1, int(down * ink.scale))), 1.0)
            ink.clip(plot.rect)
            ink.picture(
                QRectF(float(x[0]), plot.rect.bottom() - down, float(x[1] - x[0]), down),
                codes[::-1],
                table,
            )
            ink.clip(None)

    def _draw_backdrop(self, ink: Ink, area: QRectF, multiples: Multiples, ticks: tuple[Tick, ...]) -> None:
        ink.fill(area, self._view.theme.surface)
        cells.draw_numbers(self._view, ink, multiples, self._view.axis_title(), y_ticks=ticks)
        cells.draw_names(self._view, ink, multiples, lambda lane: "")

    def read_out(self, place: QPointF) -> Readout | None:
        """Return the share of values in the bin at ``place``."""
        view = self._view
        cell = self._multiples.at(place) if self._multiples is not None else None
        if cell is None or view.info is None:
            return None
        histogram, plot = view.histogram(), cell.plot
        down = (plot.rect.bottom() - place.y()) / plot.rect.height()
        layer = int(np.clip(down * view.info.num_layers, 0, view.info.num_layers - 1))
        across = (place.x() - plot.rect.left()) / plot.rect.width()
        coordinate = plot.x.low + across * (plot.x.high - plot.x.low)
        found = int(np.searchsorted(histogram.edges, coordinate, side="right")) - 1
        found = min(max(0, found), len(histogram.edges) - 2)
        low, high = (plot.x.value(float(edge)) for edge in histogram.edges[found : found + 2])
        total = total_count(histogram, cell.lane, layer)
        part = float(histogram.counts[cell.lane, layer, found]) / total if total else float("nan")
        row = ReadoutRow(cell.lane, f"{significant(low)} … {significant(high)}", percent(part))
        heading = layer_heading(view.info, layer, cell.lane)
        return Readout(plot.rect, heading, (row,), x=place.x(), y=place.y())
