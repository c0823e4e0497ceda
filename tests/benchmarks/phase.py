"""Whether a race goes on as smoothly while the phase diagram is opened and its map is made."""

from __future__ import annotations

import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer

from initviz.views.phase_diagram import PhaseDiagramView
from initviz.views.phase_plane import contours, phase_map
from tests.benchmarks.measure import Benchmark, Result
from tests.benchmarks.nets import DIGITS
from tests.benchmarks.window import PULSE_MS, Driver

KEY = "phase_diagram"
PAIRS = 7
STRETCH_S = 1.0
"""Of each half of a pair: about as long as a map takes on a machine that is busy with the race alone."""


class _Counter:
    """Counts the pictures of a race, and how late the event loop is meanwhile.

    Args:
        driver: Plays it.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def measure(self) -> tuple[float, float]:
        """Return pictures a second, and the 99th percentile of the lag in ms."""
        drawn, late = 0, []
        before = time.perf_counter()

        def count(fresh: bool) -> None:
            nonlocal drawn
            drawn += fresh

        def beat() -> None:
            nonlocal before
            now = time.perf_counter()
            late.append(1000 * (now - before) - PULSE_MS)
            before = now

        pulse = QTimer()
        pulse.setTimerType(Qt.TimerType.PreciseTimer)
        pulse.timeout.connect(beat)
        self._driver.window.parts.playback.ticked.connect(count)
        start = before = time.perf_counter()
        pulse.start(PULSE_MS)
        self._driver.wait(STRETCH_S)
        pulse.stop()
        self._driver.window.parts.playback.ticked.disconnect(count)
        return drawn / (time.perf_counter() - start), float(np.percentile(np.maximum(late, 0), 99))


def _measure() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(DIGITS, Path(folder))
        dashboard = driver.window.dashboard
        dashboard.show_dock(
            KEY, True
        )  # in its place, so that both halves draw as many plots of the same size
        driver.wait(1.0)
        view = dashboard.docks[KEY].view
        assert isinstance(view, PhaseDiagramView)
        counter = _Counter(driver)
        rates: list[tuple[float, float]] = []
        lags: list[tuple[float, float]] = []
        seconds: list[float] = []
        for _ in range(PAIRS):
            quiet = counter.measure()
            phase_map.cache_clear()
            contours.cache_clear()
            start = time.perf_counter()
            view.redraw()  # as if it had just been opened: the whole map is made anew
            opened = counter.measure()
            plane = view.plane()
            assert plane is not None
            driver.wait_until(partial(getattr, plane, "finished"))
            seconds.append(time.perf_counter() - start)
            rates.append((opened[0], quiet[0]))
            lags.append((opened[1], quiet[1]))
        driver.close()
    ratios = [opened / quiet for opened, quiet in rates]
    return Result(
        statistics.median(ratios),
        PAIRS,
        min(ratios),
        max(ratios),
        {
            "fps_while_made": round(statistics.median(one for one, _ in rates), 1),
            "fps_before": round(statistics.median(other for _, other in rates), 1),
            "lag_p99_ms_while_made": round(statistics.median(one for one, _ in lags), 1),
            "lag_p99_ms_before": round(statistics.median(other for _, other in lags), 1),
            "s_to_finish": round(statistics.median(seconds), 2),
        },
    )


BENCHMARKS = (
    Benchmark(
        name="window/phase_diagram",
        what="frames a second of a running race while the map of the phase diagram is made / before",
        bar=0.95,
        at_least=True,
        run=_measure,
    ),
)
