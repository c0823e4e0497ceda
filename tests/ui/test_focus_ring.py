"""What has the keyboard is seen to have it, in both themes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from initviz.ui.main_window import MainWindow
from initviz.views.palette import contrast
from tests.ui.shell import press

FEWEST_PIXELS = 20
CONTRAST = 2.5
"""Of the ring against what was there; the ring's colour has 3:1 against the surface."""


def _pixels(window: MainWindow, widget: QWidget) -> NDArray[np.int16]:
    """Return the colours of a widget's place in the window, ``(H, W, 3)``."""
    corner = widget.mapTo(window, QPoint(0, 0))
    place = widget.rect().translated(corner).adjusted(-3, -3, 3, 3).intersected(window.rect())
    image = window.grab(place).toImage().convertToFormat(QImage.Format.Format_RGB888)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return flat[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(np.int16)


def test_nothing_is_ringed_before_the_keyboard_is_used(window: MainWindow) -> None:
    """The window opens with the keyboard on itself, where every key of the menus works."""
    assert QApplication.focusWidget() is window


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_shows_that_it_has_the_keyboard(
    window: MainWindow, qtbot: QtBot, theme: Literal["light", "dark"]
) -> None:
    """Some pixels change, to a colour that stands out from what was there before."""
    window.parts.theme.choose(theme)
    qtbot.wait(50)
    seen: set[QWidget] = set()
    first = window.transport.scenario_button
    widget: QWidget = first
    while widget is not first or not seen:
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        seen.add(widget)
        with_it = _pixels(window, widget)
        widget.clearFocus()
        without = _pixels(window, widget)
        changed = np.abs(with_it - without).max(axis=2) > 40
        name = f"{type(widget).__name__} {widget.objectName()} {widget.accessibleName()}"
        assert changed.sum() >= FEWEST_PIXELS, name
        best = max(
            contrast(QColor(*now).name(), QColor(*before).name())
            for now, before in {
                (tuple(with_it[y, x].tolist()), tuple(without[y, x].tolist()))
                for y, x in zip(*np.nonzero(changed), strict=True)
            }
        )
        assert best >= CONTRAST, (name, best)
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        press(qtbot, window, Qt.Key.Key_Tab)
        here = QApplication.focusWidget()
        assert here is not None
        assert here is first or here not in seen
        widget = here
    assert len(seen) > 40
