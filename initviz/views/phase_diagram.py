"""Where every lane's start lies between order and chaos; the point of the lane in focus can be moved."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QLocale, QPointF, QRectF, Qt, QTimer, Slot
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from initviz.theory.moments import is_homogeneous
from initviz.theory.phase_map import COARSEST, PhaseMap
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import plot as plots
from initviz.views.axes import Axis
from initviz.views.base import View
from initviz.views.foretold import gap_text
from initviz.views.ink import Ink
from initviz.views.numbers import percent, significant
from initviz.views.phase_drag import PointMover
from initviz.views.phase_plane import critical_at, draft, draw_plane, phase_map, value_at
from initviz.views.phase_points import (
    Start,
    activation_part,
    curve_of,
    draw_points,
    extents,
    rounded,
    rows_of,
    snapped,
    start_of,
)
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row
from initviz.views.wrapping import wrap

SLICE_S = 2e-3
"""How long the map is worked on at a time, so that frames of a race come as before."""
SLICE_GAP_MS = 16
SNAP = 6.0
"""Distance in pixels from which a point that is moved jumps onto the critical line."""
LEAST = 0.01
"""Smallest sigma_w that a point is moved to, as a share of the axis."""
_BELOW = 0.06
"""Room below sigma_b = 0 for the points that lie there, as a share of the axis."""


class PhaseDiagramView(View):
    """sigma_w against sigma_b for the activation of the lane in focus, with every lane a point."""

    KEY = "phase_diagram"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plane: PhaseMap | None = None
        self._plot: Plot | None = None
        self._written: list[QRectF] = []
        self._draft: Iterator[bool] | None = None
        self._ticked_s = 0.0
        self._skips = False
        self._work = QTimer(self)
        self._work.setInterval(SLICE_GAP_MS)
        self._work.timeout.connect(self._work_on)
        self._mover = PointMover(self.canvas, self, self)
        self._mover.changed.connect(self._follow_mover)
        self._mover.told.connect(self._tell_of_move)

    def title(self) -> str:
        return self.tr("Phase diagram")

    def sentence(self) -> str:
        return self.tr(
            "Deep networks learn from starts near the critical line: on the ordered side gradients vanish, on the"
            " chaotic side they explode, and ξ tells over how many layers. Drag the point of the lane in focus, or"
            " move it with the arrow keys."
        )

    def invitation(self) -> str:
        if self.info is not None:
            gap = gap_text(self.info, self.shown_lanes(), self.focus_lane)
            said = self.tr("Theory has no phase diagram for these networks.")
            rest = self.tr("It takes hidden layers that are alike. Press space to play all the same.")
            return f"{said}\n{gap or rest}\n{rest}" if gap else f"{said}\n{rest}"
        return self.tr(
            "Press space to play.\nWhether each start lies in the ordered or in the chaotic phase appears here, and how"
            " far from the critical line."
        )

    def version(self) -> int:
        # Nothing here changes from step to step.
        return -1 if self.info is None else id(self.info) & 0xFFFFFFFF

    def has_data(self) -> bool:
        return self.info is not None and any(start_of(lane) is not None for lane in self.info.lanes)

    def forget(self) -> None:
        moved = self._mover.moved
        if moved is not None:
            lanes = self.info.lanes if self.info is not None else ()
            now = start_of(lanes[moved[0]]) if moved[0] < len(lanes) else None
            self._mover.forget_if_at(None if now is None else (now.sigma_w, now.sigma_b))

    # What is shown

    def _start(self, lane: int) -> Start | None:
        """Return where a lane starts, or has just been put."""
        assert self.info is not None
        start, moved = start_of(self.info.lanes[lane]), self._mover.moved
        if start is None or moved is None or moved[0] != lane:
            return start
        return replace(start, sigma_w=moved[1], sigma_b=moved[2])

    def starts(self) -> dict[int, Start]:
        """Return where the lanes that are shown start, as far as theory covers them."""
        found = ((lane, self._start(lane)) for lane in self.shown_lanes())
        return {lane: start for lane, start in found if start is not None}

    def leader(self) -> int | None:
        """Return the lane whose activation the diagram is drawn for: the one in focus, or else the first that can."""
        starts = self.starts()
        return self.focus_lane if self.focus_lane in starts else next(iter(starts), None)

    def plane(self) -> PhaseMap | None:
        """Return the map as it was last drawn."""
        return self._plane

    def plot(self) -> Plot | None:
        """Return the rectangle as it was last drawn."""
        return self._plot

    def place_of(self, lane: int) -> QPointF | None:
        """Return where the point of a lane was last drawn, moved onto the edge where it lies beyond."""
        start = self.starts().get(lane)
        return None if start is None or self._plot is None else self._pixel(self._plot, start)

    def _prepare(self, leader: int) -> PhaseMap:
        assert self.info is not None
        told = self.info.lanes[leader].prediction
        assert told is not None
        curve = curve_of(told)
        if self._plane is not None and self._mover.is_held:
            return self._plane  # the axes stand still while a point is moved
        width, height = extents(list(self.starts().values()), told.critical_sigma_w)
        return phase_map(curve, width, height, told.keep)

    def draw(self, ink: Ink, area: QRectF) -> None:
        leader = self.leader()
        assert leader is not None
        plane = self._prepare(leader)
        on_screen = ink.painter.device() is self.canvas.image
        if not on_screen:
            plane.finish()
        notes = self._notes(leader, plane, area)
        plot = self._arrange(area, plane, len(notes))
        if on_screen:
            if plane is not self._plane:
                self._draft = None
            self._plane, self._plot = plane, plot
            if not plane.finished and not self._work.isActive():
                self._work.start()
        key = (id(plane), plane.stride, tuple(notes), plot.key)
        self.backdrop(ink, key, lambda target: self._draw_backdrop(target, area, plot, plane, notes))
        starts = self.starts()
        points = {lane: self._pixel(plot, start) for lane, start in starts.items()}
        kind = starts[leader].kind
        draw_points(self, ink, plot, starts, points, kind, self._depth_text(plane, kind), self._written)

    def _arrange(self, area: QRectF, plane: PhaseMap, lines: int) -> Plot:
        theme = self.theme
        height, width = float(plane.sigma_b[-1]), float(plane.sigma_w[-1])
        y = Axis(-_BELOW * height, height)
        below = plots.axis_height(theme) + lines * (theme.small_px + 5.0) + (3.0 if lines else 0.0)
        top = area.top() + 2 + plots.caption_height(theme)
        tall = max(20.0, area.bottom() - 6 - below - top)
        left = plots.axis_width(y, tall, theme) + 4
        rect = QRectF(area.left() + left, top, max(40.0, area.width() - left - 14), tall)
        return Plot(rect, Axis(0.0, width), y)

    def _notes(self, leader: int, plane: PhaseMap, area: QRectF) -> list[str]:
        """Return what has to be said in words, in lines."""
        assert self.info is not None
        said: list[str] = []
        told = self.info.lanes[leader].prediction
        assert told is not None
        if is_homogeneous(curve_of(told)):
            line = told.critical_sigma_w
            said.append(
                self.tr(
                    "{activation} treats signals of every size alike: only at σ_w = {value} with σ_b = 0 does a signal"
                    " keep its size, whatever that is."
                ).format(activation=self._activation(told.activation), value=significant(line))
            )
        starts = self.starts()
        if told.keep < 1:
            said.append(
                self.tr(
                    "Dropout keeps ξ finite everywhere: on the line gradients keep their size, but equal examples part."
                )
            )
        others = sorted({start.kind for start in starts.values()} - {(told.activation, told.keep)})
        if others:
            names = ", ".join(self._kind(*kind) for kind in others)
            said.append(self.tr("Hollow points have another activation: {names}.").format(names=names))
        gap = gap_text(
            self.info, [lane for lane in self.shown_lanes() if lane not in starts], self.focus_lane
        )
        if gap:
            said.append(gap)
        lines = wrap(" ".join(said), max(80.0, area.width() - 20), self.theme.small_px) if said else []
        room = int((area.height() - 150) / (self.theme.small_px + 5.0))
        return lines[: max(0, min(3, room))]

    def _kind(self, activation: str, keep: float) -> str:
        name = self._activation(activation)
        rate = percent(1 - keep)
        return (
            name
            if keep == 1
            else self.tr("{activation} with {rate} dropout").format(activation=name, rate=rate)
        )

    @staticmethod
    def _activation(key: str) -> str:
        return activation_part(key).title.in_language(QLocale().name())

    def _draw_backdrop(self, ink: Ink, area: QRectF, plot: Plot, plane: PhaseMap, notes: list[str]) -> None:
        theme = self.theme
        ink.fill(area, theme.surface)
        self._written = draw_plane(ink, plot, plane)
        leader = self.leader()
        told = self.starts()[leader] if leader is not None else None
        note = "" if told is None else self._kind(*told.kind)
        caption = plots.fitting((self.tr("std of biases, σ_b"), "σ_b"), plot.rect, theme)
        hint = f"{note}  ·  " + self.tr("drag the ringed point")
        room = plot.rect.width() - lettering.text_width(caption, theme.small_px, bold=True) - 7
        if self.focus_lane in self.starts() and lettering.text_width(hint, theme.small_px) <= room:
            note = hint
        plots.draw_backdrop(ink, plot, caption, self.tr("weights, σ_w = std × √fan-in"), note=note, bare=True)
        plots.draw_caption(ink, plot.rect, caption, note)
        for tick in plot.y_ticks(theme):
            if tick.at >= 0:
                y = round(float(plot.py(np.array(tick.at)))) + 0.5
                ink.line(plot.rect.left() - 4, y, plot.rect.left(), y, theme.axis)
                ink.text(plot.rect.left() - 6, y, tick.label, theme.muted, theme.small_px, inks.RIGHT)
        size = theme.small_px
        y = plot.rect.bottom() + plots.axis_height(theme) + 3 + size / 2
        for line in notes:
            ink.text(area.left() + 10, y, line, theme.muted, size)
            y += size + 5

    def _pixel(self, plot: Plot, start: Start) -> QPointF:
        """Return where a start is drawn; what lies beyond stands on the edge."""
        x, y = float(plot.px(np.array(start.sigma_w))), float(plot.py(np.array(start.sigma_b)))
        return QPointF(min(x, plot.rect.right() - 5), max(y, plot.rect.top() + 5))

    def _depth_text(self, plane: PhaseMap, kind: tuple[str, float]) -> str:
        """Return the depth scale of the lane in focus: theory's own, or the map's while its point is moved."""
        assert self.info is not None
        start, moved = self.starts().get(self.focus_lane), self._mover.moved
        told = self.info.lanes[self.focus_lane].prediction
        if start is None or told is None or start.kind != kind:
            return ""
        depth = told.xi_c
        if moved is not None and moved[0] == self.focus_lane:
            found = value_at(plane, start.sigma_w, start.sigma_b)
            depth = math.nan if found is None else found[1]
        return "" if math.isnan(depth) else self.tr("ξ = {depth} layers").format(depth=significant(depth))

    # The map, a portion at a time

    @Slot()
    def _work_on(self) -> None:
        plane = self._plane
        if plane is None or not self.canvas.isVisible() or (plane.finished and self._draft is None):
            self._work.stop()
            return
        start = time.perf_counter()
        late, self._ticked_s = start - self._ticked_s > 2e-3 * SLICE_GAP_MS, start
        self._skips = late and not self._skips
        if self._skips:
            return  # the event loop has more urgent things to do: the map takes every other turn
        while time.perf_counter() - start < SLICE_S:
            if self._draft is not None:
                if next(self._draft, None) is None:
                    self._draft = None
                    self.redraw()
                    return
                continue
            stride = plane.stride
            plane.work()
            # Of what lies between the first sketch and the finished map nobody would see much.
            if plane.stride != stride and plane.stride in (COARSEST, 1):
                self._draft = draft(plane, plane.stride)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._plane is not None and not self._plane.finished:
            self._work.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._work.stop()

    # Moving the point of the lane in focus

    def grip(self) -> tuple[int, QPointF] | None:
        """Return the lane in focus and where its point is, or None where it has none."""
        if self.info is None or self.focus_lane not in self.shown_lanes():
            return None
        place = self.place_of(self.focus_lane)
        return None if place is None else (self.focus_lane, place)

    def sigmas(self, lane: int) -> tuple[float, float] | None:
        """Return where a lane starts."""
        start = self.starts().get(lane)
        return None if start is None else (start.sigma_w, start.sigma_b)

    def sigmas_at(self, place: QPointF) -> tuple[float, float]:
        """Return what a place stands for: within the axes, and on a line or on the axis that is near."""
        assert self._plot is not None
        assert self._plane is not None
        rect, x, y = self._plot.rect, self._plot.x, self._plot.y
        by_x, by_y = x.high / rect.width(), (y.high - y.low) / rect.height()
        sigma_b = min(max(0.0, y.low + (rect.bottom() - place.y()) * by_y), y.high)
        sigma_b = rounded(snapped(sigma_b, 0.0, SNAP * by_y), by_y)
        sigma_w = min(max(LEAST * x.high, (place.x() - rect.left()) * by_x), x.high)
        line = critical_at(self._plane, sigma_b)
        if line is not None and abs(sigma_w - line) <= SNAP * by_x:
            return round(line, 4), sigma_b
        return rounded(sigma_w, by_x), sigma_b

    def nudged(self, sigma_w: float, sigma_b: float, across: float, up: float) -> tuple[float, float]:
        """Return where a point goes that is moved by so much; it stops on the critical line on its way."""
        assert self._plot is not None
        assert self._plane is not None
        wide, high, step = self._plot.x.high, self._plot.y.high, abs(across) or abs(up)
        if up:
            wanted = round((sigma_b + up) / step) * step
            return sigma_w, round(min(max(0.0, wanted), high), 6)
        line = critical_at(self._plane, sigma_b)
        wanted = round(min(max(LEAST * wide, round((sigma_w + across) / step) * step), wide), 6)
        if line is not None and abs(sigma_w - line) > 1e-3 * wide and (sigma_w - line) * (wanted - line) <= 0:
            return round(line, 4), sigma_b
        return wanted, sigma_b

    @Slot()
    def _follow_mover(self) -> None:
        self.redraw()

    @Slot(int, float, float, int)
    def _tell_of_move(self, lane: int, sigma_w: float, sigma_b: float, number: int) -> None:
        assert self.info is not None
        group = next(place for place, own in enumerate(self.info.groups) if lane in own)
        self.start_moved.emit(group, sigma_w, sigma_b, number)

    @Slot()
    def _speak(self) -> None:
        super()._speak()
        place = self.canvas.cursor_at
        if self._mover.is_held:
            self.canvas.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif place is not None and self._mover.is_near(place):
            self.canvas.setCursor(Qt.CursorShape.OpenHandCursor)

    # Cross-hair and numbers

    def read_out(self, place: QPointF) -> Readout | None:
        plot, plane = self._plot, self._plane
        if plot is None or plane is None or not plot.rect.adjusted(-4, -4, 4, 4).contains(place):
            return None
        near = None
        for lane in self.starts():
            point = self.place_of(lane)
            if point is not None and math.hypot(*(point - place).toTuple()) <= 9 * self.theme.unit:
                near = lane
        if near is not None:
            return self._read_lane(plot, plane, near)
        share = QPointF((place.x() - plot.rect.left()) / plot.rect.width(), 0)
        sigma_w = share.x() * plot.x.high
        sigma_b = max(
            0.0,
            plot.y.low + (plot.rect.bottom() - place.y()) / plot.rect.height() * (plot.y.high - plot.y.low),
        )
        return Readout(
            plot.rect,
            self._heading(sigma_w, sigma_b),
            tuple(self._rows(plane, sigma_w, sigma_b)),
            x=place.x(),
            y=min(place.y(), float(plot.py(np.array(0.0)))),
        )

    @staticmethod
    def _heading(sigma_w: float, sigma_b: float) -> str:
        return f"σ_w = {significant(sigma_w)}, σ_b = {significant(sigma_b)}"

    def _rows(self, plane: PhaseMap, sigma_w: float, sigma_b: float) -> list[ReadoutRow]:
        found = value_at(plane, sigma_w, sigma_b)
        if found is None:
            return [ReadoutRow(None, "χ", self.tr("not known yet"))]
        return self._said(*found)

    def _said(self, chi: float, depth: float) -> list[ReadoutRow]:
        layers = self.tr("{depth} layers").format(depth=significant(depth))
        grows = self.tr("the signal grows without bound")
        return [
            ReadoutRow(None, self.tr("gradient a layer, χ"), significant(chi)),
            ReadoutRow(None, self.tr("depth scale ξ"), grows if math.isnan(depth) else layers),
        ]

    def _read_lane(self, plot: Plot, plane: PhaseMap, lane: int) -> Readout:
        assert self.info is not None
        start = self.starts()[lane]
        told = self.info.lanes[lane].prediction
        moved = self._mover.moved
        if told is not None and (moved is None or moved[0] != lane):
            rows = self._said(told.chi_star, told.xi_c)
        else:
            rows = self._rows(plane, start.sigma_w, start.sigma_b)
        point = self._pixel(plot, start)
        named = ReadoutRow(lane, self.lane_name(lane), self._kind(*start.kind))
        heading = self._heading(start.sigma_w, start.sigma_b)
        return Readout(plot.rect, heading, (named, *rows), x=point.x(), y=point.y())

    def table(self) -> list[Row]:
        assert self.info is not None
        return rows_of(self.info)
