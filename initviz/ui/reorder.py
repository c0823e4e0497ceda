"""A list whose rows are put in another order with the mouse or the keyboard."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView, QWidget

AnyIndex = QModelIndex | QPersistentModelIndex
_EDGE = 18
_SCROLL_MS = 40


class ReorderList(QListView):
    """A list that reports where a person drags a row, and leaves the moving to its owner.

    A row can be dragged where the model says ``ItemIsDragEnabled``. Alt with up or down moves the current row.

    Args:
        parent: Qt parent.
    """

    moved = Signal(int, int)
    """Row that was moved, and the row it is to become."""
    removal_requested = Signal(int)
    insertion_requested = Signal(int)
    duplication_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setDragDropMode(QAbstractItemView.DragDropMode.NoDragDrop)
        self.setMouseTracking(True)
        self._pressed_row = -1
        self._pressed_at = QPoint()
        self._gap = -1
        self._scroll = QTimer(self)
        self._scroll.setInterval(_SCROLL_MS)
        self._scroll.timeout.connect(self._scroll_on)

    @property
    def is_dragging(self) -> bool:
        """True while a row is being dragged."""
        return self._gap >= 0

    def current_row(self) -> int:
        """Return the current row, -1 where there is none."""
        return self.currentIndex().row()

    def can_move(self, row: int) -> bool:
        """Say whether a row may be dragged, or another be put in its place."""
        model = self.model()
        if not 0 <= row < model.rowCount():
            return False
        return bool(model.flags(model.index(row, 0)) & Qt.ItemFlag.ItemIsDragEnabled)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_row = -1
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and self.can_move(index.row()):
            self._pressed_row = index.row()
            self._pressed_at = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed_row < 0 or not event.buttons() & Qt.MouseButton.LeftButton:
            super().mouseMoveEvent(event)
            return
        point = event.position().toPoint()
        far = abs(point.y() - self._pressed_at.y()) >= QApplication.startDragDistance()
        if self.is_dragging or far:
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            self._gap = self._gap_at(point)
            near_edge = point.y() < _EDGE or point.y() > self.viewport().height() - _EDGE
            if near_edge and not self._scroll.isActive():
                self._scroll.start()
            elif not near_edge:
                self._scroll.stop()
            self.viewport().update()
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        source, gap = self._pressed_row, self._gap
        dragged = self.is_dragging
        self._end_drag()
        self._pressed_row = -1
        if not dragged:
            super().mouseReleaseEvent(event)
            return
        event.accept()
        target = gap if gap <= source else gap - 1
        if target != source:
            self.moved.emit(source, target)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.current_row()
        alt = event.modifiers() == Qt.KeyboardModifier.AltModifier
        if event.key() == Qt.Key.Key_Escape and self.is_dragging:
            self._end_drag()
            self._pressed_row = -1
        elif alt and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            target = row + (1 if event.key() == Qt.Key.Key_Down else -1)
            if self.can_move(row) and self.can_move(target):
                self.moved.emit(row, target)
        elif event.key() == Qt.Key.Key_Delete and row >= 0:
            self.removal_requested.emit(row)
        elif event.key() == Qt.Key.Key_Insert:
            self.insertion_requested.emit(row)
        elif event.key() == Qt.Key.Key_D and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            self.duplication_requested.emit(row)
        else:
            super().keyPressEvent(event)
            return
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.is_dragging:
            return
        painter = QPainter(self.viewport())
        color = self.palette().color(QPalette.ColorRole.Link)
        painter.setPen(QPen(color, 2))
        y = self._gap_y(self._gap)
        painter.drawLine(4, y, self.viewport().width() - 4, y)
        dragged = self.visualRect(self._index(self._pressed_row))
        veil = self.palette().color(QPalette.ColorRole.Window)
        veil.setAlpha(150)
        painter.fillRect(dragged, veil)
        painter.end()

    # Inside

    def _index(self, row: int) -> QModelIndex:
        return self.model().index(row, 0)

    def _gap_at(self, point: QPoint) -> int:
        """Return before which row the dragged one would come to stand."""
        gap = 0
        for row in range(self.model().rowCount()):
            if not self.can_move(row):
                break
            box: QRect = self.visualRect(self._index(row))
            if box.center().y() < point.y():
                gap = row + 1
        return gap

    def _gap_y(self, gap: int) -> int:
        if gap == 0:
            return max(1, self.visualRect(self._index(0)).top())
        return self.visualRect(self._index(gap - 1)).bottom()

    def _end_drag(self) -> None:
        self._gap = -1
        self._scroll.stop()
        self.viewport().unsetCursor()
        self.viewport().update()

    @Slot()
    def _scroll_on(self) -> None:
        point = self.viewport().mapFromGlobal(self.cursor().pos())
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + (8 if point.y() > self.viewport().height() / 2 else -8))
        self._gap = self._gap_at(point)
        self.viewport().update()
