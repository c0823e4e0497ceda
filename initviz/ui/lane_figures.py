"""How the lanes of the run on the screen fare, one entry a lane as it is written, over all its seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from initviz.telemetry.fates import fate
from initviz.telemetry.frame import LaneState, Outcome
from initviz.telemetry.history import RunHistory
from initviz.telemetry.spread import band
from initviz.ui.lane_text import group_text, has_begun, status_detail, status_text

Status = Outcome | Literal["ready"]
Spark = tuple[tuple[float, float], ...]
SPARK_POINTS = 32

_WORST: tuple[Outcome, ...] = ("diverged", "stalled", "stopped", "ok")


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """What a card says of how a lane fares.

    Attributes:
        states: A state a seed; empty where the run on the screen has no such lane.
        spark: Points of the loss curve, the mean of the seeds: x and y from 0 to 1, y downwards.
    """

    states: tuple[LaneState, ...] = ()
    spark: Spark = ()

    @property
    def status(self) -> Status:
        """How the seed fares that fares worst."""
        judged = [state.outcome for state in self.states if state.judged]
        return next((outcome for outcome in _WORST if outcome in judged), "ready")

    @property
    def words(self) -> str:
        """The same in words: of several seeds, how many fare how."""
        if len(self.states) <= 1:
            return status_text(self.states[0] if self.states else None)
        if not any(state.judged for state in self.states):
            return status_text(self.states[0])
        return group_text([fate(state) for state in self.states])

    @property
    def has_begun(self) -> bool:
        """Whether a step has been made; before that only the start has been looked at."""
        return any(has_begun(state) for state in self.states)

    @property
    def detail(self) -> str:
        """What else is known of a single seed."""
        return status_detail(self.states[0]) if len(self.states) == 1 else ""

    @property
    def loss(self) -> float:
        """Training loss, the mean of the seeds that have one; NaN where none has."""
        losses = [state.train_loss for state in self.states if math.isfinite(state.train_loss)]
        return sum(losses) / len(losses) if losses else math.nan


def lane_figures(states: tuple[LaneState, ...], history: RunHistory | None) -> dict[str, LaneFigures]:
    """Return how each lane fares, by its name: the run on the screen may be older than the document.

    Args:
        states: A state a lane of the run, seeds apart.
        history: Of the run.
    """
    if history is None or len(history.info.lanes) != len(states):
        return {}
    info = history.info
    sparks = _sparks(history)
    return {
        info.lanes[own[0]].title: LaneFigures(
            tuple(states[place] for place in own), sparks[group] if sparks else ()
        )
        for group, own in enumerate(info.groups)
    }


def _sparks(history: RunHistory) -> tuple[Spark, ...]:
    """Return the loss of each group over the run, on one logarithmic axis, so that the cards can be compared."""
    series = history.loss()
    if len(series.steps) < 2:
        return ()
    picked = np.unique(np.linspace(0, len(series.steps) - 1, SPARK_POINTS).astype(np.int64))
    steps = series.steps[picked].astype(np.float64)
    lanes = np.asarray(series.values[picked], dtype=np.float64)
    values = np.stack(
        [band(lanes[:, own.start : own.stop], "range").mean for own in history.info.groups], axis=1
    )
    usable = np.isfinite(values) & (values > 0)
    if not usable.any() or steps[-1] == steps[0]:
        return ()
    decades = np.log10(np.where(usable, values, 1.0))
    low, high = np.percentile(decades[usable], [0, 98])
    across = (steps - steps[0]) / (steps[-1] - steps[0])
    down = np.clip((high - decades) / max(high - low, 1e-3), 0.0, 1.0)
    return tuple(
        tuple(zip(across[known].tolist(), line[known].tolist(), strict=True))
        for known, line in zip(usable.T, down.T, strict=True)
    )
