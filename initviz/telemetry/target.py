"""How many updates a lane needs until its training loss has fallen to a mark."""

from __future__ import annotations

import numpy as np

from initviz.telemetry.frame import Floats, RunInfo, Scalars

TARGET_SHARE = 0.5
"""The mark is this share of the best constant prediction's loss, where nobody chose another."""


class TargetSteps:
    """Follows the training losses of all lanes.

    What counts is the mean over the last epoch, or over the steps so far, since single batches scatter.

    Args:
        info: The run.
        target: The mark; by default ``TARGET_SHARE`` of the best constant prediction's loss.

    Attributes:
        target: The mark.
    """

    def __init__(self, info: RunInfo, target: float | None = None) -> None:
        self.target = TARGET_SHARE * info.constant_loss if target is None else target
        self._window = max(1, info.steps_per_epoch)
        self._loss: Floats = np.zeros((0, len(info.lanes)))
        self._reached = np.full(len(info.lanes), -1, dtype=np.int64)

    def note(self, scalars: Scalars) -> None:
        """Take a stretch of steps in."""
        size = len(scalars.steps)
        if not size or (self._reached >= 0).all():
            return
        loss = np.concatenate((self._loss, scalars.loss))
        stops = np.arange(len(loss) - size + 1, len(loss) + 1)
        starts = np.maximum(stops - self._window, 0)
        # A lane that lies far above the mark anywhere in an epoch is above it in the mean: a cut loses nothing there,
        # and keeps small losses behind a huge one. What is not finite never counts as reached again.
        most = 1e6 * abs(self.target) if self.target else 1e6
        sums = np.concatenate((np.zeros((1, loss.shape[1])), np.cumsum(np.minimum(loss, most), axis=0)))
        means = (sums[stops] - sums[starts]) / (stops - starts)[:, None]
        under = means <= self.target
        fresh = under.any(axis=0) & (self._reached < 0)
        self._reached[fresh] = scalars.steps[under.argmax(axis=0)[fresh]]
        self._loss = loss[-self._window :]

    def read(self) -> tuple[int | None, ...]:
        """Return how many updates each lane had made when it first reached the mark; None where it never did."""
        return tuple(int(step) if step >= 0 else None for step in self._reached)
