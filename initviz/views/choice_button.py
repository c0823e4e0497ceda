"""A small button in a view's head that opens a menu of a few alternatives."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget


class ChoiceButton(QToolButton):
    """Shows the chosen alternative; the menu offers all of them.

    Signals:
        chosen: Another alternative was picked by the person; its key.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._actions: dict[str, QAction] = {}
        self._current = ""
        self._menu = QMenu(self)
        self._group = QActionGroup(self)
        self._group.triggered.connect(self._pick)
        self.setMenu(self._menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    @property
    def current(self) -> str:
        """Key of the chosen alternative; empty when there is none."""
        return self._current

    def set_alternatives(self, alternatives: Sequence[tuple[str, str]], current: str) -> None:
        """Offer alternatives, each a key and the text shown, and choose one without telling ``chosen``."""
        if [(key, action.text()) for key, action in self._actions.items()] != list(alternatives):
            self._menu.clear()
            for action in self._actions.values():
                self._group.removeAction(action)
                action.deleteLater()
            self._actions = {}
            for key, text in alternatives:
                action = QAction(text, self)
                action.setData(key)
                action.setCheckable(True)
                self._group.addAction(action)
                self._menu.addAction(action)
                self._actions[key] = action
        self.choose(current)

    def choose(self, key: str) -> None:
        """Choose an alternative without telling ``chosen``; an unknown key chooses none."""
        self._current = key if key in self._actions else ""
        if self._current:
            self._actions[key].setChecked(True)
            self.setText(f"{self._actions[key].text()} ▾")

    def describe(self, text: str) -> None:
        """Say what is chosen here."""
        self.setToolTip(text)
        self.setAccessibleName(text)

    @Slot(QAction)
    def _pick(self, action: QAction) -> None:
        key = str(action.data())
        if key != self._current:
            self.choose(key)
            self.chosen.emit(key)
