"""Python's cyclic garbage collection, kept out of the training thread."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

INTERVAL_MS = 500
FULL_EVERY_S = 60
"""A collection of everything takes tens of milliseconds, which a projector shows as a hitch."""


class GcCollector(QObject):
    """Collects cyclic garbage in the GUI thread only, on a timer.

    Left to itself, Python collects in whichever thread happens to allocate. In the training thread it would destroy
    widgets there, which ends the process. Make one where the application's event loop runs, before the first training
    thread, and ``stop`` it after the last.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thresholds = gc.get_threshold()
        self._was_enabled = gc.isenabled()
        self._ticks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.collect_if_due)
        gc.disable()
        self._timer.start()

    @Slot()
    def collect_if_due(self) -> None:
        """Collect the young generations as often as Python would, and everything now and then."""
        self._ticks += 1
        if self._ticks >= FULL_EVERY_S * 1000 // INTERVAL_MS:
            self._ticks = 0
            gc.collect()
            return
        young, middle, _ = gc.get_count()
        if young > self._thresholds[0]:
            gc.collect(1 if middle > self._thresholds[1] else 0)

    @Slot()
    def settle(self) -> None:
        """Leave out of later collections whatever lives now: call it once everything is imported and built.

        Hundreds of thousands of objects of torch live as long as the program; walking them is what makes a collection
        slow.
        """
        gc.freeze()

    @Slot()
    def stop(self) -> None:
        """Leave collecting to Python again."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
