"""One run in the training thread: its updates are made, and what was measured is posted when it is due."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from initviz.experiment.text import Text
from initviz.experiment.values import Experiment
from initviz.telemetry.frame import Frame, LaneState, RunInfo, Scalars, Validation
from initviz.worker.mailbox import Mailbox
from initviz.worker.messages import Device, StageAnswer, StageProgress, WeightsSaved

if TYPE_CHECKING:
    from initviz.engine.race import Race

POST_INTERVAL_S = 1 / 30
"""Scalars are gathered this long before they are posted, so that the mailbox's lock costs nothing."""

LANES_INTERVAL_S = 0.2
"""So often it is told how the lanes fare, however rare frames are."""

VALIDATION_SHARE = 0.04
"""Validation may take this share of the time."""

EARLY_VALIDATIONS = 8
EARLY_GAP_S = 0.3
"""The first scores come as often as this: people look at a beginning, and its first measurement is a dear one."""

Announce = Callable[[float, Text], None]
"""Takes how far loading is, 0 to 1, and what is being done."""

HearStage = Callable[[StageProgress], StageAnswer]
"""Takes how far an earlier stage is, between two of its steps, and says what is to become of it."""


class CancelledError(Exception):
    """The person has called the building of a run off.

    Args:
        text: What is kept, and what to do next.
    """

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class TrainingRun(Protocol):
    """What is needed of a run; ``initviz.telemetry.monitor.Monitor`` offers it."""

    @property
    def info(self) -> RunInfo:
        """What stays the same during the run."""
        ...

    @property
    def race(self) -> Race:
        """What is trained; for errands, which leave it as they find it."""
        ...

    @property
    def step(self) -> int:
        """Updates made."""
        ...

    @property
    def finished(self) -> bool:
        """True when there is nothing left to do."""
        ...

    @property
    def lanes(self) -> tuple[LaneState, ...]:
        """How each lane fares by now."""
        ...

    def advance(self, want_frame: bool = False) -> None:
        """Make one update; look at it in full when ``want_frame``."""
        ...

    def look_at_rest(self) -> None:
        """Look in full at what the first update will see, without making it; training goes as it would have gone."""
        ...

    def complete_rest(self) -> Iterator[None]:
        """Do what takes longer of a look at rest, in slices of a few milliseconds; ``frame`` then tells it too."""
        ...

    def save_weights(self, path: Path, lane: int) -> None:
        """Write a lane's weights as they are now; raises an ``InitVizError`` where that is impossible."""
        ...

    def take_scalars(self) -> Scalars | None:
        """Return the exact measurements since the last call."""
        ...

    def validate(self) -> Validation:
        """Score all lanes on the examples held back."""
        ...

    def frame(self, complete: bool = False) -> Frame:
        """Return the last full look; with what is looked at rarely of that very step if ``complete``."""
        ...


class Pacer(Protocol):
    """Decides when a frame is worth its time; ``initviz.telemetry.governor.Governor`` does."""

    def due(self, now_s: float) -> bool:
        """Say whether the next step should be looked at in full."""
        ...

    def spent(self, cost_s: float, step_cost_s: float) -> None:
        """Take note of what a frame cost beyond a plain step, and of what a plain step costs."""
        ...


class Workshop(Protocol):
    """Builds what is needed. It is called in the training thread, and imports torch there."""

    def warm_up(self, announce: Announce) -> None:
        """Import what training needs."""
        ...

    def build(
        self, experiment: Experiment, run_id: int, announce: Announce, hear_stage: HearStage
    ) -> TrainingRun:
        """Build a run that stands before its first update; its earlier stages are trained first.

        Raises:
            CancelledError: ``hear_stage`` said so.
            InitVizError: It cannot be built.
        """
        ...

    def pacer(self) -> Pacer:
        """Return a fresh pacer."""
        ...

    def devices(self) -> tuple[Device, ...]:
        """Return everything that this machine can train on."""
        ...


