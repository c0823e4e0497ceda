"""Made-up runs, and views that are really shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from initviz.telemetry import synthetic
from initviz.telemetry.frame import Frame, RunInfo
from initviz.telemetry.history import RunHistory
from initviz.views import lettering
from initviz.views.base import View
from initviz.views.index import create
from initviz.views.layers import layer_ticks
from initviz.views.palette import LIGHT, Theme, rgb
from initviz.views.phase_plane import phase_map
from initviz.views.phase_points import curve_of
from initviz.views.plot import axis_width
from tests.views.foretelling import ending, foretold, uneven
from tests.views.landscapes import made_up

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Run:
    """A made-up run up to some step."""

    info: RunInfo
    history: RunHistory

    def go_on(self, steps: int) -> None:
        """Train on."""
        first = self.history.last_step + 1
        self.history.append(synthetic.scalars(self.info, first, steps))
        self.history.add_frame(_frame(self.info, first + steps))
        if self.history.landscape is not None:
            self.history.landscape = made_up(self.info, first + steps)


_FRAMES: dict[tuple[object, ...], Frame] = {}


def _frame(info: RunInfo, step: int) -> Frame:
    """Make up a frame once: frames are frozen, and making them up takes longer than drawing them."""
    layers = tuple(len(lane.layers) for lane in info.lanes)
    key = (layers, len(info.points), len(info.gauges), step)
    if key not in _FRAMES:
        _FRAMES[key] = ending(info, synthetic.frame(info, step))
    return _FRAMES[key]


def info_for(key: str, lanes: int = 4, layers: int = 13, total: int = 2000) -> RunInfo:
    """Return a run that has what the view called ``key`` shows."""
    info = synthetic.run_info(
        max(lanes, 2) if key in {"ensemble", "depth_study"} else lanes,
        layers,
        total_steps=total,
        two_dimensional=key == "boundary",
        remedies=key in {"gauges", "time_gradient"},
        tests_rates=key == "lr_range",
    )
    if key == "depth_study":
        info = uneven(info)
    if key in {"phase_diagram", "depth_study"}:
        info = foretold(info)
    return info


def foretold_run(lanes: int = 4, layers: int = 13, steps: int = 300, activation: str = "tanh") -> Run:
    """Return a run of which theory says what happens, after ``steps`` steps; before the first look with none."""
    info = foretold(synthetic.run_info(lanes, layers), activation)
    run = Run(info, RunHistory(info))
    if steps:
        run.history.add_frame(_frame(info, 0))
        run.go_on(steps)
    return run


def make_run(
    lanes: int = 4, layers: int = 13, steps: int = 300, total: int = 2000, frames: int = 6, key: str = ""
) -> Run:
    """Return a run after ``steps`` steps, that has what the view called ``key`` shows."""
    info = info_for(key, lanes, layers, total)
    run = Run(info, RunHistory(info))
    run.history.add_frame(_frame(info, 0))
    if key == "landscape":
        run.history.landscape = made_up(info, 0)
    for _ in range(frames if steps else 0):
        run.go_on(max(1, steps // frames))
    return run


Show = Callable[..., View]


@pytest.fixture
def show(qtbot: QtBot) -> Iterator[Show]:
    """Return a function that shows a view with a run."""
    shown: list[QWidget] = []
    # A view follows the application's font while it lives; the test before this one had another.
    for cache in (axis_width, layer_ticks):
        cache.cache_clear()
    lettering.forget_fonts()
    # A map that is still worked on would get sharper between two looks at it.
    told = foretold(synthetic.run_info(1, 2)).lanes[0].prediction
    assert told is not None
    phase_map(curve_of(told), 3.0, 1.0, 1.0).finish()

    def show_view(
        key: str, run: Run | None = None, size: tuple[int, int] = (560, 380), theme: Theme = LIGHT
    ) -> View:
        view = create(key)
        qtbot.addWidget(view)
        shown.append(view)
        view.set_theme(theme)
        view.resize(*size)
        view.set_run(run.info if run else None, run.history if run else None)
        view.show()
        qtbot.waitExposed(view)
        view.refresh()
        return view

    yield show_view
    shown.clear()


def pixels(image: QImage) -> Pixels:
    """Return ``(H, W, 3)`` red, green, blue."""
    converted = image.convertToFormat(QImage.Format.Format_RGB32)
    memory = np.frombuffer(converted.constBits(), dtype=np.uint8)
    rows = memory.reshape(converted.height(), converted.bytesPerLine() // 4, 4)[:, : converted.width()]
    return rows[:, :, 2::-1].copy()


def painted(view: View) -> Pixels:
    """Return what the canvas shows, cross-hair included."""
    return pixels(view.canvas.grab().toImage())


def count_of(image: Pixels, color: str, tolerance: int = 12) -> int:
    """Return how many pixels have about this colour."""
    distance = np.abs(image.astype(np.int16) - np.array(rgb(color), dtype=np.int16)).max(axis=2)
    return int((distance <= tolerance).sum())
