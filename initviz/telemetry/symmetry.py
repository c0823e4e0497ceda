"""How many units of a layer are still copies of each other, and how alike the others are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from initviz.engine.group import Group
from initviz.telemetry.frame import Floats

CHUNK_ELEMENTS = 1_000_000
TOLERANCE = 1e-5
"""Two units are copies where they differ by less than this share of the longer one. Sums of equal units are rounded
differently now and then, by about 1e-7 of their size."""
MOST_UNITS = 512
"""Wider layers are compared by so many of their units, evenly spread."""


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


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike the units of a layer are in each lane, ``(K,)``; see ``units.Sameness``."""

    copies: Floats
    num_different: Floats
    cosine: Floats
    signed_cosine: Floats


def likeness(units: Tensor) -> Likeness:
    """Compare all pairs of units of a layer.

    Args:
        units: ``(K, O, n)`` in double precision, O at least 2: a vector a unit. Of more than ``MOST_UNITS`` some are
            compared.
    Returns:
        NaN where a number is not finite.
    """
    if units.shape[1] > MOST_UNITS:
        chosen = torch.linspace(0, units.shape[1] - 1, MOST_UNITS).round().long()
        units = units[:, chosen]
    # To 1 at most, so that no square vanishes or overflows.
    largest = units.abs().amax((1, 2), keepdim=True)
    units = units / torch.where(largest > 0, largest, torch.ones_like(largest))
    products = units @ units.mT
    squares = torch.diagonal(products, dim1=1, dim2=2)
    apart = squares.unsqueeze(2) + squares.unsqueeze(1) - 2 * products
    longer = torch.maximum(squares.unsqueeze(2), squares.unsqueeze(1))
    is_copy = apart <= TOLERANCE**2 * longer
    count = units.shape[1]
    others = ~torch.eye(count, dtype=torch.bool)
    finite = torch.isfinite(products).all(2).all(1)
    lengths = squares.clamp(min=0).sqrt()
    known = lengths > 0
    pairs = (known.unsqueeze(2) & known.unsqueeze(1)) & others
    cosines = products / torch.where(known, lengths, torch.ones_like(lengths)).unsqueeze(2)
    cosines = cosines / torch.where(known, lengths, torch.ones_like(lengths)).unsqueeze(1)
    cosines = torch.where(pairs, cosines.clamp(-1, 1), torch.zeros_like(cosines))
    num_pairs = pairs.sum((1, 2)).double()

    def told(values: Tensor, good: Tensor = finite) -> Floats:
        found: Floats = torch.where(good, values.double(), torch.nan).numpy()
        return found

    has_pairs = finite & (num_pairs > 0)
    return Likeness(
        copies=told((is_copy & others).any(2).double().mean(1)),
        num_different=told(count - (is_copy & others.tril()).any(2).sum(1)),
        cosine=told(cosines.abs().sum((1, 2)) / num_pairs.clamp(min=1), has_pairs),
        signed_cosine=told(cosines.sum((1, 2)) / num_pairs.clamp(min=1), has_pairs),
    )
