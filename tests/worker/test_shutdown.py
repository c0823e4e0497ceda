"""The thread's end, and what must not happen in it."""

from __future__ import annotations

import gc
import threading
import time
from random import Random

import pytest
from PySide6.QtCore import QObject, QThread, Signal
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.experiment.values import Experiment
from initviz.worker.trainer import Trainer
from initviz.worker.training import Announce, HearStage
from tests.worker.fakes import EveryStep, FakeRun, FakeWorkshop, Listener, experiment
from tests.worker.states import ready


def test_shutting_down_at_any_moment_leaves_no_thread(qtbot: QtBot) -> None:
    random = Random(0)
    for _ in range(50):
        workshop = FakeWorkshop(EveryStep, step_s=random.choice([0.0, 0.001]))
        trainer = Trainer(catalogue(), Limits(), workshop=workshop)
        listener = Listener(trainer)
        trainer.set_speed(random.choice([0.0, 0.0, 5.0]))
        trainer.load(experiment(10**6))
        trainer.play()
        qtbot.wait(random.randrange(40))
        listener.drain()
        assert trainer.shutdown()
        assert not trainer._thread.isRunning()
        assert not listener.failures
        for command in (trainer.play, trainer.reset, trainer.warm_up):
            command()
        assert not trainer._thread.isRunning()
        assert trainer.shutdown()


def test_shutdown_reports_an_operation_that_does_not_end(
    qtbot: QtBot,
    workshop: FakeWorkshop,
    trainer: Trainer,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("initviz.worker.trainer.STOP_TIMEOUT_MS", 50)
    entered = threading.Event()
    go_on = threading.Event()

    def hold(step: int) -> None:
        entered.set()
        assert go_on.wait(10)

    workshop.on_advance = hold
    ready(qtbot, trainer)
    trainer.play()
    assert entered.wait(5)
    assert not trainer.shutdown()
    go_on.set()
    assert trainer._thread.wait(5000)


def test_nobody_waits_for_a_first_run_that_is_still_being_made(
    qtbot: QtBot, workshop: FakeWorkshop, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while torch is imported, which takes seconds and cannot be cut short."""
    entered, go_on = threading.Event(), threading.Event()
    build = workshop.build

    def slow(made: Experiment, run_id: int, announce: Announce, hear_stage: HearStage) -> FakeRun:
        entered.set()
        assert go_on.wait(10)
        return build(made, run_id, announce, hear_stage)

    monkeypatch.setattr(workshop, "build", slow)
    trainer.load(experiment(100))
    assert entered.wait(5)
    began = time.monotonic()
    assert not trainer.shutdown()
    assert time.monotonic() - began < 1.0
    go_on.set()
    assert trainer._thread.wait(5000)


def test_signals_keep_count_of_their_arguments(qtbot: QtBot, trainer: Trainer, listener: Listener) -> None:
    """PySide6 6.12.0 loses a reference to True on every emit and aborts the process after a thousand."""

    class Sender(QObject):
        flag = Signal(bool)
        text = Signal(str)
        thing = Signal(object)

    sender = Sender()
    seen: list[object] = []
    sender.flag.connect(seen.append)
    sender.text.connect(seen.append)
    sender.thing.connect(seen.append)
    for _ in range(3000):
        sender.flag.emit(True)
        sender.text.emit("state")
        sender.thing.emit(True)
    assert seen == [True, "state", True] * 3000
    for number in range(1500):
        trainer.state = "empty"
        trainer._set_state("playing" if number % 2 else "paused")
    assert len(listener.states) == 1500
    trainer.state = "empty"


def test_garbage_is_not_collected_in_the_training_thread(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    from initviz.worker.collector import GcCollector

    threads: set[int] = set()

    def note(phase: str, info: dict[str, int]) -> None:
        threads.add(threading.get_ident())

    def litter(step: int) -> None:
        for _ in range(200):
            loop: list[object] = []
            loop.append(loop)

    workshop.on_advance = litter
    collector = GcCollector()
    gc.callbacks.append(note)
    try:
        ready(qtbot, trainer, 10**9)
        trainer.play()
        qtbot.waitUntil(lambda: workshop.runs[0].step > 100, timeout=5000)
        collector.collect_if_due()
        qtbot.waitUntil(lambda: bool(threads), timeout=5000)  # the collector's own timer may be needed for it
    finally:
        gc.callbacks.remove(note)
        collector.stop()
    assert threads == {threading.get_ident()}
    assert QThread.currentThread() is trainer.thread()
