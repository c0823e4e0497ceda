"""Why pre-activations are normal: sums of many small contributions, whatever the distribution of each.

A unit with n inputs of size 1 sums up n weights of mean 0 and variance sigma_w^2 / n. Everything here is in units of
sigma_w, since that only stretches the axis.

References:
    Neal 1996, Bayesian Learning for Neural Networks; Esseen 1945, doi:10.1007/BF02392223.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from initviz.theory.quadrature import Floats

WeightLaw = Literal["two_point", "uniform", "normal"]
LAWS: tuple[WeightLaw, ...] = ("two_point", "uniform", "normal")
FAN_INS = (1, 2, 4, 16, 64, 256)
NUM_UNITS = 10_000
SEED = 1733
"""De Moivre's year. The units do not depend on the experiment, so that a picture is the same in every lecture."""
EDGE = 4.0
"""Bins reach so many sigma_w to either side."""
NUM_BINS = 64
_SLICE = 1_000_000
"""Weights that are drawn at once at most."""
_FEW = 12
"""Uniform weights up to which the closed form of their sum keeps its digits."""
_STEP, _END = 0.02, 12.0


@dataclass(frozen=True, slots=True, eq=False)
class UnitSums:
    """Pre-activations of many units that differ in their weights alone, in units of sigma_w; read-only arrays.

    Attributes:
        law: Distribution of the weights.
        fan_in: Inputs of a unit (n).
        centers: ``(N,)`` middles of the bins, or the values themselves where there are so few that each stands alone.
        density: ``(N,)`` share of the units a unit of z.
        spacing: Distance of the centers.
        is_lattice: True where z takes these values alone.
        mean: Of the normal distribution fitted to the units.
        std: Of the same.
        distance: Largest distance of the units' distribution function from the normal one of mean 0 and deviation 1
            (Kolmogorov and Smirnov). A sample of N is off by about 0.87 / sqrt(N) itself.
        exact_distance: The same of all units there could be.
    """

    law: WeightLaw
    fan_in: int
    centers: Floats
    density: Floats
    spacing: float
    is_lattice: bool
    mean: float
    std: float
    distance: float
    exact_distance: float


@functools.cache
def unit_sums(law: WeightLaw, fan_in: int) -> UnitSums:
    """Draw ``NUM_UNITS`` units and compare them with the normal distribution; kept once it is done.

    Args:
        law: Distribution of the weights.
        fan_in: Inputs of a unit, at least 1.
    """
    z = drawn(law, fan_in)
    is_lattice = law == "two_point"
    if is_lattice:
        # n signs add up to n, n - 2, ... -n
        spacing = 2 / math.sqrt(fan_in)
        places = np.rint((z * math.sqrt(fan_in) + fan_in) / 2).astype(np.int64)
        counts = np.bincount(places, minlength=fan_in + 1).astype(np.float64)
        centers = np.asarray((2 * np.arange(fan_in + 1) - fan_in) / math.sqrt(fan_in), dtype=np.float64)
    else:
        spacing = 2 * EDGE / NUM_BINS
        counts = np.histogram(z, bins=NUM_BINS, range=(-EDGE, EDGE))[0].astype(np.float64)
        centers = np.asarray((np.arange(NUM_BINS) + 0.5) * spacing - EDGE, dtype=np.float64)
    seen = np.abs(centers) <= EDGE
    centers, density = centers[seen], counts[seen] / NUM_UNITS / spacing
    centers.flags.writeable = density.flags.writeable = False
    return UnitSums(
        law,
        fan_in,
        centers,
        density,
        spacing,
        is_lattice,
        float(z.mean()),
        float(z.std()),
        distance_from_normal(z),
        exact_distance(law, fan_in),
    )


