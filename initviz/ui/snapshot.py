"""Training that stops after a number of steps, so that the window can be drawn there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from initviz.experiment.values import Experiment
from initviz.telemetry.frame import Frame, LaneState, RunInfo, Scalars, Validation
from initviz.worker.messages import Device
from initviz.worker.training import Announce, HearStage, Pacer, TrainingRun, Workshop

if TYPE_CHECKING:
    from initviz.engine.race import Race


class ShortRun:
    """A run that is finished early; in everything else it is the run it is made of.

    Args:
        run: The whole run.
        steps: Updates after which it is finished.
    """

    def __init__(self, run: TrainingRun, steps: int) -> None:
        self._run = run
        self._left = steps
        # The last update of a run is looked at in full, so that it must be known which one that is.
        self._info = replace(run.info, total_steps=min(steps, run.info.total_steps))

    @property
    def info(self) -> RunInfo:
        """What stays the same; ``total_steps`` are the steps that are made."""
        return self._info

    @property
    def race(self) -> Race:
        """What is trained."""
        return self._run.race

    @property
    def step(self) -> int:
        """Updates made."""
        return self._run.step

    @property
    def finished(self) -> bool:
        """True when the steps are made."""
        return self._left <= 0 or self._run.finished

    @property
    def lanes(self) -> tuple[LaneState, ...]:
        """How each lane fares by now."""
        return self._run.lanes

    def advance(self, want_frame: bool = False) -> None:
        """Make one update."""
        self._run.advance(want_frame)
        self._left -= 1

    def look_at_rest(self) -> None:
        """Look at what the first update will see."""
        self._run.look_at_rest()

    def complete_rest(self) -> Iterator[None]:
        """Do what takes longer of that look."""
        return self._run.complete_rest()

    def save_weights(self, path: Path, lane: int) -> None:
        """Write a lane's weights as they are now."""
        self._run.save_weights(path, lane)

    def take_scalars(self) -> Scalars | None:
        """Return the exact measurements since the last call."""
        return self._run.take_scalars()

    def validate(self) -> Validation:
        """Score all lanes."""
        return self._run.validate()

    def frame(self, complete: bool = False) -> Frame:
        """Return the last full look."""
        return self._run.frame(complete)


class ShortWorkshop:
    """Builds runs that stop early.

    Args:
        workshop: Builds the whole runs.
        steps: Updates after which they are finished.
    """

    def __init__(self, workshop: Workshop, steps: int) -> None:
        self._workshop = workshop
        self._steps = steps

    def warm_up(self, announce: Announce) -> None:
        """Import what training needs."""
        self._workshop.warm_up(announce)

    def build(
        self, experiment: Experiment, run_id: int, announce: Announce, hear_stage: HearStage
    ) -> TrainingRun:
        """Build a run that stops early."""
        return ShortRun(self._workshop.build(experiment, run_id, announce, hear_stage), self._steps)

    def devices(self) -> tuple[Device, ...]:
        """Return everything that this machine can train on."""
        return self._workshop.devices()

    def pacer(self) -> Pacer:
        """Return a fresh pacer."""
        return self._workshop.pacer()
