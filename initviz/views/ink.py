"""Painting with few and cheap strokes: onto a picture of pixels or into a vector file, by the same calls.

Qt strokes an antialiased line of exactly one device pixel about ten times faster than a thicker one, so thick lines
are that line drawn a few times side by side; a vector file gets one line of the true width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen, QPolygonF

from initviz.views import lettering
from initviz.views.magnitude import Codes, Table
from initviz.views.palette import Marker, Theme
from initviz.views.shapes import (
    Primitives,
    cosmetic_pen,
    draw_marker,
    marker_picture,
    polygon,
    qcolor,
    stamp,
    written,
)

Align = Qt.AlignmentFlag
LEFT, RIGHT, CENTER = Align.AlignLeft, Align.AlignRight, Align.AlignHCenter
# Looking a value of an enumeration up costs as much as setting it.
_ANTIALIASING = QPainter.RenderHint.Antialiasing
_NO_PEN = Qt.PenStyle.NoPen

# The window's thread is the only one that paints, so one of each will do.
_LINES = Primitives(QLineF, 4)
_RECTS = Primitives(QRectF, 4)
_STAMPS = Primitives(QPainter.PixmapFragment, 10)


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
        self._smooth: bool | None = None

    def smooth(self, on: bool) -> None:
        """Switch antialiasing."""
        if on is not self._smooth:
            self._smooth = on
            self.painter.setRenderHint(_ANTIALIASING, on)

    def clip(self, rect: QRectF | None) -> None:
        """Paint only inside a rectangle, or everywhere again."""
        if rect is None:
            self.painter.setClipping(False)
        else:
            self.painter.setClipRect(rect)

    def fill(self, rect: QRectF, color: str, alpha: int = 255) -> None:
        """Fill a rectangle."""
        self.painter.fillRect(rect, qcolor(color, alpha))

    def line(
        self, x1: float, y1: float, x2: float, y2: float, color: str, alpha: int = 255, dashed: bool = False
    ) -> None:
        """Draw a straight line one device pixel wide, without antialiasing."""
        self.smooth(False)
        pen = cosmetic_pen(color, alpha, 1.0)
        if dashed:
            pen = QPen(pen)
            pen.setDashPattern([4.0 * self.scale, 3.0 * self.scale])
        self.painter.setPen(pen)
        self.painter.drawLine(QLineF(x1, y1, x2, y2))

    def frame(self, rect: QRectF, color: str, width: float = 1.0) -> None:
        """Draw the outline of a rectangle, inside of it."""
        self.smooth(False)
        self.painter.setPen(cosmetic_pen(color, 255, 1.0))
        self.painter.setBrush(Qt.BrushStyle.NoBrush)
        for number in range(max(1, round(width * self.scale))):
            edge = number / self.scale
            self.painter.drawRect(rect.adjusted(edge, edge, -edge - 1 / self.scale, -edge - 1 / self.scale))

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
            if run.stop <= run.start:
                continue
            if run.stop - run.start == 1:
                self._dot(float(x[run.start]), float(y[run.start]), color, width, alpha)
            elif dash:
                self._dashes(x[run], y[run], color, width, dash, alpha)
            else:
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
        painter.setPen(cosmetic_pen(color, alpha, 1.0))
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
        self.painter.setPen(_NO_PEN)
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
        if len(segments):
            _LINES.reserve(len(segments))[:] = segments
            self.painter.drawLines(*_LINES.arguments())

    def bars(self, rects: NDArray[Any], color: str, alpha: int = 255) -> None:
        """Fill many rectangles ``(n, 4)`` of x, y, width, height at once."""
        if not len(rects):
            return
        _RECTS.reserve(len(rects))[:] = rects
        self.smooth(self.vector)
        self.painter.setPen(_NO_PEN)
        self.painter.setBrush(qcolor(color, alpha))
        self.painter.drawRects(*_RECTS.arguments())

    def band(
        self, x: NDArray[Any], low: NDArray[Any], high: NDArray[Any], color: str, alpha: int = 255
    ) -> None:
        """Fill between two curves over rising ``x``; a column at a time, which is far faster than their outline.

        Args:
            x: ``(n,)``.
            low: ``(n,)`` lower edge, the larger number of pixels.
            high: ``(n,)`` upper edge.
            color: ``#rrggbb``.
            alpha: Opacity, 0 to 255.
        """
        if self.vector:
            self.area(np.concatenate((x, x[::-1])), np.concatenate((high, low[::-1])), color, alpha)
            return
        edges = np.round(np.concatenate((x[:1], (x[1:] + x[:-1]) / 2, x[-1:])) * self.scale) / self.scale
        self.bars(np.stack((edges[:-1], high, np.diff(edges), low - high), axis=1), color, alpha)

    def area(self, x: NDArray[Any], y: NDArray[Any], color: str, alpha: int = 255) -> None:
        """Fill the polygon through finite points, without antialiasing: an outline drawn over it hides the edge.

        It must not overlap itself. (With a fill rule, PySide would take the points for a list, ten times slower.)
        """
        self.smooth(self.vector)
        self.painter.setPen(_NO_PEN)
        self.painter.setBrush(qcolor(color, alpha))
        self.painter.drawPolygon(polygon(x, y))

    def dots(
        self, x: NDArray[Any], y: NDArray[Any], color: str, diameter: float, hollow: bool = False
    ) -> None:
        """Draw many round points at once; what is not finite is left out."""
        good = np.isfinite(x) & np.isfinite(y)
        if not good.any():
            return
        x, y = x[good], y[good]
        if self.vector:
            self._round_points(x, y, color, diameter, hollow)
            return
        picture = stamp(color, self.theme.surface, diameter, hollow, self.scale)
        memory = _STAMPS.reserve(len(x))
        memory[:, 0] = x
        memory[:, 1] = y
        memory[:, 2:4] = 0.0  # corner of the source
        memory[:, 4:6] = picture.width()
        memory[:, 6:8] = 1 / self.scale
        memory[:, 8] = 0.0  # rotation
        memory[:, 9] = 1.0  # opacity
        self.painter.drawPixmapFragments(*_STAMPS.arguments(), picture)

    def _round_points(
        self, x: NDArray[Any], y: NDArray[Any], color: str, diameter: float, hollow: bool
    ) -> None:
        radius = diameter / 2 - (0.6 if hollow else 0.0)
        self.painter.setPen(QPen(qcolor(color), 1.2) if hollow else _NO_PEN)
        self.painter.setBrush(qcolor(self.theme.surface if hollow else color))
        for center_x, center_y in zip(x.tolist(), y.tolist(), strict=True):
            self.painter.drawEllipse(QPointF(center_x, center_y), radius, radius)

    def marker(
        self, kind: Marker, x: float, y: float, color: str, radius: float = 3.5, hollow: bool = False
    ) -> None:
        """Draw one marker with a thin edge of the surface, so that it stands off the lines."""
        surface = self.theme.surface
        if self.vector:
            self.smooth(True)
            self.painter.translate(x, y)
            draw_marker(self.painter, kind, color, surface, radius, hollow)
            self.painter.translate(-x, -y)
            return
        picture = marker_picture(kind, color, surface, radius, hollow, self.scale)
        half = picture.width() / self.scale / 2
        self.painter.drawPixmap(QPointF(x - half, y - half), picture)

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
        shade = color or self.theme.text
        steady = bold and halo and not self.vector
        width = (
            lettering.text_width(text, size, bold) if bold or not halo else lettering.number_width(text, size)
        )
        left = x - width if align == RIGHT else x - width / 2 if align == CENTER else x
        height = lettering.cap_height(size, bold)
        base = y + height / 2
        if steady:
            picture = written(text, size, bold, shade, self.theme.surface, self.scale)
            self.painter.drawPixmap(QPointF(left - 2, base - height - 2), picture)
            return width
        if halo:
            back = QRectF(left - 2, base - height - 2, width + 4, height + 4)
            self.fill(back, self.theme.surface, 215)
        self.painter.setFont(lettering.font(size, bold))
        self.painter.setPen(qcolor(shade))
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
        if self.vector:
            colors = np.ascontiguousarray(table[codes])
            image = QImage(colors.data, width, height, 4 * width, QImage.Format.Format_RGB32)
            self.painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            self.painter.drawImage(rect, image.copy())  # the file keeps a reference to the pixels
            return
        # Onto whole device pixels and stretched here: Qt copies an image far faster than it scales one.
        left, top = round(rect.left() * self.scale), round(rect.top() * self.scale)
        across = max(1, round(rect.right() * self.scale) - left)
        down = max(1, round(rect.bottom() * self.scale) - top)
        rows = codes[(np.arange(down) * height) // down]
        pixels = np.ascontiguousarray(table[rows[:, (np.arange(across) * width) // across]])
        image = QImage(pixels.data, across, down, 4 * across, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(self.scale)
        self.painter.drawImage(QPointF(left / self.scale, top / self.scale), image)

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
