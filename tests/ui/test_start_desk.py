"""A point that is dragged in the phase diagram moves the start of its lane, and one undo takes all of that back."""

from __future__ import annotations

import time

import pytest

from initviz.catalog.index import catalogue
from initviz.catalog.parts import InitContext, InitializerPart
from initviz.experiment.limits import Limits
from initviz.experiment.values import Choice
from initviz.ui.session import Session
from initviz.ui.start_desk import StartDesk

DOCUMENT = {
    "schema": 1,
    "name": "Two",
    "model": {"family": "mlp", "depth": 3, "width": 8, "activation": "tanh"},
    "lanes": [
        {"name": "A"},
        {"name": "B", "init": {"weight": {"name": "zeros"}}, "repeat": 2},
        {"name": "C"},
    ],
}


def session_of(document: dict[str, object]) -> Session:
    return Session(document, catalogue(), Limits())


@pytest.fixture
def session(qapp: object) -> Session:
    return session_of(dict(DOCUMENT))


def std(session: Session, lane: int, target: str, fan_in: int = 100) -> float:
    """Return the deviation that a lane's weights or biases aim at."""
    choice: Choice = getattr(session.experiment.lanes[lane].recipe.init, target)
    part = catalogue().get("initializer", choice.name)
    assert isinstance(part, InitializerPart)
    found = part.target_std(choice, InitContext(shape=(50, fan_in), fan_in=fan_in, fan_out=50))
    assert found is not None
    return found


@pytest.mark.parametrize("fan_in", [1, 64, 1000])
def test_the_lane_starts_from_the_sigmas_that_were_told(session: Session, fan_in: int) -> None:
    desk = StartDesk(session)
    desk.move(2, 1.37, 0.2, 1)
    lane = len(session.experiment.lanes) - 1  # the second one is trained with two seeds
    assert std(session, lane, "weight", fan_in) * fan_in**0.5 == pytest.approx(1.37, rel=1e-5)
    assert std(session, lane, "bias", fan_in) == pytest.approx(0.2)


def test_only_that_lane_changes(session: Session) -> None:
    before = session.experiment
    StartDesk(session).move(1, 2.0, 0.5, 1)
    after = session.experiment
    assert after.lanes[0] == before.lanes[0]
    assert after.lanes[3] == before.lanes[3]
    assert after.base == before.base
    for lane in (1, 2):
        assert std(session, lane, "weight", 100) == pytest.approx(0.2)


def test_an_experiment_of_one_lane_that_is_not_written_out_changes_itself(qapp: object) -> None:
    session = session_of({key: value for key, value in DOCUMENT.items() if key != "lanes"})
    StartDesk(session).move(0, 2.0, 0.5, 1)
    assert "lanes" not in session.document
    assert std(session, 0, "weight", 100) == pytest.approx(0.2)


def test_biases_that_are_zero_stay_as_they_are_written(session: Session) -> None:
    before = session.experiment.lanes[0].recipe.init.bias
    desk = StartDesk(session)
    desk.move(0, 2.0, 0.0, 1)
    assert session.experiment.lanes[0].recipe.init.bias == before
    desk.move(0, 2.0, 0.3, 1)
    desk.move(0, 2.0, 0.0, 1)
    assert std(session, 0, "bias") == 0.0


def test_one_undo_takes_a_whole_drag_back_however_long_it_took(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, now = session.document, [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    desk = StartDesk(session)
    for place in range(1, 6):
        desk.move(0, 1 + 0.1 * place, 0.1, 7)
        now[0] += 10.0  # the person thinks it over with the button held down
    assert session.undo_stack.count() == 1
    assert "A" in session.undo_stack.undoText()
    desk.move(0, 0.5, 0.1, 8)
    assert session.undo_stack.count() == 2
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.document == before


def test_a_lane_that_is_gone_is_left_alone(session: Session) -> None:
    before = session.document
    StartDesk(session).move(9, 1.0, 0.1, 1)
    assert session.document == before
