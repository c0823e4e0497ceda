"""Losses a lane, and accuracies."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from initviz.experiment.values import Task

Loss = Callable[[Tensor, Tensor], Tensor]
"""From outputs ``(B, O)`` or ``(K, B, O)`` and targets to the mean loss: a scalar, or ``(K,)``."""


def loss_function(task: Task, lanes: int) -> Loss:
    """Return the loss of a task: binary cross-entropy of one logit, cross-entropy, or mean squared error.

    Args:
        task: What is learned.
        lanes: 1 for plain outputs, more for the lane layout.
    """
    plain: dict[Task, Loss] = {"binary": _binary, "classification": _cross_entropy, "regression": _squared}
    together: dict[Task, Loss] = {
        "binary": _binary_lanes,
        "classification": _cross_entropy_lanes,
        "regression": _squared_lanes,
    }
    return (plain if lanes == 1 else together)[task]


def _binary(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(outputs.squeeze(-1), targets)


def _binary_lanes(outputs: Tensor, targets: Tensor) -> Tensor:
    logits = outputs.squeeze(-1)
    each = functional.binary_cross_entropy_with_logits(logits, targets.expand_as(logits), reduction="none")
    return each.mean(1)


def _cross_entropy_lanes(outputs: Tensor, targets: Tensor) -> Tensor:
    logits = outputs.flatten(0, 1)
    lanes, batch = outputs.shape[:2]
    each = functional.cross_entropy(logits, targets.repeat(lanes), reduction="none")
    return each.view(lanes, batch).mean(1)


def _cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs, targets)


def _squared(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(outputs, targets)


def _squared_lanes(outputs: Tensor, targets: Tensor) -> Tensor:
    each = functional.mse_loss(outputs, targets.expand_as(outputs), reduction="none")
    return each.mean((1, 2))


def accuracy(outputs: Tensor, targets: Tensor, task: Task) -> Tensor:
    """Return the share of examples classified rightly, ``(K,)``; NaN for regression.

    Args:
        outputs: ``(K, B, O)``.
        targets: ``(B,)``.
        task: What is learned.
    """
    if task == "regression":
        return torch.full((len(outputs),), torch.nan, dtype=outputs.dtype, device=outputs.device)
    if task == "binary":
        right = (outputs.squeeze(-1) > 0) == (targets > 0.5)
    else:
        right = outputs.argmax(-1) == targets
    return right.to(outputs.dtype).mean(1)
