"""Small shapes and numbers in the form that Qt draws fastest."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyqtgraph import functions
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF
from shiboken6 import Shiboken

from initviz.views import lettering
from initviz.views.palette import Marker


@functools.lru_cache(maxsize=512)
def qcolor(color: str, alpha: int = 255) -> QColor:
    """Return the colour ``#rrggbb`` with an opacity of 0 to 255."""
    made = QColor(color)
    made.setAlpha(alpha)
    return made


@functools.lru_cache(maxsize=512)
def cosmetic_pen(color: str, alpha: int, width: float) -> QPen:
    """Return a pen whose width is in device pixels: of width 1, Qt draws it ten times faster than any other."""
    pen = QPen(qcolor(color, alpha), width)
    pen.setCosmetic(True)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
    return pen


def polygon(x: NDArray[Any], y: NDArray[Any]) -> QPolygonF:
    """Return Qt's points of two arrays ``(n,)``, copied in one go."""
    points: QPolygonF = functions.create_qpolygonf(len(x))
    memory = functions.ndarray_from_qpolygonf(points)
    memory[:, 0] = x
    memory[:, 1] = y
    return points


@functools.lru_cache(maxsize=128)
def marker_outline(kind: Marker, radius: float) -> QPolygonF:
    """Return the outline, around 0, of a marker that covers about the same area as a circle of ``radius``."""
    if kind in {"cross", "star"}:
        arms = 4 if kind == "cross" else 5
        ratio = 0.38 if kind == "cross" else 0.45
        angles = np.arange(2 * arms) * math.pi / arms - math.pi / 2
        radii = np.where(np.arange(2 * arms) % 2 == 0, 1.4, 1.4 * ratio) * radius
    else:
        corners, turn, size = {
            "circle": (24, 0.0, 1.0),
            "square": (4, math.pi / 4, 1.3),
            "triangle": (3, -math.pi / 2, 1.45),
            "diamond": (4, 0.0, 1.35),
            "wedge": (3, math.pi / 2, 1.45),
            "hexagon": (6, 0.0, 1.15),
        }[kind]
        angles = np.arange(corners) * 2 * math.pi / corners + turn
        radii = np.full(corners, size * radius)
    return polygon(radii * np.cos(angles), radii * np.sin(angles))


@functools.lru_cache(maxsize=256)
def stamp(color: str, surface: str, diameter: float, hollow: bool, scale: float) -> QPixmap:
    """Return a round point as a picture: Qt draws a hundred of them in the time of ten outlines."""
    size = math.ceil(diameter * scale) + 2
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(qcolor(color), 1.2 * scale) if hollow else Qt.PenStyle.NoPen)
    painter.setBrush(qcolor(surface if hollow else color))
    radius = (diameter / 2 - (0.6 if hollow else 0.0)) * scale
    painter.drawEllipse(QPointF(size / 2, size / 2), radius, radius)
    painter.end()
    return pixmap


@functools.lru_cache(maxsize=256)
def marker_picture(
    kind: Marker, color: str, surface: str, radius: float, hollow: bool, scale: float
) -> QPixmap:
    """Return a marker as a picture, its middle in the middle."""
    size = 2 * math.ceil(1.5 * radius * scale) + 4
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(size / 2, size / 2)
    painter.scale(scale, scale)
    draw_marker(painter, kind, color, surface, radius, hollow)
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


def draw_marker(
    painter: QPainter, kind: Marker, color: str, surface: str, radius: float, hollow: bool
) -> None:
    """Draw a marker around 0, with a thin edge of the surface, so that it stands off the lines."""
    painter.setPen(QPen(qcolor(color if hollow else surface), 1.4 if hollow else 1.0))
    painter.setBrush(qcolor(surface if hollow else color))
    painter.drawPolygon(marker_outline(kind, radius))


@functools.lru_cache(maxsize=512)
def written(text: str, pixels: int, bold: bool, color: str, back: str, scale: float) -> QPixmap:
    """Return a text that comes back in every frame as a picture, on a nearly opaque ground.

    Its height is that of a capital letter and two pixels more above and below; two pixels are left free at both sides.
    """
    measures = lettering.metrics(pixels, bold)
    above = measures.capHeight() + 2
    below = 2.0 + (measures.descent() if any(letter in "gjpqy,;()" for letter in text) else 0.0)
    width = measures.horizontalAdvance(text) + 4
    pixmap = QPixmap(math.ceil(width * scale), math.ceil((above + below) * scale))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.scale(scale, scale)
    painter.fillRect(QRectF(0, 0, width, above + 2), qcolor(back, 215))
    painter.setFont(lettering.font(pixels, bold))
    painter.setPen(qcolor(color))
    painter.drawText(QPointF(2, above), text)
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


class Primitives:
    """Room for many points, lines or rectangles, kept from frame to frame, since Qt reads it in place.

    Args:
        kind: Qt's class of one of them.
        fields: Numbers in one.
    """

    def __init__(self, kind: type, fields: int) -> None:
        self._kind, self._fields = kind, fields
        self._memory: NDArray[np.float64] = np.empty((0, fields))
        self._pointer: Any = None
        self._count = 0

    def reserve(self, count: int) -> NDArray[np.float64]:
        """Return ``(count, fields)`` numbers to write into; they hold until the next call."""
        if count > len(self._memory) or self._pointer is None:
            self._memory = np.empty((max(64, 2 * count), self._fields))
            self._pointer = Shiboken.wrapInstance(self._memory.ctypes.data, self._kind)
        self._count = count
        return self._memory[:count]

    def arguments(self) -> tuple[Any, int]:
        """Return what the painter's functions for many take: where they are, and how many."""
        return self._pointer, self._count
