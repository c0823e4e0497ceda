"""Fixed points, depth scales and phases, against closed forms, published numbers and plain iteration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from initviz.catalog import activation_curves as curves
from initviz.catalog.activations import PARTS
from initviz.catalog.parts import ActivationPart, Curve
from initviz.experiment.values import Choice
from initviz.theory.mean_field import (
    c_map,
    chi_at,
    critical_sigma_w,
    depth_scale,
    fixed_c,
    mean_field,
    phase_of,
    q_map,
    q_path,
)

NOTHING = Choice("any")
TANH, RELU, SELU, IDENTITY = (
    build(NOTHING) for build in (curves.TANH, curves.RELU, curves.SELU, curves.IDENTITY)
)
ERF = Curve(
    value=lambda x: np.asarray(special.erf(x)),
    slope=lambda x: 2 / math.sqrt(math.pi) * np.exp(-np.square(x)),
)


def test_tanh_at_one_is_critical() -> None:
    found = mean_field(TANH, 1.0, 0.0)
    assert (found.q_star, found.c_star, found.phase) == (0.0, 1.0, "critical")
    assert found.chi == pytest.approx(1.0, abs=1e-9)
    assert math.isinf(found.xi_q)
    assert math.isinf(found.xi_c)
    assert critical_sigma_w(TANH, 0.0) == pytest.approx(1.0, abs=1e-6)


def test_tanh_at_five_thirds_is_chaotic() -> None:
    """Glorot's gain for tanh. c* = 0: without biases an odd function has equally many products of either sign."""
    found = mean_field(TANH, 5 / 3, 0.0)
    assert found.q_star == pytest.approx(1.178, abs=5e-4)
    assert found.chi == pytest.approx(1.210, abs=5e-4)
    assert found.c_star == pytest.approx(0.0, abs=1e-9)
    assert found.phase == "chaotic"


def test_tanh_against_schoenholz_formulas_by_other_means() -> None:
    """Schoenholz et al. 2017, eqs. 7 and 9, integrals by SciPy, fixed points by SciPy's root finder."""
    w, b = 1.5, 0.2

    def mean(f: object, q: float) -> float:
        assert callable(f)
        return integrate.quad(lambda z: f(math.sqrt(q) * z) * stats.norm.pdf(z), -10, 10, epsabs=1e-12)[0]

    q = optimize.brentq(
        lambda q: w**2 * mean(lambda x: math.tanh(x) ** 2, q) + b**2 - q, 1e-3, 10, xtol=1e-14
    )

    def both(f: object, c: float) -> float:
        assert callable(f)
        nodes, weights = np.polynomial.hermite_e.hermegauss(120)
        weights = weights / weights.sum()
        u = math.sqrt(q) * nodes[:, None]
        v = math.sqrt(q) * (c * nodes[:, None] + math.sqrt(1 - c * c) * nodes)
        return float(np.einsum("i,j,ij", weights, weights, f(u) * f(v)))

    c = optimize.brentq(lambda c: (w**2 * both(np.tanh, c) + b**2) / q - c, 0.0, 0.99, xtol=1e-14)
    chi = w**2 * mean(lambda x: math.cosh(x) ** -4, q)
    bend = w**2 * mean(lambda x: -2 * math.tanh(x) ** 2 / math.cosh(x) ** 2, q)
    found = mean_field(TANH, w, b)
    assert found.q_star == pytest.approx(q, abs=1e-9)
    assert found.c_star == pytest.approx(c, abs=1e-8)
    assert found.chi == pytest.approx(chi, abs=1e-9)
    assert found.xi_q == pytest.approx(-1 / math.log(chi + bend), rel=1e-7)
    assert found.xi_c == pytest.approx(-1 / math.log(w**2 * both(lambda x: np.cosh(x) ** -2, c)), rel=1e-6)


@pytest.mark.parametrize("sigma_b", [0.1, 0.5])
def test_the_critical_line_of_erf_has_a_closed_form(sigma_b: float) -> None:
    """q = w² 2/π asin(2q/(1+2q)) + b² and 1 = w² 4/π / sqrt(1+4q), from the kernels of erf (Williams 1997)."""

    def excess(q: float) -> float:
        w2 = math.pi / 4 * math.sqrt(1 + 4 * q)
        return w2 * 2 / math.pi * math.asin(2 * q / (1 + 2 * q)) + sigma_b**2 - q

    q = optimize.brentq(excess, 1e-6, 100)
    expected = math.sqrt(math.pi / 4 * math.sqrt(1 + 4 * q))
    assert critical_sigma_w(ERF, sigma_b) == pytest.approx(expected, rel=1e-8)
    assert mean_field(ERF, expected, sigma_b).phase == "critical"


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0])
def test_relu_and_kin_multiply_by_half_of_c_squared(slope: float) -> None:
    """He et al. 2015: (1 + a²) c² / 2 forward and backward."""
    curve = curves.leaky(slope)
    critical = math.sqrt(2 / (1 + slope**2))
    assert critical_sigma_w(curve, 0.0) == pytest.approx(critical, rel=1e-9)
    assert critical_sigma_w(curve, 0.3) == pytest.approx(critical, rel=1e-9)
    below = mean_field(curve, 0.8 * critical, 0.3)
    assert below.q_star == pytest.approx(0.09 / (1 - 0.64), rel=1e-9)
    assert below.chi == pytest.approx(0.64)
    assert below.phase == "ordered"
    assert below.xi_q == pytest.approx(-1 / math.log(0.64))
    assert below.xi_c == pytest.approx(-1 / math.log(0.64))
    vanishing = mean_field(curve, 0.8 * critical, 0.0)
    assert (vanishing.q_star, vanishing.phase) == (0.0, "ordered")
    exploding = mean_field(curve, 1.2 * critical, 0.3)
    assert math.isinf(exploding.q_star)
    assert math.isnan(exploding.xi_q)
    assert exploding.chi == pytest.approx(1.44)
    assert exploding.phase == "chaotic"
    at = mean_field(curve, critical, 0.0, start=0.7)  # every q stays as it is
    assert (at.q_star, at.phase) == (0.7, "critical")
    assert math.isinf(at.xi_q)
    assert math.isinf(at.xi_c)


