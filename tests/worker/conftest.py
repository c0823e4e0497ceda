"""A trainer that is always shut down, and whose failures fail the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.worker.trainer import Trainer
from tests.worker.fakes import FakeWorkshop, Listener


@pytest.fixture
def workshop() -> FakeWorkshop:
    return FakeWorkshop()


@pytest.fixture
def trainer(qtbot: QtBot, workshop: FakeWorkshop) -> Iterator[Trainer]:
    """A trainer of fake runs."""
    trainer = Trainer(catalogue(), Limits(), workshop=workshop)
    yield trainer
    assert trainer.shutdown()


@pytest.fixture
def torch_trainer(qtbot: QtBot) -> Iterator[Trainer]:
    """A trainer of real runs."""
    trainer = Trainer(catalogue(), Limits())
    yield trainer
    assert trainer.shutdown()


def _listen(trainer: Trainer) -> Iterator[Listener]:
    listener = Listener(trainer)
    yield listener
    assert [str(text) for text in listener.failures] == [str(text) for text in listener.expected_failures]


@pytest.fixture
def listener(trainer: Trainer) -> Iterator[Listener]:
    """Everything that the trainer has said."""
    yield from _listen(trainer)


@pytest.fixture
def torch_listener(torch_trainer: Trainer) -> Iterator[Listener]:
    """Everything that the trainer of real runs has said."""
    yield from _listen(torch_trainer)
