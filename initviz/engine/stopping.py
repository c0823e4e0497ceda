"""When a lane is done, and the weights that it is given back then."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from initviz.catalog.remedy_part import StoppingRule


@dataclass(slots=True)
class _Best:
    score: float
    step: int
    epochs_since: int
    row: Tensor
    buffers: Tensor


class EarlyStopping:
    """Follows the scores of a group of lanes.

    Args:
        rule: When a lane is done.

    Attributes:
        stopped: Of lanes that are done, by position in the group: the step, and the step of the weights that they keep.
    """

    def __init__(self, rule: StoppingRule) -> None:
        self._rule = rule
        self._best: dict[int, _Best] = {}
        self.stopped: dict[int, tuple[int, int]] = {}

    def hear(self, step: int, loss: Tensor, accuracy: Tensor, flat: Tensor, buffers: Tensor) -> list[int]:
        """Take the scores of an epoch in.

        Args:
            step: Updates made.
            loss: ``(K,)`` on the held-back examples.
            accuracy: ``(K,)``.
            flat: ``(K, P)`` weights now; those of a lane that is done become those of its best epoch, if the rule
                says so.
            buffers: ``(K, Q)`` what goes with them.
        Returns:
            Lanes that are done with this epoch.
        """
        scores = (loss.neg() if self._rule.metric == "loss" else accuracy).tolist()
        done = []
        for lane, score in enumerate(scores):
            if lane in self.stopped or not math.isfinite(score):
                continue
            best = self._best.get(lane)
            if best is None or score > best.score + self._rule.min_delta:
                self._best[lane] = _Best(score, step, 0, flat[lane].clone(), buffers[lane].clone())
                continue
            best.epochs_since += 1
            if best.epochs_since >= self._rule.patience:
                kept = best.step if self._rule.restore_best else step
                if self._rule.restore_best:
                    flat[lane], buffers[lane] = best.row, best.buffers
                self.stopped[lane] = (step, kept)
                done.append(lane)
        return done
