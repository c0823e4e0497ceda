"""Every view can be reached and read by pointer, keyboard and screen reader."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QToolButton, QToolTip
from pytestqt.qtbot import QtBot

from initviz.views.index import VIEWS
from initviz.views.palette import LIGHT
from tests.views.conftest import Run, Show, count_of, make_run, painted

EACH = pytest.mark.parametrize("key", [view.key for view in VIEWS])


def run_for(key: str, layers: int = 13, steps: int = 300) -> Run:
    return make_run(4, layers, steps, key=key)


@EACH
def test_it_can_be_reached_and_heard(key: str, show: Show, qtbot: QtBot) -> None:
    view = show(key, run_for(key))
    assert view.canvas.accessibleName() == view.title()
    assert view.canvas.accessibleDescription() == view.sentence()
    assert view.sentence() in view.canvas.whatsThis()
    for button in view.head.findChildren(QToolButton):
        assert button.accessibleName(), button.text()
        assert button.toolTip()
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    before = painted(view)
    view.activateWindow()
    view.canvas.setFocus()
    qtbot.waitUntil(view.canvas.hasFocus)
    assert count_of(painted(view), LIGHT.accent, 3) > count_of(before, LIGHT.accent, 3) + 500


@EACH
def test_the_pointer_and_the_keyboard_move_the_cross_hair(key: str, show: Show, qtbot: QtBot) -> None:
    view = show(key, run_for(key))
    view.activateWindow()
    view.canvas.setFocus()
    qtbot.waitUntil(view.canvas.hasFocus)
    center = view.canvas.rect().center()
    qtbot.mouseMove(
        view.canvas, QPoint(140, center.y())
    )  # the pointer may have been just where it is going to
    view.canvas.set_cursor(None)
    plain = painted(view)
    qtbot.mouseMove(view.canvas, QPoint(150, center.y() - 40))
    assert view.canvas.cursor_at is not None
    readout = view.readout()
    assert readout is not None
    assert readout.heading
    assert readout.rows
    assert all(row.label and row.value for row in readout.rows)
    assert view.canvas.accessibleDescription() == readout.spoken()
    assert (painted(view) != plain).any()
    at = view.canvas.cursor_at.x()
    qtbot.keyClick(view.canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert view.canvas.cursor_at.x() == at + 40
    qtbot.keyClick(view.canvas, Qt.Key.Key_Up)
    qtbot.keyClick(view.canvas, Qt.Key.Key_Left)
    assert view.canvas.cursor_at.x() == at + 36
    qtbot.keyClick(view.canvas, Qt.Key.Key_Escape)
    assert view.canvas.cursor_at is None
    assert view.canvas.accessibleDescription() == view.sentence()


@EACH
def test_a_click_on_a_name_chooses_the_lane(key: str, show: Show, qtbot: QtBot) -> None:
    view = show(key, run_for(key))
    places = view.lane_places()
    if key == "why_normal":
        assert not places  # what it shows holds for every lane
        return
    if key == "lr":
        assert len(places) == 1  # all lanes have the same rate, so one name stands for them
        return
    assert {lane for _, lane in places} == {0, 1, 2, 3}
    rect = next(rect for rect, lane in places if lane == 2)
    with qtbot.waitSignal(view.lane_chosen) as chosen:
        qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    assert chosen.args == [2]


def test_the_help_button_shows_the_sentence(show: Show, qtbot: QtBot) -> None:
    view = show("loss", run_for("loss"))
    button = next(b for b in view.head.findChildren(QToolButton) if b.text() == "?")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(QToolTip.isVisible)
    assert view.sentence() in QToolTip.text()
    QToolTip.hideText()


def test_a_long_title_gives_way_to_the_buttons(show: Show) -> None:
    view = show("activations", run_for("activations"), size=(250, 200))
    label = view.head.findChild(QLabel, "viewTitle")
    assert label is not None
    assert label.text().endswith("…")
    assert label.toolTip() == view.title()
    for button in view.head.findChildren(QToolButton):
        if button.isVisible():
            assert button.geometry().right() <= view.head.width()
            assert button.geometry().left() >= label.geometry().right() - 1
