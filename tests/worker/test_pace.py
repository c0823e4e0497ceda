"""How fast updates and measurements come."""

from __future__ import annotations

import itertools
import time

import pytest
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.worker import pump, training
from initviz.worker.trainer import Trainer
from initviz.worker.training import LANES_INTERVAL_S
from tests.worker.fakes import FakeWorkshop, Listener, Never
from tests.worker.states import reach, ready


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


def test_training_waits_for_a_window_that_does_not_look(
    qtbot: QtBot,
    trainer: Trainer,
    listener: Listener,
    workshop: FakeWorkshop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pump, "MAX_MAILBOX_BYTES", 1000)
    monkeypatch.setattr(training, "POST_INTERVAL_S", 0.0)
    ready(qtbot, trainer, 1_000)
    trainer.play()
    qtbot.waitUntil(lambda: trainer.mailbox.num_bytes > 1000, timeout=5000)
    qtbot.wait(120)
    # It does not stand quite still: once in 50 ms it makes an update.
    assert workshop.runs[0].step < 40
    assert listener.steps == list(range(len(listener.steps)))
    monkeypatch.setattr(pump, "MAX_MAILBOX_BYTES", 10**9)
    reach(qtbot, trainer, "finished")
    assert listener.steps == list(range(1_000))


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


def test_how_the_lanes_fare_is_told_however_rare_frames_are(qtbot: QtBot) -> None:
    """Five times a second, not once a frame; and what is told arrives."""
    workshop = FakeWorkshop(Never, step_s=0.002)
    trainer = Trainer(catalogue(), Limits(), workshop=workshop)
    listener = Listener(trainer)
    ready(qtbot, trainer, 100_000)
    trainer.play()
    qtbot.waitUntil(lambda: len(workshop.runs[0].judged) >= 4, timeout=5000)
    trainer.pause()
    listener.drain()
    run = workshop.runs[0]
    assert len(run.looked_at) <= 2
    told = [run.times[step - 1] for step in run.judged]
    assert all(later - earlier > 0.5 * LANES_INTERVAL_S for earlier, later in itertools.pairwise(told[1:]))
    assert any(delivery.lanes for delivery in listener.deliveries)
    assert trainer.shutdown()
