"""Ranges and ticks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from initviz.views.axes import Axis, SteadyRange, growing_end, nice_step

FINITE = st.floats(-1e12, 1e12).filter(lambda v: v == 0 or abs(v) > 1e-9)


@given(FINITE, FINITE, st.integers(2, 12))
def test_linear_ticks_are_few_round_and_inside(low: float, high: float, most: int) -> None:
    assume(high - low > 1e-6 * max(abs(low), abs(high)) and high > low)
    axis = Axis(low, high)
    ticks = axis.ticks(most)
    assert len(ticks) <= most + 1
    spare = 1e-6 * (high - low)
    assert all(low - spare <= tick.at <= high + spare for tick in ticks)
    assert len({tick.label for tick in ticks}) == len(ticks)


@given(st.floats(-300, 290), st.floats(0.05, 600), st.integers(2, 12))
def test_log_ticks_are_few_and_inside(low: float, span: float, most: int) -> None:
    axis = Axis(low, min(low + span, 300), log=True)
    named = [tick for tick in axis.ticks(most) if tick.label]
    assert len(named) <= most + 1
    assert all(axis.low - 1e-6 <= tick.at <= axis.high + 1e-6 for tick in named)
    assert len({tick.label for tick in named}) == len(named)


def test_a_wide_log_axis_ticks_in_decades() -> None:
    labels = [tick.label for tick in Axis(-30, 0, log=True).ticks(5) if tick.label]
    assert labels == ["10⁻³⁰", "10⁻²⁰", "10⁻¹⁰", "10⁰"]


def test_a_narrow_log_axis_ticks_in_plain_numbers() -> None:
    labels = [tick.label for tick in Axis(math.log10(0.05), math.log10(5), log=True).ticks(7) if tick.label]
    assert labels == ["0.05", "0.1", "0.2", "0.5", "1", "2", "5"]


def test_ticks_of_one_axis_have_the_same_decimals() -> None:
    assert [tick.label for tick in Axis(0, 0.002).ticks(5)] == ["0", "0.0005", "0.0010", "0.0015", "0.0020"]


def test_per_cent_ticks() -> None:
    assert [tick.label for tick in Axis(0, 1, percent=True).ticks(3)] == [
        "0\u2009%",
        "50\u2009%",
        "100\u2009%",
    ]


@given(st.floats(1e-200, 1e200), st.integers(1, 20))
def test_a_nice_step_is_one_two_or_five(span: float, most: int) -> None:
    step = nice_step(span, most)
    mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(mantissa - nice) for nice in (1, 2, 5, 10)) < 1e-6
    assert span / step <= most * (1 + 1e-6)


@given(st.lists(st.tuples(st.floats(-30, 30), st.floats(0, 20)), min_size=1, max_size=30), st.booleans())
def test_a_steady_range_always_holds_what_it_must(pairs: list[tuple[float, float]], log: bool) -> None:
    held = SteadyRange(log=log)
    for low, span in pairs:
        axis = held.fit(low, low + span)
        assert axis.low <= low + 1e-6
        assert axis.high >= low + span - 1e-6
        assert axis.low < axis.high


def test_a_steady_range_stands_still_while_data_creeps() -> None:
    held = SteadyRange(log=True)
    axes = [held.fit(-2 - 0.01 * step, 0.3) for step in range(100)]
    assert len(set(axes)) <= 4


def test_a_steady_range_shrinks_only_when_far_too_large() -> None:
    held = SteadyRange()
    wide = held.fit(0, 100)
    assert held.fit(0, 70) == wide
    assert held.fit(0, 9).high == 10


def test_a_range_that_is_not_finite_changes_nothing() -> None:
    held = SteadyRange()
    before = held.fit(0, 1)
    assert held.fit(math.nan, math.inf) == before
    assert SteadyRange(log=True).fit(-math.inf, 1) == Axis(0, 1, True)


def test_log_coordinates_of_zero_and_less() -> None:
    with np.errstate(all="raise"):
        coordinates = Axis(0, 1, log=True).coordinates(np.array([0.0, -1.0, 100.0, np.nan, np.inf]))
    assert coordinates[0] == -math.inf
    assert math.isnan(coordinates[1])
    assert coordinates[2] == 2
    assert math.isnan(coordinates[3])
    assert coordinates[4] == math.inf


@pytest.mark.parametrize(
    ("last", "total", "end"),
    [
        (0, 2000, 20),
        (21, 2000, 50),
        (999, 2000, 1000),
        (1001, 2000, 2000),
        (1100, 1200, 1200),
        (0, 1, 1),
        (3, 2, 3),
    ],
)
def test_the_axis_of_steps_grows_in_steps(last: int, total: int, end: int) -> None:
    assert growing_end(last, total) == end


def test_two_and_a_half_decades_are_marked_at_every_one_where_there_is_room_for_three() -> None:
    labels = [tick.label for tick in Axis(-3.0, -0.52, log=True).ticks(3) if tick.label]
    assert labels == ["10⁻³", "10⁻²", "10⁻¹"]
