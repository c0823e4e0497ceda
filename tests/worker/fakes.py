"""Runs that need no torch, for tests of the thread and its commands."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataSpec, Experiment, InitSpec, Lane, ModelSpec, Recipe
from initviz.telemetry import synthetic
from initviz.telemetry.frame import Frame, LaneState, RunInfo, Scalars, Validation
from initviz.worker.mailbox import Delivery
from initviz.worker.messages import Device, StageAnswer, StageProgress
from initviz.worker.trainer import Trainer
from initviz.worker.training import Announce, CancelledError, HearStage

if TYPE_CHECKING:
    from initviz.engine.race import Race

RECIPE = Recipe(
    0, ModelSpec(Choice("mlp")), InitSpec(Choice("zeros"), Choice("zeros")), Choice("sgd"), Choice("constant")
)


def experiment(steps: int = 1000, name: str = "fake") -> Experiment:
    data = DataSpec(Choice("digits"), 8, True, 0.2)
    return Experiment(name, 0, "cpu", "float32", steps, data, RECIPE, (Lane("one", 0, RECIPE),))


class Listener:
    """Writes down what a trainer says and delivers.

    Attributes:
        expected_failures: What the test wants to fail; anything else fails the test.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.states: list[str] = []
        self.started: list[RunInfo] = []
        self.progress: list[tuple[float, Text]] = []
        self.failures: list[Text] = []
        self.expected_failures: list[Text] = []
        self.said: list[str] = []
        self.deliveries: list[Delivery] = []
        trainer.state_changed.connect(self._note_state)
        trainer.started.connect(self._note_start)
        trainer.progress.connect(self._note_progress)
        trainer.failed.connect(self._note_failure)

    def _note_state(self, state: str) -> None:
        assert state == self.trainer.state
        self.states.append(state)
        self.said.append(state)

    def _note_start(self, info: RunInfo) -> None:
        assert self.trainer.info is info
        self.started.append(info)
        self.said.append("started")

    def _note_progress(self, fraction: float, text: Text) -> None:
        self.progress.append((fraction, text))

    def _note_failure(self, text: Text) -> None:
        self.failures.append(text)
        self.said.append("failed!")

    def drain(self) -> Delivery:
        """Empty the mailbox and keep what was in it."""
        delivery = self.trainer.mailbox.drain()
        self.deliveries.append(delivery)
        return delivery

    @property
    def steps(self) -> list[int]:
        """Every step whose scalars have arrived for the run on screen."""
        self.drain()
        mine = [d for d in self.deliveries if d.run_id == self.trainer.run_id]
        return [int(step) for d in mine for part in d.scalars for step in part.steps]

    @property
    def losses(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Their losses, ``(S, K)``."""
        self.drain()
        mine = [d for d in self.deliveries if d.run_id == self.trainer.run_id]
        return np.concatenate([part.loss for d in mine for part in d.scalars])

    @property
    def frame_steps(self) -> list[int]:
        """Steps of the frames that have arrived for the run on screen."""
        self.drain()
        mine = [d for d in self.deliveries if d.run_id == self.trainer.run_id]
        return [d.frame.step for d in mine if d.frame is not None]

    @property
    def validation_steps(self) -> list[int]:
        """Steps of the scores that have arrived for the run on screen."""
        self.drain()
        mine = [d for d in self.deliveries if d.run_id == self.trainer.run_id]
        return [score.step for d in mine for score in d.validations]


@dataclass
class FakeRun:
    """Counts its updates; what it measures comes from ``initviz.telemetry.synthetic``."""

    info: RunInfo
    step_s: float = 0.0
    on_advance: Callable[[int], None] = lambda step: None
    step: int = 0
    taken: int = 0
    rests: int = 0
    rest_slices: int = 0
    rested: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    looked_at: list[int] = field(default_factory=list)
    completed: list[int] = field(default_factory=list)
    judged: list[int] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    times: list[float] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        return self.step >= self.info.total_steps

    @property
    def lanes(self) -> tuple[LaneState, ...]:
        self.judged.append(self.step)
        return synthetic.frame(self.info, self.step).lanes

    def advance(self, want_frame: bool = False) -> None:
        assert not self.finished
        self.on_advance(self.step)
        if self.step_s:
            time.sleep(self.step_s)
        self.times.append(time.perf_counter())
        self.threads.add(threading.get_ident())
        if want_frame:
            self.looked_at.append(self.step)
        self.step += 1

    @property
    def race(self) -> Race:
        raise NotImplementedError

    def look_at_rest(self) -> None:
        assert self.step == 0
        self.rests += 1

    def complete_rest(self) -> Iterator[None]:
        for _ in range(self.rest_slices):
            self.rested.append(self.step)
            yield

    def save_weights(self, path: Path, lane: int) -> None:
        self.threads.add(threading.get_ident())
        path.write_text(f"{self.info.lanes[lane].name} at step {self.step}")

    def take_scalars(self) -> Scalars | None:
        first, self.taken = self.taken, self.step
        return synthetic.scalars(self.info, first, self.step - first) if self.step > first else None

    def validate(self) -> Validation:
        scores = synthetic.frame(self.info, self.step).validation
        assert scores is not None
        return scores

    def frame(self, complete: bool = False) -> Frame:
        self.told.append(self.step)
        if self.step == 0:
            assert self.rests, "the start was not looked at"
            unknown = LaneState("ok", None, None, math.nan, math.nan, math.nan, judged=False)
            lanes = (unknown,) * len(self.info.lanes)
            return replace(synthetic.frame(self.info, 0), at_rest=True, lanes=lanes)
        assert self.looked_at[-1] == self.step - 1, "the last update was not looked at"
        if complete:
            self.completed.append(self.step)
        return synthetic.frame(self.info, self.looked_at[-1])


class EveryStep:
    """A pacer that finds every frame worth its time."""

    def due(self, now_s: float) -> bool:
        return True

    def spent(self, cost_s: float, step_cost_s: float) -> None:
        assert cost_s >= 0
        assert step_cost_s >= 0


class Never(EveryStep):
    """A pacer that finds no frame worth its time."""

    def due(self, now_s: float) -> bool:
        return False


class FakeWorkshop:
    """Builds fake runs and keeps them for the test to look at."""

    def __init__(self, pacer: type[EveryStep] = Never, step_s: float = 0.0) -> None:
        self.runs: list[FakeRun] = []
        self.step_s = step_s
        self.warm_ups = 0
        self.rest_slices = 0
        self.fail_to_build: Exception | None = None
        self.train_stages: Callable[[int, HearStage], None] = lambda run_id, hear: None
        self.on_build: Callable[[], None] = lambda: None
        self.on_advance: Callable[[int], None] = lambda step: None
        self._pacer = pacer

    def warm_up(self, announce: Announce) -> None:
        announce(0.0, Text("Loading", "加载"))
        self.warm_ups += 1

    def build(
        self, experiment: Experiment, run_id: int, announce: Announce, hear_stage: HearStage
    ) -> FakeRun:
        self.warm_up(announce)
        self.on_build()
        announce(0.5, Text("Halfway", "一半"))
        self.train_stages(run_id, hear_stage)
        if self.fail_to_build is not None:
            raise self.fail_to_build
        info = synthetic.run_info(2, 3, run_id=run_id, total_steps=experiment.steps)
        run = FakeRun(info, self.step_s, self.on_advance, rest_slices=self.rest_slices)
        self.runs.append(run)
        announce(1.0, Text("Done", "完成"))
        return run

    def pacer(self) -> EveryStep:
        return self._pacer()

    def devices(self) -> tuple[Device, ...]:
        return (Device("cpu", Text("CPU", "CPU")), Device("cuda:0", Text("A card", "一块显卡")))


class FakeStages:
    """Trains fake stages: set ``FakeWorkshop.train_stages`` to it.

    Args:
        names: Of the stages.
        steps: Of each.
        step_s: What each takes.
        cached: Of these stages nothing is trained.

    Attributes:
        heard: Every answer, by stage and step.
        ended: Stages that were trained to their end, or skipped.
    """

    def __init__(
        self, names: tuple[str, ...] = ("teacher",), steps: int = 100, step_s: float = 0.01, cached: int = 0
    ) -> None:
        self.names, self.steps, self.step_s, self.cached = names, steps, step_s, cached
        self.heard: list[tuple[int, int, StageAnswer]] = []
        self.ended: list[str] = []

    def __call__(self, run_id: int, hear_stage: HearStage) -> None:
        for index, name in enumerate(self.names):
            cached = index < self.cached
            for step in (self.steps,) if cached else range(self.steps + 1):
                time.sleep(0.0 if cached else self.step_s)
                loss = 2.0 / (1 + step)
                progress = StageProgress(
                    run_id=run_id,
                    name=name,
                    role="teacher",
                    index=index,
                    count=len(self.names),
                    step=step,
                    total=self.steps,
                    loss=loss,
                    validation_loss=loss,
                    validation_accuracy=0.5,
                    from_cache=cached,
                )
                answer = hear_stage(progress)
                self.heard.append((index, step, answer))
                if answer is StageAnswer.CANCEL:
                    raise CancelledError(Text(f"{name} was cancelled", f"{name} 已取消"))
                if answer is StageAnswer.SKIP:
                    break
            self.ended.append(name)
