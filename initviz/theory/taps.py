"""How convolutions carry mean squares from place to place, borders included."""

from __future__ import annotations

import numpy as np

from initviz.catalog.signal_steps import Product
from initviz.theory.quadrature import Floats


def extents(step: Product, places: tuple[int, ...]) -> tuple[int, ...]:
    """Return the extents of the places after a product."""
    if not step.kernel:
        return places
    return tuple((extent + 2 * step.padding - step.kernel) // step.stride + 1 for extent in places)


def gathered(step: Product, places: tuple[int, ...], q: Floats, middle_only: bool) -> Floats:
    """Return the mean of ``q`` ``(G, P)`` over the taps of each place after a convolution; outside it is 0.

    Args:
        step: The convolution.
        places: Extents before it.
        q: Mean squares at the places before it.
        middle_only: Whether only the middle tap counts, for all.
    """
    if not step.kernel:
        return q
    after = extents(step, places)
    padding = step.padding
    image = np.pad(q.reshape(-1, *places), ((0, 0), (padding, padding), (padding, padding)))
    found = np.zeros((len(q), *after))
    taps = _taps(step, middle_only)
    for row, column in taps:
        found += image[:, _span(row, after[0], step.stride), _span(column, after[1], step.stride)]
    return np.asarray(found.reshape(len(q), -1) / len(taps))


def scattered(step: Product, places: tuple[int, ...], g: Floats, middle_only: bool) -> Floats:
    """Return the mean over all taps of what comes back to each place before a convolution: the adjoint of ``gathered``.

    Args:
        step: The convolution.
        places: Extents before it.
        g: ``(G, P)`` mean squares at the places after it.
        middle_only: Whether only the middle tap counts, for all.
    """
    if not step.kernel:
        return g
    after = extents(step, places)
    padding = step.padding
    images = g.reshape(-1, *after)
    found = np.zeros((len(g), *(extent + 2 * padding for extent in places)))
    taps = _taps(step, middle_only)
    for row, column in taps:
        found[:, _span(row, after[0], step.stride), _span(column, after[1], step.stride)] += images
    inside = found[:, padding : padding + places[0], padding : padding + places[1]]
    return np.asarray(inside.reshape(len(g), -1) / len(taps))


def _taps(step: Product, middle_only: bool) -> list[tuple[int, int]]:
    if middle_only:
        return [(step.kernel // 2, step.kernel // 2)]
    return [(row, column) for row in range(step.kernel) for column in range(step.kernel)]


def _span(first: int, count: int, stride: int) -> slice:
    return slice(first, first + stride * (count - 1) + 1, stride)
