"""What changes the weights of a group of lanes: one optimizer for all, or one a lane where it sees whole tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

from initviz.catalog.parts import OptimizerPart
from initviz.catalog.remedies.places import spans
from initviz.catalog.remedy_part import GroupPlan, HeldBack, TensorPlace
from initviz.engine.layout import Layout, Slot, view_of
from initviz.experiment.values import Choice


class Updates(Protocol):
    """The update rule of a group."""

    @property
    def base_lr(self) -> float:
        """Learning rate that schedules multiply."""
        ...

    def step(self, lr: float, step: int) -> None:
        """Make the update at ``step`` of every lane at a learning rate."""
        ...

    def forget(self, lane: int) -> None:
        """Forget what is remembered of a lane, so that no number of it can do harm any more."""
        ...


def updates(part: OptimizerPart, choice: Choice, flat: Tensor, layout: Layout, plan: GroupPlan) -> Updates:
    """Return the update rule for the lanes of ``flat`` ``(K, P)``, whose gradient is there already."""
    held = plan.held
    if part.apart:
        return _Apart(part, choice, flat, layout, plan)
    whole = _Together(part.build(choice, [flat]), flat)
    if held is None:
        return whole
    pieces = spans((place for place in plan.tensors if place.name in held.names), with_shared=True)
    return _HeldTogether(whole, lambda own: _Together(part.build(choice, [own]), own), flat, pieces, held)


class _Together:
    """An elementwise rule on the one flat tensor."""

    def __init__(self, optimizer: Optimizer, flat: Tensor) -> None:
        self._optimizer = optimizer
        self._flat = flat
        self.base_lr = float(optimizer.param_groups[0]["lr"])

    def step(self, lr: float, step: int) -> None:
        self._optimizer.param_groups[0]["lr"] = lr
        self._optimizer.step()

    def forget(self, lane: int) -> None:
        for value in self._optimizer.state[self._flat].values():
            if isinstance(value, Tensor) and value.shape == self._flat.shape:
                value[lane] = 0


class _HeldTogether:
    """An elementwise rule on the one flat tensor, in which some columns have an optimizer of their own.

    A multiple of an update that is made already is not the update at a multiple of the rate, to the last place, and an
    optimizer that has counted steps of gradients that were 0 takes the first real one for larger than it is. So these
    columns are trained beside the others, from the thaw on.
    """

    def __init__(
        self,
        whole: _Together,
        build: Callable[[Tensor], _Together],
        flat: Tensor,
        pieces: Sequence[slice],
        held: HeldBack,
    ) -> None:
        self.base_lr = whole.base_lr
        self._whole = whole
        self._flat = flat
        self._pieces = pieces
        self._held = held
        self._own = self._gathered(flat)
        self._own.grad = torch.zeros_like(self._own)
        self._theirs = build(self._own)

    def _gathered(self, buffer: Tensor) -> Tensor:
        return torch.cat([buffer[:, piece] for piece in self._pieces], 1)

    def step(self, lr: float, step: int) -> None:
        share = self._held.share(step)
        self._own.copy_(self._gathered(self._flat))
        if share > 0.0 and self._flat.grad is not None and self._own.grad is not None:
            self._own.grad.copy_(self._gathered(self._flat.grad))
            self._theirs.step(lr * share, step)
        self._whole.step(lr, step)
        first = 0
        for piece in self._pieces:
            last = first + piece.stop - piece.start
            self._flat[:, piece] = self._own[:, first:last]
            first = last

    def forget(self, lane: int) -> None:
        self._whole.forget(lane)
        self._theirs.forget(lane)


class _Apart:
    """A rule that looks at whole tensors: an optimizer a lane, on that lane's tensors; two where some are held back."""

    def __init__(
        self, part: OptimizerPart, choice: Choice, flat: Tensor, layout: Layout, plan: GroupPlan
    ) -> None:
        self._held = plan.held
        names = frozenset[str]() if plan.held is None else plan.held.names
        owned = [pair for pair in zip(layout.slots, plan.tensors, strict=True) if not pair[1].is_shared]
        free = [pair for pair in owned if pair[1].name not in names]
        slow = [pair for pair in owned if pair[1].name in names]
        self._free = [_built(part, choice, flat, lane, free) for lane in range(len(flat))]
        self._slow = [_built(part, choice, flat, lane, slow) for lane in range(len(flat))]
        self.base_lr = plan.lr

    def step(self, lr: float, step: int) -> None:
        _step(self._free, lr)
        share = 0.0 if self._held is None else self._held.share(step)
        if share > 0.0:
            _step(self._slow, lr * share)

    def forget(self, lane: int) -> None:
        self._free[lane] = self._slow[lane] = None


def _built(
    part: OptimizerPart, choice: Choice, flat: Tensor, lane: int, pairs: Sequence[tuple[Slot, TensorPlace]]
) -> Optimizer | None:
    """Return what trains some tensors of a lane, or None where there are none."""
    tensors = []
    for slot, _ in pairs:
        tensor = view_of(flat[lane], slot)
        tensor.grad = view_of(flat.grad[lane], slot) if flat.grad is not None else None
        tensors.append(tensor)
    if not tensors:
        return None
    if part.build_by_place is None:
        return part.build(choice, tensors)
    hidden = [place.role == "weight" and not (place.is_output or place.is_table) for _, place in pairs]
    return part.build_by_place(choice, tensors, hidden)


def _step(optimizers: Sequence[Optimizer | None], lr: float) -> None:
    for optimizer in optimizers:
        if optimizer is not None:
            for group in optimizer.param_groups:
                group["lr"] = lr
            optimizer.step()
