"""What the menu and the keys do to the look and the language, and how the window fills the screen."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMainWindow

from initviz.ui.actions import Actions
from initviz.ui.language import LanguageSwitch
from initviz.ui.theme import ThemeSwitch


class Appearance(QObject):
    """Carries out the actions on theme, language, presenter mode and full screen.

    Args:
        theme: Colours.
        language: Words.
        actions: The window's actions.
        window: What fills the screen.
    """

    def __init__(
        self, theme: ThemeSwitch, language: LanguageSwitch, actions: Actions, window: QMainWindow
    ) -> None:
        super().__init__(actions)
        self._theme = theme
        self._language = language
        self._actions = actions
        self._window = window
        self._was_maximized = False
        self._themes = {
            "light": actions.light_theme,
            "dark": actions.dark_theme,
            "system": actions.system_theme,
        }
        self._languages = {
            "en": actions.english,
            "zh": actions.chinese,
            "system": actions.system_language,
        }
        for action in self._themes.values():
            action.triggered.connect(self._choose_theme)
        for action in self._languages.values():
            action.triggered.connect(self._choose_language)
        actions.toggle_theme.triggered.connect(self._toggle_theme)
        actions.toggle_language.triggered.connect(self._toggle_language)
        actions.presenter.triggered.connect(self.set_presenter)
        actions.full_screen.triggered.connect(self.set_full_screen)
        language.changed.connect(self._mark)
        theme.changed.connect(self._mark)
        self._mark()

    @Slot()
    def _choose_theme(self) -> None:
        if self._actions.light_theme.isChecked():
            self._theme.choose("light")
        elif self._actions.dark_theme.isChecked():
            self._theme.choose("dark")
        else:
            self._theme.choose("system")

    @Slot()
    def _toggle_theme(self) -> None:
        self._theme.toggle()
        self._mark()

    @Slot()
    def _choose_language(self) -> None:
        if self._actions.english.isChecked():
            self._language.choose("en")
        elif self._actions.chinese.isChecked():
            self._language.choose("zh")
        else:
            self._language.choose("system")

    @Slot()
    def _toggle_language(self) -> None:
        self._language.toggle()
        self._mark()

    @Slot(bool)
    def set_presenter(self, presenter: bool) -> None:
        """Enter or leave presenter mode: full screen, large type, thick lines, no menu bar."""
        self._actions.presenter.setChecked(presenter)
        self._theme.set_presenter(presenter)
        self._window.menuBar().setVisible(not presenter)
        if presenter != self._window.isFullScreen():
            self.set_full_screen(presenter)

    @Slot(bool)
    def set_full_screen(self, full: bool) -> None:
        """Fill the screen, or go back to the size before."""
        self._actions.full_screen.setChecked(full)
        if full:
            self._was_maximized = self._window.isMaximized()
            self._window.showFullScreen()
        elif self._was_maximized:
            self._window.showMaximized()
        else:
            self._window.showNormal()

    @Slot()
    def leave_full_screen(self) -> bool:
        """Go back to a window with a frame; False where it is one already."""
        if self._actions.presenter.isChecked():
            self.set_presenter(False)
        elif self._window.isFullScreen():
            self.set_full_screen(False)
        else:
            return False
        return True

    @Slot()
    def _mark(self) -> None:
        self._themes[self._theme.choice].setChecked(True)
        self._languages[self._language.choice].setChecked(True)
