"""Small multiples: one little plot a lane, all with the same axes, so that they can be compared at a glance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import plot as plots
from initviz.views.axes import Axis, Tick
from initviz.views.ink import Ink
from initviz.views.placing import grid
from initviz.views.plot import Plot

if TYPE_CHECKING:
    from initviz.views.base import View

_GAP = 10.0
_SMALLEST = 24.0


@dataclass(frozen=True, slots=True)
class Cell:
    """The plot of one lane.

    Attributes:
        lane: Its lane.
        plot: Its data rectangle.
        first_column: The vertical axis is numbered here.
        last_row: The horizontal axis is numbered here.
        last_column: No other cell to the right.
    """

    lane: int
    plot: Plot
    first_column: bool
    last_row: bool
    last_column: bool


@dataclass(frozen=True, slots=True)
class Multiples:
    """All cells of a view.

    Attributes:
        cells: In the order of the lanes, row by row.
    """

    cells: tuple[Cell, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What the backdrop depends on."""
        return tuple((cell.lane, cell.plot.key) for cell in self.cells)

    def at(self, place: QPointF) -> Cell | None:
        """Return the cell at a place."""
        return next((c for c in self.cells if c.plot.rect.adjusted(-4, -4, 4, 4).contains(place)), None)


def arrange(
    view: View,
    area: QRectF,
    x: Axis,
    y: Axis,
    aspect: float,
    y_labels: tuple[Tick, ...] | None = None,
    x_numbers: bool = True,
    square: bool = False,
) -> Multiples:
    """Divide ``area`` among the lanes that are shown.

    Args:
        view: Knows the lanes.
        area: All there is.
        x: Horizontal axis of every cell.
        y: Vertical axis of every cell.
        aspect: Width over height that a cell should have.
        y_labels: Ticks of the vertical axis, for the room they need; None for round numbers.
        x_numbers: Whether the horizontal axis is numbered.
        square: Keep ``aspect`` exactly, and leave the rest empty.
    """
    theme, lanes = view.theme, view.shown_lanes()
    caption = plots.caption_height(theme)
    below = plots.axis_height(theme) if x_numbers else 4.0
    if y_labels is None:
        left = plots.axis_width(y, max(30.0, area.height() / 2), theme)
    else:
        widest = max((lettering.text_width(tick.label, theme.small_px) for tick in y_labels), default=0.0)
        left = 8.0 * np.ceil((widest + 9) / 8) if widest else 4.0
    rows, columns = grid(len(lanes), area.width() - left, area.height() - below, aspect, _GAP)
    width = max(_SMALLEST, (area.width() - left - 12 - _GAP * (columns - 1)) / columns)
    height = max(_SMALLEST, (area.height() - below - 4) / rows - caption)
    if square:
        side = min(width / aspect, height)
        width, height = side * aspect, side
    cells = []
    for place, lane in enumerate(lanes):
        row, column = divmod(place, columns)
        rect = QRectF(
            area.left() + left + column * (width + _GAP),
            area.top() + caption + row * (height + caption),
            width,
            height,
        )
        cells.append(
            Cell(
                lane,
                Plot(rect, x, y),
                first_column=column == 0,
                last_row=place + columns >= len(lanes),
                last_column=column == columns - 1 or place == len(lanes) - 1,
            )
        )
    return Multiples(tuple(cells))


def centered(multiples: Multiples, area: QRectF, margin: float = 0.0) -> Multiples:
    """Move the cells into the middle of the area: square cells leave some of it empty.

    Args:
        multiples: The cells, as they were arranged.
        area: All there is.
        margin: Room left of the cells that their numbers need, and that moves with them.
    """
    right = max(cell.plot.rect.right() for cell in multiples.cells)
    left = min(cell.plot.rect.left() for cell in multiples.cells) - margin
    shift = (area.width() - (right - left)) / 2 - (left - area.left())
    return Multiples(
        tuple(
            replace(cell, plot=replace(cell.plot, rect=cell.plot.rect.translated(shift, 0)))
            for cell in multiples.cells
        )
    )


def draw_names(
    view: View, ink: Ink, multiples: Multiples, note: Callable[[int], str], framed: bool = True
) -> None:
    """Draw marker, name and a note above every cell, and a frame in the lane's colour.

    Args:
        view: Knows names and styles; it is told where the names stand.
        ink: Where to.
        multiples: The cells.
        note: Returns a few words on a lane, drawn where there is room.
        framed: Draw the frame.
    """
    size = view.theme.small_px
    for cell in multiples.cells:
        rect, style = cell.plot.rect, view.lane_style(cell.lane)
        y = rect.top() - 5 - size / 2
        unit = view.theme.unit
        ink.marker(style.marker, rect.left() + 4 * unit, y, style.color, 3.5 * unit)
        left = rect.left() + 12 * unit
        name = lettering.elide(view.lane_name(cell.lane), rect.right() - left, size, bold=True)
        width = ink.text(left, y, name, style.ink, size, bold=True)
        text = note(cell.lane)
        if text and left + width + 8 + lettering.text_width(text, size) <= rect.right():
            ink.text(rect.right(), y, text, view.theme.muted, size, inks.RIGHT)
        view.mark_lane(QRectF(rect.left(), y - size / 2 - 3, left - rect.left() + width, size + 6), cell.lane)
        if framed:
            thick = 2.0 if cell.lane == view.focus_lane else 1.0
            ink.frame(rect.adjusted(-thick, -thick, thick, thick), style.color, thick)


def draw_numbers(
    view: View,
    ink: Ink,
    multiples: Multiples,
    x_title: str,
    x_ticks: tuple[Tick, ...] | None = None,
    y_ticks: tuple[Tick, ...] | None = None,
) -> None:
    """Draw the numbers of the axes: on the left of the first column and below the last row.

    Args:
        view: Knows the theme.
        ink: Where to.
        multiples: The cells.
        x_title: Name of the horizontal axis, drawn once; empty for no numbers.
        x_ticks: Its ticks, or None for round numbers.
        y_ticks: Ticks of the vertical axis, or None for round numbers.
    """
    theme = view.theme
    size = theme.small_px
    for cell in multiples.cells:
        plot, rect = cell.plot, cell.plot.rect
        if cell.first_column:
            for tick in plot.y_ticks(theme) if y_ticks is None else y_ticks:
                y = float(plot.py(np.array(tick.at)))
                if tick.label and rect.top() - 1 <= y <= rect.bottom() + 1:
                    ink.text(rect.left() - 6, y, tick.label, theme.muted, size, inks.RIGHT)
        if not cell.last_row or not x_title:
            continue
        baseline = rect.bottom() + 6 + size / 2
        limit = rect.right() + 2
        if cell.last_column:
            width = lettering.text_width(x_title, size)
            ink.text(rect.right(), baseline, x_title, theme.muted, size, inks.RIGHT)
            limit = rect.right() - width - 6
        for tick in plot.x_ticks(theme) if x_ticks is None else x_ticks:
            x = float(plot.px(np.array(tick.at)))
            half = lettering.text_width(tick.label, size) / 2
            if x - half < rect.left() - 4 and not cell.first_column:
                x = rect.left() + half  # not into the cell beside it
            if tick.label and rect.left() - 1 <= x <= rect.right() + 1 and x + half <= limit:
                ink.text(x, baseline, tick.label, theme.muted, size, inks.CENTER)
