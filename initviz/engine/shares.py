"""Faults made on purpose in the training part: classes that are rare, and labels that are wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from initviz.engine.seeding import derive_seed

Targets = NDArray[np.int64] | NDArray[np.float64]


def thin_out(training: NDArray[np.int64], targets: Targets, imbalance: float) -> NDArray[np.int64]:
    """Leave out examples so that the classes become ever rarer from the first to the last.

    Class c of C keeps the share ``imbalance ** (-c / (C - 1))`` of its examples, and at least one.

    Args:
        training: ``(S,)`` indices of the training examples, in the order in which they are kept.
        targets: Of all examples.
        imbalance: How many times fewer the last class keeps than the first, at least 1.
    """
    if imbalance <= 1.0 or targets.dtype != np.int64 or targets.ndim != 1:
        return training
    labels = targets[training]
    classes = np.unique(labels)
    kept = np.zeros(len(training), dtype=bool)
    for place, name in enumerate(classes):
        share = imbalance ** (-place / max(1, len(classes) - 1))
        members = np.flatnonzero(labels == name)
        kept[members[: max(1, round(share * len(members)))]] = True
    return training[kept]


def wrong_labels(targets: Targets, num_classes: int, share: float, seed: int) -> Targets:
    """Replace the labels of some examples by another class, all other classes being equally likely.

    Args:
        targets: ``(S,)`` class indices; anything else is returned as it is.
        num_classes: C, or 1 for the two classes of the binary task.
        share: Of the labels, 0 to 1.
        seed: Decides which.
    """
    if share <= 0.0 or targets.dtype != np.int64 or targets.ndim != 1:
        return targets
    random = np.random.default_rng(derive_seed(seed, "label noise"))
    chosen = random.permutation(len(targets))[: round(share * len(targets))]
    classes = max(2, num_classes)
    noisy = targets.astype(np.int64)
    noisy[chosen] = (noisy[chosen] + random.integers(1, classes, len(chosen))) % classes
    return noisy
