"""Leaving at any moment, and the question before changes are lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from initviz.ui.main_window import MainWindow
from tests.ui.shell import LaneWorkshop, click, open_window, press, state, wait_for_steps

Key = Qt.Key


def test_closing_at_fifty_random_moments(qtbot: QtBot, tmp_path: Path) -> None:
    """Loading, playing, stepping, editing, resetting: closing ends the thread each time, and nothing aborts."""
    chance = random.Random(1)
    for _ in range(50):
        window = open_window(qtbot, tmp_path, LaneWorkshop(0.0005))
        for key in chance.choices(
            (Key.Key_Space, Key.Key_Period, Key.Key_R, Key.Key_Minus, Key.Key_BracketRight), k=3
        ):
            press(qtbot, window, key)
            if chance.random() < 0.5:
                qtbot.wait(chance.randrange(12))
        if chance.random() < 0.5:
            window.parts.session.edit("model.depth", chance.randrange(1, 30), "depth")
            qtbot.wait(chance.choice((0, 5, 160)))
            window.parts.session.undo_stack.setClean()
        window.close()
        assert window.stopped
        assert not window.isVisible()
        window.deleteLater()
        qtbot.wait(1)


@pytest.mark.slow
def test_closing_real_training_at_random_moments(qtbot: QtBot, tmp_path: Path) -> None:
    from initviz.catalog.index import catalogue
    from initviz.experiment.limits import Limits
    from initviz.worker.workshop import TorchWorkshop

    chance = random.Random(2)
    for _ in range(8):
        window = open_window(qtbot, tmp_path, TorchWorkshop(catalogue(), Limits()))
        press(qtbot, window, Key.Key_Space)
        qtbot.wait(chance.randrange(400))
        window.close()
        assert window.stopped
        window.deleteLater()
        qtbot.wait(1)


def question(window: MainWindow) -> QMessageBox:
    boxes = [box for box in window.findChildren(QMessageBox) if box.isVisible()]
    assert len(boxes) == 1
    return boxes[0]


def button(box: QMessageBox, text: str) -> QPushButton:
    found = [item for item in box.buttons() if item.text().replace("&", "") == text]
    assert isinstance(found[0], QPushButton)
    return found[0]


def test_an_unchanged_window_closes_unasked(window: MainWindow, qtbot: QtBot) -> None:
    window.close()
    assert not window.isVisible()
    assert not [box for box in window.findChildren(QMessageBox) if box.isVisible()]


def test_changes_are_asked_about_and_cancel_stays(window: MainWindow, qtbot: QtBot) -> None:
    press(qtbot, window, Key.Key_Space)
    window.parts.session.edit("model.depth", 3, "depth")
    press(qtbot, window, Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    box = question(window)
    assert "Good and bad starts" in box.text()
    qtbot.keyClick(box, Key.Key_Escape)
    assert window.isVisible()
    assert state(window) != "empty"
    wait_for_steps(qtbot, window, 5)


def test_changes_are_dropped_on_request(window: MainWindow, qtbot: QtBot) -> None:
    window.parts.session.edit("model.depth", 3, "depth")
    window.close()
    assert window.isVisible()
    click(qtbot, button(question(window), "Don't save"))
    qtbot.waitUntil(lambda: not window.isVisible())
    assert window.stopped


def test_changes_are_saved_and_the_window_closes(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    target = tmp_path / "mine.toml"
    window.parts.session.mark_saved(target)
    window.parts.session.edit("model.depth", 3, "depth")
    window.close()
    click(qtbot, button(question(window), "Save"))
    qtbot.waitUntil(lambda: not window.isVisible())
    assert "depth = 3" in target.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl+C", "end"])
def test_the_terminal_ends_the_program(tmp_path: Path, number: int) -> None:
    """Ctrl+C in the terminal closes the window, with no traceback, and what is remembered is saved."""
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "HOME": str(tmp_path),
        **{f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CONFIG", "STATE", "DATA", "CACHE")},
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "initviz"], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.rglob("window.log")):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said
    assert [path for path in tmp_path.rglob("*.ini") if "geometry" in path.read_text(encoding="utf-8")]
