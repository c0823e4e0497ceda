"""Painting with few and cheap strokes: onto a picture of pixels or into a vector file, by the same calls.

Qt strokes an antialiased line of exactly one device pixel about ten times faster than a thicker one, so thick lines
are that line drawn a few times side by side; a vector file gets one line of the true width.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyqtgraph import functions
from pyqtgraph.Qt import internals
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QApplication

from initviz.views.magnitude import Codes, Table
from initviz.views.palette import Marker, Theme

Align = Qt.AlignmentFlag
LEFT, RIGHT, CENTER = Align.AlignLeft, Align.AlignRight, Align.AlignHCenter


@functools.lru_cache(maxsize=512)
def qcolor(color: str, alpha: int = 255) -> QColor:
    """Return the colour ``#rrggbb`` with an opacity of 0 to 255."""
    made = QColor(color)
    made.setAlpha(alpha)
    return made


@functools.lru_cache(maxsize=512)
def _cosmetic_pen(color: str, alpha: int, width: float) -> QPen:
    pen = QPen(qcolor(color, alpha), width)
    pen.setCosmetic(True)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
    return pen


def font(pixels: int, bold: bool = False) -> QFont:
    """Return the system's font at a size, with figures of equal width."""
    return _font(QApplication.font().toString(), pixels, bold)


@functools.lru_cache(maxsize=64)
def _font(description: str, pixels: int, bold: bool) -> QFont:
    made = QFont()
    made.fromString(description)
    made.setPixelSize(pixels)
    made.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


@functools.lru_cache(maxsize=64)
def _metrics(description: str, pixels: int, bold: bool) -> QFontMetricsF:
    return QFontMetricsF(_font(description, pixels, bold))


def metrics(pixels: int, bold: bool = False) -> QFontMetricsF:
    """Return the measures of ``font`` with the same arguments."""
    return _metrics(QApplication.font().toString(), pixels, bold)


def text_width(text: str, pixels: int, bold: bool = False) -> float:
    """Return how wide a text is drawn."""
    return metrics(pixels, bold).horizontalAdvance(text)


def elide(text: str, width: float, pixels: int, bold: bool = False) -> str:
    """Return the text, with an ellipsis where it is wider than ``width``."""
    return metrics(pixels, bold).elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, width))


def polygon(x: NDArray[Any], y: NDArray[Any]) -> QPolygonF:
    """Return Qt's points of two arrays ``(n,)``, copied in one go."""
    points: QPolygonF = functions.create_qpolygonf(len(x))
    memory = functions.ndarray_from_qpolygonf(points)
    memory[:, 0] = x
    memory[:, 1] = y
    return points


def marker_outline(kind: Marker, x: float, y: float, radius: float) -> QPolygonF:
    """Return the outline of a marker that covers about the same area as a circle of ``radius``."""
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
    return polygon(x + radii * np.cos(angles), y + radii * np.sin(angles))


