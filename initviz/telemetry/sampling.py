"""A few values that stand for a whole tensor; which ones rotates from look to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from initviz.engine.group import Group

SAMPLES = 1024
"""Values a tensor."""
FEWEST_SAMPLES = 256
ALL_SAMPLES = 131_072
"""Where lanes and layers are many, a tensor gets fewer values so that all together stay near this number."""
MAX_PHASES = 16
_PHASE_ELEMENTS = 2_000_000
_EXAMPLES = 32


def samples_wanted(tensors: int) -> int:
    """Return how many values a tensor are to be sampled when there are so many tensors."""
    return max(FEWEST_SAMPLES, min(SAMPLES, ALL_SAMPLES // max(1, tensors)))


def _stride(size: int, wanted: int) -> int:
    """Return an odd step through ``size`` values, so that no power of two in a tensor's shape falls in with it."""
    return 1 if size <= wanted else (size // wanted) | 1


class RowSampler:
    """Samples the measured weights of rows ``(K, P)``.

    Args:
        group: Gives the layout.
        wanted: Values a layer, or None for all.

    Attributes:
        sizes: Values taken of each layer (L).
        sampled: False where a sample holds everything.
    """

    def __init__(self, group: Group, wanted: int | None) -> None:
        slots = group.layout.measured
        self._strides = [1 if wanted is None else _stride(slot.spec.size, wanted) for slot in slots]
        self.sizes = [slot.spec.size // stride for slot, stride in zip(slots, self._strides, strict=True)]
        self.sampled = max(self._strides) > 1
        self._width = group.layout.num_weights
        self._device = group.flat.device
        self._lanes = group.num_lanes
        self._row = group.layout.size
        self._starts = group.layout.offsets
        self._phases = max(1, min(MAX_PHASES, _PHASE_ELEMENTS // max(1, self._lanes * sum(self.sizes))))
        self._positions: dict[int, Tensor] = {}

    def take(self, rows: Tensor, look: int, place: Tensor) -> None:
        """Copy a sample.

        Args:
            rows: ``(K, P)``, contiguous.
            look: Number of the look; it decides the phase.
            place: ``(K, sum(sizes))`` on the processor, contiguous; receives it.
        """
        if not self.sampled:
            place.copy_(rows[:, : self._width])
        elif self._device.type == "cpu":
            torch.index_select(rows.view(-1), 0, self._at(look % self._phases), out=place.view(-1))
        else:
            place.view(-1).copy_(rows.view(-1).index_select(0, self._at(look % self._phases)))

    def _at(self, phase: int) -> Tensor:
        if phase not in self._positions:
            parts = []
            for start, stride, size in zip(self._starts, self._strides, self.sizes, strict=True):
                shift = phase * stride // self._phases
                parts.append(torch.arange(size, dtype=torch.int32) * stride + (start + shift))
            lanes = torch.arange(self._lanes, dtype=torch.int32) * self._row
            self._positions[phase] = (lanes[:, None] + torch.cat(parts)).reshape(-1).to(self._device)
        return self._positions[phase]


@dataclass(frozen=True, slots=True)
class Grid:
    """Which values of ``(K, B, U)`` are taken: every so many examples, and every so many units."""

    examples: int
    units: int
    example_stride: int
    unit_stride: int

    @classmethod
    def over(cls, batch: int, units: int, wanted: int | None) -> Grid:
        """Return a grid of about ``wanted`` values; of all where it is None."""
        if wanted is None or batch * units <= wanted:
            return cls(batch, units, 1, 1)
        units_wanted = max(1, wanted // min(batch, _EXAMPLES))
        unit_stride = _stride(units, units_wanted)
        units_taken = units // unit_stride
        example_stride = max(1, batch * units_taken // wanted)
        return cls(batch // example_stride, units_taken, example_stride, unit_stride)

    @property
    def size(self) -> int:
        """Values taken."""
        return self.examples * self.units

    @property
    def sampled(self) -> bool:
        """False where everything is taken."""
        return self.example_stride > 1 or self.unit_stride > 1

    def of(self, signal: Tensor, look: int) -> Tensor:
        """Return a view ``(K, examples, units)`` of the values of ``signal`` ``(K, B, *units)`` that are taken."""
        flat = signal if signal.dim() == 3 else signal.flatten(2)
        lane, example, unit = flat.stride()
        unit_shift = look % self.unit_stride
        example_shift = look // self.unit_stride % self.example_stride
        return flat.as_strided(
            (flat.shape[0], self.examples, self.units),
            (lane, example * self.example_stride, unit * self.unit_stride),
            flat.storage_offset() + example_shift * example + unit_shift * unit,
        )


class SignalSampler:
    """Samples what flows through the layers of one shape.

    Args:
        signals: ``(K, B, *units)`` a layer: an example of what will come.
        wanted: Values a lane and layer, or None for all.

    Attributes:
        sizes: Values taken of each layer (L).
        sampled: False where a sample holds everything.
    """

    def __init__(self, signals: Sequence[Tensor], wanted: int | None) -> None:
        self._grids = [Grid.over(signal.shape[1], signal[0, 0].numel(), wanted) for signal in signals]
        self.sizes = [grid.size for grid in self._grids]
        self.sampled = any(grid.sampled for grid in self._grids)

    def places(self, section: Tensor) -> list[Tensor]:
        """Return a view ``(K, examples, units)`` of a section ``(K, sum(sizes))`` for each layer."""
        parts = torch.split(section, self.sizes, dim=1)
        return [
            part.view(len(section), grid.examples, grid.units)
            for part, grid in zip(parts, self._grids, strict=True)
        ]

    def take(self, signals: Sequence[Tensor], look: int, places: list[Tensor]) -> None:
        """Copy a sample.

        Args:
            signals: ``(K, B, *units)`` a layer.
            look: Number of the look; it decides the phase.
            places: From ``places``; receive it.
        """
        taken = [grid.of(signal, look) for grid, signal in zip(self._grids, signals, strict=True)]
        if taken[0].device.type == "cpu":
            torch._foreach_copy_(places, taken)
            return
        # One transfer for all layers.
        joined = torch.cat([part.flatten(1) for part in taken], 1).cpu()
        for place, part in zip(places, torch.split(joined, self.sizes, dim=1), strict=True):
            place.copy_(part.view(place.shape))
