"""Labels do not cover one another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from initviz.views.placing import grid, spread


@given(st.lists(st.floats(0, 300), min_size=1, max_size=16), st.floats(1, 15))
def test_places_are_apart_in_order_and_inside(wanted: list[float], gap: float) -> None:
    placed = np.array(spread(wanted, gap, 0.0, 300.0))
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(placed[order]) >= gap - 1e-6).all()
    assert placed.min() >= -1e-6
    assert placed.max() <= 300 + 1e-6


@given(st.lists(st.floats(100, 200), min_size=1, max_size=12))
def test_places_move_as_little_as_possible(wanted: list[float]) -> None:
    ordered = np.sort(wanted)
    offsets = 5.0 * np.arange(len(ordered))
    best = isotonic_regression(ordered - offsets).x + offsets
    assert np.sort(spread(wanted, 5.0, -1000.0, 1000.0)) == pytest.approx(best, abs=1e-6)


def test_too_many_places_come_closer() -> None:
    placed = spread([50.0] * 16, 12.0, 0.0, 90.0)
    assert max(placed) <= 90
    assert np.diff(sorted(placed)) == pytest.approx(6.0)


def test_no_places() -> None:
    assert spread([], 10.0, 0.0, 10.0) == []


@pytest.mark.parametrize(
    ("count", "width", "height", "expected"),
    [
        (1, 500, 300, (1, 1)),
        (4, 500, 400, (2, 2)),
        (4, 900, 200, (1, 4)),
        (16, 460, 340, (4, 4)),
        (4, 150, 700, (4, 1)),
    ],
)
def test_the_grid_suits_the_room(count: int, width: float, height: float, expected: tuple[int, int]) -> None:
    assert grid(count, width, height, 1.3, 10.0) == expected


@given(st.integers(1, 16), st.floats(100, 2000), st.floats(100, 2000))
def test_the_grid_has_room_for_all(count: int, width: float, height: float) -> None:
    rows, columns = grid(count, width, height, 1.3, 10.0)
    assert rows * columns >= count
    assert (rows - 1) * columns < count
