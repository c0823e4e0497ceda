"""Icons drawn as one-colour SVG files, in the colours of the theme."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton

from initviz.resources import resource
from initviz.views.palette import Theme

SIZES = (14, 16, 20, 24, 32, 40)


@cache
def _drawing(name: str) -> str:
    return resource("icons", f"{name}.svg").read_text(encoding="utf-8")


def pixmap(name: str, color: str, size: int, ratio: float = 1.0) -> QPixmap:
    """Draw an icon.

    Args:
        name: File below ``resources/icons`` without its suffix.
        color: As CSS writes it; it takes the place of ``currentColor``.
        size: Edge in device-independent pixels.
        ratio: Device pixels in one of those.
    """
    key = f"initviz:{name}:{color}:{size}:{ratio}"
    known = QPixmap()
    if QPixmapCache.find(key, known):
        return known
    renderer = QSvgRenderer(QByteArray(_drawing(name).replace("currentColor", color).encode()))
    edge = round(size * ratio)
    picture = QPixmap(QSize(edge, edge))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, edge, edge))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, picture)
    return picture


def icon(name: str, color: str, disabled: str | None = None) -> QIcon:
    """Return an icon in every usual size.

    Args:
        name: File below ``resources/icons`` without its suffix.
        color: When it can be used.
        disabled: When it cannot; the same colour where None.
    """
    result = QIcon()
    for size in SIZES:
        result.addPixmap(pixmap(name, color, size), QIcon.Mode.Normal)
        if disabled is not None:
            result.addPixmap(pixmap(name, disabled, size), QIcon.Mode.Disabled)
    return result


def dot(color: str, side: int, margin: int) -> QIcon:
    """Return a round spot of one colour.

    Args:
        color: As CSS writes it.
        side: Edge of the icon in device-independent pixels; it is drawn twice as large, for dense screens.
        margin: Around the spot, in the pixels of the drawing.
    """
    picture = QPixmap(2 * side, 2 * side)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(margin, margin, 2 * (side - margin), 2 * (side - margin))
    painter.end()
    return QIcon(picture)


def set_icons(buttons: Mapping[str, QAbstractButton], theme: Theme) -> None:
    """Give buttons their icons, as large as a section's title, in the colours of a theme.

    Args:
        buttons: By the name of the icon.
        theme: Its colours and sizes.
    """
    for name, button in buttons.items():
        button.setIcon(icon(name, theme.text, theme.axis))
        button.setIconSize(QSize(theme.section_px, theme.section_px))
