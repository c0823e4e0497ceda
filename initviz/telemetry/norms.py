"""L2 norms of every layer at every step: cheap, and true for what is too small or too large to be squared."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from initviz.engine.denormals import flushed
from initviz.engine.group import Group
from initviz.engine.state import GroupState
from initviz.telemetry.frame import Floats, Singles

RING_ROW = 32_768
"""Most numbers in a group's buffer for which whole buffers are kept and many steps are reduced at once."""
RING_ELEMENTS = 160_000
"""About how many numbers a ring holds, so that it stays in the processor's cache."""
MAX_RING_STEPS = 64
FEW = 4096
"""So many squares are added up in single precision at once."""
LEAST_PART, MOST_PART = 64, 4096


@dataclass(frozen=True, slots=True)
class Range:
    """Norms between the bounds come from squares that neither vanished nor overflowed; others are measured again.

    Attributes:
        low: Below it, what was lost may matter.
        high: Above it, squares may overflow.
        scale: Power of two by which tiny numbers are multiplied, and huge ones divided, before they are squared.
    """

    low: float
    high: float
    scale: float


RANGES = {
    torch.float32: Range(1e-12, 1e18, 2.0**64),
    torch.float64: Range(1e-140, 1e140, 2.0**512),
}


def robust_norm(values: Tensor) -> Tensor:
    """Return the L2 norm over the last axis, right for any magnitude; slower than squaring at once.

    Args:
        values: ``(..., n)`` on any device.
    Returns:
        ``(...)``.
    """
    peak = values.abs().amax(-1, keepdim=True)
    peak = torch.where((peak > 0) & peak.isfinite(), peak, torch.ones_like(peak))
    norm: Tensor = torch.linalg.vector_norm(values / peak, dim=-1)
    return norm * peak.squeeze(-1)


def quick_norm(values: Tensor) -> Tensor:
    """Return the L2 norm over the last axis, as long as squares neither vanish nor overflow.

    Args:
        values: ``(..., n)``.
    Returns:
        ``(...)``.
    """
    size = values.shape[-1]
    if size > FEW and values.dtype is torch.float32:
        # Adding up many equal squares one by one loses digits: add up parts first.
        part = math.gcd(size, MOST_PART)
        if part < LEAST_PART:
            wide: Tensor = torch.linalg.vector_norm(values, dim=-1, dtype=torch.float64)
            return wide.float()
        values = torch.linalg.vector_norm(values.view(*values.shape[:-1], -1, part), dim=-1)
    norm: Tensor = torch.linalg.vector_norm(values, dim=-1)
    return norm