def test_selu_holds_the_fixed_point_it_was_made_for() -> None:
    """Klambauer et al. 2017: outputs of mean 0 and variance 1 from weights of variance 1/n."""
    found = mean_field(SELU, 1.0, 0.0)
    assert found.q_star == pytest.approx(1.0, abs=1e-6)
    assert found.c_star == pytest.approx(0.0, abs=1e-6)
    assert 1.0 < found.chi < 1.1


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.key)
@pytest.mark.parametrize(("sigma_w", "sigma_b", "keep"), [(0.9, 0.3, 1.0), (1.8, 0.1, 1.0), (1.3, 0.2, 0.8)])
def test_fixed_points_are_where_iteration_ends(
    part: ActivationPart, sigma_w: float, sigma_b: float, keep: float
) -> None:
    curve = part.curve(NOTHING)
    found = mean_field(curve, sigma_w, sigma_b, keep)
    q = 1.0
    for _ in range(400):
        q = min(q_map(curve, sigma_w, sigma_b, q, keep), 1e20)
    if math.isinf(found.q_star):
        assert q > 1e3
        return
    assert q == pytest.approx(found.q_star, rel=1e-6)
    assert chi_at(curve, sigma_w, q, keep) == pytest.approx(found.chi, rel=1e-6)
    settled = c_map(curve, sigma_w, sigma_b, found.q_star, found.c_star, keep)
    assert settled == pytest.approx(found.c_star, abs=1e-8)
    # From either side the map moves towards it.
    if found.c_star > 0.01:
        assert c_map(curve, sigma_w, sigma_b, found.q_star, found.c_star - 0.01, keep) > found.c_star - 0.01
    if found.c_star < 0.99:
        assert c_map(curve, sigma_w, sigma_b, found.q_star, found.c_star + 0.01, keep) < found.c_star + 0.01
    # xi_q and xi_c are what small distances shrink by.
    near = q_path(curve, sigma_w, sigma_b, found.q_star * 1.001, 3, keep)
    shrinks = (near[2] - found.q_star) / (near[1] - found.q_star)
    assert depth_scale(shrinks) == pytest.approx(found.xi_q, rel=2e-2)
    c = found.c_star - 1e-3 if found.c_star > 0.5 else found.c_star + 1e-3
    slope = (c_map(curve, sigma_w, sigma_b, found.q_star, c, keep) - found.c_star) / (c - found.c_star)
    assert depth_scale(slope) == pytest.approx(found.xi_c, rel=3e-2)


def test_dropout_destroys_the_critical_point() -> None:
    """Schoenholz et al. 2017, section 5: the noise keeps two examples, even equal ones, from growing alike."""
    whole, dropped = mean_field(TANH, 1.0, 0.0), mean_field(TANH, 1.2, 0.1, keep=0.95)
    assert math.isinf(whole.xi_c)
    assert dropped.c_star < 0.99
    for sigma_w in np.linspace(0.5, 3.0, 26).tolist():
        assert mean_field(TANH, sigma_w, 0.1, keep=0.95).xi_c < 40
    assert q_map(TANH, 1.5, 0.2, 0.7, 0.5) - 0.04 == pytest.approx(2 * (q_map(TANH, 1.5, 0.2, 0.7) - 0.04))


def test_a_network_without_weights_forgets_everything() -> None:
    found = mean_field(TANH, 0.0, 0.3)
    assert found.q_star == pytest.approx(0.09)
    assert (found.chi, found.xi_q, found.xi_c, found.c_star) == (0.0, 0.0, 0.0, 1.0)


def test_phases() -> None:
    assert [phase_of(chi) for chi in (0.99, 0.9995, 1.0, 1.0005, 1.01)] == [
        "ordered",
        "critical",
        "critical",
        "critical",
        "chaotic",
    ]
    assert fixed_c(IDENTITY, 1.0, 0.0, 1.0) == 1.0
    assert fixed_c(RELU, math.sqrt(2), 0.0, 1.0) == 1.0
