"""What is measured exactly at every step, gathered cheaply and handed over a stretch of steps at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from initviz.engine.denormals import flushed
from initviz.engine.group import Group
from initviz.engine.losses import classes_of, predicted
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
        outputs: S times ``(K, B, O)``, or ``(K, B, T, O)`` where every position has an answer; B may differ.
        targets: S times ``(B,)`` or ``(B, T)``, or ``(B, O)`` shares of classes.
        task: What is learned.
    """
    lanes = outputs[0].shape[0]
    if task == "regression":
        return np.full((len(outputs), lanes), np.nan)
    joined, wanted = torch.cat(outputs, dim=1), torch.cat(targets)
    right = predicted(joined, task) == classes_of(wanted, task)
    positions = right.shape[1] // len(wanted)
    sizes = np.array([len(target) * positions for target in targets])
    starts = np.cumsum(sizes) - sizes
    sums = np.add.reduceat(right.cpu().numpy(), starts, axis=1, dtype=np.int64)
    shares: Floats = sums / sizes
    return shares.T


class _GroupLedger:
    """What is known of the steps of one group."""

    def __init__(self, group: Group, norms: bool) -> None:
        self.group = group
        self.norms = layer_norms(group, norms)
        self._task: Task = group.blueprint.data.task
        self._lost_before = np.zeros(group.num_lanes, dtype=bool)

    def reduce(self, states: list[GroupState]) -> tuple[Floats, Floats, NormTable]:
        """Return loss and accuracy ``(S, K)`` and norms of the steps that were noted."""
        loss = torch.stack([state.loss for state in states]).double().cpu().numpy()
        accuracy = accuracies(
            [state.outputs for state in states], [state.targets for state in states], self._task
        )
        table = self.norms.drain(len(states))
        # A lane that diverged is kept at zero by the engine: that is no measurement.
        lost = ~np.isfinite(loss)
        if lost.any() or self._lost_before.any():
            lost = np.maximum.accumulate(lost, axis=0) | self._lost_before
            before = np.concatenate((self._lost_before[None], lost[:-1]))
            loss = np.where(lost, np.nan, loss)
            accuracy = np.where(lost, np.nan, accuracy)
            table.weight[before] = np.nan
            table.grad[lost] = np.nan
            table.update[lost] = np.nan
            self._lost_before = lost[-1]
        return loss, accuracy, table


class Ledger:
    """The steps of a race, in lane order.

    Args:
        race: Stands before the first update that is noted.
        norms: False to measure norms on observed steps only.
    """

    def __init__(self, race: Race, norms: bool = True) -> None:
        self._groups = [_GroupLedger(group, norms) for group in race.groups]
        self._notes = [ledger.norms.note for ledger in self._groups]
        self._num_lanes = race.num_lanes
        self._num_layers = max(len(group.layout.measured) for group in race.groups)
        self._states: list[RaceState] = []
        outputs = race.num_lanes * race.data.batch_size * race.data.info.num_outputs
        if race.data.info.per_position:
            outputs *= race.data.info.shape[0]
        self._capacity = min(
            max(1, MAX_OUTPUTS // outputs), *(ledger.norms.capacity for ledger in self._groups)
        )

    def note(self, state: RaceState) -> bool:
        """Take a step in; say whether it is time to settle."""
        place = len(self._states)
        self._states.append(state)
        for note, group in zip(self._notes, state.groups, strict=True):
            note(place, group)
            if group.signals is None:
                group.before = None  # a copy of all weights: only one may be there at a time
        return place + 1 >= self._capacity

    def settle(self) -> tuple[Scalars, Floats] | None:
        """Work out what was noted since the last time.

        Returns:
            The measurements, read-only, and how many examples each lane had in each step, ``(S, K)``; None
            when there was no step.
        """
        states = self._states
        if not states:
            return None
        self._states = []
        with flushed(True):  # squares of tiny numbers would take long
            parts = [
                ledger.reduce([state.groups[place] for state in states])
                for place, ledger in enumerate(self._groups)
            ]
        scalars = Scalars(
            steps=np.array([state.step for state in states], dtype=np.int64),
            loss=self._by_lane([part[0] for part in parts]),
            accuracy=self._by_lane([part[1] for part in parts]),
            lr=np.array([state.lr for state in states], dtype=np.float64),
            weight_norm=self._by_layer([part[2].weight for part in parts]),
            grad_norm=self._by_layer([part[2].grad for part in parts]),
            update_norm=self._by_layer([part[2].update for part in parts]),
        )
        sizes = [
            np.repeat(
                np.array([[len(state.groups[place].targets)] for state in states], dtype=np.float64),
                ledger.group.num_lanes,
                axis=1,
            )
            for place, ledger in enumerate(self._groups)
        ]
        return freeze(scalars), self._by_lane(sizes)

    def _by_lane(self, parts: list[Floats]) -> Floats:
        """Return ``(S, K)`` in lane order from the groups' own."""
        if len(parts) == 1:
            return parts[0]
        whole = np.empty((len(parts[0]), self._num_lanes))
        for ledger, part in zip(self._groups, parts, strict=True):
            whole[:, list(ledger.group.lanes)] = part
        return whole

    def _by_layer(self, parts: list[Singles]) -> Singles:
        """Return ``(S, K, L)`` in lane order; NaN where a lane has fewer layers."""
        if len(parts) == 1:
            return parts[0]
        whole = np.full((len(parts[0]), self._num_lanes, self._num_layers), np.nan, dtype=np.float32)
        for ledger, part in zip(self._groups, parts, strict=True):
            whole[:, list(ledger.group.lanes), : part.shape[-1]] = part
        return whole


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
