"""Lists that open below a field."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from initviz.ui.main_window import MainWindow
from tests.ui.shell import press

MOST = 6
"""Lists of so few entries need no scrolling on any screen."""


@pytest.mark.parametrize("presenter", [False, True])
def test_no_entry_of_a_short_list_is_cut(window: MainWindow, qtbot: QtBot, presenter: bool) -> None:
    """Every entry stands in the list as a whole, with room around it, and none has to be scrolled to."""
    window.parts.theme.set_presenter(presenter)
    seen = 0
    for section in range(4):
        window.controls.sections.open_section(section)
        qtbot.wait(20)
        for combo in window.findChildren(QComboBox):
            if not combo.isVisible() or not 1 < combo.count() <= MOST:
                continue
            combo.showPopup()
            qtbot.wait(20)
            view = combo.view()
            last = view.visualRect(view.model().index(combo.count() - 1, 0))
            assert view.viewport().rect().contains(last), combo.accessibleName()
            assert view.visualRect(view.model().index(0, 0)).top() >= 0
            assert last.height() >= view.fontMetrics().height() + 6
            combo.hidePopup()
            seen += 1
    assert seen >= 4


def test_alt_and_an_arrow_open_the_list_of_a_field(window: MainWindow, qtbot: QtBot) -> None:
    """They move a lane only while no field with a list has the keyboard."""
    names = [lane.name for lane in window.parts.session.experiment.lanes]
    combo = window.transport.device
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
        combo.setFocus()
        press(qtbot, window, key, Qt.KeyboardModifier.AltModifier)
        assert combo.view().isVisible()
        combo.hidePopup()
    assert [lane.name for lane in window.parts.session.experiment.lanes] == names
    window.setFocus()
    press(qtbot, window, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert [lane.name for lane in window.parts.session.experiment.lanes] != names
