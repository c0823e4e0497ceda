"""Lanes that answer together: lines, members, matrix and numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from initviz.telemetry.ensemble import Answers, ensemble
from initviz.telemetry.history import RunHistory
from initviz.views.choice_button import ChoiceButton
from initviz.views.ensemble import BEST, MEAN, TOGETHER, EnsembleView
from initviz.views.members_button import MembersButton
from initviz.views.palette import LIGHT
from tests.views.conftest import Run, Show, count_of, info_for, make_run, painted


def shown(show: Show, run: Run | None = None, size: tuple[int, int] = (800, 420)) -> EnsembleView:
    view = show("ensemble", run or make_run(5, 3, 600, key="ensemble"), size=size)
    assert isinstance(view, EnsembleView)
    return view


def curves(view: EnsembleView, panel: int = 0) -> dict[int, np.ndarray]:
    return {curve.lane: curve.values for curve in view.panels_shown()[panel].curves}


def test_the_lines_are_those_of_the_ensemble_its_members_their_mean_and_the_best(show: Show) -> None:
    view = shown(show)
    assert view.history is not None
    expected = [ensemble(answers) for answers in view.history.answers]
    lines, losses = curves(view), curves(view, 1)
    assert set(lines) == {0, 1, 2, 3, 4, TOGETHER, BEST, MEAN}
    assert np.isnan(lines[4][1:]).all()  # it has diverged
    for place, one in enumerate(expected[1:], 1):
        assert one is not None
        assert lines[TOGETHER][place] == one.probabilities_accuracy
        assert losses[TOGETHER][place] == one.probabilities_loss
        assert lines[MEAN][place] == np.mean([lines[lane][place] for lane in range(4)])
        assert lines[BEST][place] == max(lines[lane][place] for lane in range(4))
        assert losses[BEST][place] == min(losses[lane][place] for lane in range(4))


@pytest.mark.parametrize("way", ["probabilities", "logits", "vote"])
def test_the_way_of_becoming_one_can_be_chosen(way: str, show: Show) -> None:
    view = shown(show)
    view.choose_way(way)
    found = view.scores()
    assert curves(view)[TOGETHER].tolist() == [getattr(one, f"{way}_accuracy") for one in found]
    assert len(view.panels_shown()) == (1 if way == "vote" else 2)  # a vote has no loss


def test_members_are_chosen_in_the_menu_and_hold_for_the_whole_run(show: Show) -> None:
    view = shown(show)
    before = painted(view)
    assert view.history is not None
    assert view.info is not None
    button = view.findChild(MembersButton)
    assert button is not None
    actions = button.menu().actions()
    assert [action.text() for action in actions] == [lane.name for lane in view.info.lanes]
    for place in (0, 1):
        actions[place].trigger()
    assert view.members() == (2, 3, 4)
    assert button.text().startswith("Members 3/5")
    assert (painted(view) != before).any()
    found = view.scores()
    assert {one.members for one in found[1:]} == {(2, 3)}
    assert len(found) == len(view.history.answers)
    assert set(curves(view)) == {2, 3, 4, TOGETHER, BEST, MEAN}


def test_with_one_member_it_says_to_choose_more(show: Show) -> None:
    view = shown(show)
    view.choose_members([2])
    assert view.plots() == []
    assert count_of(painted(view), LIGHT.text, 60) > 100
    view.canvas.set_cursor(QPointF(200, 100))
    assert view.readout() is None
    assert len(view.table()) == 1


def test_the_cross_hair_tells_the_lines_and_in_the_matrix_a_pair(show: Show) -> None:
    view = shown(show)
    plot = view.plots()[0]
    view.canvas.set_cursor(plot.rect.center())
    readout = view.readout()
    assert readout is not None
    assert readout.heading.startswith("step ")
    assert [row.label for row in readout.rows[:3]] == ["together", "best member", "mean member"]
    matrix = view.matrix()
    assert matrix is not None
    side = matrix.width() / 4
    view.canvas.set_cursor(QPointF(matrix.left() + 3.5 * side, matrix.top() + 2.5 * side))
    readout = view.readout()
    assert readout is not None
    share = view.scores()[-1].disagreement[2, 3]
    assert readout.heading.startswith(f"answers that differ: {100 * share:.1f}")
    assert [row.lane for row in readout.rows] == [2, 3]


def test_the_more_two_members_differ_the_further_is_the_color_from_the_surface(show: Show) -> None:
    view = shown(show)
    matrix, found = view.matrix(), view.scores()[-1]
    assert matrix is not None
    image, side = painted(view).astype(int), matrix.width() / 4
    depths, shares = [], []
    for row in range(4):
        for column in range(row):
            x, y = matrix.left() + (column + 0.1) * side, matrix.top() + (row + 0.1) * side
            depths.append(255 * 3 - image[round(y), round(x)].sum())
            shares.append(found.disagreement[row, column])
    assert np.corrcoef(depths, shares)[0, 1] > 0.9


@pytest.mark.parametrize(
    ("size", "beside", "below"), [((800, 420), 1, 0), ((420, 700), 0, 1), ((330, 220), 0, 0)]
)
def test_the_matrix_stands_where_there_is_room(
    size: tuple[int, int], beside: int, below: int, show: Show
) -> None:
    view = shown(show, size=size)
    matrix, plots = view.matrix(), view.plots()
    assert (matrix is not None) == bool(beside or below)
    if matrix is not None:
        assert (matrix.left() > plots[0].rect.right()) == bool(beside)
        assert (matrix.top() > plots[-1].rect.bottom()) == bool(below)
        assert view.canvas.rect().toRectF().contains(matrix)


def test_a_regression_has_a_loss_and_distances(show: Show) -> None:
    info = replace(info_for("ensemble", 3, 3), task="regression")
    history, rng = RunHistory(info), np.random.default_rng(2)
    outputs, targets = rng.normal(size=(3, 40, 1)), rng.normal(size=(40, 1))
    run = make_run(3, 3, 60, key="ensemble")
    assert run.history.frame is not None
    answers = Answers(5, "regression", outputs, targets)
    history.add_frame(replace(run.history.frame, answers=answers, confusion=None))
    view = shown(show, Run(info, history))
    assert [panel.caption for panel in view.panels_shown()] == ["loss"]
    assert curves(view)[TOGETHER].tolist() == [pytest.approx(np.mean((outputs.mean(0) - targets) ** 2))]
    ways = view.findChild(ChoiceButton)
    assert ways is not None
    assert not ways.isVisible()  # there is nothing to vote on


def test_the_numbers_can_be_saved(show: Show) -> None:
    view = shown(show)
    head, *rows = view.table()
    found = view.scores()
    assert len(rows) == len(found)
    last = dict(zip(head, rows[-1], strict=True))
    assert last["vote_accuracy"] == found[-1].vote_accuracy
    assert last["best_loss"] == found[-1].best_loss
    assert last["Xavier and He disagreement"] == found[-1].disagreement[2, 3]


def test_a_run_of_one_lane_is_told_to_add_another(show: Show) -> None:
    view = show("ensemble", make_run(1, 3, 60))
    assert "Add a lane" in view.invitation()
