"""One start at many depths: what is left of signal and gradient, and what could be learned, beside the depth scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import plot as plots
from initviz.views.axes import Axis, SteadyRange, Tick
from initviz.views.base import View
from initviz.views.depth_series import (
    TRAINABLE,
    Family,
    Measured,
    depth_of,
    differ_in_depth,
    families,
    gradient_at_the_front,
    reached,
    signal_at_the_end,
)
from initviz.views.foretold import SPREADS
from initviz.views.ink import Ink
from initviz.views.numbers import percent, significant, whole
from initviz.views.palette import mix
from initviz.views.placing import spread
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row

_WIDE = 1.9
"""Width over height of the canvas above which the plots stand side by side."""
_LEAST_WIDE, _LEAST_HIGH = 170.0, 70.0
"""Size of a plot below which fewer are shown."""
_DECADES = (-60.0, 40.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Quantity:
    """One plot.

    Attributes:
        kind: ``signal``, ``gradient`` or ``reached``.
        caption: Name and unit.
        short: The same in few characters.
        values: What was measured, and foretold.
        axis: Vertical range.
    """

    kind: str
    caption: str
    short: str
    values: Measured
    axis: Axis


class DepthStudyView(View):
    """Signal, gradient and what was learned against the number of hidden layers."""

    KEY = "depth_study"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ranges = {kind: SteadyRange(log=True, least=1.0) for kind in ("signal", "gradient", "reached")}
        self._layout: list[tuple[Plot, _Quantity]] = []

    def title(self) -> str:
        return self.tr("Depth study")

    def sentence(self) -> str:
        return self.tr(
            "The same start at many depths: signal and gradient fade or grow by about the same factor with every layer,"
            " and networks deeper than about six times the depth scale ξ learn badly or not at all."
        )

    def invitation(self) -> str:
        if self.info is not None and not differ_in_depth(self.info, self.shown_lanes()):
            return self.tr(
                "All lanes are equally deep.\nChoose “Depth study…” in the Run menu to train the lane in focus at"
                " many depths, then press space."
            )
        return self.tr(
            "Press space to play.\nWhat is left of signal and gradient, and what is learned, appears here against the"
            " number of hidden layers."
        )

    def has_data(self) -> bool:
        return (
            self.info is not None
            and self.history is not None
            and self.history.frame is not None
            and differ_in_depth(self.info, list(range(len(self.info.lanes))))
        )

    def forget(self) -> None:
        for held in self._ranges.values():
            held.reset()

    def plots(self) -> list[Plot]:
        """Return the plots as they were last drawn: signal, gradient, and what was reached."""
        return [plot for plot, _ in self._layout]

    # What is drawn

    def _quantities(self) -> list[_Quantity]:
        assert self.info is not None
        assert self.history is not None
        values, is_share = reached(self.info, self.history)
        unknown = np.full_like(values, np.nan)
        learned = Measured(unknown, values, unknown, unknown)
        signal = signal_at_the_end(self.info, self.history)
        gradient = gradient_at_the_front(self.info, self.history)
        axis = Axis(0.0, 1.0, percent=True) if is_share else self._fit("reached", learned)
        return [
            _Quantity(
                "signal",
                self.tr("signal in the last hidden layer, E[z²]"),
                self.tr("signal, E[z²]"),
                signal,
                self._fit("signal", signal),
            ),
            _Quantity(
                "gradient",
                self.tr("gradient in the first layer / in the last"),
                self.tr("gradient, first / last"),
                gradient,
                self._fit("gradient", gradient),
            ),
            _Quantity(
                "reached",
                self.tr("training accuracy reached") if is_share else self.tr("training loss reached"),
                self.tr("accuracy") if is_share else self.tr("loss"),
                learned,
                axis,
            ),
        ]

    def _fit(self, kind: str, values: Measured) -> Axis:
        lanes = self.shown_lanes()
        held = np.concatenate([part[lanes] for part in (values.start, values.now, values.foretold)])
        held = held[np.isfinite(held) & (held > 0)]
        if not len(held):
            return self._ranges[kind].fit(-1.0, 1.0)
        decades = np.clip(np.log10(held), *_DECADES)
        low, high = float(decades.min()), float(decades.max())
        spare = 0.1 + 0.03 * (high - low)
        return self._ranges[kind].fit(low - spare, high + spare)

    def depths(self) -> Floats:
        """Return the number of hidden layers of every lane."""
        assert self.info is not None
        return np.array([float(max(1, depth_of(lane))) for lane in self.info.lanes])

    def _axis(self) -> Axis:
        decades = np.log10(self.depths()[self.shown_lanes()])
        spare = max(0.04, 0.06 * float(np.ptp(decades)))
        return Axis(float(decades.min()) - spare, float(decades.max()) + spare, log=True)

    def _ticks(self, axis: Axis, width: float) -> tuple[Tick, ...]:
        """Return a tick at every depth that there is, as far as their numbers keep apart."""
        ticks: list[Tick] = []
        last = -math.inf
        for depth in sorted({int(depth) for depth in self.depths()[self.shown_lanes()]}):
            at = math.log10(depth)
            x = (at - axis.low) / (axis.high - axis.low) * width
            half = lettering.text_width(str(depth), self.theme.small_px) / 2
            if x - half > last + 6:
                ticks.append(Tick(at, str(depth)))
                last = x + half
        return tuple(ticks)

    def draw(self, ink: Ink, area: QRectF) -> None:
        assert self.info is not None
        quantities = self._quantities()
        found = families(self.info, self.shown_lanes())
        layout = self._arrange(quantities, area)
        if ink.painter.device() is self.canvas.image:
            self._layout = layout
        assert self.history is not None
        key = (id(self.history.first_frame), *((plot.key, quantity.kind) for plot, quantity in layout))
        self.backdrop(ink, key, lambda target: self._draw_backdrop(target, area, layout, found))
        for plot, quantity in layout:
            self._draw_lanes(ink, plot, quantity, found)

    def _arrange(self, quantities: list[_Quantity], area: QRectF) -> list[tuple[Plot, _Quantity]]:
        theme, unit = self.theme, self.theme.unit
        captions, below = plots.caption_height(theme), plots.axis_height(theme)
        x = self._axis()
        wide = area.width() > _WIDE * area.height()
        room = area.width() / _LEAST_WIDE if wide else (area.height() - below) / (_LEAST_HIGH * unit)
        # What was learned is worth the most, the gradient decides it, and the signal is the first to go.
        shown = quantities[-max(1, min(3, int(room))) :]
        layout = []
        if wide:
            part, height = area.width() / len(shown), max(20.0, area.height() - captions - below - 8)
            for place, quantity in enumerate(shown):
                left = plots.axis_width(quantity.axis, height, theme) + 4
                rect = QRectF(
                    area.left() + place * part + left,
                    area.top() + captions + 2,
                    max(40.0, part - left - 16),
                    height,
                )
                layout.append((Plot(rect, x, quantity.axis), quantity))
            return layout
        height = max(20.0, (area.height() - below - len(shown) * (captions + 8) - 2) / len(shown))
        left = max(plots.axis_width(quantity.axis, height, theme) for quantity in shown) + 4
        top = area.top() + 2
        for quantity in shown:
            rect = QRectF(area.left() + left, top + captions, max(40.0, area.width() - left - 16), height)
            layout.append((Plot(rect, x, quantity.axis), quantity))
            top += captions + height + 8
        return layout

    def _draw_backdrop(
        self, ink: Ink, area: QRectF, layout: list[tuple[Plot, _Quantity]], found: tuple[Family, ...]
    ) -> None:
        ink.fill(area, self.theme.surface)
        side_by_side = len(layout) > 1 and layout[0][0].rect.top() == layout[1][0].rect.top()
        for place, (plot, quantity) in enumerate(layout):
            titled = side_by_side or place == len(layout) - 1
            note = "" if place or quantity.kind == "reached" else self.tr("○ at the start  ● now")
            if note and np.isfinite(quantity.values.foretold).any():
                note = self.tr("○ at the start  ● now  — theory")
            plots.draw_backdrop(
                ink,
                plot,
                plots.fitting((quantity.caption, quantity.short), plot.rect, self.theme),
                note=note,
            )
            if titled:
                self._draw_depths(ink, plot)
            self._draw_scales(ink, plot, found, named=quantity.kind == "reached")
            for family in found:
                self._draw_theory(ink, plot, quantity, family)
            if quantity.kind != "reached" and len(found) > 1:
                self._draw_names(ink, plot, quantity, found)

    def _draw_depths(self, ink: Ink, plot: Plot) -> None:
        """Number the axis; its name stands within, where shallow networks leave room, not in the place of a number."""
        theme, size = self.theme, self.theme.small_px
        bottom = round(plot.rect.bottom()) + 0.5
        for tick in self._ticks(plot.x, plot.rect.width()):
            x = float(plot.px(np.array(tick.at)))
            ink.line(round(x) + 0.5, bottom, round(x) + 0.5, bottom + 3, theme.axis)
            ink.text(x, bottom + 5 + size / 2, tick.label, theme.muted, size, inks.CENTER)
        said = lettering.elide(self.tr("hidden layers →"), plot.rect.width() - 12, size)
        ink.text(plot.rect.left() + 6, bottom - 7 - size / 2, said, theme.muted, size)

    def _draw_names(self, ink: Ink, plot: Plot, quantity: _Quantity, found: tuple[Family, ...]) -> None:
        """Say how the lanes of each line start, at its deep end, where lines are apart."""
        size, rect = self.theme.small_px, plot.rect
        named: list[tuple[Family, float, float]] = []
        for family in found:
            lanes = list(family.lanes)
            values = plot.py_inside(plot.y.coordinates(quantity.values.start[lanes]))
            known = np.flatnonzero(np.isfinite(values))
            if family.name and len(known):
                last = int(known[-1])
                x = float(plot.px(np.log10(self.depths()[lanes[last : last + 1]]))[0])
                named.append((family, x, float(values[last]) + 10 + size / 2))
        low, high = rect.top() + size / 2, rect.bottom() - size / 2 - 2
        placed = spread([y for *_, y in named], size + 4.0, low, high)
        for (family, x, _), y in zip(named, placed, strict=True):
            color = self.lane_style(family.lanes[0]).ink
            ink.text(x - 9, y, family.name, color, size, inks.RIGHT, halo=True)

    def _draw_scales(self, ink: Ink, plot: Plot, found: tuple[Family, ...], named: bool) -> None:
        """Draw an upright line where theory says that training ends, and a faint one at the depth scale itself."""
        size, rect = self.theme.small_px, plot.rect
        y = rect.top() + 3 + size / 2
        for family in found:
            if not (math.isfinite(family.depth_scale) and family.depth_scale > 0):
                continue
            color = self.lane_style(family.lanes[0]).ink
            for multiple in (1.0, TRAINABLE):
                at = float(plot.px(np.array(math.log10(multiple * family.depth_scale))))
                if not rect.left() <= at <= rect.right():
                    continue
                strong = multiple == TRAINABLE
                ink.line(
                    round(at) + 0.5,
                    rect.top(),
                    round(at) + 0.5,
                    rect.bottom(),
                    color,
                    255 if strong else 110,
                    True,
                )
                if named and strong:
                    text = self.tr("6 ξ = {depth}").format(
                        depth=significant(TRAINABLE * family.depth_scale, 2)
                    )
                    right = at + 5 + lettering.text_width(text, size) < rect.right()
                    align, x = (inks.LEFT, at + 5) if right else (inks.RIGHT, at - 5)
                    ink.text(x, y, text, color, size, align, halo=True)
                    y += size + 4

    def _draw_theory(self, ink: Ink, plot: Plot, quantity: _Quantity, family: Family) -> None:
        lanes = list(family.lanes)
        told, spread = quantity.values.foretold[lanes], np.nan_to_num(quantity.values.spread[lanes])
        known = np.isfinite(told) & (told > 0)
        if known.sum() < 2:
            return
        x = plot.px(np.log10(self.depths()[lanes][known]))
        with np.errstate(over="ignore", under="ignore"):
            factor = np.exp(SPREADS * spread[known])
            low, high = (plot.py(plot.y.coordinates(told[known] * by)) for by in (1 / factor, factor))
        color = self.lane_style(family.lanes[0]).color
        ink.clip(plot.rect)
        ink.area(np.concatenate((x, x[::-1])), np.concatenate((high, low[::-1])), color, 30)
        ink.clip(None)
        line = plot.py_inside(plot.y.coordinates(told[known]))
        ink.curve(x, line, mix(color, self.theme.surface, 0.25), self.theme.line_width)

    def _draw_lanes(self, ink: Ink, plot: Plot, quantity: _Quantity, found: tuple[Family, ...]) -> None:
        depths, theme = self.depths(), self.theme
        for family in found:
            lanes = list(family.lanes)
            x = plot.px(np.log10(depths[lanes]))
            start, now = (
                plot.py_inside(plot.y.coordinates(part[lanes]))
                for part in (quantity.values.start, quantity.values.now)
            )
            line = mix(self.lane_style(family.lanes[0]).color, theme.surface, 0.35)
            ink.curve(x, now, line, theme.line_width, (4.0, 3.0))
            for place, lane in enumerate(lanes):
                style, radius = self.lane_style(lane), (5.0 if lane == self.focus_lane else 4.0) * theme.unit
                if np.isfinite(start[place]):
                    ink.dots(
                        x[place : place + 1],
                        start[place : place + 1],
                        style.color,
                        2 * radius + 1,
                        hollow=True,
                    )
                y = float(now[place])
                if math.isnan(y):
                    ink.death(float(x[place]), plot.rect.bottom() - 6, style.color)
                    y = plot.rect.bottom() - 6
                else:
                    ink.marker(style.marker, float(x[place]), y, style.color, radius)
                self.mark_lane(QRectF(x[place] - 7, y - 7, 14, 14), lane)

    # Cross-hair and numbers

    def read_out(self, place: QPointF) -> Readout | None:
        found = next(
            (pair for pair in self._layout if pair[0].rect.adjusted(-8, -16, 8, 16).contains(place)), None
        )
        if found is None or self.info is None:
            return None
        plot, quantity = found
        lanes, depths = self.shown_lanes(), self.depths()
        x = {lane: float(plot.px(np.log10(depths[lane : lane + 1]))[0]) for lane in lanes}
        depth = depths[min(lanes, key=lambda lane: abs(x[lane] - place.x()))]
        rows = []
        for lane in (lane for lane in lanes if depths[lane] == depth):
            start, now, told = (
                float(part[lane])
                for part in (quantity.values.start, quantity.values.now, quantity.values.foretold)
            )
            text = self._value(quantity, now)
            if quantity.kind != "reached":
                text = f"{significant(start)} → {text}"
            if not math.isnan(told):
                text = self.tr("theory {value}").format(value=significant(told)) + f" · {text}"
            y = float(plot.py_inside(plot.y.coordinates(np.array(now))))
            point = QPointF(x[lane], y) if not math.isnan(y) else None
            rows.append(ReadoutRow(lane, self.lane_name(lane), text, point))
        heading = self.tr("hidden layers: {depth}").format(depth=whole(int(depth)))
        at = next(x[lane] for lane in lanes if depths[lane] == depth)
        return Readout(plot.rect, heading, tuple(rows), x=at)

    @staticmethod
    def _value(quantity: _Quantity, value: float) -> str:
        return percent(value) if quantity.axis.percent else significant(value)

    def table(self) -> list[Row]:
        assert self.info is not None
        names = (
            "signal_start",
            "signal_now",
            "signal_predicted",
            "gradient_start",
            "gradient_now",
            "gradient_predicted",
        )
        rows: list[Row] = [["lane", "hidden_layers", *names, "reached", "xi_c"]]
        if not self.has_data() or self.history is None:
            return rows
        signal = signal_at_the_end(self.info, self.history)
        gradient = gradient_at_the_front(self.info, self.history)
        learned, _ = reached(self.info, self.history)
        for place, lane in enumerate(self.info.lanes):
            told = lane.prediction
            numbers = [
                float(part[place])
                for held in (signal, gradient)
                for part in (held.start, held.now, held.foretold)
            ]
            scale = told.xi_c if told is not None else math.nan
            rows.append([lane.name, depth_of(lane), *numbers, float(learned[place]), scale])
        return rows
