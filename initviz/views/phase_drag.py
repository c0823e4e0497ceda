"""Moving a point of a phase diagram, by pointer and by keyboard."""

from __future__ import annotations

import math
import time
from typing import Protocol

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent

from initviz.views.canvas import Canvas

REACH = 14.0
"""Distance in pixels within which a point is taken hold of."""
NUDGE = 0.05
"""How far an arrow key moves a point; five times that with Shift."""
APART_S = 1.5
"""Keys in quicker succession are one move."""
TELL_MS = 50
"""A point that is moved tells where it is at most this often."""
SETTLE_MS = 3000
"""How long a point stays where it was put while the experiment follows; it goes back where that refuses."""
_STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class Ground(Protocol):
    """What the points lie on."""

    def grip(self) -> tuple[int, QPointF] | None:
        """Return the lane whose point can be moved, and where that is; None where there is none."""
        ...

    def sigmas(self, lane: int) -> tuple[float, float] | None:
        """Return where a lane starts."""
        ...

    def sigmas_at(self, place: QPointF) -> tuple[float, float]:
        """Return what a place of the canvas stands for, on the critical line where that is near."""
        ...

    def nudged(self, sigma_w: float, sigma_b: float, across: float, up: float) -> tuple[float, float]:
        """Return where a point goes that is moved by so much; it stops on the critical line on its way."""
        ...


class PointMover(QObject):
    """Follows the pointer and the keys on a canvas.

    Args:
        canvas: Where the points are drawn.
        ground: What they lie on.
        parent: Qt parent.

    Signals:
        changed: The point is elsewhere, or back where the run has it.
        told: A lane is to start elsewhere: lane, sigma_w, sigma_b, and a number that is the same for all of one move.
    """

    changed = Signal()
    told = Signal(int, float, float, int)

    def __init__(self, canvas: Canvas, ground: Ground, parent: QObject) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self._ground = ground
        self._at: QPointF | None = None
        self._moved: tuple[int, float, float] | None = None
        self._number = 0
        self._nudged_s = -math.inf
        self._tell = self._timer(TELL_MS, self._say_where)
        self._settle = self._timer(SETTLE_MS, self._let_go)
        canvas.pressed.connect(self._take_hold)
        canvas.dragged.connect(self._move)
        canvas.released.connect(self._put_down)
        canvas.installEventFilter(self)

    def _timer(self, interval_ms: int, slot: object) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(slot)
        return timer

    @property
    def is_held(self) -> bool:
        """True while the pointer holds a point."""
        return self._at is not None

    @property
    def moved(self) -> tuple[int, float, float] | None:
        """Lane, sigma_w and sigma_b of the point that is elsewhere than the run has it, or None."""
        return self._moved

    def forget_if_at(self, sigmas: tuple[float, float] | None) -> None:
        """Let the run speak again where it has a lane's point where it was put, or has no such point any more."""
        if self._moved is None or self.is_held:
            return
        _, sigma_w, sigma_b = self._moved
        if sigmas is None or math.hypot(sigmas[0] - sigma_w, sigmas[1] - sigma_b) < 2e-3 * (1 + sigma_w):
            self._settle.stop()
            self._moved = None

    def is_near(self, place: QPointF) -> bool:
        """Say whether a press at this place would take hold of the point."""
        grip = self._ground.grip()
        return grip is not None and math.hypot(*(grip[1] - place).toTuple()) <= REACH

    @Slot(QPointF)
    def _take_hold(self, place: QPointF) -> None:
        grip = self._ground.grip()
        if grip is None or not self.is_near(place):
            return
        sigmas = self._ground.sigmas(grip[0])
        if sigmas is not None:
            self._at = grip[1]
            self._number += 1

    @Slot(QPointF)
    def _move(self, distance: QPointF) -> None:
        grip = self._ground.grip()
        if self._at is None or grip is None:
            return
        self._at += distance
        self._put(grip[0], *self._ground.sigmas_at(self._at))
        if not self._tell.isActive():
            self._tell.start()

    def _put(self, lane: int, sigma_w: float, sigma_b: float) -> None:
        self._moved = (lane, sigma_w, sigma_b)
        self.changed.emit()

    @Slot()
    def _put_down(self) -> None:
        if self._at is None:
            return
        self._at = None
        if self._moved is not None:
            self._say_where()
            self._settle.start()

    @Slot()
    def _say_where(self) -> None:
        self._tell.stop()
        if self._moved is not None:
            self.told.emit(*self._moved, self._number)

    @Slot()
    def _let_go(self) -> None:
        if not self.is_held and self._moved is not None:
            self._moved = None
            self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move the point with the arrow keys, unless the cross-hair is elsewhere: then they move that."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and self._nudge(event):
            return True
        return super().eventFilter(watched, event)

    def _nudge(self, event: QKeyEvent) -> bool:
        step, grip = _STEPS.get(Qt.Key(event.key())), self._ground.grip()
        others = event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
        cursor = self._canvas.cursor_at
        if step is None or grip is None or others or self.is_held:
            return False
        if cursor is not None and not self.is_near(cursor):
            return False
        lane = grip[0]
        sigmas = self._ground.sigmas(lane)
        if sigmas is None:
            return False
        far = NUDGE * (5 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        now_s = time.monotonic()
        if now_s - self._nudged_s > APART_S:
            self._number += 1
        self._nudged_s = now_s
        self._put(lane, *self._ground.nudged(*sigmas, far * step[0], far * step[1]))
        self._say_where()
        self._settle.start()
        after = self._ground.grip()
        if after is not None:
            self._canvas.set_cursor(after[1])
        return True
