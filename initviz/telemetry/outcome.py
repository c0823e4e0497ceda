"""How each lane fares: learning, stalled, stopped or diverged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from initviz.telemetry.frame import Counts, Floats, LaneState, Outcome

STALLED_WITHIN = 0.02
"""Share of the best constant prediction's loss within which a lane is stalled."""
LONGEST_WINDOW = 2000
"""Steps over which the training loss is averaged at most, where an epoch is longer."""
FEWEST_STEPS = 50
MOST_STEPS = 500
"""A lane is judged after an epoch, but not before so few steps, nor later than so many; and at the end of the run."""
HUGE = 1e6
"""Losses above so many times the best constant prediction's cannot belong to the smallest mean."""


def _mean(loss: Floats, weights: Floats, start: int, stop: int) -> Floats:
    """Return the weighted mean of the steps from ``start`` (at least 0) up to ``stop``, ``(K,)``."""
    chosen = slice(max(start, 0), stop)
    mean: Floats = (weights[chosen] * loss[chosen]).sum(axis=0) / weights[chosen].sum(axis=0)
    return mean


class Outcomes:
    """Follows the training losses of all lanes.

    Args:
        num_lanes: K.
        steps_per_epoch: Window over which the loss is averaged.
        constant_loss: Training loss of the best constant prediction.
        total_steps: At the end every lane is judged, however few the steps.
    """

    def __init__(self, num_lanes: int, steps_per_epoch: int, constant_loss: float, total_steps: int) -> None:
        self._window = max(1, min(steps_per_epoch, LONGEST_WINDOW))
        self._constant_loss = constant_loss
        self._total_steps = total_steps
        self._judged_after = min(max(steps_per_epoch, FEWEST_STEPS), MOST_STEPS, total_steps)
        self._steps = 0
        self._loss = np.zeros((0, num_lanes))
        self._sizes = np.zeros((0, num_lanes))
        self._initial = np.full(num_lanes, np.nan)
        self._mean = np.full(num_lanes, np.nan)
        self._mean_before = np.full(num_lanes, np.nan)
        self._best = np.full(num_lanes, np.nan)
        self._diverged_at = np.full(num_lanes, -1, dtype=np.int64)
        self._final: dict[int, float] = {}

    def note(
        self,
        steps: Counts,
        losses: Floats,
        sizes: Floats,
        stopped: Mapping[int, tuple[int, int]] | None = None,
    ) -> None:
        """Take a stretch of steps in.

        Args:
            steps: ``(S,)``, at least one.
            losses: ``(S, K)`` mean loss of each batch.
            sizes: ``(S, K)`` examples in it: what it counts; ``(S,)`` where all lanes have equally many.
            stopped: Lanes that early stopping has ended: at which step, and the step of their best weights. That they
                have no loss from then on does not mean that they diverged.
        """
        if not self._steps:
            self._initial = losses[0].copy()
        bad = ~np.isfinite(losses)
        for lane, (at, _) in (stopped or {}).items():
            bad[steps >= at, lane] = False
        if bad.any():
            fresh = bad.any(axis=0) & (self._diverged_at < 0)
            self._diverged_at[fresh] = steps[bad.argmax(axis=0)[fresh]]
        loss = np.concatenate((self._loss, losses))
        each = np.broadcast_to(sizes.reshape(len(sizes), -1), losses.shape)
        weights = np.concatenate((self._sizes, each))
        # Differences of running sums lose small losses behind a huge one, so huge ones are cut off; that changes no
        # smallest mean. The means that are shown are taken directly.
        moderate = np.minimum(loss, HUGE * self._constant_loss) if self._constant_loss > 0 else loss
        sums = np.concatenate((np.zeros((1, loss.shape[1])), np.cumsum(moderate * weights, axis=0)))
        counts = np.concatenate((np.zeros((1, loss.shape[1])), np.cumsum(weights, axis=0)))
        stops = np.arange(len(loss) - len(sizes) + 1, len(loss) + 1)
        starts = np.maximum(stops - self._window, 0)
        means = (sums[stops] - sums[starts]) / (counts[stops] - counts[starts])
        self._best = np.fmin(self._best, np.fmin.reduce(means, axis=0))
        self._mean = _mean(loss, weights, len(loss) - self._window, len(loss))
        stop = len(loss) - self._window
        self._mean_before = np.full_like(self._mean, np.nan)
        if stop > 0:
            self._mean_before = _mean(loss, weights, stop - self._window, stop)
        for lane in stopped or {}:
            self._mean[lane] = self._mean_until_stopped(lane, loss[:, lane], weights[:, lane])
        self._loss, self._sizes = loss[-2 * self._window :], weights[-2 * self._window :]
        self._steps += len(sizes)

    def _mean_until_stopped(self, lane: int, loss: Floats, weights: Floats) -> float:
        """Return the mean over the last epoch before a lane was stopped, which stays as it is from then on."""
        if lane not in self._final:
            known = np.flatnonzero(np.isfinite(loss))
            stop = int(known[-1]) + 1 if len(known) else 0
            mean = float(_mean(loss, weights, stop - self._window, stop)) if stop else float("nan")
            if stop == len(loss):
                return mean  # its last loss may still be to come
            self._final[lane] = mean
        return self._final[lane]

    def states(
        self,
        diverged: Mapping[int, tuple[int, str]],
        stopped: Mapping[int, tuple[int, int]] | None = None,
    ) -> tuple[LaneState, ...]:
        """Return how each lane fares.

        Args:
            diverged: Step and first bad layer of the lanes that the engine knows to have diverged.
            stopped: As in ``note``.
        """
        ended = stopped or {}
        states = []
        for lane in range(len(self._mean)):
            at: int | None = int(self._diverged_at[lane])
            bad_layer = None
            if lane in diverged:
                seen, bad_layer = diverged[lane]
                # The engine looks only now and then where looking stalls the device; the losses tell the very step.
                at = seen if at is None or at < 0 else min(at, seen)
            elif at is not None and at < 0:
                at = None
            stop = ended.get(lane)
            states.append(
                LaneState(
                    outcome="diverged" if at is not None else "stopped" if stop else self._outcome(lane),
                    diverged_at=at,
                    bad_layer=bad_layer,
                    train_loss=float(self._mean[lane]) if at is None else float("nan"),
                    initial_loss=float(self._initial[lane]),
                    best_loss=float(self._best[lane]),
                    judged=at is not None or stop is not None or not self._is_early(lane),
                    stopped_at=stop[0] if stop else None,
                    best_step=stop[1] if stop else None,
                    is_worse=at is None and stop is None and self._is_worse(lane),
                )
            )
        return tuple(states)

    def _outcome(self, lane: int) -> Outcome:
        """Say whether a lane's loss is still within 2 % of the best constant prediction's."""
        if self._constant_loss <= 0 or self._is_early(lane):
            return "ok"
        distance = abs(self._mean[lane] - self._constant_loss)
        return "stalled" if distance <= STALLED_WITHIN * self._constant_loss else "ok"

    def _is_worse(self, lane: int) -> bool:
        """Say whether a lane lies above the best constant prediction and does not fall either."""
        if self._constant_loss <= 0 or self._is_early(lane):
            return False
        above = self._mean[lane] > (1 + STALLED_WITHIN) * self._constant_loss
        return bool(above and self._mean[lane] >= (1 - STALLED_WITHIN) * self._mean_before[lane])

    def _is_early(self, lane: int) -> bool:
        """Say whether a lane that has not fallen yet may still do so any moment."""
        fallen = self._mean[lane] < (1 - STALLED_WITHIN) * self._constant_loss
        return bool(self._steps < self._judged_after and not fallen)
