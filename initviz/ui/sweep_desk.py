"""What the menu's search does: the window of a search, made when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from initviz.ui.actions import Actions
from initviz.ui.session import Session
from initviz.ui.theme import ThemeSwitch
from initviz.worker.sweep_thread import Sweeper

if TYPE_CHECKING:
    from initviz.ui.sweep_window import SweepWindow


class SweepDesk(QObject):
    """Opens the window of a search.

    Args:
        session: The experiment that is searched.
        theme: Colours.
        actions: The window's actions.
        window: The main window.
    """

    def __init__(self, session: Session, theme: ThemeSwitch, actions: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._theme, self._main = session, theme, window
        self.window: SweepWindow | None = None
        self.sweeper = Sweeper(session.catalogue, session.limits, self)
        actions.search.triggered.connect(self.open)

    @Slot()
    def open(self) -> None:
        """Show the window of a search in front."""
        if self.window is None:
            # Not before: its plots would have to be loaded before the main window can be painted.
            from initviz.ui.sweep_window import SweepWindow

            self.window = SweepWindow(self._session, self._theme, self.sweeper, self._main)
            self.window.opened.connect(self._come_back)
        self.window.present()

    @Slot()
    def _come_back(self) -> None:
        self._main.raise_()
        self._main.activateWindow()

    def stop(self) -> bool:
        """End a search for good; False where an operation still runs."""
        if self.window is not None:
            self.window.hide()
        return self.sweeper.shutdown()
