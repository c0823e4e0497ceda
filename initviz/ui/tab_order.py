"""The Tab key goes through a window as one reads: row by row, each from the left.

Qt's own order is that in which widgets were made. Here forms are made when the window already stands, and again
whenever another part is chosen, so that their fields would come last of all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QButtonGroup, QScrollArea, QWidget

OVERLAP = 3
"""Pixels by which neighbours may overlap and still count as one after the other."""

_Item = tuple[QRect, list[QWidget]]
"""A child's place, and what the Tab key reaches in it."""


def reading_order(root: QWidget, here: QWidget | None = None) -> list[QWidget]:
    """Return every widget below ``root`` that the Tab key reaches, in the order in which one reads.

    Args:
        root: A window, or any part of one.
        here: What has the keyboard; it has its place even if it has just been hidden.
    """
    found: list[_Item] = []
    for child in root.children():
        if not isinstance(child, QWidget):
            continue
        holds = here is not None and (child is here or child.isAncestorOf(here))
        if holds or _is_there(child):
            own = [child] if child is here or _takes_tab(child) else []
            inner = own + reading_order(child, here)
            if inner:
                found.append((child.geometry(), inner))
    return [widget for _, inner in _sorted(found) for widget in inner]


def move_focus(root: QWidget, forward: bool) -> bool:
    """Give the keyboard to what comes next in reading order, or before; say whether there is anything.

    Args:
        root: A window.
        forward: True for Tab, False for Shift+Tab.
    """
    here = QApplication.focusWidget()
    order = reading_order(root, here)
    places = {widget: place for place, widget in enumerate(order)}
    step = 1 if forward else -1
    start = places.get(here, -1 if forward else 0) if here is not None else (-1 if forward else 0)
    for distance in range(1, len(order) + 1):
        wanted = order[(start + step * distance) % len(order)]
        if wanted is not here and wanted.isVisible():
            wanted.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
            scroll_to(wanted)
            return True
    return False


def _is_there(widget: QWidget) -> bool:
    # Below tabs, docks are parked left of and above everything.
    place = widget.geometry()
    return not widget.isHidden() and not widget.isWindow() and place.right() >= 0 and place.bottom() >= 0


def _takes_tab(widget: QWidget) -> bool:
    if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus or not widget.isEnabled():
        return False
    if widget.focusProxy() is not None:
        return False
    if isinstance(widget, QAbstractButton):
        group = cast("QButtonGroup | None", widget.group())
        if group is not None and group.exclusive() and group.checkedButton() not in (None, widget):
            return False  # arrow keys choose within a group
    return True


def _sorted(found: list[_Item]) -> list[_Item]:
    """Cut into rows, these into columns, these into rows again, and so on."""
    for start, end in ((QRect.top, QRect.bottom), (QRect.left, QRect.right)):
        bands = _bands(found, start, end)
        if len(bands) > 1:
            return [item for band in bands for item in _sorted(band)]
    return sorted(found, key=lambda item: (item[0].top(), item[0].left()))


def _bands(
    found: list[_Item], start: Callable[[QRect], int], end: Callable[[QRect], int]
) -> list[list[_Item]]:
    """Group what overlaps along one axis."""
    bands: list[list[_Item]] = []
    reach = 0
    for item in sorted(found, key=lambda item: start(item[0])):
        if bands and start(item[0]) < reach - OVERLAP:
            bands[-1].append(item)
            reach = max(reach, end(item[0]))
        else:
            bands.append([item])
            reach = end(item[0])
    return bands


def scroll_to(widget: QWidget) -> None:
    """Bring a widget into sight in every area that scrolls it."""
    above = widget.parentWidget()
    while above is not None:
        if isinstance(above, QScrollArea) and above.isAncestorOf(widget):
            above.ensureWidgetVisible(widget)
        above = above.parentWidget()
