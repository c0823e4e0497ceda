"""Losses a lane, and accuracies."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from initviz.experiment.values import Task

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From outputs ``(B, O)`` or ``(K, B, O)`` and targets to each lane's mean loss, ``(1,)`` or ``(K,)``, and its gradient
by the outputs."""


def loss_function(task: Task) -> Loss:
    """Return the loss of a task: binary cross-entropy of one logit, cross-entropy, or mean squared error."""
    losses: dict[Task, Loss] = {
        "binary": binary_cross_entropy,
        "classification": cross_entropy,
        "regression": squared_error,
    }
    return losses[task]


def binary_cross_entropy(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean cross-entropy of one logit against targets 0 and 1, in nats, and its gradient."""
    column = targets.unsqueeze(1)
    each = functional.binary_cross_entropy_with_logits(outputs, column.expand_as(outputs), reduction="none")
    grad = torch.sigmoid(outputs).sub_(column).mul_(1.0 / len(targets))
    return _mean(each.squeeze(-1)), grad


def cross_entropy(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean cross-entropy of the softmax of the outputs, in nats, and its gradient."""
    logs = functional.log_softmax(outputs, -1)
    right = targets.unsqueeze(1).expand(*outputs.shape[:-1], 1)
    loss = _mean(logs.gather(-1, right).squeeze(-1)).neg_()
    grad = logs.exp_()
    grad.scatter_add_(-1, right, grad.new_tensor(-1.0).expand_as(right))
    return loss, grad.mul_(1.0 / len(targets))


def squared_error(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean squared error over examples and outputs, and its gradient."""
    difference = outputs - targets
    loss = _mean(difference.square().mean(-1))
    return loss, difference.mul_(2.0 / targets.numel())


def _mean(each: Tensor) -> Tensor:
    """Return the mean over the batch of ``(B,)`` or ``(K, B)``, as ``(1,)`` or ``(K,)``."""
    return each.mean(-1, keepdim=each.dim() == 1)


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
