"""Python's cyclic garbage collection, kept out of the training thread."""

from __future__ import annotations

import gc
import sys

from PySide6.QtCore import QObject, QTimer, Slot

INTERVAL_MS = 500
TICKS_BETWEEN_FULL = 120
IMPORTED_OBJECTS = 5_000
"""When modules were imported and more objects than this are new, they are taken to be those of the modules."""


class GcCollector(QObject):
    """Collects cyclic garbage in the GUI thread only, on a timer.

    Left to itself, Python collects in whichever thread happens to allocate. In the training thread it would destroy
    widgets there, which ends the process. Make one where the application's event loop runs, before the first training
    thread, and ``stop`` it after the last.

    What modules bring along lives as long as the program, and torch brings 400,000 objects: walking them takes a
    quarter of a second, which a projector shows as a hitch. So they are left out for good.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thresholds = gc.get_threshold()
        self._was_enabled = gc.isenabled()
        self._num_modules = 0
        self._ticks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.collect_if_due)
        gc.disable()
        self._timer.start()

    @Slot()
    def collect_if_due(self) -> None:
        """Collect the young generations as often as Python would, and everything once a minute."""
        young, middle, _ = gc.get_count()
        num_modules = len(sys.modules)
        imported = num_modules > self._num_modules
        self._num_modules = num_modules
        self._ticks += 1
        if imported and young > IMPORTED_OBJECTS:
            gc.freeze()
        elif self._ticks >= TICKS_BETWEEN_FULL:
            self._ticks = 0
            gc.collect()
        elif young > self._thresholds[0]:
            gc.collect(1 if middle > self._thresholds[1] else 0)

    @Slot()
    def stop(self) -> None:
        """Leave collecting to Python again."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()
