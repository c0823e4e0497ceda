"""How large the signal is that flows forward, and the gradient that flows back, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats, Signal
from initviz.views import plot as plots
from initviz.views.axes import Axis, SteadyRange
from initviz.views.base import View
from initviz.views.end_labels import EndLabel, draw_end_labels, label_room
from initviz.views.ink import Ink
from initviz.views.lane_legend import draw_legend, legend_height
from initviz.views.lane_status import diverged_at
from initviz.views.layers import layer_axis, layer_heading, layer_ticks
from initviz.views.numbers import significant
from initviz.views.palette import mix
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row

_WIDE = 1.7
"""Width over height of the canvas above which the plots stand side by side."""
_NAMED_WIDTH = 190.0
"""Width of one of two plots side by side below which names would leave no room for lines."""
_HOLLOW_FROM, _DOTS_FROM = 10.0, 7.0
"""Distance between layers in pixels from which points are drawn."""
_DECADES = (-45.0, 40.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Quantity:
    """One plot.

    Attributes:
        caption: Name and unit.
        short: The same in few characters.
        start: ``(K, L)`` at the first frame.
        now: ``(K, L)`` at the latest.
        axis: Range in decades.
    """

    caption: str
    short: str
    start: Floats
    now: Floats
    axis: Axis


class SignalView(View):
    """Mean squares of pre-activations and of their gradients by layer: hollow at the start, filled now."""

    KEY = "signal"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ranges = (SteadyRange(log=True, least=1.0), SteadyRange(log=True, least=1.0))
        self._layout: list[tuple[Plot, _Quantity]] = []

    def title(self) -> str:
        return self.tr("Signal by layer")

    def sentence(self) -> str:
        return self.tr(
            "A good start keeps both curves level: where one falls or climbs layer by layer, the signal or the"
            " gradient vanishes or explodes with depth."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nHow strong the signal is in each layer appears here: forward on its way in, and"
            " the gradient on its way back."
        )

    def version(self) -> int:
        return self.frame_version()

    def has_data(self) -> bool:
        return self.history is not None and self.history.frame is not None

    def forget(self) -> None:
        for held in self._ranges:
            held.reset()

    def plots(self) -> list[Plot]:
        """Return the forward and the backward plot as they were last drawn."""
        return [plot for plot, _ in self._layout]

    def _quantities(self) -> tuple[_Quantity, _Quantity]:
        assert self.history is not None
        assert self.history.frame is not None
        now = self.history.frame.signal
        start = self.history.first_frame.signal if self.history.first_frame is not None else now
        forward = (self.tr("forward signal, E[z²]"), "E[z²]", start.preactivation_q, now.preactivation_q)
        backward = (
            self.tr("backward gradient, E[(∂C/∂z)²]"),
            "E[(∂C/∂z)²]",
            start.grad_preactivation_q,
            now.grad_preactivation_q,
        )
        made = [
            _Quantity(caption, short, first, latest, self._fit(held, first, latest))
            for held, (caption, short, first, latest) in zip(self._ranges, (forward, backward), strict=True)
        ]
        return made[0], made[1]

    def _fit(self, held: SteadyRange, start: Floats, now: Floats) -> Axis:
        lanes = self.shown_lanes()
        values = np.concatenate((start[lanes].ravel(), now[lanes].ravel()))
        values = values[np.isfinite(values) & (values > 0)]
        if not len(values):
            return held.fit(-1.0, 1.0)
        decades = np.clip(np.log10(values), *_DECADES)
        low, high = float(decades.min()), float(decades.max())
        spare = 0.1 + 0.03 * (high - low)
        return held.fit(low - spare, high + spare)

    def draw(self, ink: Ink, area: QRectF) -> None:
        quantities = self._quantities()
        wide = area.width() > _WIDE * area.height()
        layout = self._arrange(quantities, area, wide)
        if ink.painter.device() is self.canvas.image:
            self._layout = layout
        assert self.history is not None
        # The start stays as it was, so it is part of the backdrop.
        key = (id(self.history.first_frame), wide, self._dead(), *(plot.key for plot, _ in layout))
        self.backdrop(ink, key, lambda target: self._draw_backdrop(target, area, layout, wide))
        for plot, quantity in layout:
            self._draw_now(ink, plot, quantity)
        # The lines of the backward plot meet at the output, where names would say nothing.
        self._draw_labels(ink, *layout[0], area.center().x() if wide else area.right())
        if wide and area.width() / 2 <= _NAMED_WIDTH:
            rect = area.adjusted(10, 0, -8, 0)
            draw_legend(self, ink, QRectF(rect.left(), area.top(), rect.width(), 0), area.height())

    def _dead(self) -> tuple[bool, ...]:
        return tuple(diverged_at(self.history, lane) is not None for lane in self.shown_lanes())

    def _arrange(
        self, quantities: tuple[_Quantity, _Quantity], area: QRectF, wide: bool
    ) -> list[tuple[Plot, _Quantity]]:
        assert self.info is not None
        theme = self.theme
        captions, below = plots.caption_height(theme), plots.axis_height(theme)
        x = layer_axis(self.info.num_layers)
        labels = [EndLabel(lane, 0.0, 0.0, "") for lane in self.shown_lanes()]
        layout = []
        if wide:
            half = area.width() / 2
            head = self._legend_height(area) if half <= _NAMED_WIDTH else 0.0
            height = max(20.0, area.height() - head - captions - below - 6)
            for place, quantity in enumerate(quantities):
                left = plots.axis_width(quantity.axis, height, theme) + 4
                room = label_room(self, labels, half) if place == 0 and half > _NAMED_WIDTH else 12.0
                rect = QRectF(
                    area.left() + place * half + left,
                    area.top() + head + captions + 2,
                    max(40.0, half - left - room - 6),
                    height,
                )
                layout.append((Plot(rect, x, quantity.axis), quantity))
            return layout
        height = max(20.0, (area.height() - below - 2 * captions - 12) / 2)
        left = max(plots.axis_width(quantity.axis, height, theme) for quantity in quantities) + 4
        room = label_room(self, labels, area.width())
        top = area.top() + 2
        for quantity in quantities:
            rect = QRectF(
                area.left() + left, top + captions, max(40.0, area.width() - left - room - 6), height
            )
            layout.append((Plot(rect, x, quantity.axis), quantity))
            top += captions + height + 6
        return layout

    def _legend_height(self, area: QRectF) -> float:
        return legend_height(self, area.width() - 18, area.height())

    def _draw_backdrop(
        self, ink: Ink, area: QRectF, layout: list[tuple[Plot, _Quantity]], wide: bool
    ) -> None:
        ink.fill(area, self.theme.surface)
        for place, (plot, quantity) in enumerate(layout):
            titled = wide or place == len(layout) - 1
            note = self.tr("○ at the start  ● now") if place == 0 else ""
            plots.draw_backdrop(
                ink,
                plot,
                plots.fitting((quantity.caption, quantity.short), plot.rect, self.theme),
                self.tr("layer") if titled else "",
                layer_ticks(plot.x, plot.rect.width(), self.theme),
                note,
            )
            self._draw_start(ink, plot, quantity)

    def _draw_start(self, ink: Ink, plot: Plot, quantity: _Quantity) -> None:
        x, spacing, diameter = self._places(plot, quantity)
        values = plot.py_inside(plot.y.coordinates(quantity.start))
        for lane in self.painting_order():
            color = mix(self.lane_style(lane).color, self.theme.surface, 0.5)
            ink.curve(x, values[lane], color, self.theme.line_width)
            if spacing >= _HOLLOW_FROM:
                ink.dots(x, values[lane], self.lane_style(lane).color, diameter + 1.2, hollow=True)

    def _draw_now(self, ink: Ink, plot: Plot, quantity: _Quantity) -> None:
        x, spacing, diameter = self._places(plot, quantity)
        values = plot.py_inside(plot.y.coordinates(quantity.now))
        width = self.theme.line_width
        for lane in self.painting_order():
            style = self.lane_style(lane)
            thick = width + 1 if lane == self.focus_lane else width
            ink.curve(x, values[lane], style.color, thick, style.dash)
            if spacing >= _DOTS_FROM:
                ink.dots(x, values[lane], style.color, diameter)

    def _places(self, plot: Plot, quantity: _Quantity) -> tuple[Floats, float, float]:
        """Return the pixels of the layers, how far apart they are, and how large a point may be."""
        count = quantity.now.shape[1]
        spacing = plot.rect.width() / count
        diameter = min(4.5, spacing / 2) + 2 * (self.theme.line_width - 1)
        return plot.px(np.arange(1, count + 1, dtype=np.float64)), spacing, diameter

    def _draw_labels(self, ink: Ink, plot: Plot, quantity: _Quantity, right: float) -> None:
        assert self.history is not None
        assert self.history.frame is not None
        assert self.info is not None
        if right - plot.rect.right() < 24:
            return
        places = []
        for lane in self.shown_lanes():
            values, died = quantity.now[lane], self.history.frame.lanes[lane].diverged_at
            held = np.flatnonzero(~np.isnan(values))
            if not len(held):
                values = quantity.start[lane]
                held = np.flatnonzero(~np.isnan(values))
            if len(held):
                layer = int(held[-1])
                y = float(plot.py_inside(plot.y.coordinates(np.array(values[layer]))))
                x = float(plot.px(np.array(layer + 1.0)))
                label = EndLabel(lane, float(died or 0), 0.0, "", died=died is not None)
                places.append((label, QPointF(x, y)))
        draw_end_labels(self, ink, plot.rect, places, right)

    def read_out(self, place: QPointF) -> Readout | None:
        found = next(
            (pair for pair in self._layout if pair[0].rect.adjusted(-8, -16, 8, 16).contains(place)), None
        )
        if found is None or self.info is None:
            return None
        plot, quantity = found
        count = self.info.num_layers
        share = (place.x() - plot.rect.left()) / plot.rect.width()
        layer = int(np.clip(round(plot.x.low + share * (plot.x.high - plot.x.low)), 1, count)) - 1
        x = float(plot.px(np.array(layer + 1.0)))
        rows = []
        for lane in self.shown_lanes():
            start, now = float(quantity.start[lane, layer]), float(quantity.now[lane, layer])
            y = float(plot.py_inside(plot.y.coordinates(np.array(now))))
            point = QPointF(x, y) if not np.isnan(now) else None
            text = f"{significant(start)} → {significant(now)}"
            rows.append(ReadoutRow(lane, self.lane_name(lane), text, point))
        return Readout(plot.rect, layer_heading(self.info, layer, self.focus_lane), tuple(rows), x=x)

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [
            ["lane", "layer", "name", "when", "preactivation_q", "grad_preactivation_q", "step"]
        ]
        if self.history is None or self.history.frame is None or self.history.first_frame is None:
            return rows
        for when, frame in (("start", self.history.first_frame), ("now", self.history.frame)):
            rows += self._signal_rows(when, frame.signal, frame.step)
        return rows

    def _signal_rows(self, when: str, signal: Signal, step: int) -> list[Row]:
        assert self.info is not None
        return [
            [
                lane.name,
                layer + 1,
                name,
                when,
                float(signal.preactivation_q[index, layer]),
                float(signal.grad_preactivation_q[index, layer]),
                step,
            ]
            for index, lane in enumerate(self.info.lanes)
            for layer, name in enumerate(lane.layers)
        ]
