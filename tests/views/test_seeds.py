"""Lanes that are repeated over seeds: mean and band of the loss, and one entry a lane everywhere else."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from initviz.telemetry import synthetic
from initviz.telemetry.frame import Floats, RunInfo, Validation
from initviz.telemetry.history import RunHistory
from initviz.views.ensemble import EnsembleView
from initviz.views.index import VIEWS
from initviz.views.loss import LossView
from initviz.views.palette import LIGHT, rgb
from initviz.views.panels import Curve
from tests.views.conftest import Run, Show, count_of, make_run, painted
from tests.views.test_loss import own_run, point_at

SIZES = (3, 1, 2)


def grouped(info: RunInfo, sizes: tuple[int, ...] = SIZES) -> RunInfo:
    """Return a run in which consecutive lanes are the seeds of one."""
    lanes, first = [], 0
    for group, size in enumerate(sizes):
        title = info.lanes[first].name
        for member in range(size):
            lane = info.lanes[first + member]
            if size > 1:
                lane = replace(lane, name=f"{title} · {7 + member}", group_name=title)
            lanes.append(replace(lane, color=group, group=group, member=member, seed=7 + member))
        first += size
    assert first == len(info.lanes)
    return replace(info, lanes=tuple(lanes))


def seeds_run(loss: Floats, sizes: tuple[int, ...] = SIZES, total: int = 2000) -> Run:
    run = own_run(loss, total)
    info = grouped(run.info, sizes)
    run.history.info = info
    return Run(info, run.history)


def scattered(steps: int = 30) -> Floats:
    """Return losses ``(S, 6)`` of which the groups overlap nowhere."""
    start = np.array([1.0, 1.2, 1.7, 0.3, 4.0, 5.0])
    losses: Floats = start * np.exp(
        -np.arange(steps)[:, None] * np.array([0.01, 0.015, 0.002, 0.01, 0.001, 0.003])
    )
    return losses


def loss_view(show: Show, run: Run, size: tuple[int, int] = (640, 420)) -> LossView:
    view = show("loss", run, size=size)
    assert isinstance(view, LossView)
    return view


def curve(view: LossView, lane: int, panel: int = 0) -> Curve:
    return next(one for one in view.panels_shown()[panel].curves if one.lane == lane and one.seeds)


@pytest.mark.parametrize("kind", ["range", "quartiles", "std"])
def test_the_line_is_the_mean_of_the_seeds_and_the_band_what_was_chosen(show: Show, kind: str) -> None:
    loss = scattered()
    view = loss_view(show, seeds_run(loss))
    view.choose_band(kind)
    for lane, own in ((0, loss[:, :3]), (4, loss[:, 4:])):
        drawn = curve(view, lane)
        mean, std = own.mean(axis=1), own.std(axis=1, ddof=1)
        edges = {
            "range": (own.min(axis=1), own.max(axis=1)),
            "quartiles": tuple(np.quantile(own, share, axis=1) for share in (0.25, 0.75)),
            "std": (mean - std, mean + std),
        }[kind]
        np.testing.assert_allclose(drawn.values, mean, rtol=1e-12)
        assert drawn.low is not None
        assert drawn.high is not None
        np.testing.assert_allclose(drawn.low, edges[0], rtol=1e-12)
        np.testing.assert_allclose(drawn.high, edges[1], rtol=1e-12)
    alone = [one for one in view.panels_shown()[0].curves if one.lane == 3]
    assert [one.seeds for one in alone] == [False]
    np.testing.assert_array_equal(alone[0].values, loss[:, 3])


def test_no_single_seed_has_a_line_or_a_name(show: Show) -> None:
    view = loss_view(show, seeds_run(scattered()))
    panel = view.panels_shown()[0]
    assert {one.lane for one in panel.curves} == {0, 3, 4}
    assert [label.lane for label in panel.labels] == [0, 3, 4]
    assert [view.lane_name(label.lane) for label in panel.labels] == ["zeros × 3", "He", "N(0, 1) × 2"]
    assert panel.labels[0].text == f"{scattered()[-1, :3].mean():.2f}"


def tint_at(view: LossView, image: np.ndarray, step: float, value: float) -> float:
    """Return how far the colour at a place lies from the ground, towards the first lane's, from 0 to 1."""
    plot = view.plots()[0]
    x, y = float(plot.px(np.array(step))), float(plot.py(plot.y.coordinates(np.array(value))))
    ground, color = (np.array(rgb(name), dtype=float) for name in (LIGHT.surface, LIGHT.lane(0).color))
    found = image[round(y), round(x)].astype(float)
    return float((found - ground) @ (color - ground) / ((color - ground) @ (color - ground)))


