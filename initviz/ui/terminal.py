"""Ends the program when the terminal that it was started from, or the system, asks for it."""

from __future__ import annotations

import signal
from types import FrameType

from PySide6.QtCore import QObject, QTimer, Signal

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl+C, a request to end, a terminal that was closed; each only where the system has it."""


class EndRequests(QObject):
    """Turns the system's requests to end into one signal.

    Python would raise an exception in whatever the window is doing, and the window would stay. Python's own handlers
    run in the main thread, the next time that it runs any Python: a timer of the window sees to that.

    Args:
        parent: Qt parent.
    """

    asked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None:
                signal.signal(number, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        # Nothing may happen in the middle of whatever was interrupted.
        QTimer.singleShot(0, self.asked.emit)
