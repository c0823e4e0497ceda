"""Trains a few trials side by side as lanes of one race."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.document import read_document
from initviz.experiment.edit import Table
from initviz.experiment.limits import Limits
from initviz.sweep.study import Study

if TYPE_CHECKING:
    from initviz.engine.race import Race

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Finish:
    """What came of a trial.

    Attributes:
        how: ``complete``, ``pruned``, ``diverged``, or ``interrupted``.
        value: Its score; NaN where there is none.
        diverged_at: Step at which a lane of it diverged, or None.
    """

    how: Literal["complete", "pruned", "diverged", "interrupted"]
    value: float
    diverged_at: int | None = None


class Referee(Protocol):
    """Hears the scores of trials while they train."""

    def judge(self, trial: int, report: int, score: float) -> bool:
        """Hear the ``report``-th score (from 1) of a trial; False ends this trial."""
        ...

    def go_on(self, fraction: float) -> bool:
        """Hear which share of the steps is made, after every step; False ends the whole race."""
        ...


def train_trials(
    study: Study,
    document: Table,
    catalogue: Catalogue,
    limits: Limits,
    referee: Referee,
    build: Callable[..., Race] | None = None,
) -> list[Finish]:
    """Train every lane of a race and return what came of each trial.

    Args:
        study: What is searched; ``study.seeds`` lanes in a row belong to one trial.
        document: The race, see ``race_document``.
        catalogue: Where its parts are declared.
        limits: Bounds on sizes.
        referee: Hears scores and ends trials.
        build: Makes a race; the engine's by default.
    Raises:
        InitVizError: The race cannot be, or the device failed.
    """
    experiment = read_document(document, catalogue, limits)
    if build is None:
        import torch

        torch.set_num_threads(1)  # two threads on busy cores are slower, and give other numbers
        from initviz.engine.race import Race

        build = Race
    race = build(experiment, catalogue, limits)
    return _Training(study, race, referee).run()


class _Training:
    def __init__(self, study: Study, race: Race, referee: Referee) -> None:
        self._study, self._race, self._referee = study, race, referee
        self._num_trials = race.num_lanes // study.seeds
        self._finishes: dict[int, Finish] = {}
        self._values = np.full(self._num_trials, np.nan)
        self._train = np.full(race.num_lanes, np.nan)

    def run(self) -> list[Finish]:
        race, reports = self._race, min(self._study.reports, self._race.total_steps)
        ends = [math.ceil(race.total_steps * (n + 1) / reports) for n in range(reports)]
        for report, end in enumerate(ends, 1):
            if not self._train_until(end):
                break
            self._score(report)
            if len(self._finishes) == self._num_trials:
                break
        else:
            for trial in range(self._num_trials):
                self._finish(trial, Finish("complete", float(self._values[trial])))
        return [
            self._finishes.get(trial, Finish("interrupted", math.nan)) for trial in range(self._num_trials)
        ]

    def _train_until(self, end: int) -> bool:
        race = self._race
        total = None
        while race.step < end:
            loss = next(race).loss
            if self._study.objective == "train_loss":
                finite = loss.isfinite()
                seen = loss.nan_to_num(0.0, 0.0, 0.0), finite.to(loss.dtype)
                total = seen if total is None else (total[0] + seen[0], total[1] + seen[1])
            if not self._referee.go_on(race.step / race.total_steps):
                return False
        if total is not None:
            sums, counts = (part.double().cpu().numpy() for part in total)
            self._train = np.where(counts > 0, sums / np.maximum(counts, 1), self._train)
        return True

    def _lane_scores(self) -> Floats:
        if self._study.objective == "train_loss":
            return self._train
        loss, accuracy = self._race.evaluate()
        return accuracy if self._study.objective == "val_accuracy" else loss

    def _score(self, report: int) -> None:
        lanes = self._lane_scores().reshape(self._num_trials, self._study.seeds)
        means = lanes.mean(1)  # NaN as soon as one of the seeds gives none
        diverged = self._race.diverged
        for trial in range(self._num_trials):
            if trial in self._finishes:
                continue
            own = range(trial * self._study.seeds, (trial + 1) * self._study.seeds)
            steps = [diverged[lane][0] for lane in own if lane in diverged]
            score = float(means[trial])
            if steps or not math.isfinite(score):
                self._referee.judge(trial, report, math.nan)
                self._finish(trial, Finish("diverged", math.nan, min(steps, default=self._race.step)))
                continue
            known = float(self._values[trial])
            if self._study.score == "last" or self._study.is_better(score, known):
                self._values[trial] = score
            if not self._referee.judge(trial, report, score):
                self._finish(trial, Finish("pruned", score))

    def _finish(self, trial: int, finish: Finish) -> None:
        if trial not in self._finishes:
            self._finishes[trial] = finish
            for lane in range(trial * self._study.seeds, (trial + 1) * self._study.seeds):
                self._race.stop(lane)
