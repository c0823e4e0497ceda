"""Theory over measurement in the view of the signal: line, band, note, numbers, and nothing where theory is silent."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from initviz.experiment.text import Text
from initviz.telemetry import synthetic
from initviz.telemetry.frame import RunInfo
from initviz.telemetry.history import RunHistory
from initviz.views.foretold import SPREADS, Foretold, foretold_backward, foretold_forward, gap_text
from initviz.views.numbers import significant
from initviz.views.palette import LIGHT, mix
from initviz.views.signal import SignalView
from tests.views.conftest import Pixels, Run, Show, count_of, foretold_run, make_run, painted
from tests.views.foretelling import prediction

GAP = Text("layer 6 is normalized.", "第 6 层作了归一化。")


def signal_view(show: Show, run: Run, size: tuple[int, int] = (560, 560)) -> SignalView:
    view = show("signal", run, size=size)
    assert isinstance(view, SignalView)
    return view


def partly(info: RunInfo, known: int = 5) -> RunInfo:
    """Return a run of whose third lane theory covers only the first layers."""
    told = prediction(0.5, info.num_layers, known=known, not_covered=GAP)
    lanes = [replace(lane, prediction=told if place == 2 else None) for place, lane in enumerate(info.lanes)]
    return replace(info, lanes=tuple(lanes))


def column(view: SignalView, image: Pixels, plot: int, layer: float) -> Pixels:
    """Return the pixels of a plot at a layer, from top to bottom."""
    rect = view.plots()[plot].rect
    x = int(view.plots()[plot].px(np.array(layer)))
    return image[int(rect.top()) : int(rect.bottom()), x : x + 1]


def test_the_band_holds_two_spreads_of_the_logarithm() -> None:
    info = foretold_run(3, 6).info
    told = foretold_forward(info)
    lane = info.lanes[2].prediction
    assert lane is not None
    assert told.values[2] == pytest.approx(0.7 * 0.5 ** np.arange(1, 7))
    assert np.log(told.high[2] / told.values[2]) == pytest.approx(SPREADS * lane.q_spread)
    assert np.log(told.values[2] / told.low[2]) == pytest.approx(SPREADS * lane.q_spread)


def test_the_gradient_is_anchored_at_the_measured_output_layer() -> None:
    """Also where a lane has fewer layers than the longest: at its own output layer."""
    info = foretold_run(2, 6).info
    short = replace(info.lanes[1], layers=info.lanes[1].layers[-4:], prediction=prediction(0.5, 4))
    info = replace(info, lanes=(info.lanes[0], short))
    start = np.full((2, 6), 9.0)
    start[1, 3], start[1, 4:] = 0.02, np.nan
    told = foretold_backward(info, start)
    assert told.values[1, :4] == pytest.approx(0.02 * 0.5 ** np.array([3, 2, 1, 0]))
    assert np.isnan(told.values[1, 4:]).all()
    assert foretold_backward(info, None).values[1, 3] == 1.0


@pytest.mark.parametrize("anchor", [0.0, math.nan, math.inf])
def test_without_a_gradient_to_start_from_nothing_is_foretold(anchor: float) -> None:
    info = foretold_run(2, 6).info
    start = np.full((2, 6), anchor)
    assert np.isnan(foretold_backward(info, start).values).all()


def test_before_the_first_step_theory_alone_is_drawn(show: Show) -> None:
    run = foretold_run(4, 7, steps=0)
    view = signal_view(show, run)
    view.set_focus_lane(2)
    image = painted(view)
    line = mix(LIGHT.lane(2).color, LIGHT.surface, 0.25)
    for plot, factor in ((view.plots()[0], 1), (view.plots()[1], -1)):
        values = 0.7 * 0.5 ** np.arange(1, 8) if factor > 0 else 0.5 ** np.arange(6, -1, -1)
        for layer in (2, 4, 6):
            y = int(plot.py(np.log10(values[layer - 1])))
            spot = column(view, image, 0 if factor > 0 else 1, layer)
            top = int(plot.rect.top())
            assert count_of(spot[max(0, y - top - 3) : y - top + 4], line, 80) > 0, (factor, layer)
    assert [row[3] for row in view.table()[1:]] == ["start"] * 28
    view.canvas.set_cursor(QPointF(view.plots()[0].rect.center()))
    readout = view.readout()
    assert readout is not None
    assert readout.rows[2].value == f"theory {significant(0.7 * 0.5**4)}"


def test_the_band_is_seen_behind_the_points(show: Show) -> None:
    view = signal_view(show, foretold_run(3, 7))
    view.set_focus_lane(2)
    view.set_hidden_lanes(frozenset({0, 1}))
    plot = view.plots()[0]
    told = foretold_forward(view.info) if view.info is not None else None
    assert told is not None
    image = painted(view)
    between = column(view, image, 0, 5.5)
    middle = np.log10(told.values[2, 4:6]).mean()
    high = np.log10(told.high[2, 4:6]).mean()
    wash = 255 + (np.array([int(LIGHT.lane(2).color[i : i + 2], 16) for i in (1, 3, 5)]) - 255) * 54 / 255
    top = plot.rect.top()
    inside = between[int(float(plot.py((middle + high) / 2)) - top)]
    outside = between[int(float(plot.py(2 * high - middle)) - top) - 2]
    assert np.abs(inside - wash).max() < 4
    assert np.abs(outside - wash).max() > 20


def test_where_theory_is_silent_nothing_is_drawn_and_it_says_so(show: Show) -> None:
    run = foretold_run(3, 13, steps=0)
    info = partly(run.info)
    view = signal_view(show, Run(info, RunHistory(info)))
    view.set_focus_lane(2)
    image = painted(view)
    line = mix(LIGHT.lane(2).color, LIGHT.surface, 0.25)
    assert count_of(column(view, image, 0, 3.5), line, 80) > 0
    rect = view.plots()[1].rect
    backward = image[int(rect.top()) : int(rect.bottom()) - 2, int(rect.left()) + 2 : int(rect.right())]
    assert count_of(backward, line, 80) == 0
    assert gap_text(info, [0, 1, 2], 2) == f"Xavier: {GAP.en}"
    assert gap_text(info, [2], 2) == GAP.en
    assert gap_text(info, [0, 1], 0) == ""
    assert count_of(image[-18:-2, :200], LIGHT.muted, 40) > 30
    noted = view.plots()[1].rect.bottom()
    view.set_hidden_lanes(frozenset({2}))
    assert view.plots()[1].rect.bottom() > noted


def test_predicted_and_measured_stand_side_by_side(show: Show) -> None:
    run = foretold_run(3, 7)
    view = signal_view(show, run)
    view.canvas.set_cursor(QPointF(view.plots()[1].rect.left() + 4, view.plots()[1].rect.center().y()))
    readout = view.readout()
    assert readout is not None
    assert readout.rows[2].value == "theory 0.00156 · 0.00156 → 0.00156"
    head, *rows = view.table()
    start = [dict(zip(head, row, strict=True)) for row in rows if row[3] == "start"]
    now = [dict(zip(head, row, strict=True)) for row in rows if row[3] == "now"]
    assert len(start) == len(now) == 21
    row = start[14]
    assert row["lane"] == "Xavier"
    assert row["predicted_q"] == pytest.approx(row["preactivation_q"])
    assert row["predicted_grad_q"] == pytest.approx(row["grad_preactivation_q"])
    assert row["predicted_q_spread"] == pytest.approx(0.1)
    assert {row["predicted_q"] for row in now} == {""}  # theory speaks of the start


def test_the_first_look_takes_the_place_of_theory_alone(show: Show) -> None:
    """The gradient's axis fits what is measured, not the scale on which theory alone was drawn."""
    run = foretold_run(2, 7, steps=0)
    view = signal_view(show, run)
    frame = synthetic.frame(run.info, 0)
    tiny = replace(frame.signal, grad_preactivation_q=frame.signal.grad_preactivation_q * 1e-20)
    run.history.add_frame(replace(frame, signal=tiny))
    view.refresh()
    fresh = signal_view(show, run)
    assert view.plots()[1].y == fresh.plots()[1].y
    assert (painted(view) == painted(fresh)).all()


