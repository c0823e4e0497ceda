"""The right column: the lesson, or the strip that it folds into."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QWidget

from initviz.ui.chrome import Chrome
from initviz.ui.lesson_panel import LessonPanel
from initviz.ui.lesson_strip import LessonStrip
from initviz.ui.session import Session
from initviz.views.palette import Theme

FOLD_BELOW = 1400
"""A window narrower than this, in pixels of usual size, has no room for the lesson beside the plots."""
WIDTH = 304
NARROWEST = 240
UNBOUNDED = 16_777_215


class LessonColumn(QWidget):
    """Folds by itself where the window is narrow; what the person decides holds for wide windows or for narrow ones.

    Args:
        session: Whose scenario and lane in focus are explained.
        action: Shows whether the lesson is open; checkable.
        parent: Qt parent.
    """

    folded = Signal()
    """The column wants another width; see ``wanted_width``."""

    def __init__(self, session: Session, action: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._action = action
        self._open_if_roomy = {True: True, False: False}
        self._roomy = True
        self._factor = 1.0
        self.panel = LessonPanel(session)
        self.strip = LessonStrip()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.panel, 1)
        row.addWidget(self.strip)
        action.triggered.connect(self._choose)
        self.panel.fold_asked.connect(action.trigger)
        self.strip.clicked.connect(action.trigger)
        self._fold()

    @property
    def is_open(self) -> bool:
        """True where the lesson itself is shown."""
        return self._open_if_roomy[self._roomy]

    @property
    def wishes(self) -> tuple[bool, bool]:
        """Whether it is open in a wide window, and in a narrow one."""
        return self._open_if_roomy[True], self._open_if_roomy[False]

    def set_wishes(self, wide: bool, narrow: bool) -> None:
        """Open or fold as the person once decided."""
        self._open_if_roomy = {True: wide, False: narrow}
        self._fold()

    def wanted_width(self) -> int:
        """Return the width at which it looks best as it is now."""
        return round(WIDTH * self._factor) if self.is_open else self.strip.sizeHint().width()

    def set_room(self, width: float) -> None:
        """Fold or unfold where the window's width, in pixels of usual size, passes the bound."""
        roomy = width >= FOLD_BELOW
        if roomy != self._roomy:
            self._roomy = roomy
            self._fold()

    def set_theme(self, theme: Theme, chrome: Chrome, factor: float) -> None:
        """Look otherwise."""
        self._factor = factor
        self.panel.set_theme(theme)
        self.strip.set_look(chrome.surface, chrome.line, chrome.hover, chrome.muted, chrome.focus, factor)
        self._fold()

    @Slot(bool)
    def _choose(self, shown: bool) -> None:
        self._open_if_roomy[self._roomy] = shown
        self._fold()

    def _fold(self) -> None:
        shown = self.is_open
        self._action.setChecked(shown)
        self.panel.setVisible(shown)
        self.strip.setVisible(not shown)
        strip = self.strip.sizeHint().width()
        self.setMinimumWidth(round(NARROWEST * self._factor) if shown else strip)
        self.setMaximumWidth(UNBOUNDED if shown else strip)
        self.folded.emit()
