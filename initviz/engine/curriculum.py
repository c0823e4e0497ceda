"""Which examples are in use at a step, where they come into use little by little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from initviz.catalog.remedy_part import Curriculum


def ranks(difficulty: NDArray[np.float64], classes: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return the place of every example in the order in which they come into use, ``(S,)``, 0 first.

    Args:
        difficulty: ``(S,)``; the smallest come first, and of equal ones those that stand first.
        classes: ``(S,)`` where the same share of every class is to be in use at any time, else None.
    """
    order = np.argsort(difficulty, kind="stable")
    if classes is not None:
        shares = np.empty(len(order))
        for name in np.unique(classes):
            members = order[classes[order] == name]
            shares[members] = (np.arange(len(members)) + 0.5) / len(members)
        order = order[np.argsort(shares[order], kind="stable")]
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    return places


class Lineup:
    """Examples in the order in which they come into use, and how many are in use when.

    Args:
        curriculum: Gives the share.
        places: ``(S,)`` from ``ranks``.
        total_steps: Updates in the whole run.
        fewest: Examples that are in use at least: those of a batch.
    """

    def __init__(self, curriculum: Curriculum, places: Tensor, total_steps: int, fewest: int) -> None:
        self._share = curriculum.share
        self._places = places
        self._total_steps = total_steps
        self._fewest = fewest

    def is_full(self, step: int) -> bool:
        """Say whether all examples are in use at a step."""
        return self.count(step) == len(self._places)

    def share(self, step: int) -> float:
        """Return the share of the examples in use at a step, 0 to 1."""
        return self.count(step) / len(self._places)

    def count(self, step: int) -> int:
        """Return how many examples are in use at a step."""
        wanted = round(self._share(step / self._total_steps) * len(self._places))
        return min(max(wanted, self._fewest), len(self._places))

    def in_use(self, step: int) -> Tensor:
        """Return which examples are in use at a step, ``(S,)`` bool."""
        return self._places < self.count(step)
