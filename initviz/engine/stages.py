"""What is trained, or loaded, before the lanes start."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from initviz.engine import stage_cache
from initviz.engine.devices import resolve
from initviz.engine.matching import row_of
from initviz.engine.race import Race
from initviz.engine.stage_progress import Answer, StageProgress
from initviz.engine.weights import Weights, lane_weights, load_weights
from initviz.experiment.blueprint import Blueprint, blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError, InitVizError, printable
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.experiment.values import EarlierStage, Experiment

TELL_INTERVAL_S = 0.05
"""The listener hears no more often than this ..."""
SCORE_SHARE = 0.1
"""... and of new scores so seldom that they take no more than this share of the time."""


Listener = Callable[[StageProgress], Answer]
"""Hears how far a stage is, at most some twenty times a second, and says what is to happen next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What a stage has learned.

    Attributes:
        name: Of the stage.
        role: Its.
        experiment: What it trained.
        blueprint: Its network.
        weights: What came of it.
        step: Updates made; fewer than the experiment has where it was skipped, 0 where a file was loaded.
        validation_loss: At the end; NaN where nothing was held back or a file was loaded.
        validation_accuracy: The same.
        from_cache: Whether it was trained before.
    """

    name: str
    role: Literal["pretrain", "teacher"]
    experiment: Experiment
    blueprint: Blueprint
    weights: Weights
    step: int
    validation_loss: float = math.nan
    validation_accuracy: float = math.nan
    from_cache: bool = False


class CancelledError(InitVizError):
    """The person has called the stages off; those that had ended are kept."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                "ended before the lanes started. Stages that were done are kept; start again to go on from there.",
                "在赛道开始之前中止。已完成的阶段会保留；重新开始即可从那里继续。",
            )
        )


def _go_on(progress: StageProgress) -> Answer:
    return Answer.GO_ON


def prepare(
    experiment: Experiment,
    catalogue: Catalogue,
    limits: Limits,
    device: str | None = None,
    listener: Listener | None = None,
) -> dict[str, StageResult]:
    """Train, load, or take from the cache, every earlier stage in order.

    Args:
        experiment: Whose stages.
        catalogue: Where its parts are declared.
        limits: Bounds on sizes.
        device: Overrides the experiment's.
        listener: Hears of progress.
    Returns:
        What each stage has learned, by its name.
    Raises:
        CancelledError: The listener said so.
        InitVizError: A stage cannot be trained or loaded.
    """
    done: dict[str, StageResult] = {}
    for index, stage in enumerate(experiment.stages):
        work = _Work(stage, index, len(experiment.stages), catalogue, limits, device, listener or _go_on)
        try:
            done[stage.name] = work.loaded() if stage.weights else work.trained(done)
        except CancelledError:
            raise
        except ExperimentError as error:
            raise ExperimentError(
                _in_stage(stage, error.reason), error.below(f"stages[{index}]").path
            ) from error
        except InitVizError as error:
            raise InitVizError(_in_stage(stage, error.text)) from error
    return done


def _in_stage(stage: EarlierStage, what: Text) -> Text:
    """Return what went wrong in a stage, with its name and what became of the rest."""
    name = printable(stage.name)
    return Text(
        f"the stage '{name}' cannot be used: {what.en} No lane was started; stages that were done are kept.",
        f"阶段“{name}”无法使用：{what.zh}赛道均未开始；已完成的阶段会保留。",
    )


