"""Names at the ends of lines, in place of a legend to look up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QPointF, QRectF

from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views.ink import Ink
from initviz.views.numbers import whole
from initviz.views.placing import spread

if TYPE_CHECKING:
    from initviz.views.base import View

_GAP = 11.0
_MOST_SHARE = 0.34


@dataclass(frozen=True, slots=True)
class EndLabel:
    """What stands at the end of a lane's line.

    Attributes:
        lane: Its lane.
        step: Where the line ends, in data units.
        value: Its height there, in data units.
        text: The number beside the name; empty for the name alone.
        died: The lane diverged there.
        stopped: It was stopped early there: a bar ends its line.
        name: What to write in place of the lane's name; then in neutral colour.
    """

    lane: int
    step: float
    value: float
    text: str
    died: bool = False
    name: str = ""
    stopped: bool = False


def label_width(view: View, label: EndLabel, with_value: bool) -> float:
    """Return how wide a label is drawn."""
    size = view.theme.small_px
    width = lettering.text_width(label.name or view.lane_name(label.lane), size, bold=True)
    return width + (lettering.number_width(label.text, size) + 6 if with_value and label.text else 0.0)


def label_room(view: View, labels: Sequence[EndLabel], width: float) -> float:
    """Return the room that labels need right of a plot, in steps of 8 so that it seldom changes.

    Args:
        view: Knows names and sizes.
        labels: All labels of the stack.
        width: Of the canvas; a third of it is the most that labels get.
    """
    living = [label for label in labels if not label.died]
    named = max((label_width(view, label, False) for label in living), default=0.0)
    # Room for three digits, not for the digits of the moment: else the axis would jump about.
    number = lettering.number_width("0.00000", view.theme.small_px) + 6
    widest = named + (number if any(label.text for label in living) else 0.0)
    if widest > _MOST_SHARE * width:
        widest = named
    return 8.0 * math.ceil((min(widest, _MOST_SHARE * width) + _GAP * view.theme.unit + 6) / 8)


def draw_end_labels(
    view: View,
    ink: Ink,
    rect: QRectF,
    places: Sequence[tuple[EndLabel, QPointF]],
    right: float,
    guides: Sequence[float] = (),
) -> None:
    """Draw a marker and a name at each place; names are moved up and down until none covers another.

    Args:
        view: Knows names and styles; it is told where the names stand.
        ink: Where to.
        rect: Data rectangle.
        places: Labels and the ends of their lines in pixels.
        right: Where the canvas ends.
        guides: Heights of dashed lines in pixels; they make way for names.
    """
    size = view.theme.small_px
    line = size + 3.0
    ends = [pair for pair in places if not pair[0].died]
    _draw_deaths(view, ink, rect, [pair for pair in places if pair[0].died])
    most = max(1, int((rect.height() + size) / (size + 1.0)))
    if len(ends) > most:  # the lane in focus, then as many as there is room for
        ends = sorted(ends, key=lambda pair: pair[0].lane != view.focus_lane)[:most]
    if not ends:
        return
    edge = size / 2 if len(ends) * line < rect.height() else 2.0
    placed = spread([place.y() for _, place in ends], line, rect.top() + edge, rect.bottom() - edge)
    for (label, place), middle in zip(ends, placed, strict=True):
        style = view.lane_style(label.lane)
        x = min(place.x(), rect.right())
        if label.stopped:
            _draw_stop(ink, x, place.y(), style.color)
        else:
            ink.marker(style.marker, x, place.y(), style.color, 3.5 * view.theme.unit)
        left = x + _GAP * view.theme.unit
        if abs(middle - place.y()) > 3:
            ink.segments(np.array([[x + 5, place.y(), left - 2, middle]]), style.color, 1.0, 150)
        room = right - left - 2
        name = lettering.elide(label.name or view.lane_name(label.lane), room, size, bold=True)
        shade = view.theme.text if label.name else style.ink
        whole_width = label_width(view, label, True)
        shown_width = whole_width if whole_width <= room else lettering.text_width(name, size, bold=True)
        for guide in guides:
            if left < rect.right() and abs(guide - middle) <= line / 2 + 2:
                ink.fill(QRectF(left - 4, round(guide) - 1, shown_width + 8, 3), view.theme.surface)
        width = ink.text(left, middle, name, shade, size, bold=True, halo=True)
        if label.text and whole_width <= room:
            color = view.theme.text if label.lane == view.focus_lane else view.theme.muted
            width += 6 + ink.text(left + width + 6, middle, label.text, color, size, halo=True)
        view.mark_lane(QRectF(left - 10, middle - line / 2, width + 12, line), label.lane)


def _draw_stop(ink: Ink, x: float, y: float, color: str) -> None:
    """Draw the bar that ends the line of a lane that was stopped early."""
    unit = ink.theme.unit
    ink.fill(QRectF(x - 2.5 * unit, y - 8 * unit, 5 * unit, 16 * unit), ink.theme.surface)
    ink.fill(QRectF(x - 1.5 * unit, y - 7 * unit, 3 * unit, 14 * unit), color)


def _draw_deaths(view: View, ink: Ink, rect: QRectF, deaths: list[tuple[EndLabel, QPointF]]) -> None:
    if not deaths:
        return
    size = view.theme.small_px
    at_y = [min(max(place.y(), rect.top() + 5), rect.bottom() - 5) for _, place in deaths]
    placed = spread(at_y, size + 4.0, rect.top() + 5, rect.bottom() - 5)
    for (label, place), y, middle in zip(deaths, at_y, placed, strict=True):
        style = view.lane_style(label.lane)
        x = min(max(place.x(), rect.left() + 5), rect.right() - 5)
        ink.death(x, y, style.color)
        text = QCoreApplication.translate("View", "{name}: diverged at step {step}").format(
            name=view.lane_name(label.lane), step=whole(int(label.step))
        )
        width = lettering.text_width(text, size, bold=True)
        to_left = x + 12 + width > rect.right() and x - 12 - width > rect.left()
        align, start = (inks.RIGHT, x - 11) if to_left else (inks.LEFT, x + 11)
        room = start - rect.left() if to_left else rect.right() + 60 - start
        ink.text(
            start,
            middle,
            lettering.elide(text, room, size, True),
            style.ink,
            size,
            align,
            bold=True,
            halo=True,
        )
        left = start - width if to_left else start
        view.mark_lane(QRectF(left, middle - size / 2 - 2, width, size + 4), label.lane)
