"""The thread with real networks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.experiment.values import Experiment
from initviz.worker.trainer import Trainer
from tests.worker.fakes import Listener

STEPS = 60


def moons(**changes: object) -> Experiment:
    document: dict[str, object] = {
        "name": "moons",
        "device": "cpu",
        "steps": STEPS,
        "data": {"name": "moons", "batch_size": 32},
        "model": {"family": "mlp", "depth": 3, "width": 16, "activation": "relu"},
        "lanes": [
            {"name": "He"},
            {"name": "small", "init": {"weight": {"name": "normal", "std": 0.01}}},
            {"name": "Adam", "optimizer": {"name": "adam", "lr": 0.01}},
        ],
    }
    return read_document(document | changes, catalogue(), Limits())


def losses_without_a_window(experiment: Experiment) -> NDArray[np.float64]:
    from initviz.engine.race import Race

    return np.array([state.loss.double().tolist() for state in Race(experiment, catalogue(), Limits())])


def reach(qtbot: QtBot, trainer: Trainer, state: str) -> None:
    qtbot.waitUntil(lambda: trainer.state in (state, "failed"), timeout=60_000)
    assert trainer.state == state


def play_through(qtbot: QtBot, trainer: Trainer) -> None:
    trainer.play()
    reach(qtbot, trainer, "finished")


def play_with_pauses(qtbot: QtBot, trainer: Trainer) -> None:
    reach(qtbot, trainer, "ready")
    trainer.step_once()
    trainer.set_speed(100.0)
    trainer.play()
    qtbot.wait(40)
    trainer.pause()
    qtbot.wait(20)
    trainer.step_once()
    trainer.step_once()
    trainer.set_speed(0.0)
    trainer.play()
    reach(qtbot, trainer, "finished")


def play_unwatched(qtbot: QtBot, trainer: Trainer) -> None:
    trainer.set_watching(False)
    play_through(qtbot, trainer)


def play_again(qtbot: QtBot, trainer: Trainer) -> None:
    trainer.play()
    qtbot.waitUntil(lambda: trainer.state in ("playing", "finished"), timeout=60_000)
    trainer.reset()
    play_through(qtbot, trainer)


@pytest.mark.parametrize("way", [play_through, play_with_pauses, play_unwatched, play_again])
def test_the_window_changes_no_number(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener, way: Callable[[QtBot, Trainer], None]
) -> None:
    experiment = moons()
    torch_trainer.load(experiment)
    way(qtbot, torch_trainer)
    assert torch_listener.steps == list(range(STEPS))
    np.testing.assert_array_equal(torch_listener.losses, losses_without_a_window(experiment))


def test_a_finished_run_has_its_last_frame_and_scores(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener
) -> None:
    from initviz.engine.race import Race

    experiment = moons()
    torch_trainer.load(experiment)
    play_through(qtbot, torch_trainer)
    delivery = torch_listener.drain()
    assert delivery.frame is not None
    assert delivery.frame.step == STEPS - 1
    assert delivery.frame.validation is not None
    race = Race(experiment, catalogue(), Limits())
    for _ in race:
        pass
    loss, accuracy = race.evaluate()
    assert delivery.frame.validation.step == STEPS
    np.testing.assert_array_equal(delivery.frame.validation.loss, loss)
    np.testing.assert_array_equal(delivery.validations[-1].accuracy, accuracy)
    assert not delivery.frame.weights.counts.flags.writeable


def test_loading_says_what_it_does(qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener) -> None:
    torch_trainer.load(moons())
    reach(qtbot, torch_trainer, "ready")
    fractions = [fraction for fraction, _ in torch_listener.progress]
    said = [text.en for _, text in torch_listener.progress]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    for step in ("Loading PyTorch", "Loading the data", "Drawing the weights", "Warming up"):
        assert step in said


def test_a_device_that_is_not_there_is_a_failure_in_words(
    qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has that device")
    torch_trainer.load(moons(device="cuda"))
    qtbot.waitUntil(lambda: torch_trainer.state == "failed", timeout=60_000)
    torch_listener.expected_failures = torch_listener.failures
    assert "no device 'cuda'" in torch_listener.failures[0].en
    assert "没有设备“cuda”" in torch_listener.failures[0].zh
    torch_trainer.load(moons())
    reach(qtbot, torch_trainer, "ready")


def test_loading_while_playing(qtbot: QtBot, torch_trainer: Trainer, torch_listener: Listener) -> None:
    torch_trainer.load(moons(steps=10**7))
    torch_trainer.play()
    qtbot.waitUntil(lambda: len(torch_listener.steps) > 20, timeout=60_000)
    experiment = moons(seed=7)
    torch_trainer.load(experiment)
    play_through(qtbot, torch_trainer)
    np.testing.assert_array_equal(torch_listener.losses, losses_without_a_window(experiment))


def test_closing_at_fifty_moments_of_training_leaves_no_thread(qtbot: QtBot) -> None:
    random = Random(1)
    experiment = moons(steps=10**7)
    num_training = 0
    for _ in range(50):
        trainer = Trainer(catalogue(), Limits())
        listener = Listener(trainer)
        trainer.load(experiment)
        trainer.play()
        qtbot.wait(random.randrange(160))
        num_training += trainer.state == "playing"
        listener.drain()
        assert trainer.shutdown()
        assert not trainer._thread.isRunning()
        assert listener.failures == []
    assert num_training > 10, "the moments are meant to fall into training, too"


PROGRAM = """
import sys
from PySide6.QtCore import QCoreApplication, QTimer
from initviz.catalog.index import catalogue
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.worker.trainer import Trainer
from initviz.worker.workshop import TorchWorkshop

class Workshop(TorchWorkshop):
    def build(self, experiment, run_id, announce, hear_stage):
        run = super().build(experiment, run_id, announce, hear_stage)
        import torch
        print(torch.get_num_threads(), TINY * 0.5 == 0.0)
        return run

TINY = sys.float_info.min
application = QCoreApplication(sys.argv)
trainer = Trainer(catalogue(), Limits(), workshop=Workshop(catalogue(), Limits()))
print("torch" in sys.modules, "sklearn" in sys.modules, TINY * 0.5 == 0.0)
trainer.failed.connect(lambda text: (print(text), application.exit(1)))
trainer.state_changed.connect(lambda state: application.quit() if state == "finished" else None)
trainer.warm_up()
document = {"steps": 5, "device": "cpu", "model": {"family": "mlp", "depth": 2, "width": 8}}
trainer.load(read_document(document, catalogue(), Limits()))
trainer.play()
code = application.exec()
print("torch" in sys.modules, TINY * 0.5 == 0.0)
print(trainer.shutdown())
sys.exit(code)
"""


def test_torch_comes_in_the_thread_which_is_set_up_for_it() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines() == ["False False False", "1 True", "True True", "True"]
