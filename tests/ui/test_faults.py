"""An exception nobody caught is logged and said once, from any thread, with and without a terminal."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from initviz.ui.faults import LOG_NAME, FaultReporter, log_to


@pytest.fixture
def reporter(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultReporter]:
    # pytest-qt's own hook must not take what this test raises on purpose.
    monkeypatch.setattr(sys, "excepthook", lambda *arguments: None)
    handler = log_to(tmp_path)
    assert handler is not None
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    reporter = FaultReporter(tmp_path)
    reporter.set_window(window)
    yield reporter
    reporter.remove()
    logging.getLogger("initviz").removeHandler(handler)
    handler.close()


def boom() -> None:
    raise ValueError("the sky is falling")


def log_text(tmp_path: Path) -> str:
    return (tmp_path / LOG_NAME).read_text(encoding="utf-8")


def test_from_the_main_thread(reporter: FaultReporter, qtbot: QtBot, tmp_path: Path) -> None:
    try:
        boom()
    except ValueError:
        sys.excepthook(*sys.exc_info())
    qtbot.waitUntil(lambda: reporter.box is not None)
    box = reporter.box
    assert box is not None
    assert "ValueError: the sky is falling" in box.text()
    assert str(tmp_path / LOG_NAME) in box.informativeText()
    assert "Traceback" not in box.text() + box.informativeText()
    assert "Traceback" in log_text(tmp_path)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: reporter.box is None)


def test_from_another_thread_without_a_terminal(
    reporter: FaultReporter, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    thread = threading.Thread(target=boom, name="elsewhere")
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: reporter.box is not None)
    assert "elsewhere" in log_text(tmp_path)
    box = reporter.box
    assert box is not None
    box.close()
    qtbot.waitUntil(lambda: reporter.box is None)


def test_a_flood_makes_one_message_and_a_full_log(
    reporter: FaultReporter, qtbot: QtBot, tmp_path: Path
) -> None:
    for _ in range(20):
        try:
            boom()
        except ValueError:
            sys.excepthook(*sys.exc_info())
    qtbot.waitUntil(lambda: reporter.box is not None)
    box = reporter.box
    qtbot.wait(20)
    assert reporter.box is box
    assert log_text(tmp_path).count("the sky is falling") >= 20
    assert box is not None
    box.close()
    qtbot.waitUntil(lambda: reporter.box is None)


def test_the_hooks_are_given_back(reporter: FaultReporter) -> None:
    mine = sys.excepthook
    reporter.remove()
    assert sys.excepthook != mine


def test_no_log_file_where_none_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert log_to(tmp_path / "file" / "folder") is None
