"""What the window looked like when it was closed, and again when it opens."""

from __future__ import annotations

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QMainWindow, QSplitter

from initviz.ui.dashboard import CUSTOM, Dashboard
from initviz.ui.layouts import FIRST, LAYOUTS
from initviz.ui.settings import Settings

SIZE = (1600, 900)


class WindowMemory:
    """Saves and restores places and sizes.

    Args:
        settings: Where they are kept.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def restore_geometry(self, window: QMainWindow) -> None:
        """Open where the window was, or as large as the screen allows."""
        state = self._settings.blob("window/geometry")
        if not state.isEmpty() and window.restoreGeometry(state):
            return
        screen = window.screen()
        room = screen.availableGeometry() if screen is not None else None
        width, height = SIZE
        if room is not None:
            width, height = min(width, room.width()), min(height, room.height())
        window.resize(width, height)

    def restore_splitter(self, splitter: QSplitter, name: str) -> bool:
        """Divide the room as it was; False where that is not known."""
        state: QByteArray = self._settings.blob(f"window/{name}")
        return not state.isEmpty() and splitter.restoreState(state)

    def restore_dashboard(self, dashboard: Dashboard, flat: bool) -> str:
        """Arrange the plots as they were; return the layout's key, empty for one of the person's own."""
        key = self._settings.text("window/layout", FIRST, (*LAYOUTS, CUSTOM))
        if not dashboard.restore_arrangement(self._settings.blob("window/docks"), key):
            dashboard.arrange(key or FIRST, flat)
        return dashboard.layout_key

    def save(self, window: QMainWindow, splitters: dict[str, QSplitter], dashboard: Dashboard) -> None:
        """Keep everything for the next start."""
        self._settings.set_blob("window/geometry", window.saveGeometry())
        for name, splitter in splitters.items():
            self._settings.set_blob(f"window/{name}", splitter.saveState())
        self._settings.set_blob("window/docks", dashboard.save_arrangement())
        self._settings.set_text("window/layout", dashboard.layout_key)
