"""How good the lanes of a group are on the examples held back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.engine.data import Batches
from initviz.engine.group import Group
from initviz.engine.losses import classes_of, hits, loss_function, predicted

CHUNK = 1024
"""Examples that are evaluated at a time at most ..."""
CHUNK_NUMBERS = 2**24
"""... and fewer where one layer of all lanes would hold more numbers than these."""
MOST_CLASSES = 100
"""Classes above which nobody could read which is taken for which."""


def chunk_size(group: Group) -> int:
    """Return how many examples of any number a group evaluates at a time, so that memory stays bounded."""
    widest = max(math.prod(stage.output_shape) for stage in group.blueprint.stages)
    return max(1, min(CHUNK, CHUNK_NUMBERS // (group.num_lanes * widest)))


def _chunks(group: Group, inputs: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    size = chunk_size(group)
    return zip(torch.split(inputs, size), torch.split(targets, size), strict=True)


def score(group: Group, data: Batches, outputs: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Return loss and accuracy of every lane over the examples held back, ``(K,)`` float64 each.

    Args:
        group: The lanes.
        data: Their data.
        outputs: From inputs to outputs ``(K, B, O)``.
    Returns:
        NaN for the accuracy of a regression, and for both where nothing was held back.
    """
    task = data.info.task
    totals = torch.zeros(2, group.num_lanes, dtype=torch.float64)
    loss_of = loss_function(task)
    examples = right = 0
    for inputs, targets in _chunks(group, data.validation_inputs, data.validation_targets):
        found = outputs(inputs)
        totals[0] += loss_of(found, targets)[0].cpu().double() * len(targets)
        examples += len(targets)
        if task != "regression":
            each = hits(found, targets, task)
            totals[1] += each.sum(1).cpu().double()
            right += each.shape[1]
    nothing = torch.full((group.num_lanes,), math.nan, dtype=torch.float64)
    loss = totals[0] / examples if examples else nothing
    share = totals[1] / right if right else nothing
    return loss, torch.where(loss.isnan(), loss, share)


def confusion(group: Group, data: Batches) -> NDArray[np.int64]:
    """Return how often each class was taken for each other, ``(K, C, C)``, true classes in rows; see ``Race``."""
    task = data.info.task
    classes = 2 if task == "binary" else data.info.num_outputs
    if task == "regression" or classes > MOST_CLASSES:
        return np.zeros((group.num_lanes, 0, 0), dtype=np.int64)
    held_back = len(data.validation_inputs) > 0
    inputs = data.validation_inputs if held_back else data.inputs
    targets = data.validation_targets if held_back else data.targets
    counts = torch.zeros(group.num_lanes, classes * classes, dtype=torch.int64)
    for part, wanted in _chunks(group, inputs, targets):
        pairs = (classes_of(wanted, task) * classes + predicted(group.outputs(part), task)).cpu()
        for lane in range(group.num_lanes):
            counts[lane] += torch.bincount(pairs[lane], minlength=classes * classes)
    counts[list(group.frozen)] = 0
    return counts.view(group.num_lanes, classes, classes).numpy()
