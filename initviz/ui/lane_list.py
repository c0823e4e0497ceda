"""The list that lane cards stand in, and the palette that a lane's colour is chosen from."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QToolButton, QToolTip, QWidget

from initviz.ui.icons import dot
from initviz.ui.lane_cards import zone_at
from initviz.ui.reorder import ReorderList


class LaneList(ReorderList):
    """The list of cards. Pressing a dot or an eye selects nothing; it is reported.

    Args:
        parent: Qt parent.
    """

    dot_pressed = Signal(int)
    eye_pressed = Signal(int)
    tip_requested = Signal(int, str, QPoint)
    """Row, piece of the card, and the place on the screen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._press_zone(event.position().toPoint()):
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._press_zone(event.position().toPoint()):
            event.accept()
            return
        super().mouseDoubleClickEvent(event)

    def _press_zone(self, point: QPoint) -> bool:
        index = self.indexAt(point)
        if not index.isValid():
            return False
        zone = zone_at(self.visualRect(index), self.fontMetrics(), point.x())
        if zone == "dot":
            self.dot_pressed.emit(index.row())
        elif zone == "eye":
            self.eye_pressed.emit(index.row())
        return zone != "body"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # The same key ends the renaming, and comes by here then.
            if self.state() != QAbstractItemView.State.EditingState:
                self.edit(self.currentIndex())
            event.accept()
            return
        super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            index = self.indexAt(event.pos())
            if index.isValid():
                zone = zone_at(self.visualRect(index), self.fontMetrics(), event.pos().x())
                self.tip_requested.emit(index.row(), zone, event.globalPos())
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)


class ColorButton(QToolButton):
    """One colour of the lane palette."""

    def __init__(self, color: str, current: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoRaise(True)
        self.setCheckable(True)
        self.setChecked(current)
        side = self.fontMetrics().height()
        self.setIcon(dot(color, side, 2))
        self.setIconSize(QSize(side, side))
        self.setAccessibleName(color)
