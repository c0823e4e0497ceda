"""Experiment files in the window: dialogs, dropping, recent files, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from initviz.ui.main_window import MainWindow
from tests.ui.shell import LaneWorkshop, close_window, open_window, press, state, wait_for_steps

Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
GOOD = """schema = 1
name = "Mine"
[data]
name = "moons"
[model]
family = "mlp"
depth = 2
width = 8
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def own_dialogs() -> object:
    """Let file dialogs be widgets, so that a test can type into them."""
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs, True)
    yield
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs, False)


def dialog_of(window: MainWindow) -> QFileDialog:
    dialogs = [dialog for dialog in window.findChildren(QFileDialog) if dialog.isVisible()]
    assert len(dialogs) == 1
    return dialogs[0]


def type_name(qtbot: QtBot, dialog: QFileDialog, path: Path) -> None:
    field = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(field, QLineEdit)
    field.setText(str(path))  # typed letter by letter, each part of a path opens a popup
    qtbot.keyClick(field, Key.Key_Return)


def title(window: MainWindow) -> str:
    return window.parts.session.experiment.name


def test_open_by_keyboard(window: MainWindow, qtbot: QtBot, good: Path, workshop: LaneWorkshop) -> None:
    press(qtbot, window, Key.Key_O, CONTROL)
    type_name(qtbot, dialog_of(window), good)
    qtbot.waitUntil(lambda: title(window) == "Mine")
    assert window.windowTitle() == "mine.toml[*] – InitViz"
    assert window.transport.scenario_button.text() == "Mine"
    qtbot.waitUntil(lambda: len(workshop.runs) == 2 and state(window) == "ready")


def test_save_as_by_keyboard_and_again(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    from initviz.catalog.index import catalogue
    from initviz.experiment.files import load_experiment
    from initviz.experiment.limits import Limits

    target = tmp_path / "saved.toml"
    window.parts.session.edit("model.depth", 6, "depth")
    assert window.isWindowModified()
    press(qtbot, window, Key.Key_S, CONTROL | SHIFT)
    type_name(qtbot, dialog_of(window), target)
    qtbot.waitUntil(target.exists)
    assert not window.isWindowModified()
    assert load_experiment(target, catalogue(), Limits()) == window.parts.session.experiment
    assert str(target) in window.message_bar.message()
    window.parts.session.edit("model.depth", 5, "depth")
    press(qtbot, window, Key.Key_S, CONTROL)
    assert load_experiment(target, catalogue(), Limits()) == window.parts.session.experiment


def test_a_file_that_cannot_be_written_is_answered(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.parts.session.mark_saved(tmp_path / "no such folder" / "x.toml")
    press(qtbot, window, Key.Key_S, CONTROL)
    assert "no such folder" in window.message_bar.message()
    assert "nothing was changed" in window.message_bar.message()


def test_a_typo_is_answered_with_file_place_and_the_nearest_key(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, workshop: LaneWorkshop
) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(GOOD.replace("depth", "dpeth"), encoding="utf-8")
    press(qtbot, window, Key.Key_Space)
    wait_for_steps(qtbot, window, 10)
    window.files.open_name(str(bad))
    said = window.message_bar.message()
    assert "bad.toml" in said
    assert "dpeth" in said
    assert "'depth'" in said
    assert said.endswith("Nothing was changed.")
    assert title(window) == "Good and bad starts"
    qtbot.wait(200)
    assert len(workshop.runs) == 1
    assert state(window) == "playing"


def drop(target: QWidget, path: Path) -> bool:
    """Drag a file over the middle of a widget and let go; say whether it was welcome."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    place = QPointF(target.rect().center())
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(place.toPoint(), copy, data, left, none)
    QApplication.sendEvent(target, enter)  # goes up until a widget takes it
    if not enter.isAccepted():
        return False
    QApplication.sendEvent(target, QDropEvent(place, copy, data, left, none))
    return True


def test_a_file_is_dropped_on_the_window(window: MainWindow, qtbot: QtBot, good: Path) -> None:
    loss = window.dashboard.docks["loss"].view
    assert loss is not None
    for target in (
        loss.canvas,
        window.controls.lanes.list.viewport(),
        window.lesson.panel,
        window.transport.scenario_button,
        window.dashboard,
        window,
    ):
        assert drop(target, good), f"{target} does not let a file through"
        assert title(window) == "Mine"
        assert window.parts.session.origin.path == good
        window.parts.session.undo_stack.undo()
        assert title(window) == "Good and bad starts"
        window.parts.session.undo_stack.setClean()


def test_other_files_are_not_welcome(window: MainWindow, tmp_path: Path) -> None:
    other = tmp_path / "photo.png"
    other.write_bytes(b"")
    assert not drop(window, other)
    assert title(window) == "Good and bad starts"


def test_recent_files(qtbot: QtBot, tmp_path: Path, good: Path) -> None:
    window = open_window(qtbot, tmp_path, LaneWorkshop())
    window.files.open_name(str(good))
    close_window(qtbot, window)
    again = open_window(qtbot, tmp_path, LaneWorkshop())
    entry = again.menus.recent_menu().actions()[0]
    assert "mine.toml" in entry.text()
    entry.trigger()
    assert title(again) == "Mine"
    good.unlink()
    again.parts.session.undo_stack.setClean()
    again.menus.recent_menu().actions()[0].trigger()
    assert "mine.toml" in again.message_bar.message()
    listed = [action for action in again.menus.recent_menu().actions() if action.isVisible()]
    assert not [action for action in listed if "mine.toml" in action.text()]
    close_window(qtbot, again)


def test_new_is_small_and_asks_first(window: MainWindow, qtbot: QtBot) -> None:
    window.parts.session.edit("model.depth", 3, "depth")
    press(qtbot, window, Key.Key_N, CONTROL)
    boxes = [box for box in window.findChildren(QMessageBox) if box.isVisible()]
    assert len(boxes) == 1
    for _ in range(4):
        focused = boxes[0].focusWidget()
        if isinstance(focused, QPushButton) and "Don" in focused.text().replace("&", ""):
            break
        qtbot.keyClick(focused, Key.Key_Tab)
    qtbot.keyClick(boxes[0].focusWidget(), Key.Key_Space)
    qtbot.waitUntil(lambda: title(window) == "Untitled")
    assert len(window.parts.session.experiment.lanes) == 1
    press(qtbot, window, Key.Key_Z, CONTROL)
    assert title(window) == "Good and bad starts"


def test_every_scenario_opens_with_one_click(
    window: MainWindow, qtbot: QtBot, workshop: LaneWorkshop
) -> None:
    entries = window.transport.scenario_menu.actions()
    assert len(entries) >= 8
    for entry in entries:
        entry.trigger()
        assert not window.message_bar.isVisible(), window.message_bar.message()
        assert window.parts.session.origin.scenario == entry.data()
        assert window.transport.scenario_button.accessibleName() == f"Scenario: {entry.text()}"
        assert len(window.lesson.panel.text()) > 100
    assert not window.parts.session.is_modified
    press(qtbot, window, Key.Key_Z, CONTROL)
    assert window.parts.session.origin.scenario == entries[-2].data()
    assert window.lesson.panel.text()


def test_a_file_on_the_command_line_is_opened(qtbot: QtBot, tmp_path: Path, good: Path) -> None:
    window = open_window(qtbot, tmp_path, LaneWorkshop(), good)
    assert title(window) == "Mine"
    close_window(qtbot, window)