class Training:
    """Makes a run's updates and posts what is due.

    Args:
        run: Stands before its first update.
        pacer: Decides when a frame is worth its time.
        mailbox: Takes the measurements.
    """

    def __init__(self, run: TrainingRun, pacer: Pacer, mailbox: Mailbox) -> None:
        self.info = run.info
        self._run = run
        self._pacer = pacer
        self._mailbox = mailbox
        self._num_updates = 0
        self._posted_s = 0.0
        self._lanes_due_s = 0.0
        self._num_validations = 0
        self._validation_due_s = 0.0
        self._plain_cost_s = 0.0
        self._shown = False
        self._complete = False
        self._validated = False
        self._rest: Iterator[None] | None = None

    @property
    def finished(self) -> bool:
        """True when there is nothing left to do."""
        return self._run.finished

    @property
    def run(self) -> TrainingRun:
        """What is trained."""
        return self._run

    def show_at_rest(self) -> None:
        """Let what the start looks like be seen before any update."""
        self._run.look_at_rest()
        self._mailbox.post(self.info.run_id, frame=self._run.frame())
        self._rest = self._run.complete_rest()

    @property
    def is_resting(self) -> bool:
        """True while the look at rest is not complete, and no update has been made."""
        return self._rest is not None

    def rest_on(self) -> None:
        """Do a slice of what takes longer of the look at rest, and show it once all of it is there."""
        if self._rest is None:
            return
        try:
            next(self._rest)
        except StopIteration:
            self._rest = None
            self._mailbox.post(self.info.run_id, frame=self._run.frame())

    def save_weights(self, lane: int, path: Path) -> WeightsSaved:
        """Write a lane's weights as they are now.

        Raises:
            InitVizError: They cannot be written; nothing was changed.
        """
        self._run.save_weights(path, lane)
        return WeightsSaved(self.info.run_id, self.info.lanes[lane].name, self._run.step, path)

    def play_on(self, watching: bool) -> None:
        """Make one update, with a frame if one is due.

        The first and the last are always looked at, so that there is a beginning to compare with and an end to see.

        Args:
            watching: Whether anybody sees frames.
        """
        first = self._num_updates == 0
        last = self._num_updates >= self.info.total_steps - 1
        due = watching and self._pacer.due(time.perf_counter())
        self._update(due or first or last, complete=last)

    def step_once(self) -> None:
        """Make one update and look at it in full."""
        self._update(True, complete=True)

    def show(self) -> None:
        """Let a full look at the current state be the last thing posted; one more update may be needed for it."""
        if self.finished:
            return
        if not self._shown:
            self._validation_due_s = 0.0
            self._update(True, complete=True)
            return
        self.post_scalars()
        if not self._validated:
            self._validate()
        if not self._complete:
            self._complete = True
            self._mailbox.post(self.info.run_id, frame=self._run.frame(complete=True))

    def post_scalars(self) -> None:
        """Post the exact measurements that were not posted yet."""
        self._posted_s = time.perf_counter()
        scalars = self._run.take_scalars()
        if scalars is None:
            return
        lanes: tuple[LaneState, ...] = ()
        if self._posted_s >= self._lanes_due_s:
            self._lanes_due_s = self._posted_s + LANES_INTERVAL_S
            lanes = self._run.lanes
        self._mailbox.post(self.info.run_id, scalars=scalars, lanes=lanes)

    def _update(self, show: bool, complete: bool = False) -> None:
        self._rest = None
        start_s = time.perf_counter()
        self._run.advance(show)
        end_s = time.perf_counter()
        self._num_updates += 1
        self._shown, self._complete, self._validated = show, complete, False
        if not show:
            cost_s = end_s - start_s
            self._plain_cost_s += 0.1 * (cost_s - self._plain_cost_s) if self._plain_cost_s else cost_s
        if self.finished or (show and end_s >= self._validation_due_s):
            self._validate()
        if show:
            self._post_frame(end_s - start_s - self._plain_cost_s)
        elif self.finished or end_s - self._posted_s >= POST_INTERVAL_S:
            self.post_scalars()

    def _post_frame(self, look_cost_s: float) -> None:
        self.post_scalars()
        start_s = time.perf_counter()
        self._mailbox.post(self.info.run_id, frame=self._run.frame(self._complete))
        cost_s = look_cost_s + time.perf_counter() - start_s
        self._pacer.spent(max(cost_s, 0.0), self._plain_cost_s)

    def _validate(self) -> None:
        start_s = time.perf_counter()
        validation = self._run.validate()
        end_s = time.perf_counter()
        self._num_validations += 1
        gap_s = (end_s - start_s) / VALIDATION_SHARE
        if self._num_validations <= EARLY_VALIDATIONS:
            gap_s = min(gap_s, EARLY_GAP_S)
        self._validation_due_s = end_s + gap_s
        self._validated = True
        self._mailbox.post(self.info.run_id, validation=validation)
