"""The gradient norm of every layer at every step, one heat map a lane."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.views import multiples as cells
from initviz.views.axes import Axis, Tick, growing_end
from initviz.views.base import View
from initviz.views.color_bar import bar_width, draw_color_bar, words
from initviz.views.ink import Ink
from initviz.views.lane_status import diverged_at, status_text
from initviz.views.layers import layer_axis, layer_heading, layer_ticks
from initviz.views.magnitude import HIGH_DECADES, LOW_DECADES, Codes, magnitude_codes, magnitude_table, peaks
from initviz.views.multiples import Cell, Multiples
from initviz.views.numbers import significant, whole
from initviz.views.plot import Readout, ReadoutRow
from initviz.views.saving import Row

_BAR_FROM = 300.0
"""Width of the canvas from which there is room for the colour bar."""


class GradNormMapView(View):
    """Layer by step, layer 1 at the bottom, the same colours in every lane."""

    KEY = "grad_norm_map"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._multiples: Multiples | None = None

    def title(self) -> str:
        return self.tr("Gradient norm, layer by step")

    def sentence(self) -> str:
        return self.tr(
            "An even colour from bottom to top is a start that lets every layer learn; grey layers get no gradient,"
            " and red ones far too much."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nThe gradient of every layer appears here as a colour, step by step, layer 1 at the"
            " bottom."
        )

    def cells(self) -> tuple[Cell, ...]:
        """Return the small plots as they were last drawn."""
        return self._multiples.cells if self._multiples is not None else ()

    def version(self) -> int:
        if self.history is None or self.info is None or self.history.last_step < 0:
            return -1
        # All columns but the last stand still, and it changes only when a larger norm comes.
        heat = self.history.grad_norm_map()
        end = growing_end(self.history.last_step, self.info.total_steps)
        notes = tuple(status_text(self.history, lane) for lane in range(len(self.info.lanes)))
        return hash((len(heat.step_edges), heat.step_edges[-1], heat.values[..., -1].tobytes(), end, notes))

    def draw(self, ink: Ink, area: QRectF) -> None:
        assert self.history is not None
        assert self.info is not None
        bar = bar_width(self.theme) + 10 if area.width() >= _BAR_FROM else 0.0
        maps = area.adjusted(0, 0, -bar, 0)
        layers = layer_axis(self.info.num_layers)
        ticks = layer_ticks(layers, max(60.0, area.height() / 2), self.theme)
        end = growing_end(self.history.last_step, self.info.total_steps)
        multiples = cells.arrange(self, maps, Axis(0.0, float(end)), layers, 1.3, ticks)
        if ink.painter.device() is self.canvas.image:
            self._multiples = multiples
        notes = tuple(status_text(self.history, cell.lane) for cell in multiples.cells)
        self.backdrop(
            ink,
            (multiples.key, bar, notes),
            lambda target: self._draw_backdrop(target, area, multiples, ticks, bar),
        )
        heat = self.history.grad_norm_map()
        if heat.values.shape[2]:
            plot = multiples.cells[0].plot
            left, right = plot.px(heat.step_edges[[0, -1]]).tolist()
            values = peaks(heat.values, 2, math.ceil((right - left) * ink.scale))
            codes = magnitude_codes(peaks(values, 1, int(plot.rect.height() * ink.scale)))
            for cell in multiples.cells:
                shift = cell.plot.rect.left() - plot.rect.left()
                self._draw_map(ink, cell, codes[cell.lane], left + shift, right + shift)

    def _draw_backdrop(
        self, ink: Ink, area: QRectF, multiples: Multiples, ticks: tuple[Tick, ...], bar: float
    ) -> None:
        ink.fill(area, self.theme.surface)
        cells.draw_numbers(self, ink, multiples, self.tr("step"), y_ticks=ticks)
        cells.draw_names(self, ink, multiples, lambda lane: status_text(self.history, lane))
        if bar:
            top = multiples.cells[0].plot.rect.top() - 8
            bottom = multiples.cells[-1].plot.rect.bottom() + 8
            height = min(bottom - top, 240.0 * self.theme.small_px / 11)
            draw_color_bar(ink, QRectF(area.right() - bar + 6, top, bar, height))

    def _draw_map(self, ink: Ink, cell: Cell, codes: Codes, left: float, right: float) -> None:
        assert self.info is not None
        plot = cell.plot
        share = len(self.info.lanes[cell.lane].layers) / self.info.num_layers
        height = share * plot.rect.height()
        rect = QRectF(left, plot.rect.bottom() - height, min(right, plot.rect.right()) - left, height)
        held = codes[: max(1, round(share * len(codes)))]
        ink.picture(rect, held[::-1], magnitude_table(self.theme))
        died = diverged_at(self.history, cell.lane)
        if died is not None:
            x = float(np.clip(plot.px(np.array(float(died))), plot.rect.left() + 7, plot.rect.right() - 7))
            ink.death(x, plot.rect.center().y(), self.lane_style(cell.lane).color)

    def read_out(self, place: QPointF) -> Readout | None:
        cell = self._multiples.at(place) if self._multiples is not None else None
        if cell is None or self.info is None or self.history is None:
            return None
        plot, heat = cell.plot, self.history.grad_norm_map()
        up = (plot.rect.bottom() - place.y()) / plot.rect.height()
        layer = int(np.clip(math.floor(up * self.info.num_layers), 0, self.info.num_layers - 1))
        across = (place.x() - plot.rect.left()) / plot.rect.width()
        step = plot.x.low + across * (plot.x.high - plot.x.low)
        columns = heat.values.shape[2]
        if not columns or step > heat.step_edges[-1] or layer >= len(self.info.lanes[cell.lane].layers):
            return None
        column = int(np.clip(np.searchsorted(heat.step_edges, step, side="right") - 1, 0, columns - 1))
        decades = float(heat.values[cell.lane, layer, column])
        vanished, exploded = words()
        verdict = vanished if decades < LOW_DECADES else exploded if decades > HIGH_DECADES else ""
        text = f"{significant(Axis(0, 1, log=True).value(decades) if not math.isnan(decades) else decades)} {verdict}"
        first, last = (round(float(edge)) for edge in heat.step_edges[column : column + 2])
        steps = whole(first) if last - first <= 1 else f"{whole(first)}–{whole(last - 1)}"
        heading = self.tr("step {step}").format(step=steps)
        name = layer_heading(self.info, layer, cell.lane)
        row = ReadoutRow(cell.lane, name, text.strip())
        return Readout(plot.rect, heading, (row,), x=place.x(), y=place.y())

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [["lane", "layer", "name", "first_step", "end_step", "max_log10_grad_norm"]]
        if self.history is None:
            return rows
        heat = self.history.grad_norm_map()
        edges = heat.step_edges.tolist()
        for index, lane in enumerate(self.info.lanes):
            for layer, name in enumerate(lane.layers):
                rows += [
                    [lane.name, layer + 1, name, int(first), int(end), value]
                    for first, end, value in zip(
                        edges[:-1], edges[1:], heat.values[index, layer].tolist(), strict=True
                    )
                ]
        return rows
