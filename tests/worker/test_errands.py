"""What is worked out of a run beside its training."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field

from pytestqt.qtbot import QtBot

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.worker import messages
from initviz.worker.trainer import Trainer
from initviz.worker.training import TrainingRun
from tests.worker.fakes import FakeWorkshop, Listener, experiment
from tests.worker.states import reach, ready


@dataclass
class Count:
    """Counts its slices and writes down at which step of the run each was done."""

    slices: int = 5
    slice_s: float = 0.0
    fails_at: int = -1
    error: Exception = field(default_factory=lambda: InitVizError(Text("too steep", "太陡")))
    steps: list[int] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    closed: bool = False

    def begin(self, run: TrainingRun) -> Generator[float, None, object]:
        try:
            for number in range(self.slices):
                if number == self.fails_at:
                    raise self.error
                time.sleep(self.slice_s)
                self.steps.append(run.step)
                self.threads.add(threading.get_ident())
                yield (number + 1) / self.slices
        finally:
            self.closed = True
        return ("counted", self.slices)


class Ear:
    """Writes down what is told of errands."""

    def __init__(self, trainer: Trainer) -> None:
        self.told: list[messages.ErrandReport] = []
        trainer.errand_told.connect(self._note)

    def _note(self, report: messages.ErrandReport) -> None:
        self.told.append(report)

    def ends(self) -> list[messages.ErrandReport]:
        return [one for one in self.told if not isinstance(one, messages.ErrandProgress)]


def test_an_errand_is_done_before_the_first_step_and_its_result_arrives(
    qtbot: QtBot, trainer: Trainer, listener: Listener
) -> None:
    ear, errand = Ear(trainer), Count(slices=4, slice_s=0.06)
    ready(qtbot, trainer)
    number = trainer.run_errand(errand)
    qtbot.waitUntil(lambda: bool(ear.ends()), timeout=5000)
    assert ear.ends() == [messages.ErrandDone(trainer.run_id, number, ("counted", 4))]
    fractions = [one.fraction for one in ear.told if isinstance(one, messages.ErrandProgress)]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.25
    assert errand.steps == [0, 0, 0, 0]
    assert errand.threads.isdisjoint({threading.get_ident()})


def test_training_goes_on_beside_an_errand(
    qtbot: QtBot, trainer: Trainer, workshop: FakeWorkshop, listener: Listener
) -> None:
    """Neither starves the other: there are updates between the slices, and both take their share of the time."""
    workshop.step_s = 0.002
    ear, errand = Ear(trainer), Count(slices=20, slice_s=0.01)
    ready(qtbot, trainer, 10**6)
    trainer.play()
    qtbot.waitUntil(lambda: workshop.runs[0].step > 3, timeout=5000)
    before = workshop.runs[0].step
    trainer.run_errand(errand)
    qtbot.waitUntil(lambda: bool(ear.ends()), timeout=10_000)
    trainer.pause()
    assert isinstance(ear.ends()[0], messages.ErrandDone)
    assert len(set(errand.steps)) == 20
    # Twenty slices of 10 ms at two fifths of the time leave 300 ms for updates of 2 ms and what goes with them.
    assert workshop.runs[0].step - before > 40


def test_an_errand_uses_the_time_that_a_slow_run_leaves(
    qtbot: QtBot, trainer: Trainer, workshop: FakeWorkshop, listener: Listener
) -> None:
    """The pace that was chosen is kept, and what lies between two updates is the errand's."""
    ear, errand = Ear(trainer), Count(slices=10, slice_s=0.01)
    ready(qtbot, trainer, 10**6)
    trainer.set_speed(2.0)
    trainer.play()
    qtbot.waitUntil(lambda: workshop.runs[0].step == 1, timeout=5000)
    trainer.run_errand(errand)
    qtbot.waitUntil(lambda: bool(ear.ends()), timeout=5000)
    assert workshop.runs[0].step <= 2
    qtbot.waitUntil(lambda: workshop.runs[0].step == 3, timeout=5000)
    gaps = [later - sooner for sooner, later in itertools.pairwise(workshop.runs[0].times)]
    assert min(gaps) > 0.45