@dataclass(frozen=True, slots=True)
class _Work:
    stage: EarlierStage
    index: int
    count: int
    catalogue: Catalogue
    limits: Limits
    device: str | None
    listener: Listener

    def loaded(self) -> StageResult:
        plan = self._blueprint()
        weights = load_weights(Path(self.stage.weights), self.limits, "weights")
        try:
            row_of(plan, self.catalogue, weights, torch.float64)
        except ExperimentError as error:
            raise ExperimentError(error.reason, f"weights: {self.stage.weights}") from error
        self._hear(0, 0)
        return self._result(plan, weights, 0)

    def trained(self, earlier: Mapping[str, StageResult]) -> StageResult:
        experiment = self.stage.experiment
        dtype = torch.float64 if experiment.dtype == "float64" else torch.float32
        device = resolve(experiment.device if self.device is None else self.device, dtype)
        others = {name: result.weights for name, result in earlier.items()}
        key = stage_cache.key_of(experiment, device, others, self.catalogue)
        plan = self._blueprint()
        kept = stage_cache.read(key, plan, self.catalogue, self.limits)
        if kept is not None:
            weights, scores = kept
            self._hear(experiment.steps, experiment.steps, *scores, from_cache=True)
            return self._result(plan, weights, experiment.steps, *scores[1:], from_cache=True)
        self._hear(0, experiment.steps)  # before its data are loaded, so that it is known whose they are
        race = Race(experiment, self.catalogue, self.limits, str(device), stages=earlier)
        loss, is_whole = self._train(race)
        _, scores_now = _scores(race)
        if race.diverged:
            step, layer = race.diverged[0]
            raise InitVizError(
                Text(
                    f"it diverged at step {step} ({layer}). Give it a smaller learning rate or another start.",
                    f"它在第 {step} 步（{layer}）发散。请减小它的学习率，或换一种初始化。",
                )
            )
        weights = lane_weights(race, 0)
        if is_whole:
            stage_cache.write(key, weights, (loss, *scores_now))
        return self._result(plan, weights, race.step, *scores_now)

    def _train(self, race: Race) -> tuple[float, bool]:
        """Train to the end, or until the listener has had enough; return the last loss and whether it is the end."""
        told_s = -math.inf
        scored_s, cost_s = -math.inf, 0.0
        scores = (math.nan, math.nan)
        loss = math.nan
        if self._hear(0, race.total_steps) is Answer.SKIP:
            return loss, False
        for state in race:
            now_s = time.perf_counter()
            is_last = race.step == race.total_steps
            if now_s - told_s < TELL_INTERVAL_S and not is_last:
                continue
            told_s = now_s
            loss = float(state.loss[0])
            if race.diverged:
                break
            if now_s - scored_s > cost_s / SCORE_SHARE:
                cost_s, scores = _scores(race)
                scored_s = time.perf_counter()
            answer = self._hear(race.step, race.total_steps, loss, *scores)
            if answer is Answer.SKIP and not is_last:
                return loss, False
        return loss, True

    def _hear(
        self,
        step: int,
        total: int,
        loss: float = math.nan,
        validation_loss: float = math.nan,
        validation_accuracy: float = math.nan,
        from_cache: bool = False,
    ) -> Answer:
        answer = self.listener(
            StageProgress(
                name=self.stage.name,
                role=self.stage.role,
                index=self.index,
                count=self.count,
                step=step,
                total=total,
                loss=loss,
                validation_loss=validation_loss,
                validation_accuracy=validation_accuracy,
                from_cache=from_cache,
            )
        )
        if answer is Answer.CANCEL:
            raise CancelledError
        return answer

    def _blueprint(self) -> Blueprint:
        experiment = self.stage.experiment
        return blueprint(experiment.lanes[0].recipe, experiment.data, self.catalogue, self.limits)

    def _result(
        self,
        plan: Blueprint,
        weights: Weights,
        step: int,
        validation_loss: float = math.nan,
        validation_accuracy: float = math.nan,
        from_cache: bool = False,
    ) -> StageResult:
        return StageResult(
            name=self.stage.name,
            role=self.stage.role,
            experiment=self.stage.experiment,
            blueprint=plan,
            weights=weights,
            step=step,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            from_cache=from_cache,
        )


def _scores(race: Race) -> tuple[float, tuple[float, float]]:
    """Return the seconds that scoring took, and loss and accuracy on the examples held back."""
    start_s = time.perf_counter()
    loss, accuracy = race.evaluate()
    return time.perf_counter() - start_s, (float(loss[0]), float(accuracy[0]))
