"""Earlier stages, which are trained while the window shows how far they are."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.engine import stage_cache
from initviz.engine.race import Race
from initviz.engine.weights import lane_weights, load_weights
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.experiment.values import Experiment
from initviz.worker.messages import StageAnswer, StageProgress
from initviz.worker.trainer import Trainer
from tests.worker.fakes import FakeStages, FakeWorkshop, Listener, experiment
from tests.worker.states import reach
from tests.worker.states import state as state_of

STEPS = 200


def staged(stage_steps: int = STEPS, **changes: object) -> Experiment:
    """Return an experiment of one lane that starts where a stage has ended."""
    document: dict[str, object] = {
        "name": "staged",
        "device": "cpu",
        "steps": 20,
        "data": {"name": "moons", "batch_size": 32},
        "model": {"family": "mlp", "depth": 2, "width": 8, "activation": "relu"},
        "init": {"weight": {"name": "from_weights", "source": "stage:first"}},
        "stages": [{"name": "first", "steps": stage_steps, "seed": 3}],
        "lanes": [{"name": "loaded"}],
    }
    return read_document(document | changes, catalogue(), Limits())


class Ear:
    """Writes down what is told of stages."""

    def __init__(self, trainer: Trainer) -> None:
        self.heard: list[StageProgress] = []
        self.cancelled: list[Text] = []
        trainer.stage_progress.connect(self._note)
        trainer.cancelled.connect(self._note_cancelled)

    def _note(self, progress: StageProgress) -> None:
        self.heard.append(progress)

    def _note_cancelled(self, text: Text) -> None:
        self.cancelled.append(text)


def wait_for_step(qtbot: QtBot, ear: Ear, step: int = 1) -> None:
    qtbot.waitUntil(lambda: bool(ear.heard) and ear.heard[-1].step >= step, timeout=60_000)


# With fake runs


def test_a_stage_tells_how_far_it_is_and_the_run_follows(
    qtbot: QtBot, trainer: Trainer, workshop: FakeWorkshop, listener: Listener
) -> None:
    workshop.train_stages = FakeStages(("first", "teacher"), steps=3)
    ear = Ear(trainer)
    trainer.load(experiment())
    reach(qtbot, trainer, "ready")
    assert [(one.index, one.name, one.step) for one in ear.heard] == [
        (index, name, step) for index, name in enumerate(("first", "teacher")) for step in range(4)
    ]
    assert {one.run_id for one in ear.heard} == {trainer.run_id}
    assert not ear.cancelled


def test_skipping_ends_the_stage_that_the_person_saw_and_no_other(
    qtbot: QtBot, trainer: Trainer, workshop: FakeWorkshop, listener: Listener
) -> None:
    stages = workshop.train_stages = FakeStages(("first", "second"), steps=60)
    ear = Ear(trainer)
    trainer.load(experiment())
    wait_for_step(qtbot, ear)
    trainer.skip_stage()
    reach(qtbot, trainer, "ready")
    assert stages.ended == ["first", "second"]
    skipped = [(index, step) for index, step, answer in stages.heard if answer is StageAnswer.SKIP]
    assert len(skipped) == 1
    assert skipped[0][0] == 0
    assert skipped[0][1] < 60
    assert stages.heard[-1][:2] == (1, 60)
    trainer.skip_stage()  # nothing is trained any more
    trainer.reset()
    ear.heard.clear()
    qtbot.waitUntil(lambda: len(ear.heard) > 5, timeout=5000)
    assert ear.heard[5].step == 5, "another run is asked anew"
    trainer.cancel_stages()
    reach(qtbot, trainer, "cancelled")


def test_cancelling_builds_nothing_and_the_run_can_be_made_again(
    qtbot: QtBot, trainer: Trainer, workshop: FakeWorkshop, listener: Listener
) -> None:
    workshop.train_stages = FakeStages(steps=10**6)
    ear = Ear(trainer)
    trainer.load(experiment())
    trainer.play()
    wait_for_step(qtbot, ear)
    trainer.cancel_stages()
    reach(qtbot, trainer, "cancelled")
    assert ear.cancelled == [Text("teacher was cancelled", "teacher 已取消")]
    assert trainer.info is None
    assert workshop.runs == []
    trainer.play()
    trainer.step_once()
    qtbot.wait(30)
    assert state_of(trainer) == "cancelled"
    workshop.train_stages = FakeStages(steps=3)
    trainer.reset()
    reach(qtbot, trainer, "ready")
    assert state_of(trainer) == "ready", "to play was called off as well"


def test_another_experiment_ends_a_stage_at_once(
    qtbot: QtBot, trainer: Trainer, workshop: FakeWorkshop, listener: Listener
) -> None:
    stages = workshop.train_stages = FakeStages(steps=10**6)
    ear = Ear(trainer)
    trainer.load(experiment(name="one"))
    wait_for_step(qtbot, ear)
    workshop.train_stages = lambda run_id, hear: None
    began = time.monotonic()
    trainer.load(experiment(name="other"))
    heard = len(ear.heard)
    reach(qtbot, trainer, "ready")
    assert time.monotonic() - began < 1.0
    assert len(workshop.runs) == 1
    assert len(ear.heard) == heard
    assert not stages.ended
    assert not ear.cancelled


def test_closing_while_a_stage_is_trained_waits_for_its_step(
    qtbot: QtBot, trainer: Trainer, workshop: FakeWorkshop, listener: Listener
) -> None:
    """A step is longer than what is waited for while nothing but torch is loaded."""
    workshop.train_stages = FakeStages(steps=10**6, step_s=0.6)
    ear = Ear(trainer)
    trainer.load(experiment())
    qtbot.waitUntil(lambda: bool(ear.heard), timeout=5000)
    began = time.monotonic()
    assert trainer.shutdown()
    assert time.monotonic() - began < 2.0


# With real ones


def test_the_window_changes_no_number_of_a_stage(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener, tmp_path: Path
) -> None:
    ear = Ear(torch_trainer)
    torch_trainer.load(staged())
    torch_trainer.play()
    qtbot.waitUntil(lambda: torch_trainer.state == "finished", timeout=60_000)
    assert ear.heard[0].step == 0
    assert ear.heard[-1].step == STEPS
    assert (ear.heard[-1].name, ear.heard[-1].role, ear.heard[-1].total) == ("first", "pretrain", STEPS)
    assert np.isfinite([ear.heard[-1].loss, ear.heard[-1].validation_loss]).all()
    alone = Race(staged().stages[0].experiment, catalogue(), Limits())
    for _ in alone:
        pass
    (kept,) = stage_cache.folder().iterdir()
    found, expected = dict(load_weights(kept, Limits())), dict(lane_weights(alone, 0))
    assert all(found[key].equal(expected[key]) for key in expected)
    race = Race(staged(), catalogue(), Limits())
    losses = np.array([state.loss.double().tolist() for state in race])
    np.testing.assert_array_equal(torch_listener.losses, losses)


def test_a_stage_that_is_kept_is_told_and_not_trained(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener
) -> None:
    ear = Ear(torch_trainer)
    torch_trainer.load(staged())
    qtbot.waitUntil(lambda: torch_trainer.state == "ready", timeout=60_000)
    ear.heard.clear()
    torch_trainer.reset()
    qtbot.waitUntil(lambda: torch_trainer.state == "ready", timeout=60_000)
    assert [(one.from_cache, one.step) for one in ear.heard] == [(True, STEPS)]


@pytest.mark.parametrize("end", ["other", "close", "cancel"])
def test_a_stage_ends_within_two_seconds(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener, end: str
) -> None:
    ear = Ear(torch_trainer)
    torch_trainer.load(staged(10**7))
    wait_for_step(qtbot, ear)
    began = time.monotonic()
    if end == "close":
        assert torch_trainer.shutdown()
    elif end == "cancel":
        torch_trainer.cancel_stages()
        qtbot.waitUntil(lambda: torch_trainer.state == "cancelled", timeout=5000)
        said = ear.cancelled[0]
        assert "'first' was cancelled at step" in said.en
        assert "Stages that were done are kept" in said.en
        assert "“first”" in said.zh
    else:
        torch_trainer.load(staged(10**7, stages=[], init={"weight": {"name": "he_normal"}}))
        qtbot.waitUntil(lambda: torch_trainer.state == "ready", timeout=5000)
    took = time.monotonic() - began
    print(f"{end}: {1000 * took:.0f} ms")
    assert took < 2.0


def test_an_edit_of_the_lanes_lets_a_stage_go_on(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener
) -> None:
    """What is being trained is not thrown away for a change that does not concern it, nor is the answer to skip it."""
    ear = Ear(torch_trainer)
    torch_trainer.load(staged(10**7))
    wait_for_step(qtbot, ear, 50)
    edited = staged(10**7, steps=7)
    torch_trainer.load(edited)
    before = ear.heard[-1].step
    qtbot.waitUntil(lambda: ear.heard[-1].run_id == 2, timeout=5000)
    assert ear.heard[-1].step >= before
    torch_trainer.skip_stage()
    qtbot.waitUntil(lambda: torch_trainer.state == "ready", timeout=10_000)
    assert torch_trainer.info is not None
    assert torch_trainer.info.total_steps == 7
    assert 1 not in {info.run_id for info in torch_listener.started}
    assert not stage_cache.folder().exists(), "what was skipped is not kept"
    ear.heard.clear()
    torch_trainer.reset()
    wait_for_step(qtbot, ear)  # a reset trains it again
    torch_trainer.cancel_stages()
    qtbot.waitUntil(lambda: torch_trainer.state == "cancelled", timeout=5000)


def test_a_stage_that_diverges_says_which_and_what_to_do(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener
) -> None:
    start = {"weight": {"name": "normal", "std": 1000.0}}
    wild: dict[str, object] = {
        "name": "first",
        "steps": 50,
        "init": start,
        "optimizer": {"name": "sgd", "lr": 1000.0},
    }
    wild["model"] = {"activation": "identity"}
    torch_trainer.load(staged(stages=[wild]))
    qtbot.waitUntil(lambda: torch_trainer.state == "failed", timeout=60_000)
    torch_listener.expected_failures = torch_listener.failures
    said = torch_listener.failures[0]
    assert "the stage 'first' cannot be used" in said.en
    assert "diverged at step" in said.en
    assert "smaller learning rate" in said.en
    assert "No lane was started" in said.en
    assert "阶段“first”无法使用" in said.zh
    torch_trainer.load(staged())
    qtbot.waitUntil(lambda: torch_trainer.state == "ready", timeout=60_000)


def test_a_bad_file_says_which_stage_what_and_where(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener, tmp_path: Path
) -> None:
    path = tmp_path / "teacher.safetensors"
    path.write_bytes(b"nothing of use")
    torch_trainer.load(staged(stages=[{"name": "first", "weights": str(path)}]))
    qtbot.waitUntil(lambda: torch_trainer.state == "failed", timeout=60_000)
    torch_listener.expected_failures = torch_listener.failures
    said = torch_listener.failures[0].en
    assert said.startswith(
        f"stages[0].weights: {path}: the stage 'first' cannot be used: the file is damaged"
    )
    assert "Nothing was loaded" in said
