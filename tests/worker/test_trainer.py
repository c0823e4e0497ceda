"""The thread and its commands, with runs that need no torch."""

from __future__ import annotations

import functools
import gc
import logging
import threading
import time
from random import Random

import pytest
from PySide6.QtCore import QObject, QThread, Signal
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.errors import InitVizError
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.worker import pump, training
from initviz.worker.trainer import Trainer
from tests.worker.fakes import EveryStep, FakeWorkshop, Listener, experiment


def reach(qtbot: QtBot, trainer: Trainer, state: str) -> None:
    qtbot.waitUntil(lambda: trainer.state == state, timeout=5000)


def state(trainer: Trainer) -> str:
    """Return the state without the type checker taking it for what it was a line before."""
    return trainer.state


def ready(qtbot: QtBot, trainer: Trainer, steps: int = 1000) -> None:
    trainer.load(experiment(steps))
    reach(qtbot, trainer, "ready")


def test_nothing_runs_before_it_is_asked_for(trainer: Trainer, listener: Listener) -> None:
    assert state(trainer) == "empty"
    assert trainer.run_id == 0
    for command in (trainer.play, trainer.pause, trainer.step_once, trainer.reset):
        command()
    assert state(trainer) == "empty"
    assert listener.said == []
    assert not trainer._thread.isRunning()


