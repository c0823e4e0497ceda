"""Which share of each layer's units is dead or saturated: now, at the start, and over the run."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats, Signal
from initviz.telemetry.series import Series
from initviz.telemetry.units import Activity
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import multiples as cells
from initviz.views.axes import Axis, Tick, growing_end
from initviz.views.base import View
from initviz.views.ink import Ink
from initviz.views.invitation import draw_invitation
from initviz.views.key_line import draw_key, key_height
from initviz.views.lane_status import diverged_at, status_text
from initviz.views.layers import layer_axis, layer_heading, layer_ticks
from initviz.views.magnitude import peaks, share_codes, share_table
from initviz.views.multiples import Cell, Multiples
from initviz.views.numbers import percent, whole
from initviz.views.palette import mix
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row

_BARS = 0.34
"""Width of the bars beside a map, as a share of the cell, and of the gap before them."""
_GAP = 0.03
_KEY_FROM = 130.0
_RAMP = 56.0


def lost(signal: Signal) -> Floats:
    """Return what share of each layer does nothing, ``(K, L)``: of units that died, or of values that saturate."""
    return np.clip(np.fmax(signal.dead_fraction, signal.saturated_fraction), 0.0, 1.0)


class DeadUnitsView(View):
    """One heat map a lane over the steps, and beside it a bar a layer."""

    KEY = "dead_units"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._multiples: Multiples | None = None

    def title(self) -> str:
        return self.tr("Dead and saturated units")

    def sentence(self) -> str:
        return self.tr(
            "A unit that is zero for every example gets no gradient, and one stuck at an end of its function hardly"
            " any: a bar that stays long is a part of the layer that the start has lost."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nWhich share of each layer's units is dead or saturated appears here, step by step,"
            " layer 1 at the bottom."
        )

    def version(self) -> int:
        return self.frame_version()

    def has_data(self) -> bool:
        return self.history is not None and self.history.frame is not None

    def cells(self) -> tuple[Cell, ...]:
        """Return the small plots as they were last drawn."""
        return self._multiples.cells if self._multiples is not None else ()

    def _signals(self) -> tuple[Signal, Signal]:
        """Return the signal at the start and now."""
        assert self.history is not None
        assert self.history.frame is not None
        first = self.history.first_frame or self.history.frame
        return first.signal, self.history.frame.signal

    def _activity(self) -> Activity | None:
        frame = self.history.frame if self.history is not None else None
        return frame.activity if frame is not None else None

    # Drawing

    def draw(self, ink: Ink, area: QRectF) -> None:
        assert self.history is not None
        assert self.info is not None
        start, now = self._signals()
        lanes = self.shown_lanes()
        if np.isnan(lost(start)[lanes]).all() and np.isnan(lost(now)[lanes]).all():
            self._multiples = None
            draw_invitation(ink, area, self._cannot())
            return
        theme = self.theme
        key = key_height(theme) if area.height() >= _KEY_FROM else 0.0
        layers = layer_axis(self.info.num_layers)
        ticks = layer_ticks(layers, max(60.0, area.height() / 2), theme)
        last = max(self.history.last_step, self.history.frame.step if self.history.frame else 0)
        end = float(growing_end(last, self.info.total_steps))
        x = Axis(0.0, end / (1 - _BARS - _GAP))
        multiples = cells.arrange(self, area.adjusted(0, key, 0, 0), x, layers, 1.5, ticks)
        if ink.painter.device() is self.canvas.image:
            self._multiples = multiples
        notes = tuple(self._note(cell.lane) for cell in multiples.cells)
        self.backdrop(
            ink,
            (multiples.key, end, notes, key, id(self.history.first_frame)),
            lambda target: self._draw_backdrop(target, area, multiples, ticks, end, key),
        )
        series = self._series()
        for cell in multiples.cells:
            self._draw_map(ink, cell, series, end)
            self._draw_bars(ink, cell)

    def _cannot(self) -> str:
        return self.tr(
            "No unit here can be dead or saturated.\nThe activation of these layers has no flat part: choose ReLU, tanh"
            " or sigmoid to see what can happen."
        )

    def _note(self, lane: int) -> str:
        if diverged_at(self.history, lane) is not None:
            return status_text(self.history, lane)
        shares = lost(self._signals()[1])[lane]
        if np.isnan(shares).all():
            return ""
        worst = int(np.nanargmax(shares))
        if shares[worst] < 0.0005:
            return self.tr("none")
        return self.tr("layer {layer}: {share}").format(layer=worst + 1, share=percent(float(shares[worst])))

    def _series(self) -> Series:
        assert self.history is not None
        dead, flat = self.history.dead(), self.history.saturated()
        return Series(dead.steps, np.fmax(dead.values, flat.values), np.fmax(dead.last, flat.last))

    def _bars_rect(self, plot: Plot) -> QRectF:
        """Return where the bars of a cell stand."""
        left = plot.rect.left() + (1 - _BARS) * plot.rect.width()
        return QRectF(left, plot.rect.top(), plot.rect.right() - left, plot.rect.height())

    def _draw_backdrop(
        self,
        ink: Ink,
        area: QRectF,
        multiples: Multiples,
        ticks: tuple[Tick, ...],
        end: float,
        key: float,
    ) -> None:
        theme, size = self.theme, self.theme.small_px
        ink.fill(area, theme.surface)
        cells.draw_numbers(self, ink, multiples, "", y_ticks=ticks)
        cells.draw_names(self, ink, multiples, self._note)
        for cell in multiples.cells:
            bars = self._bars_rect(cell.plot)
            for share in (0.5, 1.0):
                x = round(bars.left() + share * (bars.width() - 4)) + 0.5
                ink.line(x, bars.top(), x, bars.bottom(), theme.grid)
            ink.line(
                round(bars.left()) + 0.5, bars.top(), round(bars.left()) + 0.5, bars.bottom(), theme.border
            )
            if not cell.last_row:
                continue
            y = cell.plot.rect.bottom() + 6 + size / 2
            title = self.tr("step")
            right = bars.left() - _GAP * cell.plot.rect.width()
            width = lettering.text_width(title, size)
            if right - width > cell.plot.rect.left() + 16:
                ink.text(right, y, title, theme.muted, size, inks.RIGHT)
            plain = Plot(
                QRectF(cell.plot.rect.left(), 0, right - cell.plot.rect.left(), 10), Axis(0, end), Axis(0, 1)
            )
            for tick in plain.x_ticks(theme):
                x = float(plain.px(np.array(tick.at)))
                half = lettering.text_width(tick.label, size) / 2
                if tick.label and x + half < right - width - 6:
                    ink.text(max(x, plain.rect.left() + half), y, tick.label, theme.muted, size, inks.CENTER)
            if bars.width() > 2.2 * lettering.text_width(percent(1.0), size):
                ink.text(bars.left() + (bars.width() - 4), y, percent(1.0), theme.muted, size, inks.RIGHT)
                ink.text(bars.left(), y, "0", theme.muted, size, inks.CENTER)
        if key:
            self._draw_key(ink, QRectF(area.left() + 8, area.top(), area.width() - 16, key))

    def _draw_key(self, ink: Ink, rect: QRectF) -> None:
        theme, size = self.theme, self.theme.small_px
        activity = self._activity()
        looks = activity.num_looks if activity is not None else 0
        ends = (percent(0.0), percent(1.0))
        ramp = _RAMP * theme.unit
        room = sum(lettering.text_width(text, size) for text in ends) + ramp + 24
        if room < 0.5 * rect.width():
            x, y = rect.right() - room + 12, rect.center().y()
            x += ink.text(x, y, ends[0], theme.muted, size) + 5
            codes = np.linspace(0.0, 1.0, 64)[None, :]
            ink.picture(QRectF(x, y - 4, ramp, 8), share_codes(codes, 1.0), share_table(theme))
            ink.text(x + ramp + 5, y, ends[1], theme.muted, size)
            rect = rect.adjusted(0, 0, -room, 0)
        notes = [self.tr("light bar: for this whole batch")]
        if looks > 1:
            notes.append(self.tr("dark bar: in each of the last {count} looks").format(count=looks))
        notes += [self.tr("| at the start"), self.tr("grey: cannot happen")]
        draw_key(ink, rect, notes)

    def _draw_map(self, ink: Ink, cell: Cell, series: Series, end: float) -> None:
        assert self.info is not None
        plot = cell.plot
        depth = len(self.info.lanes[cell.lane].layers)
        width = (1 - _BARS - _GAP) * plot.rect.width()
        if not len(series.steps):
            return
        reach = min(1.0, (float(series.steps[-1]) + 1.0) / end)
        columns = max(1, int(reach * width * ink.scale))
        at = (np.arange(columns) + 0.5) / columns * reach * end
        index = np.clip(np.searchsorted(series.steps, at, side="right") - 1, 0, len(series.steps) - 1)
        values = np.asarray(series.values[:, cell.lane, :depth], dtype=np.float64).T[:, index]
        height = plot.rect.height() * depth / self.info.num_layers
        codes = share_codes(peaks(values, 0, max(1, int(height * ink.scale))), 1.0)
        ink.clip(plot.rect)
        ink.picture(
            QRectF(plot.rect.left(), plot.rect.bottom() - height, max(1.0, reach * width), height),
            codes[::-1],
            share_table(self.theme),
        )
        ink.clip(None)

    def _draw_bars(self, ink: Ink, cell: Cell) -> None:
        assert self.info is not None
        plot, color = cell.plot, self.lane_style(cell.lane).color
        start, now = (lost(signal)[cell.lane] for signal in self._signals())
        activity = self._activity()
        long = np.full_like(now, np.nan)
        if activity is not None and activity.num_looks > 1:
            long = activity.idle_for_long[cell.lane]
        rect = self._bars_rect(plot)
        room, count = rect.width() - 4, len(now)
        pitch = plot.rect.height() / count
        height = max(1.0, pitch - max(1.0, 0.3 * pitch))
        tops = plot.py(np.arange(1, count + 1, dtype=np.float64)) - height / 2
        unknown = np.isnan(now) & np.isnan(start)
        unknown &= np.arange(count) < len(self.info.lanes[cell.lane].layers)
        left = np.full(count, rect.left() + 1)

        def bars(shares: Floats, shade: str) -> None:
            good = np.isfinite(shares) & (shares > 0)
            table = np.stack((left, tops, np.nan_to_num(shares) * room, np.full(count, height)), axis=1)
            ink.bars(table[good], shade)

        if diverged_at(self.history, cell.lane) is None and pitch >= 3:
            bars(np.where(unknown, 0.06, np.nan), self.theme.unknown)
        bars(now, mix(color, self.theme.surface, 0.55))
        bars(long, color)
        known = np.isfinite(start)
        x = rect.left() + 1 + start[known] * room
        ink.segments(
            np.stack((x, tops[known] - 1, x, tops[known] + height + 1), axis=1),
            color,
            max(1.0, self.theme.line_width),
        )

    # Reading

    def read_out(self, place: QPointF) -> Readout | None:
        cell = self._multiples.at(place) if self._multiples is not None else None
        if cell is None or self.info is None or self.history is None or self.history.frame is None:
            return None
        plot = cell.plot
        up = (plot.rect.bottom() - place.y()) / plot.rect.height()
        layer = int(np.clip(math.floor(up * self.info.num_layers), 0, self.info.num_layers - 1))
        heading = layer_heading(self.info, layer, cell.lane)
        y = float(plot.py(np.array(layer + 1.0)))
        bars = self._bars_rect(plot)
        if place.x() >= bars.left():
            rows = tuple(
                ReadoutRow(lane, self.lane_name(lane), self._now_text(lane, layer))
                for lane in self.shown_lanes()
            )
            return Readout(plot.rect, heading, rows, y=y)
        step = plot.x.low + (place.x() - plot.rect.left()) / plot.rect.width() * (plot.x.high - plot.x.low)
        series = self._series()
        if not len(series.steps):
            return None
        index = int(np.clip(np.searchsorted(series.steps, step, side="right") - 1, 0, len(series.steps) - 1))
        heading = f"{heading}   " + self.tr("step {step}").format(step=whole(int(series.steps[index])))
        rows = tuple(
            ReadoutRow(lane, self.lane_name(lane), percent(float(series.values[index, lane, layer])))
            for lane in self.shown_lanes()
        )
        return Readout(plot.rect, heading, rows, x=place.x(), y=y)

    def _now_text(self, lane: int, layer: int) -> str:
        start, now = (float(lost(signal)[lane, layer]) for signal in self._signals())
        text = f"{percent(start)} → {percent(now)}"
        activity = self._activity()
        if (
            activity is not None
            and activity.num_looks > 1
            and not np.isnan(activity.idle_for_long[lane, layer])
        ):
            text += "   " + self.tr("for long {share}").format(
                share=percent(float(activity.idle_for_long[lane, layer]))
            )
        return text

    def table(self) -> list[Row]:
        assert self.info is not None
        header: list[str | int | float] = [
            "lane",
            "layer",
            "name",
            "when",
            "step",
            "dead",
            "saturated",
            "idle",
            "idle_for_long",
        ]
        rows: list[Row] = []
        if self.history is None or self.history.frame is None or self.history.first_frame is None:
            return [header]
        bins = 0
        for when, frame, activity in (
            ("start", self.history.first_frame, self.history.first_activity),
            ("now", self.history.frame, self.history.frame.activity),
        ):
            bins = max(bins, 0 if activity is None else activity.shares.shape[2])
            for index, lane in enumerate(self.info.lanes):
                for layer, name in enumerate(lane.layers):
                    at = (index, layer)
                    told: list[str | int | float] = [
                        float(frame.signal.dead_fraction[at]),
                        float(frame.signal.saturated_fraction[at]),
                    ]
                    if activity is not None:
                        told += [
                            float(activity.idle[at]),
                            float(activity.idle_for_long[at]),
                            *activity.shares[at].tolist(),
                        ]
                    rows.append([lane.name, layer + 1, name, when, frame.step, *told])
        header += [f"active_up_to_{(place + 1) / bins:.2g}" for place in range(bins)]
        return [header, *rows]
