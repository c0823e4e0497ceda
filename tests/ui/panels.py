"""A panel alone in a window, and what a person does with its forms."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QWidget
from pytestqt.qtbot import QtBot

from initviz.ui.forms import ParameterForm
from initviz.ui.typed_row import TypedRow

Shown = TypeVar("Shown", bound=QWidget)


def shown(qtbot: QtBot, panel: Shown, height: int) -> Shown:
    """Show a panel as wide as in the window, and wait until it takes the keyboard."""
    qtbot.addWidget(panel)
    panel.resize(312, height)
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    return panel


def enter(form: ParameterForm, key: str, text: str) -> TypedRow:
    """Type a value over that of a parameter."""
    row = form.row(key)
    assert isinstance(row, TypedRow)
    row.edit.setFocus()
    row.edit.selectAll()
    QTest.keyClicks(row.edit, text)
    QTest.keyClick(row.edit, Qt.Key.Key_Return)
    return row


def pick(combo: QComboBox, key: str) -> None:
    """Open a selector and choose an entry; on the way through a closed one others would be chosen, too."""
    wanted = combo.findData(key, Qt.ItemDataRole.UserRole)
    assert wanted >= 0
    combo.setFocus()
    combo.showPopup()
    view = combo.view()
    view.setCurrentIndex(combo.model().index(wanted, 0))
    QTest.keyClick(view, Qt.Key.Key_Return)
    combo.hidePopup()
