"""Sums of weights beside the normal curve, and the slider that sets how far they spread."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from initviz.telemetry.history import RunHistory
from initviz.theory.central_limit import FAN_INS, LAWS, exact_distance
from initviz.theory.prediction import Prediction
from initviz.views.palette import LIGHT
from initviz.views.why_normal import FIRST_STEP, LAST_STEP, WhyNormalView, step_of, value_of
from tests.views.conftest import Run, Show, count_of, info_for, painted


def view_of(show: Show, run: Run | None = None, size: tuple[int, int] = (1000, 560)) -> WhyNormalView:
    view = show("why_normal", run, size=size)
    assert isinstance(view, WhyNormalView)
    return view


def run_that_starts_with(*sigmas: float) -> Run:
    """Return a run, not begun yet, whose lanes start with these sigma_w in their hidden layers."""
    info = info_for("why_normal", lanes=len(sigmas), layers=5)
    nothing = np.full(5, np.nan)
    lanes = tuple(
        replace(
            lane,
            prediction=Prediction(
                *(nothing,) * 5,
                np.array([9.0, sigma, sigma, sigma, 9.0]),
                nothing,
                nothing,
                *(math.nan,) * 5,
                None,
            ),
        )
        for lane, sigma in zip(info.lanes, sigmas, strict=True)
    )
    info = replace(info, lanes=lanes)
    return Run(info, RunHistory(info))


def test_without_a_run_every_law_and_fan_in_is_drawn(show: Show) -> None:
    view = view_of(show)
    cells = view.cells()
    assert [(cell.sums.law, cell.sums.fan_in) for cell in cells] == [
        (law, n) for law in LAWS for n in FAN_INS
    ]
    assert count_of(painted(view), LIGHT.text, 60) > 500
    # No cell lies in another or outside.
    for cell in cells:
        assert view.canvas.rect().toRectF().contains(cell.plot.rect)
        assert not any(cell.plot.rect.intersects(other.plot.rect) for other in cells if other is not cell)


def test_bars_are_where_the_units_are(show: Show) -> None:
    """Two-point weights of a single input: nothing between the two places, about half of all units at each."""
    view = view_of(show)
    image = painted(view).astype(int)
    cell = next(c for c in view.cells() if (c.sums.law, c.sums.fan_in) == ("two_point", 1))
    rect = cell.plot.rect
    row = round(rect.bottom()) - 4
    at = [round(float(cell.plot.px(np.array(z)))) for z in (-1.0, 0.3, 1.0)]
    white = np.array([255, 255, 255])
    dark = [bool(np.abs(image[row, x] - white).max() > 40) for x in at]
    assert dark == [True, False, True]


def test_the_curves_widen_with_the_slider(show: Show) -> None:
    view = view_of(show)
    widths = []
    for sigma in (0.75, 0.95):  # on one and the same axis
        view.show_sigma_w(sigma)
        cell = view.cells()[-1]
        column = painted(view).astype(int)[round(cell.plot.rect.bottom()) - 12]
        inside = column[round(cell.plot.rect.left()) + 1 : round(cell.plot.rect.right()) - 1]
        widths.append(int((np.abs(inside - 255).max(axis=1) > 40).sum()))
    assert widths[1] == pytest.approx(widths[0] * 0.95 / 0.75, rel=0.1)


def test_the_slider_goes_from_a_tenth_to_four_by_way_of_one() -> None:
    assert value_of(FIRST_STEP) == pytest.approx(0.1)
    assert value_of(LAST_STEP) == pytest.approx(4, rel=0.01)
    assert value_of(0) == 1.0
    for step in (FIRST_STEP, -7, 0, 6, LAST_STEP):
        assert step_of(value_of(step)) == step
    assert (step_of(1e-9), step_of(1e9)) == (FIRST_STEP, LAST_STEP)


def test_keys_on_the_slider_ask_for_another_start_of_the_lane_in_focus(show: Show, qtbot: QtBot) -> None:
    view = view_of(show, run_that_starts_with(1.0, 1.0, 1.0, 1.0))
    view.set_focus_lane(2)
    before = painted(view)
    with qtbot.waitSignal(view.start_moved, timeout=2000) as told:
        qtbot.keyClick(view.slider, Qt.Key.Key_Right)
    lane, sigma_w, sigma_b, number = told.args
    assert lane == 2
    assert sigma_w == pytest.approx(10 ** (1 / 40))
    assert math.isnan(sigma_b)
    assert (painted(view) != before).any()
    # What follows at once is the same move, told once more.
    with qtbot.waitSignal(view.start_moved, timeout=2000) as again:
        for _ in range(5):
            qtbot.keyClick(view.slider, Qt.Key.Key_Right)
    assert again.args[1] == pytest.approx(10 ** (6 / 40))
    assert again.args[3] == number


def test_without_a_run_the_slider_asks_for_nothing(show: Show, qtbot: QtBot) -> None:
    view = view_of(show)
    with qtbot.assertNotEmitted(view.start_moved, wait=200):
        qtbot.keyClick(view.slider, Qt.Key.Key_Right)
    assert view.sigma_w > 1


def test_it_follows_the_start_of_the_lane_in_focus(show: Show, qtbot: QtBot) -> None:
    run = run_that_starts_with(1.4142, 0.5)
    view = view_of(show, run)
    with qtbot.assertNotEmitted(view.start_moved, wait=100):
        assert view.sigma_w == pytest.approx(1.4142, rel=0.03)
        view.set_focus_lane(1)
        assert view.sigma_w == pytest.approx(0.5, rel=0.03)
        # A run that answers to an older place of the slider does not pull it back.
        view.slider.setValue(step_of(2.0))
        view._tell_later.stop()
        view.set_run(run.info, run.history)
    assert view.sigma_w == pytest.approx(2.0, rel=0.03)


def test_the_read_out_and_the_table_tell_the_distances(show: Show, tmp_path: Path) -> None:
    view = view_of(show)
    cell = next(c for c in view.cells() if (c.sums.law, c.sums.fan_in) == ("two_point", 16))
    view.canvas.set_cursor(cell.plot.rect.center())
    readout = view.readout()
    assert readout is not None
    assert "0.098" in readout.spoken()
    view.canvas.set_cursor(QPointF(1.0, 1.0))
    assert view.readout() is None
    view.save(tmp_path / "why.csv")
    with (tmp_path / "why.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(LAWS) * len(FAN_INS)
    for row in rows:
        law = next(law for law in LAWS if law == row["weights"])
        assert float(row["ks_distance"]) == pytest.approx(exact_distance(law, int(row["fan_in"])), rel=1e-5)
        assert float(row["fitted_std"]) == pytest.approx(1, abs=0.03)
