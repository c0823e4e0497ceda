"""Singular values of the input-output Jacobian of deep networks at their start.

References:
    Saxe et al. 2013, arXiv:1312.6120; Pennington et al. 2017, arXiv:1711.04735.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss

from initviz.theory.mean_field import critical_sigma_w, mean_field, q_path
from tests.reference.starts import Floats, curve, plain, race_at_start, squared_singular_values

WIDTH = 128
DRAWS = 6


def spectra(
    activation: str, start: str, gain: float, depth: int, sigma_b: float = 0.0, last: int | None = None
) -> list[Floats]:
    """Return the squared singular values of some draws, of all hidden layers or of the last so many."""
    bias = {"name": "normal", "std": sigma_b} if sigma_b else {"name": "zeros"}
    race = race_at_start(
        plain(depth, WIDTH, activation),
        {"weight": {"name": start, "gain": gain}, "bias": bias},
        lanes=DRAWS,
    )
    # A layer and its activation are two.
    first = 0 if last is None else 2 * (depth - last)
    return [squared_singular_values(race, lane, first=first) for lane in range(DRAWS)]


def relative_variance(found: list[Floats]) -> float:
    """Return the variance of the squared singular values over their squared mean, on the average of the draws."""
    return float(np.mean([values.var() / values.mean() ** 2 for values in found]))


@pytest.mark.parametrize("depth", [2, 4, 8])
@pytest.mark.parametrize(
    ("activation", "start", "gain", "a_layer", "noise"),
    [
        # Variance of a squared Gaussian 2, of a squared one after ReLU 5: a layer's fluctuation times the width.
        ("identity", "xavier_normal", 1.0, 1.0, 2.0),
        ("identity", "orthogonal", 1.0, 0.0, 2.0),
        ("relu", "xavier_normal", math.sqrt(2), 2.0, 5.0),
        ("relu", "orthogonal", math.sqrt(2), 1.0, 5.0),
    ],
)
def test_the_spread_of_squared_singular_values_grows_by_so_much_a_layer(
    activation: str, start: str, gain: float, a_layer: float, noise: float, depth: int
) -> None:
    """Pennington et al. 2017, eq. 23 and table 1: at criticality their variance is L (mu_2 / mu_1^2 - 1 - s_1).

    mu_2 / mu_1^2 is 1 for linear layers and 2 for ReLU, s_1 is -1 for Gaussian and 0 for orthogonal weights: so linear
    layers reach isometry with orthogonal weights, and ReLU with none. The paper shows widths of 1,000; the tolerance
    is what the fluctuations of L layers of this width leave in the mean of six draws.
    """
    found = relative_variance(spectra(activation, start, gain, depth))
    wanted = a_layer * depth
    assert found == pytest.approx(wanted, abs=1.5 * wanted * math.sqrt(noise * depth / WIDTH / DRAWS) + 1e-12)


def test_orthogonal_linear_layers_keep_every_direction_and_gaussian_ones_stretch_and_lose_some() -> None:
    """Saxe et al. 2013, section 3: all singular values 1, against a product of Gaussians.

    Its largest squared singular value is (L + 1)^(L + 1) / L^L, about e (L + 1), in networks without end of width (the
    right end of the Fuss-Catalan distribution); an edge fluctuates by width^(-2/3).
    """
    depth = 8
    for values in spectra("identity", "orthogonal", 1.0, depth):
        np.testing.assert_allclose(values, 1.0, rtol=1e-10)
    found = spectra("identity", "xavier_normal", 1.0, depth)
    edge = (depth + 1) ** (depth + 1) / depth**depth
    largest = np.mean([values.max() for values in found])
    assert edge * (1 - 8 * WIDTH ** (-2 / 3)) < largest < edge * (1 + 4 * WIDTH ** (-2 / 3))
    # Half of all directions shrink to less than a tenth of the squared length.
    assert max(float(np.median(values)) for values in found) < 0.1


def test_tanh_reaches_isometry_with_orthogonal_weights_on_the_critical_line() -> None:
    """Pennington et al. 2017, section 3.3: where q* is small the critical line of tanh nears isometry, if orthogonal.

    The paper's point is sigma_w^2 = 1.05, sigma_b^2 = 2.01e-5. What is left a layer is mu_2 / mu_1^2 - 1 with
    mu_k = E[phi'(z)^(2k)], and one more for Gaussian weights. The signal comes with q = 1 and falls slowly towards
    q* = 0.03, so the last twenty of forty layers are looked at, each with its own q.
    """
    depth, last = 40, 20
    sigma_b = math.sqrt(2.01e-5)
    tanh = curve("tanh")
    sigma_w = critical_sigma_w(tanh, sigma_b)
    assert sigma_w**2 == pytest.approx(1.05, abs=5e-4)
    assert mean_field(tanh, sigma_w, sigma_b).phase == "critical"
    left = sum(
        slope_moment(4, q) / slope_moment(2, q) ** 2 - 1
        for q in q_path(tanh, sigma_w, sigma_b, sigma_w**2 + sigma_b**2, depth)[-last:]
    )
    assert left < last / 100
    isometric = relative_variance(spectra("tanh", "orthogonal", sigma_w, depth, sigma_b, last))
    # What is left comes from the q of a single example and draw, which fluctuates as much as a layer's in ReLU at most.
    assert isometric == pytest.approx(left, rel=2 * math.sqrt(5 * depth / WIDTH / DRAWS))
    gaussian = relative_variance(spectra("tanh", "xavier_normal", sigma_w, depth, sigma_b, last))
    assert gaussian == pytest.approx(last + left, rel=1.5 * math.sqrt(2 * last / WIDTH / DRAWS))


def slope_moment(power: int, q: float) -> float:
    """Return E[tanh'(z)^power], z normal of variance ``q``."""
    nodes, weights = hermegauss(101)
    return float(weights @ np.cosh(math.sqrt(q) * nodes) ** (-2.0 * power) / weights.sum())
