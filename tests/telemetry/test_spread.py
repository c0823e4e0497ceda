"""Mean, band and quartiles over seeds against NumPy and SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from initviz.telemetry.fates import FATES, count_fates, fate
from initviz.telemetry.frame import LaneState
from initviz.telemetry.spread import BAND_KINDS, band, spread

RNG = np.random.default_rng(4)
FULL = RNG.lognormal(size=(7, 200, 5))


def holed(values: np.ndarray) -> np.ndarray:
    """Take numbers out here and there, in one row all of them."""
    result = values.copy()
    result[RNG.random(result.shape) < 0.3] = np.nan
    result[0, 0] = np.nan
    result[0, 1, 1:] = np.nan
    result[0, 2, 0] = np.inf
    return result


@pytest.mark.parametrize("values", [FULL, holed(FULL)], ids=["full", "holed"])
def test_bands_are_numpy_s(values: np.ndarray) -> None:
    known = np.where(np.isfinite(values), values, np.nan)
    with np.errstate(invalid="ignore"), pytest.warns(RuntimeWarning) if np.isnan(known).any() else nothing():
        mean = np.nanmean(known, axis=-1)
        std = np.nanstd(known, axis=-1, ddof=1)
        expected = {
            "range": (np.nanmin(known, axis=-1), np.nanmax(known, axis=-1)),
            "quartiles": tuple(np.nanquantile(known, share, axis=-1) for share in (0.25, 0.75)),
            "std": (mean - std, mean + std),
        }
    for kind in BAND_KINDS:
        found = band(values, kind)
        np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
        for ours, theirs in zip((found.low, found.high), expected[kind], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)
        np.testing.assert_array_equal(found.count, np.isfinite(values).sum(axis=-1))


class nothing:  # noqa: N801 - stands beside pytest.warns
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def test_one_number_s_spread_is_scipy_s() -> None:
    values = FULL[0, 0]
    found = spread([*values, math.nan])
    told = stats.describe(values)
    assert (found.count, found.minimum, found.maximum) == (5, *told.minmax)
    assert found.mean == pytest.approx(told.mean, rel=1e-12)
    assert found.std == pytest.approx(math.sqrt(told.variance), rel=1e-12)
    quartiles = stats.mstats.mquantiles(values, (0.25, 0.5, 0.75), alphap=1, betap=1)
    assert (found.lower_quartile, found.median, found.upper_quartile) == pytest.approx(tuple(quartiles))


def test_the_spread_of_one_number_is_not_known_and_of_none_nothing() -> None:
    one = spread([2.0])
    assert (one.count, one.mean, one.median) == (1, 2.0, 2.0)
    assert math.isnan(one.std)
    none = spread([math.nan, math.inf])
    assert none.count == 0
    assert math.isnan(none.mean)
    assert math.isnan(none.median)


def state(**changes: object) -> LaneState:
    values: dict[str, object] = {
        "outcome": "ok",
        "diverged_at": None,
        "bad_layer": None,
        "train_loss": 1.0,
        "initial_loss": 2.0,
        "best_loss": 1.0,
    }
    return LaneState(**{**values, **changes})  # type: ignore[arg-type]


def test_fates_are_counted_with_the_worst_word_first() -> None:
    states = [
        state(),
        state(judged=False),
        state(outcome="stalled"),
        state(is_worse=True),
        state(outcome="stopped", stopped_at=5, best_step=3),
        state(outcome="diverged", diverged_at=7),
    ]
    assert [fate(one) for one in states] == [
        "learning", "learning", "stalled", "worse", "stopped", "diverged",
    ]  # fmt: skip
    assert count_fates(states) == dict(zip(FATES, (2, 1, 1, 1, 1), strict=True))
