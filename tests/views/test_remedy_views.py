"""Confusions, gradients through time, range tests, gauges, averaged weights and early stopping."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from initviz.telemetry import synthetic
from initviz.telemetry.history import RunHistory
from initviz.views.confusion import ConfusionView
from initviz.views.gauges import GaugesView
from initviz.views.loss import LossView
from initviz.views.lr_range import RateRangeView
from initviz.views.palette import LIGHT
from initviz.views.time_gradient import TimeGradientView
from tests.views.conftest import Run, Show, count_of, info_for, make_run, painted


def remedied(steps: int = 300) -> Run:
    return make_run(4, 5, steps, key="gauges")


# Confusion matrix


def confusion_view(show: Show, size: tuple[int, int] = (760, 560)) -> ConfusionView:
    view = show("confusion", make_run(4, 5, key="confusion"), size=size)
    assert isinstance(view, ConfusionView)
    return view


def test_each_lane_has_a_square_matrix_and_a_bar_a_class(show: Show) -> None:
    view = confusion_view(show)
    for cell in view.cells():
        rect = cell.plot.rect
        matrix = float(cell.plot.px(np.array(9.5))) - rect.left()
        assert matrix == pytest.approx(rect.height())
        assert rect.right() > rect.left() + 1.2 * matrix
        assert rect.left() > 8  # the names of the classes stand there
        assert rect.right() < view.canvas.width()


def test_the_longer_the_bar_the_better_the_class(show: Show) -> None:
    view = confusion_view(show)
    history = view.history
    assert history is not None
    assert history.frame is not None
    confusion = history.frame.confusion
    assert confusion is not None
    image = painted(view)
    cell = view.cells()[3]
    rect = cell.plot.rect
    color = np.array([int(LIGHT.lane(3).color[i : i + 2], 16) for i in (1, 3, 5)])
    left = round(float(cell.plot.px(np.array(9.5 + 0.4)))) + 1
    lengths = []
    for row in range(10):
        y = round(rect.top() + (row + 0.2) * rect.height() / 10)
        strip = image[y, left : round(rect.right()) + 1].astype(int)
        lengths.append(int((np.abs(strip - color).max(axis=1) < 40).sum()))
    assert np.corrcoef(lengths, confusion.class_accuracy()[3])[0, 1] > 0.95


def test_the_cross_hair_says_how_many_of_the_class_were_taken_for_which(show: Show) -> None:
    view = confusion_view(show)
    history = view.history
    assert history is not None
    assert history.frame is not None
    confusion = history.frame.confusion
    assert confusion is not None
    rect = view.cells()[0].plot.rect
    pitch = rect.height() / 10
    view.canvas.set_cursor(QPointF(rect.left() + 3.5 * pitch, rect.top() + 7.5 * pitch))
    readout = view.readout()
    assert readout is not None
    assert readout.heading == "true 7, answer 3"
    counts = confusion.counts[:, 7]
    assert [row.value.split("  ")[0] for row in readout.rows] == [
        f"{row[3]} of {row.sum()}" for row in counts
    ]
    view.canvas.set_cursor(QPointF(rect.right() - 3, rect.top() + 7.5 * pitch))
    readout = view.readout()
    assert readout is not None
    assert readout.heading == "class 7"
    assert readout.rows[0].value.startswith(f"{counts[0, 7]} of")


def test_counts_are_written_where_they_fit(show: Show) -> None:
    large, small = confusion_view(show, (1200, 900)), confusion_view(show, (300, 260))
    assert large.cells()[0].plot.rect.height() / 10 > 24
    assert small.cells()[0].plot.rect.height() / 10 < 14
    before = painted(large)
    history = large.history
    assert history is not None
    assert history.frame is not None
    confusion = history.frame.confusion
    assert confusion is not None
    # Ten times as many examples look the same but for the numbers.
    history.add_frame(replace(history.frame, confusion=replace(confusion, counts=10 * confusion.counts)))
    large.refresh()
    assert (painted(large) != before).any()


def test_a_regression_is_told_that_it_has_no_classes(show: Show) -> None:
    info = replace(info_for("confusion"), task="regression", class_names=())
    view = show("confusion", Run(info, RunHistory(info)))
    assert "no classes" in view.invitation()


@pytest.mark.parametrize("count", [2, 3, 60, 100])
def test_few_and_very_many_classes(count: int, show: Show) -> None:
    info = replace(
        info_for("confusion"), class_names=tuple(f"a long class {place}" for place in range(count))
    )
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 10))
    frame = synthetic.frame(info, 10)
    assert frame.confusion is not None
    counts = np.tile(np.eye(count, dtype=np.int64), (4, 1, 1)) * 5
    history.add_frame(replace(frame, confusion=replace(frame.confusion, counts=counts)))
    view = show("confusion", Run(info, history), size=(700, 500))
    assert isinstance(view, ConfusionView)
    assert all(cell.plot.rect.left() > 0 for cell in view.cells())
    assert all(cell.plot.rect.right() <= view.canvas.width() for cell in view.cells())
    painted(view)


# Gradient through time


def test_time_runs_back_from_the_last_step(show: Show) -> None:
    run = remedied()
    view = show("time_gradient", run)
    assert isinstance(view, TimeGradientView)
    assert len(view.plots()) == 2
    plot = view.plots()[0]
    frame = run.history.frame
    assert frame is not None
    norms = frame.time_gradients[0].norms
    for back, step in ((0, synthetic.TIME_STEPS), (synthetic.TIME_STEPS - 1, 1)):
        x = float(plot.px(np.array(float(back))))
        view.canvas.set_cursor(QPointF(x, plot.rect.center().y()))
        readout = view.readout()
        assert readout is not None
        assert readout.heading == f"rnn_1, time step {step} of {synthetic.TIME_STEPS}"
        y = float(plot.py_inside(plot.y.coordinates(norms[2, step - 1])))
        at = readout.rows[2].at
        assert at is not None
        assert at.y() == pytest.approx(y)


def test_without_a_recurrent_layer_it_says_so(show: Show) -> None:
    view = show("time_gradient", make_run(4, 5))
    assert "no recurrent layer" in view.invitation()
    assert view.readout() is None


# Range test


def test_the_suggested_rate_is_marked_and_named(show: Show) -> None:
    run = make_run(3, 5, 1800, key="lr_range", frames=2)
    view = show("lr_range", run)
    assert isinstance(view, RateRangeView)
    curves, plot = view.curves(), view.plot()
    assert plot is not None
    assert plot.x.log
    assert set(curves) == {0, 1, 2}
    rates = [curve.suggestion for curve in curves.values()]
    assert all(rate is not None for rate in rates)
    # Every lane of the made-up run bears less than the one before.
    assert rates[0] > rates[1] > rates[2]  # type: ignore[operator]
    image = painted(view)
    for lane, curve in curves.items():
        assert curve.suggestion is not None
        x = float(plot.px(plot.x.coordinates(np.array(curve.suggestion))))
        y = float(plot.py_inside(plot.y.coordinates(np.array(curve.suggested_loss))))
        spot = image[round(y) - 3 : round(y) + 3, round(x) - 3 : round(x) + 3]
        assert count_of(spot, LIGHT.lane(lane).color, 25) > 20
    view.canvas.set_cursor(QPointF(plot.rect.center().x(), plot.rect.center().y()))
    readout = view.readout()
    assert readout is not None
    assert readout.heading.startswith("learning rate ")
    assert all("●" in row.value for row in readout.rows)


def test_another_schedule_is_told_what_to_choose(show: Show) -> None:
    view = show("lr_range", make_run(4, 5))
    assert "range test" in view.invitation()
    assert view.readout() is None


def test_lanes_that_test_no_rates_are_left_out(show: Show) -> None:
    run = make_run(3, 5, 600, key="lr_range")
    lanes = (run.info.lanes[0], replace(run.info.lanes[1], tests_rates=False), run.info.lanes[2])
    info = replace(run.info, lanes=lanes)
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 600))
    view = show("lr_range", Run(info, history))
    assert isinstance(view, RateRangeView)
    assert set(view.curves()) == {0, 2}


# Gauges


def test_every_gauge_has_a_plot_and_an_axis_that_suits(show: Show) -> None:
    view = show("gauges", remedied(), size=(700, 520))
    assert isinstance(view, GaugesView)
    share, other, scale = view.panels_shown()
    assert (share.caption, share.axis.percent, share.axis.low, share.axis.high) == (
        "share of clipped steps",
        True,
        0.0,
        1.0,
    )
    assert other.axis.percent
    assert scale.caption == "loss scale"
    assert not scale.axis.percent
    plot = view.plots()[0]
    view.canvas.set_cursor(plot.rect.center())
    readout = view.readout()
    assert readout is not None
    assert all("%" in row.value for row in readout.rows)


def test_a_gauge_over_many_decades_has_an_axis_of_decades(show: Show) -> None:
    info = info_for("gauges")
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 41))
    for step in range(0, 41, 10):
        frame = synthetic.frame(info, step)
        gauges = frame.gauges.copy()
        gauges[2] = 2.0**step
        history.add_frame(replace(frame, gauges=gauges))
    view = show("gauges", Run(info, history))
    assert isinstance(view, GaugesView)
    assert view.panels_shown()[2].axis.log


def test_an_axis_of_what_is_never_negative_starts_at_zero(show: Show) -> None:
    info = info_for("gauges")
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 41))
    for step in range(0, 41, 10):
        frame = synthetic.frame(info, step)
        gauges = frame.gauges.copy()
        gauges[2] = np.arange(4) * 0.04
        history.add_frame(replace(frame, gauges=gauges))
    view = show("gauges", Run(info, history))
    assert isinstance(view, GaugesView)
    assert view.panels_shown()[2].axis.low == 0.0
    assert not view.panels_shown()[2].axis.log


def test_where_not_all_fit_it_says_how_many_are_left_out(show: Show) -> None:
    view = show("gauges", remedied(), size=(420, 130))
    assert isinstance(view, GaugesView)
    assert len(view.panels_shown()) == 1
    assert view.panels_shown()[0].note == "2 more where there is more room"


def test_a_run_without_remedies_is_told_what_to_switch_on(show: Show) -> None:
    assert "No remedy" in show("gauges", make_run(4, 5)).invitation()


def test_a_lane_without_a_gauge_has_no_line(show: Show) -> None:
    info = info_for("gauges")
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 41))
    for step in range(0, 41, 10):
        frame = synthetic.frame(info, step)
        gauges = frame.gauges.copy()
        gauges[:, 1] = np.nan
        history.add_frame(replace(frame, gauges=gauges))
    view = show("gauges", Run(info, history))
    assert isinstance(view, GaugesView)
    for panel in view.panels_shown():
        assert {label.lane for label in panel.labels} <= {0, 2, 3}
        drawn = {curve.lane for curve in panel.curves if np.isfinite(curve.values).any()}
        assert drawn == {0, 2, 3}


# Loss


def test_averaged_weights_have_a_line_of_their_own(show: Show) -> None:
    view = show("loss", remedied(), size=(700, 520))
    assert isinstance(view, LossView)
    loss = view.panels_shown()[0]
    hollow = [curve for curve in loss.curves if curve.hollow]
    assert {curve.lane for curve in hollow} == {0, 1, 2, 3}
    assert "double" in loss.note
    assert loss.values == "train / averaged / validation"
    header = view.table()[0]
    assert "Xavier averaged_val_loss" in header
    assert "Xavier averaged_val_accuracy" in header
    plain = show("loss", make_run(4, 5))
    assert isinstance(plain, LossView)
    assert not any(curve.hollow for curve in plain.panels_shown()[0].curves)
    assert "Xavier averaged_val_loss" not in plain.table()[0]


@pytest.mark.parametrize(
    ("kinds", "note", "values"),
    [
        (("weights",) * 4, "averaged weights double", "train / averaged / validation"),
        (("answers", "", "", ""), "snapshots double", "train / snapshots / validation"),
        (("answers", "weights", "", ""), "averages double", "train / averaged / validation"),
    ],
)
def test_what_the_double_lines_are_is_said(
    show: Show, kinds: tuple[Literal["", "weights", "answers"], ...], note: str, values: str
) -> None:
    run = remedied()
    lanes = tuple(replace(lane, beside=kind) for lane, kind in zip(run.info.lanes, kinds, strict=True))
    view = show("loss", replace(run, info=replace(run.info, lanes=lanes)), size=(700, 520))
    assert isinstance(view, LossView)
    for panel in view.panels_shown():
        assert panel.values == values
    assert view.panels_shown()[0].note == f"validation thick, {note}"


def test_a_lane_that_was_stopped_ends_at_a_bar_with_a_ring_at_its_best(show: Show) -> None:
    view = show("loss", remedied(400), size=(700, 520))
    assert isinstance(view, LossView)
    for panel in view.panels_shown():
        stopped = [label for label in panel.labels if label.stopped]
        assert [(label.lane, label.step) for label in stopped] == [(3, synthetic.STOPPED_AT)]
        assert [(mark.lane, mark.step) for mark in panel.marks] == [(3, synthetic.BEST_STEP)]
        for curve in panel.curves:
            if curve.lane == 3:
                assert not np.isfinite(curve.values[curve.steps > synthetic.STOPPED_AT]).any()
    before = make_run(4, 5, 200, key="gauges", frames=4)
    early = show("loss", before)
    assert isinstance(early, LossView)
    assert early.panels_shown()[0].marks == ()


def test_the_bar_is_drawn_where_the_line_ends(show: Show) -> None:
    view = show("loss", remedied(400), size=(700, 520))
    assert isinstance(view, LossView)
    panel, plot = view.panels_shown()[0], view.plots()[0]
    label = next(label for label in panel.labels if label.stopped)
    x = float(plot.px(np.array(label.step)))
    y = float(plot.py_inside(plot.y.coordinates(np.array(label.value))))
    image = painted(view)
    column = image[round(y) - 7 : round(y) + 7, round(x) - 1 : round(x) + 1]
    assert count_of(column, LIGHT.lane(3).color, 25) > 20


def test_names_do_not_stand_on_the_dashed_line(show: Show) -> None:
    """The stalled lane's name lies on the best constant prediction, which makes way for it."""
    info = info_for("loss", lanes=1)
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 300))
    view = show("loss", Run(info, history), size=(700, 520))
    assert isinstance(view, LossView)
    plot, panel = view.plots()[0], view.panels_shown()[0]
    (guide,) = panel.guides
    y = round(float(plot.py(plot.y.coordinates(np.array(guide.value)))))
    (place, _) = next(pair for pair in view.lane_places())
    assert place.right() < plot.rect.right()
    before = painted(view)[y - 1 : y + 2, round(place.left()) + 7 : round(place.left()) + 10]
    assert (before == 255).all()
    beyond = painted(view)[y - 1 : y + 2, round(place.right()) + 12 : round(plot.rect.right())]
    assert count_of(beyond, LIGHT.muted, 40) > 20
