"""The plane of starts: in every place what mean-field theory says, lines as in closed forms, in short portions."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from initviz.catalog.index import catalogue
from initviz.catalog.parts import ActivationPart, Curve
from initviz.theory.mean_field import mean_field
from initviz.theory.phase_map import COLUMNS, CORRELATIONS, ROWS, PhaseMap, correlation_row, segments_of
from initviz.theory.quadrature import mean_product

KEYS = ["tanh", "relu", "gelu", "sigmoid", "elu", "hard_tanh", "softplus"]


def curve_of(key: str) -> Curve:
    part = catalogue().get("activation", key)
    assert isinstance(part, ActivationPart)
    return part.curve(part.choose())


def finished(key: str, width: float = 3.0, height: float = 1.0, keep: float = 1.0) -> PhaseMap:
    plane = PhaseMap(curve_of(key), width, height, keep)
    plane.finish()
    assert plane.finished
    return plane


@pytest.mark.parametrize("keep", [1.0, 0.8])
@pytest.mark.parametrize("key", KEYS)
def test_every_place_is_what_mean_field_theory_says(key: str, keep: float) -> None:
    """The map interpolates between variances and correlations; the theory solves for each place by itself."""
    plane = finished(key, 12.0 if key == "sigmoid" else 3.0, keep=keep)
    rng = np.random.default_rng(0)
    for row, column in zip(rng.integers(int(keep < 1), ROWS, 25), rng.integers(1, COLUMNS, 25), strict=True):
        told = mean_field(curve_of(key), float(plane.sigma_w[column]), float(plane.sigma_b[row]), keep)
        assert plane.log_chi[row, column] == pytest.approx(math.log(told.chi), abs=1e-5)
        assert plane.bounded[row, column] == math.isfinite(told.q_star)
        if math.isfinite(told.q_star):
            rate = 1 / told.xi_c if told.xi_c > 0 else math.inf
            assert plane.rate[row, column] == pytest.approx(rate, rel=0.03, abs=2e-3), (row, column, told)


@pytest.mark.parametrize(("key", "critical"), [("relu", math.sqrt(2)), ("identity", 1.0)])
def test_where_every_size_is_treated_alike_the_line_is_upright(key: str, critical: float) -> None:
    plane = finished(key)
    line = segments_of(plane.log_chi, 1e-9, plane.sigma_w, plane.sigma_b)
    assert len(line) == ROWS - 1
    assert line[:, [0, 2]] == pytest.approx(np.full((ROWS - 1, 2), critical), abs=1e-3)
    # He et al. 2015: each layer multiplies by sigma_w^2 / 2 (ReLU), so that is the slope of the correlation map too.
    column = COLUMNS // 4
    share = (plane.sigma_w[column] / critical) ** 2
    assert plane.rate[3, column] == pytest.approx(-math.log(share))
    assert np.isnan(plane.rate[3:, -1]).all()
    assert not plane.bounded[3:, -1].any()


def test_tanh_without_bias_is_critical_at_1() -> None:
    """Poole et al. 2016: chi at q* = 0 is sigma_w^2."""
    plane = finished("tanh")
    at = np.interp(0.0, plane.log_chi[0], plane.sigma_w)
    assert at == pytest.approx(1.0, abs=0.01)
    ordered = plane.sigma_w < 1
    assert plane.log_chi[0, ordered] == pytest.approx(2 * np.log(plane.sigma_w[ordered]), abs=1e-5)


def test_a_map_is_known_coarsely_first_and_then_everywhere() -> None:
    plane = PhaseMap(curve_of("tanh"), 3.0, 1.0)
    strides = [plane.stride]
    while plane.work():
        if plane.stride != strides[-1]:
            strides.append(plane.stride)
            known = plane.log_chi[:: plane.stride, :: plane.stride]
            assert np.isfinite(known).all()
    strides.append(plane.stride)
    assert strides[-4:] == [8, 4, 2, 1]
    assert np.isfinite(plane.log_chi).all()
    assert not plane.work()


def test_no_portion_takes_longer_than_a_quarter_of_a_frame() -> None:
    finished("tanh")  # the table of moments is made for the run itself
    plane = PhaseMap(curve_of("tanh"), 4.0, 1.0)
    longest = 0.0
    while not plane.finished:
        start = time.thread_time()
        plane.work()
        longest = max(longest, time.thread_time() - start)
    assert longest < 8e-3


@pytest.mark.parametrize("key", ["tanh", "relu", "gelu"])
@pytest.mark.parametrize("q", [0.05, 1.0, 20.0])
def test_the_closed_series_is_the_mean_of_the_product(key: str, q: float) -> None:
    curve = curve_of(key)
    products, slopes, end = correlation_row(curve, q)
    size = math.sqrt(q)
    whole, whole_slope = (
        mean_product(curve, curve, size, 1.0),
        mean_product(curve, curve, size, 1.0, slopes=True),
    )
    for place in (0, 12, 30, 50, 60):
        c = float(CORRELATIONS[place])
        assert products[place] == pytest.approx(mean_product(curve, curve, size, c) / whole, abs=2e-4)
        expected = mean_product(curve, curve, size, c, slopes=True) / whole_slope
        assert slopes[place] == pytest.approx(expected, abs=0.02)
    assert end == pytest.approx(q * whole_slope / whole)


def test_contours_are_where_the_field_is_at_the_level() -> None:
    x, y = np.linspace(-2, 2, 41), np.linspace(-1.5, 1.5, 31)
    field = np.hypot(*np.meshgrid(x, y))
    pieces = segments_of(field, 1.0, x, y)
    assert len(pieces) > 60
    assert np.hypot(pieces[:, 0], pieces[:, 1]) == pytest.approx(np.ones(len(pieces)), abs=2e-3)
    assert np.hypot(pieces[:, 2], pieces[:, 3]) == pytest.approx(np.ones(len(pieces)), abs=2e-3)
    length = np.hypot(pieces[:, 2] - pieces[:, 0], pieces[:, 3] - pieces[:, 1]).sum()
    assert length == pytest.approx(2 * math.pi, rel=5e-3)  # all of it, and nothing twice


def test_a_saddle_and_what_is_not_known_are_no_trouble() -> None:
    saddle = np.array([[1.0, -1.0], [-1.0, 1.0]])
    assert len(segments_of(saddle, 0.0, np.arange(2.0), np.arange(2.0))) == 2
    saddle[0, 0] = np.nan
    assert not len(segments_of(saddle, 0.0, np.arange(2.0), np.arange(2.0)))
