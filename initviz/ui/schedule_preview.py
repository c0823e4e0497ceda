"""The learning rate over the whole run, drawn before it is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
        follows: True where the loss decides how it goes on, so that this is only how it begins.
        by_decades: True where it covers so many powers of ten that it is drawn on a logarithmic axis.
    """

    steps: int
    rates: tuple[float, ...]
    follows: bool = False
    by_decades: bool = False

    def rate_at(self, share: float) -> float:
        """Return the rate at a share of the run, 0 to 1."""
        return self.rates[round(max(0.0, min(share, 1.0)) * (len(self.rates) - 1))]

    def step_at(self, share: float) -> int:
        """Return the step at a share of the run, 0 to 1."""
        return round(max(0.0, min(share, 1.0)) * (self.steps - 1))


@dataclass(frozen=True, slots=True)
class OtherCurve:
    """The rate of a lane that differs.

    Attributes:
        curve: Its rates.
        color: As CSS writes it.
    """

    curve: RateCurve
    color: str


def rate_curve(
    rate: Callable[[int], float], steps: int, *, follows: bool = False, by_decades: bool = False
) -> RateCurve:
    """Sample a learning rate.

    Args:
        rate: From a step to the rate.
        steps: Updates in the whole run, at least 1.
        follows: See ``RateCurve``.
        by_decades: See ``RateCurve``.
    """
    count = min(SAMPLES, steps)
    last = steps - 1
    places = [round(last * index / max(count - 1, 1)) for index in range(count)]
    return RateCurve(steps, tuple(rate(step) for step in places), follows, by_decades)


class SchedulePreview(QWidget):
    """A small curve with its largest rate and its last step written at it; the pointer reads values off."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curve: RateCurve | None = None
        self._color = ""
        self._others: tuple[OtherCurve, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)

    @property
    def curve(self) -> RateCurve | None:
        """What is drawn."""
        return self._curve

    @property
    def others(self) -> tuple[OtherCurve, ...]:
        """The lanes that are drawn beside it."""
        return self._others

    def set_curve(self, curve: RateCurve, color: str = "", others: Sequence[OtherCurve] = ()) -> None:
        """Draw another curve.

        Args:
            curve: The rates.
            color: As CSS writes it; that of the text where empty.
            others: Lanes with rates of their own.
        """
        self._curve = curve
        self._color = color
        self._others = tuple(others)
        self.retranslate()
        self.update()

    def retranslate(self) -> None:
        """Say in the current language what is drawn."""
        curve = self._curve
        if curve is None:
            return
        self.setAccessibleName(self.tr("Learning rate over the run"))
        first, last = format_three(curve.rates[0]), format_three(curve.rates[-1])
        said = (
            self.tr("from {first}, then it follows the loss")
            if curve.follows
            else self.tr("from {first} to {last}")
        )
        self.setAccessibleDescription(said.format(first=first, last=last))

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
        shown = (curve, *(other.curve for other in self._others))
        finite = [rate for one in shown for rate in one.rates if math.isfinite(rate)]
        top = max(finite, default=0.0)
        bottom = min((rate for rate in finite if rate > 0), default=0.0) if curve.by_decades else 0.0
        line = self._small_metrics().height()
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        above = QRectF(box.left(), box.top() - line - 3, box.width(), line)
        below = QRectF(box.left(), box.bottom() + 3, box.width(), line)
        painter.drawText(above, left, self._caption().format(top=_short(top)))
        painter.drawText(below, left, _short(bottom))
        painter.drawText(below, right, self.tr("{steps} steps").format(steps=format_count(curve.steps)))
        for other in self._others:
            self._draw(painter, box, other.curve, QColor(other.color), 1.2, (bottom, top))
        color = QColor(self._color) if self._color else self.palette().color(role.Text)
        self._draw(painter, box, curve, color, 1.6, (bottom, top))
        painter.end()

    def _caption(self) -> str:
        curve = self._curve
        if curve is not None and curve.follows:
            return self.tr("learning rate, {top} at first, then follows the loss")
        if curve is not None and curve.by_decades:
            return self.tr("learning rate, up to {top}, by decades")
        return self.tr("learning rate, {top} at most")

    @staticmethod
    def _draw(
        painter: QPainter,
        box: QRectF,
        curve: RateCurve,
        color: QColor,
        width: float,
        ends: tuple[float, float],
    ) -> None:
        style = Qt.PenStyle.DashLine if curve.follows else Qt.PenStyle.SolidLine
        painter.setPen(QPen(color, width, style))
        count = max(len(curve.rates) - 1, 1)
        points = QPolygonF(
            [
                QPointF(
                    box.left() + box.width() * index / count,
                    box.bottom() - (box.height() - 2) * _share(rate, *ends),
                )
                for index, rate in enumerate(curve.rates)
            ]
        )
        if len(curve.rates) == 1:
            points.append(QPointF(box.right(), points.first().y()))
        painter.drawPolyline(points)

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


def _share(rate: float, low: float, high: float) -> float:
    """Return how high a rate lies between the ends of the axis, which is logarithmic where it does not begin at 0."""
    if not math.isfinite(rate) or high <= low:
        return 1.0 if not math.isfinite(rate) or high > 0 else 0.0
    if low <= 0:
        return rate / high
    return math.log(max(rate, low) / low) / math.log(high / low)


def _short(rate: float) -> str:
    """Return a rate with three significant digits, as short as it can be: ``0.05``."""
    return format_number(float(f"{rate:.3g}")) if math.isfinite(rate) else "∞"
