"""What the person wants of the stages that are being trained."""

from __future__ import annotations

import threading

from initviz.worker.messages import StageAnswer


class StageAnswers:
    """Asked by the training thread between two steps of a stage. Any thread may call any method.

    An answer holds for the one stage that the person saw: one that comes too late is of no consequence to the next.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._skipped: set[tuple[int, int]] = set()
        self._cancelled = 0

    def skip(self, run_id: int, index: int) -> None:
        """Let a stage of a run end with the weights that it has."""
        with self._lock:
            self._skipped.add((run_id, index))

    def cancel(self, run_id: int) -> None:
        """Let a run not be built."""
        with self._lock:
            self._cancelled = run_id

    def of(self, run_id: int, index: int) -> StageAnswer:
        """Return what is to become of a stage of a run."""
        with self._lock:
            if run_id == self._cancelled:
                return StageAnswer.CANCEL
            return StageAnswer.SKIP if (run_id, index) in self._skipped else StageAnswer.GO_ON
