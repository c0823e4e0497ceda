"""Decides when a frame is worth its time, so that looking never slows training down by more than a few per cent."""

from __future__ import annotations

import math
from collections import deque

RECENT = 3
"""So many frames are remembered. The cheapest of them counts: what made the others dearer was not the frame."""

SLOWEST_START_S = 0.2
"""Longest gap before that many frames are known: the first ones pay for what is made only once."""


class Governor:
    """Asks for frames at a steady rate, and more rarely where they are dear.

    Frames take at most a given share of the time, unless training waits anyway because it was slowed down on purpose.
    It has no clock of its own.

    Args:
        hz: Most frames a second.
        budget: Largest share of the time that frames may take, above 0.
    """

    def __init__(self, hz: float = 30.0, budget: float = 0.03) -> None:
        self._shortest_s = 1.0 / hz
        self._budget = budget
        self._costs: deque[float] = deque(maxlen=RECENT)
        self._step_cost_s = 0.0
        self._steps = 0
        self._start_s = -math.inf

    @property
    def gap_s(self) -> float:
        """Seconds from one frame to the next while training goes as fast as it can."""
        if not self._costs:
            return self._shortest_s
        gap_s = max(self._shortest_s, min(self._costs) / self._budget)
        return gap_s if len(self._costs) == RECENT else min(gap_s, max(self._shortest_s, SLOWEST_START_S))

    def due(self, now_s: float) -> bool:
        """Say whether the next step should be looked at; to be called once a step.

        Args:
            now_s: The time, in seconds of any clock that never goes back.
        """
        elapsed_s = now_s - self._start_s
        self._steps += 1
        # A millisecond of tolerance, so that a slow loop does not lose a whole step's time a frame.
        if elapsed_s < self._shortest_s - 0.001:
            return False
        if elapsed_s < self.gap_s and not self._is_idle(elapsed_s):
            return False
        self._start_s = now_s
        self._steps = 0
        return True

    def spent(self, cost_s: float, step_cost_s: float) -> None:
        """Take note of what a frame cost.

        Args:
            cost_s: Seconds beyond those of a plain step.
            step_cost_s: Seconds of a plain step.
        """
        self._costs.append(max(cost_s, 0.0))
        self._step_cost_s = step_cost_s

    def _is_idle(self, elapsed_s: float) -> bool:
        """Say whether training has waited for longer since the last frame than a frame takes."""
        busy_s = (self._steps + 1) * self._step_cost_s + min(self._costs, default=0.0)
        return elapsed_s - busy_s > max(min(self._costs, default=0.0), 0.5 * elapsed_s)
