"""Decides when a frame is worth its time, so that looking never slows training down by more than a few per cent."""

from __future__ import annotations

import math
import statistics
from collections import deque

RECENT = 8
"""So many frames are remembered; their mean cost counts."""
FEWEST = 3
SLOWEST_START_S = 0.2
"""Longest gap before so few frames are known: the first ones pay for what is made only once."""
TOLERANCE_S = 0.001
"""A frame may come so much early, so that a slow loop does not lose a whole step's time with each."""
LONGEST_S = 3.0
MOST_SHARE = 0.1
"""A picture need not be older than so many seconds, whatever the budget, unless that took a larger share than this."""
OUTLIER = 4.0
"""A frame counts for at most this many times the median: what made it dearer was something else."""


class Governor:
    """Asks for frames at a steady rate, and more rarely where they are dear.

    Frames take at most a given share of the time, unless training waits anyway because it was slowed down on purpose,
    or the picture would grow old: in a network of thousands of layers a frame alone takes as long as several steps.
    It has no clock of its own.

    Args:
        hz: Most frames a second.
        budget: Largest share of the time that frames may take, above 0. The default leaves a third of the three
            per cent that telemetry may cost to what goes with it.
    """

    def __init__(self, hz: float = 30.0, budget: float = 0.02) -> None:
        self._shortest_s = 1.0 / hz
        self._budget = budget
        self._costs: deque[float] = deque(maxlen=RECENT)
        self._cost_s = 0.0  # what a frame costs by and large
        self._step_cost_s = 0.0
        self._gap_s = self._shortest_s
        self._steps = 0
        self._start_s = -math.inf
        self._next_s = -math.inf  # nothing needs to be thought about before

    @property
    def gap_s(self) -> float:
        """Seconds from one frame to the next while training goes as fast as it can."""
        return self._gap_s

    def due(self, now_s: float) -> bool:
        """Say whether the next step should be looked at; to be called once a step.

        Args:
            now_s: The time, in seconds of any clock that never goes back.
        """
        self._steps += 1
        if now_s < self._next_s:
            return False
        elapsed_s = now_s - self._start_s
        if elapsed_s < self._gap_s - TOLERANCE_S and not self._is_idle(elapsed_s):
            self._next_s = min(self._start_s + self._gap_s - TOLERANCE_S, now_s + self._shortest_s / 4)
            return False
        self._start_s = now_s
        self._next_s = now_s + self._shortest_s - TOLERANCE_S
        self._steps = 0
        return True

    def spent(self, cost_s: float, step_cost_s: float) -> None:
        """Take note of what a frame cost.

        Args:
            cost_s: Seconds beyond those of a plain step.
            step_cost_s: Seconds of a plain step.
        """
        self._costs.append(max(cost_s, 0.0))
        most = OUTLIER * statistics.median(self._costs)
        self._cost_s = statistics.fmean(min(cost, most) for cost in self._costs)
        self._step_cost_s = step_cost_s
        needed_s = min(self._cost_s / self._budget, max(LONGEST_S, self._cost_s / MOST_SHARE))
        if len(self._costs) < FEWEST:
            needed_s = min(needed_s, SLOWEST_START_S)
        self._gap_s = max(self._shortest_s, needed_s)

    def _is_idle(self, elapsed_s: float) -> bool:
        """Say whether training has waited for longer since the last frame than a frame takes."""
        busy_s = (self._steps + 1) * self._step_cost_s + self._cost_s
        return elapsed_s - busy_s > max(self._cost_s, 0.5 * elapsed_s)
