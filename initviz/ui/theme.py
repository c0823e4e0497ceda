"""Light and dark: follows the system or a person's choice, and grows for the lecture hall."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

from initviz.ui.chrome import Chrome, chrome, palette, style_sheet
from initviz.views.palette import PRESENTER_SCALE, Theme, ThemeName, theme

ThemeChoice = Literal["system", "light", "dark"]
CHOICES: tuple[ThemeChoice, ...] = ("system", "light", "dark")

CHINESE_FAMILIES = (
    "PingFang SC",
    "Microsoft YaHei UI",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
)
"""Tried in this order for characters that the system's own font lacks."""


def as_choice(name: str) -> ThemeChoice:
    """Return ``name`` as a choice; ``system`` where it is none."""
    return next((choice for choice in CHOICES if choice == name), "system")


def interface_font(pixels: int) -> QFont:
    """Return the system's own font with families that have Chinese characters behind it."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    present = set(QFontDatabase.families())
    font.setFamilies([font.family(), *(name for name in CHINESE_FAMILIES if name in present)])
    font.setPixelSize(pixels)
    return font


class ThemeSwitch(QObject):
    """Colours the application.

    Args:
        application: What is coloured.
        choice: How it looks first.
        remember: False where the choice holds for this time only, unless the person chooses anew.
    """

    changed = Signal()

    def __init__(
        self, application: QApplication, choice: ThemeChoice = "system", remember: bool = True
    ) -> None:
        super().__init__()
        self.remember = remember
        self._application = application
        self._choice: ThemeChoice = choice
        self._presenter = False
        self._applied: Theme | None = None
        application.setStyle("Fusion")
        self._apply()
        application.styleHints().colorSchemeChanged.connect(self._follow_system)

    @property
    def choice(self) -> ThemeChoice:
        """What the person chose."""
        return self._choice

    @property
    def name(self) -> ThemeName:
        """What is shown."""
        if self._choice != "system":
            return self._choice
        dark = self._application.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return "dark" if dark else "light"

    @property
    def theme(self) -> Theme:
        """Colours and sizes of the plots."""
        return theme(self.name, self._presenter)

    @property
    def chrome(self) -> Chrome:
        """Colours of everything around them."""
        return chrome(self.theme)

    @property
    def factor(self) -> float:
        """How much larger than usual everything is."""
        return PRESENTER_SCALE if self._presenter else 1.0

    def choose(self, choice: ThemeChoice) -> None:
        """Look otherwise from now on."""
        self._choice = choice
        self.remember = True
        scheme = {
            "system": Qt.ColorScheme.Unknown,
            "light": Qt.ColorScheme.Light,
            "dark": Qt.ColorScheme.Dark,
        }[choice]
        # So that the frame that the system draws around the window goes along.
        self._application.styleHints().setColorScheme(scheme)
        self._apply()

    def toggle(self) -> None:
        """Switch light and dark."""
        self.choose("light" if self.name == "dark" else "dark")

    def set_presenter(self, presenter: bool) -> None:
        """Make everything larger, or as usual."""
        self._presenter = presenter
        self._apply()

    @Slot()
    def _follow_system(self) -> None:
        self._apply()

    def _apply(self) -> None:
        wanted = self.theme
        if wanted == self._applied:
            return
        self._applied = wanted
        colors = chrome(wanted)
        self._application.setPalette(palette(colors))
        self._application.setFont(interface_font(wanted.base_px))
        self._application.setStyleSheet(style_sheet(colors, self.factor))
        self.changed.emit()
