"""Histograms of many lanes, layers and quantities at once, over edges that stand still for a whole run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.telemetry.frame import Counts, Floats, Histogram, Scale

NUM_BINS = 64
_SLOTS = NUM_BINS + 3
"""A segment's counters: below, the bins, above, not finite."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The bins of one quantity.

    Edges are whole multiples of a power of two, so that finding a bin takes one multiplication that rounds nothing:
    the counts are exact.

    Attributes:
        scale: What is counted: values, or log10 of absolute values.
        first: First edge, in bins from 0.
        per_unit: Bins a unit (or decade); a power of two.
    """

    scale: Scale
    first: int
    per_unit: float

    @property
    def edges(self) -> Floats:
        """``(N+1,)`` edges, exact and read-only."""
        return frozen(np.arange(self.first, self.first + NUM_BINS + 1, dtype=np.float64) / self.per_unit)


def linear_axis(reach: float) -> Axis:
    """Return bins from -R to R, R the smallest power of two that is at least ``reach`` (1 where that is no number)."""
    if not math.isfinite(reach) or reach <= 0:
        reach = 1.0
    exponent = min(max(math.ceil(math.log2(reach)), -100), 100)
    return Axis("linear", -NUM_BINS // 2, NUM_BINS / 2 / 2.0**exponent)


def decade_axis(low: float, high: float) -> Axis:
    """Return bins over whole decades, from at most ``low`` to at least ``high``, 16 decades or more.

    Args:
        low: log10 of the smallest magnitude to show.
        high: log10 of the largest.
    """
    span = 16
    while True:
        grid = max(1, span // NUM_BINS)  # edges must fall on whole bins
        top = math.ceil(high / grid) * grid
        if top - span <= low:
            return Axis("log10", (top - span) * NUM_BINS // span, NUM_BINS / span)
        span *= 2


class Tally:
    """Counts several quantities of all lanes and layers in one go.

    Put the values into the sections of the buffer, then count.

    Args:
        lanes: K.
        sizes: For each quantity, how many values each of its layers has in every lane (L). A quantity's section is
            ``(K, sum(sizes))``.
        dtype: Of the values.

    Attributes:
        shape: ``(K, L)``.
        sizes: As given.
        sections: A view of the buffer for each quantity, ``(K, sum(sizes))``; overwritten by ``count``.
    """

    def __init__(
        self, lanes: int, sizes: Sequence[Sequence[int]], dtype: torch.dtype = torch.float32
    ) -> None:
        layers = len(sizes[0])
        segments = lanes * layers
        self.shape = (lanes, layers)
        self.sizes = tuple(tuple(own) for own in sizes)
        repeats = torch.tensor(self.sizes).unsqueeze(1).expand(-1, lanes, -1).reshape(-1)
        numbers = torch.arange(len(sizes) * segments, dtype=torch.int32)
        self._slot = torch.repeat_interleave(numbers, repeats) * _SLOTS
        self._values = torch.zeros(len(self._slot), dtype=dtype)
        self._whole = torch.empty_like(self._values)
        bounds = np.cumsum([0, *(lanes * sum(own) for own in self.sizes)]).tolist()
        slices = [slice(*pair) for pair in itertools.pairwise(bounds)]
        self._bounds = bounds
        self._value_parts = [self._values[part] for part in slices]
        self._whole_parts = [self._whole[part] for part in slices]
        self.sections = [part.view(lanes, -1) for part in self._value_parts]

    def starts(self, section: int) -> list[int]:
        """Return where each layer starts in a section's second axis (L)."""
        return list(itertools.accumulate(self.sizes[section][:-1], initial=0))

    def count(self, axes: Sequence[Axis], sampled: Sequence[bool]) -> list[Histogram]:
        """Count what is in the sections.

        Args:
            axes: Bins of each quantity; those of decades stand behind the linear ones.
            sampled: What each histogram is to say of itself.
        """
        slots = self._count(axes).reshape(len(axes), *self.shape, _SLOTS)
        slots.flags.writeable = False
        return [
            _histogram(axis, own, partial) for axis, own, partial in zip(axes, slots, sampled, strict=True)
        ]

    def _count(self, axes: Sequence[Axis]) -> Counts:
        values, whole = self._values, self._whole
        lost = None
        total = float(values.sum())
        if total - total != 0.0:  # something is not finite, or the sum is not
            lost = ~values.isfinite()
            values.masked_fill_(lost, 0.0)
        num_linear = sum(axis.scale == "linear" for axis in axes)
        if num_linear < len(axes):
            lowest = min(axis.first / axis.per_unit for axis in axes[num_linear:])
            _to_decades(values[self._bounds[num_linear] :], lowest)
        torch._foreach_mul_(self._value_parts, [axis.per_unit for axis in axes])
        torch.floor(values, out=whole)
        torch._foreach_sub_(self._whole_parts, [float(axis.first - 1) for axis in axes])
        slots = whole.clamp_(0.0, float(NUM_BINS + 1)).to(torch.int32)
        slots += self._slot
        if lost is not None:
            slots[lost] = self._slot[lost] + (NUM_BINS + 2)
        counts = torch.bincount(slots, minlength=len(axes) * self.shape[0] * self.shape[1] * _SLOTS).numpy()
        table: Counts = counts.reshape(-1, _SLOTS)
        if table[:, NUM_BINS + 1].any():
            self._close_last_bin(table, axes, lost)
        return table

    def _close_last_bin(self, table: Counts, axes: Sequence[Axis], lost: Tensor | None) -> None:
        """Move values that equal the last edge from above it into the last bin, which holds both its edges."""
        above = table[:, NUM_BINS + 1].reshape(len(axes), -1).any(axis=1)
        for section in np.flatnonzero(above).tolist():
            # NumPy compares ten times as fast as torch does.
            at_end = self._value_parts[section].numpy() == axes[section].first + NUM_BINS
            if not at_end.any():
                continue
            places = np.flatnonzero(at_end) + self._bounds[section]
            if lost is not None:
                places = places[~lost.numpy()[places]]
            rows = self._slot.numpy()[places] // _SLOTS
            np.subtract.at(table[:, NUM_BINS + 1], rows, 1)
            np.add.at(table[:, NUM_BINS], rows, 1)


