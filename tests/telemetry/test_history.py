"""The history of a run: bounded, and no spike is lost."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from initviz.telemetry import synthetic
from initviz.telemetry.frame import Scalars
from initviz.telemetry.history import QUANTITIES, RunHistory
from initviz.telemetry.series import Track, extremes, merge_pairs

INFO = synthetic.run_info(num_lanes=4, num_layers=5)


def feed(track: Track, values: np.ndarray, cuts: list[int]) -> None:
    steps = np.arange(len(values), dtype=np.int64)
    bounds = [0, *sorted(cut % (len(values) + 1) for cut in cuts), len(values)]
    for start, stop in itertools.pairwise(bounds):
        track.append(steps[start:stop], values[start:stop])


numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(deadline=None, max_examples=200)
@given(
    values=st.integers(1, 300).flatmap(lambda n: arrays(np.float32, (n, 2), elements=numbers)),
    cuts=st.lists(st.integers(0, 10_000), max_size=6),
    capacity=st.sampled_from([4, 8, 12, 32]),
)
def test_no_extreme_is_lost(values: np.ndarray, cuts: list[int], capacity: int) -> None:
    track = Track((2,), capacity, np.float32)
    feed(track, values, cuts)
    series = track.read()
    assert len(series.steps) == len(series.values) <= capacity + 2
    assert (np.diff(series.steps) >= 0).all()
    assert series.steps[0] == 0
    assert series.steps[-1] <= len(values) - 1
    np.testing.assert_array_equal(series.last, values[-1])
    for curve in range(2):
        held, given_ = series.values[:, curve], values[:, curve]
        if np.isnan(given_).all():
            assert np.isnan(held).all()
            continue
        assert np.nanmax(held) == np.nanmax(given_)
        assert np.nanmin(held) == np.nanmin(given_)
        assert np.isin(held[~np.isnan(held)], given_).all()


@settings(deadline=None, max_examples=60)
@given(at=st.integers(0, 4999), cuts=st.lists(st.integers(0, 5000), max_size=5))
def test_a_spike_stands_within_its_bucket(at: int, cuts: list[int]) -> None:
    values = np.zeros((5000, 1))
    values[at] = 7.0
    track = Track((1,), 64)
    feed(track, values, cuts)
    series = track.read()
    places = np.flatnonzero(series.values[:, 0] == 7.0)
    assert len(places)
    assert track.bucket <= 4 * 5000 // 64 * 2
    for place in places:
        assert abs(int(series.steps[place]) - at) < track.bucket


def test_how_it_is_cut_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3001, 3))
    whole, single = Track((3,), 100), Track((3,), 100)
    feed(whole, values, [])
    feed(single, values, list(range(3001)))
    np.testing.assert_array_equal(whole.read().steps, single.read().steps)
    np.testing.assert_array_equal(np.sort(whole.read().values, 0), np.sort(single.read().values, 0))


def test_points_keep_the_order_in_which_they_occur() -> None:
    rows = np.array([[[3.0], [1.0], [5.0]], [[5.0], [1.0], [3.0]], [[np.nan], [np.inf], [np.nan]]])
    expected = [[1.0, 5.0], [5.0, 1.0], [np.inf, np.inf]]
    np.testing.assert_array_equal(extremes(rows)[..., 0], expected)
    np.testing.assert_array_equal(extremes(np.full((1, 4, 1), np.nan))[..., 0], [[np.nan, np.nan]])


def test_merging_pairs_agrees_with_the_plain_way() -> None:
    points = np.random.default_rng(1).integers(-3, 4, (4 * 500, 3)).astype(np.float64)
    plain = extremes(points.reshape(500, 4, 3))
    fast = merge_pairs(points).reshape(500, 2, 3)
    np.testing.assert_array_equal(np.sort(plain, 1), np.sort(fast, 1))
    distinct = np.array([len(set(group)) == 4 for group in points[:, 0].reshape(500, 4)])
    assert distinct.any()
    np.testing.assert_array_equal(plain[distinct, :, 0], fast[distinct, :, 0])


def test_everything_is_kept_while_it_fits() -> None:
    history = RunHistory(INFO)
    parts = [synthetic.scalars(INFO, first, 70) for first in range(0, 700, 70)]
    for part in parts:
        history.append(part)
    assert history.last_step == 699
    np.testing.assert_array_equal(history.loss().steps, np.arange(700))
    np.testing.assert_array_equal(history.loss().values, np.concatenate([part.loss for part in parts]))
    np.testing.assert_array_equal(
        history.accuracy().values, np.concatenate([part.accuracy for part in parts])
    )
    np.testing.assert_array_equal(history.lr().values, np.concatenate([part.lr for part in parts]))
    np.testing.assert_array_equal(
        history.grad_norm().values, np.concatenate([part.grad_norm for part in parts])
    )
    np.testing.assert_array_equal(
        history.weight_norm().values, np.concatenate([part.weight_norm for part in parts])
    )


def test_update_ratio_holds_only_steps_where_it_was_measured() -> None:
    history = RunHistory(INFO)
    whole = synthetic.scalars(INFO, 0, 10)
    update, weight = whole.update_norm.copy(), whole.weight_norm.copy()
    update[[0, 1, 3, 4, 5, 7, 8, 9]] = np.nan
    weight[:, 0] = 0
    history.append(replace(whole, update_norm=update, weight_norm=weight))
    series = history.update_ratio()
    assert series.steps.tolist() == [2, 6]
    still = update[[2, 6], 0] == 0
    assert still.any()
    np.testing.assert_array_equal(series.values[:, 0][still], 0.0)  # nothing moved
    assert np.isnan(series.values[:, 0][~still]).all()  # a weight of zero moved
    np.testing.assert_allclose(series.values[:, 1:], update[[2, 6], 1:] / weight[[2, 6], 1:], rtol=1e-6)


def test_reading_is_cached_and_read_only() -> None:
    history = RunHistory(INFO)
    history.append(synthetic.scalars(INFO, 0, 10))
    assert history.loss() is history.loss()
    assert history.grad_norm_map() is history.grad_norm_map()
    before = history.loss()
    history.append(synthetic.scalars(INFO, 10, 1))
    assert history.loss() is not before
    for array in (*_arrays(history),):
        assert not array.flags.writeable


def _arrays(history: RunHistory) -> list[np.ndarray]:
    series = [history.loss(), history.grad_norm(), history.update_ratio(), history.validation()]
    arrays_ = [array for one in series for array in (one.steps, one.values, one.last)]
    return [*arrays_, history.grad_norm_map().values]


def test_steps_must_rise() -> None:
    history = RunHistory(INFO)
    history.append(synthetic.scalars(INFO, 0, 10))
    with pytest.raises(ValueError, match="step 9 comes after step 9"):
        history.append(synthetic.scalars(INFO, 9, 5))
    assert len(history.loss().steps) == 10


def test_nothing_yet() -> None:
    history = RunHistory(INFO)
    history.append(synthetic.scalars(INFO, 0, 0))
    assert history.last_step == -1
    assert history.frame is None
    assert history.first_frame is None
    assert history.loss().values.shape == (0, 4)
    assert history.update_ratio().values.shape == (0, 4, 5)
    assert np.isnan(history.loss().last).all()
    assert history.grad_norm_map().values.shape == (4, 5, 0)
    assert history.histogram_map("weights", 0, 0) is None


def test_grad_norm_map_holds_the_peak_of_every_stretch() -> None:
    history = RunHistory(INFO)
    peak = 123.0
    for first in range(0, 5000, 250):
        part = synthetic.scalars(INFO, first, 250)
        if first == 2500:
            grad = part.grad_norm.copy()
            grad[17, 3, 2] = peak
            part = replace(part, grad_norm=grad)
        history.append(part)
    heat = history.grad_norm_map()
    lanes, layers, columns = heat.values.shape
    assert (lanes, layers) == (4, 5)
    assert 256 <= columns <= 512
    assert len(heat.step_edges) == columns + 1
    assert heat.step_edges[0] == 0
    assert heat.step_edges[-1] >= 5000 > heat.step_edges[-2]
    column = np.searchsorted(heat.step_edges, 2517, side="right") - 1
    assert heat.values[3, 2, column] == np.float32(np.log10(np.float32(peak)))
    assert heat.values[3, 2].max() == heat.values[3, 2, column]
    # Lane 0 starts from zeros: no gradient reaches the layers below the output.
    assert np.isneginf(heat.values[0, :-1]).all()
    assert np.isfinite(heat.values[0, -1]).all()


def test_grad_norm_map_with_columns_of_one_step() -> None:
    history = RunHistory(INFO)
    part = synthetic.scalars(INFO, 0, 300)
    history.append(part)
    heat = history.grad_norm_map()
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(heat.values, np.moveaxis(np.log10(part.grad_norm), 0, -1))
    np.testing.assert_array_equal(heat.step_edges, np.arange(301))


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_histogram_map_follows_the_frames(quantity: str) -> None:
    history = RunHistory(INFO)
    steps = [0, 3, 10, 20, 100]
    frames = [synthetic.frame(INFO, step) for step in steps]
    for frame in frames:
        history.add_frame(frame)
    picture = history.histogram_map(quantity, 2, 1)  # type: ignore[arg-type]
    assert picture is not None
    histogram = getattr(frames[-1], quantity)
    assert picture.scale == histogram.scale
    np.testing.assert_array_equal(picture.edges, histogram.edges)
    assert picture.share.shape == (64, 5)
    assert (picture.step_edges[0], picture.step_edges[-1]) == (0, 101)
    # Of five columns of 20.2 steps the first shows the frame of step 10, the next ones that of step 20.
    np.testing.assert_allclose(
        picture.share[:, 0], getattr(frames[2], quantity).counts[2, 1] / 1024, atol=1e-3
    )
    np.testing.assert_allclose(
        picture.share[:, 3], getattr(frames[3], quantity).counts[2, 1] / 1024, atol=1e-3
    )


def test_histogram_map_stays_bounded() -> None:
    info = synthetic.run_info(num_lanes=1, num_layers=2)
    history = RunHistory(info)
    frame = synthetic.frame(info, 0)
    for step in range(3000):
        history.add_frame(replace(frame, step=step))
    picture = history.histogram_map("weights", 0, 0)
    assert picture is not None
    assert 256 <= picture.share.shape[1] <= 512
    np.testing.assert_allclose(
        picture.share,
        np.broadcast_to(frame.weights.counts[0, 0, :, None] / 1024, picture.share.shape),
        atol=1e-3,
    )


def test_frames_and_scores() -> None:
    history = RunHistory(INFO)
    first, second = synthetic.frame(INFO, 0), synthetic.frame(INFO, 12)
    for frame in (first, second, first):
        history.add_frame(frame)
    assert history.first_frame is first
    assert history.frame is second
    assert second.validation is not None
    history.add_validation(second.validation)
    assert history.validation().steps.tolist() == [0, 12]
    np.testing.assert_array_equal(history.validation().values[1], second.validation.loss)
    np.testing.assert_array_equal(history.validation_accuracy().values[1], second.validation.accuracy)
    other = synthetic.run_info(run_id=2)
    with pytest.raises(ValueError, match="run 2"):
        history.add_frame(synthetic.frame(other, 20))


def test_version_grows_with_everything_added() -> None:
    history = RunHistory(INFO)
    seen = [history.version]
    history.append(synthetic.scalars(INFO, 0, 3))
    seen.append(history.version)
    history.add_frame(replace(synthetic.frame(INFO, 3), validation=None))
    seen.append(history.version)
    scores = synthetic.frame(INFO, 3).validation
    assert scores is not None
    history.add_validation(scores)
    seen.append(history.version)
    assert seen == sorted(set(seen))


def test_a_long_wide_run_stays_small() -> None:
    info = synthetic.run_info(num_lanes=16, num_layers=200)
    history = RunHistory(info)
    shape = (64, 16, 200)
    ones = np.ones(shape, dtype=np.float32)
    for first in range(0, 6400, 64):
        steps = np.arange(first, first + 64, dtype=np.int64)
        flat = np.ones((64, 16))
        history.append(Scalars(steps, flat, flat, flat, ones, ones, ones))
    assert history.grad_norm().values.nbytes < 5_000_000
    assert len(history.loss().steps) == 6400


def test_the_window_reads_it_without_torch() -> None:
    program = (
        "import sys; import initviz.telemetry.history, initviz.telemetry.frame, initviz.telemetry.synthetic;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_another_frame_of_the_same_step_takes_the_place_of_the_first() -> None:
    """A frame that is completed later is shown, and counted once."""
    history = RunHistory(INFO)
    history.add_frame(synthetic.frame(INFO, 3))
    before = history.histogram_map("weights", 0, 0)
    version = history.version
    completed = replace(synthetic.frame(INFO, 3), steps_per_s=7.0)
    history.add_frame(completed)
    assert history.frame is completed
    assert history.version > version
    after = history.histogram_map("weights", 0, 0)
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(after.share, before.share)
    history.add_frame(synthetic.frame(INFO, 2))
    assert history.frame is completed


def test_how_the_lanes_fare_is_known_between_frames() -> None:
    """The latest word counts, whether it came alone or with a frame."""
    history = RunHistory(INFO)
    assert history.lanes == ()
    frame = synthetic.frame(INFO, 3)
    version = history.version
    states = tuple(replace(state, train_loss=0.5) for state in frame.lanes)
    history.set_lanes(states)
    assert history.lanes is states
    assert history.version > version
    history.add_frame(frame)
    assert history.lanes is frame.lanes