def drawn(law: WeightLaw, fan_in: int) -> Floats:
    """Return pre-activations of ``NUM_UNITS`` units, ``(NUM_UNITS,)`` in units of sigma_w, weight by weight.

    Args:
        law: Distribution of the weights.
        fan_in: Inputs of a unit (n); a weight has the variance 1 / n.
    """
    rng = np.random.default_rng((SEED, LAWS.index(law), fan_in))
    found = np.empty(NUM_UNITS)
    rows = max(1, _SLICE // fan_in)
    for first in range(0, NUM_UNITS, rows):
        shape = (min(rows, NUM_UNITS - first), fan_in)
        if law == "two_point":
            weights = 2.0 * rng.integers(0, 2, shape, dtype=np.int8) - 1.0
        elif law == "uniform":
            weights = rng.uniform(-math.sqrt(3), math.sqrt(3), shape)
        else:
            weights = rng.standard_normal(shape)
        found[first : first + rows] = weights.sum(axis=1) / math.sqrt(fan_in)
    return found


def distance_from_normal(z: Floats) -> float:
    """Return the largest distance between the distribution function of a sample and the standard normal one.

    Args:
        z: ``(N,)`` the sample, in any order.
    """
    from scipy.special import ndtr  # scipy.stats takes most of a second to import

    below = ndtr(np.sort(z))
    steps = np.arange(len(z) + 1) / len(z)
    return float(max(np.max(steps[1:] - below), np.max(below - steps[:-1])))


@functools.cache
def exact_distance(law: WeightLaw, fan_in: int) -> float:
    """Return the largest distance between the distribution function of z and the normal one with the same variance.

    It is 0 for normal weights, falls like 0.399 / sqrt(n) for two-point weights, whose sums keep to a lattice, and like
    0.0275 / n for uniform ones. That it falls by 1 / sqrt(n) at least, for weights of any distribution, is Berry and
    Esseen's theorem.

    Args:
        law: Distribution of the weights.
        fan_in: Inputs of a unit (n).
    """
    from scipy.special import bdtr, ndtr

    if law == "normal":
        return 0.0
    if law == "two_point":
        heads = np.arange(fan_in + 1)
        below = ndtr((2 * heads - fan_in) / math.sqrt(fan_in))
        at = bdtr(heads, fan_in, 0.5)
        before = np.concatenate([[0.0], at[:-1]])
        return float(np.max(np.maximum(np.abs(at - below), np.abs(before - below))))
    z = np.linspace(0.0, EDGE, 801)
    cdf = _few_uniform(z, fan_in) if fan_in <= _FEW else _many_uniform(z, fan_in)
    return float(np.max(np.abs(cdf - ndtr(z))))


def _few_uniform(z: Floats, fan_in: int) -> Floats:
    """Return the distribution function of the sum of a few uniform weights: that of Irwin and Hall.

    Args:
        z: ``(m,)``, at least 0: by symmetry the lower half is enough, where few terms cancel.
        fan_in: How many weights (n).
    """
    # n numbers from 0 to 1 add up to n/2 - z sqrt(n / 12)
    x = fan_in / 2 - z * math.sqrt(fan_in / 12)
    below = np.zeros_like(x)
    for k in range(fan_in + 1):
        below += (-1) ** k * math.comb(fan_in, k) * np.maximum(x - k, 0.0) ** fan_in
    return 1 - below / math.factorial(fan_in)


def _many_uniform(z: Floats, fan_in: int) -> Floats:
    """Return the distribution function of the sum of many uniform weights, by inversion of its Fourier transform.

    Args:
        z: ``(m,)``.
        fan_in: How many weights, more than a few.
    References:
        Gil-Pelaez 1951, doi:10.1093/biomet/38.3-4.481.
    """
    t = np.arange(0.5 * _STEP, _END, _STEP)  # beyond the end the transform is below 1e-9
    transform = np.sinc(t * math.sqrt(3 / fan_in) / math.pi) ** fan_in
    return np.asarray(0.5 + _STEP / math.pi * (np.sin(np.multiply.outer(z, t)) @ (transform / t)))
