"""The training thread as the window sees it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal, assert_never

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.limits import Limits
from initviz.experiment.values import Experiment
from initviz.telemetry.frame import RunInfo
from initviz.worker import messages
from initviz.worker.mailbox import Mailbox
from initviz.worker.pump import Pump
from initviz.worker.training import Workshop
from initviz.worker.workshop import TorchWorkshop, flush_denormals_here

RunReport = (
    messages.Progress
    | messages.StageProgress
    | messages.Started
    | messages.Finished
    | messages.Cancelled
    | messages.Failed
    | messages.WeightsSaved
    | messages.WeightsNotSaved
)
State = Literal["empty", "loading", "ready", "playing", "paused", "finished", "failed", "cancelled"]

STOP_TIMEOUT_MS = 2000
LOADING_TIMEOUT_MS = 250
"""The import of torch cannot be cut short, and before the first run or stage there is nothing that could be lost."""

STACK_BYTES = 16 * 1024 * 1024
"""The backward pass of a few hundred layers recurses deeper than a thread's usual stack on macOS allows."""

logger = logging.getLogger(__name__)


class TrainingThread(QThread):
    """Runs a pump. It has no parent: Qt ends the process when a running thread is destroyed with its parent."""

    reported = Signal(object)
    """A ``messages.Report``; sent from the training thread."""

    def __init__(self, workshop: Workshop, mailbox: Mailbox) -> None:
        super().__init__()
        self.setObjectName("training")
        self.setStackSize(STACK_BYTES)
        self.pump = Pump(workshop, mailbox, self.reported.emit)

    def run(self) -> None:
        """Work until the pump is stopped."""
        self.pump.run()


