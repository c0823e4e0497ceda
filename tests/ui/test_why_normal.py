"""The slider beside the sums of weights sets how the lane in focus starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from initviz.catalog.parts import InitContext, InitializerPart
from initviz.ui.main_window import MainWindow
from initviz.views.why_normal import WhyNormalView
from tests.ui.shell import LaneWorkshop, close_window, open_window

HIDDEN = InitContext(shape=(64, 64), fan_in=64, fan_out=64)


def sigma_w(window: MainWindow, lane: int) -> float:
    """Return sigma_w of a lane's hidden layers as the experiment has it."""
    weight = window.parts.session.experiment.lanes[lane].recipe.init.weight
    part = window.parts.session.catalogue.get("initializer", weight.name)
    assert isinstance(part, InitializerPart)
    std = part.target_std(weight, HIDDEN)
    assert std is not None
    return 8 * std


def test_the_slider_starts_the_lane_in_focus_elsewhere_and_one_undo_takes_it_back(
    qtbot: QtBot, tmp_path: Path
) -> None:
    workshop = LaneWorkshop()
    window = open_window(qtbot, tmp_path, workshop)
    session = window.parts.session
    window.dashboard.show_dock("why_normal", True)
    view = window.dashboard.docks["why_normal"].view
    assert isinstance(view, WhyNormalView)
    qtbot.waitUntil(view.isVisible)
    before, edits = session.document, session.undo_stack.count()
    session.set_focus_lane(1)
    others = [sigma_w(window, lane) for lane in (2, 3)]
    biases = [lane.recipe.init.bias for lane in session.experiment.lanes]
    view.show_sigma_w(1.0)
    view.slider.setFocus()
    for presses in (1, 3):
        for _ in range(presses):
            qtbot.keyClick(view.slider, Qt.Key.Key_Right)
        qtbot.waitUntil(lambda: sigma_w(window, 1) == pytest.approx(view.sigma_w, rel=1e-4))
    assert view.sigma_w == pytest.approx(10 ** (4 / 40))
    assert [sigma_w(window, lane) for lane in (2, 3)] == others
    assert [lane.recipe.init.bias for lane in session.experiment.lanes] == biases
    # The run that stands ready follows, so that the plots show the new start.
    weights = session.experiment.lanes[1].recipe.init.weight
    qtbot.waitUntil(lambda: workshop.experiments[-1].lanes[1].recipe.init.weight == weights, timeout=10_000)
    assert session.undo_stack.count() == edits + 1
    session.undo_stack.undo()
    assert session.document == before
    close_window(qtbot, window)
