"""Moments of activations under normal signals: against SciPy's adaptive quadrature and closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from initviz.catalog import activation_curves as curves
from initviz.catalog.activations import PARTS
from initviz.catalog.parts import ActivationPart, Curve
from initviz.experiment.values import Choice
from initviz.theory import moments
from initviz.theory.quadrature import mean_product
from initviz.theory.spectrum import spectrum

NOTHING = Choice("any")
ERF = Curve(
    value=lambda x: np.asarray(2 * stats.norm.cdf(x * math.sqrt(2)) - 1),
    slope=lambda x: 2 / math.sqrt(math.pi) * np.exp(-np.square(x)),
)


def adaptive(f: object, curve: Curve, q: float) -> float:
    """Return E[f(z)] by adaptive quadrature between corners, z normal of variance q."""
    assert callable(f)
    size = math.sqrt(q)
    bounds = sorted({-9.0, 0.0, 9.0, *(c / size for c in curve.corners if abs(c) < 9 * size)})
    # Where the argument is large, what happens near 0 would slip between the points that are tried first.
    bounds = sorted({*bounds, *(s / size for k in (1, 5, 25) for s in (-k, k) if k < 9 * size)})
    return sum(
        integrate.quad(lambda z: f(np.array([size * z]))[0] * stats.norm.pdf(z), low, high, epsabs=1e-13)[0]
        for low, high in itertools.pairwise(bounds)
    )


@pytest.mark.parametrize("q", [0.01, 1.0, 40.0])
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.key)
def test_moments_are_those_of_adaptive_quadrature(part: ActivationPart, q: float) -> None:
    curve = part.curve(NOTHING)
    second = adaptive(lambda x: curve.value(x) ** 2, curve, q)
    slope = adaptive(lambda x: curve.slope(x) ** 2, curve, q)
    assert moments.second_moment(curve, q) == pytest.approx(second, rel=1e-8)
    assert moments.slope_moment(curve, q) == pytest.approx(slope, rel=1e-8)
    step = 1e-4 * q
    rise = moments.second_moment(curve, q + step) - moments.second_moment(curve, q - step)
    assert moments.second_moment_slope(curve, q) == pytest.approx(rise / (2 * step), rel=1e-5)


@pytest.mark.parametrize(
    ("curve", "c"),
    [
        pytest.param(curves.TANH(NOTHING), 0.5, id="tanh"),
        pytest.param(curves.SELU(NOTHING), 0.97, id="selu"),
        pytest.param(curves.HARD_TANH(NOTHING), -0.6, id="hard_tanh"),
        pytest.param(curves.SOFTSIGN(NOTHING), 0.0, id="softsign"),
    ],
)
def test_products_are_those_of_adaptive_double_quadrature(curve: Curve, c: float) -> None:
    """The inner mean over v given u is taken by adaptive quadrature between corners, then the outer one."""
    q, rest = 1.7, math.sqrt(1 - c * c)
    size = math.sqrt(q)
    corners = [*curve.corners] or [0.0]

    def inner(z: float) -> float:
        cuts: list[float] = sorted(
            {-9.0, 9.0, *(u for k in corners if abs(u := (k / size - c * z) / rest) < 9)}
        )
        return sum(
            integrate.quad(
                lambda t: float(curve.value(np.array(size * (c * z + rest * t))) * stats.norm.pdf(t)),
                low,
                high,
                epsabs=1e-11,
                limit=200,
            )[0]
            for low, high in itertools.pairwise(cuts)
        )

    nodes, weights = np.polynomial.legendre.leggauss(12)
    outer = sorted(
        {*np.linspace(-8, 8, 9), *(k / size for k in corners), *(k / size / c for k in corners if c)}
    )
    expected = 0.0
    for low, high in itertools.pairwise(outer):
        for node, weight in zip(nodes, weights, strict=True):
            z = (low + high) / 2 + (high - low) / 2 * node
            value = float(curve.value(np.array(size * z)))
            expected += (high - low) / 2 * weight * value * inner(z) * stats.norm.pdf(z)
    assert moments.product_moment(curve, q, c) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("c", [-0.6, 0.5, 0.97])
@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.key)
def test_the_product_of_slopes_is_the_derivative_by_the_correlation(part: ActivationPart, c: float) -> None:
    """d/dc E[phi phi] = q E[phi' phi'], by parts (Price's theorem)."""
    curve, q, step = part.curve(NOTHING), 1.7, 1e-4
    rise = moments.product_moment(curve, q, c + step) - moments.product_moment(curve, q, c - step)
    assert q * moments.slope_product_moment(curve, q, c) == pytest.approx(rise / (2 * step), rel=1e-5)


@pytest.mark.parametrize("c", [-1.0, -0.8, -1e-3, 0.0, 0.3, 0.9, 0.9999, 1 - 1e-9, 1.0])
@pytest.mark.parametrize("q", [1e-6, 1.0, 300.0])
def test_relu_is_the_arc_cosine_kernel(q: float, c: float) -> None:
    """Cho and Saul 2009: E[relu relu] = q (sin t + (pi - t) cos t) / 2 pi and E[relu' relu'] = (pi - t) / 2 pi."""
    t = math.acos(c)
    relu = curves.RELU(NOTHING)
    value = q * (math.sin(t) + (math.pi - t) * c) / (2 * math.pi)
    assert moments.product_moment(relu, q, c) == pytest.approx(value, abs=1e-9 * q)
    assert moments.slope_product_moment(relu, q, c) == pytest.approx((math.pi - t) / (2 * math.pi), abs=1e-8)
    slope = 0.3
    leaky = curves.leaky(slope)
    mirrored = (
        q * (math.sin(t) - t * c) / (2 * math.pi)
    )  # of the positive part of one, the negative of the other
    expected = (1 + slope**2) * value + 2 * slope * (0 - mirrored)
    assert moments.product_moment(leaky, q, c) == pytest.approx(expected, abs=1e-9 * q)


@pytest.mark.parametrize("c", [-0.9, 0.0, 0.4, 0.999])
@pytest.mark.parametrize("q", [1e-4, 1.0, 1e4])
def test_erf_has_its_closed_form(q: float, c: float) -> None:
    """Williams 1997: E[erf(u) erf(v)] = 2/pi asin(2 q c / (1 + 2 q))."""
    expected = 2 / math.pi * math.asin(2 * q * c / (1 + 2 * q))
    assert moments.product_moment(ERF, q, c) == pytest.approx(expected, abs=1e-8)
    slopes = 4 / math.pi / math.sqrt((1 + 2 * q) ** 2 - (2 * q * c) ** 2)
    assert moments.slope_product_moment(ERF, q, c) == pytest.approx(slopes, rel=1e-8)
    assert moments.second_moment(ERF, q) == pytest.approx(
        2 / math.pi * math.asin(2 * q / (1 + 2 * q)), rel=1e-9
    )


def test_the_mean_of_two_different_functions() -> None:
    """E[u v^3] = 3 c q^2 for the cube, which stands for any other function."""
    identity = curves.IDENTITY(NOTHING)
    cube = Curve(value=lambda x: x**3, slope=lambda x: 3 * x**2)
    assert mean_product(identity, cube, math.sqrt(2.0), 0.4) == pytest.approx(3 * 0.4 * 4.0, rel=1e-9)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.key)
