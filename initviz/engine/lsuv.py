"""Layer-sequential unit variance: the part of a start that looks at data."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from initviz.engine.network import Network

MAX_ROUNDS = 10
TOLERANCE = 0.01


@torch.no_grad()
def scale_to_unit_variance_(
    network: Network, views: Sequence[Tensor], inputs: Tensor, stages: Collection[int]
) -> None:
    """Divide each weight of some layers by the standard deviation of its output, one after the other, in place.

    Args:
        network: One lane.
        views: Its tensors, changed in place.
        inputs: ``(B, *shape)`` what flows through; every layer sees the output of the layers already scaled.
        stages: Indices of the layers to scale.
    References:
        Mishkin and Matas 2016, arXiv:1511.06422.
    """
    x = inputs
    for index, run in enumerate(network.stage_runs(views)):
        if index in stages:
            slots = [(slot, view) for slot, view in zip(network.layout.slots, views, strict=True)]
            own = [(slot, view) for slot, view in slots if slot.stage == index and slot.spec.role == "weight"]
            for place, (slot, weight) in enumerate(own):
                for _ in range(MAX_ROUNDS):
                    output = run(x)[1][place]
                    # What the weight adds to the stream counts, not the stream that it is added to.
                    variance = float((output - x if slot.spec.branch == "last" else output).var(correction=0))
                    if abs(variance - 1.0) < TOLERANCE or not 0.0 < variance < math.inf:
                        break
                    weight.div_(math.sqrt(variance))
        x, _ = run(x)