def _to_decades(values: Tensor, lowest: float) -> None:
    """Replace values by log10 of their magnitude.

    The logarithm of 0 takes ten times as long, so it is kept from zeros.

    Args:
        values: Overwritten.
        lowest: Anything below it counts the same.
    """
    smallest = torch.finfo(values.dtype).tiny
    if lowest > math.log10(smallest) + 1:
        values.abs_().clamp_(min=smallest).log10_()
        return
    zero = torch.from_numpy(values.numpy() == 0)
    values.abs_().masked_fill_(zero, 1.0).log10_().masked_fill_(zero, -math.inf)


def _histogram(axis: Axis, slots: NDArray[np.int64], sampled: bool) -> Histogram:
    return Histogram(
        edges=axis.edges,
        scale=axis.scale,
        counts=slots[..., 1 : NUM_BINS + 1],
        below=slots[..., 0],
        above=slots[..., NUM_BINS + 1],
        not_finite=slots[..., NUM_BINS + 2],
        sampled=sampled,
    )


def merged(
    axis: Axis, shape: tuple[int, int], parts: Sequence[tuple[Sequence[int], Histogram]], blank: Sequence[int]
) -> Histogram:
    """Return one histogram of all lanes from those of their groups.

    Args:
        axis: Of all.
        shape: ``(K, L)``.
        parts: Lanes of each group and their histogram ``(Kg, Lg, N)``.
        blank: Lanes of which nothing is known: all their counts are zero.
    """
    if len(parts) == 1 and not blank:
        return parts[0][1]
    slots: Counts = np.zeros((*shape, _SLOTS), dtype=np.int64)
    for lanes, part in parts:
        slots[list(lanes), : part.counts.shape[1]] = np.concatenate(
            (part.below[..., None], part.counts, part.above[..., None], part.not_finite[..., None]), axis=-1
        )
    slots[list(blank)] = 0
    slots.flags.writeable = False
    return _histogram(axis, slots, any(part.sampled for _, part in parts))


def frozen(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make an array read-only and return it."""
    array.flags.writeable = False
    return array
