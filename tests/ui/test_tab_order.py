"""The Tab key: everything is reached, in the order in which one reads."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from initviz.ui.main_window import MainWindow
from initviz.ui.tab_order import reading_order
from tests.ui.shell import press


def _walk(qtbot: QtBot, window: QWidget, first: QWidget, key: Qt.Key = Qt.Key.Key_Tab) -> list[QWidget]:
    """Press a key until the focus is back where it began; return what had it, in order."""
    first.setFocus(Qt.FocusReason.TabFocusReason)
    visited: list[QWidget] = [first]
    for _ in range(400):
        press(qtbot, window, key)
        here = QApplication.focusWidget()
        assert here is not None
        if here is first:
            return visited
        if here is not visited[-1]:  # a label stays on for each of its links
            visited.append(here)
    raise AssertionError("the focus never came back")


def test_rows_and_columns(qtbot: QtBot) -> None:
    """Rows come before what is below them, whatever was made first."""
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    below = QPushButton("below")
    row = QHBoxLayout()
    right, left = QLineEdit(), QPushButton("left")
    row.addWidget(left)
    row.addWidget(right)
    column.addLayout(row)
    column.addWidget(below)
    disabled = QPushButton("disabled")
    disabled.setEnabled(False)
    column.addWidget(disabled)
    window.resize(400, 300)
    window.show()
    assert reading_order(window) == [left, right, below]


def test_fields_come_between_their_heading_and_the_next(window: MainWindow, qtbot: QtBot) -> None:
    """The open form is reached from its heading, before the next one; so are fields that were made just now."""
    controls = window.controls
    start, training = controls.sections.header(2), controls.sections.header(3)
    visited = _walk(qtbot, window, window.transport.scenario_button)
    inside = visited[visited.index(start) + 1 : visited.index(training)]
    assert len(inside) >= 4
    assert all(controls.panels["start"].isAncestorOf(field) for field in inside)
    tops = [field.mapTo(controls.panels["start"], field.rect().center()).y() for field in inside]
    assert tops == sorted(tops)
    window.parts.session.edit("init.weight", {"name": "truncated_normal"}, "test")
    qtbot.wait(1)
    again = _walk(qtbot, window, window.transport.scenario_button)
    made = again[again.index(start) + 1 : again.index(training)]
    assert set(made) - set(inside)
    assert all(controls.panels["start"].isAncestorOf(field) for field in made)


def test_everything_is_reached_once_and_backwards_too(window: MainWindow, qtbot: QtBot) -> None:
    """Every button of every plot's head has its turn, then the plot, then the next head."""
    forth = _walk(qtbot, window, window.transport.scenario_button)
    assert len(forth) == len(set(forth))
    dock = window.dashboard.docks["loss"]
    assert dock.view is not None
    reached = [widget for widget in forth if dock.isAncestorOf(widget)]
    names = [widget.accessibleName() for widget in reached]
    assert reached[-1] is dock.view.canvas
    for name in ("What to look for", "Save or copy this view", "Float Loss and accuracy"):
        assert name in names
    back = _walk(qtbot, window, window.transport.scenario_button, Qt.Key.Key_Backtab)
    assert back[1:] == forth[:0:-1]


def test_what_gets_the_keyboard_is_scrolled_to(window: MainWindow, qtbot: QtBot) -> None:
    """A field below the edge of its form comes into sight."""
    window.resize(1280, 720)
    window.controls.sections.open_section(3)
    qtbot.wait(20)
    panel = window.controls.panels["training"]
    start = window.controls.sections.header(3)
    start.setFocus()
    for _ in range(30):
        press(qtbot, window, Qt.Key.Key_Tab)
        here = QApplication.focusWidget()
        assert here is not None
        if not panel.isAncestorOf(here):
            break
        area = next(a for a in window.findChildren(QScrollArea) if a.isAncestorOf(here))
        assert (
            area.viewport()
            .rect()
            .intersects(here.rect().translated(here.mapTo(area.viewport(), here.rect().topLeft())))
        )


def test_what_is_hidden_hands_the_keyboard_to_its_neighbour(window: MainWindow, qtbot: QtBot) -> None:
    """Not to the other end of the window."""
    order = reading_order(window)
    dock = window.dashboard.docks["signal"]
    mine = [widget for widget in order if dock.isAncestorOf(widget)]
    mine[2].setFocus(Qt.FocusReason.TabFocusReason)
    mine[2].hide()
    assert QApplication.focusWidget() is mine[3]
    mine[2].show()
    dock.hide()
    here = QApplication.focusWidget()
    assert here is not None
    assert here is not order[0]
    assert window.isAncestorOf(here)
