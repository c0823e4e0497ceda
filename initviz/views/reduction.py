"""Curves made as small as the screen: the least, the largest and the mean of each column of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initviz.telemetry.frame import Counts, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Curves reduced to C columns, none of which is empty.

    Attributes:
        steps: ``(C,)`` middle step of each column; the last column's is its last step.
        low: ``(C, K)`` least value; NaN where a column has no number.
        high: ``(C, K)`` largest value, so that no spike is lost.
        mean: ``(C, K)`` mean of its finite values; infinite where it holds nothing else.
    """

    steps: Floats
    low: Floats
    high: Floats
    mean: Floats

    def __len__(self) -> int:
        return len(self.steps)


def reduce_columns(steps: Counts, values: NDArray[Any], first: float, last: float, columns: int) -> Columns:
    """Reduce curves over steps to at most ``columns`` columns of equal width.

    Args:
        steps: ``(S,)``, never falling.
        values: ``(S, K)``.
        first: Step at the left end; points before it are left out.
        last: Step at the right end; points after it are left out.
        columns: Most columns; every point is kept while there are fewer.
    """
    begin, end = np.searchsorted(steps, (first, last + 0.5))
    steps, values = steps[begin:end], np.asarray(values[begin:end], dtype=np.float64)
    if len(steps) <= columns or last <= first:
        return Columns(steps.astype(np.float64), values, values, values)
    places = ((steps - first) * (columns / (last - first))).astype(np.int64)
    np.minimum(places, columns - 1, out=places)
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    ends = np.append(starts[1:], len(steps)) - 1
    middle = (steps[starts] + steps[ends]) / 2
    middle[-1] = steps[-1]
    low = np.fmin.reduceat(values, starts, axis=0)
    high = np.fmax.reduceat(values, starts, axis=0)
    finite = np.isfinite(values)
    if finite.all():
        sizes = (ends - starts + 1)[:, None]
        mean = np.add.reduceat(values, starts, axis=0) / sizes
    else:
        sums = np.add.reduceat(np.where(finite, values, 0.0), starts, axis=0)
        counts = np.add.reduceat(finite.astype(np.float64), starts, axis=0)
        mean = np.where(counts > 0, sums / np.maximum(counts, 1.0), high)
    return Columns(middle, low, high, mean)


def smooth(values: Floats, reach: int) -> Floats:
    """Return a moving mean over ``reach`` columns to each side, less at the start and only backwards at the end.

    Args:
        values: ``(C, K)``; what is not finite stays as it is and counts for nothing.
        reach: Columns to each side, 0 to change nothing.
    Returns:
        ``(C, K)``; the first row is the first value itself.
    """
    size = len(values)
    if reach < 1 or size < 3:
        return values
    places = np.arange(size)
    left = np.minimum(places, reach)
    right = np.minimum(left, size - 1 - places)
    finite = np.isfinite(values)
    clean = np.where(finite, values, 0.0)
    # Shifted sums and not differences of a running sum: one value of 1e30 would swallow all that follow.
    total, count = clean.copy(), finite.astype(np.float64)
    for distance in range(1, reach + 1):
        for shift, held in ((-distance, left >= distance), (distance, right >= distance)):
            rows = places[held]
            total[rows] += clean[rows + shift]
            count[rows] += finite[rows + shift]
    return np.where(finite, total / np.maximum(count, 1.0), values)
