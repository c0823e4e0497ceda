"""Contours, colours, the cross-hair and the table of a loss landscape are right; the buttons ask for what they say."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QPointF

from initviz.telemetry.landscape import LandscapeRequest
from initviz.views.contours import between, contour
from initviz.views.landscape import LandscapeView
from initviz.views.landscape_numbers import range_of
from initviz.views.palette import LIGHT
from tests.views.conftest import Show, count_of, make_run, painted
from tests.views.landscapes import made_up, spoiled


def test_the_line_of_equal_value_of_a_cone_is_a_circle() -> None:
    y, x = np.mgrid[-5:5:41j, -5:5:41j]
    pieces = contour(np.hypot(x, y), 3.3)
    ends = pieces.reshape(-1, 2)
    assert np.hypot(*((ends.T - 20) / 4)) == pytest.approx(3.3, abs=0.01)
    _, counts = np.unique(np.round(ends, 9), axis=0, return_counts=True)
    assert (counts == 2).all()  # it is closed
    around = np.hypot(*(pieces[:, :2] - pieces[:, 2:]).T).sum() / 4
    assert around == pytest.approx(2 * np.pi * 3.3, rel=0.01)


@settings(deadline=None, max_examples=50)
@given(arrays(np.float64, (6, 7), elements=st.floats(-3, 3)))
def test_a_contour_lies_on_its_level_and_ends_only_at_the_edge(values: Any) -> None:
    level = 0.1234567
    ends = contour(values, level).reshape(-1, 2)
    for x, y in ends:
        # Every end lies on the side of a square, where the value is a straight line between two corners.
        x0, y0 = int(np.floor(x)), int(np.floor(y))
        if y == y0:
            found = np.interp(x, (x0, x0 + 1), (values[y0, x0], values[y0, min(x0 + 1, 6)]))
        else:
            found = np.interp(y, (y0, y0 + 1), (values[y0, round(x)], values[min(y0 + 1, 5), round(x)]))
        assert found == pytest.approx(level, abs=1e-6)


def test_no_contour_passes_a_place_without_a_number() -> None:
    values = np.add.outer(np.arange(4.0), np.arange(4.0))
    values[0, 0] = np.nan
    ends = contour(values, 0.5).reshape(-1, 2)
    assert not len(ends)
    assert len(contour(values, 3.5))


def test_between_two_points_it_is_a_straight_line_and_what_is_no_number_stays_near() -> None:
    grid = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, np.inf]])
    fine = between(grid, 2)
    assert fine[0].tolist() == [0, 0.5, 1, 1.5, 2]
    assert fine[:, 0].tolist() == [0, 1.5, 3]
    assert fine[2, 4] == np.inf
    assert np.isfinite(fine[0]).all()
    assert not np.isnan(fine).any()
    assert (between(grid, 1) == grid).all()


def test_all_lanes_share_one_range_of_decades() -> None:
    found = made_up(make_run(key="landscape").info, 0)
    axis = range_of(found, [0, 3])
    decades = np.log10(found.loss[[0, 3]])
    assert axis.low <= decades.min() < decades.max() <= axis.high
    assert range_of(found, [0]).high < axis.high
    assert range_of(spoiled(found), [0, 1]).low == -1.0  # not a number among them


@pytest.fixture
def view(show: Show) -> LandscapeView:
    made = show("landscape", make_run(key="landscape"))
    assert isinstance(made, LandscapeView)
    return made


def test_the_cross_hair_tells_the_loss_of_every_lane_at_that_place(view: LandscapeView) -> None:
    found = view.found()
    assert found is not None
    rect = view.cells()[1].plot.rect
    for row, column in ((7, 7), (0, 14), (14, 3)):
        place = QPointF(rect.left() + column / 14 * rect.width(), rect.bottom() - row / 14 * rect.height())
        view.canvas.set_cursor(place)
        readout = view.readout()
        assert readout is not None
        for lane, told in enumerate(readout.rows):
            assert float(told.value) == pytest.approx(found.loss[lane, row, column], rel=5e-3)
    view.canvas.set_cursor(rect.center())
    readout = view.readout()
    assert readout is not None
    assert readout.heading == "(0, 0)"


def test_the_deepest_place_is_darkest(view: LandscapeView) -> None:
    image = painted(view)
    rect = view.cells()[3].plot.rect
    middle = image[round(rect.center().y()) - 12, round(rect.center().x()) - 3]
    corner = image[round(rect.top()) + 4, round(rect.right()) - 4]
    assert middle.astype(int).sum() < corner.astype(int).sum()


def test_a_line_is_drawn_where_a_line_was_asked_for(show: Show) -> None:
    run = make_run(key="landscape")
    run.history.landscape = made_up(run.info, 5, LandscapeRequest(is_plane=False, points=41))
    view = show("landscape", run)
    assert isinstance(view, LandscapeView)
    assert view.cells() == ()
    image = painted(view)
    for lane in range(4):
        assert count_of(image, LIGHT.lane(lane).color, 25) > 60
    view.canvas.set_cursor(QPointF(view.canvas.width() / 2.5, view.canvas.height() / 2))
    readout = view.readout()
    assert readout is not None
    assert len(readout.rows) == 4
    run.history.landscape = spoiled(run.history.landscape)
    view.refresh()
    painted(view)


def test_every_loss_is_in_the_table(view: LandscapeView, tmp_path: Path) -> None:
    view.save(tmp_path / "landscape.csv")
    with (tmp_path / "landscape.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = view.found()
    assert found is not None
    assert len(rows) == 4 * 15 * 15
    read = np.array([float(row["loss"]) for row in rows]).reshape(4, 15, 15)
    np.testing.assert_allclose(read, found.loss)
    assert {row["step"] for row in rows} == {str(found.step)}
    assert float(rows[0]["direction_1"]) == -1.0


def test_the_buttons_ask_for_what_they_say(view: LandscapeView) -> None:
    asked: list[object] = []
    given_up: list[bool] = []
    view.requested.connect(asked.append)
    view.cancelled.connect(lambda: given_up.append(True))
    view.reach_button.choose("0.5")
    view.points_button.choose("41")
    view.compute_entry.trigger()
    assert asked == [LandscapeRequest(True, 0.5, 41)]
    view.points_button.choose("line")
    assert view.request() == LandscapeRequest(False, 0.5, 101)
    view.set_progress(0.25)
    assert view.bar.isVisible()
    assert view.bar.value() == view.bar.maximum() / 4
    view.compute_button.click()
    assert given_up == [True]
    assert len(asked) == 1
    view.set_progress(None)
    assert not view.bar.isVisible()


def test_without_a_run_nothing_is_asked_for(show: Show) -> None:
    view = show("landscape")
    assert isinstance(view, LandscapeView)
    assert not view.compute_button.isEnabled()
    assert not view.compute_entry.isEnabled()


def test_in_a_narrow_dock_the_title_has_room(show: Show) -> None:
    view = show("landscape", make_run(key="landscape"), size=(320, 300))
    assert isinstance(view, LandscapeView)
    assert not view.reach_button.isVisible()
    view.resize(600, 300)
    assert view.reach_button.isVisible()
