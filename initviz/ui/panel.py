"""What all panels of the left column have in common."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QFont, QFontMetrics, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from initviz.telemetry.frame import RunInfo
from initviz.ui.icons import dot
from initviz.ui.scope import Scope
from initviz.views.palette import Theme

SPACING = 8


class Panel(QWidget):
    """Shows one side of the experiment, for all lanes or for the one in focus, and edits it through the session.

    A panel that is not seen waits with its work until it is.

    Args:
        scope: The document being edited, and whose part of it.
        parent: Qt parent.
    """

    summary_changed = Signal()
    """What the closed panel would say in a few words is different now."""

    def __init__(self, scope: Scope, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scope = scope
        self.session = scope.session
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(4, 4, 14, 12)
        self.column.setSpacing(SPACING)
        self._stale = True
        self.scope.changed.connect(self._follow)

    # Each panel's own

    def title(self) -> str:
        """Return the panel's name in the current language."""
        raise NotImplementedError

    def summary(self) -> str:
        """Return in a few words what is chosen, for the heading of the closed panel."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Show what the session now holds."""
        raise NotImplementedError

    def retranslate(self) -> None:
        """Say everything in the current language."""

    # For the shell

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of another theme."""
        self.scope.set_theme(theme)

    def set_run(self, info: RunInfo | None) -> None:
        """Take note of another run, or of none."""

    # Inside

    @Slot()
    def _follow(self) -> None:
        if self.isVisible():
            self._stale = False
            self.refresh()
        else:
            self._stale = True
        self.summary_changed.emit()

    def ensure_fresh(self) -> None:
        """Show what the session holds, if that has changed while nobody looked."""
        if self._stale:
            self._stale = False
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        self.ensure_fresh()
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
            self._follow()
        super().changeEvent(event)


class ScopeSwitch(QFrame):
    """Chooses whose part of the experiment the panels below edit: all lanes', or the lane in focus.

    Args:
        scope: The document being edited, and whose part of it.
        parent: Qt parent.
    """

    def __init__(self, scope: Scope, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scope = scope
        self.setObjectName("scopeSwitch")
        self.all_button = QPushButton()
        self.one_button = QPushButton()
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for button, name, share in ((self.all_button, "scopeAll", 2), (self.one_button, "scopeOne", 3)):
            button.setObjectName(name)
            button.setCheckable(True)
            button.setAutoDefault(False)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            self._group.addButton(button)
            row.addWidget(button, share)
        self.all_button.clicked.connect(self._choose)
        self.one_button.clicked.connect(self._choose)
        self._scope.changed.connect(self._refresh)
        self._refresh()

    @Slot()
    def _choose(self) -> None:
        self._scope.set_single(self.one_button.isChecked())

    @Slot()
    def _refresh(self) -> None:
        self.all_button.setChecked(not self._scope.is_single)
        self.one_button.setChecked(self._scope.is_single)
        name = self._scope.focused.name
        only = self.tr("Only {lane}")
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.Bold)
        metrics = QFontMetrics(bold)
        room = self.width() * 3 // 5 - metrics.horizontalAdvance(only.format(lane="")) - 3 * metrics.height()
        short = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, max(room, 24))
        self.all_button.setText(self.tr("All lanes"))
        self.one_button.setText(only.format(lane=short).replace("&", "&&"))
        side = self.fontMetrics().height()
        self.one_button.setIcon(dot(self._scope.color(self._scope.focus_lane), side, side // 3))
        self.all_button.setToolTip(
            self.tr("What you change below holds for every lane that has nothing of its own.")
        )
        self.one_button.setToolTip(
            self.tr("What you change below holds for the lane in focus only: {lane}.").format(lane=name)
        )
        self.one_button.setAccessibleName(only.format(lane=name))

    def resizeEvent(self, event: object) -> None:
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._refresh()
        super().changeEvent(event)
