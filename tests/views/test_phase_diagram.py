"""The phase diagram: points where theory has them, a line that catches what is dragged, a map made step by step."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from pytestqt.qtbot import QtBot

from initviz.experiment.text import Text
from initviz.telemetry.history import RunHistory
from initviz.theory.mean_field import critical_sigma_w, mean_field
from initviz.views.palette import LIGHT
from initviz.views.phase_diagram import PhaseDiagramView
from initviz.views.phase_plane import critical_at, phase_map, tints, value_at
from initviz.views.phase_points import curve_of, extents, place_names, start_of
from tests.views.conftest import Run, Show, foretold_run, painted
from tests.views.foretelling import prediction, sigma

TANH = curve_of(prediction(1.0, 3))
Move = tuple[int, float, float, int]


def diagram(show: Show, run: Run | None = None, size: tuple[int, int] = (640, 480)) -> PhaseDiagramView:
    view = show("phase_diagram", run or foretold_run(4), size=size)
    assert isinstance(view, PhaseDiagramView)
    view.set_focus_lane(3)
    return view


def spot(view: PhaseDiagramView, sigma_w: float, sigma_b: float) -> QPoint:
    plot = view.plot()
    assert plot is not None
    return QPoint(round(float(plot.px(np.array(sigma_w)))), round(float(plot.py(np.array(sigma_b)))))


def moves(view: PhaseDiagramView) -> list[Move]:
    found: list[Move] = []
    view.start_moved.connect(lambda *told: found.append(told))
    return found


def drag(view: PhaseDiagramView, qtbot: QtBot, *places: QPoint) -> None:
    lane = view.focus_lane
    point = view.place_of(lane)
    assert point is not None
    qtbot.mousePress(view.canvas, Qt.MouseButton.LeftButton, pos=point.toPoint())
    for place in places:
        qtbot.mouseMove(view.canvas, place)
    qtbot.mouseRelease(view.canvas, Qt.MouseButton.LeftButton, pos=places[-1])


# What is shown


def test_points_lie_where_the_lanes_start(show: Show) -> None:
    view = diagram(show, foretold_run(5))
    for lane in range(5):
        point, wanted = view.place_of(lane), spot(view, *sigma(lane))
        assert point is not None
        assert abs(point.x() - wanted.x()) <= 1
        assert abs(point.y() - wanted.y()) <= 1


def test_tints_say_how_far_a_place_is_from_criticality(show: Show) -> None:
    view = diagram(show)
    image, table = painted(view), tints(LIGHT)
    for sigma_w, sigma_b in ((0.3, 0.85), (0.85, 0.75), (1.2, 0.4), (2.1, 0.85), (2.5, 0.1)):
        told = mean_field(TANH, sigma_w, sigma_b)
        place = spot(view, sigma_w, sigma_b)
        bands = len(table) // 2
        passed = sum(told.xi_c >= depth for depth in (1, 2, 5, 10, 20, 50))
        band = passed if told.chi < 1 else 2 * bands - 1 - passed
        color = [(int(table[band]) >> shift) & 255 for shift in (16, 8, 0)]
        assert np.abs(image[place.y(), place.x()].astype(int) - color).max() <= 2, (sigma_w, sigma_b)


@pytest.mark.parametrize("sigma_b", [0.0, 0.2, 0.55, 0.9])
def test_the_line_is_where_the_theory_is_critical(sigma_b: float) -> None:
    plane = phase_map(TANH, 3.0, 1.0, 1.0)
    plane.finish()
    line = critical_at(plane, sigma_b)
    assert line == pytest.approx(critical_sigma_w(TANH, sigma_b), abs=2e-3)
    found = value_at(plane, 2.0, 0.5)
    told = mean_field(TANH, 2.0, 0.5)
    assert found is not None
    assert found[0] == pytest.approx(told.chi, rel=1e-3)
    assert found[1] == pytest.approx(told.xi_c, rel=0.03)


def test_what_theory_does_not_cover_has_no_point_and_is_said(show: Show) -> None:
    run = foretold_run(4)
    gap = Text("normalized layers are not alike.", "归一化层各不相同。")
    silent = replace(prediction(0.5, 13, not_covered=gap), activation="", phase=None)
    lanes = [*run.info.lanes]
    lanes[3] = replace(lanes[3], prediction=silent)
    info = replace(run.info, lanes=tuple(lanes))
    view = diagram(show, Run(info, run.history))
    assert view.place_of(3) is None
    assert view.grip() is None
    assert view.leader() == 0
    assert start_of(lanes[3]) is None
    assert gap.en in view.table()[4]
    none = replace(info, lanes=tuple(replace(lane, prediction=silent) for lane in lanes))
    view.set_run(none, RunHistory(none))
    assert not view.has_data()
    assert gap.en in view.invitation()


def test_another_activation_is_hollow_and_said(show: Show) -> None:
    run = foretold_run(4)
    lanes = [*run.info.lanes]
    lanes[1] = replace(lanes[1], prediction=prediction(0.5, 13, sigma=sigma(1), activation="relu"))
    view = diagram(show, run)
    filled = painted(view)
    info = replace(run.info, lanes=tuple(lanes))
    view.set_run(info, run.history)
    point = view.place_of(1)
    assert point is not None
    before, after = filled[int(point.y()), int(point.x())], painted(view)[int(point.y()), int(point.x())]
    assert tuple(before) != (255, 255, 255)
    assert tuple(after) == (255, 255, 255)
    view.set_focus_lane(1)
    assert view.leader() == 1
    plane = view.plane()
    assert plane is not None
    assert plane is phase_map(curve_of(lanes[1].prediction), *extents_of(view), 1.0)  # type: ignore[arg-type]


def test_dropout_is_part_of_the_diagram_and_said(show: Show) -> None:
    run = foretold_run(4)
    thinned = replace(prediction(0.9, 13, sigma=sigma(3)), keep=0.8)
    info = replace(run.info, lanes=(*run.info.lanes[:3], replace(run.info.lanes[3], prediction=thinned)))
    view = diagram(show, Run(info, run.history))
    plane = view.plane()
    assert plane is not None
    assert plane.keep == 0.8
    assert any("Dropout" in line for line in view._notes(3, plane, QRectF(0, 0, 640, 480)))
    view.set_focus_lane(1)
    assert view.plane() is not plane


def extents_of(view: PhaseDiagramView) -> tuple[float, float]:
    plane = view.plane()
    assert plane is not None
    return float(plane.sigma_w[-1]), float(plane.sigma_b[-1])


def test_axes_reach_past_the_line_and_past_lanes_that_are_near() -> None:
    start = start_of(foretold_run(4).info.lanes[3])
    assert start is not None
    assert extents([start], 1.0) == (3.0, 1.0)
    assert extents([replace(start, sigma_w=3.4)], 1.0) == (4.0, 1.0)
    assert extents([replace(start, sigma_w=40.0)], 1.0) == (3.0, 1.0)  # drawn on the edge
    assert extents([start], 4.2) == (8.0, 1.0)


def test_names_keep_off_each_other_and_off_points() -> None:
    rng = np.random.default_rng(1)
    points = [QPointF(*xy) for xy in rng.uniform(20, 380, (16, 2)).tolist()]
    boxes = place_names(points, [(60.0, 14.0)] * 16, QRectF(0, 0, 600, 400), 10.0)
    held = [box for box in boxes if box is not None]
    assert len(held) >= 12
    assert not any(a.intersects(b) for i, a in enumerate(held) for b in held[:i])


# The map in portions


def test_the_map_gets_sharper_while_it_is_seen_and_only_then(show: Show, qtbot: QtBot) -> None:
    phase_map.cache_clear()
    view = diagram(show, foretold_run(4, activation="softsign"))
    plane = view.plane()
    assert plane is not None
    view.hide()
    at = plane.stride
    qtbot.wait(150)
    assert plane.stride == at
    view.show()
    qtbot.waitUntil(lambda: plane.finished, timeout=20_000)
    qtbot.waitUntil(lambda: not view._work.isActive(), timeout=2_000)
    assert view.plane() is plane


def test_what_is_saved_is_the_finished_map(show: Show, qtbot: QtBot) -> None:
    phase_map.cache_clear()
    view = diagram(show, foretold_run(4, activation="softsign"))
    view.copy_picture()
    plane = view.plane()
    assert plane is not None
    assert plane.finished


# Moving a point


def test_a_drag_tells_where_the_lane_is_to_start(show: Show, qtbot: QtBot) -> None:
    view = diagram(show)
    told = moves(view)
    drag(view, qtbot, spot(view, 1.8, 0.3), spot(view, 2.2, 0.6))
    lane, sigma_w, sigma_b, number = told[-1]
    assert lane == 3
    assert sigma_w == pytest.approx(2.2, abs=0.02)
    assert sigma_b == pytest.approx(0.6, abs=0.02)
    assert {one[3] for one in told} == {number}
    point = view.place_of(3)
    assert point is not None
    assert abs(point.x() - spot(view, 2.2, 0.6).x()) <= 2
    drag(view, qtbot, spot(view, 2.0, 0.5), spot(view, 1.9, 0.5))
    assert told[-1][3] != number


def test_near_the_line_a_point_jumps_onto_it(show: Show, qtbot: QtBot) -> None:
    view = diagram(show)
    told = moves(view)
    line = critical_sigma_w(TANH, 0.4)
    drag(view, qtbot, spot(view, 1.9, 0.4), spot(view, line, 0.4) + QPoint(4, 0))
    _, sigma_w, sigma_b, _ = told[-1]
    assert sigma_w == pytest.approx(critical_sigma_w(TANH, sigma_b), abs=2e-3)
    drag(view, qtbot, spot(view, 1.9, 0.4), spot(view, line, 0.4) + QPoint(14, 0))
    assert told[-1][1] > line + 0.02
    drag(view, qtbot, spot(view, 1.9, 0.2), spot(view, 2.0, 0.0) + QPoint(0, 4))
    assert told[-1][2] == 0.0


def test_a_point_stays_within_the_axes(show: Show, qtbot: QtBot) -> None:
    view = diagram(show)
    told = moves(view)
    drag(view, qtbot, spot(view, 1.9, 0.4), QPoint(0, 5))
    sigma_w, sigma_b = told[-1][1:3]
    assert sigma_w == pytest.approx(0.03)
    assert sigma_b == 1.0


def test_only_the_point_of_the_lane_in_focus_can_be_taken(show: Show, qtbot: QtBot) -> None:
    view = diagram(show)
    told = moves(view)
    other = spot(view, *sigma(1))
    qtbot.mousePress(view.canvas, Qt.MouseButton.LeftButton, pos=other)
    qtbot.mouseMove(view.canvas, other + QPoint(30, -30))
    qtbot.mouseRelease(view.canvas, Qt.MouseButton.LeftButton, pos=other + QPoint(30, -30))
    assert told == []


def test_arrow_keys_move_the_point_and_stop_on_the_line(show: Show, qtbot: QtBot) -> None:
    view = diagram(show)  # sigma_w = 1.0, sigma_b = 0.05 in lane 2; 1.5 and 0.2 in lane 3
    told = moves(view)
    view.canvas.set_cursor(None)
    for _ in range(8):
        qtbot.keyClick(view.canvas, Qt.Key.Key_Left)
    line = critical_sigma_w(TANH, 0.2)
    assert [round(one[1], 2) for one in told[:4]] == [1.45, 1.4, 1.35, round(line, 2)]
    assert told[4][1] == 1.25
    assert len({one[3] for one in told}) == 1  # in quick succession they are one move
    qtbot.keyClick(view.canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert told[-1][2] == pytest.approx(0.5)
    readout = view.readout()
    assert readout is not None
    assert readout.rows[0].label == "He"


def test_elsewhere_arrow_keys_move_the_cross_hair(show: Show, qtbot: QtBot) -> None:
    view = diagram(show)
    told = moves(view)
    view.canvas.set_cursor(QPointF(spot(view, 2.6, 0.8)))
    qtbot.keyClick(view.canvas, Qt.Key.Key_Left)
    assert told == []
    assert view.canvas.cursor_at == QPointF(spot(view, 2.6, 0.8)) - QPointF(4, 0)


def test_the_point_stays_until_the_run_has_followed(show: Show, qtbot: QtBot) -> None:
    run = foretold_run(4)
    view = diagram(show, run)
    told = moves(view)
    drag(view, qtbot, spot(view, 1.8, 0.3), spot(view, 2.2, 0.6))
    view.set_run(run.info, run.history)  # an older one
    assert abs(view.starts()[3].sigma_w - told[-1][1]) < 1e-9
    there = replace(run.info.lanes[3], prediction=prediction(1.0, 13, sigma=told[-1][1:3], xi_c=7.5))
    info = replace(run.info, lanes=(*run.info.lanes[:3], there))
    view.set_run(info, run.history)
    view.set_run(run.info, run.history)  # that edit is undone
    assert view.starts()[3].sigma_w == sigma(3)[0]


def test_the_depth_scale_is_told_while_a_point_is_moved(show: Show, qtbot: QtBot) -> None:
    view = diagram(show)
    drag(view, qtbot, spot(view, 1.8, 0.3), spot(view, 2.2, 0.6))
    view.canvas.set_cursor(view.place_of(3))
    readout = view.readout()
    assert readout is not None
    start = view.starts()[3]
    wanted = mean_field(TANH, start.sigma_w, start.sigma_b).xi_c
    said = float(readout.rows[2].value.split()[0])
    assert said == pytest.approx(wanted, rel=0.05)
    assert math.isfinite(wanted)
