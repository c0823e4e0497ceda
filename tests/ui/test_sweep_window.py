"""The window of a search: a real study on a real storage, worked with keys and mouse."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.edit import Table
from initviz.experiment.limits import Limits
from initviz.sweep.results import list_trials
from initviz.sweep.storage import find_place
from initviz.sweep.worker import run_study
from initviz.ui.language import LanguageSwitch
from initviz.ui.session import Origin, Session
from initviz.ui.sweep_window import SweepWindow
from initviz.ui.theme import ThemeSwitch
from initviz.views.axes import Axis
from initviz.views.study_view import whole_ticks
from initviz.worker.sweep_thread import Sweeper
from tests.ui.panels import pick
from tests.ui.shell import click, press

LONG_MS = 60_000


def document(steps: int = 30) -> Table:
    return {
        "name": "Base",
        "data": {"name": "moons", "batch_size": 32},
        "model": {"family": "mlp", "depth": 1, "width": 8},
        "optimizer": {"name": "sgd", "lr": 0.1},
        "steps": steps,
        "lanes": [{"name": "one"}, {"name": "two", "optimizer": {"lr": 0.5}}],
    }


def make(qtbot: QtBot, folder: Path, steps: int = 30, size: tuple[int, int] = (1280, 720)) -> SweepWindow:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    session = Session(document(steps), catalogue(), Limits(), Origin())
    theme = ThemeSwitch(application, "light")
    sweeper = Sweeper(session.catalogue, session.limits)
    window = SweepWindow(session, theme, sweeper)
    for part in (session, theme, sweeper):
        part.setParent(window)
    window.form.storage.setText(str(folder / "studies.sqlite3"))
    window.resize(*size)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return window


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, english: LanguageSwitch) -> Iterator[SweepWindow]:
    window = make(qtbot, tmp_path)
    yield window
    close(qtbot, window)


def close(qtbot: QtBot, window: SweepWindow) -> None:
    assert window._sweeper.shutdown()
    window.close()
    window.deleteLater()
    qtbot.wait(1)


def choose_field(window: SweepWindow, path: str) -> None:
    """Choose a field in the menu of the button."""
    for group in window.form.menu.actions():
        menu = group.menu()
        assert isinstance(menu, QMenu)
        for action in menu.actions():
            if action.data() == path:
                window.form.menu.triggered.emit(action)
                return
    raise AssertionError(path)


def describe(window: SweepWindow, trials: int, low: str = "0.01") -> None:
    choose_field(window, "init.weight.name")
    choose_field(window, "optimizer.lr")
    row = window.form.rows[1]
    row.low.selectAll()
    QTest.keyClicks(row.low, low)
    window.form.trials.selectAll()
    QTest.keyClicks(window.form.trials, str(trials))
    pick(window.form.combos["sampler"], "random")


def idle(window: SweepWindow) -> bool:
    return window._sweeper.state == "idle"


def search(qtbot: QtBot, window: SweepWindow, trials: int) -> None:
    describe(window, trials)
    window.start_button.setFocus()
    QTest.keyClick(window.start_button, Qt.Key.Key_Space)
    assert window._sweeper.state == "searching"
    qtbot.waitUntil(lambda: idle(window), timeout=LONG_MS)


def test_a_search_is_described_run_and_opened(qtbot: QtBot, window: SweepWindow, tmp_path: Path) -> None:
    search(qtbot, window, 9)
    assert not window.message.isVisible(), window.message.text()
    assert window.status.text().startswith("9 of 9 trials")
    assert "best so far" in window.status.text()
    assert window.bar.value() == window.bar.maximum()
    assert window.table.rowCount() == 9
    scores = [window.table.item(row, 1) for row in range(9)]
    numbers = [float(item.text()) for item in scores if item is not None]
    assert numbers == sorted(numbers)
    heading = window.table.horizontalHeaderItem(1)
    assert heading is not None
    assert heading.text() == "validation loss"
    best = window.history.best()
    assert best is not None
    # The best trial is the one that is opened, on the lane in focus.
    click(qtbot, window.open_button)
    experiment = window._session.experiment
    assert len(experiment.lanes) == 1
    recipe = experiment.lanes[0].recipe
    assert recipe.init.weight.name == best.values["init.weight.name"]
    assert recipe.optimizer["lr"] == pytest.approx(best.values["optimizer.lr"])
    assert window._session.is_modified
    window._session.undo_stack.undo()
    assert len(window._session.experiment.lanes) == 2
    window.save_csv(str(tmp_path / "trials.csv"))
    with (tmp_path / "trials.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 9
    assert float(rows[best.number]["value"]) == best.value
    assert float(rows[best.number]["optimizer.lr"]) == best.values["optimizer.lr"]


def test_a_click_in_any_plot_chooses_that_trial_everywhere(qtbot: QtBot, window: SweepWindow) -> None:
    search(qtbot, window, 6)
    for view in window.views:
        trial = min(view.scored(), key=lambda trial: trial.number)
        view.refresh()
        spot = next(spot for spot, drawn in view.spots if drawn.number == trial.number)
        near = view.trial_at(spot)
        assert near is not None
        QTest.mouseClick(view.canvas.viewport(), Qt.MouseButton.LeftButton, pos=spot.toPoint())
        assert window.table.chosen() == near.number
        assert all(other.chosen == near.number for other in window.views)
        assert window.open_button.text() == f"Open trial {near.number} as an experiment"
    window.table.setFocus()
    QTest.keyClick(window.table, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(window.table, Qt.Key.Key_Down)
    assert window.history.chosen == window.table.chosen() is not None


def test_a_stopped_search_is_kept_and_goes_on(qtbot: QtBot, tmp_path: Path, english: LanguageSwitch) -> None:
    window = make(qtbot, tmp_path, steps=3000)
    describe(window, 12)
    click(qtbot, window.start_button)
    qtbot.waitUntil(lambda: window._standing is not None and window._standing.here > 0, timeout=LONG_MS)
    start_s = time.monotonic()
    click(qtbot, window.stop_button)
    qtbot.waitUntil(lambda: idle(window), timeout=10_000)
    assert time.monotonic() - start_s < 2
    assert "“Start search” goes on" in window.status.text()
    close(qtbot, window)
    again = make(qtbot, tmp_path, steps=3000)
    again.present()
    qtbot.waitUntil(lambda: "Base" in again._names, timeout=LONG_MS)
    qtbot.waitUntil(lambda: idle(again))
    pick(again.kept, "Base")
    qtbot.waitUntil(lambda: again._study is not None and idle(again), timeout=LONG_MS)
    assert [row.candidate.path for row in again.form.rows] == ["init.weight.name", "optimizer.lr"]
    assert again.form.rows[1].low.text() == "0.01"
    again.form.trials.selectAll()
    QTest.keyClicks(again.form.trials, "4")
    click(qtbot, again.start_button)
    qtbot.waitUntil(lambda: idle(again), timeout=LONG_MS)
    assert again._standing is not None
    assert again._standing.finished >= 4
    close(qtbot, again)


def test_shutting_down_ends_a_search_within_two_seconds(qtbot: QtBot, window: SweepWindow) -> None:
    describe(window, 2000)
    click(qtbot, window.start_button)
    qtbot.waitUntil(lambda: window._standing is not None and window._standing.here > 0, timeout=LONG_MS)
    start_s = time.monotonic()
    assert window._sweeper.shutdown()
    assert time.monotonic() - start_s < 2


def test_what_is_wrong_is_said_and_nothing_starts(qtbot: QtBot, window: SweepWindow) -> None:
    click(qtbot, window.start_button)
    assert "at least one field" in window.message.text()
    assert idle(window)
    describe(window, 5, low="much")
    click(qtbot, window.start_button)
    assert "'much' is not a number" in window.message.text()
    assert idle(window)


def test_an_address_with_a_password_is_never_shown(
    qtbot: QtBot, window: SweepWindow, caplog: pytest.LogCaptureFixture
) -> None:
    window.form.storage.setText("postgresql://me:s3cr3t@127.0.0.1:9/none")
    describe(window, 3)
    click(qtbot, window.start_button)
    qtbot.waitUntil(lambda: idle(window), timeout=LONG_MS)
    assert window.message.isVisible()
    assert "127.0.0.1" in window.message.text()
    assert "s3cr3t" not in window.message.text() + caplog.text + window.form.storage.displayText()


def test_a_field_is_removed_and_offered_again(window: SweepWindow) -> None:
    choose_field(window, "optimizer.lr")
    row = window.form.rows[0]
    row.remove_button.setFocus()
    QTest.keyClick(row.remove_button, Qt.Key.Key_Space)
    assert window.form.rows == []
    choose_field(window, "optimizer.lr")


def test_ticks_decide_what_is_tried(window: SweepWindow) -> None:
    choose_field(window, "init.weight.name")
    row = window.form.rows[0]
    ticked = row.table()["choices"]
    assert isinstance(ticked, list)
    assert len(ticked) == 3
    row.options.setFocus()
    QTest.keyClick(row.options, Qt.Key.Key_Space)
    assert row.table()["choices"] == ticked[1:]


def test_numbers_with_commas_are_choices(window: SweepWindow) -> None:
    choose_field(window, "model.depth")
    row = window.form.rows[0]
    row.low.selectAll()
    QTest.keyClicks(row.low, "1, 4, 16")
    assert row.table() == {"path": "model.depth", "choices": [1, 4, 16]}
    assert not row.high.isVisible()


def test_the_menu_opens_the_window(
    qtbot: QtBot, tmp_path: Path, english: LanguageSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("initviz.sweep.storage.default_path", lambda: tmp_path / "studies.sqlite3")
    from tests.ui.shell import close_window, open_window

    main = open_window(qtbot, tmp_path)
    press(qtbot, main, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    shown = main.sweep_desk.window
    assert shown is not None
    assert shown.isVisible()
    qtbot.waitUntil(lambda: shown._sweeper.state == "idle", timeout=LONG_MS)
    main.parts.session.undo_stack.setClean()
    main.close()
    assert not shown.isVisible()
    close_window(qtbot, main)


def test_an_example_is_chosen_and_searched(qtbot: QtBot, window: SweepWindow) -> None:
    assert window.form.empty.isVisible()
    assert window.table.empty.isVisible()
    assert not window.csv_button.isEnabled()
    assert not window.stop_button.isEnabled()
    pick(window.kept, "\nstart_by_depth")
    assert [row.candidate.path for row in window.form.rows] == ["init.weight", "model.depth"]
    assert not window.form.empty.isVisible()
    row = window.form.rows[0]
    ticked = row.table()["choices"]
    assert isinstance(ticked, list)
    assert ticked[:3] == ["normal std=0.01", "normal std=0.1", "uniform"]
    assert window.form.rows[1].low.text() == "1, 2, 4, 6, 8, 10, 12, 16"
    window.form.trials.selectAll()
    QTest.keyClicks(window.form.trials, "3")
    click(qtbot, window.start_button)
    qtbot.waitUntil(lambda: idle(window), timeout=LONG_MS)
    assert window.status.text().startswith("3 of 3 trials"), window.message.text()
    assert window.table.rowCount() == 3
    assert not window.table.empty.isVisible()
    # A new search is of the present experiment again, which may know none of the example's fields.
    pick(window.kept, "\n")
    assert window.form.rows == []
    assert window.form.empty.isVisible()
    # The example is begun by now, so that choosing it shows its trials.
    pick(window.kept, "\nstart_by_depth")
    qtbot.waitUntil(lambda: window.table.rowCount() == 3, timeout=LONG_MS)
    assert window.kept.current_key() == "Start by depth"


def test_no_heading_of_the_table_is_cut(qtbot: QtBot, window: SweepWindow) -> None:
    search(qtbot, window, 2)
    header = window.table.horizontalHeader()
    for column in range(window.table.columnCount()):
        assert header.sectionSize(column) >= header.sectionSizeHint(column)


def test_whole_numbers_are_marked_without_fractions() -> None:
    axis = Axis(1.0, 3.0)
    assert [tick.label for tick in whole_ticks(axis.ticks(6), axis)] == ["1", "2", "3"]
    wide = Axis(0.0, 1.0, log=True)
    assert [tick.label for tick in whole_ticks(wide.ticks(6), wide) if tick.label] == ["1", "2", "5", "10"]
    narrow = Axis(4.0, 5.0)
    assert [tick.label for tick in whole_ticks(narrow.ticks(3), narrow)] == ["4", "5"]


def test_closing_the_main_window_ends_a_search_and_keeps_it(
    qtbot: QtBot, tmp_path: Path, english: LanguageSwitch
) -> None:
    from tests.ui.shell import open_window

    kept = str(tmp_path / "studies.sqlite3")
    main = open_window(qtbot, tmp_path)
    main.sweep_desk.open()
    window = main.sweep_desk.window
    assert window is not None
    qtbot.waitUntil(lambda: idle(window), timeout=LONG_MS)
    window.form.storage.setText(kept)
    pick(window.kept, "\nstd_and_rate")
    click(qtbot, window.start_button)
    qtbot.waitUntil(lambda: window._standing is not None and window._standing.here > 0, timeout=LONG_MS)
    study = window._study
    assert study is not None
    main.parts.session.undo_stack.setClean()
    start_s = time.monotonic()
    main.close()
    assert time.monotonic() - start_s < 3  # two for the search, and what the rest of the window takes
    assert main.stopped
    assert not window.isVisible()
    main.deleteLater()
    qtbot.wait(1)
    place = find_place(kept)
    states = [trial.state for trial in list_trials(study, place).counted]
    assert "running" not in states
    assert states
    # Whoever goes on makes the trials that were not finished.
    ended = run_study(study, place, catalogue(), Limits(), lambda standing: not standing.finished)
    assert ended.finished > 0
