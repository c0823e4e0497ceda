"""Made-up singular values, likeness and activity of units, to go with made-up runs."""

from __future__ import annotations

import numpy as np

from initviz.telemetry.spectra import Floats, Spectra, blank, freeze, put
from initviz.telemetry.units import ACTIVITY_BINS, LOOKS_BACK, Activity, Sameness

UNITS = 64
HIGHEST_DECADES = 280.0


def spectra(gains: Floats, layers: int, step: int) -> Spectra:
    """Return what Gaussian matrices of some gain have, and products of them.

    Args:
        gains: ``(K,)`` root of the mean square of the singular values of a weight; NaN for a diverged lane.
        layers: L.
        step: Updates made: with them the largest singular value grows, where the gain is near 1.
    """
    lanes = len(gains)
    weights, jacobian, hidden = blank((lanes, layers)), blank((lanes,)), blank((lanes,))
    ranks = (np.arange(UNITS) + 0.5) / UNITS
    one = 2.0 * (1.0 - ranks) ** 1.2 + 1e-2
    one /= np.sqrt(np.square(one).mean())
    for lane, gain in enumerate(gains.tolist()):
        if np.isnan(gain):
            continue
        learned = 0.3 * np.log1p(step / 50) if 0.3 < gain < 3 else 0.0
        for layer in range(layers):
            values = gain * one
            values[0] *= 1 + learned * (1 + 0.5 * np.sin(layer))
            put(weights, (lane, layer), values[None], UNITS)
        for spectrum, depth, count in ((jacobian, layers, 10), (hidden, layers - 2, UNITS)):
            if depth > 0:
                put(spectrum, lane, _product(gain, one, depth, count, learned)[None], UNITS)
    return Spectra(step, freeze(weights), freeze(jacobian), freeze(hidden))


def _product(gain: float, one: Floats, depth: int, count: int, learned: float) -> Floats:
    """Return about what the product of so many matrices has: the spread grows with the depth."""
    if gain == 0:
        return np.zeros(count)
    few = one[np.linspace(0, len(one) - 1, count).round().astype(np.int64)]
    decades = depth * np.log10(gain) + np.log10(few) * min(depth, 12) ** 0.8 + 0.2 * learned
    return np.asarray(10.0 ** np.clip(decades, -HIGHEST_DECADES, HIGHEST_DECADES))


def sameness(gains: Floats, layers: int, step: int) -> Sameness:
    """Return units that are all copies where the gain is 0, and random ones otherwise; arguments as for ``spectra``."""
    shape = (len(gains), layers)
    equal = np.where(np.isnan(gains), np.nan, np.where(gains == 0, 1.0, 0.0))[:, None] * np.ones(shape)
    drift = 0.02 * np.log1p(step / 100) * (1 + np.sin(np.arange(layers)) ** 2)
    cosine = np.where(equal == 1, np.nan, np.where(np.isnan(equal), np.nan, 0.1 + drift))
    for values in (equal, cosine):
        values[:, -1] = np.nan
    units = np.where(np.isnan(equal), 0, UNITS).astype(np.int64)
    return Sameness(step, equal, equal.copy(), cosine, 0.3 * cosine, units, np.where(equal == 1, 1, units))


def activity(gains: Floats, layers: int, step: int) -> Activity:
    """Return layers of which the more units are idle the deeper they are; arguments as for ``spectra``."""
    depth = np.arange(layers) / max(1, layers)
    idle = np.where(
        np.isnan(gains)[:, None],
        np.nan,
        np.where(gains[:, None] == 0, 1.0, 0.3 * depth * (1 + 0.2 * np.log1p(step / 50))),
    )
    idle = np.clip(idle, 0, 1)
    idle[:, -1] = np.nan
    classes = np.exp(-0.5 * ((np.arange(ACTIVITY_BINS) - 4.5) / 2) ** 2)
    shares = (1 - idle)[..., None] * (classes / classes.sum())
    return Activity(step, shares, idle, 0.7 * idle, LOOKS_BACK, max(0, step - 40))
