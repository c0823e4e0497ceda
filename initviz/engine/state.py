"""What one step of training leaves behind. Live: valid until the next step, and overwritten by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from initviz.engine.losses import accuracy
from initviz.engine.network import Signals, by_lane

if TYPE_CHECKING:
    from initviz.engine.group import Group


@dataclass(slots=True)
class GroupState:
    """One step of a group of lanes.

    Attributes:
        group: Whose step it was; its ``grad`` holds the gradients, its ``flat`` the weights *after* the update.
        outputs: ``(K, B, O)`` of the batch.
        targets: Of the batch, as in ``Batches.targets``.
        loss: ``(K,)`` mean loss of the batch, without penalties and the like; NaN for a lane that diverged or was
            stopped before.
        before: ``(K, P)`` weights before the update, on observed steps, or when the race keeps them; else None.
        signals: What flowed through the measured layers, on observed steps; else None.
    """

    group: Group
    outputs: Tensor
    targets: Tensor
    loss: Tensor
    before: Tensor | None = None
    signals: Signals | None = None

    @property
    def accuracy(self) -> Tensor:
        """``(K,)`` share of the batch classified rightly; NaN for regression and where the loss is."""
        share = accuracy(self.outputs, self.targets, self.group.blueprint.data.task)
        if not self.group.frozen and not self.group.stopped:
            return share
        return torch.where(self.loss.isnan(), self.loss, share)

    @property
    def preactivations(self) -> tuple[Tensor, ...]:
        """``(K, B, *units)`` of every measured layer; empty on steps that were not observed."""
        return () if self.signals is None else self._by_lane(self.signals.preactivations)

    @property
    def activations(self) -> tuple[Tensor, ...]:
        """The same after the activation."""
        return () if self.signals is None else self._by_lane(self.signals.activations)

    @property
    def grad_preactivations(self) -> tuple[Tensor, ...]:
        """``(K, B, *units)`` dC/dz, C the mean loss of the batch: times B for the loss of one example."""
        return () if self.signals is None else self._by_lane(self.signals.grad_preactivations)

    def _by_lane(self, values: list[Tensor]) -> tuple[Tensor, ...]:
        group = self.group
        return tuple(
            by_lane(value, group.num_lanes, image)
            for value, image in zip(values, group.network.images, strict=True)
        )


@dataclass(slots=True)
class RaceState:
    """One step of all lanes.

    Attributes:
        step: Updates made before the forward pass; 0 first.
        lr: Learning rate of the update, a lane.
        groups: Each group's step.
        order: Position of every lane in the groups laid end to end.
    """

    step: int
    lr: tuple[float, ...]
    groups: tuple[GroupState, ...]
    order: Tensor

    @property
    def loss(self) -> Tensor:
        """``(K,)`` mean loss of the batch in lane order; NaN after a lane diverged."""
        return self._in_lane_order([group.loss for group in self.groups])

    @property
    def accuracy(self) -> Tensor:
        """``(K,)`` share of the batch classified rightly in lane order; NaN for regression and diverged lanes."""
        return self._in_lane_order([group.accuracy for group in self.groups])

    def _in_lane_order(self, values: list[Tensor]) -> Tensor:
        return values[0] if len(values) == 1 else torch.cat(values)[self.order]