def test_a_run_goes_from_loading_to_finished(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    trainer.load(experiment(500))
    assert state(trainer) == "loading"
    assert trainer.info is None
    reach(qtbot, trainer, "ready")
    assert listener.drain().scalars == ()
    trainer.play()
    assert state(trainer) == "playing"
    reach(qtbot, trainer, "finished")
    assert listener.said == ["loading", "started", "ready", "playing", "finished"]
    assert listener.started[0].run_id == trainer.run_id == 1
    assert [fraction for fraction, _ in listener.progress] == [0.0, 0.5, 1.0]
    assert listener.steps == list(range(500))
    assert listener.frame_steps[-1] == 499
    assert listener.validation_steps[-1] == 500
    assert workshop.runs[0].threads
    assert threading.get_ident() not in workshop.runs[0].threads
    trainer.play()
    assert state(trainer) == "finished"


def test_the_first_and_the_last_update_are_shown_without_anybody_watching(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    trainer.set_watching(False)
    ready(qtbot, trainer, 300)
    trainer.play()
    reach(qtbot, trainer, "finished")
    assert workshop.runs[0].looked_at == [0, 299]


@pytest.mark.parametrize("watching", [True, False])
def test_frames_are_made_when_they_are_due_and_somebody_watches(qtbot: QtBot, watching: bool) -> None:
    workshop = FakeWorkshop(EveryStep)
    trainer = Trainer(catalogue(), Limits(), workshop=workshop)
    listener = Listener(trainer)
    trainer.set_watching(watching)
    ready(qtbot, trainer, 50)
    trainer.play()
    reach(qtbot, trainer, "finished")
    assert workshop.runs[0].looked_at == (list(range(50)) if watching else [0, 49])
    assert not listener.failures
    assert trainer.shutdown()


def test_pausing_ends_with_a_full_frame_and_nothing_moves_after_it(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    workshop.step_s = 0.001
    ready(qtbot, trainer, 100_000)
    trainer.play()
    qtbot.waitUntil(lambda: workshop.runs[0].step > 20, timeout=5000)
    trainer.pause()
    assert state(trainer) == "paused"
    run = workshop.runs[0]
    qtbot.waitUntil(lambda: len(run.looked_at) == 2, timeout=5000)
    qtbot.wait(50)
    step = run.step
    qtbot.wait(50)
    assert run.step == step
    assert listener.steps == list(range(step))
    assert listener.frame_steps[-1] == step - 1
    assert listener.validation_steps[-1] == step
    trainer.pause()
    trainer.play()
    qtbot.waitUntil(lambda: run.step > step + 20, timeout=5000)
    trainer.pause()
    assert listener.states == ["loading", "ready", "playing", "paused", "playing", "paused"]


def test_pausing_on_a_shown_update_makes_no_further_one(qtbot: QtBot) -> None:
    workshop = FakeWorkshop(EveryStep)
    trainer = Trainer(catalogue(), Limits(), workshop=workshop)
    listener = Listener(trainer)
    trainer.set_speed(10.0)
    ready(qtbot, trainer)
    trainer.play()
    qtbot.waitUntil(lambda: workshop.runs[0].step == 2, timeout=5000)
    trainer.pause()
    qtbot.wait(150)
    assert workshop.runs[0].step == 2
    assert listener.steps == [0, 1]
    assert not listener.failures
    assert trainer.shutdown()


def test_a_single_step_is_exactly_one_update(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    ready(qtbot, trainer, 4)
    run = workshop.runs[0]

    def shown(number: int) -> bool:
        return listener.steps == list(range(number)) and listener.frame_steps[-1:] == [number - 1]

    for number in range(1, 4):
        trainer.step_once()
        assert state(trainer) == "paused"
        qtbot.waitUntil(functools.partial(shown, number), timeout=5000)
        assert run.step == number
    trainer.step_once()
    reach(qtbot, trainer, "finished")
    assert listener.frame_steps[-1] == 3
    trainer.step_once()
    qtbot.wait(30)
    assert run.step == 4


def test_steps_pressed_quickly_are_all_made(qtbot: QtBot, trainer: Trainer, listener: Listener) -> None:
    ready(qtbot, trainer)
    for _ in range(7):
        trainer.step_once()
    qtbot.waitUntil(lambda: listener.steps == list(range(7)), timeout=5000)


def test_a_step_while_playing_pauses(qtbot: QtBot, trainer: Trainer, listener: Listener) -> None:
    ready(qtbot, trainer, 10**9)
    trainer.play()
    trainer.step_once()
    assert state(trainer) == "paused"


def test_reset_makes_a_new_run_of_the_same_experiment(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    ready(qtbot, trainer, 10**9)
    trainer.play()
    qtbot.waitUntil(lambda: workshop.runs[0].step > 10, timeout=5000)
    trainer.reset()
    assert state(trainer) == "loading"
    assert trainer.run_id == 2
    reach(qtbot, trainer, "ready")
    assert [info.run_id for info in listener.started] == [1, 2]
    assert listener.started[1].total_steps == 10**9
    assert workshop.runs[1].step == 0
    assert listener.steps == []
    trainer.step_once()
    qtbot.waitUntil(lambda: listener.steps == [0], timeout=5000)


def test_loading_while_playing_gives_the_old_run_up(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    ready(qtbot, trainer, 10**9)
    trainer.play()
    qtbot.waitUntil(lambda: workshop.runs[0].step > 10, timeout=5000)
    trainer.load(experiment(200))
    trainer.play()
    assert state(trainer) == "loading"
    reach(qtbot, trainer, "finished")
    assert listener.steps == list(range(200))
    assert listener.said[-5:] == ["loading", "started", "ready", "playing", "finished"]
    old = workshop.runs[0].step
    qtbot.wait(30)
    assert workshop.runs[0].step == old


def test_only_the_last_of_many_loads_is_built_to_its_end(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    entered = threading.Event()
    go_on = threading.Event()

    def hold() -> None:
        entered.set()
        assert go_on.wait(5)

    workshop.on_build = hold
    trainer.load(experiment(10))
    assert entered.wait(5)
    for steps in (20, 30, 40):
        trainer.load(experiment(steps))
    go_on.set()
    reach(qtbot, trainer, "ready")
    assert [info.total_steps for info in listener.started] == [40]
    assert len(workshop.runs) == 1
    assert trainer.run_id == 4


def test_pause_takes_back_a_play_that_waits_for_loading(
    qtbot: QtBot, trainer: Trainer, listener: Listener
) -> None:
    trainer.load(experiment())
    trainer.play()
    trainer.pause()
    reach(qtbot, trainer, "ready")
    qtbot.wait(30)
    assert state(trainer) == "ready"
    assert listener.steps == []


def test_the_speed_is_kept(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    trainer.set_speed(50.0)
    ready(qtbot, trainer, 16)
    trainer.play()
    reach(qtbot, trainer, "finished")
    times = workshop.runs[0].times
    # 15 waits of 20 ms; a busy machine may add to them, but cannot take from them.
    assert times[-1] - times[0] > 0.25


def test_a_slow_pace_can_be_cut_short(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    trainer.set_speed(0.01)
    ready(qtbot, trainer, 50)
    trainer.play()
    qtbot.waitUntil(lambda: workshop.runs[0].step == 1, timeout=5000)
    trainer.set_speed(0.0)
    reach(qtbot, trainer, "finished")
    assert listener.steps == list(range(50))


def test_after_a_stall_it_does_not_rush(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    workshop.on_advance = lambda step: time.sleep(0.3) if step == 2 else None
    trainer.set_speed(50.0)
    ready(qtbot, trainer, 10)
    trainer.play()
    reach(qtbot, trainer, "finished")
    times = workshop.runs[0].times
    # One update may follow at once; the five after it keep their distance of 20 ms.
    assert times[9] - times[4] > 0.08


def test_an_error_with_words_arrives_in_them(
    qtbot: QtBot,
    trainer: Trainer,
    listener: Listener,
    workshop: FakeWorkshop,
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = Text("The device is on fire.", "设备着火了。")
    workshop.fail_to_build = InitVizError(text)
    listener.expected_failures = [text]
    trainer.load(experiment())
    reach(qtbot, trainer, "failed")
    assert listener.failures == [text]
    assert listener.said == ["loading", "failed", "failed!"]
    assert trainer.info is None
    workshop.fail_to_build = None
    trainer.reset()
    reach(qtbot, trainer, "ready")


def test_an_unforeseen_error_is_summed_up_and_logged(
    qtbot: QtBot,
    trainer: Trainer,
    listener: Listener,
    workshop: FakeWorkshop,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(step: int) -> None:
        if step == 30:
            raise ZeroDivisionError("half of nothing")

    workshop.on_advance = fail
    ready(qtbot, trainer)
    trainer.play()
    with caplog.at_level(logging.ERROR):
        reach(qtbot, trainer, "failed")
    (text,) = listener.failures
    listener.expected_failures = [text]
    for said in (text.en, text.zh):
        assert "ZeroDivisionError: half of nothing" in said
        assert "Traceback" not in said
    assert "log file" in text.en
    assert "日志文件" in text.zh
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert trainer.info is not None, "what was measured stays on screen"
    assert listener.steps == list(range(30))
    trainer.play()
    assert state(trainer) == "failed"
    workshop.on_advance = lambda step: None
    trainer.reset()
    reach(qtbot, trainer, "ready")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_running_out_of_memory_says_what_to_make_smaller(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop, error: Exception
) -> None:
    workshop.fail_to_build = error
    trainer.load(experiment())
    reach(qtbot, trainer, "failed")
    listener.expected_failures = listener.failures
    assert "smaller batch" in listener.failures[0].en
    assert "批大小" in listener.failures[0].zh


def test_a_late_failure_of_an_older_run_is_dropped(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    entered = threading.Event()
    go_on = threading.Event()

    def hold() -> None:
        entered.set()
        assert go_on.wait(5)
        workshop.on_build = lambda: None
        raise RuntimeError("of the first run")

    workshop.on_build = hold
    trainer.load(experiment(10))
    assert entered.wait(5)
    trainer.load(experiment(20))
    go_on.set()
    reach(qtbot, trainer, "ready")
    assert [info.total_steps for info in listener.started] == [20]
    assert listener.failures == []


def test_warming_up_says_how_far_it_is(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    trainer.warm_up()
    qtbot.waitUntil(lambda: workshop.warm_ups == 1 and len(listener.progress) == 1, timeout=5000)
    assert state(trainer) == "empty"


def test_training_waits_for_a_window_that_does_not_look(
    qtbot: QtBot,
    trainer: Trainer,
    listener: Listener,
    workshop: FakeWorkshop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pump, "MAX_MAILBOX_BYTES", 1000)
    monkeypatch.setattr(training, "POST_INTERVAL_S", 0.0)
    ready(qtbot, trainer, 10_000)
    trainer.play()
    qtbot.waitUntil(lambda: trainer.mailbox.num_bytes > 1000, timeout=5000)
    qtbot.wait(120)
    # It does not stand quite still: once in 50 ms it makes an update.
    assert workshop.runs[0].step < 40
    assert listener.steps == list(range(len(listener.steps)))
    monkeypatch.setattr(pump, "MAX_MAILBOX_BYTES", 10**9)
    reach(qtbot, trainer, "finished")
    assert listener.steps == list(range(10_000))


def test_scalars_come_in_batches(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    workshop.step_s = 0.0005
    ready(qtbot, trainer, 600)
    trainer.play()
    reach(qtbot, trainer, "finished")
    parts = listener.drain().scalars
    seconds = workshop.runs[0].times[-1] - workshop.runs[0].times[0]
    assert sum(len(part.steps) for part in parts) == 600
    assert len(parts) <= 30 * seconds + 4


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
