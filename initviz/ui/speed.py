"""How fast training may go: a few round rates, and as fast as the machine can."""

from __future__ import annotations

RATES: tuple[float, ...] = (1, 2, 5, 10, 20, 50, 100, 200, 500, 0)
"""Steps a second, slowest first; 0 sets no bound."""

FASTEST = len(RATES) - 1


def rate(position: int) -> float:
    """Return the steps a second at a position of the slider; 0 is without a bound."""
    return RATES[max(0, min(position, FASTEST))]
