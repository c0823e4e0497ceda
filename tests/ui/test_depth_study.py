"""The depth study: one lane becomes many that differ in depth alone, what that costs is said, and one undo ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.blueprint import blueprint
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.ui.depth_desk import DepthDesk
from initviz.ui.depth_edits import depth_parameter, read_depths, study_cost
from initviz.ui.main_window import MainWindow
from initviz.ui.session import Session

DOCUMENT = {
    "schema": 1,
    "name": "Two",
    "model": {"family": "mlp", "depth": 3, "width": 8, "activation": "tanh"},
    "lanes": [
        {"name": "A"},
        {"name": "B", "color": 5, "init": {"weight": {"name": "zeros"}}, "model": {"width": 12}},
    ],
}


@pytest.fixture
def session(qapp: object) -> Session:
    session = Session(DOCUMENT, catalogue(), Limits())
    session.set_focus_lane(1)
    return session


@pytest.fixture
def desk(session: Session, qtbot: QtBot) -> DepthDesk:
    window = QWidget()
    qtbot.addWidget(window)
    return DepthDesk(session, window)


@pytest.mark.parametrize(
    ("text", "depths"),
    [
        ("2, 4, 8", (2, 4, 8)),
        ("8 2;4", (2, 4, 8)),
        ("2\uff0c4、8", (2, 4, 8)),
        ("4, 4", (4,)),
        ("", None),
        ("2, x", None),
        ("2.5", None),
        ("-3, 4", None),
        ("99999999, 3", None),
    ],
)
def test_depths_are_read_as_people_write_them(text: str, depths: tuple[int, ...] | None) -> None:
    assert read_depths(text) == depths


def test_the_lanes_differ_in_depth_alone(session: Session, desk: DepthDesk, qtbot: QtBot) -> None:
    before = session.document
    lane = session.experiment.lanes[1]
    with qtbot.waitSignal(desk.made):
        desk.make((2, 5, 9), False)
    lanes = session.experiment.lanes
    assert [one.name for one in lanes] == ["B, 2 layers", "B, 5 layers", "B, 9 layers"]
    assert len({one.color for one in lanes}) == 3
    for one, depth in zip(lanes, (2, 5, 9), strict=True):
        assert one.recipe.model.family is not None
        assert one.recipe.model.family.integer("depth") == depth
        assert one.recipe.model.family.integer("width") == 12
        assert replace(one.recipe, model=lane.recipe.model) == lane.recipe
    assert session.undo_stack.count() == 1
    session.undo_stack.undo()
    assert session.document == before


def test_the_other_lanes_can_stay(session: Session, desk: DepthDesk) -> None:
    desk.make((2, 5), True)
    assert [lane.name for lane in session.experiment.lanes] == ["B, 2 layers", "B, 5 layers", "A"]
    assert len({lane.color for lane in session.experiment.lanes}) == 3


def test_an_experiment_without_lanes_has_a_study_too(qapp: object, qtbot: QtBot) -> None:
    session = Session(
        {key: value for key, value in DOCUMENT.items() if key != "lanes"}, catalogue(), Limits()
    )
    window = QWidget()
    qtbot.addWidget(window)
    DepthDesk(session, window).make((2, 4), False)
    depths = [
        lane.recipe.model.family.integer("depth")
        for lane in session.experiment.lanes
        if lane.recipe.model.family
    ]
    assert depths == [2, 4]


def test_the_cost_is_that_of_the_networks(session: Session, desk: DepthDesk) -> None:
    document = desk._document((2, 5, 9), False)
    cost = study_cost(document, session.experiment, catalogue(), Limits())
    was = sum(_parameters(session, place) for place in range(2))
    session.apply(document, "study")
    wanted = sum(_parameters(session, place) for place in range(3))
    assert cost.num_parameters == wanted
    assert cost.times == pytest.approx(wanted / was)
    said, possible = desk.preview((2, 5, 9), False)
    assert possible
    assert "3 lanes" in said


def _parameters(session: Session, lane: int) -> int:
    experiment = session.experiment
    return blueprint(experiment.lanes[lane].recipe, experiment.data, catalogue(), Limits()).num_parameters


@pytest.mark.parametrize(
    ("depths", "said"), [((3,), "two depths"), (tuple(range(1, 18)), "16"), ((2, 4000), "200")]
)
def test_what_cannot_be_is_said_before_it_is_tried(
    desk: DepthDesk, depths: tuple[int, ...], said: str
) -> None:
    text, possible = desk.preview(depths, False)
    assert not possible
    assert said in text


def test_the_dialog_says_what_comes_of_what_is_typed(session: Session, desk: DepthDesk) -> None:
    desk.ask()
    dialog = desk.dialog
    assert dialog is not None
    assert dialog.isVisible()
    assert dialog.begin.isEnabled()
    assert "6 lanes" in dialog.said.text()
    dialog.keep.setChecked(True)
    assert "7 lanes" in dialog.said.text()
    dialog.field.setText("2, four")
    assert not dialog.begin.isEnabled()
    dialog.field.setText("3, 6")
    dialog.begin.click()
    assert [lane.name for lane in session.experiment.lanes] == ["B, 3 layers", "B, 6 layers", "A"]


def test_a_network_without_one_depth_is_refused(session: Session, desk: DepthDesk) -> None:
    layers = [{"kind": "flatten"}, {"kind": "dense", "units": 8}, {"kind": "activation", "function": "tanh"}]
    assert session.apply(
        {**session.document, "model": {"layers": layers}, "lanes": [{"name": "A"}]}, "layers"
    )
    heard: list[tuple[Text, str]] = []
    session.rejected.connect(lambda text, path: heard.append((text, path)))
    desk.ask()
    assert desk.dialog is None
    assert "quick form" in heard[0][0].en
    assert depth_parameter(session.experiment.lanes[0].recipe, catalogue()) is None


def test_every_family_with_a_depth_names_a_whole_number_of_it() -> None:
    named = [part for part in catalogue().parts("family") if getattr(part, "depth_key", "")]
    assert len(named) >= 3
    for part in named:
        assert part.parameter(part.depth_key) is not None  # type: ignore[attr-defined]


def test_the_menu_opens_it_and_the_plot_comes_up(window: MainWindow) -> None:
    window.actions_.depth_study.trigger()
    dialog = window.plot_keys.depths.dialog
    assert dialog is not None
    dialog.begin.click()
    assert not window.dashboard.docks["depth_study"].isHidden()
    assert len(window.parts.session.experiment.lanes) == 6
