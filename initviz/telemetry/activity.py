"""Counts units that do nothing, and remembers for how long they have done so."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.catalog.parts import ActivationPart
from initviz.engine.group import Group
from initviz.engine.state import GroupState, RaceState
from initviz.telemetry.histogram import frozen
from initviz.telemetry.units import ACTIVITY_BINS, LOOKS_BACK, Activity, Floats


@dataclass(frozen=True, slots=True)
class _Layer:
    """A measured layer of a group.

    Attributes:
        place: Its index.
        can_die: Whether a unit that is 0 passes no gradient.
        flat_ends: Outputs at and beyond which it is saturated, or None.
    """

    place: int
    can_die: bool
    flat_ends: tuple[float, float] | None

    def idle(self, activation: Tensor) -> Tensor:
        """Return how often each unit of ``(K, B, U, *rest)`` is idle, ``(K, U)``."""
        idle = activation == 0 if self.can_die else None
        if self.flat_ends is not None:
            low, high = self.flat_ends
            flat = (activation <= low) | (activation >= high)
            idle = flat if idle is None else idle | flat
        assert idle is not None
        return idle.sum([1, *range(3, idle.dim())])


class _GroupWatch:
    """Counts the units of one group, those of all layers that can be idle side by side.

    Args:
        group: The lanes.
        parts: The activation of every measured layer.
    """

    def __init__(self, group: Group, parts: Sequence[ActivationPart]) -> None:
        self._lanes = list(group.lanes)
        self._layers = [
            _Layer(place, part.dead_below, part.saturation)
            for place, part in enumerate(parts)
            if part.dead_below or part.saturation is not None
        ]
        self._streak: NDArray[np.int64] | None = None

    def count(self, state: GroupState, looks: int, shares: Floats, idle: Floats, for_long: Floats) -> None:
        """Count, and write into the places of the group's lanes; see ``Activity``."""
        if not self._layers:
            return
        activations = state.activations
        counts = [layer.idle(activations[layer.place]) for layer in self._layers]
        sizes = np.array([count.shape[1] for count in counts])
        seen = np.array(
            [activations[layer.place][0, :, 0].numel() for layer in self._layers], dtype=np.int64
        ).repeat(sizes)
        idle_for = torch.cat(counts, 1).cpu().numpy()
        silent = idle_for == seen
        self._streak = silent.astype(np.int64) if self._streak is None else (self._streak + 1) * silent
        places = [layer.place for layer in self._layers]
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))

        def mean(flags: NDArray[np.bool_]) -> Floats:
            found: Floats = np.add.reduceat(flags, starts, axis=1, dtype=np.int64) / sizes
            return found

        at = np.ix_(self._lanes, places)
        idle[at] = mean(silent)
        for_long[at] = mean(self._streak >= looks)
        # Whole numbers to the end: a unit that is active in exactly a tenth of the cases is in the first class.
        classes = np.minimum(-(-ACTIVITY_BINS * (seen - idle_for) // seen), ACTIVITY_BINS) - 1
        segments = np.arange(len(sizes)).repeat(sizes) * ACTIVITY_BINS
        row = len(sizes) * ACTIVITY_BINS
        flat = np.arange(len(self._lanes))[:, None] * row + segments + classes
        found = np.bincount(flat[~silent], minlength=len(self._lanes) * row)
        shares[at] = found.reshape(len(self._lanes), len(sizes), ACTIVITY_BINS) / sizes[:, None]


class ActivityWatch:
    """Looks at a race now and then.

    Args:
        groups: The race's groups.
        parts: For each group, the activation of every measured layer.
    """

    def __init__(self, groups: Sequence[Group], parts: Sequence[Sequence[ActivationPart]]) -> None:
        self._groups = [_GroupWatch(group, own) for group, own in zip(groups, parts, strict=True)]
        self._shape = (sum(group.num_lanes for group in groups), max(len(own) for own in parts))
        self._steps: deque[int] = deque(maxlen=LOOKS_BACK)
        self._latest: Activity | None = None

    def look(self, state: RaceState, gone: Sequence[int]) -> Activity:
        """Count; a step that was counted before is not counted again.

        Args:
            state: An observed step.
            gone: Lanes that diverged before it.
        """
        if self._latest is not None and self._latest.step == state.step:
            return self._latest
        self._steps.append(state.step)
        looks = len(self._steps)
        shares = np.full((*self._shape, ACTIVITY_BINS), np.nan)
        idle, for_long = np.full(self._shape, np.nan), np.full(self._shape, np.nan)
        for group, own in zip(self._groups, state.groups, strict=True):
            group.count(own, looks, shares, idle, for_long)
        for values in (shares, idle, for_long):
            values[list(gone)] = np.nan
        self._latest = Activity(
            state.step, frozen(shares), frozen(idle), frozen(for_long), looks, self._steps[0]
        )
        return self._latest
