"""Places for labels, so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from initviz.telemetry.frame import Floats


def spread(wanted: Sequence[float] | Floats, gap: float, low: float, high: float) -> Floats:
    """Move places apart as little as possible (in the sense of least squares) without changing their order.

    Args:
        wanted: ``(n,)`` places, in any order.
        gap: Least distance between two.
        low: Smallest place allowed.
        high: Largest place allowed; where they do not all fit, the distance becomes smaller.
    Returns:
        ``(n,)`` in the order of ``wanted``.
    """
    places = np.asarray(wanted, dtype=np.float64)
    count = len(places)
    if count == 0:
        return places
    gap = min(gap, max(0.0, high - low) / max(1, count - 1))
    order = np.argsort(places, kind="stable")
    offsets = gap * np.arange(count)
    # With the gaps taken away the order is all that is asked for: isotonic regression by pooling neighbours.
    blocks: list[tuple[float, int]] = []
    for place in places[order] - offsets:
        mean, size = float(place), 1
        while blocks and blocks[-1][0] > mean:
            before, number = blocks.pop()
            mean = (mean * size + before * number) / (size + number)
            size += number
        blocks.append((mean, size))
    fitted = np.repeat([mean for mean, _ in blocks], [size for _, size in blocks])
    fitted = np.clip(fitted, low, high - offsets[-1]) + offsets
    result = np.empty(count)
    result[order] = fitted
    return result


def grid(count: int, width: float, height: float, aspect: float, gap: float) -> tuple[int, int]:
    """Return rows and columns for small multiples whose cells come nearest to ``aspect`` (width over height)."""
    best, best_cost = (count, 1), float("inf")
    for columns in range(1, max(1, count) + 1):
        rows = -(-count // columns)
        cell_width = (width - gap * (columns - 1)) / columns
        cell_height = (height - gap * (rows - 1)) / rows
        if cell_width <= 1 or cell_height <= 1:
            continue
        empty = (rows * columns - count) / max(1, count)
        cost = abs(np.log(cell_width / cell_height / aspect)) + 1.5 * empty
        if cost < best_cost:
            best, best_cost = (rows, columns), cost
    return best
