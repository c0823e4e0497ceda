"""Weights of a lane, saved at any moment of a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.engine.weights import lane_weights, load_weights
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.worker import messages
from initviz.worker.trainer import Trainer
from tests.worker.fakes import FakeWorkshop, Listener, experiment
from tests.worker.states import reach, ready
from tests.worker.test_training_with_torch import moons


class Ear:
    """Writes down what becomes of files."""

    def __init__(self, trainer: Trainer) -> None:
        self.saved: list[messages.WeightsSaved] = []
        self.not_saved: list[Text] = []
        trainer.weights_saved.connect(self._note_saved)
        trainer.weights_not_saved.connect(self._note_not_saved)

    def _note_saved(self, report: messages.WeightsSaved) -> None:
        self.saved.append(report)

    def _note_not_saved(self, text: Text) -> None:
        self.not_saved.append(text)


def test_weights_are_saved_before_play_while_playing_paused_and_at_the_end(
    qtbot: QtBot, trainer: Trainer, workshop: FakeWorkshop, listener: Listener, tmp_path: Path
) -> None:
    ear = Ear(trainer)
    workshop.step_s = 0.001

    def save(name: str) -> messages.WeightsSaved:
        count = len(ear.saved)
        trainer.save_weights(1, tmp_path / name)
        qtbot.waitUntil(lambda: len(ear.saved) > count, timeout=5000)
        return ear.saved[-1]

    ready(qtbot, trainer, 300)
    name = workshop.runs[0].info.lanes[1].name
    assert save("start") == messages.WeightsSaved(trainer.run_id, name, 0, tmp_path / "start")
    trainer.play()
    qtbot.waitUntil(lambda: workshop.runs[0].step > 10, timeout=5000)
    playing = save("playing")
    assert trainer.state == "playing"
    assert 10 < playing.step < 300
    trainer.pause()
    paused = save("paused")
    assert paused.step == workshop.runs[0].step >= playing.step
    trainer.play()
    reach(qtbot, trainer, "finished")
    assert save("end").step == 300
    assert (tmp_path / "end").read_text() == f"{name} at step 300"
    assert not ear.not_saved


def test_a_real_file_holds_the_lane_as_it_is(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener, tmp_path: Path
) -> None:
    ear, path = Ear(torch_trainer), tmp_path / "small.safetensors"
    torch_trainer.load(moons())
    qtbot.waitUntil(lambda: torch_trainer.state == "ready", timeout=60_000)
    for _ in range(3):
        torch_trainer.step_once()
    torch_trainer.save_weights(1, path)
    qtbot.waitUntil(lambda: bool(ear.saved), timeout=10_000)
    assert ear.saved == [messages.WeightsSaved(torch_trainer.run_id, "small", 3, path)]
    race = Race(moons(), catalogue(), Limits())
    for _ in range(3):
        next(race)
    expected, found = dict(lane_weights(race, 1)), dict(load_weights(path, Limits()))
    assert found.keys() == expected.keys()
    assert all(found[key].equal(expected[key]) for key in expected)


def test_a_folder_that_is_not_there_is_a_failure_in_words_and_the_run_goes_on(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener, tmp_path: Path
) -> None:
    ear = Ear(torch_trainer)
    torch_trainer.load(moons())
    torch_trainer.save_weights(0, tmp_path / "nowhere" / "He.safetensors")
    qtbot.waitUntil(lambda: bool(ear.not_saved), timeout=60_000)
    assert "nothing was changed" in ear.not_saved[0].en
    assert "没有任何改动" in ear.not_saved[0].zh
    assert str(tmp_path / "nowhere") in ear.not_saved[0].en
    torch_trainer.play()
    qtbot.waitUntil(lambda: torch_trainer.state == "finished", timeout=60_000)


@pytest.mark.parametrize("state", ["empty", "failed"])
def test_without_a_run_there_is_nothing_to_save(
    qtbot: QtBot, trainer: Trainer, workshop: FakeWorkshop, listener: Listener, tmp_path: Path, state: str
) -> None:
    ear = Ear(trainer)
    if state == "failed":
        workshop.fail_to_build = RuntimeError("no")
        trainer.load(experiment())
        reach(qtbot, trainer, "failed")
        listener.expected_failures = listener.failures
    trainer.save_weights(0, tmp_path / "none")
    qtbot.waitUntil(lambda: bool(ear.not_saved), timeout=5000)
    assert "There is no run" in ear.not_saved[0].en
    assert not (tmp_path / "none").exists()
