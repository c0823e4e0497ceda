"""Curves made as small as the screen: the least, the largest and the mean of each column of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initviz.telemetry.frame import Counts, Floats
from initviz.telemetry.series import Series

_UNSETTLED = 5
"""Columns at the end that may still change: the history merges and moves its last points."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Curves reduced to C columns, none of which is empty.

    Attributes:
        steps: ``(C,)`` middle step of each column; the last column's is its last step.
        low: ``(C, K)`` least value; NaN where a column has no number.
        high: ``(C, K)`` largest value, so that no spike is lost.
        mean: ``(C, K)`` mean of its finite values; infinite where it holds nothing else.
        starts: ``(C,)`` first point of each column.
    """

    steps: Floats
    low: Floats
    high: Floats
    mean: Floats
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class Raster:
    """Columns of equal width over the steps.

    Attributes:
        first: Step at the left end.
        last: Step at the right end.
        columns: How many.
    """

    first: float
    last: float
    columns: int

    def column_of(self, steps: Counts) -> NDArray[np.int64]:
        """Return the column that each step falls into."""
        places = ((steps - self.first) * (self.columns / (self.last - self.first))).astype(np.int64)
        return np.minimum(places, self.columns - 1)


def reduce_columns(steps: Counts, values: NDArray[Any], raster: Raster) -> Columns:
    """Reduce curves over steps to columns; while there are fewer points than columns, every point is kept.

    Args:
        steps: ``(S,)``, never falling.
        values: ``(S, K)``.
        raster: The columns; points outside of them are left out.
    """
    begin, end = np.searchsorted(steps, (raster.first, raster.last + 0.5)).tolist()
    inside = values[begin:end]
    if end - begin <= raster.columns or raster.last <= raster.first:
        kept = np.asarray(inside, dtype=np.float64)
        return Columns(steps[begin:end].astype(np.float64), kept, kept, kept, np.arange(begin, end))
    return _bucket(steps[begin:end], inside, raster, begin)


def _bucket(steps: Counts, values: NDArray[Any], raster: Raster, offset: int) -> Columns:
    """Reduce points, all of them inside, the first of which is number ``offset``."""
    values = np.asarray(values, dtype=np.float64)
    starts = np.flatnonzero(np.diff(raster.column_of(steps), prepend=-1))
    ends = np.append(starts[1:], len(steps)) - 1
    middle = (steps[starts] + steps[ends]) / 2
    middle[-1] = steps[-1]
    finite = np.isfinite(values)
    if finite.all():
        mean = np.add.reduceat(values, starts, axis=0) / (ends - starts + 1)[:, None]
        low, high = np.minimum.reduceat(values, starts, axis=0), np.maximum.reduceat(values, starts, axis=0)
    else:
        low, high = np.fmin.reduceat(values, starts, axis=0), np.fmax.reduceat(values, starts, axis=0)
        sums = np.add.reduceat(np.where(finite, values, 0.0), starts, axis=0)
        counts = np.add.reduceat(finite.astype(np.float64), starts, axis=0)
        mean = np.where(counts > 0, sums / np.maximum(counts, 1.0), high)
    return Columns(middle, low, high, mean, starts + offset)


class ColumnReducer:
    """Reduces curves that grow, and computes only the columns at the end anew: the rest of a run stays as it was."""

    def __init__(self) -> None:
        self._held: Columns | None = None
        self._raster: Raster | None = None
        self._cut = 0  # points in the columns that stay
        self._kept = 0  # these columns
        self._mark = -1  # step of the first point behind them

    def reduce(self, series: Series, raster: Raster) -> Columns:
        """Return what ``reduce_columns`` would, for a series that only ever grows or merges its points."""
        steps, values = series.steps, series.values
        end = int(np.searchsorted(steps, raster.last + 0.5))
        held = self._held
        goes_on = raster == self._raster and 0 < self._cut < end and int(steps[self._cut]) == self._mark
        if held is None or not goes_on:
            result = reduce_columns(steps, values, raster)
        else:
            fresh = _bucket(steps[self._cut : end], values[self._cut : end], raster, self._cut)
            old = slice(0, self._kept)
            result = Columns(
                np.concatenate((held.steps[old], fresh.steps)),
                np.concatenate((held.low[old], fresh.low)),
                np.concatenate((held.high[old], fresh.high)),
                np.concatenate((held.mean[old], fresh.mean)),
                np.concatenate((held.starts[old], fresh.starts)),
            )
        self._held, self._raster = result, raster
        self._kept = max(0, len(result) - _UNSETTLED)
        bucketed = end - int(np.searchsorted(steps, raster.first)) > raster.columns
        if self._kept and bucketed:
            self._cut = int(result.starts[self._kept])
            self._mark = int(steps[self._cut])
        else:
            self._cut = 0
        return result


def smooth(values: Floats, reach: int) -> Floats:
    """Return a moving mean over ``reach`` columns to each side, less at the start and only backwards at the end.

    Args:
        values: ``(C, K)``; what is not finite stays as it is and counts for nothing.
        reach: Columns to each side, 0 to change nothing.
    Returns:
        ``(C, K)``; the first row is the first value itself.
    """
    size = len(values)
    reach = min(reach, (size - 1) // 2)
    if reach < 1:
        return values
    finite = np.isfinite(values)
    clean = np.where(finite, values, 0.0)
    width = 2 * reach + 1
    # Shifted sums and not differences of a running sum: one value of 1e30 would swallow all that follow.
    total, count = np.zeros_like(clean), np.zeros_like(clean)
    inside = slice(reach, size - reach)
    for shift in range(width):
        total[inside] += clean[shift : size - width + 1 + shift]
        count[inside] += finite[shift : size - width + 1 + shift]
    for row in range(reach):
        near = slice(0, 2 * row + 1)
        total[row], count[row] = clean[near].sum(axis=0), finite[near].sum(axis=0)
        end = size - reach + row
        back = slice(end - reach, size)
        total[end], count[end] = clean[back].sum(axis=0), finite[back].sum(axis=0)
    return np.where(finite, total / np.maximum(count, 1.0), values)
