"""Where the training thread leaves what it measured, and the window picks it up."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from initviz.telemetry.frame import Frame, LaneState, Scalars, Validation


@dataclass(frozen=True, slots=True)
class Delivery:
    """What had gathered since the mailbox was last emptied, all of one run.

    Attributes:
        run_id: The run; 0 before the first.
        scalars: Stretches of steps in order, none missing.
        frame: The latest full look, or None.
        validations: Scores in order, none missing.
        lanes: How each lane fares by now; empty where nobody said.
    """

    run_id: int
    scalars: tuple[Scalars, ...] = ()
    frame: Frame | None = None
    validations: tuple[Validation, ...] = ()
    lanes: tuple[LaneState, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.scalars or self.validations or self.lanes or self.frame is not None)


class Mailbox:
    """Holds measurements between two threads.

    Scalars and scores are all kept; of frames, and of how the lanes fare, only the latest.

    Any thread may call any method. A lock is held for a few list operations only.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._run_id = 0
        self._scalars: list[Scalars] = []
        self._validations: list[Validation] = []
        self._frame: Frame | None = None
        self._lanes: tuple[LaneState, ...] = ()
        self._num_bytes = 0

    def open(self, run_id: int) -> None:
        """Empty the mailbox and from now on take in only what run ``run_id`` measures."""
        with self._lock:
            self._run_id = run_id
            self._clear()

    def post(
        self,
        run_id: int,
        *,
        scalars: Scalars | None = None,
        frame: Frame | None = None,
        validation: Validation | None = None,
        lanes: tuple[LaneState, ...] = (),
    ) -> None:
        """Leave measurements; those of a run that is no longer shown are dropped."""
        with self._lock:
            if run_id != self._run_id:
                return
            if scalars is not None:
                self._scalars.append(scalars)
                self._num_bytes += _size(scalars)
            if validation is not None:
                self._validations.append(validation)
            if frame is not None:
                self._frame, self._lanes = frame, ()  # it has its own
            self._lanes = lanes or self._lanes

    def drain(self) -> Delivery:
        """Take everything out."""
        with self._lock:
            delivery = Delivery(
                self._run_id, tuple(self._scalars), self._frame, tuple(self._validations), self._lanes
            )
            self._clear()
        return delivery

    @property
    def num_bytes(self) -> int:
        """Memory of the scalars that nobody has picked up yet."""
        return self._num_bytes

    def _clear(self) -> None:
        self._scalars = []
        self._validations = []
        self._frame = None
        self._lanes = ()
        self._num_bytes = 0


def _size(scalars: Scalars) -> int:
    return (
        scalars.steps.nbytes
        + scalars.loss.nbytes
        + scalars.accuracy.nbytes
        + scalars.lr.nbytes
        + scalars.weight_norm.nbytes
        + scalars.grad_norm.nbytes
        + scalars.update_norm.nbytes
    )
