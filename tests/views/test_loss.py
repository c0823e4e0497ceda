"""Loss and accuracy: what the lines and the cross-hair say is what was measured."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from initviz.telemetry import synthetic
from initviz.telemetry.frame import Floats, RunInfo, Scalars, Validation
from initviz.telemetry.history import RunHistory
from initviz.views.loss import LossView
from initviz.views.palette import LIGHT
from tests.views.conftest import Run, Show, count_of, make_run, painted


def own_run(loss: Floats, total: int = 2000) -> Run:
    """Return a run with this training loss ``(S, K)`` and nothing else of interest."""
    steps, lanes = loss.shape
    info = synthetic.run_info(lanes, 2, total_steps=total)
    history = RunHistory(info)
    scalars = synthetic.scalars(info, 0, steps)
    history.append(
        Scalars(
            scalars.steps,
            loss,
            scalars.accuracy,
            scalars.lr,
            scalars.weight_norm,
            scalars.grad_norm,
            scalars.update_norm,
        )
    )
    return Run(info, history)


def loss_view(show: Show, run: Run, size: tuple[int, int] = (640, 420)) -> LossView:
    view = show("loss", run, size=size)
    assert isinstance(view, LossView)
    return view


def point_at(view: LossView, step: float, panel: int = 0) -> QPointF:
    """Return the place of a step in a plot."""
    plot = view.plots()[panel]
    return QPointF(float(plot.px(np.array(step))), plot.rect.center().y())


def test_the_cross_hair_says_the_measured_values(show: Show) -> None:
    loss = np.linspace(2.0, 1.0, 20)[:, None] * np.array([1.0, 2.0])
    view = loss_view(show, own_run(loss))
    view.canvas.set_cursor(point_at(view, 7.3))
    readout = view.readout()
    assert readout is not None
    assert readout.heading == "step 7"
    values = {row.label: row.value for row in readout.rows}
    assert values == {"zeros": f"{loss[7, 0]:.2f}", "N(0, 0.01²)": f"{loss[7, 1]:.2f}"}
    plot = view.plots()[0]
    for row, lane in zip(readout.rows, (1, 0), strict=True):  # the upper line first
        assert row.lane == lane
        assert row.at is not None
        share = (np.log10(loss[7, lane]) - plot.y.low) / (plot.y.high - plot.y.low)
        assert row.at.y() == pytest.approx(plot.rect.bottom() - share * plot.rect.height(), abs=0.01)
        assert row.at.x() == pytest.approx(point_at(view, 7).x())


def test_the_cross_hair_says_training_and_validation(show: Show) -> None:
    view = loss_view(show, make_run(4, steps=12, frames=12))
    view.canvas.set_cursor(point_at(view, 6))
    readout = view.readout()
    assert readout is not None
    assert readout.heading.endswith("train / validation")
    assert all(row.value.count(" / ") == 1 for row in readout.rows)
    view.canvas.set_cursor(point_at(view, 6, panel=1))
    accuracy = view.readout()
    assert accuracy is not None
    assert all("%" in row.value for row in accuracy.rows)


def test_outside_of_the_plots_there_is_no_readout(show: Show) -> None:
    view = loss_view(show, make_run(4))
    view.canvas.set_cursor(QPointF(2, 2))
    assert view.readout() is None


@pytest.mark.parametrize("place", [120, 2500, 4800])
def test_a_spike_of_one_step_is_seen(show: Show, place: int) -> None:
    """Five thousand steps on four hundred pixels: one step stands out, at its place."""
    calm = np.ones((5000, 1))
    spiky = calm.copy()
    spiky[place] = 1.9
    views = [loss_view(show, own_run(loss, total=5000)) for loss in (calm, spiky)]
    plot = views[1].plots()[0]
    before, after = (painted(view) for view in views)
    changed = (before != after).any(axis=2)
    x = float(plot.px(np.array(place)))
    columns = np.flatnonzero(changed[: int(plot.rect.bottom()) - 2].any(axis=0))
    assert len(columns)
    assert np.abs(columns - x).min() <= 2


def test_a_spike_beyond_the_range_is_marked_at_the_edge(show: Show) -> None:
    loss = np.ones((1000, 1))
    loss[400] = 1e7
    view = loss_view(show, own_run(loss, total=1000))
    plot = view.plots()[0]
    assert plot.y.high < 2  # one early spike does not pin the axis
    x, top = float(plot.px(np.array(400))), plot.rect.top()
    marked = painted(view)[int(top) : int(top) + 9, int(x) - 5 : int(x) + 6]
    assert count_of(marked, LIGHT.lane(0).color, 60) >= 8


def test_the_range_does_not_jump_while_a_run_goes_on(show: Show) -> None:
    run = make_run(4, steps=20, frames=2)
    view = loss_view(show, run)
    axes = []
    for _ in range(60):
        run.go_on(30)
        view.refresh()
        axes.append((view.plots()[0].x, view.plots()[0].y))
    changes = sum(before != after for before, after in itertools.pairwise(axes))
    assert changes <= 11  # steps: 50 100 200 500 1000 2000, and a few of the loss
    ends = [x.high for x, _ in axes]
    assert ends == sorted(ends)


def test_a_lane_that_diverged_ends_with_a_cross_and_the_step(show: Show) -> None:
    view = loss_view(show, make_run(5, steps=300))
    labels = {label.lane: label for label in view.panels_shown()[0].labels}
    assert labels[4].died
    assert labels[4].step == synthetic.DIVERGED_AT
    assert not any(labels[lane].died for lane in range(4))
    plot = view.plots()[0]
    x = plot.px(np.array(float(synthetic.DIVERGED_AT)))
    near = painted(view)[int(plot.rect.top()) :, int(x) - 8 : int(x) + 9]
    assert count_of(near, LIGHT.lane(4).color, 30) > 20


def test_the_best_constant_prediction_is_a_dashed_line(show: Show) -> None:
    view = loss_view(show, own_run(np.full((400, 1), 0.5)))
    plot = view.plots()[0]
    y = float(plot.py(np.log10(np.array(synthetic.CONSTANT_LOSS))))
    row = painted(view)[int(y), int(plot.rect.left()) : int(plot.rect.right())]
    dark = np.abs(row.astype(int) - np.array([0x5C, 0x64, 0x70])).max(axis=1) < 40
    assert 0.3 < dark.mean() < 0.8
    assert view.panels_shown()[0].guides[0].text == "best constant prediction"


def test_zero_loss_lies_on_the_lower_edge(show: Show) -> None:
    loss = np.full((30, 2), 1.0)
    loss[:, 1] = 0.0
    view = loss_view(show, own_run(loss))
    bottom = int(view.plots()[0].rect.bottom())
    assert count_of(painted(view)[bottom - 3 : bottom + 4], LIGHT.lane(1).color, 40) > 50


def test_regression_has_no_accuracy(show: Show, qtbot: QtBot) -> None:
    run = make_run(2, steps=40)
    info = RunInfo(
        **{name: getattr(run.info, name) for name in RunInfo.__dataclass_fields__ if name != "task"},
        task="regression",
    )
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 40))
    view = loss_view(show, Run(info, history))
    assert len(view.plots()) == 1


def test_the_person_chooses_loss_or_accuracy(show: Show, qtbot: QtBot) -> None:
    view = loss_view(show, make_run(4))
    assert [panel.caption for panel in view.panels_shown()] == ["loss", "accuracy"]
    choice = next(action for action in view.head.findChildren(QAction) if action.data() == "accuracy")
    choice.trigger()
    assert [panel.caption for panel in view.panels_shown()] == ["accuracy"]
    assert view.plots()[0].y.high == 1
    view.show_part("loss")
    assert [panel.caption for panel in view.panels_shown()] == ["loss"]


def test_a_low_canvas_shows_the_loss_alone(show: Show) -> None:
    view = loss_view(show, make_run(4), size=(400, 220))
    assert [panel.caption for panel in view.panels_shown()] == ["loss"]


def test_the_wheel_zooms_and_a_double_click_shows_all(show: Show, qtbot: QtBot) -> None:
    view = loss_view(show, make_run(4, steps=1200))
    whole = view.steps_shown()
    place = point_at(view, 600)
    view.canvas.zoomed.emit(place, 3.0)
    first, last = view.steps_shown()
    assert last - first == pytest.approx(0.8**3 * (whole[1] - whole[0]))
    assert first < 600 < last
    share = (600 - first) / (last - first)
    assert share == pytest.approx((600 - whole[0]) / (whole[1] - whole[0]), abs=0.01)
    view.canvas.dragged.emit(QPointF(-50, 0))
    assert view.steps_shown()[0] > first
    qtbot.mouseDClick(view.canvas, Qt.MouseButton.LeftButton, pos=place.toPoint())
    assert view.steps_shown() == whole
    qtbot.keyClick(view.canvas, Qt.Key.Key_Plus)
    assert view.steps_shown() != whole
    qtbot.keyClick(view.canvas, Qt.Key.Key_Home)
    assert view.steps_shown() == whole


def test_the_table_holds_every_point(show: Show) -> None:
    run = make_run(2, steps=24, frames=2)
    rows = loss_view(show, run).table()
    assert rows[0][:3] == ["step", "zeros train_loss", "N(0, 0.01²) train_loss"]
    by_step = {row[0]: row for row in rows[1:]}
    series = run.history.loss()
    for index, step in enumerate(series.steps.tolist()):
        assert by_step[step][1:3] == series.values[index].tolist()
    scores = run.history.validation()
    assert by_step[12][5:7] == scores.values[1].tolist()
    assert by_step[13][5:7] == ["", ""]


def test_names_do_not_cover_one_another(show: Show) -> None:
    view = loss_view(show, make_run(8, steps=400))
    places = [rect for rect, _ in view.lane_places()]
    for number, rect in enumerate(places):
        for other in places[number + 1 :]:
            both = rect.intersected(other)
            assert both.height() <= 3.5 or both.width() <= 0


def test_an_old_score_is_not_told_as_that_of_now(show: Show) -> None:
    """Labels stand at the training curve, and tell its value, until there is a score of about now."""
    loss = np.geomspace(2.0, 0.02, 100)[:, None] * np.array([1.0, 2.0])
    run = own_run(loss)
    run.history.add_validation(Validation(1, np.array([2.5, 5.0]), np.array([0.1, 0.1])))
    view = loss_view(show, run)
    labels = view.panels_shown()[0].labels
    assert [label.value for label in labels] == pytest.approx([0.02, 0.04], rel=0.2)
    run.history.add_validation(Validation(99, np.array([0.5, 0.7]), np.array([0.9, 0.8])))
    view.refresh()
    labels = view.panels_shown()[0].labels
    assert [(label.value, label.text) for label in labels] == [(0.5, "0.500"), (0.7, "0.700")]
