"""Lines of equal value over a grid, and the values between its points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EDGES = ((0, 1), (1, 2), (2, 3), (3, 0))
"""Corners at the ends of each side of a square, which are counted round it."""
_PAIRS: tuple[tuple[tuple[int, int], ...], ...] = (
    (), ((3, 0),), ((0, 1),), ((3, 1),), ((1, 2),), ((3, 0), (1, 2)), ((0, 2),), ((3, 2),),
    ((2, 3),), ((2, 0),), ((0, 1), (2, 3)), ((2, 1),), ((1, 3),), ((1, 0),), ((0, 3),), (),
)  # fmt: skip
"""Of every case, by the bits of the corners above the level: which sides a line joins."""


def contour(values: NDArray[Any], level: float) -> Floats:
    """Return the line on which ``values`` are ``level``, found by marching squares.

    Args:
        values: ``(M, N)``; squares with a corner that is not finite are left out.
        level: The value.
    Returns:
        ``(n, 4)`` straight pieces x1, y1, x2, y2; x is a column from 0 to N - 1, y a row.
    """
    grid = np.asarray(values, dtype=np.float64)
    corners = np.stack((grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]))
    case = ((corners > level) << np.arange(4)[:, None, None]).sum(0)
    case[~np.isfinite(corners).all(0)] = 0
    pieces = []
    for number, pairs in enumerate(_PAIRS):
        rows, columns = np.nonzero(case == number) if pairs else ((), ())
        for pair in pairs if len(rows) else ():
            ends = [_crossing(corners[:, rows, columns], level, side) for side in pair]
            pieces.append(
                np.stack(
                    [part for x, y in ends for part in (columns + x, rows + y)],
                    axis=1,
                )
            )
    return np.concatenate(pieces) if pieces else np.empty((0, 4))


def _crossing(corners: Floats, level: float, side: int) -> tuple[Floats, Floats]:
    """Return where in its square a line crosses a side, ``(n,)`` each."""
    first, second = (corners[corner] for corner in _EDGES[side])
    share = (level - first) / (second - first)
    none, all_ = np.zeros_like(share), np.ones_like(share)
    return ((share, none), (all_, share), (1 - share, all_), (none, 1 - share))[side]


def between(values: NDArray[Any], every: int) -> Floats:
    """Return a grid with ``every`` - 1 further points between any two, in a straight line from one to the other.

    Args:
        values: ``(M, N)``. Where a neighbour is not finite, the nearest point counts alone.
        every: 1 or more.
    """
    grid = np.asarray(values, dtype=np.float64)
    rows, columns = (np.linspace(0, size - 1, (size - 1) * every + 1) for size in grid.shape)
    low_row, low_column = (np.minimum(at.astype(int), max(0, size - 2))
                           for at, size in zip((rows, columns), grid.shape, strict=True))  # fmt: skip
    high_row, high_column = (np.minimum(low + 1, size - 1)
                             for low, size in zip((low_row, low_column), grid.shape, strict=True))  # fmt: skip
    down, across = (rows - low_row)[:, None], (columns - low_column)[None, :]
    above = _mix(grid[np.ix_(low_row, low_column)], grid[np.ix_(low_row, high_column)], across)
    below = _mix(grid[np.ix_(high_row, low_column)], grid[np.ix_(high_row, high_column)], across)
    mixed = _mix(above, below, down)
    nearest = grid[np.ix_(np.rint(rows).astype(int), np.rint(columns).astype(int))]
    return np.where(np.isfinite(mixed), mixed, nearest)


def _mix(one: Floats, other: Floats, share: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        mixed = one * (1 - share) + other * share
    return np.where(share == 0, one, np.where(share == 1, other, mixed))  # 0 times infinity is no number
