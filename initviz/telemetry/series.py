"""A curve of any length in bounded memory, whose peaks and dips are never lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from initviz.telemetry.frame import Counts

Values = NDArray[Any]

BLOCK_ELEMENTS = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Curves over a common axis of steps; read-only views that hold until the next append.

    Attributes:
        steps: ``(S',)`` step of each point, never falling. Where points were merged, a value lies within its
            bucket: less than twice the gap between points away from where it is drawn.
        values: ``(S', K)`` or ``(S', K, L)``.
        last: ``(K,)`` or ``(K, L)`` values of the latest step, which the end of ``values`` holds only as long
            as no points were merged; NaN before the first.
    """

    steps: Counts
    values: Values
    last: Values


def extremes(rows: Values) -> Values:
    """Return the smallest and largest value of each curve, in the order in which they occur.

    NaN counts only where a curve has nothing else.

    Args:
        rows: ``(G, S, ...)``: G buckets of S points each.
    Returns:
        ``(G, 2, ...)``.
    """
    missing = np.isnan(rows)
    if not missing.any():
        # Nearly always; and several times faster, which the window feels at thousands of steps a second.
        low, high = rows.min(axis=1), rows.max(axis=1)
        low_first = rows.argmin(axis=1) <= rows.argmax(axis=1)
        return np.stack((np.where(low_first, low, high), np.where(low_first, high, low)), axis=1)
    low_at = np.where(missing, np.inf, rows).argmin(axis=1, keepdims=True)
    high_at = np.where(missing, -np.inf, rows).argmax(axis=1, keepdims=True)
    # Infinity stood in for NaN: where a bucket has nothing smaller, it is a real value that is wanted.
    some = np.where(missing, 0, 1).argmax(axis=1, keepdims=True)
    low_at = np.where(np.take_along_axis(missing, low_at, axis=1), some, low_at)
    high_at = np.where(np.take_along_axis(missing, high_at, axis=1), some, high_at)
    order = np.concatenate((np.minimum(low_at, high_at), np.maximum(low_at, high_at)), axis=1)
    return np.take_along_axis(rows, order, axis=1)


def merge_pairs(points: Values) -> Values:
    """Merge neighbouring pairs of extremes into one pair, many times faster than ``extremes``.

    Args:
        points: ``(4 * G, ...)``.
    Returns:
        ``(2 * G, ...)``: of each four, the smallest and the largest. They stand in the order in which they occur,
        unless some of the four are NaN.
    """
    a, b, c, d = (points[place::4] for place in range(4))
    low_early, low_late = np.fmin(a, b), np.fmin(c, d)
    high_early, high_late = np.fmax(a, b), np.fmax(c, d)
    low_is_early = low_early <= low_late
    high_is_early = high_early >= high_late
    low_first = np.where(low_is_early == high_is_early, np.where(low_is_early, a <= b, c <= d), low_is_early)
    low, high = np.fmin(low_early, low_late), np.fmax(high_early, high_late)
    merged = np.empty((2 * len(a), *points.shape[1:]), dtype=points.dtype)
    merged[::2] = np.where(low_first, low, high)
    merged[1::2] = np.where(low_first, high, low)
    return merged


