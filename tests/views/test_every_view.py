"""What holds for every view, in every state: it draws, warns of nothing, and can be saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QPoint, QRectF, QTranslator
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from initviz.telemetry import synthetic
from initviz.telemetry.frame import Histogram, Scalars, Signal
from initviz.telemetry.history import RunHistory
from initviz.views.base import View
from initviz.views.index import DEFAULT_LAYOUT, LAYOUTS, VIEWS, create, declaration, module_names
from initviz.views.ink import Ink
from initviz.views.palette import DARK, LIGHT, Theme, theme
from tests.views.conftest import Run, Show, count_of, info_for, make_run, painted
from tests.views.landscapes import made_up, spoiled

KEYS = [view.key for view in VIEWS]
EACH = pytest.mark.parametrize("key", KEYS)
STANDING_ALONE = {"why_normal"}
"""Views that show what no run has to do with."""
EACH_OF_A_RUN = pytest.mark.parametrize("key", [key for key in KEYS if key not in STANDING_ALONE])
OF_THE_START = {"phase_diagram"}
"""Views that show what theory says of the start: there before the first step, and never new."""
LABELLED = [key for key in KEYS if key != "boundary"]


def run_for(key: str, lanes: int = 4, layers: int = 13, steps: int = 300) -> Run:
    return make_run(lanes, layers, steps, key=key)


def test_the_index_is_complete() -> None:
    assert len(set(KEYS)) == len(KEYS)
    assert {key for layout in LAYOUTS.values() for column in layout for key in column} <= set(KEYS)
    assert {view.key for view in VIEWS if view.at_start} == {
        key for column in DEFAULT_LAYOUT for key in column
    }
    assert all(name.startswith("initviz.views.") for name in module_names())
    with pytest.raises(KeyError):
        declaration("no such view")


@EACH
def test_create_makes_the_view_of_that_key(key: str, qtbot: QtBot) -> None:
    view = create(key)
    qtbot.addWidget(view)
    assert key == view.KEY
    assert view.title()
    assert view.sentence().endswith((".", "。"))


@EACH_OF_A_RUN
def test_without_a_run_it_says_what_to_press(key: str, show: Show) -> None:
    view = show(key)
    assert "space" in view.invitation()
    image = painted(view)
    assert count_of(image, LIGHT.text, 60) > 100
    assert count_of(image, LIGHT.surface, 0) > 0.8 * image.shape[0] * image.shape[1]
    assert view.readout() is None


@EACH_OF_A_RUN
def test_before_the_first_step_it_still_invites(key: str, show: Show) -> None:
    info = info_for(key)
    view = show(key, Run(info, RunHistory(info)))
    assert (painted(view) == painted(show(key))).all() == (key not in OF_THE_START)


@EACH_OF_A_RUN
@pytest.mark.parametrize(
    "look", [LIGHT, DARK, theme("dark", presenter=True)], ids=["light", "dark", "presenter"]
)
def test_it_draws_every_lane_in_its_color(key: str, look: Theme, show: Show) -> None:
    run = run_for(key)
    view = show(key, run, theme=look)
    view.set_focus_lane(2)
    image = painted(view)
    for lane in range(4) if key != "lr" else [2]:  # all have the same learning rate: one lies on top
        assert count_of(image, look.lane(lane).color, 25) > 12, run.info.lanes[lane].name


@EACH
@pytest.mark.parametrize(("lanes", "layers"), [(1, 1), (1, 201), (2, 2), (16, 1), (16, 24), (16, 201)])
def test_any_number_of_lanes_and_layers(key: str, lanes: int, layers: int, show: Show) -> None:
    run = make_run(lanes, layers, 40, key=key, frames=2)
    view = show(key, run, size=(460, 320))
    empty = painted(show(key, size=(460, 320)))
    image = painted(view)
    assert (image != empty).any(axis=2).mean() > 0.01
    assert len(view.table()) > 1


@EACH
@pytest.mark.parametrize("size", [(320, 200), (200, 140), (161, 97), (1200, 160), (240, 900), (1900, 1000)])
def test_any_size(key: str, size: tuple[int, int], show: Show) -> None:
    view = show(key, run_for(key), size=size)
    assert view.canvas.image is not None
    assert not view.canvas.image.isNull()
    view.canvas.set_cursor(view.canvas.rect().center().toPointF())
    painted(view)


@EACH
def test_nothing_is_cut_off_at_320_by_200(key: str, show: Show) -> None:
    """Nothing but the surface touches the left, top and right edge of the canvas."""
    view = show(key, run_for(key), size=(320, 200))
    image = painted(view)
    border = np.concatenate((image[:, 0], image[:, -1], image[0]))
    assert (border == np.array([255, 255, 255])).all()


@EACH_OF_A_RUN
def test_the_first_step_alone_is_drawn(key: str, show: Show) -> None:
    info = info_for(key)
    history = RunHistory(info)
    history.append(synthetic.scalars(info, 0, 1))
    history.add_frame(synthetic.frame(info, 1))
    if key == "landscape":
        history.landscape = made_up(info, 1)
    view = show(key, Run(info, history))
    view.set_focus_lane(3)
    assert count_of(painted(view), LIGHT.lane(3).color, 25) > 5


def broken_run(key: str) -> Run:
    """Return a run in which every kind of number that spoils plots occurs: NaN, infinities, zeros, denormals."""
    run = make_run(6, 8, 60, key=key)
    odd = [np.nan, np.inf, -np.inf, 0.0, 5e-324, 1e300]
    first = run.history.last_step + 1
    scalars = synthetic.scalars(run.info, first, 6)

    def spoil(values: NDArray[Any]) -> NDArray[Any]:
        spoiled = values.copy()
        for lane, value in enumerate(odd):
            with np.errstate(over="ignore", under="ignore"):
                spoiled[:, lane] = np.array(value).astype(values.dtype)
        return spoiled

    run.history.append(
        Scalars(
            scalars.steps,
            *(
                spoil(getattr(scalars, name))
                for name in ("loss", "accuracy", "lr", "weight_norm", "grad_norm", "update_norm")
            ),
        )
    )
    frame = synthetic.frame(run.info, first + 6)

    def hollow(histogram: Histogram) -> Histogram:
        counts = histogram.counts.copy()
        counts[:3] = 0
        return replace(histogram, counts=counts, not_finite=histogram.not_finite + (counts.sum(2) == 0))

    signal = Signal(*(spoil(getattr(frame.signal, name)) for name in Signal.__dataclass_fields__))
    boundary = frame.boundary
    if boundary is not None:
        boundary = replace(boundary, confidence=spoil(boundary.confidence))
    run.history.add_frame(
        replace(
            frame,
            signal=signal,
            boundary=boundary,
            weights=hollow(frame.weights),
            gradients=hollow(frame.gradients),
            updates=hollow(frame.updates),
            preactivations=hollow(frame.preactivations),
            activations=hollow(frame.activations),
        )
    )
    if run.history.landscape is not None:
        run.history.landscape = spoiled(run.history.landscape)
    return run


@EACH
def test_numbers_that_are_none_do_no_harm(key: str, show: Show) -> None:
    run = broken_run(key)
    view = show(key, run)
    for focus in range(6):
        view.set_focus_lane(focus)
        painted(view)
    for x in range(0, view.canvas.width(), 40):
        for y in range(0, view.canvas.height(), 40):
            view.canvas.set_cursor(QPoint(x, y).toPointF())
            view.readout()
    painted(view)
    run.go_on(20)
    view.refresh()
    assert (painted(view) != painted(show(key))).any()


@EACH
def test_a_run_where_every_lane_is_zero_or_dead(key: str, show: Show) -> None:
    run = make_run(2, 4, 10, key=key)
    first = run.history.last_step + 1
    scalars = synthetic.scalars(run.info, first, 3)
    zero = np.zeros_like
    run.history.append(
        Scalars(
            scalars.steps,
            np.full_like(scalars.loss, np.nan),
            np.full_like(scalars.accuracy, np.nan),
            zero(scalars.lr),
            zero(scalars.weight_norm),
            zero(scalars.grad_norm),
            zero(scalars.update_norm),
        )
    )
    painted(show(key, run))


@EACH_OF_A_RUN
def test_a_hidden_lane_is_not_drawn(key: str, show: Show) -> None:
    view = show(key, run_for(key))
    view.set_focus_lane(3)
    before = count_of(painted(view), LIGHT.lane(3).color, 12)
    view.set_hidden_lanes(frozenset({3}))
    assert count_of(painted(view), LIGHT.lane(3).color, 12) < before
    view.set_hidden_lanes(frozenset(range(4)))
    assert count_of(painted(view), LIGHT.text, 60) > 50  # says that all are hidden
    view.set_hidden_lanes(frozenset())
    assert count_of(painted(view), LIGHT.lane(3).color, 12) == before


@EACH
def test_another_run_replaces_the_one_before(key: str, show: Show) -> None:
    view = show(key, run_for(key, lanes=8))
    view.set_focus_lane(7)
    run = run_for(key, lanes=2)
    view.set_run(run.info, run.history)
    alone = show(key, run)
    alone.set_focus_lane(1)
    assert view.focus_lane == 1
    assert (painted(view) == painted(alone)).all()
    view.set_run(None, None)
    assert (painted(view) == painted(show(key))).all()


@EACH_OF_A_RUN
def test_new_steps_are_drawn_and_nothing_new_costs_nothing(
    key: str, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_for(key)
    view = show(key, run)
    before = painted(view)
    drawn: list[str] = []
    draw = type(view).draw

    def counting(self: View, ink: Ink, area: QRectF) -> None:
        drawn.append(self.KEY)
        draw(self, ink, area)

    monkeypatch.setattr(type(view), "draw", counting)
    view.refresh()
    assert drawn == []
    run.go_on(200)
    view.refresh()
    assert drawn == ([key] if key not in OF_THE_START else [])
    if key not in {"signal", *OF_THE_START}:  # the made-up signal stays as it was
        assert (painted(view) != before).any()


@EACH
def test_while_hidden_nothing_is_drawn_and_then_all(
    key: str, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_for(key)
    view = show(key, run)
    view.hide()
    run.go_on(100)
    with monkeypatch.context() as patch:
        patch.setattr(type(view), "draw", lambda *arguments: pytest.fail("drawn while hidden"))
        view.refresh()
        view.set_theme(DARK)
        view.set_focus_lane(1)
    view.show()
    fresh = show(key, run, theme=DARK)
    fresh.set_focus_lane(1)
    assert (painted(view) == painted(fresh)).mean() > 0.98


@EACH
def test_drawing_on_and_drawing_anew_look_the_same(key: str, show: Show) -> None:
    """What is kept from frame to frame (backdrop, reduced columns, ranges) must not show."""
    run = make_run(4, 9, 300, key=key)
    view = show(key, run)
    for _ in range(12):
        run.go_on(30)
        view.refresh()
    on, anew = painted(view), painted(show(key, run))
    assert (on == anew).all(axis=2).mean() > 0.97


@EACH
def test_the_theme_switches_live(key: str, show: Show) -> None:
    view = show(key, run_for(key))
    light = painted(view)
    view.set_theme(DARK)
    dark = painted(view)
    assert (dark[5, 2] == np.array([0x18, 0x1C, 0x22])).all()
    head = view.head.grab().toImage()
    assert head.pixelColor(3, 3).name() == DARK.surface
    view.set_theme(LIGHT)
    assert (painted(view) == light).all()


class _Chinese(QTranslator):
    """Translates everything into one Chinese text with the same fields."""

    def translate(self, context: str, source: str, comment: str | None = None, number: int = -1) -> str:
        return "训练，一步一步。" + "".join("{" + part.split("}")[0] + "}" for part in source.split("{")[1:])

    def isEmpty(self) -> bool:
        return False


@EACH
def test_the_language_switches_live(key: str, show: Show, qapp: QApplication) -> None:
    view = show(key, run_for(key))
    empty = show(key)
    view.canvas.clearFocus()  # the ring of the keyboard comes and goes with the window's activation
    english, invitation = painted(view), painted(empty)
    chinese = _Chinese(qapp)
    qapp.installTranslator(chinese)
    try:
        QCoreApplication.sendPostedEvents()
        assert view.windowTitle() == "训练，一步一步。"
        assert view.accessibleName() == "训练，一步一步。"
        assert all("训练" in action.text() for action in view.menu.actions() if not action.isSeparator())
        assert (painted(empty) != invitation).any()
        tips = [button.toolTip() for button in view.head.findChildren(QToolButton)]
        assert all("训练" in tip for tip in tips)
    finally:
        qapp.removeTranslator(chinese)
    QCoreApplication.sendPostedEvents()
    assert view.windowTitle() == view.title() != "训练，一步一步。"
    view.canvas.clearFocus()
    assert (painted(view) == english).all()
