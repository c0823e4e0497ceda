"""A small button in a view's head that opens a list of lanes to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget


class MembersButton(QToolButton):
    """Shows how many lanes are chosen; the menu has a check mark for each.

    Signals:
        changed: The person chose other lanes.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions: list[QAction] = []
        self._title = ""
        self._menu = QMenu(self)
        self._menu.triggered.connect(self._pick)
        self.setMenu(self._menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def offer(self, names: Sequence[str]) -> None:
        """Offer other lanes, all of them chosen."""
        self._menu.clear()
        for action in self._actions:
            action.deleteLater()
        self._actions = []
        for name in names:
            action = QAction(name.replace("&", "&&"), self)
            action.setCheckable(True)
            action.setChecked(True)
            self._menu.addAction(action)
            self._actions.append(action)
        self._tell()

    def choose(self, lanes: Sequence[int]) -> None:
        """Choose lanes without telling ``changed``."""
        for place, action in enumerate(self._actions):
            action.setChecked(place in lanes)
        self._tell()

    def chosen(self) -> tuple[int, ...]:
        """Return the lanes that are chosen."""
        return tuple(place for place, action in enumerate(self._actions) if action.isChecked())

    def describe(self, title: str, text: str) -> None:
        """Say what is chosen here: on the button, and when pointed at."""
        self._title = title
        self.setToolTip(text)
        self.setAccessibleName(text)
        self._tell()

    def _tell(self) -> None:
        self.setText(f"{self._title} {len(self.chosen())}/{len(self._actions)} ▾")

    @Slot(QAction)
    def _pick(self, action: QAction) -> None:
        self._tell()
        self.changed.emit()
