"""What becomes of lanes, in one word each: for counting how many of a lane's seeds learn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from initviz.telemetry.frame import LaneState

Fate = Literal["learning", "worse", "stalled", "stopped", "diverged"]
FATES: tuple[Fate, ...] = ("learning", "worse", "stalled", "stopped", "diverged")
"""From what is hoped for to what is feared."""


def fate(state: LaneState) -> Fate:
    """Return what becomes of a lane; ``worse`` answers worse than a constant, and does not fall either.

    A lane that it is too early to judge counts as learning.
    """
    if state.diverged_at is not None:
        return "diverged"
    if state.stopped_at is not None:
        return "stopped"
    if state.is_worse:
        return "worse"
    return "stalled" if state.outcome == "stalled" else "learning"


def count_fates(states: Iterable[LaneState]) -> dict[Fate, int]:
    """Return how many lanes have each fate; all five are there."""
    found = [fate(state) for state in states]
    return {name: found.count(name) for name in FATES}