def test_the_band_is_painted_from_edge_to_edge_and_not_beyond(show: Show) -> None:
    loss = np.ones((200, 3)) * np.array([0.5, 1.0, 2.4])
    view = loss_view(show, seeds_run(loss, (3,), total=200))
    view.show_part("loss")
    image = painted(view)
    assert [tint_at(view, image, 70, value) > 0.1 for value in (0.55, 0.7, 1.0, 1.7, 2.2)] == [True] * 5
    assert [abs(tint_at(view, image, 70, value)) < 0.05 for value in (0.45, 2.6)] == [True] * 2
    view.choose_band("quartiles")
    image = painted(view)
    assert [tint_at(view, image, 70, value) > 0.1 for value in (0.55, 0.8, 1.6, 2.2)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_deviation_larger_than_the_mean_leaves_a_logarithmic_axis_at_the_bottom(show: Show) -> None:
    loss = np.ones((200, 3)) * np.array([0.02, 0.02, 2.0])  # mean 0.68, deviation 1.14
    view = loss_view(show, seeds_run(loss, (3,), total=200))
    view.show_part("loss")
    view.choose_band("std")
    drawn = curve(view, 0)
    assert drawn.low is not None
    assert (drawn.low == 0.0).all()
    plot, image = view.plots()[0], painted(view)
    bottom = 10**plot.y.low
    assert [tint_at(view, image, 70, value) > 0.1 for value in (1.1 * bottom, 0.1, 0.5, 1.7)] == [True] * 4
    view.canvas.set_cursor(point_at(view, 70))
    readout = view.readout()
    assert readout is not None
    assert readout.rows[0].value == "0.680 ± 1.14"


def test_the_axis_reaches_every_seed_and_not_the_deviation(show: Show) -> None:
    loss = np.ones((50, 3)) * np.array([1e-3, 0.5, 1.0])
    view = loss_view(show, seeds_run(loss, (3,)))
    view.choose_band("std")
    axis = view.plots()[0].y
    assert -3.8 < axis.low <= -3.0


@pytest.mark.parametrize(
    ("kind", "expected", "heading"),
    [
        ("range", " (1.00 – 1.70)", "min – max"),
        ("quartiles", " (1.10 – 1.45)", "quartiles"),
        ("std", " ± 0.361", "± std"),
    ],
)
def test_the_cross_hair_says_mean_and_band(show: Show, kind: str, expected: str, heading: str) -> None:
    view = loss_view(show, seeds_run(scattered()))
    view.choose_band(kind)
    view.canvas.set_cursor(point_at(view, 0))
    readout = view.readout()
    assert readout is not None
    values = {row.lane: row.value for row in readout.rows}
    assert values[0] == f"1.30{expected}"
    assert values[3] == "0.300"
    assert heading in readout.heading


def test_seeds_that_diverge_leave_the_mean_to_the_others(show: Show) -> None:
    loss = scattered()
    loss[10:, 1] = np.nan
    run = seeds_run(loss)
    states = synthetic.frame(run.info, 30).lanes
    fine = replace(states[2], outcome="ok", diverged_at=None, is_worse=False)
    dead = replace(fine, outcome="diverged", diverged_at=10)
    run.history.set_lanes((fine, dead, fine, fine, dead, dead))
    view = loss_view(show, run)
    drawn = curve(view, 0)
    np.testing.assert_allclose(drawn.values[10:], loss[10:, [0, 2]].mean(axis=1))
    np.testing.assert_allclose(drawn.values[:10], loss[:10, :3].mean(axis=1))
    panel = view.panels_shown()[0]
    assert view.lane_name(0) == "zeros × 2/3"
    assert view.lane_name(4) == "N(0, 1) × 2"  # nobody is left: it is said to have diverged
    crosses = [mark for mark in panel.marks if mark.died]
    assert [(mark.lane, mark.step) for mark in crosses] == [(0, 10.0)]
    assert crosses[0].value == pytest.approx(drawn.values[10])
    labels = {label.lane: label for label in panel.labels}
    assert [labels[lane].died for lane in (0, 3, 4)] == [False, False, True]


def test_scores_held_back_have_the_band_and_training_a_faint_line(show: Show) -> None:
    run = seeds_run(scattered())
    rng = np.random.default_rng(0)
    scores = [rng.uniform(0.5, 2.0, 6) for _ in range(4)]
    for step, loss in zip((0, 10, 20, 30), scores, strict=True):
        run.history.add_validation(Validation(step, loss, loss / 2))
    view = loss_view(show, run)
    for panel, factor in ((0, 1.0), (1, 0.5)):
        own = [one for one in view.panels_shown()[panel].curves if one.lane == 0]
        assert [(one.faint, one.thick, one.seeds) for one in own] == [
            (True, False, False),
            (False, True, True),
        ]
        expected = factor * np.array([loss[:3] for loss in scores])
        np.testing.assert_allclose(own[1].values, expected.mean(axis=1))
        assert own[1].low is not None
        np.testing.assert_allclose(own[1].low, expected.min(axis=1))


def test_the_choice_of_a_band_is_offered_only_where_there_are_seeds(show: Show) -> None:
    assert loss_view(show, seeds_run(scattered()))._bands.isVisible()
    assert not loss_view(show, own_run(scattered()))._bands.isVisible()


def test_the_band_is_recalled(show: Show) -> None:
    view = loss_view(show, seeds_run(scattered()))
    assert view.choices() == {"loss_band": "range"}
    view.recall({"loss_band": "std"})
    assert view.band_kind == "std"
    view.recall({"loss_band": "nonsense"})
    view.recall({})
    assert view.choices() == {"loss_band": "std"}


def test_the_table_holds_every_seed(show: Show, tmp_path: Path) -> None:
    loss = scattered()
    view = loss_view(show, seeds_run(loss))
    path = tmp_path / "loss.csv"
    view.save(path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for column, name in enumerate(
        ["zeros · 7", "zeros · 8", "zeros · 9", "He", "N(0, 1) · 7", "N(0, 1) · 8"]
    ):
        assert [float(row[f"{name} train_loss"]) for row in rows] == pytest.approx(loss[:, column])


def test_focus_eye_and_clicks_are_those_of_all_seeds(show: Show, qtbot: QtBot) -> None:
    view = loss_view(show, seeds_run(scattered()))
    view.set_focus_lane(2)
    assert view.focus_lane == 4
    view.set_hidden_lanes(frozenset({0}))
    assert view.hidden_lanes == frozenset({0, 1, 2})
    assert view.shown_lanes() == [3, 4]
    assert {one.lane for one in view.panels_shown()[0].curves} == {3, 4}
    rect = next(rect for rect, lane in view.lane_places() if lane == 4)
    with qtbot.waitSignal(view.lane_chosen) as heard:
        qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    assert heard.args == [2]


def test_the_focus_outlives_a_run_with_fewer_lanes(show: Show) -> None:
    view = loss_view(show, seeds_run(scattered()))
    view.set_focus_lane(2)
    other = own_run(scattered()[:, :1])
    view.set_run(other.info, other.history)
    assert view.focus_lane == 0
    again = seeds_run(scattered())
    view.set_run(again.info, again.history)
    assert view.focus_lane == 4


@pytest.mark.parametrize("key", [declared.key for declared in VIEWS])
def test_every_view_shows_the_first_seed_and_says_so(show: Show, key: str) -> None:
    made = make_run(6, 5, key=key)
    info = grouped(made.info)
    history = RunHistory(info)
    run = Run(info, history)
    run.go_on(120)
    run.go_on(120)
    view = show(key, run, size=(800, 500))
    assert view._fault == ""
    assert view.shown_lanes() == [0, 3, 4]
    if not isinstance(view, LossView | EnsembleView):
        assert view.lane_name(0) == "zeros, seed 7 (1 of 3)"
        assert view.lane_name(3) == "He"
        assert {lane for _, lane in view.lane_places()} <= {0, 3, 4}


def test_all_seeds_are_members_of_an_ensemble(show: Show) -> None:
    made = make_run(6, 3, 600, key="ensemble")
    info = grouped(made.info, (3, 3))
    made.history.info = info
    view = show("ensemble", Run(info, made.history), size=(800, 420))
    assert isinstance(view, EnsembleView)
    assert view.members() == (0, 1, 2, 3, 4, 5)
    assert view.lane_name(1) == "zeros · 8"
    told: set[int | None] = set()
    for x in range(10, 800, 30):  # the cross-hair names seeds that other views do not show
        view.canvas.set_cursor(QPointF(x, 100.0))
        painted(view)
        readout = view.readout()
        told |= {row.lane for row in readout.rows} if readout is not None else set()
    assert told & {1, 2, 4, 5}
    view.set_hidden_lanes(frozenset({0}))
    assert view.members() == (3, 4, 5)


def test_two_seeds_look_otherwise_than_one(show: Show) -> None:
    loss = np.ones((100, 2)) * np.array([0.5, 2.0])
    one = painted(loss_view(show, own_run(loss)))
    two = painted(loss_view(show, seeds_run(loss, (2,))))
    other = LIGHT.lane(1).color
    assert count_of(one, other) > 50
    assert count_of(two, other) == 0


def test_nothing_is_said_where_no_seed_has_a_number(show: Show) -> None:
    loss = np.full((20, 3), np.nan)
    loss[:2] = 1.0
    view = loss_view(show, seeds_run(loss, (3,)))
    view.canvas.set_cursor(QPointF(point_at(view, 15)))
    readout = view.readout()
    assert readout is None or readout.rows == ()