class Ink:
    """A painter with a theme; coordinates are logical pixels.

    Args:
        painter: Active, already scaled for the device.
        theme: Colours and sizes.
        scale: Device pixels in a logical one.
        vector: True where lines become shapes of their own and not pixels.
    """

    def __init__(self, painter: QPainter, theme: Theme, scale: float = 1.0, vector: bool = False) -> None:
        self.painter = painter
        self.theme = theme
        self.scale = scale
        self.vector = vector

    def smooth(self, on: bool) -> None:
        """Switch antialiasing."""
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing, on)

    def fill(self, rect: QRectF, color: str, alpha: int = 255) -> None:
        """Fill a rectangle."""
        self.painter.fillRect(rect, qcolor(color, alpha))

    def line(
        self, x1: float, y1: float, x2: float, y2: float, color: str, alpha: int = 255, dashed: bool = False
    ) -> None:
        """Draw a straight line one device pixel wide, without antialiasing."""
        self.smooth(False)
        pen = _cosmetic_pen(color, alpha, 1.0)
        if dashed:
            pen = QPen(pen)
            pen.setDashPattern([4.0 * self.scale, 3.0 * self.scale])
        self.painter.setPen(pen)
        self.painter.drawLine(QLineF(x1, y1, x2, y2))

    def frame(self, rect: QRectF, color: str, width: float = 1.0) -> None:
        """Draw the outline of a rectangle, inside of it."""
        self.smooth(False)
        for edge in range(max(1, round(width))):
            inner = rect.adjusted(edge, edge, -edge - 1 / self.scale, -edge - 1 / self.scale)
            self.painter.setPen(_cosmetic_pen(color, 255, 1.0))
            self.painter.setBrush(Qt.BrushStyle.NoBrush)
            self.painter.drawRect(inner)

    def curve(
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        color: str,
        width: float = 1.0,
        dash: tuple[float, ...] = (),
        alpha: int = 255,
    ) -> None:
        """Draw lines through points; what is not finite makes a gap, and a point between two gaps a dot.

        Args:
            x: ``(n,)``.
            y: ``(n,)``.
            color: ``#rrggbb``.
            width: In logical pixels.
            dash: Lengths of stroke and gap in logical pixels; empty for a solid line.
            alpha: Opacity, 0 to 255.
        """
        finite = np.isfinite(y)
        if finite.all():
            runs = [slice(0, len(x))]
        else:
            edges = np.flatnonzero(np.diff(finite, prepend=False, append=False))
            runs = [slice(a, b) for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]
        self.smooth(True)
        for run in runs:
            if run.stop - run.start == 1:
                self._dot(float(x[run.start]), float(y[run.start]), color, width, alpha)
            elif dash:
                self._dashes(x[run], y[run], color, width, dash, alpha)
            elif run.stop > run.start:
                self._polyline(polygon(x[run], y[run]), color, width, alpha)

    def _polyline(self, points: QPolygonF, color: str, width: float, alpha: int) -> None:
        self._strokes(color, width, alpha, lambda: self.painter.drawPolyline(points))

    def _strokes(self, color: str, width: float, alpha: int, draw: Callable[[], None]) -> None:
        """Call ``draw`` with a pen: once in a vector file, once for each pixel of the width otherwise."""
        painter = self.painter
        if self.vector:
            pen = QPen(qcolor(color, alpha), width)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            draw()
            return
        painter.setPen(_cosmetic_pen(color, alpha, 1.0))
        passes = max(1, round(width * self.scale))
        if passes == 1:
            draw()
            return
        step = 1 / self.scale
        middle = (passes - 1) / 2
        shifts = [(0.0, (number - middle) * step) for number in range(passes)]
        if passes >= 3:  # so that steep stretches become thick as well
            shifts += [((number - middle + 0.5) * step, 0.0) for number in range(passes - 1)]
        for dx, dy in shifts:
            painter.translate(dx, dy)
            draw()
            painter.translate(-dx, -dy)

    def _dot(self, x: float, y: float, color: str, width: float, alpha: int) -> None:
        radius = max(1.0, 0.75 * width)
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(qcolor(color, alpha))
        self.painter.drawEllipse(QPointF(x, y), radius, radius)

    def _dashes(
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        color: str,
        width: float,
        dash: tuple[float, ...],
        alpha: int,
    ) -> None:
        if self.vector:
            pen = QPen(qcolor(color, alpha), width)
            pen.setDashPattern([length / width for length in dash])
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            self.painter.setPen(pen)
            self.painter.drawPolyline(polygon(x, y))
            return
        # Cut the curve at the ends of the dashes: a pen that dashes by itself leaves Qt's fast path.
        along = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))))
        stroke, period = dash[0], sum(dash)
        starts = np.arange(0.0, along[-1], period)
        cuts = np.unique(np.concatenate((along, starts, np.minimum(starts + stroke, along[-1]))))
        on = ((cuts[1:] + cuts[:-1]) / 2) % period < stroke
        cut_x, cut_y = np.interp(cuts, along, x), np.interp(cuts, along, y)
        segments = np.stack((cut_x[:-1], cut_y[:-1], cut_x[1:], cut_y[1:]), axis=1)[on]
        self._strokes(color, width, alpha, lambda: self._segments(segments))

    def segments(self, segments: NDArray[Any], color: str, width: float = 1.0, alpha: int = 255) -> None:
        """Draw many straight lines ``(n, 4)`` of x1, y1, x2, y2 at once."""
        self.smooth(True)
        self._strokes(color, width, alpha, lambda: self._segments(segments))

    def _segments(self, segments: NDArray[Any]) -> None:
        lines = internals.PrimitiveArray(QLineF, 4)
        lines.resize(len(segments))
        lines.ndarray()[:] = segments
        self.painter.drawLines(*lines.drawargs())

    def bars(self, rects: NDArray[Any], color: str, alpha: int = 255) -> None:
        """Fill many rectangles ``(n, 4)`` of x, y, width, height at once."""
        array = internals.PrimitiveArray(QRectF, 4)
        array.resize(len(rects))
        array.ndarray()[:] = rects
        self.smooth(self.vector)
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(qcolor(color, alpha))
        self.painter.drawRects(*array.drawargs())

    def area(self, x: NDArray[Any], y: NDArray[Any], color: str, alpha: int = 255) -> None:
        """Fill the polygon through finite points, without antialiasing: an outline drawn over it hides the edge."""
        self.smooth(self.vector)
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(qcolor(color, alpha))
        self.painter.drawPolygon(polygon(x, y))

    def dots(
        self, x: NDArray[Any], y: NDArray[Any], color: str, diameter: float, hollow: bool = False
    ) -> None:
        """Draw many round points at once; what is not finite is left out."""
        good = np.isfinite(x) & np.isfinite(y)
        points = internals.PrimitiveArray(QPointF, 2)
        points.resize(int(good.sum()))
        memory = points.ndarray()
        memory[:, 0] = x[good]
        memory[:, 1] = y[good]
        self.smooth(True)
        layers = [(color, diameter)] + ([(self.theme.surface, diameter - 2.4)] if hollow else [])
        for shade, size in layers:
            pen = QPen(qcolor(shade), size)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            self.painter.setPen(pen)
            self.painter.drawPoints(*points.drawargs())

    def marker(
        self, kind: Marker, x: float, y: float, color: str, radius: float = 3.5, hollow: bool = False
    ) -> None:
        """Draw one marker with a thin edge of the surface, so that it stands off the lines."""
        self.smooth(True)
        self.painter.setPen(QPen(qcolor(color if hollow else self.theme.surface), 1.4 if hollow else 1.0))
        self.painter.setBrush(qcolor(self.theme.surface if hollow else color))
        self.painter.drawPolygon(marker_outline(kind, x, y, radius))

    def death(self, x: float, y: float, color: str, radius: float = 4.5) -> None:
        """Draw the ✕ that marks where a lane ended."""
        self.smooth(True)
        for shade, width in ((self.theme.surface, 4.5), (color, 2.0)):
            pen = QPen(qcolor(shade), width)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            self.painter.setPen(pen)
            self.painter.drawLine(QLineF(x - radius, y - radius, x + radius, y + radius))
            self.painter.drawLine(QLineF(x - radius, y + radius, x + radius, y - radius))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        color: str | None = None,
        pixels: int | None = None,
        align: Align = LEFT,
        bold: bool = False,
        halo: bool = False,
    ) -> float:
        """Draw one line of text.

        Args:
            x: Its left end, right end or middle, as ``align`` says.
            y: Its middle, half-way up a capital letter.
            text: What to draw.
            color: ``#rrggbb``, or None for the theme's main text.
            pixels: Size, or None for the theme's small one.
            align: Left, right or horizontally centred.
            bold: Half bold.
            halo: Lay the surface behind it, so that it stays legible over lines.
        Returns:
            Its width.
        """
        size = pixels or self.theme.small_px
        measures = metrics(size, bold)
        width = measures.horizontalAdvance(text)
        left = x - width if align == RIGHT else x - width / 2 if align == CENTER else x
        base = y + measures.capHeight() / 2
        if halo:
            back = QRectF(left - 2, base - measures.capHeight() - 2, width + 4, measures.capHeight() + 4)
            self.fill(back, self.theme.surface, 215)
        self.painter.setFont(font(size, bold))
        self.painter.setPen(qcolor(color or self.theme.text))
        self.painter.drawText(QPointF(left, base), text)
        return width

    def picture(self, rect: QRectF, codes: Codes, table: Table) -> None:
        """Draw an image of colour codes without blurring.

        Args:
            rect: Where; stretched to fill it.
            codes: ``(H, W)``, row 0 at the top.
            table: Up to 256 colours as 0xAARRGGBB.
        """
        height, width = codes.shape
        if not height or not width:
            return
        colors = np.ascontiguousarray(table[codes], dtype=np.uint32)
        image = QImage(colors.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self.painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        # A vector file keeps a reference to the pixels, so it gets its own.
        self.painter.drawImage(rect, image.copy() if self.vector else image)

    def colors(self, rect: QRectF, pixels: NDArray[np.uint8]) -> None:
        """Draw an image of true colours, blended between its pixels.

        Args:
            rect: Where; stretched to fill it.
            pixels: ``(H, W, 3)`` red, green, blue, row 0 at the top.
        """
        height, width = pixels.shape[:2]
        held = np.ascontiguousarray(pixels)
        image = QImage(held.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self.painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        self.painter.drawImage(rect, image.copy() if self.vector else image)
