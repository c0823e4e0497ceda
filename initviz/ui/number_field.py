"""Fields for numbers: typed, stepped with the arrow keys, or slid by round steps."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QKeySequence, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QSlider, QWidget

DEBOUNCE_MS = 150


def restyle(widget: QWidget) -> None:
    """Let the style sheet look again at a widget's properties."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


class TypedEdit(QLineEdit):
    """A line that reports what was typed when the typing is over: Enter, or going elsewhere.

    Escape brings the last accepted text back. Undo acts on the typing while there is any, and on the experiment
    otherwise.
    """

    entered = Signal(str)
    stepped = Signal(int)
    menu_requested = Signal(QMenu)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._accepted = ""
        self.returnPressed.connect(self._enter)

    @property
    def is_dirty(self) -> bool:
        """True while something else is typed than what counts."""
        return self.text() != self._accepted

    def accept_text(self, text: str) -> None:
        """Show ``text`` as what counts."""
        self._accepted = text
        if self.text() != text:
            self.setText(text)
            self.setCursorPosition(0)

    def restore(self) -> None:
        """Show again what counts."""
        self.setText(self._accepted)
        self.selectAll()

    def _enter(self) -> None:
        self.entered.emit(self.text())
        self.selectAll()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        # A menu of its own or another window coming to the front does not end the typing.
        ends = event.reason() not in (
            Qt.FocusReason.PopupFocusReason,
            Qt.FocusReason.ActiveWindowFocusReason,
        )
        if ends and self.is_dirty:
            self.entered.emit(self.text())

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and not self.is_dirty
            and (event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo))
        ):
            # Nothing is typed, so the keys mean the experiment.
            event.ignore()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Up: 1,
            Qt.Key.Key_Down: -1,
            Qt.Key.Key_PageUp: 10,
            Qt.Key.Key_PageDown: -10,
        }.get(Qt.Key(event.key()))
        if steps is not None and event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        ):
            self.stepped.emit(steps)
            event.accept()
        elif event.key() == Qt.Key.Key_Escape and self.is_dirty:
            self.restore()
            self.entered.emit(self._accepted)
            event.accept()
        elif not self.is_dirty and (
            event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)
        ):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.createStandardContextMenu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.menu_requested.emit(menu)
        menu.popup(event.globalPos())


class CalmSlider(QSlider):
    """A slider that a scroll wheel passing over it does not move."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setMinimumWidth(48)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Debounce(QObject):
    """Reports the last of several values in quick succession, once they stop coming.

    Args:
        parent: Qt parent; pending values die with it.
    """

    settled = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DEBOUNCE_MS)
        self._timer.timeout.connect(self.flush)
        self._value: object = None
        self._pending = False

    def put(self, value: object) -> None:
        """Take a value and wait for more."""
        self._value = value
        self._pending = True
        self._timer.start()

    def flush(self) -> None:
        """Report what is pending at once."""
        self._timer.stop()
        if self._pending:
            self._pending = False
            self.settled.emit(self._value)

    def drop(self) -> None:
        """Forget what is pending."""
        self._timer.stop()
        self._pending = False
