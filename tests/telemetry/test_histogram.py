"""Histograms count exactly what NumPy counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from initviz.telemetry.frame import Histogram
from initviz.telemetry.histogram import NUM_BINS, Axis, Tally, decade_axis, linear_axis, merged

AXES = [linear_axis(1.0), linear_axis(0.01), linear_axis(100.0), decade_axis(-16, 0), decade_axis(-30, 20)]


def check(histogram: Histogram, values: np.ndarray, axis: Axis, lane: int, layer: int) -> None:
    """Compare one segment with ``np.histogram``, which takes its last edge in as we do."""
    finite = values[np.isfinite(values)]
    if axis.scale == "log10":
        # The decades themselves come from torch on both sides; what is compared is the counting.
        finite = torch.log10(torch.from_numpy(np.abs(finite))).numpy()
    edges = axis.edges
    inside = finite[np.isfinite(finite)].astype(np.float64)
    np.testing.assert_array_equal(histogram.counts[lane, layer], np.histogram(inside, edges)[0])
    assert histogram.below[lane, layer] == (finite < edges[0]).sum()
    assert histogram.above[lane, layer] == (finite > edges[-1]).sum()
    assert histogram.not_finite[lane, layer] == (~np.isfinite(values)).sum()


def fill(tally: Tally, section: int, rows: np.ndarray) -> None:
    tally.sections[section].copy_(torch.from_numpy(rows))


@settings(deadline=None, max_examples=150)
@given(
    values=st.integers(1, 60).flatmap(
        lambda n: arrays(
            np.float32,
            (2, n),
            elements=st.one_of(
                st.floats(width=32, allow_nan=True, allow_infinity=True, allow_subnormal=False),
                st.floats(-1.25, 1.25, width=32, allow_subnormal=False),
                st.integers(-40, 40).map(lambda k: k / 32),  # on an edge
                st.sampled_from([0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e-38, -1e-38]),
            ),
        )
    ),
    axis=st.sampled_from(AXES),
    split=st.integers(0, 60),
)
def test_counts_are_those_of_numpy(values: np.ndarray, axis: Axis, split: int) -> None:
    first = min(split, values.shape[1])
    sizes = [first, values.shape[1] - first]
    tally = Tally(2, [sizes])
    fill(tally, 0, values)
    (histogram,) = tally.count([axis], [False])
    assert histogram.counts.shape == (2, 2, NUM_BINS)
    for lane in range(2):
        check(histogram, values[lane, :first], axis, lane, 0)
        check(histogram, values[lane, first:], axis, lane, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_several_quantities_at_once(dtype: type) -> None:
    rng = np.random.default_rng(0)
    sizes = [[40, 1000, 7], [64, 64, 64], [40, 1000, 7]]
    axes = [linear_axis(0.3), linear_axis(4.0), decade_axis(-9.5, 1.2)]
    scales = [0.1, 2.0, 1e-4]
    tally = Tally(3, sizes, torch.float64 if dtype is np.float64 else torch.float32)
    for _ in range(2):  # a second count must not remember the first
        rows: list[np.ndarray] = [
            (rng.normal(size=(3, sum(own))) * scale).astype(dtype)
            for own, scale in zip(sizes, scales, strict=True)
        ]
        rows[1][0, 3] = np.nan
        rows[2][2, -1] = np.inf
        for section, values in enumerate(rows):
            fill(tally, section, values)
        found = tally.count(axes, [True, False, True])
        for histogram, values, own, axis in zip(found, rows, sizes, axes, strict=True):
            stops = np.cumsum(own)
            for lane in range(3):
                for layer, (stop, size) in enumerate(zip(stops, own, strict=True)):
                    check(histogram, values[lane, stop - size : stop], axis, lane, layer)
        assert [histogram.sampled for histogram in found] == [True, False, True]


def test_a_tanh_that_saturates_lies_in_the_last_bin() -> None:
    tally = Tally(1, [[4]])
    fill(tally, 0, np.array([[1.0, -1.0, 1.0000001, -1.0000001]], dtype=np.float32))
    (histogram,) = tally.count([linear_axis(1.0)], [False])
    assert histogram.counts[0, 0, [0, -1]].tolist() == [1, 1]
    assert (histogram.below[0, 0], histogram.above[0, 0]) == (1, 1)


def test_exact_zeros_are_below_every_decade() -> None:
    tally = Tally(1, [[3]])
    fill(tally, 0, np.array([[0.0, -0.0, -1e-3]], dtype=np.float32))
    (histogram,) = tally.count([decade_axis(-10, 0)], [False])
    assert histogram.below[0, 0] == 2
    assert histogram.counts.sum() == 1


def test_huge_finite_values_are_not_taken_for_infinite() -> None:
    tally = Tally(1, [[3]])
    fill(tally, 0, np.array([[3e38, 3e38, 3e38]], dtype=np.float32))  # their sum overflows
    (histogram,) = tally.count([linear_axis(1.0)], [False])
    assert (histogram.above[0, 0], histogram.not_finite[0, 0]) == (3, 0)


@given(reach=st.floats(1e-20, 1e20))
def test_a_linear_axis_is_symmetric_and_just_wide_enough(reach: float) -> None:
    edges = linear_axis(reach).edges
    assert len(edges) == NUM_BINS + 1
    assert edges[0] == -edges[-1]
    assert edges[NUM_BINS // 2] == 0
    assert reach <= edges[-1] < 2 * reach * 1.0000001
    np.testing.assert_array_equal(edges, np.linspace(edges[0], edges[-1], NUM_BINS + 1))


@pytest.mark.parametrize("reach", [0.0, -1.0, math.nan, math.inf])
def test_a_linear_axis_without_a_reach(reach: float) -> None:
    assert linear_axis(reach).edges[-1] == 1.0


@given(low=st.floats(-320, 300), width=st.floats(0, 300))
def test_a_decade_axis_holds_what_it_must(low: float, width: float) -> None:
    axis = decade_axis(low, low + width)
    edges = axis.edges
    assert edges[0] <= low
    assert edges[-1] >= low + width
    assert edges[0] == int(edges[0])
    assert edges[-1] - edges[0] in {16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0}
    np.testing.assert_array_equal(edges, np.linspace(edges[0], edges[-1], NUM_BINS + 1))


def test_groups_come_together_in_lane_order() -> None:
    axis = linear_axis(1.0)
    wide, narrow = Tally(2, [[2, 3]]), Tally(1, [[4]])
    fill(wide, 0, np.array([[0.1] * 5, [0.9] * 5], dtype=np.float32))
    fill(narrow, 0, np.full((1, 4), 5.0, dtype=np.float32))
    parts = [((0, 2), wide.count([axis], [False])[0]), ((1,), narrow.count([axis], [True])[0])]
    whole = merged(axis, (3, 2), parts, blank=[])
    assert whole.counts.sum(-1).tolist() == [[2, 3], [0, 0], [2, 3]]
    assert whole.above.tolist() == [[0, 0], [4, 0], [0, 0]]
    assert whole.counts[2, 0].argmax() == 32 + 28
    assert whole.sampled
    blanked = merged(axis, (3, 2), parts, blank=[2])
    assert blanked.counts.sum(-1).tolist() == [[2, 3], [0, 0], [0, 0]]


def test_histograms_are_read_only() -> None:
    tally = Tally(1, [[3]])
    (histogram,) = tally.count([linear_axis(1.0)], [False])
    for array in (histogram.counts, histogram.below, histogram.above, histogram.not_finite, histogram.edges):
        assert not array.flags.writeable
