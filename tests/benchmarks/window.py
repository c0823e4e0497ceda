"""What the open window costs the training thread, how promptly it answers meanwhile, and how soon it is there."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEventLoop, QTimer

from initviz.app import Opening, build_window, make_application
from initviz.resources import resource
from initviz.ui.main_window import MainWindow
from initviz.ui.settings import Settings
from initviz.worker.collector import GcCollector
from tests.benchmarks.measure import Benchmark, Result
from tests.benchmarks.nets import DIGITS, MOONS, Net

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

SIZE = (1600, 900)
PAIRS = 9
STRETCH_S = 1.5
"""Each half of a pair; long beside a frame, short beside what else the machine does."""
LAG_S = 6.0
PULSE_MS = 2


class Driver:
    """Plays an experiment in the real window and counts.

    Args:
        net: What trains, one lane.
        folder: For settings.
    """

    def __init__(self, net: Net, folder: Path) -> None:
        self.application = make_application()
        self.collector = GcCollector()
        self.window: MainWindow = build_window(
            self.application, Opening(Settings(folder / "window.ini"), theme="light", language="en")
        )
        self.window.parts.session.open_document(net.document(), "benchmark")
        self.window.resize(*SIZE)
        self.window.show()
        playback = self.window.parts.playback
        self.wait_until(lambda: playback.state == "ready")
        playback.toggle()
        self.wait(1.0)

    def wait(self, seconds: float) -> None:
        """Let events be handled for some time."""
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        loop.exec()

    def wait_until(self, condition: Callable[[], bool], limit_s: float = 60.0) -> None:
        """Let events be handled until something holds."""
        end = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window does not get ready")
            self.wait(0.02)

    def show_plots(self, shown: bool) -> None:
        """Show the dashboard or hide it, and let that settle."""
        self.window.dashboard.setVisible(shown)
        self.wait(0.2)

    @property
    def steps(self) -> int:
        """Updates that have reached the window."""
        history = self.window.parts.playback.history
        return 0 if history is None else history.last_step + 1

    def rate(self) -> float:
        """Return the steps a second over one stretch."""
        first, start = self.steps, time.perf_counter()
        self.wait(STRETCH_S)
        return (self.steps - first) / (time.perf_counter() - start)

    def lag(self) -> tuple[float, float, float]:
        """Return how late a pulse of the event loop comes, in ms, 99th percentile and most, and pictures a second."""
        late: list[float] = []
        drawn = 0
        before = time.perf_counter()

        def beat() -> None:
            nonlocal before
            now = time.perf_counter()
            late.append(1000 * (now - before) - PULSE_MS)
            before = now

        def count(fresh: bool) -> None:
            nonlocal drawn
            drawn += fresh

        pulse = QTimer()
        pulse.setTimerType(pulse.timerType().PreciseTimer)
        pulse.timeout.connect(beat)
        self.window.parts.playback.ticked.connect(count)
        start = before = time.perf_counter()
        pulse.start(PULSE_MS)
        self.wait(LAG_S)
        pulse.stop()
        took = time.perf_counter() - start
        self.window.parts.playback.ticked.disconnect(count)
        values = np.maximum(late, 0)
        return float(np.percentile(values, 99)), float(values.max()), drawn / took

    def close(self) -> None:
        """Close the window."""
        self.window.parts.session.undo_stack.setClean()
        self.window.close()
        self.collector.stop()
        self.window.deleteLater()
        self.wait(0.05)


def _measure_window(net: Net) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(net, Path(folder))
        shown: list[float] = []
        hidden: list[float] = []
        for pair in range(PAIRS):
            for plots in (True, False) if pair % 2 else (False, True):
                driver.show_plots(plots)
                (shown if plots else hidden).append(driver.rate())
        driver.show_plots(True)
        p99_ms, most_ms, fps = driver.lag()
        driver.close()
    ratios = [one / other for one, other in zip(shown, hidden, strict=True)]
    return Result(
        statistics.median(ratios),
        PAIRS,
        min(ratios),
        max(ratios),
        {
            "steps_per_s": round(statistics.median(shown)),
            "hidden_steps_per_s": round(statistics.median(hidden)),
            "fps": round(fps, 1),
            "lag_p99_ms": round(p99_ms, 1),
            "lag_max_ms": round(most_ms, 1),
            "lag_bar": "p99 <= 16 ms",
        },
    )


OPENING = """
import sys, time
start = time.perf_counter()
if sys.argv[2] == "late":
    import torch, sklearn, sklearn.datasets
from pathlib import Path
from initviz.app import Opening, build_window, make_application
from initviz.ui.settings import Settings

application = make_application()
window = build_window(application, Opening(Settings(Path(sys.argv[1], "window.ini"))))

def painted():
    print(time.perf_counter() - start)
    application.exit()

window.first_painted.disconnect()
window.first_painted.connect(painted)
window.show()
application.exec()
window.parts.playback.stop()
"""


def _seconds_to_paint(folder: str, order: str) -> float:
    result = subprocess.run(
        [sys.executable, "-c", OPENING, folder, order],
        cwd=resource().parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return float(result.stdout)


def _measure_startup() -> Result:
    runs = 5
    with tempfile.TemporaryDirectory() as folder:
        _seconds_to_paint(folder, "late")
        pairs = [(_seconds_to_paint(folder, "early"), _seconds_to_paint(folder, "late")) for _ in range(runs)]
    ratios = [early / late for early, late in pairs]
    return Result(
        statistics.median(ratios),
        runs,
        min(ratios),
        max(ratios),
        {
            "s_to_paint": round(statistics.median(early for early, _ in pairs), 3),
            "s_with_imports_first": round(statistics.median(late for _, late in pairs), 3),
        },
    )


BENCHMARKS = (
    *(
        Benchmark(
            name=f"window/{net.name}",
            what="training rate in the open window at 30 frames a second / with the dashboard hidden",
            bar=0.80,
            at_least=True,
            run=partial(_measure_window, net),
        )
        for net in (DIGITS, MOONS)
    ),
    Benchmark(
        name="startup",
        what="time to the first painted window / the same with torch and scikit-learn imported first",
        bar=0.35,
        at_least=False,
        run=_measure_startup,
    ),
)
