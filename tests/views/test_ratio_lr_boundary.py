"""Update ratio, learning rate, decision boundary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from initviz.telemetry import synthetic
from initviz.telemetry.frame import Floats, Scalars
from initviz.telemetry.history import RunHistory
from initviz.telemetry.series import Series
from initviz.views.boundary import BoundaryView
from initviz.views.lr import LearningRateView
from initviz.views.palette import LIGHT, rgb
from initviz.views.reduction import Raster
from initviz.views.step_view import StepView
from initviz.views.update_ratio import GUIDE, over_layers
from tests.views.conftest import Run, Show, count_of, make_run, painted


def series(values: Floats) -> Series:
    return Series(np.arange(len(values)), values, values[-1])


def test_the_spread_is_least_median_and_largest_layer() -> None:
    values = np.random.default_rng(0).lognormal(size=(40, 2, 7))
    found = over_layers(series(values), 1, Raster(0, 100, 80))
    assert found.low == pytest.approx(values[:, 1].min(axis=1))
    assert found.high == pytest.approx(values[:, 1].max(axis=1))
    assert found.middle == pytest.approx(np.median(values[:, 1], axis=1))


def test_the_spread_of_many_steps_keeps_peaks() -> None:
    values = np.full((9000, 1, 5), 1e-3)
    values[4321, 0, 2] = 50.0
    values[77, 0, 4] = 1e-9
    found = over_layers(series(values), 0, Raster(0, 9000, 300))
    assert len(found.steps) <= 300
    assert found.high.max() == 50
    assert found.low.min() == 1e-9
    assert found.steps[int(found.high.argmax())] == pytest.approx(4321, abs=30)


def test_steps_that_were_not_measured_are_left_out() -> None:
    values = np.full((100, 2, 3), np.nan)
    values[::10, 0] = 2e-3
    values[:, 1, 0] = 5e-4
    sparse, dense = (over_layers(series(values), lane, Raster(0, 100, 200)) for lane in range(2))
    assert sparse.steps.tolist() == list(range(0, 100, 10))
    assert sparse.middle == pytest.approx(2e-3)
    assert len(dense.steps) == 100
    assert dense.middle == pytest.approx(5e-4)
    assert len(over_layers(series(values[:5, :, 1:]), 1, Raster(0, 100, 50)).steps) == 0


def test_the_guide_lies_at_one_thousandth(show: Show) -> None:
    view = show("update_ratio", make_run(4, steps=100))
    assert isinstance(view, StepView)
    (panel,) = view.panels_shown()
    assert panel.guides[0].value == GUIDE == 1e-3
    assert panel.axis.low <= -3 <= panel.axis.high
    plot = view.plots()[0]
    y = int(plot.py(np.array(-3.0)))
    rows = painted(view)[y - 1 : y + 2, int(plot.rect.left()) : int(plot.rect.right())]
    dark = np.abs(rows.astype(int) - np.array(rgb(LIGHT.muted))).max(axis=2) < 40
    assert dark.any(axis=0).mean() > 0.3


def test_before_any_update_was_measured_the_ratio_invites(show: Show) -> None:
    info = synthetic.run_info(2, 3)
    history = RunHistory(info)
    scalars = synthetic.scalars(info, 0, 10)
    history.append(replace(scalars, update_norm=np.full_like(scalars.update_norm, np.nan)))
    view = show("update_ratio", Run(info, history))
    assert not view.has_data()


# Learning rate


def lr_view(show: Show, rates: Floats) -> LearningRateView:
    steps, lanes = rates.shape
    info = synthetic.run_info(lanes, 2, total_steps=steps)
    history = RunHistory(info)
    made = synthetic.scalars(info, 0, steps)
    history.append(
        Scalars(
            made.steps, made.loss, made.accuracy, rates, made.weight_norm, made.grad_norm, made.update_norm
        )
    )
    view = show("lr", Run(info, history))
    assert isinstance(view, LearningRateView)
    return view


def test_equal_rates_have_one_name(show: Show) -> None:
    view = lr_view(show, np.full((50, 3), 0.05))
    (label,) = view.panels_shown()[0].labels
    assert label.name == "all lanes"
    assert label.text == "0.0500"


def test_unequal_rates_are_all_named(show: Show) -> None:
    view = lr_view(show, np.full((50, 3), 0.05) * np.array([1.0, 2.0, 3.0]))
    assert [label.text for label in view.panels_shown()[0].labels] == ["0.0500", "0.100", "0.150"]
    plot = view.plots()[0]
    assert plot.y.low == 0
    view.canvas.set_cursor(QPointF(float(plot.px(np.array(20.0))), plot.rect.center().y()))
    readout = view.readout()
    assert readout is not None
    assert [row.value for row in readout.rows] == ["0.150", "0.100", "0.0500"]


def test_a_rate_of_zero_is_drawn(show: Show) -> None:
    view = lr_view(show, np.zeros((50, 1)))
    assert view.panels_shown()[0].labels[0].text == "0"


# Boundary


def boundary_view(show: Show, run: Run) -> BoundaryView:
    view = show("boundary", run, size=(600, 420))
    assert isinstance(view, BoundaryView)
    return view


def test_other_data_is_told_why_there_is_nothing(show: Show) -> None:
    view = boundary_view(show, make_run(4))
    assert "more than two inputs" in view.invitation()
    assert "moons" in view.invitation()
    assert count_of(painted(view), LIGHT.text, 60) > 200


def test_the_color_is_the_class_and_its_strength_the_confidence(show: Show) -> None:
    run = make_run(1, 3, key="boundary")
    frame = run.history.frame
    assert frame is not None
    assert frame.boundary is not None
    classes = np.zeros((1, 40, 40), np.int16)
    classes[0, 20:] = 1  # the upper half
    confidence = np.full((1, 40, 40), 0.5, np.float32)
    confidence[0, :, 20:] = 1.0
    info = replace(
        run.info, class_names=("a", "b"), points=np.zeros((0, 2)), point_classes=np.zeros(0, np.int64)
    )
    # Points decide whether there is a plane at all; one far away leaves the picture clean.
    info = replace(info, points=np.array([[99.0, 99.0]]), point_classes=np.array([0]))
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 3))
    boundary = replace(frame.boundary, classes=classes, confidence=confidence)
    history.add_frame(replace(frame, boundary=boundary))
    view = boundary_view(show, Run(info, history))
    rect = view.cells()[0].plot.rect
    image = painted(view).astype(int)

    def at(across: float, up: float) -> np.ndarray:
        return np.asarray(
            image[int(rect.bottom() - up * rect.height()), int(rect.left() + across * rect.width())]
        )

    blue, orange = np.array(rgb(LIGHT.lane(0).color)), np.array(rgb(LIGHT.lane(1).color))
    sure_below, sure_above, unsure = at(0.8, 0.2), at(0.8, 0.8), at(0.2, 0.2)
    assert np.abs(sure_below - blue).sum() < np.abs(sure_below - orange).sum()
    assert np.abs(sure_above - orange).sum() < np.abs(sure_above - blue).sum()
    assert np.ptp(unsure) < 12  # neutral
    view.canvas.set_cursor(QPointF(rect.left() + 0.8 * rect.width(), rect.bottom() - 0.8 * rect.height()))
    readout = view.readout()
    assert readout is not None
    assert readout.rows[0].value.startswith("b")
    assert "100" in readout.rows[0].value


def test_points_lie_where_the_data_is(show: Show) -> None:
    run = make_run(1, 3, key="boundary")
    view = boundary_view(show, run)
    plot = view.cells()[0].plot
    image = painted(view)
    hits = 0
    for (x, y), group in zip(run.info.points[:60], run.info.point_classes[:60], strict=True):
        px, py = int(plot.px(np.array(x))), int(plot.py(np.array(y)))
        hits += count_of(image[py - 2 : py + 3, px - 2 : px + 3], LIGHT.lane(int(group)).color, 30) > 3
    assert hits > 50


def test_a_diverged_lane_has_no_boundary_but_a_cross(show: Show) -> None:
    run = make_run(5, 3, key="boundary")
    frame = run.history.frame
    assert frame is not None
    assert frame.boundary is not None
    confidence = frame.boundary.confidence.copy()
    confidence[4] = np.nan
    run.history.frame = replace(frame, boundary=replace(frame.boundary, confidence=confidence))
    run.history.version += 1
    view = boundary_view(show, run)
    cell = view.cells()[4]
    rect = cell.plot.rect
    area = painted(view)[int(rect.top()) : int(rect.bottom()), int(rect.left()) : int(rect.right())]
    assert count_of(area, LIGHT.unknown, 2) > 0.5 * area.shape[0] * area.shape[1]
    assert count_of(area, LIGHT.lane(4).color, 30) > 20


def test_more_than_two_classes_have_a_color_each(show: Show) -> None:
    run = make_run(1, 3, key="boundary")
    frame = run.history.frame
    assert frame is not None
    assert frame.boundary is not None
    classes = np.repeat(np.arange(4, dtype=np.int16), 16)[None, None, :].repeat(64, axis=1)
    info = replace(run.info, class_names=("a", "b", "c", "d"))
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 3))
    sure = np.ones_like(frame.boundary.confidence)
    history.add_frame(replace(frame, boundary=replace(frame.boundary, classes=classes, confidence=sure)))
    view = boundary_view(show, Run(info, history))
    rect = view.cells()[0].plot.rect
    row = painted(view)[int(rect.top()) + 6]
    colors = {tuple(row[int(rect.left() + share * rect.width())].tolist()) for share in (0.1, 0.35, 0.6, 0.9)}
    assert len(colors) == 4
