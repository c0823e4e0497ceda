"""Curves as small as the screen lose no spike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from initviz.telemetry.frame import Counts, Floats
from initviz.telemetry.series import Track
from initviz.views.reduction import ColumnReducer, Columns, Raster, reduce_columns, smooth


def by_hand(steps: Counts, values: Floats, raster: Raster) -> list[tuple[float, float, float]]:
    """Return least, largest and mean of each column that is not empty, one point at a time."""
    columns: dict[int, list[float]] = {}
    for step, value in zip(steps.tolist(), values[:, 0].tolist(), strict=True):
        if raster.first <= step <= raster.last:
            share = (step - raster.first) / (raster.last - raster.first)
            columns.setdefault(min(int(share * raster.columns + 1e-9), raster.columns - 1), []).append(value)
    return [(min(held), max(held), sum(held) / len(held)) for _, held in sorted(columns.items())]


@given(st.integers(1, 400), st.integers(2, 60), st.integers(0, 2**32 - 1))
def test_columns_are_those_counted_by_hand(size: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = np.arange(size)
    values = rng.normal(size=(size, 1))
    raster = Raster(0.0, float(2 ** np.ceil(np.log2(max(size, 2)))), columns)
    reduced = reduce_columns(steps, values, raster)
    if size <= columns:
        assert reduced.mean[:, 0] == pytest.approx(values[:, 0])
        return
    expected = by_hand(steps, values, raster)
    assert len(reduced) == len(expected) <= columns
    found = np.stack((reduced.low[:, 0], reduced.high[:, 0], reduced.mean[:, 0]), axis=1)
    assert found == pytest.approx(np.array(expected))


@pytest.mark.parametrize("place", [0, 1, 4999, 9998, 9999])
def test_a_single_spike_is_in_its_column(place: int) -> None:
    values = np.ones((10_000, 2))
    values[place, 1] = 1e6
    reduced = reduce_columns(np.arange(10_000), values, Raster(0, 10_000, 200))
    assert reduced.high[:, 1].max() == 1e6
    assert reduced.steps[int(reduced.high[:, 1].argmax())] == pytest.approx(place, abs=50)
    assert reduced.high[:, 0].max() == 1


def test_the_last_column_ends_at_the_last_step() -> None:
    reduced = reduce_columns(np.arange(1234), np.ones((1234, 1)), Raster(0, 2000, 100))
    assert reduced.steps[-1] == 1233


def test_what_is_not_finite_counts_for_nothing_but_is_not_hidden() -> None:
    values = np.ones((1000, 3))
    values[::2, 0] = np.nan
    values[500:, 1] = np.nan
    values[:, 2] = np.inf
    reduced = reduce_columns(np.arange(1000), values, Raster(0, 1000, 50))
    assert (reduced.mean[:, 0] == 1).all()
    assert np.isnan(reduced.mean[30:, 1]).all()
    assert np.isposinf(reduced.mean[:, 2]).all()


def equal(first: Columns, second: Columns) -> None:
    for name in ("steps", "low", "high", "mean"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("capacity", [256, 2000])
def test_going_on_gives_what_reducing_anew_gives(capacity: int) -> None:
    rng = np.random.default_rng(3)
    track, reducer = Track((2,), capacity), ColumnReducer()
    step = 0
    for _ in range(300):
        count = int(rng.integers(1, 40))
        values = rng.lognormal(size=(count, 2))
        values[rng.random(values.shape) < 0.02] = np.nan
        track.append(np.arange(step, step + count), values)
        step += count
        raster = Raster(0.0, 10_000.0 if step > 3000 else 3000.0, 60)
        series = track.read()
        equal(reducer.reduce(series, raster), reduce_columns(series.steps, series.values, raster))


def test_a_window_of_steps_goes_on_too() -> None:
    track, reducer = Track((1,), 5000), ColumnReducer()
    raster = Raster(500.0, 1500.0, 40)
    for first in range(0, 3000, 50):
        track.append(np.arange(first, first + 50), np.arange(first, first + 50, dtype=float)[:, None])
        series = track.read()
        equal(reducer.reduce(series, raster), reduce_columns(series.steps, series.values, raster))


def test_smoothing_is_a_moving_mean() -> None:
    values = np.random.default_rng(0).normal(size=(50, 2))
    smoothed = smooth(values, 3)
    assert smoothed[0] == pytest.approx(values[0])
    assert smoothed[20] == pytest.approx(values[17:24].mean(axis=0))
    assert smoothed[1] == pytest.approx(values[0:3].mean(axis=0))
    assert smoothed[-1] == pytest.approx(values[-4:].mean(axis=0))
    assert smooth(values, 0) is values


def test_smoothing_keeps_holes_and_small_values_after_a_huge_one() -> None:
    values = np.full((60, 2), 0.5)
    values[5, 0] = 1e30
    values[30:, 1] = np.nan
    smoothed = smooth(values, 4)
    assert smoothed[20:, 0] == pytest.approx(0.5, rel=1e-12)
    assert np.isnan(smoothed[30:, 1]).all()
    assert smoothed[:30, 1] == pytest.approx(0.5)


@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_smoothing_very_short_curves(size: int) -> None:
    assert smooth(np.ones((size, 1)), 5).shape == (size, 1)
