"""By how much each layer stretches and shrinks what passes: singular values of weights and of Jacobians."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats
from initviz.telemetry.spectra import Spectra, Spectrum
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import multiples as cells
from initviz.views.axes import Axis, SteadyRange
from initviz.views.base import View
from initviz.views.ink import Ink
from initviz.views.key_line import draw_key, key_height
from initviz.views.lane_status import diverged_at, status_text
from initviz.views.layers import layer_heading, layer_ticks
from initviz.views.multiples import Cell, Multiples
from initviz.views.numbers import significant
from initviz.views.palette import mix
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row

_SIDE = 0.36
"""Room for the two Jacobians beside the layers, as a share of the layers' width ..."""
_SIDE_FROM = 84.0
"""... where a cell is at least so wide."""
_BOXES_FROM = 7.0
"""Distance between layers in pixels from which each has a box of its own."""
_WORDS_FROM = 230.0
"""Width of a cell from which its note is written in words."""
_KEY_FROM = 130.0
_DECADES = (-16.0, 12.0)


@dataclass(frozen=True, slots=True)
class _Side:
    """Where the Jacobians stand on the axis of layers: coordinates of both, and half a column."""

    hidden: float
    whole: float
    half: float


class IsometryView(View):
    """One small plot a lane: a box a layer, and beside them the Jacobians; hollow at the start, filled now."""

    KEY = "isometry"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._range = SteadyRange(log=True, least=1.0)
        self._multiples: Multiples | None = None
        self._side: _Side | None = None

    def title(self) -> str:
        return self.tr("Isometry: singular values")

    def sentence(self) -> str:
        return self.tr(
            "A start keeps every direction alive where all singular values lie at 1: tall boxes, and above all a tall"
            " J, are directions that get lost or blown up on the way through the network."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nBy how much each layer stretches and shrinks what passes appears here, and beside it"
            " what the whole network does."
        )

    def version(self) -> int:
        spectra = self._now()
        states = self.history.lanes if self.history is not None else ()
        outcomes = tuple((state.outcome, state.diverged_at) for state in states)
        return hash((spectra.step, id(spectra), outcomes)) if spectra is not None else -1

    def has_data(self) -> bool:
        return self._now() is not None

    def forget(self) -> None:
        self._range.reset()

    def _now(self) -> Spectra | None:
        frame = self.history.frame if self.history is not None else None
        return frame.spectra if frame is not None else None

    def _start(self) -> Spectra | None:
        return self.history.first_spectra if self.history is not None else None

    def cells(self) -> tuple[Cell, ...]:
        """Return the small plots as they were last drawn."""
        return self._multiples.cells if self._multiples is not None else ()

    # Drawing

    def draw(self, ink: Ink, area: QRectF) -> None:
        now, start = self._now(), self._start()
        assert now is not None
        assert self.info is not None
        count = self.info.num_layers
        key = key_height(self.theme) if area.height() >= _KEY_FROM else 0.0
        axis = self._fit([spectra for spectra in (start, now) if spectra is not None])
        side = _Side(count + 0.5 + 0.11 * count + 0.1, count + 0.5 + 0.27 * count + 0.2, 0.075 * count)
        plain, wide = Axis(0.5, count + 0.5), Axis(0.5, count + 0.5 + _SIDE * count + 0.25)
        room = area.adjusted(0, key, 0, 0)
        multiples = cells.arrange(self, room, wide, axis, 1.5)
        has_side = multiples.cells[0].plot.rect.width() >= _SIDE_FROM * self.theme.unit
        if not has_side:
            multiples = cells.arrange(self, room, plain, axis, 1.5)
        if ink.painter.device() is self.canvas.image:
            self._multiples, self._side = multiples, side if has_side else None
        wide_enough = multiples.cells[0].plot.rect.width() >= _WORDS_FROM * self.theme.unit
        notes = {cell.lane: self._note(cell.lane, wide_enough) for cell in multiples.cells}
        self.backdrop(
            ink,
            (multiples.key, id(start), tuple(notes.items()), key),
            lambda target: self._draw_backdrop(
                target, area, multiples, side if has_side else None, notes, key
            ),
        )
        for cell in multiples.cells:
            self._draw_lane(ink, cell, side if has_side else None, now, hollow=False)

    def _fit(self, looks: list[Spectra]) -> Axis:
        lanes = self.shown_lanes()
        # Of the Jacobians the middle half counts: their smallest value is 0 or nearly so as a rule.
        values = np.concatenate(
            [
                part.ravel()
                for spectra in looks
                for part in (
                    spectra.weights.quartiles()[:, lanes],
                    spectra.jacobian.quartiles()[:4, lanes],
                    spectra.hidden_jacobian.quartiles()[:4, lanes],
                )
            ]
        )
        values = values[np.isfinite(values) & (values > 0)]
        decades = np.clip(np.log10(values), *_DECADES)
        low, high = float(decades.min(initial=-1.0)), float(decades.max(initial=0.4))
        return self._range.fit(low - 0.05, high + 0.1)

    def _note(self, lane: int, in_words: bool) -> str:
        """Return how many directions a lane keeps: at the start, and now."""
        now, start = self._now(), self._start()
        if diverged_at(self.history, lane) is not None:
            return status_text(self.history, lane)
        assert now is not None
        for name, kind in (("H", "hidden_jacobian"), ("J", "jacobian")):
            spectrum: Spectrum = getattr(now, kind)
            if spectrum.count[lane] <= 1:
                continue
            rank = _short(float(spectrum.effective_rank[lane]))
            if start is not None and start.step < now.step:
                before: Spectrum = getattr(start, kind)
                rank = f"{_short(float(before.effective_rank[lane]))} → {rank}"
            count = int(spectrum.count[lane])
            if not in_words:
                return f"{name}: {rank} / {count}"
            return self.tr("{name}: {rank} of {count} directions").format(name=name, rank=rank, count=count)
        return ""

    def _draw_backdrop(
        self,
        ink: Ink,
        area: QRectF,
        multiples: Multiples,
        side: _Side | None,
        notes: dict[int, str],
        key: float,
    ) -> None:
        theme, start = self.theme, self._start()
        ink.fill(area, theme.surface)
        cells.draw_numbers(self, ink, multiples, "")
        for cell in multiples.cells:
            plot = cell.plot
            for tick in plot.y_ticks(theme):
                y = round(float(plot.py(np.array(tick.at)))) + 0.5
                if tick.label:
                    ink.line(plot.rect.left(), y, plot.rect.right(), y, theme.grid)
            ideal = round(float(plot.py(np.array(0.0)))) + 0.5
            ink.line(plot.rect.left(), ideal, plot.rect.right(), ideal, theme.text)
            if side is not None:
                x = round(self._edge(plot)) + 0.5
                ink.line(x, plot.rect.top(), x, plot.rect.bottom(), theme.border)
            if start is not None:
                self._draw_lane(ink, cell, side, start, hollow=True)
            if cell.last_row:
                self._draw_layer_numbers(ink, plot, side)
        cells.draw_names(self, ink, multiples, notes.__getitem__)
        if key:
            signs = [self.tr("□ at the start  ■ now"), self.tr("line at 1: ideal")]
            if side is not None:
                signs.append(self.tr("J: from input to output"))
                signs.append(self.tr("H: from the first to the last hidden layer"))
                signs.append(self.tr("directions: effective rank"))
            draw_key(ink, QRectF(area.left() + 8, area.top(), area.width() - 16, key), signs)

    def _edge(self, plot: Plot) -> float:
        """Return the pixel at which the layers end."""
        assert self.info is not None
        return float(plot.px(np.array(self.info.num_layers + 0.5)))

    def _draw_layer_numbers(self, ink: Ink, plot: Plot, side: _Side | None) -> None:
        assert self.info is not None
        theme, size = self.theme, self.theme.small_px
        edge = self._edge(plot)
        y = plot.rect.bottom() + 6 + size / 2
        title = self.tr("layer")
        limit = edge - lettering.text_width(title, size) - 6
        if limit > plot.rect.left() + 12:
            ink.text(edge - 2, y, title, theme.muted, size, inks.RIGHT)
        else:
            limit = edge
        axis = Axis(0.5, self.info.num_layers + 0.5)
        for tick in layer_ticks(axis, edge - plot.rect.left(), theme):
            x = float(plot.px(np.array(tick.at)))
            if x + lettering.text_width(tick.label, size) / 2 <= limit:
                ink.text(x, y, tick.label, theme.muted, size, inks.CENTER)
        if side is not None:
            for at, name in ((side.hidden, "H"), (side.whole, "J")):
                ink.text(float(plot.px(np.array(at))), y, name, theme.text, size, inks.CENTER, bold=True)

    def _draw_lane(self, ink: Ink, cell: Cell, side: _Side | None, spectra: Spectra, hollow: bool) -> None:
        plot = cell.plot
        count = spectra.weights.count.shape[1]
        pitch = (self._edge(plot) - plot.rect.left()) / count
        color = self.lane_style(cell.lane).color
        x = plot.px(np.arange(1, count + 1, dtype=np.float64))
        y = plot.py_inside(plot.y.coordinates(spectra.weights.quartiles()[:, cell.lane]))
        ink.clip(plot.rect.adjusted(-1, -1, 1, 1))
        if pitch >= _BOXES_FROM:
            self._draw_boxes(ink, x, y, min(0.34 * pitch, 11.0 * self.theme.unit), color, hollow)
        else:
            self._draw_fan(ink, x, y, color, hollow)
        if side is not None:
            at = np.array([side.hidden, side.whole])
            boxes = np.stack(
                (
                    spectra.hidden_jacobian.quartiles()[:, cell.lane],
                    spectra.jacobian.quartiles()[:, cell.lane],
                ),
                axis=1,
            )
            width = min(13.0 * self.theme.unit, float(plot.px(np.array(side.half + 0.5)) - plot.rect.left()))
            self._draw_boxes(
                ink, plot.px(at), plot.py_inside(plot.y.coordinates(boxes)), width, color, hollow
            )
        ink.clip(None)

    def _draw_boxes(self, ink: Ink, x: Floats, y: Floats, width: float, color: str, hollow: bool) -> None:
        """Draw a whisker, a box and a median for each column of ``y`` ``(5, n)``, left or right of its middle."""
        known = np.isfinite(y).all(axis=0)
        x, y = x[known], y[:, known]
        if not len(x):
            return
        left = x - width - 0.5 if hollow else x + 0.5
        middle = left + width / 2
        top, upper, median, lower, bottom = y
        theme = self.theme
        if hollow:
            shade = mix(color, theme.surface, 0.25)
            lower = np.maximum(lower, upper + 2.0)
            right = left + width
            outline = [
                (left, upper, right, upper),
                (right, upper, right, lower),
                (right, lower, left, lower),
                (left, lower, left, upper),
                (middle, top, middle, upper),
                (middle, lower, middle, np.maximum(bottom, lower)),
                (left, median, right, median),
            ]
            segments = np.concatenate([np.stack(line, axis=1) for line in outline])
            ink.segments(segments, shade, 1.0)
            return
        line = max(1.0, theme.line_width)
        ink.bars(
            np.stack((middle - line / 2, top, np.full(len(x), line), np.maximum(bottom - top, 2.0)), axis=1),
            color,
        )
        ink.bars(
            np.stack((left, upper, np.full(len(x), width), np.maximum(lower - upper, 2.0)), axis=1), color
        )
        tall = lower - upper > 5
        ink.bars(
            np.stack((left, median - 0.75, np.full(len(x), width), np.full(len(x), 1.5)), axis=1)[tall],
            theme.surface,
        )

    def _draw_fan(self, ink: Ink, x: Floats, y: Floats, color: str, hollow: bool) -> None:
        """Draw layers too many for boxes: bands from the smallest to the largest, and between the quartiles."""
        known = np.isfinite(y).all(axis=0)
        if not known.any():
            return
        width = self.theme.line_width
        if hollow:
            shade = mix(color, self.theme.surface, 0.45)
            for row in (0, 2, 4):
                ink.curve(x, y[row], shade, width, (3.0, 3.0))
            return
        ink.band(x[known], np.maximum(y[4], y[0] + 1)[known], y[0][known], color, 60)
        ink.band(x[known], np.maximum(y[3], y[1] + 1)[known], y[1][known], color, 110)
        ink.curve(x, y[2], color, width + 0.5)

    # Reading

    def read_out(self, place: QPointF) -> Readout | None:
        cell = self._multiples.at(place) if self._multiples is not None else None
        now, start = self._now(), self._start()
        if cell is None or now is None or self.info is None:
            return None
        plot = cell.plot
        at = plot.x.low + (place.x() - plot.rect.left()) / plot.rect.width() * (plot.x.high - plot.x.low)
        count, side = self.info.num_layers, self._side
        if side is not None and at > count + 0.5:
            hidden = at < (side.hidden + side.whole) / 2
            heading = (
                self.tr("H: from the first to the last hidden layer")
                if hidden
                else self.tr("J: from input to output")
            )
            x = side.hidden if hidden else side.whole
            kind = "hidden_jacobian" if hidden else "jacobian"
            before = None if start is None else getattr(start, kind)
            rows = [self._row(lane, (lane,), before, getattr(now, kind)) for lane in self.shown_lanes()]
        else:
            layer = int(np.clip(math.floor(at + 0.5), 1, count)) - 1
            heading, x = layer_heading(self.info, layer, cell.lane), layer + 1.0
            weights = None if start is None else start.weights
            rows = [self._row(lane, (lane, layer), weights, now.weights) for lane in self.shown_lanes()]
        return Readout(plot.rect, heading, tuple(rows), x=float(plot.px(np.array(x))))

    def _row(self, lane: int, place: tuple[int, ...], start: Spectrum | None, now: Spectrum) -> ReadoutRow:
        if now.count[place] == 0 and (start is None or start.count[place] == 0):
            return ReadoutRow(lane, self.lane_name(lane), self.tr("not computed"))
        smallest, largest = (significant(float(values[place])) for values in (now.smallest, now.largest))
        text = f"{smallest} … {largest}   κ {significant(float(now.condition_number[place]))}"
        if start is not None:
            before = significant(float(start.condition_number[place]))
            text = f"{smallest} … {largest}   κ {before} → {significant(float(now.condition_number[place]))}"
        return ReadoutRow(lane, self.lane_name(lane), text)

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [
            [
                "lane",
                "matrix",
                "layer",
                "name",
                "when",
                "step",
                "count",
                "largest",
                "upper_quartile",
                "median",
                "lower_quartile",
                "smallest",
                "condition_number",
                "mean_square",
                "spread",
                "effective_rank",
            ]
        ]
        for when, spectra in (("start", self._start()), ("now", self._now())):
            if spectra is None:
                continue
            for index, lane in enumerate(self.info.lanes):
                for layer, name in enumerate(lane.layers):
                    told = _numbers(spectra.weights, (index, layer))
                    rows.append([lane.name, "weight", layer + 1, name, when, spectra.step, *told])
                for kind in ("jacobian", "hidden_jacobian"):
                    told = _numbers(getattr(spectra, kind), (index,))
                    rows.append([lane.name, kind, "", "", when, spectra.step, *told])
        return rows


def _short(rank: float) -> str:
    """Return a rank with one decimal where that says something.

    >>> _short(3.14159), _short(46.7)
    ('3.1', '47')
    """
    return f"{rank:.1f}" if 0 < rank < 9.95 else f"{rank:.0f}"


def _numbers(spectrum: Spectrum, place: tuple[int, ...]) -> list[float | int]:
    return [
        int(spectrum.count[place]),
        *(float(row[place]) for row in spectrum.quartiles()),
        float(spectrum.condition_number[place]),
        float(spectrum.mean_square[place]),
        float(spectrum.spread[place]),
        float(spectrum.effective_rank[place]),
    ]
