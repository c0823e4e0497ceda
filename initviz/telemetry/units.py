"""What is told of the units of each layer: how alike they are, and how many of them do nothing.

Nothing here needs torch, so that the window can read it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

ACTIVITY_BINS = 10
"""Classes of activity: up to a tenth of the examples, up to two tenths, and so on (N)."""
LOOKS_BACK = 8
"""So many looks in a row a unit must be idle to count as idle for long."""


@dataclass(frozen=True, slots=True, eq=False)
class Sameness:
    """How alike the hidden units of each layer are; each ``(K, L)``.

    NaN, and 0 where a number is counted, for the output layer, which has no hidden units, for a diverged lane, and for
    layers of a single unit. Two units are copies of each other where their vectors differ by less than 1e-5 of the
    longer one: single precision rounds the sums of equal units differently now and then, and that alone must not look
    like learning. (``Signal.identical_fraction`` compares exactly.) Two vectors of zeros are copies.

    Attributes:
        step: Updates made before the weights were as they were looked at.
        copies: Share of units whose incoming weights are a copy of another unit's.
        grad_copies: The same of the gradients of the incoming weights.
        cosine: Mean over all pairs of units of |cos| between their incoming weights, 0 to 1; 1 for copies and for units
            that differ in sign or size alone, about the root of 2/(pi I) for random weights. Units of zero have no
            direction and are left out; NaN where fewer than two are left.
        signed_cosine: The same of cos, -1/(n - 1) to 1 for n units; about 0 for random weights of mean 0.
        num_units: Units compared: all of a layer, or as many of a very wide one as can be.
        num_different: Of these, how many are left when of all copies only one is kept.
    """

    step: int
    copies: Floats
    grad_copies: Floats
    cosine: Floats
    signed_cosine: Floats
    num_units: Counts
    num_different: Counts


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """How often the units of each layer do something, over the examples of one batch.

    A unit is idle for an example where its activation is zero and passes no gradient, or lies in a flat end of its
    function. Of a convolution a unit is a channel, and each place of the image counts like an example. NaN, and 0 where
    looks are counted, where the activation can do neither, and for a diverged lane.

    Attributes:
        step: Updates made.
        shares: ``(K, L, N)`` share of units that are active for some of the examples: up to a tenth of them in the
            first class, up to two tenths in the second, and so on.
        idle: ``(K, L)`` share of units that are idle for the whole batch. With the shares this adds up to 1.
        idle_for_long: ``(K, L)`` share of units that were idle for the whole batch in every look since ``since_step``.
        num_looks: Looks since then, at most ``LOOKS_BACK``.
        since_step: Updates made before the first of them.
    """

    step: int
    shares: Floats
    idle: Floats
    idle_for_long: Floats
    num_looks: int
    since_step: int
