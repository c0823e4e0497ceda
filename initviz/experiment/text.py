"""A sentence in every language the program speaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """One text, in English and in Simplified Chinese.

    Catalogue entries and errors carry their texts with them, because they are declared once and read by the
    window, the command line and the files alike. Texts of widgets live in Qt's translation files instead.
    """

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        """Return the text for ``language``, a code such as ``"en"``, ``"zh"`` or ``"zh_CN"``."""
        return self.zh if language.lower().startswith("zh") else self.en

    def format(self, **values: object) -> Text:
        """Return a copy with ``{name}`` fields filled in; a value that is a ``Text`` is filled by language."""
        english = {k: v.en if isinstance(v, Text) else v for k, v in values.items()}
        chinese = {k: v.zh if isinstance(v, Text) else v for k, v in values.items()}
        return Text(self.en.format(**english), self.zh.format(**chinese))

    def __str__(self) -> str:
        return self.en
