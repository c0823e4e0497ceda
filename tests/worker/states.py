"""Waiting for a trainer's states."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from initviz.worker.trainer import Trainer
from tests.worker.fakes import experiment


def reach(qtbot: QtBot, trainer: Trainer, state: str) -> None:
    qtbot.waitUntil(lambda: trainer.state == state, timeout=5000)


def state(trainer: Trainer) -> str:
    """Return the state without the type checker taking it for what it was a line before."""
    return trainer.state


def ready(qtbot: QtBot, trainer: Trainer, steps: int = 1000) -> None:
    trainer.load(experiment(steps))
    reach(qtbot, trainer, "ready")
