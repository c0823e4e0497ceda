"""One rectangle with two axes: from data to pixels, and the quiet part that is drawn behind the data."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

from initviz.telemetry.frame import Floats
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views.axes import Axis, Tick
from initviz.views.ink import Ink
from initviz.views.palette import Theme

_OVERFLOW = 40.0


@dataclass(frozen=True, slots=True)
class Plot:
    """A data rectangle on the screen.

    Attributes:
        rect: Where, in logical pixels.
        x: Range from left to right.
        y: Range from bottom to top.
    """

    rect: QRectF
    x: Axis
    y: Axis

    def px(self, coordinates: NDArray[Any]) -> Floats:
        """Return horizontal pixels of x coordinates."""
        return np.asarray(self.rect.left() + self.x.share(coordinates) * self.rect.width())

    def py(self, coordinates: NDArray[Any]) -> Floats:
        """Return vertical pixels of y coordinates.

        What is out of range is moved to just outside, so that lines leave through the edge; minus infinity, the
        logarithm of zero, lies on the bottom edge, where it can be seen.
        """
        share = np.where(np.isneginf(coordinates), 0.0, self.y.share(coordinates))
        pixels = self.rect.bottom() - share * self.rect.height()
        return np.clip(pixels, self.rect.top() - _OVERFLOW, self.rect.bottom() + _OVERFLOW)

    def py_inside(self, coordinates: NDArray[Any]) -> Floats:
        """Return vertical pixels of y coordinates, none outside of the rectangle; NaN stays NaN."""
        return np.clip(self.py(coordinates), self.rect.top(), self.rect.bottom())

    def y_ticks(self, theme: Theme) -> tuple[Tick, ...]:
        """Return the ticks of the vertical axis that its height has room for."""
        return self.y.ticks(min(7, max(2, int(self.rect.height() / (2.6 * theme.small_px)))))

    def x_ticks(self, theme: Theme) -> tuple[Tick, ...]:
        """Return the ticks of the horizontal axis that its width has room for."""
        return self.x.ticks(min(7, max(3, int(self.rect.width() / (6.5 * theme.small_px)))))

    @property
    def key(self) -> tuple[object, ...]:
        """What the backdrop depends on."""
        return (self.rect.getRect(), self.x, self.y)


@functools.lru_cache(maxsize=256)
def axis_width(axis: Axis, height: float, theme: Theme) -> float:
    """Return the room that a vertical axis needs to the left, in steps of 8 so that it seldom changes."""
    plot = Plot(QRectF(0, 0, 100, max(1.0, height)), Axis(0, 1), axis)
    widest = max(
        (lettering.text_width(tick.label, theme.small_px) for tick in plot.y_ticks(theme)), default=0.0
    )
    return 8.0 * math.ceil((widest + 9) / 8)


def caption_height(theme: Theme) -> float:
    """Return the room above a plot for the name of its vertical axis."""
    return theme.small_px + 8.0


def axis_height(theme: Theme) -> float:
    """Return the room below a plot for the numbers of its horizontal axis."""
    return theme.small_px + 9.0


def draw_backdrop(
    ink: Ink,
    plot: Plot,
    caption: str,
    x_title: str = "",
    x_ticks: tuple[Tick, ...] | None = None,
    note: str = "",
    bare: bool = False,
) -> None:
    """Draw grid, axes, numbers and names of a plot.

    Args:
        ink: Where to.
        plot: The data rectangle.
        caption: Name and unit of the vertical axis, drawn above its upper end.
        x_title: Name of the horizontal axis; with it, its numbers are drawn too.
        x_ticks: Ticks of the horizontal axis, or None for round numbers.
        note: Continues the caption in plain type.
        bare: Leave out the vertical axis and its name.
    """
    theme, rect = ink.theme, plot.rect
    size = theme.small_px
    for tick in () if bare else plot.y_ticks(theme):
        y = round(float(plot.py(np.array(tick.at)))) + 0.5
        if not rect.top() - 1 <= y <= rect.bottom() + 1:
            continue
        if tick.label:
            ink.line(rect.left(), y, rect.right(), y, theme.grid)
            ink.text(rect.left() - 6, y, tick.label, theme.muted, size, inks.RIGHT)
        else:
            ink.line(rect.left() - 3, y, rect.left(), y, theme.grid)
    bottom = round(rect.bottom()) + 0.5
    ink.line(rect.left(), bottom, rect.right(), bottom, theme.axis)
    if not bare:
        draw_caption(ink, rect, caption, note)
    if not x_title:
        return
    ticks = plot.x_ticks(theme) if x_ticks is None else x_ticks
    baseline = bottom + 5 + size / 2
    title_width = lettering.text_width(x_title, size)
    # The name takes the place of the last number where both would meet.
    title_left = rect.right() - title_width
    ink.text(rect.right(), baseline, x_title, theme.muted, size, inks.RIGHT)
    for tick in ticks:
        x = float(plot.px(np.array(tick.at)))
        if not rect.left() - 1 <= x <= rect.right() + 1:
            continue
        ink.line(round(x) + 0.5, bottom, round(x) + 0.5, bottom + 3, theme.axis)
        half = lettering.text_width(tick.label, size) / 2
        if x + half < title_left - 8:
            ink.text(x, baseline, tick.label, theme.muted, size, inks.CENTER)


def caption_room(rect: QRectF) -> float:
    """Return how wide the caption above a plot may be: it starts right of the numbers, which it would touch."""
    return rect.width()


def fitting(texts: tuple[str, ...], rect: QRectF, theme: Theme) -> str:
    """Return the first of some captions that fits above a plot, or the last."""
    room = caption_room(rect)
    return next(
        (text for text in texts if lettering.text_width(text, theme.small_px, True) <= room), texts[-1]
    )


def draw_caption(ink: Ink, rect: QRectF, caption: str, note: str = "") -> None:
    """Draw the name of a vertical axis above the upper left corner of ``rect``."""
    size = ink.theme.small_px
    y = rect.top() - 5 - size / 2
    text = lettering.elide(caption, caption_room(rect), size, bold=True)
    left = rect.left()
    width = ink.text(left, y, text, ink.theme.text, size, bold=True)
    if note and text == caption:
        start = left + width + 7
        if start + lettering.text_width(note, size) <= rect.right() + 40:
            ink.text(start, y, note, ink.theme.muted, size)


@dataclass(frozen=True, slots=True)
class ReadoutRow:
    """One value below the cross-hair.

    Attributes:
        lane: Lane it belongs to, or None.
        label: Its name.
        value: The number as it is shown.
        at: Where its point is, or None.
    """

    lane: int | None
    label: str
    value: str
    at: QPointF | None = None


@dataclass(frozen=True, slots=True)
class Readout:
    """What the cross-hair says.

    Attributes:
        rect: Rectangle that the hair lines cross.
        heading: Where it is: the step, the layer, the bin.
        rows: The values there.
        x: Of the vertical hair line, or None.
        y: Of the horizontal one, or None.
    """

    rect: QRectF
    heading: str
    rows: tuple[ReadoutRow, ...]
    x: float | None = None
    y: float | None = None

    def spoken(self) -> str:
        """Return it as one line for a screen reader."""
        values = "; ".join(f"{row.label} {row.value}".strip() for row in self.rows)
        return f"{self.heading}: {values}" if values else self.heading


def draw_readout(ink: Ink, readout: Readout, area: QRectF, colors: dict[int, str]) -> None:
    """Draw hair lines, points and the box with the values, inside of ``area``.

    Args:
        ink: Where to.
        readout: What to say.
        area: All of the canvas.
        colors: Colour of each lane.
    """
    theme, rect = ink.theme, readout.rect
    if readout.x is not None:
        x = round(readout.x) + 0.5
        ink.line(x, rect.top(), x, rect.bottom(), theme.muted, 170)
    if readout.y is not None:
        y = round(readout.y) + 0.5
        ink.line(rect.left(), y, rect.right(), y, theme.muted, 170)
    for row in readout.rows:
        if row.at is not None:
            color = theme.text if row.lane is None else colors[row.lane]
            ink.marker("circle", row.at.x(), row.at.y(), color, 3.5)
    size, swatch = theme.small_px, 12.0
    line = size + 6.0
    most = max(1, int((area.height() - line - 16) / line))
    rows = readout.rows[:most]
    name_width = max((lettering.text_width(row.label, size) for row in rows), default=0.0)
    name_width = min(name_width, max(60.0, area.width() * 0.45))
    value_width = max((lettering.text_width(row.value, size, True) for row in rows), default=0.0)
    width = (
        max(swatch + name_width + 14 + value_width, lettering.text_width(readout.heading, size, True)) + 18
    )
    height = line * (len(rows) + 1) + 8
    anchor_x = readout.x if readout.x is not None else rect.center().x()
    left = anchor_x + 12 if anchor_x + 12 + width < area.right() else anchor_x - 12 - width
    left = min(max(area.left() + 2, left), max(area.left() + 2, area.right() - width - 2))
    wanted_y = readout.y + 12 if readout.y is not None else rect.top() + 6
    top = min(max(area.top() + 2, wanted_y), max(area.top() + 2, area.bottom() - height - 2))
    box = QRectF(left, top, width, height)
    ink.fill(box, theme.raised, 238)
    ink.frame(box, theme.border)
    y = top + 4 + line / 2
    ink.text(left + 9, y, readout.heading, theme.text, size, bold=True)
    for row in rows:
        y += line
        if row.lane is not None:
            ink.fill(QRectF(left + 9, y - 3, 7, 7), colors[row.lane])
        start = left + 9 + swatch
        ink.text(start, y, lettering.elide(row.label, name_width, size), theme.muted, size)
        ink.text(box.right() - 9, y, row.value, theme.text, size, inks.RIGHT, bold=True)
