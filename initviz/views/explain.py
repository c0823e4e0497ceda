"""What is right or wrong with each lane's start, and why, in words."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QLocale, QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.explanation import Explanation, Travel, explain
from initviz.telemetry.explanation_text import explanation_text, headline
from initviz.views import lettering
from initviz.views.base import View
from initviz.views.ink import Ink
from initviz.views.lane_status import status_text
from initviz.views.numbers import percent, significant
from initviz.views.palette import Theme
from initviz.views.plot import Readout, ReadoutRow
from initviz.views.saving import Row
from initviz.views.wrapping import wrap

_LEADING = 1.5
_WIDEST = 46.0
"""Widest line of text, in multiples of its size: longer ones are hard to follow."""


@dataclass(frozen=True, slots=True)
class _Block:
    """What is said of one lane.

    Attributes:
        lane: Its index.
        name: What the person calls it, as much as fits.
        head: The headline, as much as fits.
        lines: The sentences, in lines; empty where there is no room for them.
        size: Of the type.
        own_line: Whether the headline stands below the name.
    """

    lane: int
    name: str
    head: str
    lines: tuple[str, ...]
    size: int
    own_line: bool

    @property
    def height(self) -> float:
        """How much room it takes, without the gap to the next."""
        return _LEADING * self.size * (1 + self.own_line + len(self.lines))


class ExplainView(View):
    """A headline and a sentence or two a lane, from what was measured and what theory says."""

    KEY = "explain"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tops: list[tuple[float, int]] = []

    def title(self) -> str:
        return self.tr("Why it learns, or does not")

    def sentence(self) -> str:
        return self.tr(
            "Each lane's start in words: what was measured in its layers, how that compares with theory, and what has"
            " become of it since."
        )

    def invitation(self) -> str:
        return self.tr(
            "Press space to play.\nWhat is right or wrong with the start of each lane, and why, appears here in words."
        )

    def version(self) -> int:
        return self.frame_version()

    def has_data(self) -> bool:
        return self.history is not None and self.history.frame is not None

    def explanation(self, lane: int) -> Explanation:
        """Return what there is to say of a lane of the run."""
        assert self.info is not None
        history = self.history
        first = history.first_frame if history is not None else None
        latest = history.frame if history is not None else None
        state = history.lanes[lane] if history is not None and history.lanes else None
        return explain(self.info, lane, first, latest, state)

    def said(self, lane: int) -> tuple[str, str]:
        """Return the headline of a lane and its sentences, in the current language."""
        language = QLocale().name()
        found = self.explanation(lane)
        text = explanation_text(found, significant, percent)
        return headline(found).in_language(language), text.in_language(language)

    def draw(self, ink: Ink, area: QRectF) -> None:
        ink.fill(area, self.theme.surface)
        rect = area.adjusted(16, 4, -12, -4)
        order = self.shown_lanes()
        texts = {lane: self.said(lane) for lane in order}
        y, tops = rect.top(), []
        blocks, gap = self._fit(texts, rect)
        for block in blocks:
            self._draw_block(ink, block, rect, y)
            tops.append((y, block.lane))
            y += block.height + gap
        if ink.painter.device() is self.canvas.image:
            self._tops = tops[::-1]
        if len(blocks) < len(order):
            note = self.tr("{count} more where there is more room").format(count=len(order) - len(blocks))
            ink.text(rect.left(), rect.bottom() - self.theme.small_px / 2, note, self.theme.muted)

    def _fit(self, texts: dict[int, tuple[str, str]], rect: QRectF) -> tuple[list[_Block], float]:
        """Return as much as there is room for, and the gap between two lanes.

        First everything, then in smaller type, then the sentences of the lane in focus and of as many others as fit.
        """
        theme, width = self.theme, rect.width()
        for size in (theme.base_px, theme.small_px):
            gap = 0.75 * size
            blocks = [self._block(lane, *said, width, size, True) for lane, said in texts.items()]
            if sum(block.height + gap for block in blocks) - gap <= rect.height():
                return blocks, gap
        size = theme.small_px
        line = _LEADING * size
        most = int(rect.height() / line)
        by_focus = sorted(texts, key=lambda lane: lane != self.focus_lane)
        lanes = by_focus[: most if len(texts) <= most else max(1, most - 1)]
        gap = min(0.75 * size, max(0.0, rect.height() - len(lanes) * line) / len(lanes))
        left = rect.height() - len(lanes) * (line + gap)
        kept: list[_Block] = []
        for lane in lanes:
            block = self._block(lane, *texts[lane], width, size, True)
            if block.height - line > left:
                block = self._block(lane, *texts[lane], width, size, False)
            left -= block.height - line
            kept.append(block)
        return sorted(kept, key=lambda block: block.lane), gap

    def _block(self, lane: int, head: str, text: str, width: float, size: int, in_full: bool) -> _Block:
        indent = _indent(self.theme)
        room = width - indent
        name = lettering.elide(self.lane_name(lane), room, size, bold=True)
        left = room - lettering.text_width(name, size, bold=True) - size
        own_line = lettering.text_width(head, size) > left
        lines = wrap(text, min(room, _WIDEST * size), size) if in_full and text else []
        if own_line and not in_full:
            own_line, head = False, lettering.elide(head, max(0.0, left), size)
        return _Block(lane, name, lettering.elide(head, room, size), tuple(lines), size, own_line)

    def _draw_block(self, ink: Ink, block: _Block, rect: QRectF, top: float) -> None:
        style, size = self.lane_style(block.lane), block.size
        indent, line = _indent(self.theme), _LEADING * block.size
        left, y = rect.left() + indent, top + line / 2
        unit = self.theme.unit
        if block.lane == self.focus_lane:
            ink.fill(QRectF(rect.left() - 10, top + 2, 3 * unit, block.height - 4), style.color)
        ink.marker(style.marker, rect.left() + 5 * unit, y, style.color, 4 * unit)
        width = ink.text(left, y, block.name, style.ink, size, bold=True)
        self.mark_lane(QRectF(rect.left(), top, indent + width, line), block.lane)
        if block.own_line:
            y += line
            ink.text(left, y, block.head, self.theme.text, size)
        else:
            ink.text(left + width + size, y, block.head, self.theme.text, size)
        for words in block.lines:
            y += line
            ink.text(left, y, words, self.theme.muted, size)

    def read_out(self, place: QPointF) -> Readout | None:
        found = next((entry for entry in self._tops if place.y() >= entry[0]), None)
        if found is None or self.info is None:
            return None
        lane, told = found[1], self.explanation(found[1])
        rows = [
            ReadoutRow(lane, label, _factors(travel))
            for label, travel in (
                (self.tr("signal a layer, theory"), told.forward),
                (self.tr("gradient a layer, theory"), told.backward),
            )
            if travel is not None
        ]
        loss = f"{significant(told.initial_loss)} → {significant(told.loss)}"
        rows.append(ReadoutRow(lane, self.tr("loss"), loss))
        area = QRectF(0, 0, self.canvas.width(), self.canvas.height())
        return Readout(area, f"{self.lane_name(lane)}   {self.said(lane)[0]}", tuple(rows))

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [["lane", "headline", "explanation", "status"]]
        if self.has_data():
            rows += [
                [self.lane_name(lane), *self.said(lane), status_text(self.history, lane)]
                for lane in range(len(self.info.lanes))
            ]
        return rows


def _indent(theme: Theme) -> float:
    return 16 * theme.unit


def _factors(travel: Travel) -> str:
    return f"{significant(travel.factor)}, {significant(travel.foretold_factor)}"
