"""Shared fixtures: a home of its own for every test, and no test that leaves something running.

An exception that leaves a slot, in whatever thread, fails the test that it happened in: pytest-qt sees to
that through ``sys.excepthook``.
"""

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

# Both are read when Qt and torch are first imported.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest

if TYPE_CHECKING:
    from PySide6.QtCore import QObject
    from PySide6.QtWidgets import QApplication, QWidget

# Two busy cores make any time limit for one example a coin toss, and a red test must be red again.
hypothesis.settings.register_profile("initviz", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("initviz")

# The cyclic garbage collector destroys widgets in whatever thread it happens to run in. So it never runs by
# itself: it runs here, in the thread that the widgets live in, after tests with a window or many allocations.
gc.disable()
_YOUNG_OBJECTS = 200_000

_FOLDERS = {
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_CACHE_HOME": "cache",
    "XDG_STATE_HOME": "state",
    "WIN_PD_OVERRIDE_APPDATA": "config",
    "WIN_PD_OVERRIDE_LOCAL_APPDATA": "data",
}


@pytest.fixture(autouse=True)
def user_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep settings, recent files and recordings of a test in a folder of its own, and return it."""
    home = tmp_path / "home"
    home.mkdir()
    for variable, name in _FOLDERS.items():
        monkeypatch.setenv(variable, str(home / name))
    if sys.platform == "darwin":
        monkeypatch.setenv("HOME", str(home))
    if "PySide6.QtCore" in sys.modules:
        from PySide6.QtCore import QSettings

        # Qt reads the variables above only once a process.
        for form in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
            for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
                QSettings.setPath(form, scope, str(home / "config"))
    return home


@pytest.fixture(autouse=True)
def own_excepthook() -> Iterator[None]:
    """Take back an exception hook that the program under test has set."""
    before, thread_before = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = before, thread_before


@pytest.fixture(autouse=True)
def own_look() -> Iterator[None]:
    """Take back what the program under test sets for the whole process: its look, its language, its arithmetic."""
    yield
    if "torch" in sys.modules:
        import torch

        torch.set_flush_denormal(False)
    if "PySide6.QtWidgets" not in sys.modules:
        return
    from PySide6.QtCore import QLocale
    from PySide6.QtGui import QFontDatabase
    from PySide6.QtWidgets import QApplication

    application = QApplication.instance()
    if isinstance(application, QApplication) and application.styleSheet():
        application.setStyleSheet("")
        application.setPalette(application.style().standardPalette())
        application.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont))
    QLocale.setDefault(QLocale.system())


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves a thread, a running timer or a top-level widget behind."""
    python_threads = set(threading.enumerate())
    if "qapp" not in request.fixturenames:
        yield
        problems = _leaked_python_threads(python_threads)
        if gc.get_count()[0] > _YOUNG_OBJECTS:
            gc.collect()
    else:
        from PySide6.QtCore import QThread, QTimer

        application: QApplication = request.getfixturevalue("qapp")
        widgets = set(application.topLevelWidgets())
        threads = _record(monkeypatch, QThread, "start")
        timers = _record(monkeypatch, QTimer, "start")
        yield
        # Here pytest-qt has closed the widgets that the test gave to qtbot.
        _destroy_what_waits_for_it()
        problems = _leaked_threads(threads) + _leaked_widgets(application, widgets)
        problems += _leaked_timers(timers) + _leaked_python_threads(python_threads)
        # What outlives a test is imported modules and caches: looking through them again and again would cost
        # every test with a window a quarter of a second.
        gc.freeze()
    if problems:
        pytest.fail("The test left behind:\n  " + "\n  ".join(problems), pytrace=False)


def _record(monkeypatch: pytest.MonkeyPatch, owner: type[Any], name: str) -> "WeakSet[QObject]":
    """Collect, weakly, the objects on which a method is called."""
    seen: WeakSet[QObject] = WeakSet()
    original: Callable[..., object] = getattr(owner, name)

    def recording(self: "QObject", *arguments: object, **options: object) -> object:
        seen.add(self)
        return original(self, *arguments, **options)

    monkeypatch.setattr(owner, name, recording)
    return seen


def _destroy_what_waits_for_it() -> None:
    from PySide6.QtCore import QCoreApplication, QEvent

    gc.collect()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


def _describe(item: "QObject") -> str:
    name = item.objectName()
    return f"{type(item).__module__}.{type(item).__qualname__}" + (f" '{name}'" if name else "")


def _leaked_threads(threads: "WeakSet[QObject]") -> list[str]:
    from PySide6.QtCore import QThread
    from shiboken6 import isValid

    problems = []
    for thread in list(threads):
        if isinstance(thread, QThread) and isValid(thread) and thread.isRunning():
            problems.append(f"running thread: {_describe(thread)}")
            thread.quit()
            thread.wait(2000)
    return problems


def _leaked_timers(timers: "WeakSet[QObject]") -> list[str]:
    from PySide6.QtCore import QTimer
    from shiboken6 import isValid

    problems = []
    for timer in list(timers):
        if isinstance(timer, QTimer) and isValid(timer) and timer.isActive():
            owner = timer.parent()
            belongs = f" of {_describe(owner)}" if owner is not None else ""
            problems.append(f"running timer: every {timer.interval()} ms{belongs}")
            timer.stop()
    return problems


def _leaked_widgets(application: "QApplication", before: "set[QWidget]") -> list[str]:
    problems = []
    for widget in application.topLevelWidgets():
        if widget not in before and widget.parent() is None:
            problems.append(f"top-level widget: {_describe(widget)}")
            widget.close()
            widget.deleteLater()
    if problems:
        _destroy_what_waits_for_it()
    return problems


def _leaked_python_threads(before: set[threading.Thread]) -> list[str]:
    problems = []
    for thread in set(threading.enumerate()) - before:
        if isinstance(thread, threading._DummyThread):  # a Qt thread that has run Python; see _leaked_threads
            continue
        thread.join(1.0)
        if thread.is_alive():
            problems.append(f"running Python thread: {thread.name}")
    return problems
