"""The loop of the training thread: it reads commands and keeps the pace. No Qt."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import assert_never

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.experiment.values import Experiment
from initviz.worker import messages
from initviz.worker.errands import NO_RUN, Errands
from initviz.worker.failures import failure_text, weights_lost
from initviz.worker.mailbox import Mailbox
from initviz.worker.stage_answers import StageAnswers
from initviz.worker.training import CancelledError, Training, Workshop

MAX_MAILBOX_BYTES = 64_000_000
"""Training waits while the window leaves more than this in the mailbox."""

WAIT_FOR_WINDOW_S = 0.05
LOOKING = Text("Looking at the start", "正在查看初始状态")

logger = logging.getLogger(__name__)


class AbandonedError(Exception):
    """Loading was given up, because something else is wanted by now."""


class Pump:
    """Trains one run at a time, in the thread that calls ``run``.

    Args:
        workshop: Builds the runs.
        mailbox: Takes the measurements.
        report: Takes what happens to the run; called in the training thread.

    Attributes:
        answers: What the person wants of the stages that are being trained.
    """

    def __init__(
        self, workshop: Workshop, mailbox: Mailbox, report: Callable[[messages.Report], None]
    ) -> None:
        self._workshop = workshop
        self._mailbox = mailbox
        self._report = report
        self._commands: SimpleQueue[messages.Command] = SimpleQueue()
        self._stop = threading.Event()
        self.answers = StageAnswers()
        self._wanted: tuple[int, Experiment | None] = (0, None)
        self._run_id = 0
        self._training: Training | None = None
        self._errands = Errands(report)
        self._playing = False
        self._watching = True
        self._interval_s = 0.0
        self._due_s = 0.0

    # Called in any thread

    def send(self, command: messages.Command) -> None:
        """Queue a command; it is read before the next update, and cuts short the wait for it."""
        if isinstance(command, messages.Load):
            self._wanted = (command.run_id, command.experiment)
        self._commands.put(command)

    def stop(self) -> None:
        """Make ``run`` return after the update, or the step of loading, that it is at."""
        self._stop.set()
        self._commands.put(messages.Stop())

    # Called in the training thread

    def run(self) -> None:
        """Work until ``stop``; no exception leaves."""
        while not self._stop.is_set():
            try:
                command = self._next_command()
                if command is not None:
                    self._obey(command)
                elif self._training is not None:
                    self._work(self._training)
            except AbandonedError:
                logger.info("loading run %d was given up", self._run_id)
            except CancelledError as error:
                logger.info("loading run %d was called off: %s", self._run_id, error)
                self._report(messages.Cancelled(self._run_id, error.text))
            except InitVizError as error:
                logger.warning("run %d failed: %s", self._run_id, error)
                self._give_up(failure_text(error))
            except Exception as error:
                logger.exception("run %d failed", self._run_id)
                self._give_up(failure_text(error))
        self._errands.clear()
        self._training = None

    def _next_command(self) -> messages.Command | None:
        """Return the next command; None when it is time for work instead."""
        wait_s = self._idle_s()
        if wait_s is None:
            return self._commands.get()
        try:
            if wait_s > 0.0:
                return self._commands.get(timeout=wait_s)
            return None if self._commands.empty() else self._commands.get_nowait()
        except Empty:
            return None

    def _idle_s(self) -> float | None:
        """Return how long there is nothing to do; None where only a command brings work."""
        if not self._playing:
            rests = self._training is not None and self._training.is_resting
            return 0.0 if self._errands or rests else None
        now_s = time.perf_counter()
        wait_s = self._due_s - now_s if self._interval_s > 0.0 else 0.0
        if self._mailbox.num_bytes > MAX_MAILBOX_BYTES:
            wait_s = max(wait_s, WAIT_FOR_WINDOW_S)
        return min(wait_s, self._errands.next_s - now_s) if self._errands else wait_s

    def _work(self, training: Training) -> None:
        """Do a slice of a look or of an errand, or make an update: whichever it is time for."""
        now_s = time.perf_counter()
        if not self._playing and training.is_resting:
            training.rest_on()
        elif self._errands and (not self._playing or now_s >= self._errands.next_s):
            self._errands.work()
        elif self._playing and (self._interval_s <= 0.0 or not self._errands or now_s >= self._due_s):
            self._play_on(training)

    def _play_on(self, training: Training) -> None:
        if self._interval_s > 0.0:
            now_s = time.perf_counter()
            # After a stall it goes on at its pace instead of catching up in a rush.
            self._due_s = max(self._due_s, now_s - self._interval_s) + self._interval_s
        training.play_on(self._watching)
        self._look_for_end(training)

    def _look_for_end(self, training: Training) -> None:
        if training.finished:
            self._playing = False
            self._report(messages.Finished(self._run_id))

    def _obey(self, command: messages.Command) -> None:
        training = self._training
        match command:
            case messages.Play():
                if training is not None and not training.finished:
                    self._playing = True
                    self._due_s = time.perf_counter()
            case messages.Pause():
                if training is not None and self._playing:
                    self._playing = False
                    training.show()
                    self._look_for_end(training)
            case messages.StepOnce():
                if training is not None and not self._playing and not training.finished:
                    training.step_once()
                    self._look_for_end(training)
            case messages.SetSpeed(steps_per_s):
                self._interval_s = 1.0 / steps_per_s if steps_per_s > 0.0 else 0.0
                self._due_s = time.perf_counter()
            case messages.SetWatching(watching):
                self._watching = watching
            case messages.Load(run_id, experiment):
                self._load(run_id, experiment)
            case messages.WarmUp(run_id):
                self._warm_up(run_id)
            case messages.ListDevices():
                self._list_devices()
            case messages.SaveWeights(run_id, lane, path):
                self._save_weights(run_id, lane, path)
            case messages.RunErrand(run_id):
                if training is None or run_id != self._run_id:
                    self._errands.refuse(command)
                else:
                    self._errands.begin(command, training.run)
            case messages.CancelErrand(number):
                self._errands.cancel(number)
            case messages.Stop():
                pass
            case _:
                assert_never(command)

    def _list_devices(self) -> None:
        try:
            self._report(messages.DevicesFound(self._workshop.devices()))
        except Exception:
            # A driver that does not answer is no reason to give up the run.
            logger.exception("the devices cannot be listed")

    def _save_weights(self, run_id: int, lane: int, path: Path) -> None:
        training = self._training
        if training is None or run_id != self._run_id:
            self._report(messages.WeightsNotSaved(run_id, NO_RUN))
            return
        try:
            self._report(training.save_weights(lane, path))
        except Exception as error:
            # The run goes on, whatever became of the file.
            logger.exception("the weights of lane %d cannot be saved", lane)
            text = error.text if isinstance(error, InitVizError) else weights_lost(error)
            self._report(messages.WeightsNotSaved(run_id, text))

    def _warm_up(self, run_id: int) -> None:
        try:
            self._workshop.warm_up(lambda fraction, text: self._announce(run_id, fraction, text))
        except AbandonedError:
            raise
        except Exception as error:
            logger.exception("warming up failed")
            self._report(messages.Failed(run_id, failure_text(error)))
        else:
            self._report(messages.TorchLoaded(run_id))

    def _load(self, run_id: int, experiment: Experiment) -> None:
        self._errands.clear()
        self._training = None  # frees its memory before the next one takes some
        self._playing = False
        self._run_id = run_id
        if run_id != self._wanted[0]:
            return
        run = self._workshop.build(
            experiment,
            run_id,
            lambda fraction, text: self._announce(run_id, fraction, text),
            lambda progress: self._hear_stage(experiment, progress),
        )
        training = Training(run, self._workshop.pacer(), self._mailbox)
        self._announce(run_id, 1.0, LOOKING)
        training.show_at_rest()
        self._training = training
        self._report(messages.TorchLoaded(run_id))
        self._report(messages.Started(run_id, run.info))

    def _announce(self, run_id: int, fraction: float, text: Text) -> None:
        if self._stop.is_set() or run_id != self._wanted[0]:
            raise AbandonedError
        self._report(messages.Progress(run_id, fraction, text))

    def _hear_stage(self, experiment: Experiment, progress: messages.StageProgress) -> messages.StageAnswer:
        """Tell how far a stage is, and say what is to become of it.

        Where another run is wanted by now that begins with the very same stages, they go on for that one.
        """
        run_id, wanted = self._wanted
        if self._stop.is_set():
            raise AbandonedError
        if run_id != progress.run_id and (wanted is None or not messages.begins_alike(wanted, experiment)):
            raise AbandonedError
        self._report(dataclasses.replace(progress, run_id=run_id))
        return self.answers.of(run_id, progress.index)

    def _give_up(self, text: Text) -> None:
        """End the run, keep the thread, and say why."""
        training, self._training = self._training, None
        self._playing = False
        self._errands.clear()
        if training is not None:
            try:
                training.post_scalars()
            except Exception:
                logger.exception("the last measurements of run %d are lost", self._run_id)
        self._report(messages.Failed(self._run_id, text))
