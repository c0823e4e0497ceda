"""Which pieces of a row of weights or gradients a remedy works on, joined so that few operations do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from initviz.catalog.remedy_part import GroupPlan, TensorPlace

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Run:
    """Tensors of one shape that lie side by side.

    Attributes:
        offset: Elements before the first.
        count: How many there are (N).
        shape: Of each, in one lane.
    """

    offset: int
    count: int
    shape: tuple[int, ...]

    def view(self, buffer: Tensor) -> Tensor:
        """Return ``(K, N, *shape)`` of a buffer ``(K, P)``."""
        stop = self.offset + self.count * math.prod(self.shape)
        return buffer[:, self.offset : stop].view(len(buffer), self.count, *self.shape)


def _in_order(places: Iterable[TensorPlace], with_shared: bool) -> list[TensorPlace]:
    return sorted(
        (place for place in places if place.size and (with_shared or not place.is_shared)),
        key=lambda place: place.offset,
    )


def runs(places: Iterable[TensorPlace]) -> tuple[Run, ...]:
    """Join neighbours of the same shape; shared tensors are left out."""
    found: list[Run] = []
    for place in _in_order(places, with_shared=False):
        last = found[-1] if found else None
        if (
            last is not None
            and last.shape == place.shape
            and last.offset + last.count * place.size == place.offset
        ):
            found[-1] = Run(last.offset, last.count + 1, last.shape)
        else:
            found.append(Run(place.offset, 1, place.shape))
    return tuple(found)


def spans(places: Iterable[TensorPlace], with_shared: bool = False) -> tuple[slice, ...]:
    """Join neighbours of any shape into slices of a row.

    Args:
        places: Of the tensors.
        with_shared: Whether tensors that only repeat an earlier one's numbers are among them.
    """
    found: list[slice] = []
    for place in _in_order(places, with_shared):
        if found and found[-1].stop == place.offset:
            found[-1] = slice(found[-1].start, place.offset + place.size)
        else:
            found.append(slice(place.offset, place.offset + place.size))
    return tuple(found)


def weights(plan: GroupPlan) -> tuple[TensorPlace, ...]:
    """Return the places of all weights: no biases, no scales."""
    return tuple(place for place in plan.tensors if place.role == "weight")


def norms(buffer: Tensor, pieces: Sequence[slice]) -> Tensor:
    """Return the L2 norm over some slices of each row, ``(K,)``."""
    import torch

    lengths: list[Tensor] = [torch.linalg.vector_norm(buffer[:, piece], dim=1) for piece in pieces]
    if len(lengths) == 1:
        return lengths[0]
    whole: Tensor = torch.linalg.vector_norm(torch.stack(lengths), dim=0)
    return whole
