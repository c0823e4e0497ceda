"""Places for labels, so that none covers another."""

from __future__ import annotations

import math
from collections.abc import Sequence


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move places apart as little as possible (in the sense of least squares) without changing their order.

    Args:
        wanted: Places, in any order.
        gap: Least distance between two.
        low: Smallest place allowed.
        high: Largest place allowed; where they do not all fit, the distance becomes smaller.
    Returns:
        The new places, in the order of ``wanted``.
    """
    count = len(wanted)
    if count == 0:
        return []
    gap = min(gap, max(0.0, high - low) / max(1, count - 1))
    order = sorted(range(count), key=lambda index: wanted[index])
    # With the gaps taken away the order is all that is asked for: isotonic regression by pooling neighbours.
    blocks: list[tuple[float, int]] = []
    for rank, index in enumerate(order):
        mean, size = float(wanted[index]) - gap * rank, 1
        while blocks and blocks[-1][0] > mean:
            before, number = blocks.pop()
            mean = (mean * size + before * number) / (size + number)
            size += number
        blocks.append((mean, size))
    fitted = [mean for mean, size in blocks for _ in range(size)]
    result = [0.0] * count
    for rank, index in enumerate(order):
        result[index] = min(max(fitted[rank], low), high - gap * (count - 1)) + gap * rank
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
        cost = abs(math.log(cell_width / cell_height / aspect)) + 1.5 * empty
        if cost < best_cost:
            best, best_cost = (rows, columns), cost
    return best
