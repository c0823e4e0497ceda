"""Layer-sequential unit variance: the part of a start that looks at data."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from initviz.engine.network import Network
from initviz.engine.noise import Pass
from initviz.experiment.values import Choice


@torch.no_grad()
def scale_to_unit_variance_(
    network: Network, row: Tensor, inputs: Tensor, choices: Mapping[int, Choice]
) -> None:
    """Divide each weight of some layers by the standard deviation of its output, one after the other, in place.

    A weight whose output is always the same, or not finite, stays as it is.

    Args:
        network: One lane.
        row: ``(P,)`` its tensors, changed in place.
        inputs: ``(B, *shape)`` what flows through; every layer sees the output of the layers already scaled.
        choices: The initializer of each layer to scale, by index of the layer: its ``tolerance`` is how far from 1 the
            variance may stay, ``max_iterations`` how often one weight is divided at most.
    References:
        Mishkin and Matas 2016, arXiv:1511.06422.
    """
    x = inputs
    now = Pass((0,), row.device)
    now.begin(0, training=True, keeps=False)  # normalization as in training; what it keeps is not touched
    bound = network.bind(row.unsqueeze(0), torch.empty_like(row).unsqueeze(0), now)
    for index, run in enumerate(bound.stage_runs()):
        if index in choices:
            tolerance, rounds = choices[index].number("tolerance"), choices[index].integer("max_iterations")
            own = [slot for slot in network.layout.measured if slot.stage == index]
            for place, slot in enumerate(own):
                weight = row[slot.offset : slot.stop]
                for _ in range(rounds):
                    whole, told = run(x)
                    output = told[place]
                    if output is whole and slot.spec.branch == "last":
                        output = output - x  # what the weight adds to the stream counts, not the stream
                    variance = float(output.var(correction=0))
                    if abs(variance - 1.0) < tolerance or not 0.0 < variance < math.inf:
                        break
                    weight.div_(math.sqrt(variance))
                    network.repeat_shared(row)
        x, _ = run(x)
