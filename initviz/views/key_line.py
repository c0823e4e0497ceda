"""A line above a plot that explains its signs, as far as there is room."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF

from initviz.views import lettering
from initviz.views.ink import Ink
from initviz.views.palette import Theme

_GAP = 16.0


def key_height(theme: Theme) -> float:
    """Return the height of the line."""
    return theme.small_px + 9.0


def draw_key(ink: Ink, rect: QRectF, notes: Sequence[str]) -> None:
    """Draw notes from left to right, the most important first; what does not fit is left out.

    Args:
        ink: Where to.
        rect: The line.
        notes: A few words each.
    """
    theme = ink.theme
    x, y = rect.left(), rect.center().y()
    for note in notes:
        width = lettering.text_width(note, theme.small_px)
        if x + width > rect.right():
            if x == rect.left():
                ink.text(x, y, lettering.elide(note, rect.width(), theme.small_px), theme.muted)
            return
        ink.text(x, y, note, theme.muted)
        x += width + _GAP * theme.unit
