"""Pictures of a quantity over the whole run, in a bounded number of columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initviz.telemetry.frame import Counts, Floats, Histogram, Scale, Singles


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """A quantity by layer and step, in columns of equal width.

    Attributes:
        step_edges: ``(C+1,)`` steps at which the columns begin and the last one ends.
        values: ``(K, L, C)``; -inf is the logarithm of an exact zero, NaN is unknown.
    """

    step_edges: Floats
    values: Singles


@dataclass(frozen=True, slots=True, eq=False)
class HistogramMap:
    """How the histogram of one layer changes over the run, in columns of equal width.

    Attributes:
        step_edges: ``(C+1,)`` steps at which the columns begin and the last one ends.
        edges: ``(N+1,)`` edges of the bins, as in the histogram.
        scale: As in the histogram.
        share: ``(N, C)`` share of all values that lie in the bin, 0 to 1; bin 0 is the lowest.
    """

    step_edges: Floats
    edges: Floats
    scale: Scale
    share: Singles


class PeakColumns:
    """Largest value of every lane and layer in columns of steps, which double in width when all are in use.

    Args:
        shape: ``(K, L)``.
        num_columns: Most columns; even.
    """

    def __init__(self, shape: tuple[int, int], num_columns: int) -> None:
        self._values = np.full((num_columns, *shape), np.nan, dtype=np.float32)
        self._first = 0
        self._width = 1
        self._used = 0
        self._map: HeatMap | None = None

    def append(self, steps: Counts, values: NDArray[np.float32]) -> None:
        """Add the values ``(S, K, L)`` of rising steps ``(S,)``."""
        if not len(steps):
            return
        self._map = None
        if not self._used:
            self._first = int(steps[0])
        while (int(steps[-1]) - self._first) // self._width >= len(self._values):
            self._widen()
        columns = (steps - self._first) // self._width
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        at = columns[starts]
        self._values[at] = np.fmax(self._values[at], np.fmax.reduceat(values, starts, axis=0))
        self._used = int(at[-1]) + 1

    def read(self) -> HeatMap:
        """Return the columns so far; the same object until the next append."""
        if self._map is None:
            edges = self._first + self._width * np.arange(self._used + 1, dtype=np.float64)
            values = np.moveaxis(self._values[: self._used], 0, -1)
            values.flags.writeable = False
            self._map = HeatMap(edges, values)
        return self._map

    def _widen(self) -> None:
        half = len(self._values) // 2
        pairs = self._values.reshape(half, 2, *self._values.shape[1:])
        self._values[:half] = np.fmax(pairs[:, 0], pairs[:, 1])
        self._values[half:] = np.nan
        self._used = -(-self._used // 2)
        self._width *= 2


class ShareColumns:
    """Histograms of one quantity over the run, a number of frames merged into a column.

    Args:
        num_columns: Most columns; even.
    """

    def __init__(self, num_columns: int) -> None:
        self._num_columns = num_columns
        self._shares: NDArray[np.float16] | None = None  # (C, K, L, N), full columns
        self._starts = np.zeros(num_columns, dtype=np.int64)
        self._sum: Singles | None = None  # (K, L, N), of the column that is being filled
        self._frames = 0
        self._per_column = 1
        self._used = 0
        self._last_step = 0
        self._edges: Floats = np.zeros(0)
        self._scale: Scale = "linear"

    def append(self, step: int, histogram: Histogram) -> None:
        """Add the histogram that was taken at ``step``; steps rise."""
        counts = histogram.counts
        total = counts.sum(axis=-1) + histogram.below + histogram.above + histogram.not_finite
        share = (counts / np.maximum(total, 1)[..., None]).astype(np.float32)
        if self._shares is None:
            self._shares = np.zeros((self._num_columns, *counts.shape), dtype=np.float16)
            self._edges, self._scale = histogram.edges, histogram.scale
        if self._used == self._num_columns and not self._frames:
            self._merge(self._shares)
        if not self._frames:
            self._starts[self._used] = step
            self._sum = share
        elif self._sum is not None:
            self._sum = self._sum + share
        self._frames += 1
        self._last_step = step
        if self._sum is not None:
            self._shares[self._used] = self._sum / np.float32(self._frames)
        if self._frames == self._per_column:
            self._used += 1
            self._frames = 0

    def read(self, lane: int, layer: int) -> HistogramMap | None:
        """Return the map of one layer, or None before the first frame."""
        used = self._used + (self._frames > 0)
        if self._shares is None or not used:
            return None
        starts = self._starts[:used]
        step_edges = np.linspace(float(starts[0]), float(self._last_step + 1), used + 1)
        # Frames come by the clock, not by the step: show in each column of steps the frames that hold there.
        held = np.searchsorted(starts, (step_edges[:-1] + step_edges[1:]) / 2, side="right") - 1
        share = self._shares[held, lane, layer].T.astype(np.float32)
        return HistogramMap(step_edges, self._edges, self._scale, share)

    def _merge(self, shares: NDArray[np.float16]) -> None:
        half = self._num_columns // 2
        for column in range(half):
            pair = shares[2 * column : 2 * column + 2].astype(np.float32)
            shares[column] = pair.mean(axis=0)
        self._starts[:half] = self._starts[::2].copy()
        self._used = half
        self._per_column *= 2
