"""A line below the transport that says what could not be done, without stopping anybody."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAccessible, QAccessibleEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from initviz.experiment.text import Text
from initviz.ui.icons import icon, pixmap
from initviz.ui.language import current_language

DONE_MS = 6000
"""Good news stays so long."""
Tone = Literal["refused", "failed", "done"]
_ICONS: dict[Tone, str] = {"refused": "warning", "failed": "warning", "done": "info"}


class MessageBar(QFrame):
    """Shows one message until it is closed or replaced; good news leaves by itself.

    Args:
        parent: Qt parent.
    """

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._text = Text("", "")
        self._path = ""
        self._tone: Tone = "refused"
        self._color = "#000000"
        self._sign = QLabel()
        self._label = QLabel()
        self._label.setObjectName("messageText")
        self._label.setWordWrap(True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._close = QToolButton()
        self._close.setObjectName("messageClose")
        self._close.setAutoRaise(True)
        self._close.clicked.connect(self.close_message)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._label, 1)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignVCenter)
        self._leave = QTimer(self)
        self._leave.setSingleShot(True)
        self._leave.setInterval(DONE_MS)
        self._leave.timeout.connect(self._leave_by_itself)
        self._retranslate()
        self.hide()

    @property
    def tone(self) -> Tone:
        """What kind of message is or was shown."""
        return self._tone

    def message(self) -> str:
        """Return what is shown, in the window's language."""
        return self._label.text()

    def refuse(self, text: Text, path: str = "") -> None:
        """Say that an edit was not accepted: what, where, and that nothing was changed."""
        unchanged = Text("Nothing was changed.", "没有任何改动。")
        said = text
        if unchanged.en.lower().rstrip(".") not in text.en.lower():
            said = Text(f"{text.en} {unchanged.en}", f"{text.zh}{unchanged.zh}")
        self._show(said, path, "refused")

    def fail(self, text: Text) -> None:
        """Say that something went wrong."""
        self._show(text, "", "failed")

    def tell(self, text: Text) -> None:
        """Say that something was done."""
        self._show(text, "", "done")

    @Slot()
    def close_message(self) -> None:
        """Take the message away."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    @Slot()
    def _leave_by_itself(self) -> None:
        if self.underMouse():  # somebody reads it, or is about to copy from it
            self._leave.start()
        else:
            self.close_message()

    def set_color(self, color: str) -> None:
        """Draw the icons in the theme's colour of writing."""
        self._color = color
        self._close.setIcon(icon("close", color))
        self._draw_sign()

    def _show(self, text: Text, path: str, tone: Tone) -> None:
        self._text, self._path, self._tone = text, path, tone
        self.setProperty("tone", tone)
        self.style().unpolish(self)
        self.style().polish(self)
        self._draw_sign()
        self._retranslate()
        self.show()
        if tone == "done":
            self._leave.start()
        else:
            self._leave.stop()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def _draw_sign(self) -> None:
        self._sign.setPixmap(pixmap(_ICONS[self._tone], self._color, 20, self.devicePixelRatioF()))

    def _retranslate(self) -> None:
        said = self._text.in_language(current_language())
        # Where it is comes first, as on a signpost; sentences of the checks begin in lower case for this.
        if self._path:
            colon = "：" if current_language() == "zh" else ": "
            said = f"{self._path}{colon}{said}"
        elif said:
            said = said[0].upper() + said[1:]
        self._label.setText(said)
        self.setAccessibleName(said)
        self._close.setToolTip(self.tr("Close this message (Esc)"))
        self._close.setAccessibleName(self.tr("Close message"))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_message()
        else:
            super().keyPressEvent(event)
