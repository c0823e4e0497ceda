"""The views by layer: histograms, maps, bars, signal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction
from pytestqt.qtbot import QtBot

from initviz.telemetry import synthetic
from initviz.telemetry.frame import Scalars
from initviz.telemetry.history import RunHistory
from initviz.views.grad_norm_bars import GradNormBarsView
from initviz.views.grad_norm_map import GradNormMapView
from initviz.views.histograms import HistogramView
from initviz.views.magnitude import EXPLODED_CODE, FIRST_CODE, VANISHED_CODE, magnitude_codes, magnitude_table
from initviz.views.palette import LIGHT, rgb
from initviz.views.signal import SignalView
from tests.views.conftest import Run, Show, count_of, make_run, painted

HISTOGRAMS = pytest.mark.parametrize("key", ["weights", "gradients", "activations"])


def histogram_view(show: Show, key: str, run: Run, size: tuple[int, int] = (560, 380)) -> HistogramView:
    view = show(key, run, size=size)
    assert isinstance(view, HistogramView)
    return view


# Histograms


@HISTOGRAMS
def test_the_lane_in_focus_is_filled(key: str, show: Show) -> None:
    view = histogram_view(show, key, make_run(4))
    view.set_focus_lane(3)
    image = painted(view)
    wash = 255 + (np.array(rgb(LIGHT.lane(3).color)) - 255) * 90 / 255
    washed = (np.abs(image - wash).max(axis=2) < 4).sum()
    view.set_focus_lane(0)
    assert washed > 2000
    assert (np.abs(painted(view) - wash).max(axis=2) < 4).sum() < washed / 20


@HISTOGRAMS
def test_more_than_24_layers_become_a_heat_map(key: str, show: Show) -> None:
    assert histogram_view(show, key, make_run(2, 24, steps=20, frames=1)).shown_as() == "ridges"
    assert histogram_view(show, key, make_run(2, 25, steps=20, frames=1)).shown_as() == "layers"


def test_the_person_chooses_the_drawing(show: Show) -> None:
    view = histogram_view(show, "weights", make_run(4, steps=60))
    pictures = [painted(view)]
    for mode in ("layers", "time", "ridges"):
        action = next(a for a in view.head.findChildren(QAction) if a.data() == mode)
        action.trigger()
        assert view.shown_as() == mode
        pictures.append(painted(view))
    assert (pictures[0] == pictures[3]).all()
    assert (pictures[1] != pictures[2]).any()


def test_a_ridge_has_its_peak_where_the_values_are(show: Show) -> None:
    view = histogram_view(show, "gradients", make_run(4, 6))
    view.set_focus_lane(1)
    view.set_hidden_lanes(frozenset({0, 2, 3}))
    plot = view.ridge_plot()
    assert plot is not None
    histogram = view.histogram()
    image = painted(view)
    for layer in range(6):
        counts = histogram.counts[1, layer]
        center = (histogram.edges[counts.argmax()] + histogram.edges[counts.argmax() + 1]) / 2
        x = float(plot.px(np.array(center)))
        row = image[int(plot.py(np.array(layer + 0.85)))]
        hit = np.flatnonzero(np.abs(row.astype(int) - np.array(rgb(LIGHT.lane(1).color))).max(axis=1) < 90)
        assert len(hit), layer
        assert np.abs(hit - x).min() < 0.75 * plot.rect.width() / (plot.x.high - plot.x.low), layer


def test_the_cross_hair_says_the_share_of_the_bin(show: Show) -> None:
    view = histogram_view(show, "weights", make_run(4, 6))
    plot, histogram = view.ridge_plot(), view.histogram()
    assert plot is not None
    found = 40
    center = (histogram.edges[found] + histogram.edges[found + 1]) / 2
    y = float(plot.py(np.array(2.5)))
    view.canvas.set_cursor(QPointF(float(plot.px(np.array(center))), y))
    readout = view.readout()
    assert readout is not None
    assert readout.heading.startswith("layer 3: dense_3")
    total = histogram.counts[3, 2].sum() + histogram.below[3, 2] + histogram.above[3, 2]
    share = 100 * histogram.counts[3, 2, found] / total
    assert readout.rows[3].value.split("\u2009")[0] == f"{share:.1f}"


def test_what_lies_out_of_range_is_said(show: Show) -> None:
    run = make_run(4, 5)
    view = histogram_view(show, "gradients", run)
    view.set_focus_lane(0)  # all exactly zero but for the output layer
    assert run.history.frame is not None
    assert run.history.frame.gradients.below[0, 0] > 0
    plot = view.ridge_plot()
    assert plot is not None
    top, bottom = (int(plot.py(np.array(place))) for place in (0.9, 0.05))
    strip = painted(view)[top:bottom, int(plot.rect.left()) : int(plot.rect.left()) + 60]
    assert count_of(strip, LIGHT.lane(0).ink, 60) > 15


@pytest.mark.parametrize("mode", ["layers", "time"])
@HISTOGRAMS
def test_a_single_full_bin_shows_on_a_map(key: str, mode: str, show: Show) -> None:
    """A start of zeros fills one bin of 64, which may be narrower than a pixel."""
    run = make_run(16, 40, steps=30, frames=2)
    frame = run.history.frame
    assert frame is not None
    counts = np.zeros_like(frame.weights.counts)
    counts[:, :, 32] = 1000
    alone = replace(
        frame.weights,
        counts=counts,
        below=np.zeros_like(frame.weights.below),
        not_finite=np.zeros_like(frame.weights.below),
    )
    history = RunHistory(run.info)
    history.append(synthetic.scalars(run.info, 0, 30))
    for step in (10, 30):
        history.add_frame(replace(frame, step=step, weights=alone, gradients=alone, activations=alone))
    view = histogram_view(show, key, Run(run.info, history), size=(420, 320))
    view.show_as(mode)
    full = "#" + "".join(f"{c:02x}" for c in (68, 1, 84))  # viridis' dark end, on the light theme
    assert count_of(painted(view), full, 10) > 16 * 10


def test_over_time_one_layer_is_chosen(show: Show) -> None:
    view = histogram_view(show, "gradients", make_run(2, 6, steps=200, frames=20))
    view.show_as("time")
    first = painted(view)
    view.show_layer(5)
    assert view.time_layer() == 5
    assert (painted(view) != first).any()
    cell = view.lane_places()[1][0]
    view.canvas.set_cursor(QPointF(cell.left() + 20, cell.bottom() + 40))
    readout = view.readout()
    assert readout is not None
    assert readout.heading.startswith("step ")


# Gradient norm map


def map_run(decades: np.ndarray, total: int = 200) -> Run:
    """Return a run with these gradient norms ``(S, K, L)``, in decades."""
    steps, lanes, layers = decades.shape
    info = synthetic.run_info(lanes, layers, total_steps=total)
    history = RunHistory(info)
    scalars = synthetic.scalars(info, 0, steps)
    history.append(
        Scalars(
            scalars.steps,
            scalars.loss,
            scalars.accuracy,
            scalars.lr,
            scalars.weight_norm,
            (10.0**decades).astype(np.float32),
            scalars.update_norm,
        )
    )
    history.add_frame(synthetic.frame(info, steps))
    return Run(info, history)


def map_view(show: Show, run: Run, size: tuple[int, int] = (620, 420)) -> GradNormMapView:
    view = show("grad_norm_map", run, size=size)
    assert isinstance(view, GradNormMapView)
    return view


def test_each_place_of_the_map_has_the_color_of_its_norm(show: Show) -> None:
    decades = np.empty((200, 2, 5))
    decades[:] = np.linspace(-9, 3.5, 5)[None, None, :]
    decades[100:, 1] = -2.0
    view = map_view(show, map_run(decades))
    image = painted(view)
    table = magnitude_table(LIGHT)
    for cell in view.cells():
        for layer in range(5):
            for step in (30, 170):
                x = int(cell.plot.px(np.array(float(step))))
                y = int(cell.plot.py(np.array(layer + 1.0)))
                (code,) = magnitude_codes(decades[step, cell.lane, layer : layer + 1])
                wanted = np.array(rgb(f"#{int(table[code]) & 0xFFFFFF:06x}"))
                assert np.abs(image[y, x].astype(int) - wanted).max() <= 2, (cell.lane, layer, step)
    bottom, top = (int(view.cells()[0].plot.py(np.array(layer))) for layer in (1.0, 5.0))
    assert bottom > top  # layer 1 at the bottom


def test_a_single_exploding_step_shows_on_the_map(show: Show) -> None:
    decades = np.full((5000, 8, 60), -1.0)
    decades[2345, 3, 17] = 5.0
    view = map_view(show, map_run(decades, total=5000), size=(400, 300))
    image = painted(view)
    cell = next(cell for cell in view.cells() if cell.lane == 3)
    x, y = float(cell.plot.px(np.array(2345.0))), float(cell.plot.py(np.array(18.0)))
    near = image[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5]
    assert count_of(near, LIGHT.exploded, 2) >= 1


def test_vanished_exploded_and_the_scale_are_explained(show: Show) -> None:
    image = painted(map_view(show, map_run(np.full((50, 1, 4), -1.0))))
    bar = image[:, -90:]
    assert count_of(bar, LIGHT.exploded, 2) > 50
    assert count_of(bar, LIGHT.vanished, 2) > 50
    low = f"#{int(magnitude_table(LIGHT)[FIRST_CODE]) & 0xFFFFFF:06x}"
    assert count_of(bar, low, 6) > 5
    assert VANISHED_CODE != EXPLODED_CODE


def test_the_cross_hair_names_layer_step_and_norm(show: Show) -> None:
    decades = np.full((100, 2, 4), -2.0)
    decades[:, 0, 1] = -12.0
    view = map_view(show, map_run(decades, total=100))
    plot = view.cells()[0].plot
    view.canvas.set_cursor(QPointF(float(plot.px(np.array(50.5))), float(plot.py(np.array(2.0)))))
    readout = view.readout()
    assert readout is not None
    assert readout.heading == "step 50"
    assert readout.rows[0].label == "layer 2: dense_2"
    assert readout.rows[0].value == "1.00×10⁻¹² vanished"
    view.canvas.set_cursor(QPointF(float(plot.px(np.array(50.5))), float(plot.py(np.array(3.0)))))
    other = view.readout()
    assert other is not None
    assert other.rows[0].value == "0.0100"


def test_a_shallower_lane_leaves_the_upper_layers_empty(show: Show) -> None:
    run = map_run(np.full((200, 2, 10), 0.0))
    lanes = (replace(run.info.lanes[0], layers=run.info.lanes[0].layers[:4]), run.info.lanes[1])
    info = replace(run.info, lanes=lanes)
    view = map_view(show, Run(info, run.history))
    image = painted(view)
    plot = view.cells()[0].plot
    x = int(plot.px(np.array(50.0)))
    assert image[int(plot.py(np.array(8.0))), x].tolist() == list(rgb(LIGHT.surface))
    assert image[int(plot.py(np.array(2.0))), x].tolist() != list(rgb(LIGHT.surface))


# Bars


def bars_view(show: Show, run: Run) -> GradNormBarsView:
    view = show("grad_norm_bars", run, size=(700, 460))
    assert isinstance(view, GradNormBarsView)
    return view


def test_a_bar_is_as_tall_as_its_norm(show: Show) -> None:
    decades = np.zeros((30, 1, 4)) + np.array([-10.0, -5.0, -1.0, 1.0])
    view = bars_view(show, map_run(decades))
    (cell,) = view.cells()
    image = painted(view)
    lane = np.array(rgb(LIGHT.lane(0).color))
    for layer, decade in enumerate(decades[0, 0]):
        x = int(cell.plot.px(np.array(layer + 1.0)))
        column = np.abs(image[:, x].astype(int) - lane).max(axis=1) < 10
        rows = np.flatnonzero(column[int(cell.plot.rect.top()) :]) + int(cell.plot.rect.top())
        assert rows.min() == pytest.approx(float(cell.plot.py(np.array(decade))), abs=1.5)
        assert rows.max() == pytest.approx(cell.plot.rect.bottom(), abs=1.5)


def test_the_norm_is_the_geometric_mean_of_the_latest_steps(show: Show) -> None:
    decades = np.random.default_rng(0).normal(-3, 1, (50, 2, 3))
    view = bars_view(show, map_run(decades))
    assert np.log10(view.norms()) == pytest.approx(decades[-20:].mean(axis=0), abs=1e-4)


def test_bars_say_zero_and_no_gradient(show: Show) -> None:
    decades = np.zeros((30, 2, 4))
    decades[:, 0] = -np.inf
    decades[20:, 1] = np.nan
    view = bars_view(show, map_run(decades))
    norms = view.norms()
    assert (norms[0] == 0).all()
    assert np.isnan(norms[1]).all()
    first, second = view.cells()
    image = painted(view)
    rect = first.plot.rect
    area = image[int(rect.top()) : int(rect.bottom()), int(rect.left()) : int(rect.right())]
    assert count_of(area, LIGHT.lane(0).ink, 60) > 20
    area = image[int(second.plot.rect.top()) : int(second.plot.rect.bottom())]
    assert count_of(area[:, int(second.plot.rect.left()) :], LIGHT.muted, 60) > 20


# Signal


def test_points_lie_at_their_mean_squares(show: Show) -> None:
    run = make_run(4, 8)
    view = show("signal", run, size=(560, 560))
    assert isinstance(view, SignalView)
    assert run.history.frame is not None
    signal = run.history.frame.signal
    image = painted(view)
    for plot, values in zip(view.plots(), (signal.preactivation_q, signal.grad_preactivation_q), strict=True):
        for lane in range(1, 4):
            for layer in range(7):
                x = float(plot.px(np.array(layer + 1.0)))
                y = float(plot.py(np.log10(values[lane, layer])))
                spot = image[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3]
                visible = any(count_of(spot, LIGHT.lane(other).color, 40) > 4 for other in range(4))
                assert visible, (lane, layer)
        # the made-up lane of zeros has no signal at all: it lies on the lower edge
        bottom = int(plot.rect.bottom())
        x = int(plot.px(np.array(1.0)))
        assert count_of(image[bottom - 3 : bottom + 3, x - 3 : x + 4], LIGHT.lane(0).color, 40) > 4


def test_the_start_stays_while_the_signal_moves(show: Show) -> None:
    run = make_run(2, 8, steps=20, frames=1)
    run.go_on(1)
    frame = run.history.frame
    assert frame is not None
    view = show("signal", run, size=(560, 420))
    before = painted(view)
    moved = replace(frame.signal, preactivation_q=frame.signal.preactivation_q * 1e3)
    run.history.frame = replace(frame, signal=moved)
    run.history.version += 1
    view.refresh()
    assert (painted(view) != before).any()
    view.canvas.set_cursor(QPointF(200, 100))
    readout = view.readout()
    assert readout is not None
    start, now = (part.strip() for part in readout.rows[1].value.split("→"))
    assert start != now


def test_wide_canvases_put_the_plots_side_by_side(show: Show) -> None:
    wide, tall = (show("signal", make_run(4), size=size) for size in ((900, 300), (400, 600)))
    assert isinstance(wide, SignalView)
    assert isinstance(tall, SignalView)
    left, right = (plot.rect for plot in wide.plots())
    assert left.right() < right.left()
    upper, lower = (plot.rect for plot in tall.plots())
    assert upper.bottom() < lower.top()


def test_lanes_of_unequal_depth_end_where_they_end(show: Show) -> None:
    run = make_run(2, 10)
    frame = run.history.frame
    assert frame is not None
    q = frame.signal.preactivation_q.copy()
    q[1, 4:] = np.nan
    short = replace(frame.signal, preactivation_q=q, grad_preactivation_q=q)
    history = RunHistory(run.info)
    history.append(synthetic.scalars(run.info, 0, 5))
    history.add_frame(replace(frame, signal=short))
    view = show("signal", Run(run.info, history))
    assert isinstance(view, SignalView)
    plot = view.plots()[0]
    rect = next(rect for rect, lane in view.lane_places() if lane == 1)
    assert abs(rect.left() - float(plot.px(np.array(4.0)))) < 15


def test_a_click_on_a_choice_works_by_keyboard(show: Show, qtbot: QtBot) -> None:
    view = histogram_view(show, "weights", make_run(2, 5))
    button = view.choice()
    view.activateWindow()
    button.setFocus()
    qtbot.waitUntil(button.hasFocus)
    assert button.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert button.menu() is not None
