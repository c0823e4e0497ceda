"""What is worked out of a run beside its training: a slice at a time, between updates."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text
from initviz.worker import messages
from initviz.worker.failures import is_out_of_memory, summary
from initviz.worker.training import TrainingRun

SHARE = 0.4
"""While the run plays, its errands may take this share of the time."""

TELL_INTERVAL_S = 0.05
"""How far an errand is, is told no more often than this."""

logger = logging.getLogger(__name__)

NO_RUN = Text(
    "There is no run to work with. Reset, then try again.",
    "当前没有训练可用。请先重置，然后再试。",
)

NO_MEMORY = Text(
    "There is not enough memory on this device for that. The run goes on; ask for less, then try again.",
    "此设备的内存不足以完成这项计算。训练会继续；请减小计算量后再试。",
)


@dataclass(slots=True)
class _Work:
    run_id: int
    number: int
    slices: Generator[float, None, object]
    told_s: float


class Errands:
    """The errands of one run; the one that was asked for first is done first.

    Everything happens in the training thread.

    Args:
        report: Takes what comes of them.
    """

    def __init__(self, report: Callable[[messages.ErrandReport], None]) -> None:
        self._report = report
        self._waiting: deque[_Work] = deque()
        self._next_s = 0.0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def next_s(self) -> float:
        """When the next slice may be done while the run plays, by ``time.perf_counter``."""
        return self._next_s

    def begin(self, command: messages.RunErrand, run: TrainingRun) -> None:
        """Take an errand on; its first slice is done by and by."""
        slices = command.errand.begin(run)
        self._waiting.append(_Work(command.run_id, command.number, slices, time.perf_counter()))

    def refuse(self, command: messages.RunErrand) -> None:
        """Say that there is no run to work with."""
        self._report(messages.ErrandFailed(command.run_id, command.number, NO_RUN))

    def cancel(self, number: int) -> None:
        """Give an errand up, wherever it is."""
        for work in [work for work in self._waiting if work.number == number]:
            self._waiting.remove(work)
            self._close(work)

    def clear(self) -> None:
        """Give everything up: the run is no more."""
        while self._waiting:
            self._close(self._waiting.popleft())

    def work(self) -> None:
        """Do one slice."""
        work = self._waiting[0]
        start_s = time.perf_counter()
        try:
            fraction = next(work.slices)
        except StopIteration as end:
            self._waiting.popleft()
            self._report(messages.ErrandDone(work.run_id, work.number, end.value))
        except InitVizError as error:
            logger.warning("errand %d failed: %s", work.number, error)
            self._fail(error.text)
        except Exception as error:
            logger.exception("errand %d failed", work.number)
            self._fail(_fault(error))
        else:
            if time.perf_counter() - work.told_s >= TELL_INTERVAL_S:
                work.told_s = time.perf_counter()
                self._report(messages.ErrandProgress(work.run_id, work.number, fraction))
        end_s = time.perf_counter()
        self._next_s = end_s + (end_s - start_s) * (1 / SHARE - 1)

    def _fail(self, text: Text) -> None:
        work = self._waiting.popleft()
        self._report(messages.ErrandFailed(work.run_id, work.number, text))

    @staticmethod
    def _close(work: _Work) -> None:
        try:
            work.slices.close()
        except Exception:
            logger.exception("errand %d did not end cleanly", work.number)


def _fault(error: Exception) -> Text:
    """Return what is said of an error that was not foreseen."""
    if is_out_of_memory(error):
        return NO_MEMORY
    shown = summary(error)
    return Text(
        f"This could not be worked out because of a fault in the program ({shown}). The run goes on, and details are "
        "in the log file.",
        f"程序出现故障，未能完成计算（{shown}）。训练会继续，详细信息在日志文件中。",
    )
