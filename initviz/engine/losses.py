"""Losses a lane, and accuracies."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from initviz.catalog.remedy_part import LossTerms
from initviz.experiment.values import Task

Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From outputs ``(B, O)`` or ``(K, B, O)`` and targets to each lane's mean loss, ``(1,)`` or ``(K,)``, and the
gradient, by the outputs, of what is trained on. Sequences have a further axis of positions before the last."""

PLAIN = LossTerms()


def loss_function(task: Task, terms: LossTerms = PLAIN) -> Loss:
    """Return the loss of a task: binary cross-entropy of one logit, cross-entropy, or mean squared error.

    The loss that is returned is always the plain one, so that lanes can be compared; the gradient is that of the loss
    with its terms.

    Args:
        task: What is learned.
        terms: What changes the loss.
    """
    if task == "regression":
        return squared_error
    if task == "binary":
        return binary_cross_entropy if terms == PLAIN else _TermedBinary(terms)
    return cross_entropy if terms == PLAIN else _Termed(terms)


def binary_cross_entropy(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean cross-entropy of one logit against targets from 0 to 1, in nats, and its gradient."""
    column = targets.unsqueeze(1)
    each = functional.binary_cross_entropy_with_logits(outputs, column.expand_as(outputs), reduction="none")
    grad = torch.sigmoid(outputs).sub_(column).mul_(1.0 / len(targets))
    return _mean(each.squeeze(-1)), grad


def cross_entropy(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean cross-entropy of the softmax of the outputs, in nats, and its gradient.

    Args:
        outputs: ``(B, C)`` or ``(K, B, C)``; ``(B, T, C)`` or ``(K, B, T, C)`` where every position has a target.
        targets: ``(B,)`` or ``(B, T)`` class indices, or ``(B, C)`` probabilities.
    """
    if targets.is_floating_point():
        return _soft_cross_entropy(outputs, targets)
    if targets.dim() > 1:
        loss, grad = cross_entropy(outputs.flatten(-3, -2), targets.flatten())
        return loss, grad.view(outputs.shape)
    logs = functional.log_softmax(outputs, -1)
    right = targets.unsqueeze(1).expand(*outputs.shape[:-1], 1)
    loss = _mean(logs.gather(-1, right).squeeze(-1)).neg_()
    by_logs = torch.zeros_like(logs).scatter_(-1, right, -1.0 / len(targets))
    return loss, _through_softmax(by_logs, logs)


def _soft_cross_entropy(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    logs = functional.log_softmax(outputs, -1)
    loss = _mean((logs * targets).sum(-1)).neg_()
    return loss, _through_softmax((targets * (-1.0 / len(targets))).expand_as(logs), logs)


def _through_softmax(by_logs: Tensor, logs: Tensor) -> Tensor:
    """Return the gradient by the outputs from that by the logarithms of their softmax.

    It is what autograd calls there: another way to the same number would differ from plain training in the last place.
    """
    found: Tensor = torch.ops.aten._log_softmax_backward_data.default(by_logs, logs, -1, logs.dtype)
    return found


class _Termed:
    """Cross-entropy trained on smoothed targets and weighted classes, as ``torch.nn.CrossEntropyLoss`` defines them."""

    def __init__(self, terms: LossTerms) -> None:
        self._smoothing = terms.smoothing
        self._given = terms.class_weights
        self._weights: Tensor | None = None

    def __call__(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        classes = outputs.shape[-1]
        loss, _ = cross_entropy(outputs, targets)
        shape = outputs.shape
        if not targets.is_floating_point() and targets.dim() > 1:
            outputs, targets = outputs.flatten(-3, -2), targets.flatten()
        if self._given is not None and self._weights is None:
            self._weights = outputs.new_tensor(self._given)
        hard = not targets.is_floating_point()
        wanted = functional.one_hot(targets, classes).to(outputs.dtype) if hard else targets
        wanted = wanted * (1.0 - self._smoothing) + self._smoothing / classes
        count: Tensor | float = float(len(targets))
        if self._weights is not None:
            wanted = wanted * self._weights
            if hard:
                count = self._weights[targets].sum()
        grad = torch.softmax(outputs, -1).mul_(wanted.sum(-1, keepdim=True)).sub_(wanted).div_(count)
        return loss, grad.view(shape)


class _TermedBinary:
    """The same for one logit."""

    def __init__(self, terms: LossTerms) -> None:
        self._smoothing = terms.smoothing
        self._weights = (1.0, 1.0) if terms.class_weights is None else terms.class_weights

    def __call__(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        loss, _ = binary_cross_entropy(outputs, targets)
        column = targets.unsqueeze(1)
        first, second = self._weights
        weights = first + (second - first) * column
        wanted = column * (1.0 - self._smoothing) + 0.5 * self._smoothing
        return loss, torch.sigmoid(outputs).sub_(wanted).mul_(weights).div_(weights.sum())


def squared_error(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean squared error over examples and outputs, and its gradient."""
    difference = outputs - targets
    loss = _mean(difference.square().mean(-1))
    return loss, difference.mul_(2.0 / targets.numel())


def _mean(each: Tensor) -> Tensor:
    """Return the mean over the batch of ``(B,)`` or ``(K, B)``, as ``(1,)`` or ``(K,)``."""
    return each.mean(-1, keepdim=each.dim() == 1)


def hits(outputs: Tensor, targets: Tensor, task: Task) -> Tensor:
    """Return which examples, or positions, are classified rightly, ``(K, N)`` of the type of the outputs.

    Args:
        outputs: ``(K, B, O)`` or ``(K, B, T, O)``.
        targets: ``(B,)``, ``(B, T)``, or ``(B, C)`` probabilities, of which the largest counts.
        task: ``binary`` or ``classification``.
    """
    return (predicted(outputs, task) == classes_of(targets, task)).to(outputs.dtype)


def predicted(outputs: Tensor, task: Task) -> Tensor:
    """Return the class that each output stands for, ``(K, N)`` int64, one position after the other."""
    if task == "binary":
        return (outputs.squeeze(-1) > 0).long()
    return outputs.argmax(-1).flatten(1)


def classes_of(targets: Tensor, task: Task) -> Tensor:
    """Return the class of each target, ``(N,)`` int64."""
    if task == "binary":
        return (targets > 0.5).long()
    return targets.argmax(-1) if targets.is_floating_point() else targets.flatten()


def accuracy(outputs: Tensor, targets: Tensor, task: Task) -> Tensor:
    """Return the share of examples classified rightly, ``(K,)``; NaN for regression.

    Args:
        outputs: As for ``hits``.
        targets: As for ``hits``.
        task: What is learned.
    """
    if task == "regression":
        return torch.full((len(outputs),), torch.nan, dtype=outputs.dtype, device=outputs.device)
    return hits(outputs, targets, task).mean(1)
