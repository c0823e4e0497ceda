"""The rate at which the loss falls fastest, against curves whose steepest point is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from initviz.telemetry.frame import Floats
from initviz.telemetry.range_test import RateCurve, rate_curve, rises_throughout

LOW, HIGH = 1e-6, 10.0


def rates(steps: int) -> Floats:
    return np.geomspace(LOW, HIGH, steps)


def sigmoid_fall(lr: Floats, center: float, width: float = 0.3) -> Floats:
    """Return a loss that falls from 2.3 to 0.3 in decades of the rate, steepest exactly at ``center``."""
    return 0.3 + 2.0 / (1 + np.exp((np.log10(lr) - math.log10(center)) / width))


def curve(lr: Floats, loss: Floats) -> RateCurve:
    found = rate_curve(lr, loss)
    assert found is not None
    return found


@pytest.mark.parametrize("steps", [60, 200, 1000, 5000])
@pytest.mark.parametrize("center", [1e-4, 3e-3, 0.05])
def test_the_suggestion_is_where_the_loss_falls_fastest(steps: int, center: float) -> None:
    lr = rates(steps)
    found = curve(lr, sigmoid_fall(lr, center) + 0.2 * (lr / (20 * center)) ** 3)
    assert found.suggestion is not None
    assert abs(math.log10(found.suggestion / center)) < 0.15
    # Half-way down, as the closed form says.
    assert found.suggested_loss == pytest.approx(1.3, abs=0.2)


def test_noise_moves_the_suggestion_little() -> None:
    lr = rates(400)
    clean = sigmoid_fall(lr, 1e-2) + (lr / 0.5) ** 3
    suggestions = []
    for seed in range(40):
        noisy = clean * np.random.default_rng(seed).lognormal(0, 0.08, len(lr))
        suggestions.append(curve(lr, noisy).suggestion)
    off = [abs(math.log10(found / 1e-2)) for found in suggestions if found is not None]
    assert len(off) == 40
    assert np.quantile(off, 0.9) < 0.35


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    lr = rates(300)
    flat = curve(lr, 2.3026 + 1e-4 * np.random.default_rng(0).standard_normal(300))
    assert flat.suggestion is None
    assert math.isnan(flat.suggested_loss)
    assert curve(lr, 2.3 + lr**2).suggestion is None


def test_what_comes_after_the_minimum_does_not_count() -> None:
    """A second, steeper fall behind an explosion is no advice."""
    lr = rates(1000)
    loss = sigmoid_fall(lr, 1e-3) + 1.5 / (1 + np.exp(-(np.log10(lr) + 1) / 0.05))
    found = curve(lr, loss)
    assert found.suggestion is not None
    assert found.suggestion < 1e-2


def test_the_curve_ends_where_it_explodes_and_with_the_lane() -> None:
    lr = rates(1000)
    loss = sigmoid_fall(lr, 1e-3) + 1e6 * (lr / 0.1) ** 4
    loss[lr > 1] = np.nan
    found = curve(lr, loss)
    assert found.rates[-1] < 0.1
    assert found.loss.max() < 5
    assert found.suggestion is not None
    assert abs(math.log10(found.suggestion / 1e-3)) < 0.15


def test_the_smoothed_curve_spans_what_was_tested() -> None:
    lr = rates(500)
    found = curve(lr, sigmoid_fall(lr, 1e-2))
    assert found.rates[0] == pytest.approx(LOW)
    assert found.rates[-1] == pytest.approx(HIGH)
    assert (np.diff(found.rates) > 0).all()
    at = np.interp(-3.0, np.log10(found.rates), found.loss)
    assert at == pytest.approx(float(sigmoid_fall(np.array([1e-3]), 1e-2)[0]), rel=0.02)


def test_the_first_steps_are_told_as_they_are() -> None:
    found = curve(np.array([1e-5, 2e-5]), np.array([2.3, 2.2]))
    assert found.loss.tolist() == [2.3, 2.2]
    assert found.suggestion is None
    assert rate_curve(np.zeros(0), np.zeros(0)) is None
    assert rate_curve(np.array([1e-5]), np.array([np.nan])) is None


def test_rates_that_fall_are_no_test() -> None:
    lr = rates(100)[::-1]
    assert rate_curve(lr, np.ones(100)) is None


@pytest.mark.parametrize(
    ("factor", "wanted"),
    [
        (lambda step: 1e-5 * 10 ** (step / 20), True),
        (lambda step: 1.0 + step, True),
        (lambda step: 1.0, False),
        (lambda step: 0.99**step, False),
        (lambda step: step / 99, False),  # a warmup from nothing
        (lambda step: min(1.0, 0.01 + step / 50), False),  # rises, then stays
        (lambda step: 1 + step / 99, False),  # not even tenfold
        (lambda step: abs(math.sin(step)) + 0.1, False),
    ],
)
def test_which_schedules_test_rates(factor: object, wanted: bool) -> None:
    assert callable(factor)
    assert rises_throughout(factor, 100) is wanted
    assert not rises_throughout(factor, 1)
