"""A whole window over fake runs, for tests that press its keys and buttons."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QSizePolicy, QWidget
from pytestqt.qtbot import QtBot

from initviz.app import Opening, build_window
from initviz.experiment.values import Experiment
from initviz.telemetry import synthetic
from initviz.ui.main_window import MainWindow
from initviz.ui.settings import Settings
from initviz.worker.training import Announce, HearStage, Workshop
from tests.worker.fakes import EveryStep, FakeRun, FakeWorkshop

STEP_S = 0.002


class EveryTenth(EveryStep):
    """A pacer that asks for a frame now and then."""

    def __init__(self) -> None:
        self._calls = 0

    def due(self, now_s: float) -> bool:
        self._calls += 1
        return self._calls % 10 == 1


class LaneWorkshop(FakeWorkshop):
    """Builds fake runs with as many lanes as the experiment has."""

    def __init__(self, step_s: float = STEP_S) -> None:
        super().__init__(EveryTenth, step_s)
        self.experiments: list[Experiment] = []

    def build(
        self, experiment: Experiment, run_id: int, announce: Announce, hear_stage: HearStage
    ) -> FakeRun:
        run = super().build(experiment, run_id, announce, hear_stage)
        self.experiments.append(experiment)
        flat = experiment.data.dataset.name == "moons"
        run.info = synthetic.run_info(
            len(experiment.lanes), 5, run_id, total_steps=experiment.steps, two_dimensional=flat
        )
        return run


def open_window(
    qtbot: QtBot,
    folder: Path,
    workshop: Workshop | None = None,
    path: Path | None = None,
    size: tuple[int, int] = (1600, 900),
) -> MainWindow:
    """Open the window as ``initviz`` does, and wait until its first run stands ready.

    Args:
        qtbot: pytest-qt's.
        folder: Where its settings are.
        workshop: Builds the runs; fake ones by default.
        path: Experiment file.
        size: Of the window.
    """
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    window = build_window(
        application,
        Opening(
            Settings(folder / "window.ini"),
            path=path,
            theme="light",
            language="en",
            workshop=workshop if workshop is not None else LaneWorkshop(),
        ),
    )
    window.resize(*size)
    window.show()
    qtbot.waitUntil(lambda: window.parts.playback.state == "ready", timeout=30_000)
    qtbot.waitUntil(
        lambda: all(dock.view is not None for dock in window.dashboard.docks.values()), timeout=30_000
    )
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


def close_window(qtbot: QtBot, window: MainWindow) -> None:
    """Close without being asked about changes, and wait for the thread."""
    window.parts.session.undo_stack.setClean()
    window.close()
    assert window.stopped
    window.deleteLater()
    qtbot.wait(1)


def press(qtbot: QtBot, window: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier | None = None) -> None:
    """Press a key where the keyboard is."""
    target = QApplication.focusWidget() or window
    qtbot.keyClick(target, key, modifiers if modifiers is not None else Qt.KeyboardModifier.NoModifier)


def click(qtbot: QtBot, widget: QWidget, place: QPoint | None = None) -> None:
    """Click a widget with the left button."""
    qtbot.mouseClick(
        widget, Qt.MouseButton.LeftButton, pos=place if place is not None else widget.rect().center()
    )


def steps_made(window: MainWindow) -> int:
    """Return how many updates the run on screen has made, as far as the window knows."""
    history = window.parts.playback.history
    return 0 if history is None else history.last_step + 1


def state(window: MainWindow) -> str:
    """Return what the run does."""
    return window.parts.playback.state


def wait_for_steps(qtbot: QtBot, window: MainWindow, steps: int, timeout_ms: int = 20_000) -> None:
    """Wait until the run on screen has made so many updates."""
    qtbot.waitUntil(lambda: steps_made(window) >= steps, timeout=timeout_ms)


def clipped(window: QWidget) -> list[str]:
    """Return every visible label and button whose writing lacks room, or that hangs out of its parent."""
    problems: list[str] = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.size().isEmpty() or widget.visibleRegion().isEmpty():
            continue
        if isinstance(widget, QLabel | QAbstractButton) and widget.text():
            name = f"{type(widget).__name__} '{widget.text()}'"
            problems += [f"{name}: {problem}" for problem in _shortages(widget)]
    return problems


def _shortages(widget: QLabel | QAbstractButton) -> list[str]:
    problems = []
    width, height = widget.width(), widget.height()
    if isinstance(widget, QLabel) and widget.wordWrap():
        wanted = widget.heightForWidth(width)
        if height < wanted - 1:
            problems.append(f"{height} px high, needs {wanted}")
    else:
        hint = widget.sizeHint()
        elides = widget.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Ignored
        if width < hint.width() and not elides:
            problems.append(f"{width} px wide, needs {hint.width()}")
        if height < hint.height() - 1:
            problems.append(f"{height} px high, needs {hint.height()}")
    parent = widget.parentWidget()
    if parent is not None and not parent.rect().contains(widget.geometry()):
        problems.append(f"{widget.geometry().getRect()} lies outside {parent.rect().getRect()}")
    return problems