class Trainer(QObject):
    """Trains one run at a time in a thread of its own. Lives in the GUI thread; so do all its signals.

    Measurements do not come through signals: whoever draws empties ``mailbox`` on a timer, while ``info`` is there. A
    look at the start lies there when ``started`` is emitted, and everything else comes later.

    Args:
        catalogue: Where the parts of an experiment are declared.
        limits: Bounds on sizes.
        parent: Qt parent.
        workshop: Builds the runs; torch's by default.

    Attributes:
        mailbox: Where measurements arrive; the same object for all runs.
        state: What the run does.
        info: The run on screen, from ``started`` until the next ``load``; else None.
        run_id: Number of the latest run that was asked for, 0 before the first.
    """

    state_changed = Signal(str)
    """The new state."""
    started = Signal(object)
    """A run stands before its first update; its ``RunInfo``."""
    progress = Signal(float, object)
    """How far loading is, 0 to 1, and a ``Text`` that says what is done."""
    stage_progress = Signal(object)
    """How far an earlier stage is, some twenty times a second while one is trained; a ``messages.StageProgress``."""
    cancelled = Signal(object)
    """The person has called a run off while a stage was trained; a ``Text`` that says what is kept."""
    failed = Signal(object)
    """A run could not be built, or ended on an error; a ``Text`` for the person."""

    devices_found = Signal(object)
    """What this machine can train on; a tuple of ``messages.Device``."""
    weights_saved = Signal(object)
    """A lane's weights are in a file; ``messages.WeightsSaved``."""
    weights_not_saved = Signal(object)
    """They could not be written; a ``Text``."""
    errand_told = Signal(object)
    """How far an errand is, or what came of it; a ``messages.ErrandReport``. Every errand ends with one of
    ``ErrandDone``, ``ErrandFailed`` and ``ErrandCancelled``, and nothing more is heard of it."""

    def __init__(
        self,
        catalogue: Catalogue,
        limits: Limits,
        parent: QObject | None = None,
        *,
        workshop: Workshop | None = None,
    ) -> None:
        super().__init__(parent)
        self.mailbox = Mailbox()
        self.state: State = "empty"
        self.info: RunInfo | None = None
        self.run_id = 0
        self._experiment: Experiment | None = None
        self._play_when_ready = False
        self._stopping = False
        self._can_be_cut_short = False
        self._flushed = False
        self._stage = -1
        self._num_errands = 0
        self._errands: set[int] = set()
        self._thread = TrainingThread(workshop or TorchWorkshop(catalogue, limits), self.mailbox)
        self._thread.reported.connect(self._take_report, Qt.ConnectionType.QueuedConnection)

    # Commands

    @Slot()
    def warm_up(self) -> None:
        """Import torch and what its first optimizer needs while nobody waits for it."""
        self._send(messages.WarmUp(self.run_id))

    @Slot(object)
    def load(self, experiment: Experiment) -> None:
        """Give up the run there is and make another; ``started`` follows, or ``failed``."""
        self._end_errands()
        self.run_id += 1
        self.info = None
        self._experiment = experiment
        self._play_when_ready = False
        self._stage = -1
        self.mailbox.open(self.run_id)
        self._send(messages.Load(self.run_id, experiment))
        self._set_state("loading")

    @Slot()
    def play(self) -> None:
        """Train on until paused or done; while loading, as soon as the run is there."""
        if self.state == "loading":
            self._play_when_ready = True
        elif self.state in ("ready", "paused"):
            self._send(messages.Play())
            self._set_state("playing")

    @Slot()
    def pause(self) -> None:
        """Stop training. A full frame of the last update follows, for which one more update may be made."""
        self._play_when_ready = False
        if self.state == "playing":
            self._send(messages.Pause())
            self._set_state("paused")

    @Slot()
    def step_once(self) -> None:
        """Make exactly one update and show it in full; while playing, pause."""
        if self.state == "playing":
            self.pause()
        elif self.state in ("ready", "paused"):
            self._send(messages.StepOnce())
            self._set_state("paused")

    @Slot()
    def skip_stage(self) -> None:
        """Let the stage that is being trained end with the weights that it has."""
        if self.state == "loading" and self._stage >= 0:
            self._thread.pump.answers.skip(self.run_id, self._stage)

    @Slot()
    def cancel_stages(self) -> None:
        """Let the run whose stages are being trained not be built; ``cancelled`` follows. Stages done are kept."""
        if self.state == "loading" and self._stage >= 0:
            self._play_when_ready = False
            self._thread.pump.answers.cancel(self.run_id)

    @Slot()
    def reset(self) -> None:
        """Make the same run anew, from step 0; it does not play by itself."""
        if self._experiment is not None:
            self.load(self._experiment)

    @Slot(float)
    def set_speed(self, steps_per_s: float) -> None:
        """Bound the updates a second; 0 takes the bound away. It also holds for later runs."""
        self._send(messages.SetSpeed(steps_per_s))

    @Slot(bool)
    def set_watching(self, watching: bool) -> None:
        """Say whether anybody sees frames; without, a run that plays makes none. It also holds for later runs."""
        self._send(messages.SetWatching(watching))

    @Slot()
    def list_devices(self) -> None:
        """Look for everything that can be trained on; ``devices_found`` follows."""
        self._send(messages.ListDevices())

    def save_weights(self, lane: int, path: Path) -> None:
        """Write a lane's weights as they are by then; ``weights_saved`` follows, or ``weights_not_saved``.

        Args:
            lane: Its index in ``info.lanes``.
            path: The file; an old one stays whole until the new one is.
        """
        self._send(messages.SaveWeights(self.run_id, lane, path))

    def run_errand(self, errand: messages.Errand) -> int:
        """Let something be worked out of the run beside its training; return its number in ``errand_told``.

        It goes on while the run is paused or finished, and in a share of the time while it plays.
        """
        self._num_errands += 1
        self._errands.add(self._num_errands)
        self._send(messages.RunErrand(self.run_id, self._num_errands, errand))
        return self._num_errands

    def cancel_errand(self, number: int) -> None:
        """Give an errand up; one that has ended stays as it is."""
        if number in self._errands:
            self._send(messages.CancelErrand(number))
            self._errands.remove(number)
            self.errand_told.emit(messages.ErrandCancelled(self.run_id, number))

    def _end_errands(self) -> None:
        """Say of every errand that it ends with its run; the training thread gives them up by itself."""
        ended, self._errands = sorted(self._errands), set()
        for number in ended:
            self.errand_told.emit(messages.ErrandCancelled(self.run_id, number))

    @Slot()
    def shutdown(self) -> bool:
        """End the thread and wait for it, two seconds at most, and less while nothing but torch has been loaded.

        Returns:
            False where an operation still runs that cannot be cut short. The program must then save what it has to
            and leave with ``os._exit``, because destroying a running thread ends the process with an error.
        """
        self._stopping = True
        if not self._thread.isRunning():
            return True
        self._thread.pump.stop()
        timeout = STOP_TIMEOUT_MS if self._can_be_cut_short else LOADING_TIMEOUT_MS
        stopped = self._thread.wait(timeout)
        if not stopped:
            logger.warning("the training thread still runs after %d ms", timeout)
        return stopped

    # Reports from the training thread

    @Slot(object)
    def _take_report(self, report: messages.Report) -> None:
        if self._stopping:
            return
        if isinstance(report, messages.TorchLoaded):
            # Drawing deals with vanished signals too. Waiting for torch until now kept the window quick to open.
            self._flushed = self._flushed or flush_denormals_here()
        elif isinstance(report, messages.DevicesFound):
            self.devices_found.emit(report.devices)
        elif report.run_id != self.run_id:
            logger.debug("dropped a late report of run %d", report.run_id)
        elif isinstance(report, messages.ErrandReport):
            self._follow_errand(report)
        else:
            self._follow(report)

    def _follow_errand(self, report: messages.ErrandReport) -> None:
        if report.number in self._errands:
            if not isinstance(report, messages.ErrandProgress):
                self._errands.remove(report.number)
            self.errand_told.emit(report)

    def _follow(self, report: RunReport) -> None:
        match report:
            case messages.Progress(_, fraction, text):
                self.progress.emit(fraction, text)
            case messages.StageProgress():
                self._stage = report.index
                self._can_be_cut_short = True
                self.stage_progress.emit(report)
            case messages.Started(_, info):
                self.info = info
                self._stage = -1
                self._can_be_cut_short = True
                self.started.emit(info)
                self._set_state("ready")
                if self._play_when_ready:
                    self.play()
            case messages.Finished():
                self._set_state("finished")
            case messages.Failed(_, text):
                self._play_when_ready = False
                self._end_errands()
                self._set_state("failed")
                self.failed.emit(text)
            case messages.Cancelled(_, text):
                self._play_when_ready = False
                self._set_state("cancelled")
                self.cancelled.emit(text)
            case messages.WeightsSaved():
                self.weights_saved.emit(report)
            case messages.WeightsNotSaved(_, text):
                self.weights_not_saved.emit(text)
            case _:
                assert_never(report)

    def _send(self, command: messages.Command) -> None:
        if self._stopping:
            return
        if not self._thread.isRunning():
            self._thread.start()
        self._thread.pump.send(command)

    def _set_state(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)
