"""L2 norms of every layer at every step: cheap, and true for what is too small or too large to be squared."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.engine.denormals import are_flushed, flushed
from initviz.engine.group import Group
from initviz.engine.state import GroupState
from initviz.telemetry.frame import Floats, Singles

RING_ROW = 32_768
"""Most numbers in a group's buffer for which whole buffers are kept and many steps are reduced at once."""
RING_ELEMENTS = 160_000
"""About how many numbers a ring holds, so that it stays in the processor's cache."""
MAX_RING_STEPS = 128
FEW = 16_384
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


def is_zero(values: Tensor) -> bool:
    """Say whether all numbers are exactly 0; on the processor the fastest way to find out."""
    smallest, largest = torch.aminmax(values)
    return float(smallest) == 0.0 == float(largest)


class LayerNorms:
    """Norms of adjacent segments of a row; neighbours of equal size are measured in one operation.

    Args:
        sizes: Elements of each layer's weight, which follow each other from the start of the row (L).
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._runs: list[tuple[int, int, int]] = []
        self._firsts: list[int] = []  # of each run: its first layer
        offset = layer = 0
        for size, members in itertools.groupby(sizes):
            count = len(list(members))
            self._runs.append((offset, count, size))
            self._firsts.append(layer)
            offset += count * size
            layer += count

    def views(self, rows: Tensor) -> list[Tensor]:
        """Return a view ``(..., count, size)`` of rows ``(..., P)`` for each run of layers of equal size."""
        return [
            rows[..., offset : offset + count * size].view(*rows.shape[:-1], count, size)
            for offset, count, size in self._runs
        ]

    def quick(self, views: Sequence[Tensor], out: Tensor | None = None) -> Tensor:
        """Return norms ``(..., L)`` on the device of the views, without waiting for it.

        Args:
            views: From ``views``.
            out: Receives them, if given.
        """
        measure = quick_norm if views[0].device.type == "cpu" else robust_norm
        return torch.cat([measure(view) for view in views], dim=-1, out=out)

    def exact(self, views: Sequence[Tensor]) -> Floats:
        """Return norms ``(..., K, L)``, those that need it measured with care."""
        norms = self.quick(views).double().cpu().numpy()
        if views[0].device.type == "cpu":
            self.mend(norms, views)
        return norms

    @staticmethod
    def is_suspect(norms: NDArray[np.floating], dtype: torch.dtype) -> bool:
        """Say whether any norm may have lost digits to squares outside the range of numbers of this type."""
        bounds = RANGES[dtype]
        return not (norms.min() >= bounds.low and norms.max() <= bounds.high)

    def mend(self, norms: NDArray[np.floating], views: Sequence[Tensor]) -> None:
        """Measure again, in place, what may have lost digits to squares outside the range of numbers."""
        bounds = RANGES[views[0].dtype]
        for wrong, scale in ((norms < bounds.low, bounds.scale), (norms > bounds.high, 1 / bounds.scale)):
            if not wrong.any():
                continue
            places = np.logical_or.reduceat(wrong, self._firsts, axis=-1)  # (..., K, runs)
            for lane, run in np.argwhere(places.any(axis=(*range(places.ndim - 2),))).tolist():
                values = views[run][..., lane, :, :]
                if not is_zero(values):
                    layers = slice(self._firsts[run], self._firsts[run] + values.shape[-2])
                    again = quick_norm(values * scale).double().numpy() / scale
                    own = norms[..., lane, layers]
                    np.copyto(own, again, where=wrong[..., lane, layers], casting="same_kind")


@dataclass(frozen=True, slots=True)
class NormTable:
    """Norms of a group over some steps, each ``(S, K, L)``; NaN where not measured."""

    weight: Singles
    grad: Singles
    update: Singles


def _singles(values: Floats) -> Singles:
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(np.float32)


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
        # For each step: gradients, weights (after it where every step is measured, else before it), changes.
        shape = (self.capacity, 3, group.num_lanes, len(group.layout.measured))
        self._norms = torch.full(shape, torch.nan, dtype=group.flat.dtype, device=group.flat.device)
        self._last_weights = self._layers.exact(self._flat_views) if every_step else None

    def note(self, place: int, state: GroupState) -> None:
        """Measure a step; ``place`` counts the steps since the last drain."""
        if not self._every_step and state.before is None:
            return
        if are_flushed():
            self._note(place, state)
        else:
            with flushed(True):  # squares of tiny numbers would take long
                self._note(place, state)

    def _note(self, place: int, state: GroupState) -> None:
        rows, before = self._norms[place], state.before
        weights = self._flat_views
        if not self._every_step and before is not None:
            weights = self._layers.views(before)
        views = [self._grad_views, weights]
        if before is not None:
            views.append(self._layers.views(self._flat - before))
        for quantity, measured in enumerate(views):
            self._layers.quick(measured, out=rows[quantity])
        # On the processor what is suspect must be measured again at once; elsewhere nothing waits for the device.
        if self._on_cpu:
            found = rows.numpy()[: len(views)]
            if self._layers.is_suspect(found, rows.dtype):
                for norms, measured in zip(found, views, strict=True):
                    self._layers.mend(norms, measured)

    def drain(self, count: int) -> NormTable:
        """Return the norms of the ``count`` steps noted, and start anew."""
        grads, weights, updates = self._norms[:count].double().cpu().numpy().swapaxes(0, 1)
        if self._last_weights is not None:
            after, weights = weights, np.concatenate((self._last_weights[None], weights[:-1]))
            self._last_weights = after[-1].copy()  # these may be views of what is overwritten next
        table = NormTable(_singles(weights), _singles(grads), _singles(updates))
        self._norms.fill_(torch.nan)
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
