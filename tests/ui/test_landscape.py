"""The loss landscape in the window: asked for with the button, worked out beside training, given up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.limits import Limits
from initviz.telemetry.landscape import LandscapeRequest, landscape
from initviz.ui.main_window import MainWindow
from initviz.views.landscape import LandscapeView
from initviz.worker.workshop import TorchWorkshop
from tests.ui.shell import click, close_window, open_window, press, state, steps_made, wait_for_steps

LONG_MS = 60_000


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    window = open_window(qtbot, tmp_path, TorchWorkshop(catalogue(), Limits()))
    window.dashboard.show_dock("landscape", True)
    yield window
    close_window(qtbot, window)


def view_of(window: MainWindow) -> LandscapeView:
    view = window.dashboard.docks["landscape"].view
    assert isinstance(view, LandscapeView)
    return view


def ask_for_little(view: LandscapeView) -> None:
    view.points_button.choose("15")


def wait_for_it(qtbot: QtBot, view: LandscapeView) -> None:
    qtbot.waitUntil(lambda: view.has_data() and not view.bar.isVisible(), timeout=LONG_MS)


def test_it_is_worked_out_at_rest_and_is_what_the_engine_finds(qtbot: QtBot, window: MainWindow) -> None:
    view = view_of(window)
    ask_for_little(view)
    assert not view.bar.isVisible()
    buttons = [view.points_button, view.reach_button, view.compute_button]
    shown = [button for button in buttons if button.isVisible()]
    shown[0].setFocus(Qt.FocusReason.TabFocusReason)
    for button, following in itertools.pairwise(shown):  # so Qt knows that it is the keyboard that goes there
        QTest.keyClick(button, Qt.Key.Key_Tab)
        assert following.hasFocus()
    QTest.keyClick(view.compute_button, Qt.Key.Key_Space)
    assert view.bar.isVisible()
    assert view.compute_button.text() == "Cancel"
    seen: list[int] = []
    view.bar.valueChanged.connect(seen.append)
    wait_for_it(qtbot, view)
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert view.compute_button.text() == "Compute"
    found = view.found()
    assert found is not None
    assert (found.step, found.loss.shape[1:]) == (0, (15, 15))
    race = Race(window.parts.session.experiment, catalogue(), Limits())
    slices = landscape(race, found.run_id, LandscapeRequest(points=15))
    while True:
        try:
            next(slices)
        except StopIteration as end:
            np.testing.assert_array_equal(end.value.loss, found.loss)
            break
    assert state(window) == "ready"


def test_training_goes_on_and_the_view_can_be_cancelled(qtbot: QtBot, window: MainWindow) -> None:
    view = view_of(window)
    press(qtbot, window, Qt.Key.Key_Space)
    wait_for_steps(qtbot, window, 5)
    click(qtbot, view.compute_button)
    before = steps_made(window)
    qtbot.waitUntil(lambda: view.bar.value() > 0, timeout=LONG_MS)
    wait_for_steps(qtbot, window, before + 5)
    assert view.bar.isVisible()
    click(qtbot, view.compute_button)
    qtbot.waitUntil(lambda: not view.bar.isVisible(), timeout=LONG_MS)
    assert not view.has_data()
    assert view.compute_button.text() == "Compute"
    view.points_button.choose("line")
    click(qtbot, view.compute_button)
    wait_for_it(qtbot, view)
    found = view.found()
    assert found is not None
    assert found.step > 5
    assert found.loss.shape[1:] == (1, 101)


def test_another_run_ends_it_and_forgets_it(qtbot: QtBot, window: MainWindow) -> None:
    view = view_of(window)
    ask_for_little(view)
    click(qtbot, view.compute_button)
    wait_for_it(qtbot, view)
    click(qtbot, view.compute_button)
    assert view.bar.isVisible()
    press(qtbot, window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: not view.bar.isVisible(), timeout=LONG_MS)
    qtbot.waitUntil(lambda: state(window) == "ready" and not view.has_data(), timeout=LONG_MS)
