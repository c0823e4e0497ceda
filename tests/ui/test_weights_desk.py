"""Saving the weights of a lane from its menu."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.ui.main_window import MainWindow
from initviz.ui.weights_desk import FOLDER, file_name
from tests.ui.shell import LaneWorkshop, press, state, wait_for_steps


def open_menu(window: MainWindow, row: int) -> QAction:
    """Open a lane's menu as the menu key does, and return the entry that saves."""
    panel = window.controls.lanes
    panel.list.setCurrentIndex(panel.model.index(row))
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), panel.mapToGlobal(QPoint()))
    QApplication.sendEvent(panel, event)
    menus = [menu for menu in panel.findChildren(QMenu) if menu.isVisible()]
    (action,) = [one for menu in menus for one in menu.actions() if "weights" in one.text().lower()]
    assert all(menu.toolTipsVisible() for menu in menus[:1])
    return action


def close_menus(window: MainWindow, qtbot: QtBot) -> None:
    for menu in window.controls.lanes.findChildren(QMenu):
        menu.close()
    qtbot.wait(1)


@pytest.fixture
def dialogs(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[QFileDialog]]:
    """Dialogs that were opened; none is shown, since the system's own cannot be answered."""
    opened: list[QFileDialog] = []
    monkeypatch.setattr(QFileDialog, "open", lambda dialog: opened.append(dialog))
    yield opened
    for dialog in opened:
        dialog.deleteLater()


def test_the_weights_of_a_lane_are_saved_while_it_plays(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, dialogs: list[QFileDialog]
) -> None:
    press(qtbot, window, Qt.Key.Key_Space)
    wait_for_steps(qtbot, window, 3)
    action = open_menu(window, 2)
    assert action.isEnabled()
    assert "safetensors" in action.toolTip()
    action.trigger()
    close_menus(window, qtbot)
    (dialog,) = dialogs
    name = window.parts.session.experiment.written_lanes[2].name
    assert name in dialog.windowTitle()
    assert [Path(one).name for one in dialog.selectedFiles()] == [file_name(name)]
    dialog.fileSelected.emit(str(tmp_path / "mine"))
    path = tmp_path / "mine.safetensors"
    qtbot.waitUntil(lambda: "saved as" in window.message_bar.message(), timeout=5000)
    step = int(path.read_text().rsplit(" ", 1)[1])
    assert step >= 3
    assert window.message_bar.message().endswith(f"at step {step:,} saved as {path}.")
    assert window.message_bar.tone == "done"
    assert state(window) == "playing"
    assert window.parts.settings.text(FOLDER, "") == str(tmp_path)
    open_menu(window, 0).trigger()
    close_menus(window, qtbot)
    assert Path(dialogs[1].directory().absolutePath()) == tmp_path
    assert [Path(one).name for one in dialogs[1].selectedFiles()] == [
        file_name(window.parts.session.experiment.written_lanes[0].name)
    ]


def test_a_file_that_cannot_be_written_is_told_and_nothing_stops(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, dialogs: list[QFileDialog]
) -> None:
    open_menu(window, 0).trigger()
    close_menus(window, qtbot)
    dialogs[0].fileSelected.emit(str(tmp_path / "nowhere" / "x.safetensors"))
    qtbot.waitUntil(lambda: "were not saved" in window.message_bar.message(), timeout=5000)
    assert window.message_bar.tone == "refused"
    assert state(window) == "ready"


def test_without_a_run_the_entry_says_why(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop, dialogs: list[QFileDialog]
) -> None:
    held = threading.Event()

    def hold() -> None:
        assert held.wait(10)

    workshop.on_build = hold
    press(qtbot, window, Qt.Key.Key_R)
    action = open_menu(window, 0)
    assert not action.isEnabled()
    assert action.toolTip() == "The run is still being loaded."
    close_menus(window, qtbot)
    workshop.fail_to_build = InitVizError(Text("no", "不"))
    held.set()
    qtbot.waitUntil(lambda: state(window) == "failed", timeout=5000)
    action = open_menu(window, 0)
    assert not action.isEnabled()
    assert action.toolTip() == "There is no run. Reset first."
    close_menus(window, qtbot)


def test_a_lane_that_is_new_has_no_weights_yet(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop, dialogs: list[QFileDialog], tmp_path: Path
) -> None:
    open_menu(window, 0).trigger()  # the dialog stays open while its lane goes
    close_menus(window, qtbot)
    session = window.parts.session
    old = session.experiment.written_lanes[0].name
    assert session.rename_lane(0, "another")
    action = open_menu(window, 0)
    assert action.isEnabled(), "a new name is the same run"
    close_menus(window, qtbot)
    dialogs[0].fileSelected.emit(str(tmp_path / "gone.safetensors"))
    assert "That lane is no longer there" in window.message_bar.message()
    assert not list(tmp_path.glob("*.safetensors"))
    assert old != "another"
    assert session.add_lane()
    action = open_menu(window, len(session.experiment.written_lanes) - 1)
    assert not action.isEnabled()
    assert action.toolTip() in {"This lane has no run yet.", "The run is still being loaded."}
    close_menus(window, qtbot)
    qtbot.waitUntil(lambda: window.parts.playback.is_current and state(window) == "ready", timeout=5000)


@pytest.mark.parametrize(
    ("lane", "name"),
    [("He", "he.safetensors"), ("N(0, 0.01²)", "n_0_0_01².safetensors"), ("…", "weights.safetensors")],
)
def test_file_names(lane: str, name: str) -> None:
    assert file_name(lane) == name
