"""One scale for magnitudes in every view: decades as colours, and two flat colours outside the healthy range."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pyqtgraph
import PySide6.QtCore  # before pyqtgraph, which then takes this Qt  # noqa: F401
from numpy.typing import NDArray

from initviz.views.palette import Theme, mix, rgb

VANISHED = 1e-8
"""A gradient norm or root mean square below this moves no float32 weight of ordinary size any more."""
EXPLODED = 1e3
"""Above this a step of ordinary size throws the weights away."""
LOW_DECADES = -8.0
HIGH_DECADES = 3.0

UNKNOWN_CODE, VANISHED_CODE, EXPLODED_CODE, FIRST_CODE = 0, 1, 2, 3
_LEVELS = 256 - FIRST_CODE

Codes = NDArray[np.uint8]
Table = NDArray[np.uint32]


def magnitude_codes(decades: NDArray[Any], least: float = LOW_DECADES, most: float = HIGH_DECADES) -> Codes:
    """Turn log10 of magnitudes into entries of ``magnitude_table``; -inf is zero and counts as vanished.

    Args:
        decades: Any shape; NaN becomes unknown.
        least: What has the first colour; anything below has that of vanished magnitudes.
        most: What has the last colour; anything above has that of exploded magnitudes.
    """
    values = np.asarray(decades, dtype=np.float32)
    missing = np.isnan(values)
    share = (np.clip(np.where(missing, 0, values), least, most) - least) / (most - least)
    codes = (FIRST_CODE + share * (_LEVELS - 1) + 0.5).astype(np.uint8)
    codes[values < least] = VANISHED_CODE
    codes[values > most] = EXPLODED_CODE
    codes[missing] = UNKNOWN_CODE
    return codes


def share_codes(share: NDArray[Any], most: float) -> Codes:
    """Turn shares into entries of ``share_table``; the square root lets thin tails show.

    Args:
        share: Any shape, 0 or more; NaN becomes unknown.
        most: Share that has the last colour.
    """
    values = np.asarray(share, dtype=np.float32)
    missing = np.isnan(values)
    level = np.sqrt(np.clip(np.where(missing, 0, values) / max(most, 1e-12), 0, 1))
    codes = (FIRST_CODE + level * (_LEVELS - 1) + 0.5).astype(np.uint8)
    codes[missing] = UNKNOWN_CODE
    return codes


def peaks(values: NDArray[Any], axis: int, most: int) -> NDArray[Any]:
    """Reduce an axis to at most ``most`` places by the largest value: no peak is lost, NaN counts for nothing.

    Every place stands for the same number of values, except that the last may stand for fewer.
    """
    count = values.shape[axis]
    every = -(-count // max(1, most))
    if every <= 1:
        return values
    front = np.moveaxis(values, axis, 0)
    reduced = front[::every].copy()
    for shift in range(1, every):
        part = front[shift::every]
        np.fmax(reduced[: len(part)], part, out=reduced[: len(part)])
    return np.moveaxis(reduced, 0, axis)


def _argb(color: str) -> int:
    red, green, blue = rgb(color)
    return 0xFF000000 | red << 16 | green << 8 | blue


@functools.cache
def sequential(levels: int) -> NDArray[np.uint8]:
    """Return ``(levels, 3)`` red, green, blue of viridis, which is even in lightness and safe for colour-blind eyes."""
    colors = pyqtgraph.colormap.get("viridis").getLookupTable(0.0, 1.0, levels, alpha=False)
    return np.asarray(colors[:, :3], dtype=np.uint8)


def _packed(colors: NDArray[np.uint8]) -> Table:
    wide = colors.astype(np.uint32)
    packed = 0xFF000000 | wide[:, 0] << 16 | wide[:, 1] << 8 | wide[:, 2]
    return packed.astype(np.uint32)


@functools.cache
def magnitude_table(theme: Theme) -> Table:
    """Return the 256 colours, as 0xAARRGGBB, for ``magnitude_codes``."""
    table = np.empty(256, dtype=np.uint32)
    table[UNKNOWN_CODE] = _argb(theme.unknown)
    table[VANISHED_CODE] = _argb(theme.vanished)
    table[EXPLODED_CODE] = _argb(theme.exploded)
    table[FIRST_CODE:] = _packed(sequential(_LEVELS))
    return table


@functools.cache
def share_table(theme: Theme) -> Table:
    """Return the 256 colours for ``share_codes``: from the surface, for nothing, through the one sequential map.

    On a light surface it runs from bright to dark, so that more is always further from nothing.
    """
    table = np.empty(256, dtype=np.uint32)
    table[UNKNOWN_CODE : FIRST_CODE + 1] = _argb(theme.unknown)
    colors = sequential(_LEVELS)
    if theme.name == "light":
        colors = colors[::-1]
    table[FIRST_CODE:] = _packed(colors)
    table[FIRST_CODE] = _argb(theme.surface)
    first = "#" + "".join(f"{channel:02x}" for channel in colors[0])
    for place in range(1, 13):
        table[FIRST_CODE + place] = _argb(mix(theme.surface, first, place / 13))
    return table


@functools.cache
def diverging(theme: Theme) -> NDArray[np.uint8]:
    """Return ``(255, 3)`` colours of signed values: blue, a neutral middle, orange."""
    middle = np.array(rgb(theme.unknown), dtype=np.float64)
    ends = [np.array(rgb(color), dtype=np.float64) for color in (theme.lane(0).color, theme.lane(1).color)]
    share = np.linspace(1.0, 0.0, 128)[:, None]
    cold = middle + (ends[0] - middle) * share
    warm = middle + (ends[1] - middle) * share[::-1]
    return np.concatenate((cold, warm[1:])).round().astype(np.uint8)