class LayerNorms:
    """Norms of adjacent segments of a row; neighbours of equal size are measured in one operation.

    Args:
        sizes: Elements of each layer's weight, which follow each other from the start of the row (L).
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._runs: list[tuple[int, int, int]] = []
        offset = 0
        for size, members in itertools.groupby(sizes):
            count = len(list(members))
            self._runs.append((offset, count, size))
            offset += count * size

    def views(self, rows: Tensor) -> list[Tensor]:
        """Return a view ``(..., count, size)`` of rows ``(..., P)`` for each run of layers of equal size."""
        return [
            rows[..., offset : offset + count * size].view(*rows.shape[:-1], count, size)
            for offset, count, size in self._runs
        ]

    def quick(self, views: Sequence[Tensor]) -> Tensor:
        """Return norms ``(..., L)`` on the device of the views, without waiting for it."""
        if views[0].device.type == "cpu":
            return _joined([quick_norm(view) for view in views])
        return _joined([robust_norm(view) for view in views])

    def exact(self, views: Sequence[Tensor]) -> Floats:
        """Return norms ``(..., K, L)``, those that need it measured with care."""
        norms = self.quick(views).double().cpu().numpy()
        if views[0].device.type == "cpu":
            self._mend(norms, views)
        return norms

    def _mend(self, norms: Floats, views: Sequence[Tensor]) -> None:
        """Measure again, in place, what may have lost digits to squares outside the range of numbers."""
        bounds = RANGES[views[0].dtype]
        for wrong, scale in (
            (norms < bounds.low, bounds.scale),
            (norms > bounds.high, 1 / bounds.scale),
        ):
            if not wrong.any():
                continue
            first = 0
            for view in views:
                layers = slice(first, first + view.shape[-2])
                first = layers.stop
                for lane in np.flatnonzero(wrong[..., layers].any(axis=(*range(wrong.ndim - 2), -1))):
                    again = quick_norm(view[..., lane, :, :] * scale)
                    place = norms[..., lane, layers]
                    np.copyto(place, again.double().numpy() / scale, where=wrong[..., lane, layers])


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


@dataclass(frozen=True, slots=True)
class NormTable:
    """Norms of a group over some steps, each ``(S, K, L)``; NaN where not measured."""

    weight: Singles
    grad: Singles
    update: Singles


def _singles(values: Floats) -> Singles:
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(np.float32)


def _unknown(steps: int, lanes: int, layers: int) -> Singles:
    return np.full((steps, lanes, layers), np.nan, dtype=np.float32)


class RingNorms:
    """For small buffers: keeps the rows of many steps and reduces them together.

    Args:
        group: Stands before its first update that is noted.
    """

    def __init__(self, group: Group) -> None:
        self.capacity = max(8, min(MAX_RING_STEPS, RING_ELEMENTS // group.flat.numel()))
        self._layers = LayerNorms([slot.spec.size for slot in group.layout.measured])
        lanes, width = group.num_lanes, group.layout.num_weights
        # Weights before and after each step, gradients, and room for the changes: one row more than there are steps.
        self._rows = torch.zeros(3, self.capacity + 1, lanes, width, dtype=group.flat.dtype)
        weights, grads, _ = self._rows
        self._sources = [group.flat[:, :width], group.grad[:, :width]]
        self._places = [[weights[place + 1], grads[place]] for place in range(self.capacity)]
        weights[0] = self._sources[0]

    def note(self, place: int, state: GroupState) -> None:
        """Keep the rows of a step; ``place`` counts the steps since the last drain."""
        torch._foreach_copy_(self._places[place], self._sources)

    def drain(self, count: int) -> NormTable:
        """Return the norms of the ``count`` steps noted, and start anew."""
        weights = self._rows[0]
        torch.sub(weights[1 : count + 1], weights[:count], out=self._rows[2, :count])
        norms = self._layers.exact(self._layers.views(self._rows[:, :count]))
        weights[0] = weights[count]
        return NormTable(*_singles(norms))


class DirectNorms:
    """For large buffers: reduces each step at once. The change is measured only on observed steps.

    Args:
        group: Stands before its first update that is noted.
        every_step: False to measure on observed steps only.
    """

    capacity = MAX_RING_STEPS

    def __init__(self, group: Group, every_step: bool = True) -> None:
        self._layers = LayerNorms([slot.spec.size for slot in group.layout.measured])
        self._every_step = every_step
        self._flat = group.flat
        self._on_cpu = group.flat.device.type == "cpu"
        self._flat_views = self._layers.views(group.flat)
        self._grad_views = self._layers.views(group.grad)
        self._shape = (group.num_lanes, len(group.layout.measured))
        self._weight: dict[int, Tensor] = {}
        self._grad: dict[int, Tensor] = {}
        self._update: dict[int, Tensor] = {}
        if every_step:
            self._weight[0] = self._measure(self._flat_views)

    def _measure(self, views: Sequence[Tensor]) -> Tensor:
        # On the processor what is suspect must be measured again now; elsewhere nothing may wait for the device.
        return torch.from_numpy(self._layers.exact(views)) if self._on_cpu else self._layers.quick(views)

    def note(self, place: int, state: GroupState) -> None:
        """Measure a step; ``place`` counts the steps since the last drain."""
        with flushed(True):  # squares of tiny numbers would take long
            self._note(place, state)

    def _note(self, place: int, state: GroupState) -> None:
        if self._every_step:
            self._weight[place + 1] = self._measure(self._flat_views)
        elif state.before is not None:
            self._weight[place] = self._measure(self._layers.views(state.before))
        if self._every_step or state.before is not None:
            self._grad[place] = self._measure(self._grad_views)
        if state.before is not None:
            self._update[place] = self._measure(self._layers.views(self._flat - state.before))

    def drain(self, count: int) -> NormTable:
        """Return the norms of the ``count`` steps noted, and start anew."""
        table = NormTable(
            *(self._table(measured, count) for measured in (self._weight, self._grad, self._update))
        )
        last = self._weight.get(count)
        for measured in (self._weight, self._grad, self._update):
            measured.clear()
        if last is not None:
            self._weight[0] = last
        return table

    def _table(self, measured: dict[int, Tensor], count: int) -> Singles:
        table = _unknown(count, *self._shape)
        places = [place for place in measured if place < count]
        if places:
            rows = torch.stack([measured[place] for place in places]).cpu().double().numpy()
            table[places] = _singles(rows)
        return table


def layer_norms(group: Group, every_step: bool) -> RingNorms | DirectNorms:
    """Return what measures a group's norms most cheaply.

    Args:
        group: The lanes.
        every_step: False to measure on observed steps only.
    """
    if every_step and group.flat.device.type == "cpu" and group.flat.numel() <= RING_ROW:
        return RingNorms(group)
    return DirectNorms(group, every_step)
