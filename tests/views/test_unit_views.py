"""The views of singular values, of the symmetry of units and of dead units say what was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from initviz.telemetry import synthetic
from initviz.telemetry.history import RunHistory
from initviz.telemetry.spectra import blank, put
from initviz.telemetry.units import Sameness
from initviz.views.base import View
from initviz.views.dead_units import DeadUnitsView
from initviz.views.isometry import IsometryView
from initviz.views.numbers import percent, significant
from initviz.views.palette import LIGHT
from initviz.views.sharing import symmetry_words
from initviz.views.symmetry import SymmetryView
from tests.views.conftest import Run, Show, count_of, make_run, painted


def columns(view: View) -> dict[str, list[Any]]:
    head, *rows = view.table()
    return {str(name): [row[place] for row in rows if place < len(row)] for place, name in enumerate(head)}


def with_frame(run: Run, **changes: Any) -> Run:
    """Return a run whose latest frame has other parts."""
    history = RunHistory(run.info)
    history.append(synthetic.scalars(run.info, 0, 2))
    history.add_frame(synthetic.frame(run.info, 0))
    history.add_frame(replace(synthetic.frame(run.info, 1), **changes))
    return Run(run.info, history)


# Singular values


def test_isometry_tells_layers_and_jacobians_of_both_times(show: Show) -> None:
    run = make_run(3, 6, 200, key="isometry")
    view = show("isometry", run)
    told = columns(view)
    assert set(told["matrix"]) == {"weight", "jacobian", "hidden_jacobian"}
    assert set(told["when"]) == {"start", "now"}
    assert len(told["lane"]) == 2 * 3 * (6 + 2)
    frame = run.history.frame
    assert frame is not None
    assert frame.spectra is not None
    rows = [row for row in view.table()[1:] if row[:4] == ["N(0, 0.01²)", "weight", 2, "dense_2"]]
    now = next(row for row in rows if row[4] == "now")
    assert now[7] == frame.spectra.weights.largest[1, 1]
    assert now[11] == frame.spectra.weights.smallest[1, 1]
    assert now[12] == frame.spectra.weights.condition_number[1, 1]


def test_isometry_reads_a_layer_and_a_jacobian(show: Show) -> None:
    run = make_run(2, 6, 200, key="isometry")
    view = show("isometry", run, size=(700, 420))
    assert isinstance(view, IsometryView)
    frame = run.history.frame
    assert frame is not None
    assert frame.spectra is not None
    plot = view.cells()[0].plot
    place = QPointF(float(plot.px(np.array(3.0))), plot.rect.center().y())
    view.canvas.set_cursor(place)
    readout = view.readout()
    assert readout is not None
    assert "3" in readout.heading
    smallest = significant(float(frame.spectra.weights.smallest[1, 2]))
    assert readout.rows[1].value.startswith(smallest)
    view.canvas.set_cursor(QPointF(plot.rect.right() - 6, plot.rect.center().y()))
    readout = view.readout()
    assert readout is not None
    assert readout.heading.startswith("J")
    largest = significant(float(frame.spectra.jacobian.largest[1]))
    assert largest in readout.rows[1].value


def test_isometry_stays_legible_with_many_layers(show: Show) -> None:
    few, many = (
        show("isometry", make_run(1, layers, 60, key="isometry"), size=(480, 320)) for layers in (8, 120)
    )
    color = LIGHT.lane(0).color
    assert count_of(painted(few), color, 25) > 12
    assert (painted(many) != painted(few)).any()


def test_a_narrow_cell_shows_layers_alone(show: Show) -> None:
    view = show("isometry", make_run(16, 6, 60, key="isometry"), size=(300, 400))
    assert isinstance(view, IsometryView)
    for cell in view.cells():
        assert cell.plot.x.high == pytest.approx(6.5)


def test_what_was_not_computed_is_said(show: Show) -> None:
    run = make_run(2, 4, 20, key="isometry")
    spectra = synthetic.frame(run.info, 1).spectra
    assert spectra is not None
    nothing = replace(spectra, hidden_jacobian=blank((2,)))
    run = with_frame(run, spectra=nothing, first_spectra=nothing)
    run.history.first_spectra = nothing
    view = show("isometry", run, size=(700, 420))
    assert isinstance(view, IsometryView)
    plot = view.cells()[0].plot
    x = float(plot.px(np.array(4.5 + 0.11 * 4)))
    view.canvas.set_cursor(QPointF(x, plot.rect.center().y()))
    readout = view.readout()
    assert readout is not None
    assert readout.heading.startswith("H")
    assert [row.value for row in readout.rows] == ["not computed"] * 2


def test_boxes_lie_where_the_singular_values_do(show: Show) -> None:
    """A weight whose values are all 1 is a flat box on the line; the same ten times larger lies a decade higher."""
    run = make_run(2, 3, 20, key="isometry")
    spectra = synthetic.frame(run.info, 1).spectra
    assert spectra is not None
    weights = blank((2, 3))
    for lane, size in enumerate((1.0, 10.0)):
        for layer in range(3):
            put(weights, (lane, layer), np.full((1, 8), size), 8)
    told = replace(spectra, weights=weights, jacobian=blank((2,)), hidden_jacobian=blank((2,)))
    run = with_frame(run, spectra=told, first_spectra=told)
    run.history.first_spectra = None
    view = show("isometry", run, size=(700, 420))
    assert isinstance(view, IsometryView)
    for cell, decades in zip(view.cells(), (0.0, 1.0), strict=True):
        y = float(cell.plot.py(np.array(decades)))
        x = float(cell.plot.px(np.array(2.0)))
        strip = painted(view)[round(y) - 2 : round(y) + 3, round(x) + 1 : round(x) + 5]
        assert count_of(strip, LIGHT.lane(cell.lane).color, 40) > 2


# Symmetry


def likeness_of(copies: list[float], different: list[int], units: list[int]) -> Sameness:
    values = np.array([copies])
    return Sameness(
        3,
        values,
        values,
        values,
        values,
        np.array([units], dtype=np.int64),
        np.array([different], dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("copies", "different", "units", "words"),
    [
        ([1.0, 1.0, np.nan], [1, 1, 0], [16, 16, 0], "all 16 units of a layer are copies of one"),
        ([1.0, 1.0, np.nan], [1, 1, 0], [16, 8, 0], "in every layer, all units are copies of one"),
        ([0.0, 1.0, np.nan], [16, 1, 0], [16, 8, 0], "layer 2: all 8 units are copies of one"),
        (
            [0.0, 0.5, np.nan],
            [16, 5, 0],
            [16, 8, 0],
            f"layer 2: {percent(0.5)} of the units are copies of another",
        ),
        ([0.0, 0.0, np.nan], [16, 8, 0], [16, 8, 0], "no two units are copies"),
        ([np.nan, np.nan, np.nan], [0, 0, 0], [0, 0, 0], "no hidden layer to compare"),
    ],
)
def test_symmetry_in_words(copies: list[float], different: list[int], units: list[int], words: str) -> None:
    assert symmetry_words(likeness_of(copies, different, units), 0) == words


def test_symmetry_reads_and_tables_what_was_counted(show: Show) -> None:
    run = make_run(3, 5, 200, key="symmetry")
    view = show("symmetry", run, size=(760, 420))
    assert isinstance(view, SymmetryView)
    assert len(view.plots()) == 3
    frame = run.history.frame
    assert frame is not None
    assert frame.sameness is not None
    plot = view.plots()[1]
    view.canvas.set_cursor(QPointF(float(plot.px(np.array(2.0))), plot.rect.center().y()))
    readout = view.readout()
    assert readout is not None
    assert readout.rows[2].value.endswith(significant(float(frame.sameness.cosine[2, 1])))
    told = columns(view)
    assert len(told["lane"]) == 2 * 3 * 5
    assert told["units"][0] == 64
    assert told["different_units"][0] == 1  # the lane of zeros
    assert told["copies"][0] == 1


def test_symmetry_fits_into_little_room(show: Show) -> None:
    tall = show("symmetry", make_run(2, 5, 40, key="symmetry"), size=(240, 500))
    low = show("symmetry", make_run(2, 5, 40, key="symmetry"), size=(240, 160))
    assert isinstance(tall, SymmetryView)
    assert isinstance(low, SymmetryView)
    assert len(tall.plots()) == 3
    assert len(low.plots()) < 3


# Dead units


def test_dead_units_read_both_the_map_and_the_bars(show: Show) -> None:
    run = make_run(3, 5, 200, key="dead_units")
    view = show("dead_units", run, size=(760, 420))
    assert isinstance(view, DeadUnitsView)
    frame = run.history.frame
    assert frame is not None
    assert frame.activity is not None
    plot = view.cells()[0].plot
    y = float(plot.py(np.array(3.0)))
    view.canvas.set_cursor(QPointF(plot.rect.left() + 5, y))
    readout = view.readout()
    assert readout is not None
    assert readout.rows[0].value == percent(1.0)  # zeros
    assert readout.rows[2].value == percent(0.1)
    view.canvas.set_cursor(QPointF(plot.rect.right() - 10, y))
    readout = view.readout()
    assert readout is not None
    assert readout.rows[2].value.startswith(f"{percent(0.1)} → {percent(0.1)}")
    assert readout.rows[2].value.endswith(percent(float(frame.activity.idle_for_long[2, 2])))
    told = columns(view)
    assert told["dead"][:4] == [1.0] * 4
    assert told["idle"][0] == 1.0
    assert {"active_up_to_0.1", "active_up_to_1"} <= told.keys()


def test_where_no_unit_can_die_it_says_so(show: Show) -> None:
    run = make_run(2, 4, 20, key="dead_units")
    frame = synthetic.frame(run.info, 1)
    nothing = np.full_like(frame.signal.dead_fraction, np.nan)
    signal = replace(frame.signal, dead_fraction=nothing, saturated_fraction=nothing)
    history = RunHistory(run.info)
    history.append(synthetic.scalars(run.info, 0, 2))
    history.add_frame(replace(frame, signal=signal))
    view = show("dead_units", Run(run.info, history))
    assert isinstance(view, DeadUnitsView)
    assert view.cells() == ()
    assert count_of(painted(view), LIGHT.text, 60) > 100


def test_the_map_keeps_what_was_before(show: Show) -> None:
    """A unit that woke again was dead once: the left of the map still shows it."""
    info = synthetic.run_info(1, 3, total_steps=100)
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 100))
    for step in range(100):
        frame = synthetic.frame(info, step)
        dead = np.where(np.isnan(frame.signal.dead_fraction), np.nan, 1.0 if step < 50 else 0.0)
        history.add_frame(replace(frame, signal=replace(frame.signal, dead_fraction=dead), activity=None))
    view = show("dead_units", Run(info, history), size=(600, 300))
    assert isinstance(view, DeadUnitsView)
    plot = view.cells()[0].plot
    image = painted(view)
    y = round(float(plot.py(np.array(1.0))))
    width = plot.rect.width() * 0.63
    early, late = (image[y, round(plot.rect.left() + share * width)] for share in (0.2, 0.8))
    assert (late == 255).all()
    assert early.mean() < 100
