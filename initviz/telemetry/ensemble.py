"""Lanes that answer together: how good their average and their vote are, and where they differ.

Nothing here needs torch, so that the window can ask for any members, and for the whole run so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from initviz.experiment.values import Task

Floats = NDArray[np.float64]

KEPT_BYTES = 12_000_000
"""About how much the answers of a run may take ..."""
MOST_KEPT, FEWEST_KEPT = 128, 8
"""... and how many looks at them are kept: at least and at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What every lane answers to the examples held back.

    Attributes:
        step: Updates made.
        task: What is learned.
        outputs: ``(K, N, O)`` logits, or predictions of a regression; not finite for a diverged lane. Every position of
            a sequence counts as an example.
        targets: ``(N,)`` int64 classes, or ``(N, O)`` numbers of a regression.
        complete: False where these are only the first of the examples held back.
    """

    step: int
    task: Task
    outputs: NDArray[Any]
    targets: NDArray[Any]
    complete: bool = True

    def able(self) -> tuple[int, ...]:
        """Return the lanes that can be members: those whose answers are all finite."""
        return tuple(np.flatnonzero(np.isfinite(self.outputs).all(axis=(1, 2))).tolist())


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """How good some lanes are together, on the same examples. Accuracies are NaN for a regression.

    Attributes:
        step: Updates made.
        num_examples: Examples answered (N).
        members: The lanes (M).
        probabilities_accuracy: Share answered rightly by the mean of the members' probabilities.
        probabilities_loss: Mean cross-entropy of that mean, in nats; of a regression the squared error of the mean
            prediction.
        logits_accuracy: The same of the mean of their logits.
        logits_loss: Its loss.
        vote_accuracy: Share answered rightly by the class that most members choose; the first of several with as many.
        accuracies: ``(M,)`` the members' own.
        losses: ``(M,)`` the members' own.
        disagreement: ``(M, M)`` share of the examples to which two members give different classes; of a regression
            the root mean square of their difference. 0 on the diagonal.
    """

    step: int
    num_examples: int
    members: tuple[int, ...]
    probabilities_accuracy: float
    probabilities_loss: float
    logits_accuracy: float
    logits_loss: float
    vote_accuracy: float
    accuracies: Floats
    losses: Floats
    disagreement: Floats

    @property
    def mean_accuracy(self) -> float:
        """Mean of the members' own."""
        return float(self.accuracies.mean())

    @property
    def mean_loss(self) -> float:
        """Mean of the members' own."""
        return float(self.losses.mean())

    @property
    def best_accuracy(self) -> float:
        """The best member's."""
        return float(self.accuracies.max())

    @property
    def best_loss(self) -> float:
        """The smallest of the members' own."""
        return float(self.losses.min())


def ensemble(answers: Answers, members: Sequence[int] | None = None) -> Ensemble | None:
    """Return how good some lanes are together, or None where fewer than two of them have answers.

    Args:
        answers: Of all lanes.
        members: Which are to be asked; all by default. Those without finite answers are left out.
    """
    able = answers.able()
    chosen = able if members is None else tuple(lane for lane in able if lane in set(members))
    if len(chosen) < 2 or not answers.outputs.shape[1]:
        return None
    outputs = answers.outputs[list(chosen)].astype(np.float64)
    if answers.task == "regression":
        return _regression(answers, chosen, outputs)
    scores = np.concatenate((np.zeros_like(outputs), outputs), 2) if answers.task == "binary" else outputs
    targets = answers.targets
    logs = _log_softmax(scores)  # (M, N, C)
    together = np.logaddexp.reduce(logs, axis=0) - np.log(len(chosen))
    of_logits = _log_softmax(scores.mean(axis=0))
    classes = scores.argmax(axis=2)  # (M, N)
    accuracies = (classes == targets).mean(axis=1)
    losses = np.array([_cross_entropy(one, targets) for one in logs])
    return Ensemble(
        step=answers.step,
        num_examples=len(targets),
        members=chosen,
        probabilities_accuracy=_share_right(together, targets),
        probabilities_loss=_cross_entropy(together, targets),
        logits_accuracy=_share_right(of_logits, targets),
        logits_loss=_cross_entropy(of_logits, targets),
        vote_accuracy=float((_vote(classes, scores.shape[2]) == targets).mean()),
        accuracies=_read_only(accuracies),
        losses=_read_only(losses),
        disagreement=_read_only((classes[:, None] != classes[None]).mean(axis=2)),
    )


def _regression(answers: Answers, chosen: tuple[int, ...], outputs: Floats) -> Ensemble:
    errors = np.square(outputs - answers.targets).mean(axis=(1, 2))
    together = float(np.square(outputs.mean(axis=0) - answers.targets).mean())
    return Ensemble(
        step=answers.step,
        num_examples=len(answers.targets),
        members=chosen,
        probabilities_accuracy=np.nan,
        probabilities_loss=together,
        logits_accuracy=np.nan,
        logits_loss=together,
        vote_accuracy=np.nan,
        accuracies=_read_only(np.full(len(chosen), np.nan)),
        losses=_read_only(errors),
        disagreement=_read_only(np.sqrt(np.square(outputs[:, None] - outputs[None]).mean(axis=(2, 3)))),
    )


def _log_softmax(scores: Floats) -> Floats:
    return scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)


def _cross_entropy(logs: Floats, targets: NDArray[Any]) -> float:
    return -float(logs[np.arange(len(targets)), targets].mean())


def _share_right(scores: Floats, targets: NDArray[Any]) -> float:
    return float((scores.argmax(axis=1) == targets).mean())


def _vote(classes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the class with the most votes for each example, ``(N,)``."""
    votes = np.zeros((classes.shape[1], count), dtype=np.int64)
    for member in classes:
        votes[np.arange(len(member)), member] += 1
    chosen: NDArray[np.int64] = votes.argmax(axis=1)
    return chosen


def _read_only(values: Floats) -> Floats:
    values.flags.writeable = False
    return values


class AnswersKept:
    """The answers of a run so far, in bounded memory: where they become too many, every second one is dropped.

    Nothing is added up, so that the curve of any members can be drawn for the whole run afterwards.
    """

    def __init__(self) -> None:
        self._kept: list[Answers] = []
        self._gap = 0

    def append(self, answers: Answers) -> None:
        """Add answers; those of a step that is known already, or before it, are ignored."""
        if self._kept and answers.step <= self._kept[-1].step:
            return
        # The latest is always kept; the one before it only where it is far enough from the one before that.
        if len(self._kept) > 1 and self._kept[-1].step - self._kept[-2].step < self._gap:
            self._kept.pop()
        self._kept.append(answers)
        most = max(FEWEST_KEPT, min(MOST_KEPT, KEPT_BYTES // max(1, answers.outputs.nbytes)))
        if len(self._kept) > most:
            self._kept = [*self._kept[:-1:2], self._kept[-1]]
            self._gap = min(
                later.step - first.step for first, later in zip(self._kept, self._kept[1:-1], strict=False)
            )

    def __iter__(self) -> Iterator[Answers]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def latest(self) -> Answers | None:
        """The latest answers, or None before the first."""
        return self._kept[-1] if self._kept else None
