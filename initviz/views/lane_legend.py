"""Rows that name the lanes, for plots whose lines have no free end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF

from initviz.views import lettering
from initviz.views.ink import Ink
from initviz.views.lane_status import diverged_at

if TYPE_CHECKING:
    from initviz.views.base import View

_SWATCH, _GAP = 14.0, 14.0
_TWO_ROWS_FROM = 260.0
_SHORTEST = 4.0

Places = list[tuple[int, str, float, int]]


def legend_height(view: View, width: float, height: float) -> float:
    """Return the height that the names need above a plot, when the canvas has this size."""
    rows = 1 + max(row for *_, row in _place(view, width, height))
    return rows * (view.theme.small_px + 6.0) + 4.0


def draw_legend(view: View, ink: Ink, rect: QRectF, height: float) -> None:
    """Name the lanes that are shown, from left to right; the one in focus stands first and in bold.

    Where they do not all fit, names become shorter, and at last only the lane in focus keeps its own.

    Args:
        view: Knows names and styles; it is told where the names stand.
        ink: Where to.
        rect: Where the names go.
        height: Of the canvas.
    """
    size = view.theme.small_px
    line = size + 6.0
    for place, (lane, name, x, row) in enumerate(_place(view, rect.width(), height)):
        style = view.lane_style(lane)
        left, y = rect.left() + x, rect.top() + 2 + (row + 0.5) * line
        unit = view.theme.unit
        ink.marker(style.marker, left + 5 * unit, y, style.color, 3.5 * unit)
        width = _SWATCH * unit
        if name:
            width += ink.text(left + width, y, name, style.ink, size, bold=place == 0)
        view.mark_lane(QRectF(left, y - line / 2, width, line), lane)


def _place(view: View, width: float, height: float) -> Places:
    """Return lane, name, left end and row of each entry."""
    size = view.theme.small_px
    swatch, gap_wanted = _SWATCH * view.theme.unit, _GAP * view.theme.unit
    lanes = sorted(view.shown_lanes(), key=lambda lane: lane != view.focus_lane)
    names = [
        view.lane_name(lane) + (" ✕" if diverged_at(view.history, lane) is not None else "") for lane in lanes
    ]
    widths = [lettering.text_width(name, size, bold=place == 0) for place, name in enumerate(names)]
    placed_at = _flow(lanes, widths, width, swatch, gap_wanted)
    placed = [(lane, name, x, row) for (lane, x, row), name in zip(placed_at, names, strict=True)]
    if placed[-1][3] <= (1 if height >= _TWO_ROWS_FROM else 0):
        return placed
    first = lettering.elide(names[0], width - swatch, size, bold=True)
    first_width = lettering.text_width(first, size, bold=True)
    longest = (width - first_width - len(lanes) * (swatch + gap_wanted)) / max(1, len(lanes) - 1)
    others = [
        lettering.elide(name, longest, size) if longest >= _SHORTEST * size else "" for name in names[1:]
    ]
    names = [first, *others]
    # Markers alone come as close as they must.
    tight = (width - first_width - gap_wanted) / len(lanes)
    x, line = 0.0, []
    for lane, name in zip(lanes, names, strict=True):
        line.append((lane, name, x, 0))
        x += swatch + lettering.text_width(name, size) + gap_wanted if name else min(swatch + 2, tight)
    return line


def _flow(
    lanes: list[int], widths: list[float], width: float, swatch: float, gap: float
) -> list[tuple[int, float, int]]:
    """Return lane, left end and row of each entry, a new row where one is full."""
    x, row, placed = 0.0, 0, []
    for lane, wide in zip(lanes, widths, strict=True):
        if x and x + swatch + wide > width:
            x, row = 0.0, row + 1
        placed.append((lane, x, row))
        x += swatch + wide + gap
    return placed
