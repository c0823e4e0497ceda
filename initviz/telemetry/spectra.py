"""Singular values of matrices, and what they tell: how a start stretches and shrinks what passes through it.

Nothing here needs torch, so that the window and a recording can read it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

NUM_RANKS = 33
"""Singular values of a matrix that a frame tells (V): all of a small matrix, evenly spaced ranks of a large one."""
ROUNDING = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Singular values of some matrices; the axes before the last, written ``...``, tell the matrices apart.

    Several matrices of one shape may stand in one place: Jacobians of some examples, gates of a recurrent layer. What
    double precision cannot tell from 0, which is all below ``max(O, I)`` roundings of the largest, is 0.

    Attributes:
        values: ``(..., V)`` singular values in falling order: all of them where there are at most V, followed by NaN;
            otherwise those at V evenly spaced ranks, the largest and the smallest among them.
        count: ``(...)`` how many one matrix has, ``min(O, I)``; 0 where they were not computed.
        mean_square: ``(...)`` mean of the squares of all of them.
        spread: ``(...)`` standard deviation of their squares over the mean of their squares: 0 where all are equal, 1
            for a large square Gaussian matrix, and the root of n for the product of n of them.
        effective_rank: ``(...)`` exponential of the entropy of a matrix's values divided by their sum, 1 to ``count``;
            0 for a matrix of zeros; the mean where there are several matrices.

    References:
        Roy and Vetterli 2007, The effective rank. Pennington, Schoenholz and Ganguli 2017, arXiv:1711.04735.
    """

    values: Floats
    count: Counts
    mean_square: Floats
    spread: Floats
    effective_rank: Floats

    @property
    def largest(self) -> Floats:
        """``(...)`` the largest: the spectral norm."""
        return np.asarray(self.values[..., 0])

    @property
    def smallest(self) -> Floats:
        """``(...)`` the smallest; 0 for a matrix that loses a direction."""
        last = np.maximum(np.isfinite(self.values).sum(axis=-1), 1) - 1
        return np.asarray(np.take_along_axis(self.values, last[..., None], axis=-1)[..., 0])

    def quartiles(self) -> Floats:
        """Return largest, upper quartile, median, lower quartile and smallest, ``(5, ...)``."""
        last = np.maximum(np.isfinite(self.values).sum(axis=-1), 1) - 1
        places = np.round(np.multiply.outer([0.0, 0.25, 0.5, 0.75, 1.0], last)).astype(np.int64)
        return np.stack([np.take_along_axis(self.values, at[..., None], axis=-1)[..., 0] for at in places])

    @property
    def condition_number(self) -> Floats:
        """``(...)`` largest over smallest: infinite where the smallest is 0, NaN for a matrix of zeros."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.asarray(self.largest / self.smallest)

    @property
    def stable_rank(self) -> Floats:
        """``(...)`` sum of the squares over the largest square."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            # The largest is divided by first, so that no square overflows.
            return np.asarray(self.count * (np.sqrt(self.mean_square) / self.largest) ** 2)


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """Singular values throughout a network; those of a diverged lane are NaN.

    Weights are taken as matrices ``(O, I)``, a convolution's as ``(O, I * height * width)``. A Jacobian is that of one
    example, without dropout and the like, and with the statistics of a batch held where the network normalizes by them;
    the singular values of the first few training examples are told together.

    Attributes:
        step: Updates made before the weights were as they were looked at.
        weights: ``(K, L)`` of every measured layer.
        jacobian: ``(K,)`` of the outputs before the softmax by the input. Not computed where the input has no slope, as
            with symbols of a text.
        hidden_jacobian: ``(K,)`` of the pre-activations of the last hidden layer by those of the first one: what the
            layers between do to a change on its way. Not computed where there are no two hidden layers.
    """

    step: int
    weights: Spectrum
    jacobian: Spectrum
    hidden_jacobian: Spectrum


def blank(shape: tuple[int, ...]) -> Spectrum:
    """Return the spectra of matrices of which nothing is known."""
    nothing = np.full(shape, np.nan)
    return Spectrum(
        np.full((*shape, NUM_RANKS), np.nan),
        np.zeros(shape, dtype=np.int64),
        nothing,
        nothing.copy(),
        nothing.copy(),
    )


def put(spectrum: Spectrum, place: tuple[int, ...] | int, values: Floats, extent: int) -> None:
    """Write what singular values tell into a place of a ``blank`` spectrum, which nobody has seen yet.

    Args:
        spectrum: Of many places.
        place: One of them.
        values: ``(M, n)`` all singular values of the M matrices that stand there, in any order. Where one of them is
            not finite, the place stays blank.
        extent: ``max(O, I)``.
    """
    if not values.size or not np.isfinite(values).all():
        return
    largest = values.max()
    kept = np.where(values > extent * ROUNDING * largest, values, 0.0)
    falling = np.sort(kept, axis=None)[::-1]
    ranks = np.arange(len(falling))
    if len(ranks) > NUM_RANKS:
        ranks = np.linspace(0, len(falling) - 1, NUM_RANKS).round().astype(np.int64)
    spectrum.values[place][: len(ranks)] = falling[ranks]
    spectrum.count[place] = values.shape[1]
    spectrum.effective_rank[place] = np.mean([effective_rank(own) for own in kept])
    if largest == 0:
        spectrum.mean_square[place] = 0.0
        return
    squares = np.square(falling / largest)
    with np.errstate(over="ignore", under="ignore"):
        spectrum.mean_square[place] = squares.mean() * largest**2
    spectrum.spread[place] = squares.std() / squares.mean()


def effective_rank(values: Floats) -> float:
    """Return the exponential of the entropy of singular values divided by their sum; 0 where all are 0.

    Args:
        values: ``(n,)``, none negative.
    """
    total = float(values.sum())
    if total == 0:
        return 0.0
    shares = values[values > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))


def freeze(spectrum: Spectrum) -> Spectrum:
    """Make a spectrum that is complete read-only and return it."""
    for name in ("values", "count", "mean_square", "spread", "effective_rank"):
        getattr(spectrum, name).flags.writeable = False
    return spectrum
