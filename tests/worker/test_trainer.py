"""Commands and states, with runs that need no torch."""

from __future__ import annotations

import functools
import threading

import pytest
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.worker.trainer import Trainer
from tests.worker.fakes import EveryStep, FakeWorkshop, Listener, experiment
from tests.worker.states import reach, ready, state


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
    assert listener.frame_steps == [0]
    trainer.play()
    assert state(trainer) == "playing"
    reach(qtbot, trainer, "finished")
    assert listener.said == ["loading", "started", "ready", "playing", "finished"]
    assert listener.started[0].run_id == trainer.run_id == 1
    assert [fraction for fraction, _ in listener.progress] == [0.0, 0.5, 1.0, 1.0]
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
    assert workshop.runs[0].completed == [300]


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
    assert run.completed == [step]
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
    assert workshop.runs[0].completed == [2]
    assert listener.validation_steps[-1] == 2
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
        assert run.completed == list(range(1, number + 1))
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


def test_warming_up_says_how_far_it_is(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    trainer.warm_up()
    qtbot.waitUntil(lambda: workshop.warm_ups == 1 and len(listener.progress) == 1, timeout=5000)
    assert state(trainer) == "empty"


def test_a_look_at_rest_is_completed_while_nothing_else_is_to_be_done(
    qtbot: QtBot, trainer: Trainer, listener: Listener, workshop: FakeWorkshop
) -> None:
    """What takes longer is done in slices, and shown at the end; an update puts an end to it."""
    workshop.rest_slices = 5
    ready(qtbot, trainer)
    run = workshop.runs[0]
    qtbot.waitUntil(lambda: len(run.rested) == 5, timeout=5000)
    qtbot.waitUntil(lambda: len(run.told) == 2, timeout=5000)
    assert run.told == [0, 0]
    workshop.rest_slices = 10**9
    ready(qtbot, trainer)
    run = workshop.runs[1]
    qtbot.waitUntil(lambda: len(run.rested) > 5, timeout=5000)
    trainer.step_once()
    qtbot.waitUntil(lambda: run.step == 1, timeout=5000)
    seen = len(run.rested)
    qtbot.wait(30)
    assert len(run.rested) == seen
    assert set(run.rested) == {0}
