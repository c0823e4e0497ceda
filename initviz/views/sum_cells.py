"""One small plot of what units add up to: a histogram beside the normal curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from initviz.telemetry.frame import Floats
from initviz.theory.central_limit import UnitSums
from initviz.views.numbers import significant
from initviz.views.plot import Plot

_APART = 4.0
"""Distance in pixels from which the values of a lattice are drawn apart."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One small plot.

    Attributes:
        sums: What it shows.
        plot: Where; z is in absolute units.
        is_first: Leftmost of its row.
        is_last_row: Below all others.
    """

    sums: UnitSums
    plot: Plot
    is_first: bool
    is_last_row: bool


def bell(z: Floats) -> Floats:
    """Return the density of a standard normal variable."""
    return np.asarray(np.exp(-np.square(z) / 2) / math.sqrt(2 * math.pi))


def bars(plot: Plot, sums: UnitSums, sigma: float) -> Floats:
    """Return the rectangles of a histogram, ``(N, 4)``; those of a lattice stand apart."""
    left: Floats = plot.px((sums.centers - sums.spacing / 2) * sigma)
    right: Floats = plot.px((sums.centers + sums.spacing / 2) * sigma)
    if sums.is_lattice:
        middle = (left + right) / 2
        apart = right - left
        half = np.where(apart < _APART, apart / 2, 0.3 * apart)
        left, right = middle - half, middle + half
    else:
        left, right = np.round(left), np.round(right)
    top = plot.py_inside(sums.density / sigma)
    return np.stack((left, top, right - left, plot.rect.bottom() - top), axis=1)


def distance_text(value: float, digits: int = 2) -> str:
    """Return a distance between distribution functions as it is shown."""
    return "0" if value == 0 else significant(value, digits)
