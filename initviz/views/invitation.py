"""What a view shows while there is nothing to show."""

from __future__ import annotations

from PySide6.QtCore import QRectF

from initviz.views import ink as inks
from initviz.views.ink import Ink
from initviz.views.lettering import text_width
from initviz.views.wrapping import wrap


def draw_invitation(ink: Ink, area: QRectF, text: str) -> None:
    """Draw a faint plot, and before it what will appear.

    Args:
        ink: Where to.
        area: All there is.
        text: First what to do, then, after a line break, what will be seen.
    """
    theme = ink.theme
    ink.fill(area, theme.surface)
    rect = area.adjusted(24, 12, -24, -18)
    for share in (0.25, 0.5, 0.75):
        y = rect.top() + share * rect.height()
        ink.line(rect.left(), y, rect.right(), y, theme.grid)
    ink.line(rect.left(), rect.bottom(), rect.right(), rect.bottom(), theme.border)
    size = theme.base_px
    first, _, rest = text.partition("\n")
    width = min(rect.width() - 8, 34.0 * size)
    lines = [(line, theme.text) for line in wrap(first, width, size)]
    lines += [(line, theme.muted) for line in wrap(rest, width, size) if line]
    height = 1.55 * size
    y = rect.center().y() - height * (len(lines) - 1) / 2
    widest = max((text_width(line, size) for line, _ in lines), default=0.0) + 2 * size
    above = y - height / 2 - 2
    room = QRectF(rect.center().x() - widest / 2, above, widest, height * len(lines) + 4)
    ink.fill(room, theme.surface)  # no line runs through the words
    for line, color in lines:
        ink.text(rect.center().x(), y, line, color, size, inks.CENTER, halo=True)
        y += height
