"""What goes wrong in the thread arrives in words."""

from __future__ import annotations

import logging
import threading

import pytest
from pytestqt.qtbot import QtBot

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.worker.trainer import Trainer
from tests.worker.fakes import FakeWorkshop, Listener, experiment
from tests.worker.states import reach, ready, state


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
