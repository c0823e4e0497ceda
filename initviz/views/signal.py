"""How large the signal is that flows forward, and the gradient that flows back, layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats, Signal
from initviz.views import lettering
from initviz.views import plot as plots
from initviz.views.axes import Axis, SteadyRange
from initviz.views.base import View
from initviz.views.end_labels import EndLabel, draw_end_labels, label_room
from initviz.views.foretold import (
    Foretold,
    draw_foretold,
    foretold_backward,
    foretold_forward,
    gap_text,
    is_foretold,
)
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
_BAND_FACTOR = 10.0
"""A band widens the axis so far beyond its line at most: narrow layers scatter by more than is worth the room."""
_NOTED_HEIGHT = 170.0
"""Height of the canvas from which there is room to say what theory does not cover."""


@dataclass(frozen=True, slots=True, eq=False)
class _Quantity:
    """One plot.

    Attributes:
        caption: Name and unit.
        short: The same in few characters.
        start: ``(K, L)`` at the first frame.
        now: ``(K, L)`` at the latest.
        foretold: What theory says of the start.
        axis: Range in decades.
    """

    caption: str
    short: str
    start: Floats
    now: Floats
    foretold: Foretold
    axis: Axis


class SignalView(View):
    """Mean squares of pre-activations and of their gradients by layer: hollow at the start, filled now.

    Behind the points lies what theory says of the start, which needs no step to be made.
    """

    KEY = "signal"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ranges = (SteadyRange(log=True, least=1.0), SteadyRange(log=True, least=1.0))
        self._layout: list[tuple[Plot, _Quantity]] = []
        self._fitted_alone = False

    def title(self) -> str:
        return self.tr("Signal by layer")

    def sentence(self) -> str:
        return self.tr(
            "A good start keeps both curves level: where one falls or climbs layer by layer, the signal or the"
            " gradient vanishes or explodes with depth. The line is what theory foretells of the start; 95 of 100 draws"
            " at this width should lie in the band around it."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nHow strong the signal is in each layer appears here: forward on its way in, and"
            " the gradient on its way back."
        )

    def version(self) -> int:
        return self.frame_version()

    def has_data(self) -> bool:
        return self.history is not None and (self.history.frame is not None or is_foretold(self.info))

    def forget(self) -> None:
        self._fitted_alone = False
        for held in self._ranges:
            held.reset()

    def plots(self) -> list[Plot]:
        """Return the forward and the backward plot as they were last drawn."""
        return [plot for plot, _ in self._layout]

    def _signals(self) -> tuple[Signal | None, Signal | None]:
        """Return the signal at the start and now; None before anything is measured."""
        assert self.history is not None
        frame, first = self.history.frame, self.history.first_frame
        now = frame.signal if frame is not None else None
        return (first.signal if first is not None else now), now

    def _quantities(self) -> tuple[_Quantity, _Quantity]:
        assert self.info is not None
        start, now = self._signals()
        if self._fitted_alone and now is not None:
            # The gradient has been on a scale of its own as long as only theory was there.
            self.forget()
        self._fitted_alone = now is None
        nothing = np.full((len(self.info.lanes), self.info.num_layers), np.nan)
        named = (
            ("preactivation_q", self.tr("forward signal, E[z²]"), "E[z²]"),
            ("grad_preactivation_q", self.tr("backward gradient, E[(∂C/∂z)²]"), "E[(∂C/∂z)²]"),
        )
        made = []
        for held, (name, caption, short) in zip(self._ranges, named, strict=True):
            first = nothing if start is None else getattr(start, name)
            latest = nothing if now is None else getattr(now, name)
            foretold = (
                foretold_forward(self.info)
                if name == "preactivation_q"
                else foretold_backward(self.info, None if start is None else first)
            )
            low, high = foretold.edges(_BAND_FACTOR)
            axis = self._fit(held, first, latest, foretold.values, low, high)
            made.append(_Quantity(caption, short, first, latest, foretold, axis))
        return made[0], made[1]

    def _fit(self, held: SteadyRange, *sources: Floats) -> Axis:
        lanes = self.shown_lanes()
        values = np.concatenate([source[lanes].ravel() for source in sources])
        values = values[np.isfinite(values) & (values > 0)]
        if not len(values):
            return held.fit(-1.0, 1.0)
        decades = np.clip(np.log10(values), *_DECADES)
        low, high = float(decades.min()), float(decades.max())
        spare = 0.1 + 0.03 * (high - low)
        return held.fit(low - spare, high + spare)

    def draw(self, ink: Ink, area: QRectF) -> None:
        assert self.info is not None
        quantities = self._quantities()
        wide = area.width() > _WIDE * area.height()
        gap = gap_text(self.info, self.shown_lanes(), self.focus_lane)
        whole = area
        if gap and area.height() >= _NOTED_HEIGHT:
            area = area.adjusted(0, 0, 0, -(self.theme.small_px + 7.0))
        legend = self._legend_rect(area, wide)
        layout = self._arrange(quantities, area.adjusted(0, legend.height(), 0, 0), wide, not legend.height())
        if ink.painter.device() is self.canvas.image:
            self._layout = layout
        assert self.history is not None
        # The start stays as it was, so it is part of the backdrop.
        key = (id(self.history.first_frame), wide, gap, self._dead(), *(plot.key for plot, _ in layout))
        self.backdrop(ink, key, lambda target: self._draw_backdrop(target, whole, layout, wide, gap))
        for plot, quantity in layout:
            self._draw_now(ink, plot, quantity)
        # The lines of the backward plot meet at the output, where names would say nothing.
        self._draw_labels(ink, *layout[0], area.center().x() if wide else area.right())
        if legend.height():
            draw_legend(self, ink, legend, area.height())

    def _dead(self) -> tuple[bool, ...]:
        return tuple(diverged_at(self.history, lane) is not None for lane in self.shown_lanes())

    def _arrange(
        self, quantities: tuple[_Quantity, _Quantity], area: QRectF, wide: bool, named: bool
    ) -> list[tuple[Plot, _Quantity]]:
        assert self.info is not None
        theme = self.theme
        captions, below = plots.caption_height(theme), plots.axis_height(theme)
        x = layer_axis(self.info.num_layers)
        labels = [EndLabel(lane, 0.0, 0.0, "") for lane in self.shown_lanes()]
        layout = []
        if wide:
            half = area.width() / 2
            height = max(20.0, area.height() - captions - below - 6)
            for place, quantity in enumerate(quantities):
                left = plots.axis_width(quantity.axis, height, theme) + 4
                room = label_room(self, labels, half) if place == 0 and named else 12.0
                rect = QRectF(
                    area.left() + place * half + left,
                    area.top() + captions + 2,
                    max(40.0, half - left - room - 6),
                    height,
                )
                layout.append((Plot(rect, x, quantity.axis), quantity))
            return layout
        height = max(20.0, (area.height() - below - 2 * captions - 12) / 2)
        left = max(plots.axis_width(quantity.axis, height, theme) for quantity in quantities) + 4
        room = label_room(self, labels, area.width()) if named else 12.0
        top = area.top() + 2
        for quantity in quantities:
            rect = QRectF(
                area.left() + left, top + captions, max(40.0, area.width() - left - room - 6), height
            )
            layout.append((Plot(rect, x, quantity.axis), quantity))
            top += captions + height + 6
        return layout

    def _legend_rect(self, area: QRectF, wide: bool) -> QRectF:
        """Return where names stand, above the plots; without height where they stand at the ends of the lines."""
        assert self.info is not None
        depths = {len(self.info.lanes[lane].layers) for lane in self.shown_lanes()}
        above = len(depths) > 1 or (wide and area.width() / 2 <= _NAMED_WIDTH)
        height = legend_height(self, area.width() - 18, area.height()) if above else 0.0
        return QRectF(area.left() + 10, area.top(), area.width() - 18, height)

    def _draw_backdrop(
        self, ink: Ink, area: QRectF, layout: list[tuple[Plot, _Quantity]], wide: bool, gap: str
    ) -> None:
        ink.fill(area, self.theme.surface)
        legend = ""
        for place, (plot, quantity) in enumerate(layout):
            titled = wide or place == len(layout) - 1
            caption = plots.fitting((quantity.caption, quantity.short), plot.rect, self.theme)
            # Beside the first caption that leaves room for it.
            fits = "" if legend else self._legend(plot.rect, caption)
            legend = legend or fits
            plots.draw_backdrop(
                ink,
                plot,
                caption,
                self.tr("layer") if titled else "",
                layer_ticks(plot.x, plot.rect.width(), self.theme),
                fits,
            )
            self._draw_start(ink, plot, quantity)
        if gap and area.height() >= _NOTED_HEIGHT:
            size = self.theme.small_px
            left = area.left() + 8
            text = lettering.elide(gap, area.width() - 16, size)
            ink.text(left, area.bottom() - 4 - size / 2, text, self.theme.muted, size)

    def _legend(self, rect: QRectF, caption: str) -> str:
        """Return what the marks mean, in as many words as there is room for beside a caption; empty without room."""
        assert self.history is not None
        if not is_foretold(self.info):
            texts = [self.tr("○ at the start  ● now")]
        elif self.history.frame is None:
            texts = [self.tr("— theory, before the first step"), self.tr("— theory")]
        else:
            texts = [self.tr("○ at the start  ● now  — theory"), self.tr("○● measured  — theory")]
        size = self.theme.small_px
        room = rect.width() + 40 - lettering.text_width(caption, size, bold=True) - 7
        return next((text for text in texts if lettering.text_width(text, size) <= room), "")

    def _draw_start(self, ink: Ink, plot: Plot, quantity: _Quantity) -> None:
        x, spacing, diameter = self._places(plot, quantity)
        values = plot.py_inside(plot.y.coordinates(quantity.start))
        order = self.painting_order()
        colors = {lane: self.lane_style(lane).color for lane in order}
        known = quantity.foretold.lanes
        draw_foretold(
            ink, plot, quantity.foretold, x, [lane for lane in order if known[lane]], colors, self.focus_lane
        )
        for lane in order:
            every = 1
            if not known[lane]:
                color = mix(colors[lane], self.theme.surface, 0.5)
                ink.curve(x, values[lane], color, self.theme.line_width)
            else:  # the line is theory's, so that points alone stand for what was measured
                every = max(1, math.ceil(_HOLLOW_FROM / spacing))
            if every * spacing >= _HOLLOW_FROM:
                at = slice(None, None, every)
                size = max(3.0, diameter) if every > 1 else diameter
                ink.dots(x[at], values[lane][at], colors[lane], size + 1.2, hollow=True)

    def _draw_now(self, ink: Ink, plot: Plot, quantity: _Quantity) -> None:
        assert self.history is not None
        if self.history.frame is None:
            return
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
        assert self.info is not None
        if right - plot.rect.right() < 24:
            return
        frame, places = self.history.frame, []
        for lane in self.shown_lanes():
            died = frame.lanes[lane].diverged_at if frame is not None else None
            values, held = quantity.now[lane], np.zeros(0, dtype=np.int64)
            for source in (quantity.now, quantity.start, quantity.foretold.values):
                values = source[lane]
                held = np.flatnonzero(~np.isnan(values))
                if len(held):
                    break
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
            expected = float(quantity.foretold.values[lane, layer])
            if not np.isnan(expected):
                said = self.tr("theory {value}").format(value=significant(expected))
                text = said if self._fitted_alone else f"{said} · {text}"
            rows.append(ReadoutRow(lane, self.lane_name(lane), text, point))
        return Readout(plot.rect, layer_heading(self.info, layer, self.focus_lane), tuple(rows), x=x)

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [
            [
                "lane",
                "layer",
                "name",
                "when",
                "preactivation_q",
                "grad_preactivation_q",
                "step",
                "predicted_q",
                "predicted_grad_q",
                "predicted_q_spread",
                "predicted_grad_q_spread",
            ]
        ]
        if not self.has_data() or self.history is None:
            return rows
        if self.history.frame is None or self.history.first_frame is None:
            return rows + self._signal_rows("start", None, 0)
        for when, frame in (("start", self.history.first_frame), ("now", self.history.frame)):
            rows += self._signal_rows(when, frame.signal, frame.step)
        return rows

    def _signal_rows(self, when: str, signal: Signal | None, step: int) -> list[Row]:
        """Return a row a layer; what theory says stands beside the start, of which it speaks."""
        assert self.info is not None
        rows: list[Row] = []
        told = when == "start"
        forward = foretold_forward(self.info)
        backward = foretold_backward(self.info, signal.grad_preactivation_q if signal is not None else None)
        for index, lane in enumerate(self.info.lanes):
            said = lane.prediction
            for layer, name in enumerate(lane.layers):
                measured = (
                    ["", ""]
                    if signal is None
                    else [
                        float(signal.preactivation_q[index, layer]),
                        float(signal.grad_preactivation_q[index, layer]),
                    ]
                )
                predicted = (
                    ["", "", "", ""]
                    if said is None or not told
                    else [
                        float(forward.values[index, layer]),
                        float(backward.values[index, layer]),
                        float(said.q_spread[layer]),
                        float(said.grad_q_spread[layer]),
                    ]
                )
                rows.append([lane.name, layer + 1, name, when, *measured, step, *predicted])
        return rows
