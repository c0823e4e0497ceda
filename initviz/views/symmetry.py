"""How alike the hidden units of each layer are: copies, angles between them, and how many directions they span."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats
from initviz.telemetry.spectra import Spectra
from initviz.telemetry.units import Sameness
from initviz.views import lettering
from initviz.views import plot as plots
from initviz.views.axes import Axis
from initviz.views.base import View
from initviz.views.ink import Ink
from initviz.views.lane_legend import draw_legend, legend_height
from initviz.views.lane_status import diverged_at, status_text
from initviz.views.layers import layer_axis, layer_heading, layer_ticks
from initviz.views.numbers import percent, significant
from initviz.views.palette import mix
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row
from initviz.views.sharing import symmetry_words

_NARROWEST = 132.0
_LOWEST = 84.0
_WORDS_SHARE = 0.4
"""Largest share of the height that the words may take."""


@dataclass(frozen=True, slots=True, eq=False)
class _Quantity:
    """One plot.

    Attributes:
        caption: Its name.
        short: The same in few characters.
        start: ``(K, L)`` at the first look.
        now: ``(K, L)`` at the latest.
        percent: Whether the numbers are shares.
    """

    caption: str
    short: str
    start: Floats
    now: Floats
    percent: bool


class SymmetryView(View):
    """Three plots by layer, and in words what they come to; hollow at the start, filled now."""

    KEY = "symmetry"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout: list[tuple[Plot, _Quantity]] = []

    def title(self) -> str:
        return self.tr("Symmetry of units")

    def sentence(self) -> str:
        return self.tr(
            "Units with equal weights in and out get equal gradients and stay copies, so that a whole layer computes"
            " what one unit could: a start must make them differ."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nHow many units of each hidden layer are copies of another appears here, and how far"
            " the others differ."
        )

    def version(self) -> int:
        sameness = self._sameness()
        states = self.history.lanes if self.history is not None else ()
        outcomes = tuple((state.outcome, state.diverged_at) for state in states)
        return hash((sameness.step, id(sameness), outcomes)) if sameness is not None else -1

    def has_data(self) -> bool:
        return self._sameness() is not None

    def _sameness(self) -> Sameness | None:
        frame = self.history.frame if self.history is not None else None
        return frame.sameness if frame is not None else None

    def plots(self) -> list[Plot]:
        """Return the plots as they were last drawn: copies, cosine and rank, as far as there is room."""
        return [plot for plot, _ in self._layout]

    def _quantities(self) -> tuple[_Quantity, ...]:
        assert self.history is not None
        assert self.history.frame is not None
        now = self._sameness()
        assert now is not None
        start = self.history.first_sameness or now
        ranks = _rank_share(self.history.frame.spectra, now)
        return (
            _Quantity(
                self.tr("copies among the units"), self.tr("copies"), start.copies, now.copies, percent=True
            ),
            _Quantity(
                self.tr("mean |cos| of two units"),
                self.tr("mean |cos|"),
                start.cosine,
                now.cosine,
                percent=False,
            ),
            _Quantity(
                self.tr("effective rank of the weight"),
                self.tr("effective rank"),
                _rank_share(self.history.first_spectra, start),
                ranks,
                percent=True,
            ),
        )

    # Drawing

    def draw(self, ink: Ink, area: QRectF) -> None:
        words = self._words(area)
        line = self.theme.small_px + 6.0
        if words:
            head = len(words) * line + 6.0
        else:
            head = legend_height(self, area.width() - 18, area.height())
        layout = self._arrange(area.adjusted(0, head, 0, 0))
        if ink.painter.device() is self.canvas.image:
            self._layout = layout
        assert self.history is not None
        key = (id(self.history.first_sameness), tuple(words), *(plot.key for plot, _ in layout))
        self.backdrop(ink, key, lambda target: self._draw_backdrop(target, area, layout, words))
        for plot, quantity in layout:
            self._draw_points(ink, plot, quantity.now, hollow=False)

    def _words(self, area: QRectF) -> list[tuple[int, str]]:
        """Return each lane and what is to be said of it; nothing where there is no room for all."""
        now = self._sameness()
        assert now is not None
        lanes = self.shown_lanes()
        line = self.theme.small_px + 6.0
        if len(lanes) * line > _WORDS_SHARE * area.height() or area.width() < 260 * self.theme.unit:
            return []
        return [
            (
                lane,
                status_text(self.history, lane)
                if diverged_at(self.history, lane) is not None
                else symmetry_words(now, lane),
            )
            for lane in lanes
        ]

    def _arrange(self, area: QRectF) -> list[tuple[Plot, _Quantity]]:
        assert self.info is not None
        theme = self.theme
        captions, below = plots.caption_height(theme), plots.axis_height(theme)
        x = layer_axis(self.info.num_layers)
        quantities = self._quantities()
        axes = [Axis(0.0, 1.0, percent=quantity.percent) for quantity in quantities]
        unit = theme.unit
        columns = int(min(3, max(1, area.width() // (_NARROWEST * unit))))
        rows = int(min(-(-3 // columns), max(1, area.height() // (_LOWEST * unit))))
        shown = min(3, columns * rows)
        columns = -(-shown // rows)
        wide, high = area.width() / columns, area.height() / rows
        layout = []
        for place in range(shown):
            row, column = divmod(place, columns)
            left = plots.axis_width(axes[place], high - captions - below, theme) + 4
            rect = QRectF(
                area.left() + column * wide + left,
                area.top() + row * high + captions,
                max(40.0, wide - left - 12),
                max(16.0, high - captions - below - 6),
            )
            layout.append((Plot(rect, x, axes[place]), quantities[place]))
        return layout

    def _draw_backdrop(
        self,
        ink: Ink,
        area: QRectF,
        layout: list[tuple[Plot, _Quantity]],
        words: list[tuple[int, str]],
    ) -> None:
        theme = self.theme
        ink.fill(area, theme.surface)
        if words:
            self._draw_words(ink, area, words)
        else:
            rect = area.adjusted(10, 0, -8, 0)
            draw_legend(self, ink, QRectF(rect.left(), area.top(), rect.width(), 0), area.height())
        for place, (plot, quantity) in enumerate(layout):
            note = self.tr("○ at the start  ● now") if place == 0 else ""
            plots.draw_backdrop(
                ink,
                plot,
                plots.fitting((quantity.caption, quantity.short), plot.rect, theme),
                self.tr("layer"),
                layer_ticks(plot.x, plot.rect.width(), theme),
                note,
            )
            self._draw_points(ink, plot, quantity.start, hollow=True)

    def _draw_words(self, ink: Ink, area: QRectF, words: list[tuple[int, str]]) -> None:
        size = self.theme.small_px
        unit, line = self.theme.unit, size + 6.0
        names = [lettering.text_width(self.lane_name(lane), size, bold=True) for lane, _ in words]
        column = min(max(names), 0.3 * area.width()) + 26 * unit
        for place, (lane, text) in enumerate(words):
            style = self.lane_style(lane)
            y = area.top() + 4 + (place + 0.5) * line
            left = area.left() + 12
            ink.marker(style.marker, left + 4 * unit, y, style.color, 3.5 * unit)
            name = lettering.elide(self.lane_name(lane), column - 26 * unit, size, bold=True)
            width = ink.text(left + 14 * unit, y, name, style.ink, size, bold=True)
            self.mark_lane(QRectF(left, y - line / 2, 14 * unit + width, line), lane)
            room = area.right() - 10 - left - column
            color = self.theme.text if lane == self.focus_lane else self.theme.muted
            ink.text(left + column, y, lettering.elide(text, room, size), color, size)

    def _draw_points(self, ink: Ink, plot: Plot, values: Floats, hollow: bool) -> None:
        count = values.shape[1]
        spacing = plot.rect.width() / count
        x = plot.px(np.arange(1, count + 1, dtype=np.float64))
        y = plot.py_inside(plot.y.coordinates(values))
        lanes = self.shown_lanes()
        width = self.theme.line_width
        diameter = min(5.0, 0.8 * spacing) + 2 * (width - 1)
        # Lanes of equal numbers stand side by side.
        step = min(diameter + 1, 0.7 * spacing / max(1, len(lanes)))
        for lane in self.painting_order():
            own = x + (lanes.index(lane) - (len(lanes) - 1) / 2) * step
            color = self.lane_style(lane).color
            if hollow:
                ink.curve(own, y[lane], mix(color, self.theme.surface, 0.5), width)
                if spacing >= 8:
                    ink.dots(own, y[lane], color, diameter + 2.5, hollow=True)
                continue
            thick = width + 1 if lane == self.focus_lane else width
            ink.curve(own, y[lane], color, thick, self.lane_style(lane).dash)
            ink.dots(own, y[lane], color, max(2.0, diameter))

    # Reading

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
        told = percent if quantity.percent else significant
        rows = tuple(
            ReadoutRow(
                lane,
                self.lane_name(lane),
                f"{told(float(quantity.start[lane, layer]))} → {told(float(quantity.now[lane, layer]))}",
            )
            for lane in self.shown_lanes()
        )
        x = float(plot.px(np.array(layer + 1.0)))
        return Readout(plot.rect, layer_heading(self.info, layer, self.focus_lane), rows, x=x)

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [
            [
                "lane",
                "layer",
                "name",
                "when",
                "step",
                "units",
                "different_units",
                "copies",
                "grad_copies",
                "mean_abs_cosine",
                "mean_cosine",
                "effective_rank",
            ]
        ]
        if self.history is None or self.history.frame is None:
            return rows
        looks = (
            ("start", self.history.first_sameness, self.history.first_spectra),
            ("now", self.history.frame.sameness, self.history.frame.spectra),
        )
        for when, sameness, spectra in looks:
            if sameness is None:
                continue
            for index, lane in enumerate(self.info.lanes):
                for layer, name in enumerate(lane.layers):
                    at = (index, layer)
                    rank = float("nan") if spectra is None else float(spectra.weights.effective_rank[at])
                    rows.append(
                        [
                            lane.name,
                            layer + 1,
                            name,
                            when,
                            sameness.step,
                            int(sameness.num_units[at]),
                            int(sameness.num_different[at]),
                            float(sameness.copies[at]),
                            float(sameness.grad_copies[at]),
                            float(sameness.cosine[at]),
                            float(sameness.signed_cosine[at]),
                            rank,
                        ]
                    )
        return rows


def _rank_share(spectra: Spectra | None, sameness: Sameness) -> Floats:
    """Return the effective rank of hidden layers as a share of what it could be, ``(K, L)``."""
    if spectra is None:
        return np.full_like(sameness.copies, np.nan)
    share = spectra.weights.effective_rank / np.maximum(spectra.weights.count, 1)
    return np.where(sameness.num_units > 0, share, np.nan)
