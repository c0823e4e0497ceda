"""The loss of a stage while it is trained, in a few centimetres."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from initviz.ui.number_text import format_three
from initviz.views.palette import LIGHT, Theme

MOST_POINTS = 512
"""Beyond this, every other point is dropped."""
WIDTH, HEIGHT = 340, 44
LEAST_DECADES = 0.05
"""The axis shows no less than this, so that noise does not look like a fall."""

Curve = list[tuple[int, float]]


class StageCurve(QWidget):
    """Draws two curves over the steps on a logarithmic axis, with their names and numbers at the ends.

    Args:
        parent: Qt parent.

    Attributes:
        training: Steps and losses of batches.
        validation: Steps and losses on the examples held back.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.training: Curve = []
        self.validation: Curve = []
        self._total = 1
        self._names = ("", "")
        self._theme: Theme = LIGHT
        self._factor = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(round(WIDTH * self._factor), round(HEIGHT * self._factor))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def set_look(self, theme: Theme, factor: float) -> None:
        """Take the colours and sizes of another theme."""
        self._theme, self._factor = theme, factor
        self.updateGeometry()
        self.update()

    def set_names(self, training: str, validation: str) -> None:
        """Name the curves."""
        self._names = (training, validation)
        self.update()

    def begin(self, total: int) -> None:
        """Begin anew.

        Args:
            total: Steps in all, which the axis is long.
        """
        self._total = max(1, total)
        self.training, self.validation = [], []
        self.update()

    def add(self, step: int, loss: float, validation_loss: float) -> None:
        """Add what is known after so many steps; NaN is left out, and so is a score that was told before."""
        if math.isfinite(loss):
            self.training = _joined(self.training, step, loss)
        if math.isfinite(validation_loss) and (
            not self.validation or validation_loss != self.validation[-1][1]
        ):
            self.validation = _joined(self.validation, step, validation_loss)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._theme
        metrics = self.fontMetrics()
        ends = [
            f"{name} {format_three(curve[-1][1] if curve else math.nan)}"
            for name, curve in zip(self._names, (self.training, self.validation), strict=True)
        ]
        room = max(metrics.horizontalAdvance(f"{name} 0.00000") for name in self._names) + 8
        area = QRectF(1, 4, self.width() - room - 2, self.height() - 8)
        painter.setPen(QPen(QColor(theme.grid), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        values = [loss for curve in (self.training, self.validation) for _, loss in curve if loss > 0]
        if values:
            low, high = _decades(np.array(values))
            tips: list[float] = []
            for curve, width in ((self.training, 1.0), (self.validation, 2.5)):
                line = [_place(area, step / self._total, loss, low, high) for step, loss in curve]
                painter.setPen(
                    QPen(QColor(theme.muted if width == 1.0 else theme.text), width * self._factor)
                )
                painter.drawPolyline(QPolygonF(line))
                tips.append(line[-1].y() if line else area.bottom())
            self._write(painter, area, ends, tips)
        painter.end()

    def _write(self, painter: QPainter, area: QRectF, ends: list[str], tips: list[float]) -> None:
        """Write the names beside the ends, apart from one another and within the widget."""
        height = float(self.fontMetrics().height())
        upper, lower = sorted(range(2), key=lambda place: tips[place])
        middles = [0.0, 0.0]
        middles[upper], middles[lower] = tips[upper], max(tips[lower], tips[upper] + height)
        over = max(0.0, middles[lower] + height / 2 - self.height())
        middles = [max(middle - over, height / 2) for middle in middles]
        middles[lower] = max(middles[lower], middles[upper] + height)
        for place, color in enumerate((self._theme.muted, self._theme.text)):
            painter.setPen(QColor(color))
            box = QRectF(
                area.right() + 6, middles[place] - height / 2, self.width() - area.right() - 6, height
            )
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, ends[place])


def _joined(curve: Curve, step: int, loss: float) -> Curve:
    if curve and curve[-1][0] == step:
        return [*curve[:-1], (step, loss)]
    kept = curve[::2] if len(curve) >= MOST_POINTS else curve
    return [*kept, (step, loss)]


def _decades(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the range of the axis in decades: all but the highest two hundredths."""
    low, high = (float(found) for found in np.percentile(np.log10(values), (0, 98)))
    spare = max(0.0, LEAST_DECADES - (high - low)) / 2
    return low - spare, high + spare


def _place(area: QRectF, across: float, loss: float, low: float, high: float) -> QPointF:
    decade = math.log10(loss) if loss > 0 else low
    up = min(max((decade - low) / (high - low), 0.0), 1.0)
    return QPointF(area.left() + across * area.width(), area.bottom() - up * area.height())
