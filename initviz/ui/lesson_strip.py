"""The narrow strip that the lesson folds into."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from initviz.ui.icons import pixmap
from initviz.ui.language import current_language

WIDTH = 32


class LessonStrip(QAbstractButton):
    """A button along the right edge whose writing runs downwards.

    Args:
        parent: Qt parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._factor = 1.0
        self._colors = ("#ffffff", "#dddddd", "#eeeeee", "#000000", "#3070d0")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.retranslate()

    def set_look(self, surface: str, line: str, hover: str, text: str, focus: str, factor: float) -> None:
        """Take the theme's colours and size."""
        self._colors = (surface, line, hover, text, focus)
        self._factor = factor
        self.updateGeometry()
        self.update()

    def retranslate(self) -> None:
        """Name itself in the window's language."""
        self.setText(self.tr("Lesson"))
        self.setToolTip(self.tr("Show the lesson (F4)"))
        self.setAccessibleName(self.tr("Show the lesson"))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(round(WIDTH * self._factor), round(120 * self._factor))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        surface, line, hover, text, focus = self._colors
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self.rect().adjusted(0, 0, -1, -1).toRectF().translated(0.5, 0.5)
        painter.setBrush(QColor(hover if self.underMouse() else surface))
        painter.setPen(QColor(focus if self.hasFocus() else line))
        painter.drawRoundedRect(box, 6 * self._factor, 6 * self._factor)
        edge = round(16 * self._factor)
        left = (self.width() - edge) // 2
        top = round(12 * self._factor)
        painter.drawPixmap(QPoint(left, top), pixmap("chevron-left", text, edge, self.devicePixelRatioF()))
        painter.setPen(QColor(text))
        metrics = painter.fontMetrics()
        start = top + edge + round(8 * self._factor)
        if current_language() == "zh":  # its characters stand upright below one another
            for place, character in enumerate(self.text()):
                x = (self.width() - metrics.horizontalAdvance(character)) // 2
                painter.drawText(QPoint(x, start + metrics.ascent() + place * metrics.height()), character)
        else:
            painter.translate(self.width() / 2, start)
            painter.rotate(90)
            painter.drawText(QPoint(0, round((metrics.ascent() - metrics.descent()) / 2)), self.text())
        painter.end()
