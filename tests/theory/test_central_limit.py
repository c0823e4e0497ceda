"""Sums of weights against SciPy's distributions and Berry and Esseen's theorem."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from initviz.theory import central_limit
from initviz.theory.central_limit import (
    FAN_INS,
    LAWS,
    NUM_UNITS,
    WeightLaw,
    distance_from_normal,
    drawn,
    exact_distance,
    unit_sums,
)

SAMPLE_NOISE = 1.95 / math.sqrt(NUM_UNITS)
"""A sample's own distance is beyond this once in a thousand times (Kolmogorov's distribution)."""


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("fan_in", FAN_INS)
def test_units_are_the_sums_that_they_are_said_to_be(law: WeightLaw, fan_in: int) -> None:
    z = drawn(law, fan_in)
    assert z.shape == (NUM_UNITS,)
    # Mean 0, variance 1, four deviations; the fourth moment tells the laws apart at fan-in 1.
    kurtosis = {"two_point": -2.0, "uniform": -1.2, "normal": 0.0}[law] / fan_in
    assert abs(z.mean()) < 4 / math.sqrt(NUM_UNITS)
    assert z.var() == pytest.approx(1, abs=4 * math.sqrt((2 + kurtosis) / NUM_UNITS) + 16 / NUM_UNITS)
    assert stats.kurtosis(z) == pytest.approx(kurtosis, abs=0.25)
    found = unit_sums(law, fan_in)
    assert found.distance == pytest.approx(stats.kstest(z, "norm").statistic, abs=1e-12)
    assert (found.mean, found.std) == pytest.approx(stats.norm.fit(z))
    assert abs(found.distance - found.exact_distance) < SAMPLE_NOISE
    # A histogram whose shares add up to what lies within its range.
    inside = (np.abs(z) <= central_limit.EDGE).mean()
    assert found.density.sum() * found.spacing == pytest.approx(inside, abs=1e-9)
    assert not found.density.flags.writeable


@pytest.mark.parametrize("fan_in", [1, 2, 3, 8, 100])
def test_two_point_sums_are_binomial(fan_in: int) -> None:
    """The exact distance from a fine look at both sides of every jump."""
    law = stats.binom(fan_in, 0.5)
    jumps = (2 * np.arange(fan_in + 1) - fan_in) / math.sqrt(fan_in)
    wanted = 0.0
    for k, z in enumerate(jumps):
        wanted = max(wanted, abs(law.cdf(k) - stats.norm.cdf(z)), abs(law.cdf(k - 1) - stats.norm.cdf(z)))
    assert exact_distance("two_point", fan_in) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("fan_in", [1, 2, 3, 5, 12, 13, 40])
def test_uniform_sums_are_irwin_s_and_hall_s(fan_in: int) -> None:
    """By repeated convolution on a fine grid, which shares nothing with either formula."""
    step = 1 / 2000
    density = np.ones(2000)
    whole = density
    for _ in range(fan_in - 1):
        whole = np.convolve(whole, density) * step
    # The grid's numbers are middles of cells, so n of them lie n/2 cells off.
    x = np.arange(1, len(whole) + 1) * step + (fan_in - 1) * step / 2
    z = (x - fan_in / 2) / math.sqrt(fan_in / 12)
    wanted = np.abs(np.cumsum(whole) * step - stats.norm.cdf(z)).max()
    assert exact_distance("uniform", fan_in) == pytest.approx(wanted, abs=2e-5)


def test_the_distance_shrinks_as_the_theorem_and_the_expansions_say() -> None:
    """Berry and Esseen bound it by 0.4748 E|w|^3 / sqrt(n) (Shevtsova 2011); two-point weights come near that."""
    for law, third in (
        ("two_point", 1.0),
        ("uniform", 3 * math.sqrt(3) / 4),
        ("normal", math.sqrt(8 / math.pi)),
    ):
        found = [exact_distance(law, n) for n in FAN_INS]
        assert all(d <= 0.4748 * third / math.sqrt(n) for d, n in zip(found, FAN_INS, strict=True))
    # Half the middle jump of a lattice of distance 2 / sqrt(n), 1 / sqrt(2 pi n).
    for n in (64, 256, 1024):
        assert exact_distance("two_point", n) * math.sqrt(n) == pytest.approx(
            1 / math.sqrt(2 * math.pi), rel=0.01
        )
    # Edgeworth: excess kurtosis -1.2 / n, over 24, times the largest |x^3 - 3x| phi(x).
    x = np.linspace(0, 4, 4001)
    largest = np.abs((x**3 - 3 * x) * stats.norm.pdf(x)).max()
    for n in (64, 256):
        assert exact_distance("uniform", n) * n == pytest.approx(1.2 / 24 * largest, rel=0.02)


def test_a_sample_with_ties_and_one_without() -> None:
    rng = np.random.default_rng(0)
    for z in (rng.standard_normal(101), np.repeat([-1.0, 0.0, 1.0], 7), np.array([0.3])):
        assert distance_from_normal(z) == pytest.approx(stats.kstest(z, "norm").statistic, abs=1e-12)
