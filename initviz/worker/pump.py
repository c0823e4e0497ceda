"""The loop of the training thread: it reads commands and keeps the pace. No Qt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import assert_never

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.experiment.values import Experiment
from initviz.worker import messages
from initviz.worker.failures import failure_text
from initviz.worker.mailbox import Mailbox
from initviz.worker.training import Training, Workshop

MAX_MAILBOX_BYTES = 64_000_000
"""Training waits while the window leaves more than this in the mailbox."""

WAIT_FOR_WINDOW_S = 0.05

logger = logging.getLogger(__name__)


class AbandonedError(Exception):
    """Loading was given up, because something else is wanted by now."""


class Pump:
    """Trains one run at a time, in the thread that calls ``run``.

    Args:
        workshop: Builds the runs.
        mailbox: Takes the measurements.
        report: Takes what happens to the run; called in the training thread.
    """

    def __init__(
        self, workshop: Workshop, mailbox: Mailbox, report: Callable[[messages.Report], None]
    ) -> None:
        self._workshop = workshop
        self._mailbox = mailbox
        self._report = report
        self._commands: SimpleQueue[messages.Command] = SimpleQueue()
        self._stop = threading.Event()
        self._wanted_run = 0
        self._run_id = 0
        self._training: Training | None = None
        self._playing = False
        self._watching = True
        self._interval_s = 0.0
        self._due_s = 0.0

    # Called in any thread

    def send(self, command: messages.Command) -> None:
        """Queue a command; it is read before the next update, and cuts short the wait for it."""
        if isinstance(command, messages.Load):
            self._wanted_run = command.run_id
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
                    self._play_on(self._training)
            except AbandonedError:
                logger.info("loading run %d was given up", self._run_id)
            except InitVizError as error:
                logger.warning("run %d failed: %s", self._run_id, error)
                self._give_up(failure_text(error))
            except Exception as error:
                logger.exception("run %d failed", self._run_id)
                self._give_up(failure_text(error))
        self._training = None

    def _next_command(self) -> messages.Command | None:
        """Return the next command; None when it is time for an update instead."""
        if not self._playing:
            return self._commands.get()
        wait_s = self._due_s - time.perf_counter() if self._interval_s > 0.0 else 0.0
        if self._mailbox.num_bytes > MAX_MAILBOX_BYTES:
            wait_s = max(wait_s, WAIT_FOR_WINDOW_S)
        try:
            if wait_s > 0.0:
                return self._commands.get(timeout=wait_s)
            return None if self._commands.empty() else self._commands.get_nowait()
        except Empty:
            return None

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
        self._training = None  # frees its memory before the next one takes some
        self._playing = False
        self._run_id = run_id
        if run_id != self._wanted_run:
            return
        run = self._workshop.build(
            experiment, run_id, lambda fraction, text: self._announce(run_id, fraction, text)
        )
        self._training = Training(run, self._workshop.pacer(), self._mailbox)
        self._report(messages.TorchLoaded(run_id))
        self._report(messages.Started(run_id, run.info))

    def _announce(self, run_id: int, fraction: float, text: Text) -> None:
        if self._stop.is_set() or run_id != self._wanted_run:
            raise AbandonedError
        self._report(messages.Progress(run_id, fraction, text))

    def _give_up(self, text: Text) -> None:
        """End the run, keep the thread, and say why."""
        training, self._training = self._training, None
        self._playing = False
        if training is not None:
            try:
                training.post_scalars()
            except Exception:
                logger.exception("the last measurements of run %d are lost", self._run_id)
        self._report(messages.Failed(self._run_id, text))
