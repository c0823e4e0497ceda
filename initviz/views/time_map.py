"""How one layer's histogram changes over the steps, one heat map a lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, QRectF

from initviz.telemetry.heatmap import HistogramMap
from initviz.views import multiples as cells
from initviz.views.axes import Axis, growing_end
from initviz.views.ink import Ink
from initviz.views.magnitude import peaks, share_codes, share_table
from initviz.views.multiples import Multiples
from initviz.views.numbers import percent, significant, whole
from initviz.views.plot import Readout, ReadoutRow

if TYPE_CHECKING:
    from initviz.views.histograms import HistogramView


class TimeMap:
    """Draws value by step of a histogram view. Each map is scaled to its own peak."""

    def __init__(self, view: HistogramView) -> None:
        self._view = view
        self._multiples: Multiples | None = None

    def draw(self, ink: Ink, area: QRectF) -> None:
        """Draw into ``area``."""
        view = self._view
        assert view.info is not None
        assert view.history is not None
        end = growing_end(view.history.last_step, view.info.total_steps)
        multiples = cells.arrange(view, area, Axis(0.0, float(end)), view.value_axis(), 1.5)
        if ink.painter.device() is view.canvas.image:
            self._multiples = multiples
        view.backdrop(ink, multiples.key, lambda target: self._draw_backdrop(target, area, multiples))
        table = share_table(view.theme)
        for cell in multiples.cells:
            found = self._map(cell.lane)
            if found is None or not found.share.size:
                continue
            plot = cell.plot
            x, y = (
                plot.px(found.step_edges[[0, -1]]),
                plot.rect.bottom() - plot.y.share(found.edges[[0, -1]]) * plot.rect.height(),
            )
            share = peaks(found.share, 0, max(1, int((y[0] - y[1]) * ink.scale)))
            share = peaks(share, 1, max(1, int((x[1] - x[0]) * ink.scale)))
            codes = share_codes(share, float(share.max()))
            ink.clip(plot.rect)
            ink.picture(
                QRectF(float(x[0]), float(y[1]), float(x[1] - x[0]), float(y[0] - y[1])), codes[::-1], table
            )
            ink.clip(None)

    def _map(self, lane: int) -> HistogramMap | None:
        view = self._view
        if view.history is None or view.info is None:
            return None
        layer = view.time_layer()
        if layer >= len(view.info.lanes[lane].layers):
            return None
        return view.history.histogram_map(view.QUANTITY, lane, layer)

    def _draw_backdrop(self, ink: Ink, area: QRectF, multiples: Multiples) -> None:
        view = self._view
        ink.fill(area, view.theme.surface)
        cells.draw_numbers(view, ink, multiples, QCoreApplication.translate("View", "step"))
        cells.draw_names(view, ink, multiples, lambda lane: "")

    def read_out(self, place: QPointF) -> Readout | None:
        """Return the share of values in the bin at ``place``, at that step."""
        cell = self._multiples.at(place) if self._multiples is not None else None
        found = self._map(cell.lane) if cell is not None else None
        if cell is None or found is None or not found.share.size:
            return None
        plot = cell.plot
        step = plot.x.low + (place.x() - plot.rect.left()) / plot.rect.width() * (plot.x.high - plot.x.low)
        up = (plot.rect.bottom() - place.y()) / plot.rect.height()
        coordinate = plot.y.low + up * (plot.y.high - plot.y.low)
        if not found.step_edges[0] <= step <= found.step_edges[-1]:
            return None
        rows, columns = found.share.shape
        column = int(np.clip(np.searchsorted(found.step_edges, step, side="right") - 1, 0, columns - 1))
        row = int(np.clip(np.searchsorted(found.edges, coordinate, side="right") - 1, 0, rows - 1))
        low, high = (plot.y.value(float(edge)) for edge in found.edges[row : row + 2])
        share = percent(float(found.share[row, column]))
        heading = QCoreApplication.translate("View", "step {step}").format(step=whole(round(step)))
        line = ReadoutRow(cell.lane, f"{significant(low)} … {significant(high)}", share)
        return Readout(plot.rect, heading, (line,), x=place.x(), y=place.y())