class Track:
    """Collects points; full resolution while they fit, then the extremes of ever larger buckets.

    Args:
        shape: Shape of one point, ``(K,)`` or ``(K, L)``.
        capacity: Most points kept; rounded up to a multiple of 4.
        dtype: Of the values.
    """

    def __init__(self, shape: tuple[int, ...], capacity: int, dtype: DTypeLike = np.float64) -> None:
        self._capacity = max(4, -(-capacity // 4) * 4)
        # Two rows more: the bucket that is being filled is kept in place, behind the full ones.
        self._steps = np.empty(min(self._capacity, 256) + 2, dtype=np.int64)
        self._values: Values = np.empty((len(self._steps), *shape), dtype=dtype)
        self._last: Values = np.full(shape, np.nan, dtype=dtype)
        self._full = 0
        self._tail = 0
        self._bucket = 1  # rows that make one point (1) or two (4, 8, 16, ...)
        self._last_step = -1
        self._seen = 0  # rows in the bucket that is being filled
        self._middle = 0  # step that the second point of that bucket will get
        self._series: Series | None = None

    def __len__(self) -> int:
        return self._full + self._tail

    @property
    def bucket(self) -> int:
        """Steps merged into one pair of points; 1 while every step is kept."""
        return self._bucket

    @property
    def last_step(self) -> int:
        """Latest step, -1 before the first."""
        return self._last_step

    def append(self, steps: Counts, values: Values) -> None:
        """Add points.

        Args:
            steps: ``(S,)``, rising, above all before.
            values: ``(S, *shape)``.
        """
        self._series = None
        if len(steps):
            self._last_step = int(steps[-1])
            self._last = np.array(values[-1], dtype=self._values.dtype)
        while len(steps):
            if self._bucket == 1:
                taken = self._copy(steps, values)
            elif self._seen or len(steps) < self._bucket:
                taken = self._fill(steps, values)
            else:
                taken = self._reduce(steps, values)
            steps, values = steps[taken:], values[taken:]
            if self._full == self._capacity:
                self._halve()

    def read(self) -> Series:
        """Return what is held, without copying; the same object until the next append."""
        if self._series is None:
            steps, values, last = self._steps[: len(self)], self._values[: len(self)], self._last.view()
            for array in (steps, values, last):
                array.flags.writeable = False
            self._series = Series(steps, values, last)
        return self._series

    def _reserve(self, rows: int) -> None:
        needed = min(rows, self._capacity) + 2
        if needed > len(self._steps):
            size = min(max(needed, 2 * len(self._steps)), self._capacity + 2)
            steps = np.empty(size, dtype=np.int64)
            values = np.empty((size, *self._values.shape[1:]), dtype=self._values.dtype)
            steps[: len(self)] = self._steps[: len(self)]
            values[: len(self)] = self._values[: len(self)]
            self._steps, self._values = steps, values

    def _copy(self, steps: Counts, values: Values) -> int:
        """Keep rows as they are; return how many."""
        taken = min(len(steps), self._capacity - self._full)
        self._reserve(self._full + taken)
        place = slice(self._full, self._full + taken)
        self._steps[place] = steps[:taken]
        self._values[place] = values[:taken]
        self._full += taken
        return taken

    def _reduce(self, steps: Counts, values: Values) -> int:
        """Merge rows that make whole buckets; return how many."""
        size = self._bucket
        buckets = min(len(steps) // size, (self._capacity - self._full) // 2)
        taken = buckets * size
        self._reserve(self._full + 2 * buckets)
        place = slice(self._full, self._full + 2 * buckets)
        self._steps[place] = steps[:taken].reshape(buckets, 2, size // 2)[:, :, 0].reshape(-1)
        rows = values[:taken].reshape(buckets, size, *values.shape[1:])
        self._values[place] = extremes(rows).reshape(2 * buckets, *values.shape[1:])
        self._full += 2 * buckets
        return taken

    def _fill(self, steps: Counts, values: Values) -> int:
        """Merge rows into the bucket at the end; return how many."""
        size, first = self._bucket, self._full
        taken = min(len(steps), size - self._seen)
        self._reserve(self._full + 2)
        if self._seen <= size // 2 < self._seen + taken:
            self._middle = int(steps[size // 2 - self._seen])
        held = self._values[first : first + self._tail]
        rows = np.concatenate((held, values[:taken].astype(self._values.dtype, copy=False)))
        if not self._tail:
            self._steps[first] = steps[0]
        self._seen += taken
        self._tail = min(self._seen, 2)
        self._values[first : first + self._tail] = extremes(rows[None])[0, : self._tail]
        if self._tail == 2:
            self._steps[first + 1] = steps[taken - 1]
        if self._seen == size:
            self._steps[first + 1] = self._middle
            self._full += 2
            self._seen = self._tail = 0
        return taken

    def _halve(self) -> None:
        """Merge neighbouring buckets, so that half of the room is free again."""
        half = self._full // 2
        # In blocks that stay in the processor's cache: the window waits for this.
        block = max(4, BLOCK_ELEMENTS // max(1, self._last.size) // 4 * 4)
        for start in range(0, self._full, block):
            stop = min(start + block, self._full)
            self._values[start // 2 : stop // 2] = merge_pairs(self._values[start:stop])
        self._steps[:half] = self._steps[: self._full : 2].copy()
        self._full = half
        self._bucket = 4 if self._bucket == 1 else 2 * self._bucket
