"""The window's language, switched while it is open."""

from __future__ import annotations

import re
from typing import Literal

from PySide6.QtCore import (
    QT_TRANSLATE_NOOP,
    QCoreApplication,
    QEvent,
    QLibraryInfo,
    QLocale,
    QObject,
    QTranslator,
    Signal,
)

from initviz.experiment.text import Language
from initviz.resources import resource

LanguageChoice = Literal["system", "en", "zh"]
CHOICES: tuple[LanguageChoice, ...] = ("system", "en", "zh")
QT_LOCALES: dict[Language, str] = {"en": "en_US", "zh": "zh_CN"}
LEFT_BY_QT = (
    QT_TRANSLATE_NOOP("QFileDialog", "&Look in:"),
    QT_TRANSLATE_NOOP("QFileDialog", "Files of &type:"),
    QT_TRANSLATE_NOOP("QAbstractFileIconProvider", "Folder"),
    QT_TRANSLATE_NOOP("QAbstractFileIconProvider", "Drive"),
    QT_TRANSLATE_NOOP("QAbstractFileIconProvider", "File"),
    QT_TRANSLATE_NOOP("QAbstractFileIconProvider", "Unknown"),
)
"""What Qt's own Chinese lacks of its file dialog; our files hold it."""


def current_language() -> Language:
    """Return the language that the window speaks now, for texts that carry both languages with them."""
    return "zh" if QLocale().language() == QLocale.Language.Chinese else "en"


def system_language() -> Language:
    """Return the one of our languages that the person's system prefers."""
    for name in QLocale.system().uiLanguages():
        if name.lower().startswith("zh"):
            return "zh"
        if name.lower().startswith("en"):
            return "en"
    return "en"


def as_choice(name: str) -> LanguageChoice:
    """Return ``name`` as a choice; ``system`` where it is none."""
    return next((choice for choice in CHOICES if choice == name), "system")


def without_mnemonic(text: str) -> str:
    """Return a menu's text as it is spoken: without "&", and without the bracketed letter that Chinese menus add."""
    return re.sub(r"\(&.\)", "", text).replace("&", "")


class LanguageSwitch(QObject):
    """Installs translations; every widget then hears a ``LanguageChange`` event.

    Args:
        choice: What is spoken first.
        remember: False where the choice holds for this time only, unless the person chooses anew.
    """

    changed = Signal()

    def __init__(self, choice: LanguageChoice = "system", remember: bool = True) -> None:
        super().__init__()
        self.remember = remember
        self._translators: list[QTranslator] = []
        self._own_texts = b""  # a translator reads from it as long as it is installed
        self._choice: LanguageChoice = choice
        self._install(self.language)

    @property
    def choice(self) -> LanguageChoice:
        """What the person chose."""
        return self._choice

    @property
    def language(self) -> Language:
        """What is spoken."""
        return system_language() if self._choice == "system" else self._choice

    def choose(self, choice: LanguageChoice) -> None:
        """Speak another language from now on."""
        self._choice = choice
        self.remember = True
        if self.language != current_language():
            self._install(self.language)
            self.changed.emit()

    def toggle(self) -> None:
        """Speak the other language."""
        self.choose("en" if current_language() == "zh" else "zh")

    def _install(self, language: Language) -> None:
        # The locale first: widgets read it when they hear of the change.
        QLocale.setDefault(QLocale(QT_LOCALES[language]))
        for translator in self._translators:
            QCoreApplication.removeTranslator(translator)
            translator.deleteLater()
        self._translators = [
            translator
            for translator in (self._qt_translator(language), self._own_translator(language))
            if translator is not None
        ]
        for translator in self._translators:
            QCoreApplication.installTranslator(translator)
        application = QCoreApplication.instance()
        if application is not None and not self._translators:
            # Nothing was installed that would have told the widgets.
            QCoreApplication.sendEvent(application, QEvent(QEvent.Type.LanguageChange))

    def _qt_translator(self, language: Language) -> QTranslator | None:
        translator = QTranslator(self)
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        return translator if translator.load(f"qtbase_{QT_LOCALES[language]}", folder) else None

    def _own_translator(self, language: Language) -> QTranslator | None:
        try:
            path = resource("translations", f"initviz_{language}.qm")
        except FileNotFoundError:
            return None  # English is what the sources say
        translator = QTranslator(self)
        # Qt maps a file that it loads itself into memory, and dies when another program writes to it.
        self._own_texts = path.read_bytes()
        return translator if translator.load(self._own_texts) else None
