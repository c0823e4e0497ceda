"""What is measured exactly at every step, gathered cheaply and handed over a stretch of steps at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from initviz.engine.denormals import flushed
from initviz.engine.group import Group
from initviz.engine.race import Race
from initviz.engine.state import GroupState, RaceState
from initviz.experiment.values import Task
from initviz.telemetry.frame import Floats, Scalars, Singles
from initviz.telemetry.norms import NormTable, layer_norms

MAX_OUTPUTS = 1_000_000
"""Numbers of network outputs that are held back at most before the accuracies are worked out."""


def accuracies(outputs: list[Tensor], targets: list[Tensor], task: Task) -> Floats:
    """Return the share of each batch that is classified rightly, ``(S, K)``; NaN for regression.

    Args:
        outputs: S times ``(K, B, O)``; B may differ.
        targets: S times ``(B,)``.
        task: What is learned.
    """
    lanes = outputs[0].shape[0]
    if task == "regression":
        return np.full((len(outputs), lanes), np.nan)
    joined, wanted = torch.cat(outputs, dim=1), torch.cat(targets)
    if task == "binary":
        right = (joined.squeeze(-1) > 0) == (wanted > 0.5)
    else:
        right = joined.argmax(-1) == wanted
    sizes = np.array([len(target) for target in targets])
    starts = np.cumsum(sizes) - sizes
    sums = np.add.reduceat(right.cpu().numpy(), starts, axis=1, dtype=np.int64)
    shares: Floats = sums / sizes
    return shares.T


class _GroupLedger:
    """The steps of one group."""

    def __init__(self, group: Group, norms: bool) -> None:
        self.group = group
        self._norms = layer_norms(group, norms)
        self._task: Task = group.blueprint.data.task
        self._loss: list[Tensor] = []
        self._outputs: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._held = 0
        self._lost_before = np.zeros(group.num_lanes, dtype=bool)

    def note(self, state: GroupState) -> bool:
        """Take a step in; say whether it is time to drain."""
        place = len(self._loss)
        self._norms.note(place, state)
        self._loss.append(state.loss)
        self._outputs.append(state.outputs)
        self._targets.append(state.targets)
        self._held += state.outputs.numel()
        return place + 1 >= self._norms.capacity or self._held > MAX_OUTPUTS

    def drain(self) -> tuple[Floats, Floats, NormTable]:
        """Return loss and accuracy ``(S, K)`` and norms, and forget them."""
        count = len(self._loss)
        loss = torch.stack(self._loss).double().cpu().numpy()
        accuracy = accuracies(self._outputs, self._targets, self._task)
        table = self._norms.drain(count)
        # A lane that diverged is kept at zero by the engine: that is no measurement.
        lost = np.maximum.accumulate(~np.isfinite(loss), axis=0) | self._lost_before
        if lost.any():
            before = np.concatenate((self._lost_before[None], lost[:-1]))
            loss = np.where(lost, np.nan, loss)
            accuracy = np.where(lost, np.nan, accuracy)
            table.weight[before] = np.nan
            table.grad[lost] = np.nan
            table.update[lost] = np.nan
            self._lost_before = lost[-1]
        self._loss, self._outputs, self._targets, self._held = [], [], [], 0
        return loss, accuracy, table


class Ledger:
    """The steps of a race, in lane order.

    Args:
        race: Stands before the first update that is noted.
        norms: False to measure norms on observed steps only.
    """

    def __init__(self, race: Race, norms: bool = True) -> None:
        self._groups = [_GroupLedger(group, norms) for group in race.groups]
        self._num_lanes = race.num_lanes
        self._num_layers = max(len(group.layout.measured) for group in race.groups)
        self._steps: list[int] = []
        self._lr: list[tuple[float, ...]] = []
        self._sizes: list[int] = []

    def note(self, state: RaceState) -> bool:
        """Take a step in; say whether it is time to settle."""
        self._steps.append(state.step)
        self._lr.append(state.lr)
        self._sizes.append(len(state.groups[0].targets))
        full = False
        for ledger, group in zip(self._groups, state.groups, strict=True):
            full = ledger.note(group) or full
        return full

    def settle(self) -> tuple[Scalars, Floats] | None:
        """Work out what was noted since the last time.

        Returns:
            The measurements, read-only, and how many examples each step had ``(S,)``; None when there was no step.
        """
        count = len(self._steps)
        if not count:
            return None
        shape = (count, self._num_lanes)
        loss, accuracy = np.full(shape, np.nan), np.full(shape, np.nan)
        layers = (*shape, self._num_layers)
        weight, grad, update = (np.full(layers, np.nan, dtype=np.float32) for _ in range(3))
        for ledger in self._groups:
            lanes = list(ledger.group.lanes)
            with flushed(True):  # squares of tiny numbers would take long
                own_loss, own_accuracy, table = ledger.drain()
            loss[:, lanes], accuracy[:, lanes] = own_loss, own_accuracy
            own = table.weight.shape[-1]
            for whole, part in ((weight, table.weight), (grad, table.grad), (update, table.update)):
                _place(whole, lanes, own, part)
        scalars = Scalars(
            steps=np.array(self._steps, dtype=np.int64),
            loss=loss,
            accuracy=accuracy,
            lr=np.array(self._lr, dtype=np.float64),
            weight_norm=weight,
            grad_norm=grad,
            update_norm=update,
        )
        sizes = np.array(self._sizes, dtype=np.float64)
        self._steps, self._lr, self._sizes = [], [], []
        return freeze(scalars), sizes


def _place(whole: Singles, lanes: list[int], layers: int, part: Singles) -> None:
    whole[:, lanes, :layers] = part


def freeze(scalars: Scalars) -> Scalars:
    """Make every array read-only and return the same object."""
    for array in (
        scalars.steps,
        scalars.loss,
        scalars.accuracy,
        scalars.lr,
        scalars.weight_norm,
        scalars.grad_norm,
        scalars.update_norm,
    ):
        array.flags.writeable = False
    return scalars


def joined(parts: list[Scalars]) -> Scalars:
    """Return stretches of steps that follow each other as one."""
    if len(parts) == 1:
        return parts[0]
    return freeze(
        Scalars(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("steps", "loss", "accuracy", "lr", "weight_norm", "grad_norm", "update_norm")
            )
        )
    )
