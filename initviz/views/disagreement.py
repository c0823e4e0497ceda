"""A small matrix that says how often each two members of an ensemble give different answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from initviz.telemetry.ensemble import Ensemble
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views.base import View
from initviz.views.ink import Ink
from initviz.views.magnitude import share_codes, share_table
from initviz.views.numbers import percent, significant
from initviz.views.palette import contrast

_SMALLEST = 60.0
"""Side below which a matrix could not be read."""
_MOST = 280.0
_WIDE_FROM = 430.0
"""Width of the canvas from which the curves are still legible with a matrix beside them."""
_WIDEST = 0.36
"""Share of a wide canvas that the matrix takes at most."""
_HIGHEST = 0.4
"""Share of a high canvas."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a view's curves and its matrix stand.

    Attributes:
        curves: For the curves.
        matrix: The square of the matrix, without its names; None where there is no room.
    """

    curves: QRectF
    matrix: QRectF | None


def divide(view: View, area: QRectF) -> Place:
    """Put the matrix beside the curves, or below them where the canvas is higher than wide."""
    unit, size = view.theme.unit, view.theme.small_px
    head, markers = size + 8.0, 16.0 * unit
    beside = min(area.height() - head - markers - 26, _WIDEST * area.width() - markers - 8, _MOST * unit)
    if area.width() > max(area.height(), _WIDE_FROM * unit) and beside >= _SMALLEST * unit:
        side = float(int(beside))
        left = round(area.right() - side - 8)
        top = round(area.top() + 2 + head + markers)
        curves = area.adjusted(0, 0, -(side + markers + 24), 0)
        return Place(curves, QRectF(left, top, side, side))
    below = min(_HIGHEST * area.height() - head - markers, area.width() - markers - 24, _MOST * unit)
    if area.height() > 1.1 * area.width() and below >= _SMALLEST * unit:
        side = float(int(below))
        top = round(area.bottom() - side - 8)
        curves = area.adjusted(0, 0, 0, -(side + head + markers + 16))
        left = round(area.center().x() - (side - markers) / 2)
        return Place(curves, QRectF(left, top, side, side))
    return Place(area, None)


def value_text(found: Ensemble, value: float) -> str:
    """Return a disagreement as it is written: a share of the examples, or a distance where nothing is classified."""
    return significant(value) if np.isnan(found.vote_accuracy) else percent(value)


def draw_matrix(view: View, ink: Ink, rect: QRectF, found: Ensemble, caption: str) -> None:
    """Draw the matrix: a row and a column a member, named by their markers.

    Args:
        view: Knows the lanes' styles; it is told where the markers stand.
        ink: Where to.
        rect: The square.
        found: The members and their disagreement.
        caption: What the numbers are.
    """
    theme, size, unit = view.theme, view.theme.small_px, view.theme.unit
    count = len(found.members)
    pitch = rect.width() / count
    room = rect.width() + 16 * unit
    text = lettering.elide(caption, room, size, bold=True)
    ink.text(
        rect.left() - 16 * unit, rect.top() - 16 * unit - 5 - size / 2, text, theme.text, size, bold=True
    )
    most = float(found.disagreement.max())
    values = found.disagreement.copy()
    np.fill_diagonal(values, np.nan)
    codes = share_codes(values, most if most > 0 else 1.0)
    table = share_table(theme)
    ink.picture(rect, codes, table)
    ink.frame(rect.adjusted(-1, -1, 1, 1), theme.border)
    radius = min(3.5 * unit, pitch / 2)
    for place, lane in enumerate(found.members):
        style, middle = view.lane_style(lane), (place + 0.5) * pitch
        ink.marker(style.marker, rect.left() - 8 * unit, rect.top() + middle, style.color, radius)
        ink.marker(style.marker, rect.left() + middle, rect.top() - 8 * unit, style.color, radius)
        view.mark_lane(
            QRectF(rect.left() - 16 * unit, rect.top() + middle - pitch / 2, 14 * unit, pitch), lane
        )
    widest = lettering.number_width(value_text(found, most), size)
    if widest + 4 > pitch or size + 3 > pitch:
        return
    for row in range(count):
        for column in range(count):
            if row == column:
                continue
            packed = int(table[codes[row, column]]) & 0xFFFFFF
            color = max((theme.text, theme.surface), key=lambda shade: contrast(shade, f"#{packed:06x}"))
            x, y = rect.left() + (column + 0.5) * pitch, rect.top() + (row + 0.5) * pitch
            ink.text(x, y, value_text(found, float(values[row, column])), color, size, inks.CENTER)


def pair_at(rect: QRectF, found: Ensemble, place: QPointF) -> tuple[int, int] | None:
    """Return which two members, by their places in ``found.members``, stand at a place of the canvas."""
    if not rect.contains(place):
        return None
    count = len(found.members)
    row = min(int((place.y() - rect.top()) / rect.height() * count), count - 1)
    column = min(int((place.x() - rect.left()) / rect.width() * count), count - 1)
    return row, column
