"""What the window looked like when it was closed, and again when it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QSplitter

from initviz.telemetry.spread import BAND_KINDS
from initviz.ui.controls import LAST_SECTION, START_SECTION
from initviz.ui.dashboard import CUSTOM
from initviz.ui.layouts import FIRST
from initviz.ui.settings import Settings
from initviz.ui.speed import FASTEST
from initviz.views.index import LAYOUTS

if TYPE_CHECKING:
    from initviz.ui.main_window import MainWindow

SIZE = (1600, 900)
PLOT_CHOICES: dict[str, tuple[str, ...]] = {"loss_band": BAND_KINDS}
"""What a person may have chosen on the plots (see ``View.choices``), and the choices there are."""
FRAME = (16, 56)
"""Room that a desktop's frame and title bar take at most, in pixels."""


class WindowMemory:
    """Saves and restores places, sizes and choices.

    Args:
        settings: Where they are kept.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def restore(self, window: MainWindow, flat: bool) -> None:
        """Open as the window was closed; else as large as the screen allows, with the first layout.

        Args:
            window: It has all its parts.
            flat: True for data with two inputs.
        """
        settings = self._settings
        state = settings.blob("window/geometry")
        if state.isEmpty() or not window.restoreGeometry(state):
            room = window.screen().availableGeometry()
            window.resize(min(SIZE[0], room.width() - FRAME[0]), min(SIZE[1], room.height() - FRAME[1]))
        key = settings.text("window/layout", FIRST, (*LAYOUTS, CUSTOM))
        if not window.dashboard.restore_arrangement(settings.blob("window/docks"), key, flat):
            window.dashboard.arrange(key or FIRST, flat)
        window.transport.set_speed_position(settings.integer("run/speed", FASTEST, 0, FASTEST))
        window.controls.sections.open_section(
            settings.integer("window/section", START_SECTION, -1, LAST_SECTION)
        )
        window.lesson.set_wishes(
            settings.integer("window/lesson_wide", 1, 0, 1) == 1,
            settings.integer("window/lesson_narrow", 0, 0, 1) == 1,
        )
        window.actions_.controls.setChecked(settings.integer("window/controls", 1, 0, 1) == 1)
        chosen = {name: settings.text(f"plots/{name}", "", allowed) for name, allowed in PLOT_CHOICES.items()}
        window.dashboard.recall(chosen)

    def restore_columns(self, splitter: QSplitter) -> None:
        """Divide the width as it was."""
        state = self._settings.blob("window/columns")
        if not state.isEmpty():
            splitter.restoreState(state)

    def save(self, window: MainWindow) -> None:
        """Keep everything for the next start."""
        settings, parts = self._settings, window.parts
        settings.set_blob("window/geometry", window.saveGeometry())
        settings.set_blob("window/columns", window.splitter.saveState())
        settings.set_blob("window/docks", window.dashboard.save_arrangement())
        settings.set_text("window/layout", window.dashboard.layout_key)
        settings.set_integer("run/speed", window.transport.speed.value())
        settings.set_integer("window/section", window.controls.sections.open_number())
        wide, narrow = window.lesson.wishes
        settings.set_integer("window/lesson_wide", int(wide))
        settings.set_integer("window/lesson_narrow", int(narrow))
        settings.set_integer("window/controls", int(window.actions_.controls.isChecked()))
        for name, choice in window.dashboard.choices().items():
            settings.set_text(f"plots/{name}", choice)
        if parts.theme.remember:
            settings.set_text("window/theme", parts.theme.choice)
        if parts.language.remember:
            settings.set_text("window/language", parts.language.choice)
        settings.save()
