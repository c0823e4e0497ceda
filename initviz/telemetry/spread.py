"""How far repetitions lie apart: mean, standard deviation, quartiles and extremes of what several seeds gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from initviz.telemetry.frame import Floats

BandKind = Literal["range", "quartiles", "std"]
BAND_KINDS: tuple[BandKind, ...] = ("range", "quartiles", "std")


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """A mean and what lies around it, each ``(...)``; NaN where no repetition has a number.

    Attributes:
        mean: Of those that have one.
        low: Lower end.
        high: Upper end.
        count: How many have one.
    """

    mean: Floats
    low: Floats
    high: Floats
    count: NDArray[np.int64]


def band(values: NDArray[Any], kind: BandKind) -> Band:
    """Return mean and band over the last axis; what is not finite does not count.

    Args:
        values: ``(..., M)``, one entry a repetition.
        kind: ``range`` from the least to the largest, ``quartiles`` from the first to the third, with linear
            interpolation between neighbours as NumPy has it, or ``std``: one standard deviation of the sample, with
            M - 1 in its denominator, to both sides. The deviation of a single number is not known: NaN.
    """
    ordered = np.sort(np.where(np.isfinite(values), values, np.nan).astype(np.float64), axis=-1)  # NaN last
    known = np.isfinite(ordered)
    count = known.sum(axis=-1)
    mean = _mean(ordered, known, count)
    if kind == "std":
        squares = np.where(known, ordered - mean[..., None], 0.0) ** 2
        std = np.sqrt(squares.sum(axis=-1) / np.maximum(count - 1, 1))
        std = np.where(count > 1, std, np.nan)
        return Band(mean, mean - std, mean + std, count)
    shares = (0.0, 1.0) if kind == "range" else (0.25, 0.75)
    low, high = (_quantile(ordered, count, share) for share in shares)
    return Band(mean, low, high, count)


def _mean(ordered: Floats, known: NDArray[np.bool_], count: NDArray[np.int64]) -> Floats:
    total = np.where(known, ordered, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _quantile(ordered: Floats, count: NDArray[np.int64], share: float) -> Floats:
    """Return a quantile of the first ``count`` numbers of each row, which rise."""
    place = share * np.maximum(count - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    lower = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0]
    upper = np.take_along_axis(ordered, above[..., None], axis=-1)[..., 0]
    return np.asarray(lower + (place - below) * (upper - lower))


@dataclass(frozen=True, slots=True)
class Spread:
    """What several repetitions gave for one number; NaN where none has one.

    Attributes:
        count: How many have one; the others have diverged, or never came so far.
        mean: Of these.
        std: Standard deviation of the sample, with one less than ``count`` in its denominator; NaN for fewer than 2.
        minimum: The least.
        lower_quartile: A quarter of them lies below.
        median: Half of them.
        upper_quartile: Three quarters.
        maximum: The largest.
    """

    count: int
    mean: float
    std: float
    minimum: float
    lower_quartile: float
    median: float
    upper_quartile: float
    maximum: float


def spread(values: ArrayLike) -> Spread:
    """Return how far some numbers lie apart; what is not finite is left out.

    Args:
        values: ``(M,)``.
    """
    found = np.asarray(values, dtype=np.float64)
    if not np.isfinite(found).any():
        return Spread(0, *([float("nan")] * 7))
    extent, quartiles, deviation = (band(found, kind) for kind in BAND_KINDS)
    count = extent.count
    ordered = np.sort(np.where(np.isfinite(found), found, np.nan))
    return Spread(
        count=int(count),
        mean=float(extent.mean),
        std=float(deviation.high - deviation.mean),
        minimum=float(extent.low),
        lower_quartile=float(quartiles.low),
        median=float(_quantile(ordered, count, 0.5)),
        upper_quartile=float(quartiles.high),
        maximum=float(extent.high),
    )
