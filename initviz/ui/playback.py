"""Keeps the run on screen in step with the document, and its history in step with the training thread."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from initviz.experiment.text import Text
from initviz.experiment.values import Experiment
from initviz.telemetry.frame import RunInfo
from initviz.telemetry.history import RunHistory
from initviz.ui.session import Session
from initviz.ui.speed import Meter
from initviz.worker.messages import Device, Errand, StageProgress
from initviz.worker.trainer import Trainer

DISPLAY_INTERVAL_MS = 33
"""One shared timer at this cadence moves everything on screen."""

SETTLE_MS = 150
"""A slider that is being dragged asks for a new run only when it rests this long ..."""
DRAG_MS = 30
"""... or every so often where a run is there at once and stands before its first step."""
QUICK_S = 0.5
"""A run that was there within this time is quick enough to follow a hand."""


class Playback(QObject):
    """Plays the session's experiment.

    An edit makes a new run, which plays on if the one before did; until it is there, the old run stays on screen
    whole. Names and colours of lanes change without a new run.

    Args:
        session: What is edited.
        trainer: What trains.
        parent: Qt parent.
    """

    run_changed = Signal()
    """``info`` and ``history`` are another run's."""
    names_changed = Signal()
    """Names or colours of lanes in ``info`` have changed; the run goes on."""
    state_changed = Signal(str)
    loading = Signal(float, object)
    failed = Signal(object)
    stage_told = Signal(object)
    """How far an earlier stage is; a ``messages.StageProgress``."""
    cancelled = Signal(object)
    """The person has called a run off while a stage was trained; a ``Text``."""
    weights_saved = Signal(object)
    """A ``messages.WeightsSaved``."""
    weights_not_saved = Signal(object)
    """A ``Text``."""
    errand_told = Signal(object)
    """What is heard of an errand; a ``messages.ErrandReport``."""
    devices_found = Signal(object)
    ticked = Signal(bool)
    """Once a display interval: whether anything new was measured."""

    def __init__(self, session: Session, trainer: Trainer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._trainer = trainer
        self._loaded: Experiment | None = None
        self._plays_next = False
        self._watching = True
        self._meter = Meter()
        self._load_began_s = 0.0
        self._is_quick = False
        self._edit_waits = False
        self.info: RunInfo | None = None
        self.history: RunHistory | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self._load_edit)
        self._clock = QTimer(self)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.setInterval(DISPLAY_INTERVAL_MS)
        self._clock.timeout.connect(self.tick)
        session.experiment_changed.connect(self._follow_edit)
        trainer.started.connect(self._begin)
        trainer.state_changed.connect(self._follow_state)
        trainer.progress.connect(self._follow_loading)
        trainer.failed.connect(self._follow_failure)
        trainer.devices_found.connect(self._follow_devices)
        trainer.stage_progress.connect(self._follow_stage)
        trainer.cancelled.connect(self.cancelled)
        trainer.weights_saved.connect(self.weights_saved)
        trainer.weights_not_saved.connect(self.weights_not_saved)
        trainer.errand_told.connect(self.errand_told)

    # What a person does

    @Slot()
    def start(self) -> None:
        """Load the first run and begin to move the screen."""
        self._clock.start()
        self._load()
        self._trainer.list_devices()

    @Slot()
    def toggle(self) -> None:
        """Play, or pause; what is done already begins anew."""
        if self.is_playing:
            self._plays_next = False
            self._trainer.pause()
            self._say_intent()
            return
        if self._has_edit:
            self._load()
        elif self._trainer.state in ("finished", "failed", "cancelled"):
            self._trainer.reset()
        self._plays_next = True
        self._trainer.play()
        self._say_intent()

    @Slot()
    def step_once(self) -> None:
        """Make one update."""
        self._plays_next = False
        self._trainer.step_once()

    def _say_intent(self) -> None:
        """While a run is loaded its state stays, but whether it will play has changed."""
        if self._trainer.state == "loading":
            self.state_changed.emit("loading")

    @Slot()
    def reset(self) -> None:
        """Return to step 0; a run that plays goes on playing."""
        plays = self.is_playing
        self._load()
        if plays:
            self._plays_next = True
            self._trainer.play()

    @Slot(float)
    def set_speed(self, steps_per_s: float) -> None:
        """Bound the steps a second; 0 for as many as the machine can."""
        self._trainer.set_speed(steps_per_s)

    @Slot()
    def skip_stage(self) -> None:
        """Let the stage that is being trained end with the weights that it has."""
        self._trainer.skip_stage()

    @Slot()
    def cancel_stages(self) -> None:
        """Call off the run whose stages are being trained; those that are done are kept."""
        self._plays_next = False
        self._trainer.cancel_stages()
        self._say_intent()

    def save_weights(self, lane: int, path: Path) -> None:
        """Write the weights of a lane of ``info`` as they are by then."""
        self._trainer.save_weights(lane, path)

    def run_errand(self, errand: Errand) -> int:
        """Let something be worked out of the run beside its training; return its number in ``errand_told``."""
        return self._trainer.run_errand(errand)

    def cancel_errand(self, number: int) -> None:
        """Give an errand up."""
        self._trainer.cancel_errand(number)

    @property
    def is_playing(self) -> bool:
        """True while a run plays, or will as soon as it is loaded."""
        return self._trainer.state == "playing" or (self._trainer.state == "loading" and self._plays_next)

    @property
    def is_current(self) -> bool:
        """True where the run on screen is that of the document; False while an edit waits for its run."""
        return self.info is not None and self._trainer.info is not None and not self._has_edit

    @property
    def _has_edit(self) -> bool:
        """Whether an edit waits for its run to be asked for."""
        return self._settle.isActive() or self._edit_waits

    @property
    def state(self) -> str:
        """The trainer's state."""
        return self._trainer.state

    @property
    def steps_per_s(self) -> float:
        """Recent rate; 0 where it stands still or nothing is known yet."""
        return self._meter.steps_per_s

    def set_watching(self, watching: bool) -> None:
        """Say whether any plot is on the screen."""
        if watching != self._watching:
            self._watching = watching
            self._trainer.set_watching(watching)

    def stop(self) -> bool:
        """End training for good; False where an operation still runs."""
        self._settle.stop()
        self._clock.stop()
        return self._trainer.shutdown()

    # What the session and the trainer say

    @Slot()
    def tick(self) -> None:
        """Take in what was measured since the last tick."""
        self.ticked.emit(self._take_in())

    def _take_in(self) -> bool:
        """Empty the mailbox into the history; say whether there was anything in it."""
        history = self.history
        if history is None or self._trainer.info is None:
            return False  # what lies there belongs to the run that is being loaded
        delivery = self._trainer.mailbox.drain()
        if not delivery or delivery.run_id != history.info.run_id:
            return False
        for scalars in delivery.scalars:
            history.append(scalars)
        for validation in delivery.validations:
            history.add_validation(validation)
        if delivery.frame is not None:
            history.add_frame(delivery.frame)
        if delivery.lanes:
            history.set_lanes(delivery.lanes)
        if self._trainer.state == "playing":
            self._meter.note(time.perf_counter(), history.last_step)
        return True

    @Slot()
    def _follow_edit(self) -> None:
        experiment = self._session.experiment
        if self._loaded is not None and _trains_alike(self._loaded, experiment):
            self._settle.stop()
            self._edit_waits = False
            self._loaded = experiment
            if self._rename(experiment):
                self.names_changed.emit()
            return
        if not self._clock.isActive():
            return
        if self.is_playing or not self._is_quick:
            self._settle.start(SETTLE_MS)
        elif not self._has_edit:
            self._settle.start(DRAG_MS)  # and not anew with every move of the hand

    @Slot()
    def _load_edit(self) -> None:
        """Load what was edited; while a hand moves on, only when the run before has been seen."""
        if self._is_quick and self._trainer.state == "loading":
            self._edit_waits = True
        else:
            self._load()

    @Slot()
    def _load(self) -> None:
        self._settle.stop()
        self._edit_waits = False
        self._load_began_s = time.perf_counter()
        plays = self.is_playing
        self._loaded = self._session.experiment
        self._trainer.load(self._loaded)
        if plays:
            self._plays_next = True
            self._trainer.play()

    def _rename(self, experiment: Experiment) -> bool:
        """Take over names and colours; say whether the run has the lanes that they belong to."""
        info = self.info
        if info is None or self.history is None or len(info.lanes) != len(experiment.lanes):
            return False
        lanes = tuple(
            replace(shown, name=lane.name, color=lane.color, group_name=lane.group_name)
            for shown, lane in zip(info.lanes, experiment.lanes, strict=True)
        )
        self.info = replace(info, name=experiment.name, lanes=lanes)
        self.history.info = self.info
        return True

    @Slot(object)
    def _begin(self, info: RunInfo) -> None:
        self.info = info
        self.history = RunHistory(info)
        self._take_in()  # so that the plots of the old run give way to those of the start, and to nothing between
        self._rename(self._session.experiment)
        self._is_quick = time.perf_counter() - self._load_began_s < QUICK_S
        self.run_changed.emit()
        self._ask_again()

    @Slot(str)
    def _follow_state(self, state: str) -> None:
        self._meter.forget()
        if state in ("finished", "failed", "cancelled"):
            self._plays_next = False
        self.state_changed.emit(state)
        if state in ("failed", "cancelled"):
            self._ask_again()

    def _ask_again(self) -> None:
        """Load the edit that has waited for the run before, once the trainer has said all that it has to say of it."""
        if self._edit_waits:
            self._edit_waits = False
            self._settle.start(0)

    @Slot(object)
    def _follow_stage(self, progress: StageProgress) -> None:
        if not progress.from_cache:
            self._is_quick = False  # nobody waits for this
            self._ask_again()
        self.stage_told.emit(progress)

    @Slot(float, object)
    def _follow_loading(self, fraction: float, text: Text) -> None:
        self.loading.emit(fraction, text)

    @Slot(object)
    def _follow_failure(self, text: Text) -> None:
        self.failed.emit(text)

    @Slot(object)
    def _follow_devices(self, devices: tuple[Device, ...]) -> None:
        self.devices_found.emit(devices)


def _trains_alike(one: Experiment, other: Experiment) -> bool:
    """Say whether two experiments differ in names and colours at most."""
    if len(one.lanes) != len(other.lanes):
        return False
    lanes = tuple(
        replace(lane, name=named.name, color=named.color, group_name=named.group_name)
        for lane, named in zip(other.lanes, one.lanes, strict=True)
    )
    return replace(other, name=one.name, lanes=lanes) == one
