"""What a frame of the dashboard costs, against the same plots drawn with pyqtgraph as its examples do."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from initviz.telemetry import synthetic
from initviz.telemetry.frame import Frame, RunInfo
from initviz.telemetry.history import RunHistory
from initviz.views.index import DEFAULT_LAYOUT, create
from initviz.views.palette import DARK
from tests.benchmarks.measure import Benchmark, Figures, Result, interleaved
from tests.views.foretelling import foretold

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

LANES, LAYERS, POINTS = 8, 20, 10_000
SIZE = (1600, 900)
FRAMES = 8
"""Frames of one measurement."""


class Run:
    """A made-up run that goes on by a few steps a frame."""

    def __init__(self, steps: int) -> None:
        self.info: RunInfo = foretold(synthetic.run_info(LANES, LAYERS, total_steps=steps))
        self.history = RunHistory(self.info)
        # What the frames look like costs more to make up than to draw, so a few serve by turns.
        self._frames = [synthetic.frame(self.info, 100 * number) for number in range(1, 7)]
        self._turn = 0
        # The rest comes step by step while frames are measured.
        self.last = steps - 200
        for first in range(0, self.last, 1000):
            self.history.append(synthetic.scalars(self.info, first, min(1000, self.last - first)))
        for frame in self._frames:
            self.history.add_frame(frame)

    def go_on(self) -> None:
        """Add a step and a frame."""
        if self.last < self.info.total_steps - 1:
            self.history.append(synthetic.scalars(self.info, self.last, 1))
            self.last += 1
        self._turn += 1
        self.history.frame = self._frames[self._turn % len(self._frames)]
        self.history.version += 1

    @property
    def frame(self) -> Frame:
        """The latest frame."""
        assert self.history.frame is not None
        return self.history.frame


def _window(rows: int, columns: int, widgets: list[QWidget]) -> QWidget:
    window = QWidget()
    grid = QGridLayout(window)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setSpacing(2)
    for place, widget in enumerate(widgets):
        grid.addWidget(widget, place % rows, place // rows)
    window.resize(*SIZE)
    window.show()
    QTest.qWaitForWindowExposed(window)
    QTest.qWait(50)
    return window


class OurDashboard:
    """The views of the first layout."""

    def __init__(self, run: Run) -> None:
        keys = [key for column in DEFAULT_LAYOUT for key in column]
        self.views = [create(key) for key in keys]
        for view in self.views:
            view.set_theme(DARK)
            view.set_run(run.info, run.history)
        self.window = _window(2, 2, list(self.views))

    def draw(self) -> None:
        """Draw one frame into the window."""
        for view in self.views:
            view.refresh()
            view.canvas.viewport().repaint()


class PlainDashboard:
    """The same curves, ridges and maps as pyqtgraph draws them: ``setData``, antialiased 1-px pens, autorange."""

    def __init__(self, run: Run) -> None:
        import pyqtgraph as pg

        self._run = run
        pens = [pg.mkPen(DARK.lane(lane).color, width=1) for lane in range(LANES)]
        self.areas: list[Any] = []

        def area(*plots: tuple[int, int]) -> list[Any]:
            made = pg.GraphicsLayoutWidget()
            made.setAntialiasing(True)
            self.areas.append(made)
            return [made.addPlot(row, column) for row, column in plots]

        def curves(plot: Any, times: int = 1) -> list[Any]:
            return [plot.plot(pen=pens[lane]) for _ in range(times) for lane in range(LANES)]

        loss, accuracy = area((0, 0), (1, 0))
        loss.setLogMode(y=True)
        self._loss, self._accuracy = curves(loss), curves(accuracy)
        self._loss_scores, self._accuracy_scores = curves(loss), curves(accuracy)
        self._maps = []
        for plot in area(*((row, column) for row in range(2) for column in range(LANES // 2))):
            image = pg.ImageItem(axisOrder="row-major")
            image.setColorMap(pg.colormap.get("viridis"))
            plot.addItem(image)
            self._maps.append(image)
        forward, backward = area((0, 0), (1, 0))
        self._forward, self._backward = curves(forward, 2), curves(backward, 2)
        (ridges,) = area((0, 0))
        self._ridges = [curves(ridges) for _ in range(LAYERS)]
        self.window = _window(2, 2, self.areas)

    def draw(self) -> None:
        """Draw one frame into the window."""
        history, frame = self._run.history, self._run.frame
        for curves, series in (
            (self._loss, history.loss()),
            (self._accuracy, history.accuracy()),
            (self._loss_scores, history.validation()),
            (self._accuracy_scores, history.validation_accuracy()),
        ):
            for lane, curve in enumerate(curves):
                curve.setData(series.steps, series.values[:, lane])
        heat = history.grad_norm_map()
        for lane, image in enumerate(self._maps):
            image.setImage(np.nan_to_num(heat.values[lane], neginf=-8.0, posinf=3.0), levels=(-8.0, 3.0))
        layers = np.arange(1, LAYERS + 1)
        signal, start = frame.signal, history.first_frame
        assert start is not None
        quantities = (
            (self._forward, signal.preactivation_q, start.signal.preactivation_q),
            (self._backward, signal.grad_preactivation_q, start.signal.grad_preactivation_q),
        )
        for curves, now, then in quantities:
            for lane in range(LANES):
                for curve, values in ((curves[lane], now), (curves[LANES + lane], then)):
                    with np.errstate(divide="ignore"):
                        decades = np.log10(values[lane])
                    curve.setData(layers, np.nan_to_num(decades, neginf=-30.0))
        weights = frame.weights
        centers = (weights.edges[1:] + weights.edges[:-1]) / 2
        peaks = np.maximum(weights.counts.max(axis=2), 1)
        for layer, curves in enumerate(self._ridges):
            for lane, curve in enumerate(curves):
                curve.setData(centers, layer + 1.2 * weights.counts[lane, layer] / peaks[lane, layer])
        for made in self.areas:
            made.viewport().repaint()


def _frames(run: Run, draw: Callable[[], None]) -> Callable[[], None]:
    def several() -> None:
        for _ in range(FRAMES):
            run.go_on()
            draw()

    return several


def _application() -> QApplication:
    held = QApplication.instance()
    return held if isinstance(held, QApplication) else QApplication([])


def _figures(first: str, second: str) -> Callable[[float, float], Figures]:
    def figures(one: float, other: float) -> Figures:
        return {first: round(1e3 * one / FRAMES, 2), second: round(1e3 * other / FRAMES, 2)}

    return figures


def _dashboard() -> Result:
    held = _application()
    run, twin = Run(POINTS), Run(POINTS)
    ours, plain = OurDashboard(run), PlainDashboard(twin)
    result = interleaved(
        _frames(run, ours.draw),
        _frames(twin, plain.draw),
        runs=15,
        figures=_figures("ms_per_frame", "plain_ms_per_frame"),
    )
    ours.window.close()
    plain.window.close()
    del held
    return result


def _history() -> Result:
    held = _application()
    long, short = Run(10 * POINTS), Run(POINTS)
    many, few = OurDashboard(long), OurDashboard(short)
    result = interleaved(
        _frames(long, many.draw),
        _frames(short, few.draw),
        runs=21,
        figures=_figures("ms_at_100000", "ms_at_10000"),
    )
    many.window.close()
    few.window.close()
    del held
    return result


BENCHMARKS = (
    Benchmark(
        name="frame/dashboard",
        what="CPU time of a frame of the first layout, 8 lanes x 10,000 points, 20 layers, 1600x900:"
        " ours / plain setData with 1-px antialiased pens",
        bar=0.20,
        at_least=False,
        run=_dashboard,
    ),
    Benchmark(
        name="frame/history",
        what="CPU time of a frame of the first layout: at 100,000 steps of history / at 10,000",
        bar=1.15,
        at_least=False,
        run=_history,
    ),
)
