"""What an activation makes of a normal signal: how much of its size, and of the gradient's, it lets through."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from initviz.catalog.parts import ActivationPart
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

EDGE, PANELS, NODES = 10.0, 800, 4
"""Gauss-Legendre panels over ten deviations to both sides. A rule for the whole line, such as Gauss-Hermite's, is a
percent off for functions with corners (hard tanh); this one is good to five digits wherever the corners lie."""
STEP = 1e-5
"""Share of the signal's size by which a slope is measured; no node of the quadrature is as near to a corner."""


@functools.cache
def _quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return nodes and weights of a standard normal variable's mean."""
    places, shares = np.polynomial.legendre.leggauss(NODES)
    half = EDGE / PANELS
    centres = np.linspace(-EDGE + half, EDGE - half, PANELS)
    nodes = (centres[:, None] + half * places).ravel()
    weights = np.tile(half * shares, PANELS) * np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)
    return nodes, weights


def _applied(part: ActivationPart, choice: Choice, x: NDArray[np.float64]) -> NDArray[np.float64]:
    import torch

    with torch.no_grad():
        return np.asarray(part.function(choice)(torch.from_numpy(x)).numpy(), dtype=np.float64)


def second_moment(part: ActivationPart, choice: Choice, q: float) -> float:
    """Return E[phi(z)^2] for z normal with mean 0 and variance ``q``, by quadrature.

    Args:
        part: The activation phi.
        choice: Of the layer that applies it.
        q: Variance of what goes in, at least 0.
    References:
        He et al. 2015, arXiv:1502.01852; Poole et al. 2016, arXiv:1606.05340.
    """
    nodes, weights = _quadrature()
    return float(weights @ _applied(part, choice, math.sqrt(q) * nodes) ** 2)


def slope_moment(part: ActivationPart, choice: Choice, q: float) -> float:
    """Return E[phi'(z)^2] for z normal with mean 0 and variance ``q``: what the gradient's variance is multiplied by.

    Args:
        part: The activation phi.
        choice: Of the layer that applies it.
        q: Variance of what goes in; 0 gives the slope at 0, from both sides.
    References:
        Schoenholz et al. 2017, arXiv:1611.01232.
    """
    nodes, weights = _quadrature()
    size = math.sqrt(q) if q > 0 else STEP
    x, step = size * nodes, size * STEP
    slopes = (_applied(part, choice, x + step) - _applied(part, choice, x - step)) / (2 * step)
    return float(weights @ slopes**2)