def test_the_table_is_close(part: ActivationPart) -> None:
    curve = part.curve(NOTHING)
    table = moments.table(curve)
    q = np.exp(np.random.default_rng(3).uniform(math.log(1e-11), math.log(1e11), 60))
    exact = np.array([[moments.second_moment(curve, x), moments.slope_moment(curve, x)] for x in q.tolist()])
    np.testing.assert_allclose(table.second_at(q), exact[:, 0], rtol=1e-5)
    np.testing.assert_allclose(table.slope_at(q), exact[:, 1], rtol=1e-5)
    far = np.array([1e-40, 1e60])
    growth = 1.0 if moments.is_homogeneous(curve) else table.growth_at(far)
    np.testing.assert_allclose(
        np.log(table.second_at(far * 10) / table.second_at(far)), math.log(10) * growth, atol=1e-11
    )


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.key)
def test_the_expansion_is_close(part: ActivationPart) -> None:
    curve = part.curve(NOTHING)
    c = np.array([-1.0, -0.9, -0.3, 0.0, 0.5, 0.95, 0.999, 1.0])
    for q in (0.05, 1.3):
        expansion = spectrum(curve).at(q)
        products = expansion.products(c)
        values = [moments.product_moment(curve, q, x) / moments.second_moment(curve, q) for x in c.tolist()]
        slopes = [
            moments.slope_product_moment(curve, q, x) / moments.slope_moment(curve, q) for x in c.tolist()
        ]
        np.testing.assert_allclose(products.value, values, atol=1e-4)
        np.testing.assert_allclose(products.slope, slopes, atol=3e-3)
        _, weights, x = moments._line(curve, math.sqrt(q))
        fourth = weights @ curve.value(x) ** 4 / moments.second_moment(curve, q) ** 2
        assert expansion.fourth == pytest.approx(fourth, rel=1e-3)
        assert products.square[[3, 7]] == pytest.approx([1.0, fourth], rel=1e-3)


def test_what_every_unit_is_shifted_by_moves_the_corners() -> None:
    shifted = moments.shifted(curves.RELU(NOTHING), 0.5)
    expected = integrate.quad(lambda z: max(0.0, z + 0.5) ** 2 * stats.norm.pdf(z), -0.5, 9)[0]
    assert moments.second_moment(shifted, 1.0) == pytest.approx(expected, rel=1e-8)
    assert moments.shifted(shifted, 0) is shifted


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.key)
def test_few_numbers_are_looked_up_like_many(part: ActivationPart) -> None:
    table = moments.table(part.curve(NOTHING))
    few = np.array([[1e-20, 1e-3], [0.7, 1e18]])
    many = np.repeat(few, 8, axis=0)
    one, other = table.look(few), table.look(many)
    np.testing.assert_allclose(one.second, other.second[::8], rtol=1e-12)
    np.testing.assert_allclose(one.slope, other.slope[::8], rtol=1e-12)
    assert one.growth == pytest.approx(other.growth, rel=1e-9, abs=1e-12)
    assert one.slope_growth == pytest.approx(other.slope_growth, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(one.second, table.second_at(few), rtol=1e-12)
    np.testing.assert_allclose(one.slope, table.slope_at(few), rtol=1e-12)
