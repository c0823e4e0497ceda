"""The axes of a run's histograms, chosen once from the first look so that all lanes fit and nothing jumps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from initviz.telemetry.frame import Floats
from initviz.telemetry.histogram import Axis, Tally, decade_axis, linear_axis

SPREAD = 4.0
"""An axis reaches this many root mean squares of the widest layer."""
LARGEST_SIGNAL = 5.0
"""Layers whose signal has exploded beyond this many times the scale of the data do not widen the axis."""
SMALLEST_SIGNAL = 0.25
ROOM_BELOW, ROOM_ABOVE = 4.0, 2.0
"""Decades of room around what the first look shows: gradients shrink as a network learns."""
DEFAULT_DECADES = (-12.0, 0.0)


def root_mean_squares(tally: Tally, section: int) -> Floats:
    """Return the root mean square of each lane and layer of a section, ``(K, L)``; infinite where a value is."""
    found = np.zeros(tally.shape)
    parts = torch.split(tally.sections[section], list(tally.sizes[section]), dim=1)
    for place, part in enumerate(parts):
        values = part.double().numpy()
        peak = np.abs(values).max(axis=1, initial=0.0)
        safe = np.where((peak > 0) & np.isfinite(peak), peak, 1.0)
        with np.errstate(invalid="ignore", over="ignore"):
            found[:, place] = safe * np.sqrt(np.square(values / safe[:, None]).mean(axis=1))
    return found


def weight_axis(scales: Sequence[Floats], typical: float) -> Axis:
    """Return an axis for weights.

    Args:
        scales: Root mean squares of each group's layers.
        typical: Reach that every start is given at least, since one from zeros grows.
    """
    return linear_axis(max(SPREAD * _largest(scales), typical))


def signal_axis(scales: Sequence[Floats], data_scale: float) -> Axis:
    """Return an axis for what flows through the layers.

    Args:
        scales: Root mean squares of each group's layers.
        data_scale: Root mean square of the inputs.
    """
    scale = data_scale if np.isfinite(data_scale) and data_scale > 0 else 1.0
    widest = min(max(_largest(scales), SMALLEST_SIGNAL * scale), LARGEST_SIGNAL * scale)
    return linear_axis(SPREAD * widest)


def magnitude_axis(scales: Sequence[Floats]) -> Axis:
    """Return an axis of decades around the root mean squares of all layers that have any."""
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = np.log10(np.concatenate([scale.ravel() for scale in scales]))
    decades = decades[np.isfinite(decades)]
    if not len(decades):
        return decade_axis(*DEFAULT_DECADES)
    return decade_axis(float(decades.min()) - ROOM_BELOW, float(decades.max()) + ROOM_ABOVE)


def _largest(scales: Sequence[Floats]) -> float:
    values = np.concatenate([scale.ravel() for scale in scales])
    values = values[np.isfinite(values)]
    return float(values.max()) if len(values) else 0.0
