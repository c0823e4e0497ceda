"""What the help menu does."""

from __future__ import annotations

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from initviz.experiment.text import Text
from initviz.ui.actions import Actions
from initviz.ui.settings import log_folder
from initviz.ui.theme import ThemeSwitch


class HelpDesk(QObject):
    """Carries out the actions of the help menu.

    Args:
        theme: For pictures in the colour of writing.
        actions: The window's actions.
        window: What dialogs belong to.
    """

    told = Signal(object)
    refused = Signal(object, str)

    def __init__(self, theme: ThemeSwitch, actions: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._theme = theme
        self._actions = actions
        self._window = window
        actions.keyboard_map.triggered.connect(self._show_keyboard_map)
        actions.about.triggered.connect(self._show_about)
        actions.log_folder.triggered.connect(self._open_log_folder)

    @Slot()
    def _show_keyboard_map(self) -> None:
        from initviz.ui.about import KeyboardMap

        KeyboardMap(self._actions, self._window).open()

    @Slot()
    def _show_about(self) -> None:
        from initviz.ui.about import AboutDialog

        AboutDialog(self._theme.chrome.text, self._window).open()

    @Slot()
    def _open_log_folder(self) -> None:
        folder = log_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.refused.emit(
                Text(
                    f"the folder cannot be made ({error.strerror}).", f"无法创建文件夹（{error.strerror}）。"
                ),
                str(folder),
            )
            return
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.told.emit(Text(f"The log files are in {folder}.", f"日志文件位于 {folder}。"))
