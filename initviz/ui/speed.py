"""How fast training may go: a few round rates, and as fast as the machine can."""

from __future__ import annotations

from collections import deque

RATES: tuple[float, ...] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 0)
"""Steps a second, slowest first; 0 sets no bound."""

FASTEST = len(RATES) - 1
LEAST_S = 0.2
"""Over less than so many seconds no rate is told: it would be chance."""


def rate(position: int) -> float:
    """Return the steps a second at a position of the slider; 0 is without a bound."""
    return RATES[max(0, min(position, FASTEST))]


class Meter:
    """Measures how fast training goes while it goes; what lies before a rest does not count.

    Args:
        window_s: Seconds over which the rate is averaged, where so many are known.
    """

    def __init__(self, window_s: float = 1.5) -> None:
        self._window_s = window_s
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, now_s: float, step: int) -> None:
        """Take note of the step that is reached.

        Args:
            now_s: The time, in seconds of any clock that never goes back.
            step: The latest step.
        """
        seen = self._seen
        if seen and step <= seen[-1][1]:
            return
        seen.append((now_s, step))
        while len(seen) > 2 and now_s - seen[1][0] > self._window_s:
            seen.popleft()

    def forget(self) -> None:
        """Begin anew."""
        self._seen.clear()

    @property
    def steps_per_s(self) -> float:
        """The rate; 0 while nothing is known of it."""
        if len(self._seen) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        return (last - first) / (last_s - first_s) if last_s - first_s >= LEAST_S else 0.0