def test_an_errand_that_fails_says_why_and_the_run_goes_on(
    qtbot: QtBot, trainer: Trainer, listener: Listener
) -> None:
    ear = Ear(trainer)
    ready(qtbot, trainer)
    known = trainer.run_errand(Count(fails_at=2))
    unknown = trainer.run_errand(Count(fails_at=0, error=ZeroDivisionError("by nothing")))
    after = trainer.run_errand(Count())
    qtbot.waitUntil(lambda: len(ear.ends()) == 3, timeout=5000)
    first, second, third = ear.ends()
    assert first == messages.ErrandFailed(trainer.run_id, known, Text("too steep", "太陡"))
    assert isinstance(second, messages.ErrandFailed)
    assert second.number == unknown
    assert "ZeroDivisionError: by nothing" in second.text.en
    assert "The run goes on" in second.text.en
    assert isinstance(third, messages.ErrandDone)
    assert third.number == after
    trainer.play()
    reach(qtbot, trainer, "finished")


def test_a_cancelled_errand_is_closed_and_nothing_more_is_heard_of_it(
    qtbot: QtBot, trainer: Trainer, listener: Listener
) -> None:
    ear, errand = Ear(trainer), Count(slices=10**6, slice_s=0.001)
    ready(qtbot, trainer)
    number = trainer.run_errand(errand)
    qtbot.waitUntil(lambda: bool(ear.told), timeout=5000)
    trainer.cancel_errand(number)
    assert ear.told[-1] == messages.ErrandCancelled(trainer.run_id, number)
    heard = len(ear.told)
    qtbot.waitUntil(lambda: errand.closed, timeout=5000)
    trainer.cancel_errand(number)
    qtbot.wait(100)
    assert len(ear.told) == heard


def test_errands_end_with_their_run(qtbot: QtBot, trainer: Trainer, listener: Listener) -> None:
    ear, errand, waiting = Ear(trainer), Count(slices=10**6, slice_s=0.001), Count()
    ready(qtbot, trainer)
    numbers = [trainer.run_errand(errand), trainer.run_errand(waiting)]
    qtbot.waitUntil(lambda: bool(errand.steps), timeout=5000)
    first = trainer.run_id
    trainer.load(experiment())
    assert ear.ends() == [messages.ErrandCancelled(first, number) for number in numbers]
    reach(qtbot, trainer, "ready")
    assert errand.closed
    assert not waiting.steps


def test_errands_end_with_a_run_that_fails(
    qtbot: QtBot, trainer: Trainer, workshop: FakeWorkshop, listener: Listener
) -> None:
    def break_down(step: int) -> None:
        raise InitVizError(Text("the device is gone", "设备已断开"))

    workshop.on_advance = break_down
    ear, errand = Ear(trainer), Count(slices=10**6, slice_s=0.001)
    ready(qtbot, trainer)
    number = trainer.run_errand(errand)
    qtbot.waitUntil(lambda: bool(errand.steps), timeout=5000)
    trainer.step_once()
    reach(qtbot, trainer, "failed")
    listener.expected_failures = listener.failures
    assert ear.ends() == [messages.ErrandCancelled(trainer.run_id, number)]
    qtbot.waitUntil(lambda: errand.closed, timeout=5000)
    late = trainer.run_errand(Count())
    qtbot.waitUntil(lambda: len(ear.ends()) == 2, timeout=5000)
    refused = ear.ends()[1]
    assert isinstance(refused, messages.ErrandFailed)
    assert refused.number == late
    assert "There is no run" in refused.text.en


def test_closing_in_the_middle_of_an_errand_is_quick(
    qtbot: QtBot, trainer: Trainer, listener: Listener
) -> None:
    errand = Count(slices=10**6, slice_s=0.01)
    ready(qtbot, trainer)
    trainer.run_errand(errand)
    qtbot.waitUntil(lambda: bool(errand.steps), timeout=5000)
    start_s = time.monotonic()
    assert trainer.shutdown()
    assert time.monotonic() - start_s < 1.0
    assert errand.closed
