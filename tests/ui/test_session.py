"""Editing: what is accepted, what is refused, and what undo brings back."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.ui.session import Origin, Session

DOCUMENT = {
    "schema": 1,
    "name": "Two",
    "model": {"family": "mlp", "depth": 3, "width": 8},
    "lanes": [{"name": "A"}, {"name": "B", "init": {"weight": {"name": "zeros"}}}],
}


@pytest.fixture
def session(qapp: object) -> Session:
    return Session(DOCUMENT, catalogue(), Limits())


@pytest.fixture
def refusals(session: Session) -> list[tuple[Text, str]]:
    heard: list[tuple[Text, str]] = []
    session.rejected.connect(lambda text, path: heard.append((text, path)))
    return heard


def test_an_edit_is_read_and_can_be_undone(session: Session, qtbot: QtBot) -> None:
    with qtbot.waitSignal(session.experiment_changed):
        assert session.edit("model.depth", 5, "depth")
    family = session.experiment.base.model.family
    assert family is not None
    assert family.integer("depth") == 5
    assert session.is_modified
    session.undo_stack.undo()
    family = session.experiment.base.model.family
    assert family is not None
    assert family.integer("depth") == 3
    assert session.document == DOCUMENT
    assert not session.is_modified
    session.undo_stack.redo()
    assert session.document["model"] == {"family": "mlp", "depth": 5, "width": 8}


def test_an_impossible_edit_changes_nothing(
    session: Session, refusals: list[tuple[Text, str]], qtbot: QtBot
) -> None:
    before = session.experiment
    with qtbot.assertNotEmitted(session.experiment_changed):
        assert not session.edit("model.depth", -1, "depth")
    assert session.experiment is before
    assert session.document == DOCUMENT
    assert not session.undo_stack.canUndo()
    assert [path for _, path in refusals] == ["model.depth"]


def test_the_document_handed_out_is_a_copy(session: Session) -> None:
    session.document["name"] = "changed"
    lanes = session.document["lanes"]
    assert isinstance(lanes, list)
    lanes.clear()
    assert session.document == DOCUMENT


def test_a_dragged_slider_is_one_undo_step(session: Session) -> None:
    for depth in (4, 5, 6, 7):
        session.edit("model.depth", depth, "depth")
    session.edit("model.width", 16, "width")
    assert session.undo_stack.count() == 2
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.document == DOCUMENT


def test_an_edit_to_the_same_value_is_no_step(session: Session) -> None:
    assert session.edit("model.depth", 3, "depth")
    assert session.undo_stack.count() == 0


def test_none_removes_a_value(session: Session) -> None:
    assert session.edit("model.depth", None, "depth")
    assert session.document["model"] == {"family": "mlp", "width": 8}


def test_removing_a_lane_keeps_the_colours_of_the_rest(session: Session) -> None:
    session.add_lane()
    before = {lane.name: lane.color for lane in session.experiment.lanes}
    assert len(set(before.values())) == 3
    session.remove_lane(0)
    after = {lane.name: lane.color for lane in session.experiment.lanes}
    assert after == {name: color for name, color in before.items() if name != "A"}
    session.undo_stack.undo()
    assert {lane.name: lane.color for lane in session.experiment.lanes} == before


def test_a_duplicate_has_the_same_start_another_name_and_the_focus(session: Session) -> None:
    session.duplicate_lane(1)
    names = [lane.name for lane in session.experiment.lanes]
    assert names == ["A", "B", "B 2"]
    assert session.experiment.lanes[2].recipe == session.experiment.lanes[1].recipe
    assert session.focus_lane == 2
    session.duplicate_lane(1)
    assert [lane.name for lane in session.experiment.lanes] == ["A", "B", "B 3", "B 2"]


def test_the_implicit_lane_becomes_explicit(qapp: object) -> None:
    session = Session({"schema": 1}, catalogue(), Limits())
    name = session.experiment.lanes[0].name
    assert session.add_lane()
    assert session.experiment.lanes[0].name == name
    assert len(session.experiment.lanes) == 2


def test_the_last_lane_stays(qapp: object) -> None:
    session = Session({"schema": 1}, catalogue(), Limits())
    heard: list[str] = []
    session.rejected.connect(lambda text, path: heard.append(path))
    assert not session.remove_lane(0)
    assert heard == ["lanes"]
    assert len(session.experiment.lanes) == 1


def test_lanes_are_bounded(session: Session, refusals: list[tuple[Text, str]]) -> None:
    while len(session.experiment.lanes) < 16:
        assert session.add_lane()
    assert not session.add_lane()
    assert "16" in refusals[-1][0].en
    assert len(session.experiment.lanes) == 16


def test_focus_and_hidden_lanes_follow_a_removal(session: Session) -> None:
    session.add_lane()
    session.set_focus_lane(2)
    session.set_lane_hidden(0, True)
    session.set_lane_hidden(2, True)
    session.remove_lane(0)
    assert session.focus_lane == 1
    assert session.hidden_lanes == frozenset({1})
    session.remove_lane(1)
    assert session.focus_lane == 0
    assert session.hidden_lanes == frozenset()


def test_a_lane_moves_with_the_focus(session: Session) -> None:
    session.move_lane(0, 1)
    assert [lane.name for lane in session.experiment.lanes] == ["B", "A"]
    assert session.focus_lane == 1


def test_opening_can_be_undone_with_its_origin(session: Session) -> None:
    session.mark_saved(Path("one.toml"))
    assert session.open_document({"schema": 1, "name": "Other"}, "open", Origin(Path("two.toml")))
    assert session.origin.path == Path("two.toml")
    assert not session.is_modified
    session.undo_stack.undo()
    assert session.experiment.name == "Two"
    assert session.origin.path == Path("one.toml")


def test_saving_cleans_and_further_edits_soil(session: Session) -> None:
    session.edit("model.depth", 4, "depth")
    session.mark_saved(Path("here.toml"))
    assert not session.is_modified
    assert session.origin.path == Path("here.toml")
    session.edit("model.depth", 6, "depth")
    assert session.is_modified, "an edit after saving must not merge into the saved state"
    session.undo_stack.undo()
    assert not session.is_modified
