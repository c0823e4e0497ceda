"""The guards in conftest.py: each must see what it is there for."""

import os
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")
PRELUDE = """
import gc, sys, threading, time
import platformdirs
import pytest
from PySide6.QtCore import QObject, QSettings, QThread, QTimer, Signal, Slot
from PySide6.QtWidgets import QLabel
kept = []
"""
GUILTY = {
    "running thread: test_guilty.Endless": """
class Endless(QThread):
    def run(self):
        self.exec()
def test_it(qapp):
    kept.append(Endless())
    kept[0].start()
""",
    "running timer: every 50 ms": """
def test_it(qapp):
    kept.append(QTimer(interval=50))
    kept[0].start()
""",
    "top-level widget: PySide6.QtWidgets.QLabel 'forgotten'": """
def test_it(qapp):
    kept.append(QLabel("x", objectName="forgotten"))
    kept[0].show()
""",
    "running Python thread: endless": """
def test_it():
    kept.append(threading.Event())
    threading.Thread(target=kept[0].wait, name="endless", daemon=True).start()
""",
    "ZeroDivisionError": """
def test_it(qtbot):
    QTimer.singleShot(0, lambda: 1 / 0)
    qtbot.wait(20)
""",
    "KeyError: 'in a worker'": """
class Worker(QObject):
    done = Signal()
    @Slot()
    def work(self):
        self.done.emit()
        raise KeyError("in a worker")
def test_it(qtbot):
    thread, worker = QThread(), Worker()
    worker.moveToThread(thread)
    thread.started.connect(worker.work)
    with qtbot.waitSignal(worker.done):
        thread.start()
    thread.quit()
    assert thread.wait(2000)
""",
}
INNOCENT = """
class Short(QThread):
    def run(self):
        pass
def test_thread(qapp):
    thread = Short()
    thread.start()
    assert thread.wait(2000)
def test_timer(qapp):
    timer = QTimer(interval=50)
    timer.start()
    timer.stop()
def test_given_to_qtbot(qtbot):
    label = QLabel("x")
    qtbot.addWidget(label)
    label.show()
def test_dropped(qapp):
    QLabel("x").show()
def test_cycle(qapp):
    label = QLabel("x")
    label.me = label
    label.timer = QTimer(label, interval=50)
    label.timer.start()
def test_no_automatic_collection():
    assert not gc.isenabled()
def test_write(qapp):
    QSettings("InitViz", "guards").setValue("mark", 1)
def test_read(qapp, user_folders):
    assert not QSettings("InitViz", "guards").contains("mark")
    assert platformdirs.user_config_path("InitViz").is_relative_to(user_folders)
    assert platformdirs.user_data_path("InitViz").is_relative_to(user_folders)
"""


def run_inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, test: str) -> pytest.RunResult:
    """Run a test file under our conftest in a process of its own."""
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    for name in [name for name in os.environ if name.startswith(("PYTEST_XDIST", "PYTEST_ADDOPTS"))]:
        monkeypatch.delenv(name)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_guilty=PRELUDE + test)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", timeout=60)


@pytest.mark.parametrize("message", GUILTY)
def test_guard_fails_what_it_is_for(
    message: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run_inner(pytester, monkeypatch, GUILTY[message])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert message in result.stdout.str()


@pytest.mark.skipif(sys.platform == "win32", reason="QSettings are in the registry there")
def test_guard_lets_clean_tests_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_inner(pytester, monkeypatch, INNOCENT)
    result.assert_outcomes(passed=INNOCENT.count("def test_"))
