"""Edits, lanes and undo while a run plays."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from initviz.experiment.values import Experiment
from initviz.ui.main_window import MainWindow
from initviz.ui.network_panel import NetworkPanel
from tests.ui.shell import (
    LaneWorkshop,
    click,
    close_window,
    open_window,
    press,
    state,
    steps_made,
    wait_for_steps,
)

Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier


def names(window: MainWindow) -> list[str]:
    return [lane.name for lane in window.parts.session.experiment.lanes]


def depth(experiment: Experiment) -> int:
    family = experiment.base.model.family
    assert family is not None
    return family.integer("depth")


def open_network(window: MainWindow, qtbot: QtBot) -> QLineEdit:
    """Open the network section with the mouse and return the field of the depth."""
    click(qtbot, window.controls.sections.header(1))
    panel = window.controls.panels["network"]
    assert isinstance(panel, NetworkPanel)
    assert panel.isVisible()

    def fields() -> list[QLineEdit]:
        return [
            field for field in panel.findChildren(QLineEdit) if field.isVisible() and field.text() == "12"
        ]

    qtbot.waitUntil(lambda: bool(fields()))
    return fields()[0]


def type_depth(window: MainWindow, qtbot: QtBot, text: str) -> None:
    field = open_network(window, qtbot)
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton)
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Key.Key_Return)


def run_of(window: MainWindow) -> int:
    info = window.parts.playback.info
    assert info is not None
    return info.run_id


def wait_for_newer(qtbot: QtBot, window: MainWindow, run: int) -> None:
    """Wait until a later run plays."""
    qtbot.waitUntil(lambda: run_of(window) > run and state(window) == "playing", timeout=60_000)


def test_an_edit_while_playing_makes_a_new_run_that_plays_on(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 30)
    first = run_of(window)
    type_depth(window, qtbot, "7")
    assert depth(window.parts.session.experiment) == 7
    assert run_of(window) == first, "until the new run is there, the old one stays on screen"
    assert steps_made(window) >= 30
    qtbot.waitUntil(lambda: run_of(window) > first and state(window) == "playing")
    wait_for_steps(qtbot, window, 10)
    assert [depth(experiment) for experiment in workshop.experiments] == [12, 7]
    history = window.parts.playback.history
    assert history is not None
    assert history.frame is not None
    assert history.frame.run_id == run_of(window)


def test_an_edit_while_paused_makes_a_run_that_waits(window: MainWindow, qtbot: QtBot) -> None:
    type_depth(window, qtbot, "5")
    first = run_of(window)
    qtbot.waitUntil(lambda: run_of(window) > first)
    qtbot.waitUntil(lambda: state(window) == "ready")
    qtbot.wait(100)
    assert steps_made(window) == 0


def test_an_impossible_edit_is_answered_in_the_window_and_the_run_goes_on(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 10)
    assert not window.parts.session.edit("data.batch_size", 100_000, "batch size")
    bar = window.message_bar
    assert bar.isVisible()
    assert "data.batch_size" in bar.message()
    assert "65,536" in bar.message()
    assert bar.message().endswith("Nothing was changed.")
    made = steps_made(window)
    wait_for_steps(qtbot, window, made + 20)
    assert len(workshop.runs) == 1
    press(qtbot, window, Key.Key_Escape)
    assert not bar.isVisible()


def test_the_next_accepted_edit_takes_the_refusal_away(window: MainWindow, qtbot: QtBot) -> None:
    window.parts.session.edit("model.depth", 0, "depth")
    assert window.message_bar.isVisible()
    window.parts.session.edit("model.depth", 3, "depth")
    assert not window.message_bar.isVisible()


def test_many_edits_in_a_row_make_one_run(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop) -> None:
    for value in range(2, 12):
        window.parts.session.edit("model.depth", value, "depth")
    first = run_of(window)
    qtbot.waitUntil(lambda: run_of(window) > first)
    qtbot.wait(300)
    assert [depth(experiment) for experiment in workshop.experiments] == [12, 11]


def test_undo_and_redo_by_keyboard(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop) -> None:
    type_depth(window, qtbot, "9")
    window.setFocus()
    press(qtbot, window, Key.Key_Z, CONTROL)
    assert depth(window.parts.session.experiment) == 12
    assert not window.actions_.undo.isEnabled()
    press(qtbot, window, Key.Key_Z, CONTROL | SHIFT)
    assert depth(window.parts.session.experiment) == 9
    press(qtbot, window, Key.Key_Z, CONTROL)
    press(qtbot, window, Key.Key_Y, CONTROL)
    assert depth(window.parts.session.experiment) == 9
    qtbot.waitUntil(lambda: bool(workshop.experiments) and depth(workshop.experiments[-1]) == 9)


def test_lanes_come_and_go_by_keyboard_while_playing(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 10)
    press(qtbot, window, Key.Key_L, CONTROL)
    assert len(names(window)) == 5
    qtbot.waitUntil(lambda: len(workshop.runs) == 2 and state(window) == "playing")
    wait_for_steps(qtbot, window, 10)
    info = window.parts.playback.info
    assert info is not None
    assert len(info.lanes) == 5
    assert window.parts.session.focus_lane == 4
    press(qtbot, window, Key.Key_D, CONTROL | SHIFT)
    assert names(window) == ["Zeros", "N(0, 0.01²)", "Xavier", "He"]
    qtbot.waitUntil(lambda: len(workshop.runs) == 3 and state(window) == "playing")
    wait_for_steps(qtbot, window, 10)
    assert len(workshop.runs[-1].info.lanes) == 4


def test_lanes_come_and_go_by_mouse_while_playing(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 10)
    click(qtbot, window.controls.lanes.add_button)
    qtbot.waitUntil(lambda: len(workshop.runs) == 2 and state(window) == "playing")
    click(qtbot, window.controls.lanes.remove_button)
    qtbot.waitUntil(lambda: len(workshop.runs) == 3 and state(window) == "playing")
    assert len(names(window)) == 4


def test_sixteen_lanes_and_no_more(window: MainWindow, qtbot: QtBot) -> None:
    for _ in range(13):
        press(qtbot, window, Key.Key_D, CONTROL)
    assert len(names(window)) == 16
    assert "16" in window.message_bar.message()
    first = run_of(window)
    qtbot.waitUntil(lambda: run_of(window) > first)
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 10)


def test_brackets_walk_through_the_lanes(window: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, window, Key.Key_BracketRight)
    press(qtbot, window, Key.Key_BracketRight)
    assert window.parts.session.focus_lane == 2
    press(qtbot, window, Key.Key_BracketLeft)
    assert window.parts.session.focus_lane == 1
    views = [dock.view for dock in window.dashboard.docks.values() if dock.view is not None]
    assert {view.focus_lane for view in views} == {1}


def test_alt_arrows_move_the_lane_in_focus(window: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, window, Key.Key_Down, ALT)
    assert names(window)[:2] == ["N(0, 0.01²)", "Zeros"]
    assert window.parts.session.focus_lane == 1
    press(qtbot, window, Key.Key_Up, ALT)
    assert names(window)[:2] == ["Zeros", "N(0, 0.01²)"]


def test_alt_arrows_leave_lanes_alone_where_another_list_has_the_keyboard(
    window: MainWindow, qtbot: QtBot
) -> None:
    from PySide6.QtWidgets import QListWidget

    other = QListWidget(window)
    other.addItems(["a", "b"])
    other.show()
    other.setFocus()
    press(qtbot, window, Key.Key_Down, ALT)
    assert names(window)[0] == "Zeros"


def test_a_new_colour_or_name_keeps_the_run(window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop) -> None:
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 20)
    run = run_of(window)
    session = window.parts.session
    session.recolor_lane(3, 9)
    session.rename_lane(3, "Kaiming")
    qtbot.wait(300)
    assert run_of(window) == run
    assert len(workshop.runs) == 1
    info = window.parts.playback.info
    assert info is not None
    assert (info.lanes[3].name, info.lanes[3].color) == ("Kaiming", 9)
    view = window.dashboard.docks["loss"].view
    assert view is not None
    assert view.info is info
    made = steps_made(window)
    wait_for_steps(qtbot, window, made + 10)


def test_a_device_is_chosen_from_what_the_machine_has(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    box = window.transport.device
    qtbot.waitUntil(lambda: box.count() == 3)
    assert [box.itemText(place) for place in range(3)] == ["Auto", "CPU", "A card"]
    box.setFocus()
    qtbot.keyClick(box, Key.Key_Down)
    assert window.parts.session.experiment.device == "cpu"
    qtbot.waitUntil(lambda: workshop.experiments[-1].device == "cpu")


@pytest.mark.slow
def test_real_networks_are_edited_while_they_train(qtbot: QtBot, tmp_path: Path) -> None:
    """The same with torch: lanes and layers change under a running race, and each run is whole."""
    from initviz.catalog.index import catalogue
    from initviz.experiment.limits import Limits
    from initviz.worker.workshop import TorchWorkshop

    window = open_window(qtbot, tmp_path, TorchWorkshop(catalogue(), Limits()))
    failures: list[object] = []
    window.parts.playback.failed.connect(failures.append)
    try:
        press(qtbot, window, Key.Key_Space)
        wait_for_steps(qtbot, window, 20, 60_000)
        for edit in (
            lambda: window.parts.session.add_lane(),
            lambda: window.parts.session.edit("model.depth", 4, "depth"),
            lambda: window.parts.session.remove_lane(0),
            lambda: window.parts.session.edit("optimizer", {"name": "adam", "lr": 0.001}, "optimizer"),
            lambda: window.parts.session.undo_stack.undo(),
        ):
            run = run_of(window)
            edit()
            wait_for_newer(qtbot, window, run)
            wait_for_steps(qtbot, window, 10, 60_000)
            history, info = window.parts.playback.history, window.parts.playback.info
            assert history is not None
            assert info is not None
            lanes = window.parts.session.experiment.lanes
            assert history.loss().values.shape[1] == len(info.lanes) == len(lanes)
        assert not failures
    finally:
        close_window(qtbot, window)
