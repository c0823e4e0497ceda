"""The numbers of a loss landscape: its colours' range, and what the cross-hair calls a place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initviz.telemetry.frame import Floats
from initviz.telemetry.landscape import Landscape
from initviz.views.axes import Axis
from initviz.views.numbers import significant

LEAST_DECADES = 0.3
"""Smallest range, so that the noise of a flat place is not drawn as mountains."""
MOST_DECADES = 8.0
_SPARE = 0.02


def decades_of(loss: NDArray[Any]) -> Floats:
    """Return log10 of losses; a loss of 0 becomes -inf, and what is no number or negative NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log10(np.asarray(loss, dtype=np.float64))


def range_of(found: Landscape, lanes: Sequence[int]) -> Axis:
    """Return the decades that the losses of some lanes span, the same for all of them.

    Args:
        found: The losses.
        lanes: Those that are shown.
    """
    decades = decades_of(found.loss[list(lanes)])
    decades = decades[np.isfinite(decades)]
    if not len(decades):
        return Axis(-1.0, 1.0, log=True)
    low, high = float(decades.min()), float(decades.max())
    low = max(low, high - MOST_DECADES)
    spare = max(LEAST_DECADES - (high - low), 0.0) / 2 + _SPARE * (high - low)
    return Axis(low - spare, high + spare, log=True)


def place_text(found: Landscape, row: int, column: int) -> str:
    """Return what a place is called: how far along each direction."""
    along = _signed(float(found.along[column]))
    return f"({along}, {_signed(float(found.across[row]))})" if found.is_plane else along


def _signed(step: float) -> str:
    return "0" if math.isclose(step, 0.0, abs_tol=1e-12) else significant(step)
