"""Means over normal variables of functions with corners, to about twelve digits.

A rule for the whole line, such as Gauss and Hermite's, is a percent off where a function has corners. Here the line is
cut into panels, at the corners and at distances from them and from 0 that grow fourfold, so that a function is smooth
within each on the panel's own scale, whether its argument is tiny or huge; each panel has a Gauss-Legendre rule.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from initviz.catalog.parts import Curve

Floats = NDArray[np.float64]

EDGE = 9.0
"""Standard deviations at which the line ends: what lies beyond weighs 2e-19."""
NODES = 12
PANELS = np.array([-EDGE, -6.0, -4.0, -2.5, -1.25, 0.0, 1.25, 2.5, 4.0, 6.0, EDGE])
"""Bounds of the panels on which the density itself is smooth enough."""
STEPS = np.concatenate([[1.0, 2.0], 4.0 ** np.arange(1, 13)])
"""Distances from 0 at which a function of the catalogue changes its manner, in units of its argument."""


@functools.cache
def legendre(count: int = NODES) -> tuple[Floats, Floats]:
    """Return nodes and weights of the Gauss-Legendre rule on (-1, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def cuts(curve: Curve, size: float) -> Floats:
    """Return where ``curve(size * z)`` has corners or changes its manner within the line of z."""
    marks = np.concatenate([curve.corners, STEPS, -STEPS, [0.0]])
    places = marks / size
    return places[np.abs(places) < EDGE]


def normal_nodes(breaks: Floats) -> tuple[Floats, Floats]:
    """Return nodes and weights of the mean over a standard normal variable.

    Args:
        breaks: ``(P,)`` where panels must end, beside the usual places; within the line.
    Returns:
        Two arrays of equal length.
    """
    bounds = np.unique(np.concatenate([PANELS, breaks]))
    places, shares = legendre()
    half = np.diff(bounds) / 2
    z = ((bounds[1:] + bounds[:-1])[:, None] / 2 + half[:, None] * places).ravel()
    weights = (half[:, None] * shares).ravel() * density(z)
    return z, weights


def density(z: Floats) -> Floats:
    """Return the density of a standard normal variable."""
    return np.exp(-np.square(z) / 2) / math.sqrt(2 * math.pi)


def mean_product(left: Curve, right: Curve, size: float, correlation: float, slopes: bool = False) -> float:
    """Return E[f(u) g(v)] for normal u, v of mean 0, deviation ``size`` and the given correlation.

    Args:
        left: f.
        right: g.
        size: Standard deviation of both, > 0.
        correlation: Of both, from -1 to 1.
        slopes: True for the mean of the product of their slopes instead.
    """
    f, g = (left.slope, right.slope) if slopes else (left.value, right.value)
    rest = math.sqrt(max(0.0, (1 - correlation) * (1 + correlation)))
    if rest < 1e-8:
        sign = math.copysign(1.0, correlation)
        z, weights = normal_nodes(np.concatenate([cuts(left, size), sign * cuts(right, size)]))
        return float(weights @ (f(size * z) * g(sign * size * z)))
    outer, outer_weights = normal_nodes(_outer_breaks(left, right, size, correlation, rest))
    # For each value of u, the rest of v is a normal variable whose line is cut where v meets g's corners.
    marks = cuts(right, size)
    own = (marks[None, :] - correlation * outer[:, None]) / rest
    bounds = np.sort(
        np.concatenate(
            [np.clip(own, -EDGE, EDGE), np.broadcast_to(PANELS, (len(outer), len(PANELS)))], axis=1
        ),
        axis=1,
    )
    places, shares = legendre()
    half = np.diff(bounds, axis=1)[:, :, None] / 2
    z = (bounds[:, 1:] + bounds[:, :-1])[:, :, None] / 2 + half * places
    inner = g(size * (correlation * outer[:, None, None] + rest * z))
    means = np.sum(half * shares * density(z) * inner, axis=(1, 2))
    return float(outer_weights @ (f(size * outer) * means))


def _outer_breaks(left: Curve, right: Curve, size: float, correlation: float, rest: float) -> Floats:
    """Return where the outer variable's panels end: at f's corners, and around g's, which the rest of v blurs."""
    found = [cuts(left, size)]
    if correlation != 0:
        blur = rest / abs(correlation)
        around = blur * np.array([-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0])
        corners = np.array([*right.corners, 0.0]) / size / correlation
        found.append((corners[:, None] + around).ravel())
    breaks = np.concatenate(found)
    return breaks[np.abs(breaks) < EDGE]
