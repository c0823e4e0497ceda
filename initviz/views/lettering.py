"""Type: the system's own font, and how wide texts are drawn with it."""

from __future__ import annotations

import functools

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetricsF
from PySide6.QtWidgets import QApplication


@functools.lru_cache(maxsize=64)
def font(pixels: int, bold: bool = False) -> QFont:
    """Return the system's font at a size, with figures of equal width."""
    made = QFont(QApplication.font())
    made.setPixelSize(pixels)
    made.setWeight(QFont.Weight.Bold if bold else QFont.Weight.Normal)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


@functools.lru_cache(maxsize=64)
def metrics(pixels: int, bold: bool = False) -> QFontMetricsF:
    """Return the measures of ``font`` with the same arguments."""
    return QFontMetricsF(font(pixels, bold))


@functools.lru_cache(maxsize=64)
def cap_height(pixels: int, bold: bool = False) -> float:
    """Return how tall a capital letter is."""
    return metrics(pixels, bold).capHeight()


@functools.lru_cache(maxsize=4096)
def text_width(text: str, pixels: int, bold: bool = False) -> float:
    """Return how wide a text is drawn."""
    return metrics(pixels, bold).horizontalAdvance(text)


@functools.lru_cache(maxsize=1024)
def _character_width(character: str, pixels: int) -> float:
    return metrics(pixels).horizontalAdvance(character)


def number_width(text: str, pixels: int) -> float:
    """Return how wide a number is drawn, quickly: it changes with every frame, its few characters do not."""
    return sum([_character_width(character, pixels) for character in text])


@functools.lru_cache(maxsize=1024)
def elide(text: str, width: float, pixels: int, bold: bool = False) -> str:
    """Return the text, with an ellipsis where it is wider than ``width``."""
    if text_width(text, pixels, bold) <= width:
        return text
    return metrics(pixels, bold).elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, width))


def forget_fonts() -> None:
    """Measure anew: the system's font is another one."""
    for cache in (font, metrics, cap_height, text_width, elide, _character_width):
        cache.cache_clear()
