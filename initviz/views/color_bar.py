"""The bar that explains the colours of magnitudes: decades, and a flat colour at either end."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QCoreApplication, QRectF

from initviz.views import lettering
from initviz.views.axes import Axis, Tick
from initviz.views.ink import Ink
from initviz.views.magnitude import (
    EXPLODED_CODE,
    FIRST_CODE,
    HIGH_DECADES,
    LOW_DECADES,
    VANISHED_CODE,
    magnitude_table,
)
from initviz.views.numbers import power_of_ten
from initviz.views.palette import Theme

_BAR = 12.0


def words() -> tuple[str, str]:
    """Return the names of the two ends: "vanished" and "exploded"."""
    return (
        QCoreApplication.translate("View", "vanished"),
        QCoreApplication.translate("View", "exploded"),
    )


def bar_width(theme: Theme) -> float:
    """Return the width that the bar needs with its numbers."""
    number = lettering.text_width(power_of_ten(round(LOW_DECADES)), theme.small_px)
    longest = max(lettering.text_width(word, theme.small_px) for word in words())
    return max(_BAR + 5 + number, longest) + 4.0


def draw_color_bar(ink: Ink, rect: QRectF) -> None:
    """Draw the bar upright into ``rect``, with the names of its ends above and below."""
    theme = ink.theme
    size = theme.small_px
    table = magnitude_table(theme)
    vanished, exploded = words()
    cap = min(12.0, rect.height() / 8)
    bar = QRectF(rect.left(), rect.top() + size + 6 + cap, _BAR, rect.height() - 2 * (size + 6 + cap))
    if bar.height() < 20:
        return
    levels = np.arange(255, FIRST_CODE - 1, -1, dtype=np.uint8)[:, None]
    ink.picture(bar, levels, table)
    ink.picture(
        QRectF(bar.left(), bar.top() - cap - 1, _BAR, cap), np.array([[EXPLODED_CODE]], np.uint8), table
    )
    ink.picture(QRectF(bar.left(), bar.bottom() + 1, _BAR, cap), np.array([[VANISHED_CODE]], np.uint8), table)
    ink.text(rect.left(), bar.top() - cap - 5 - size / 2, exploded, theme.text, size)
    ink.text(rect.left(), bar.bottom() + cap + 6 + size / 2, vanished, theme.text, size)
    decades = round(HIGH_DECADES - LOW_DECADES)
    every = max(1, math.ceil(decades * (size + 4) / bar.height()))
    for decade in range(round(LOW_DECADES), round(HIGH_DECADES) + 1):
        if decade % every == 0:
            share = (decade - LOW_DECADES) / (HIGH_DECADES - LOW_DECADES)
            y = bar.bottom() - share * bar.height()
            ink.line(bar.right(), round(y) + 0.5, bar.right() + 3, round(y) + 0.5, theme.axis)
            ink.text(bar.right() + 5, y, power_of_ten(decade), theme.muted, size)


def _value_ticks(axis: Axis, height: float, size: int) -> tuple[Tick, ...]:
    return tuple(tick for tick in axis.ticks(min(7, max(2, int(height / (2.2 * size))))) if tick.label)


def value_bar_width(theme: Theme, axis: Axis, height: float) -> float:
    """Return the width that a bar of values needs with its numbers.

    Args:
        theme: Sizes.
        axis: The values, in decades where it is logarithmic.
        height: Of the bar.
    """
    ticks = _value_ticks(axis, height, theme.small_px)
    widest = max((lettering.text_width(tick.label, theme.small_px) for tick in ticks), default=0.0)
    return _BAR + 5 + widest + 4.0


def draw_value_bar(ink: Ink, rect: QRectF, axis: Axis) -> None:
    """Draw a bar of values upright into ``rect``, the largest on top, in the colours of magnitudes.

    Args:
        ink: Where to.
        rect: Bar and numbers.
        axis: The values, in decades where it is logarithmic.
    """
    theme = ink.theme
    size = theme.small_px
    bar = QRectF(rect.left(), rect.top(), _BAR, rect.height())
    levels = np.arange(255, FIRST_CODE - 1, -1, dtype=np.uint8)[:, None]
    ink.picture(bar, levels, magnitude_table(theme))
    for tick in _value_ticks(axis, rect.height(), size):
        share = float(axis.share(np.array(tick.at)))
        y = bar.bottom() - share * bar.height()
        if bar.top() - 1 <= y <= bar.bottom() + 1:
            ink.line(bar.right(), round(y) + 0.5, bar.right() + 3, round(y) + 0.5, theme.axis)
            inside = min(max(y, bar.top() + size / 2), bar.bottom() - size / 2)
            ink.text(bar.right() + 5, inside, tick.label, theme.muted, size)
