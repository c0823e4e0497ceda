"""The surface of a view: shows the picture it last drew, and follows the pointer and the keyboard."""

from __future__ import annotations

from typing import Any

from pyqtgraph import GraphicsObject, GraphicsView  # after Qt, which it then takes
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

_STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


_POINTING = {
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseButtonRelease,
    QEvent.Type.MouseButtonDblClick,
    QEvent.Type.MouseMove,
    QEvent.Type.Wheel,
}


class _Picture(GraphicsObject):  # type: ignore[misc]  # pyqtgraph has no types
    """The one item of a canvas: blits the picture, and lets the view paint over it.

    A plot of many small items spends its time in the scene's bookkeeping; one custom item spends it on the data.
    """

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas

    def boundingRect(self) -> QRectF:
        return QRectF(self._canvas.rect())

    def paint(self, painter: QPainter, *_: Any) -> None:
        image = self._canvas.image
        if image is not None:
            painter.drawImage(0, 0, image)
        self._canvas.overlay_wanted.emit(painter)


class Canvas(GraphicsView):  # type: ignore[misc]  # pyqtgraph has no types
    """A pyqtgraph view of one item that blits a picture, with the cross-hair painted over it.

    Painting the picture is the view's affair: it happens once for new data, and not when the pointer moves.

    Signals:
        resized: The picture has to be drawn anew.
        cursor_moved: The cross-hair is elsewhere, or gone; see ``cursor``.
        pressed: The left button was pressed at a place.
        released: It was let go, wherever that is.
        clicked: The left button was pressed and released at one place.
        dragged: The pointer was moved with the left button down: distance in pixels.
        zoomed: The wheel was turned: place and number of notches.
        reset_wanted: A double click or Home.
        overlay_wanted: The picture is painted; paint over it with this painter.
    """

    resized = Signal()
    cursor_moved = Signal()
    pressed = Signal(QPointF)
    released = Signal()
    clicked = Signal(QPointF)
    dragged = Signal(QPointF)
    zoomed = Signal(QPointF, float)
    reset_wanted = Signal()
    overlay_wanted = Signal(QPainter)

    def __init__(self, parent: QWidget | None = None) -> None:
        self.image: QImage | None = None
        super().__init__(parent, background=None)
        self.cursor_at: QPointF | None = None
        self._pressed: QPointF | None = None
        self._moved = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._picture = _Picture(self)
        self.addItem(self._picture)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(480, 320)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 96)

    def set_cursor(self, place: QPointF | None) -> None:
        """Move the cross-hair, or take it away."""
        self.cursor_at = place
        self.cursor_moved.emit()
        self.show_picture()

    def show_picture(self) -> None:
        """Paint the picture, and what lies over it, at the next opportunity."""
        self._picture.update()

    def event(self, event: QEvent) -> bool:
        # A scroll area hears of the pointer through its viewport; what is sent to itself means the same.
        if event.type() in _POINTING:
            return bool(self.viewportEvent(event))
        return bool(super().event(event))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_picture"):  # pyqtgraph asks for a size while it sets itself up
            self._picture.prepareGeometryChange()
            self.resized.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.resized.emit()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.set_cursor(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.set_cursor(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._moved = event.position(), False
            self.pressed.emit(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None:
            distance = event.position() - self._pressed
            if self._moved or distance.manhattanLength() > 4:
                self._moved = True
                self._pressed = event.position()
                self.dragged.emit(distance)
        self.set_cursor(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._pressed is not None:
            if not self._moved:
                self.clicked.emit(event.position())
            self._pressed = None
            self.released.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset_wanted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120
        if notches and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoomed.emit(event.position(), notches)
            event.accept()
        else:  # a plain wheel scrolls whatever the view stands in
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.show_picture()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if not self.underMouse():
            self.set_cursor(None)
        self.show_picture()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _STEPS:
            far = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            across, down = _STEPS[key]
            place = self.cursor_at or QPointF(self.width() / 2, self.height() / 2)
            x = min(max(0.0, place.x() + 4 * far * across), self.width() - 1.0)
            y = min(max(0.0, place.y() + 4 * far * down), self.height() - 1.0)
            self.set_cursor(QPointF(x, y))
        elif key in {Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus}:
            place = self.cursor_at or QPointF(self.width() / 2, self.height() / 2)
            self.zoomed.emit(place, -1.0 if key == Qt.Key.Key_Minus else 1.0)
        elif key == Qt.Key.Key_Home:
            self.reset_wanted.emit()
        elif key == Qt.Key.Key_Escape and self.cursor_at is not None:
            self.set_cursor(None)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.cursor_at is not None:
            self.clicked.emit(self.cursor_at)
        else:
            event.ignore()  # somebody further out may want it
