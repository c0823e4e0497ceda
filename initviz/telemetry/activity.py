"""Counts units that do nothing, and remembers for how long they have done so."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from initviz.catalog.parts import ActivationPart
from initviz.engine.group import Group
from initviz.engine.state import RaceState
from initviz.telemetry.histogram import frozen
from initviz.telemetry.units import ACTIVITY_BINS, LOOKS_BACK, Activity


@dataclass(slots=True)
class _Layer:
    """What is known of a measured layer of a group.

    Attributes:
        can_die: Whether a unit that is 0 passes no gradient.
        flat_ends: Outputs at and beyond which it is saturated, or None.
        streak: ``(K, U)`` for how many looks in a row each unit was idle; None before the first.
    """

    can_die: bool
    flat_ends: tuple[float, float] | None
    streak: Tensor | None = None

    def idle(self, activation: Tensor) -> Tensor | None:
        """Return where units are idle, shaped like ``activation``; None where they cannot be."""
        idle = activation == 0 if self.can_die else None
        if self.flat_ends is not None:
            low, high = self.flat_ends
            flat = (activation <= low) | (activation >= high)
            idle = flat if idle is None else idle | flat
        return idle


class ActivityWatch:
    """Looks at a race now and then.

    Args:
        groups: The race's groups.
        parts: For each group, the activation of every measured layer.
    """

    def __init__(self, groups: Sequence[Group], parts: Sequence[Sequence[ActivationPart]]) -> None:
        self._layers = [[_Layer(part.dead_below, part.saturation) for part in own] for own in parts]
        lanes = sum(group.num_lanes for group in groups)
        self._shape = (lanes, max(len(own) for own in parts))
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
        shares = np.full((*self._shape, ACTIVITY_BINS), np.nan)
        idle, for_long = np.full(self._shape, np.nan), np.full(self._shape, np.nan)
        for group, layers in zip(state.groups, self._layers, strict=True):
            lanes = list(group.group.lanes)
            for place, (layer, activation) in enumerate(zip(layers, group.activations, strict=True)):
                found = layer.idle(activation)
                if found is None:
                    continue
                rests = _by_unit(found)
                silent = rests == 1
                streak = silent.to(torch.int32) if layer.streak is None else (layer.streak + 1) * silent
                layer.streak = streak
                idle[lanes, place] = silent.double().mean(1).cpu().numpy()
                for_long[lanes, place] = (streak >= len(self._steps)).double().mean(1).cpu().numpy()
                shares[lanes, place] = _classes(1 - rests, silent)
        for values in (shares, idle, for_long):
            values[list(gone)] = np.nan
        self._latest = Activity(
            state.step, frozen(shares), frozen(idle), frozen(for_long), len(self._steps), self._steps[0]
        )
        return self._latest


def _by_unit(idle: Tensor) -> Tensor:
    """Return for which share of the examples, and places of an image, each unit of ``(K, B, U, *rest)`` is idle."""
    others = [1, *range(3, idle.dim())]
    count = idle.shape[1] * idle[0, 0, 0].numel()
    # Whole numbers, so that a unit that is always idle has a share of exactly 1.
    return idle.sum(others).double() / count


def _classes(active: Tensor, silent: Tensor) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the share of units in each class of activity, ``(K, N)``."""
    classes = (active * ACTIVITY_BINS).ceil().long().clamp(1, ACTIVITY_BINS) - 1
    counts = torch.nn.functional.one_hot(classes, ACTIVITY_BINS).double()
    found: np.ndarray[tuple[int, int], np.dtype[np.float64]] = (
        (counts * ~silent.unsqueeze(2)).mean(1).cpu().numpy()
    )
    return found
