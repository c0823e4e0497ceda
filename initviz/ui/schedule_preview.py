"""The learning rate over the whole run, drawn before it is trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from initviz.ui.form_row import GUTTER
from initviz.ui.number_text import format_count, format_number, format_three

SAMPLES = 256


@dataclass(frozen=True, slots=True)
class RateCurve:
    """A learning rate over a run.

    Attributes:
        steps: Updates in the whole run.
        rates: Rates at ``SAMPLES`` steps or fewer, the first and the last among them, evenly apart.
    """

    steps: int
    rates: tuple[float, ...]

    def rate_at(self, share: float) -> float:
        """Return the rate at a share of the run, 0 to 1."""
        return self.rates[round(max(0.0, min(share, 1.0)) * (len(self.rates) - 1))]

    def step_at(self, share: float) -> int:
        """Return the step at a share of the run, 0 to 1."""
        return round(max(0.0, min(share, 1.0)) * (self.steps - 1))


def rate_curve(factor: Callable[[int], float], lr: float, steps: int) -> RateCurve:
    """Sample a schedule.

    Args:
        factor: From a step to the multiplier of the base rate.
        lr: The base rate.
        steps: Updates in the whole run, at least 1.
    """
    count = min(SAMPLES, steps)
    last = steps - 1
    places = [round(last * index / max(count - 1, 1)) for index in range(count)]
    return RateCurve(steps, tuple(lr * factor(step) for step in places))


class SchedulePreview(QWidget):
    """A small curve with its largest rate and its last step written at it; the pointer reads values off."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curve: RateCurve | None = None
        self._color = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)

    @property
    def curve(self) -> RateCurve | None:
        """What is drawn."""
        return self._curve

    def set_curve(self, curve: RateCurve, color: str = "") -> None:
        """Draw another curve.

        Args:
            curve: The rates.
            color: As CSS writes it; that of the text where empty.
        """
        self._curve = curve
        self._color = color
        self.retranslate()
        self.update()

    def retranslate(self) -> None:
        """Say in the current language what is drawn."""
        curve = self._curve
        if curve is None:
            return
        self.setAccessibleName(self.tr("Learning rate over the run"))
        self.setAccessibleDescription(
            self.tr("from {first} to {last}").format(
                first=format_three(curve.rates[0]), last=format_three(curve.rates[-1])
            )
        )

    def sizeHint(self) -> QSize:
        line = self.fontMetrics().height()
        return QSize(12 * line, 5 * line)

    def _plot(self) -> QRectF:
        line = self._small_metrics().height()
        return QRectF(self.rect()).adjusted(GUTTER, line + 4, -2, -line - 5)

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(max(8, round(self.fontInfo().pixelSize() * 0.86)))
        return font

    def _small_metrics(self) -> QFontMetrics:
        return QFontMetrics(self._small_font())

    def paintEvent(self, event: QPaintEvent) -> None:
        curve = self._curve
        if curve is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        role = QPalette.ColorRole
        box = self._plot()
        painter.setPen(QPen(self.palette().color(role.Mid), 1))
        for y in (box.top(), box.bottom()):
            painter.drawLine(QPointF(box.left(), round(y) + 0.5), QPointF(box.right(), round(y) + 0.5))
        painter.setFont(self._small_font())
        painter.setPen(self.palette().color(role.PlaceholderText))
        finite = [rate for rate in curve.rates if math.isfinite(rate)]
        top = max(finite, default=0.0)
        line = self._small_metrics().height()
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        above = QRectF(box.left(), box.top() - line - 3, box.width(), line)
        below = QRectF(box.left(), box.bottom() + 3, box.width(), line)
        painter.drawText(above, left, self.tr("learning rate, {top} at most").format(top=_short(top)))
        painter.drawText(below, left, "0")
        painter.drawText(below, right, self.tr("{steps} steps").format(steps=format_count(curve.steps)))
        color = QColor(self._color) if self._color else self.palette().color(role.Text)
        painter.setPen(QPen(color, 1.6))
        span = top if top > 0 else 1.0
        count = max(len(curve.rates) - 1, 1)
        points = QPolygonF(
            [
                QPointF(
                    box.left() + box.width() * index / count,
                    box.bottom() - (box.height() - 2) * (rate / span if math.isfinite(rate) else 1.0),
                )
                for index, rate in enumerate(curve.rates)
            ]
        )
        if len(curve.rates) == 1:
            points.append(QPointF(box.right(), points.first().y()))
        painter.drawPolyline(points)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and self._curve is not None:
            box = self._plot()
            share = (event.pos().x() - box.left()) / max(box.width(), 1.0)
            text = self.tr("step {step}: {rate}").format(
                step=format_count(self._curve.step_at(share)), rate=_short(self._curve.rate_at(share))
            )
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)


def _short(rate: float) -> str:
    """Return a rate with three significant digits, as short as it can be: ``0.05``."""
    return format_number(float(f"{rate:.3g}")) if math.isfinite(rate) else "∞"