def test_two_hundred_layers_keep_points_apart_from_the_line(show: Show) -> None:
    with_theory = painted(signal_view(show, foretold_run(2, 201)))
    without = painted(signal_view(show, make_run(2, 201)))
    assert (with_theory != without).any()


def test_theory_costs_frames_nothing(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is part of the backdrop: drawn once, and not again while only the signal moves."""
    drawn: list[int] = []
    run = foretold_run(4, 9)
    view = signal_view(show, run)
    monkeypatch.setattr("initviz.views.signal.draw_foretold", lambda *arguments: drawn.append(1))
    for _ in range(3):
        frame = run.history.frame
        assert frame is not None
        run.history.frame = replace(frame, step=frame.step + 1)
        run.history.version += 1
        view.refresh()
    assert drawn == []
    view.set_focus_lane(1)
    assert drawn


def test_the_axis_has_room_for_the_scatter_but_not_for_any(show: Show) -> None:
    """A band that is cut off flat says something false; one of many decades would press the lines together."""
    told = Foretold(np.ones((1, 2)), np.array([[0.5, 1e-9]]), np.array([[2.0, 1e9]]))
    low, high = told.edges(10.0)
    np.testing.assert_allclose(low, [[0.5, 0.1]])
    np.testing.assert_allclose(high, [[2.0, 10.0]])
    made = synthetic.run_info(4, 13)
    lanes = tuple(replace(lane, prediction=prediction(1.0, 13)) for lane in made.lanes)
    info = replace(made, lanes=lanes)
    view = show("signal", Run(info, RunHistory(info)))
    assert isinstance(view, SignalView)
    forward, told = view.plots()[0], foretold_forward(info)
    assert (told.high < 10 * told.values).all()
    assert forward.y.low <= np.log10(told.low).min()
    assert forward.y.high >= np.log10(told.high).max()
