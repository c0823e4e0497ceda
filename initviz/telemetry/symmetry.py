"""How many units of a layer are still copies of each other."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from initviz.engine.group import Group
from initviz.telemetry.frame import Floats

CHUNK_ELEMENTS = 1_000_000


def identical_rows(rows: Tensor) -> float:
    """Return the share of rows ``(O, n)`` that equal another row in every number, 0 to 1."""
    count, width = rows.shape
    if count > 1 and bool((rows == rows[0]).all()):
        return 1.0  # the usual case: a layer that starts from one number
    # Adding 0 makes -0 the same as 0. Whole numbers add up to the same sum in any order, unlike fractions, so equal
    # rows always have equal sums; unequal rows share one by a chance of 2^-64.
    factors = np.random.default_rng(0).integers(1, 2**62, width, dtype=np.int64) | 1
    sums = np.zeros(count, dtype=np.int64)
    step = max(1, CHUNK_ELEMENTS // count)
    for first in range(0, width, step):
        part = slice(first, first + step)
        numbers = (rows[:, part] + 0.0).cpu().contiguous().numpy()
        bits = numbers.view(np.int32 if numbers.dtype == np.float32 else np.int64)
        with np.errstate(over="ignore"):
            sums += bits.astype(np.int64) @ factors[part]
    counts = np.unique(sums, return_counts=True)[1]
    return float(counts[counts > 1].sum()) / count


def identical_fractions(group: Group, rows: Tensor) -> Floats:
    """Return the share of hidden units of each layer whose incoming weights equal another unit's exactly.

    Args:
        group: Gives the layout.
        rows: ``(K, P)`` weights.
    Returns:
        ``(K, L)``; NaN for the output layer, which has no hidden units, and where weights are not finite.
    """
    fractions = np.full((group.num_lanes, len(group.layout.measured)), np.nan)
    for place, layer in enumerate(group.network.measured):
        if layer.context.is_output:
            continue
        slot = layer.slot
        weight = rows[:, slot.offset : slot.stop].view(group.num_lanes, slot.spec.shape[0], -1)
        # Most starts differ in the first column already.
        first = weight[:, :, 0].sort(dim=1).values
        ties = (first[:, 1:] == first[:, :-1]).any(1).tolist()
        finite = torch.isfinite(weight[:, 0, 0]).tolist()
        for lane in range(group.num_lanes):
            if finite[lane]:
                fractions[lane, place] = identical_rows(weight[lane]) if ties[lane] else 0.0
    return fractions
