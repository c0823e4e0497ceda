"""The gradient norm of every layer now, as bars on a logarithmic axis, one row of bars a lane."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import multiples as cells
from initviz.views.axes import Axis, SteadyRange, Tick
from initviz.views.base import View
from initviz.views.color_bar import words
from initviz.views.ink import Ink
from initviz.views.lane_status import status_text
from initviz.views.layers import layer_axis, layer_heading, layer_ticks
from initviz.views.magnitude import HIGH_DECADES, LOW_DECADES
from initviz.views.multiples import Cell, Multiples
from initviz.views.numbers import significant
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row

_DECADES = (-45.0, 40.0)
_AVERAGED = 20
"""Latest steps whose geometric mean is shown: single batches make bars that shiver."""


class GradNormBarsView(View):
    """A bar a layer, for every lane; bands show where gradients have vanished or exploded."""

    KEY = "grad_norm_bars"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range = SteadyRange(log=True, least=3.0)
        self._multiples: Multiples | None = None

    def title(self) -> str:
        return self.tr("Gradient norm by layer")

    def sentence(self) -> str:
        return self.tr(
            "Bars of equal height mean that every layer learns; bars that shrink towards layer 1 are a gradient that"
            " vanishes, bars that grow one that explodes."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nThe gradient norm of every layer appears here as a bar, on a scale of powers of"
            " ten."
        )

    def forget(self) -> None:
        self._range.reset()

    def cells(self) -> tuple[Cell, ...]:
        """Return the small plots as they were last drawn."""
        return self._multiples.cells if self._multiples is not None else ()

    def norms(self) -> Floats:
        """Return the gradient norms ``(K, L)``: geometric mean of the latest steps; NaN where there are none."""
        assert self.history is not None
        rows = np.asarray(self.history.grad_norm().values[-_AVERAGED:], dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(rows)
            known = ~np.isnan(rows)
            sums = np.where(known, logs, 0.0).sum(axis=0)
            mean = np.exp(sums / np.maximum(known.sum(axis=0), 1))
        # A lane that has diverged keeps no bars: its last numbers would look like a result.
        return np.where(known[-1], mean, np.nan)

    def draw(self, ink: Ink, area: QRectF) -> None:
        assert self.info is not None
        norms = self.norms()
        axis = self._fit(norms)
        layers = layer_axis(self.info.num_layers)
        multiples = cells.arrange(self, area, layers, axis, 2.2)
        ticks = layer_ticks(layers, multiples.cells[0].plot.rect.width(), self.theme)
        if ink.painter.device() is self.canvas.image:
            self._multiples = multiples
        named = self._emptiest(multiples, norms)
        self.backdrop(
            ink,
            (multiples.key, named),
            lambda target: self._draw_backdrop(target, area, multiples, ticks, named),
        )
        for cell in multiples.cells:
            self._draw_bars(ink, cell, norms)
        cells.draw_names(self, ink, multiples, lambda lane: status_text(self.history, lane), framed=False)

    def _fit(self, norms: Floats) -> Axis:
        values = norms[self.shown_lanes()]
        values = values[np.isfinite(values) & (values > 0)]
        if not len(values):
            return self._range.fit(-8.0, 1.0)
        decades = np.clip(np.log10(values), *_DECADES)
        return self._range.fit(float(decades.min()) - 0.3, float(decades.max()) + 0.2)

    @staticmethod
    def _emptiest(multiples: Multiples, norms: Floats) -> int:
        """Return the lane whose first bars are lowest, so that there is room to name the bands."""
        third = max(1, norms.shape[1] // 3)
        heights = np.nan_to_num(norms[:, :third], nan=np.inf).max(axis=1)
        return min((cell.lane for cell in multiples.cells), key=lambda lane: float(heights[lane]))

    def _draw_backdrop(
        self, ink: Ink, area: QRectF, multiples: Multiples, ticks: tuple[Tick, ...], named: int
    ) -> None:
        theme = self.theme
        ink.fill(area, theme.surface)
        vanished, exploded = words()
        for cell in multiples.cells:
            plot = cell.plot
            bands = (
                (plot.y.low, LOW_DECADES, theme.vanished, vanished),
                (HIGH_DECADES, plot.y.high, theme.exploded, exploded),
            )
            for low, high, color, _ in bands:
                self._draw_band(ink, plot, low, high, color)
            for tick in plot.y_ticks(theme):
                y = round(float(plot.py(np.array(tick.at)))) + 0.5
                if tick.label:
                    ink.line(plot.rect.left(), y, plot.rect.right(), y, theme.grid)
            bottom = round(plot.rect.bottom()) + 0.5
            ink.line(plot.rect.left(), bottom, plot.rect.right(), bottom, theme.axis)
            for low, high, _, text in bands if cell.lane == named else ():
                self._name_band(ink, plot, low, high, text)
        cells.draw_numbers(self, ink, multiples, self.tr("layer"), x_ticks=ticks)

    @staticmethod
    def _draw_band(ink: Ink, plot: Plot, low: float, high: float, color: str) -> None:
        if min(high, plot.y.high) > max(low, plot.y.low):
            bottom, top = plot.py_inside(np.array([low, high])).tolist()
            ink.fill(QRectF(plot.rect.left(), top, plot.rect.width(), bottom - top), color, 60)

    def _name_band(self, ink: Ink, plot: Plot, low: float, high: float, text: str) -> None:
        bottom, top = plot.py_inside(np.array([low, high])).tolist()
        size = self.theme.small_px
        if bottom - top > 2.4 * size + 16:  # "exactly 0" stands below
            ink.text(plot.rect.left() + 6, top + 5 + size / 2, text, self.theme.muted, size)

    def _draw_bars(self, ink: Ink, cell: Cell, norms: Floats) -> None:
        plot, style = cell.plot, self.lane_style(cell.lane)
        rect = plot.rect
        values = norms[cell.lane]
        count = len(values)
        x = plot.px(np.arange(1, count + 1, dtype=np.float64))
        pitch = rect.width() / count
        width = max(1.0, pitch - max(1.0, 0.25 * pitch)) if pitch >= 3 else pitch
        tops = plot.py_inside(plot.y.coordinates(values))
        known = np.isfinite(tops) & (values > 0)
        bars = np.stack((x - width / 2, tops, np.full(count, width), rect.bottom() - tops), axis=1)
        ink.bars(bars[known], style.color)
        zero = np.flatnonzero(values == 0)
        size = self.theme.small_px
        if len(zero):
            ink.dots(
                x[zero], np.full(len(zero), rect.bottom() - 3.5), style.color, min(5.0, pitch), hollow=True
            )
            if len(zero) > count / 2:
                text = lettering.elide(self.tr("○ exactly 0"), rect.width() - 8, size)
                ink.text(rect.left() + 6, rect.bottom() - 12 - size / 2, text, style.ink, size, halo=True)
        if not known.any() and not len(zero):
            text = lettering.elide(self.tr("no gradient any more"), rect.width() - 4, size)
            ink.text(rect.center().x(), rect.center().y(), text, self.theme.muted, size, inks.CENTER)

    def read_out(self, place: QPointF) -> Readout | None:
        cell = self._multiples.at(place) if self._multiples is not None else None
        if cell is None or self.info is None:
            return None
        plot, norms = cell.plot, self.norms()
        share = (place.x() - plot.rect.left()) / plot.rect.width()
        layer = int(np.clip(np.floor(share * self.info.num_layers), 0, self.info.num_layers - 1))
        rows = tuple(
            ReadoutRow(lane, self.lane_name(lane), significant(float(norms[lane, layer])))
            for lane in self.shown_lanes()
        )
        x = float(plot.px(np.array(layer + 1.0)))
        return Readout(plot.rect, layer_heading(self.info, layer, cell.lane), rows, x=x)

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [["lane", "layer", "name", "grad_norm"]]
        if not self.has_data():
            return rows
        norms = self.norms()
        rows += [
            [lane.name, layer + 1, name, float(norms[index, layer])]
            for index, lane in enumerate(self.info.lanes)
            for layer, name in enumerate(lane.layers)
        ]
        return rows
