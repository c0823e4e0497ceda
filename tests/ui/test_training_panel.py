import math

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.catalog.parts import SchedulePart
from initviz.experiment.catalogue import Part
from initviz.experiment.edit import get_value
from initviz.experiment.limits import Limits
from initviz.ui.language import LanguageSwitch
from initviz.ui.panel import ScopeSwitch
from initviz.ui.part_editor import source_html
from initviz.ui.schedule_preview import RateCurve, rate_curve
from initviz.ui.scope import Scope
from initviz.ui.session import Session
from initviz.ui.training_panel import TrainingPanel
from initviz.views.palette import LIGHT
from tests.ui.panels import enter, pick, shown


@pytest.fixture
def scope(qapp: QApplication, english: LanguageSwitch) -> Scope:
    document = {
        "data": {"name": "moons"},
        "model": {"family": "mlp", "depth": 2, "width": 8},
        "optimizer": {"name": "sgd", "lr": 0.1},
        "steps": 1000,
        "lanes": [{"name": "one"}, {"name": "two", "optimizer": {"lr": 0.5}}],
    }
    session = Session(document, catalogue(), Limits())
    scope = Scope(session, session)
    scope.set_theme(LIGHT)
    return scope


@pytest.fixture
def panel(qtbot: QtBot, scope: Scope) -> TrainingPanel:
    return shown(qtbot, TrainingPanel(scope), 900)


def test_enter_changes_the_document_in_one_step_that_has_a_name(panel: TrainingPanel, scope: Scope) -> None:
    enter(panel.optimizer.form, "momentum", "0.5")
    assert scope.session.experiment.base.optimizer["momentum"] == 0.5
    assert scope.session.undo_stack.count() == 1
    assert scope.session.undo_stack.undoText() == "Change momentum to 0.5"
    scope.session.undo_stack.undo()
    assert scope.session.experiment.base.optimizer["momentum"] == 0.9
    assert panel.optimizer.form.row("momentum").value == 0.9


def test_what_is_out_of_range_is_refused_at_the_field(panel: TrainingPanel, scope: Scope) -> None:
    row = enter(panel.optimizer.form, "momentum", "1.5")
    assert "0 ≤ x < 1" in row.message.text()
    assert scope.session.undo_stack.count() == 0


def test_what_only_the_experiment_can_refuse_is_said_at_the_field(panel: TrainingPanel, scope: Scope) -> None:
    row = enter(panel.fields.form, "steps", "200000000")
    assert "INITVIZ_MAX_STEPS" in row.message.text()
    assert "Nothing was changed." in row.message.text()
    assert scope.session.experiment.steps == 1000


def test_another_optimizer_brings_its_own_form_and_formula(panel: TrainingPanel, scope: Scope) -> None:
    pick(panel.optimizer.combo, "adam")
    assert scope.session.experiment.base.optimizer.name == "adam"
    assert scope.session.undo_stack.undoText() == "Choose Adam"
    assert "betas" in panel.optimizer.form.rows
    assert panel.optimizer.formula.tex == catalogue().get("optimizer", "adam").formula
    assert "https://arxiv.org/abs/1412.6980" in panel.optimizer.source.text()


def test_one_lane_differs_and_is_made_the_same_again(panel: TrainingPanel, scope: Scope) -> None:
    scope.session.set_focus_lane(0)
    scope.set_single(True)
    enter(panel.optimizer.form, "momentum", "0.25")
    session = scope.session
    assert [lane.recipe.optimizer["momentum"] for lane in session.experiment.lanes] == [0.25, 0.9]
    assert session.undo_stack.undoText() == "Change momentum to 0.25 (one)"
    row = panel.optimizer.form.row("momentum")
    assert row.dots.isVisible()
    assert [mark.color for mark in row.dots.marks] == [LIGHT.lane(0).color]
    assert not panel.optimizer.form.row("lr").dots.isVisible()
    QTest.mouseClick(row.dots, Qt.MouseButton.LeftButton)
    menu = next(menu for menu in panel.findChildren(QMenu) if menu.isVisible())
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(menu.actions()[0]).center())
    assert get_value(session.document, "lanes[0].optimizer") is None
    assert session.undo_stack.undoText() == "Make lanes the same again"
    assert not panel.optimizer.form.row("momentum").dots.isVisible()


def test_for_all_lanes_the_dots_show_who_differs(panel: TrainingPanel, scope: Scope) -> None:
    row = panel.optimizer.form.row("lr")
    assert [mark.name for mark in row.dots.marks] == ["two"]
    enter(panel.optimizer.form, "lr", "0.2")
    assert [lane.recipe.optimizer["lr"] for lane in scope.session.experiment.lanes] == [0.2, 0.5]


def test_the_note_ends_the_difference_in_a_whole_part(panel: TrainingPanel, scope: Scope) -> None:
    scope.session.set_focus_lane(1)
    scope.set_single(True)
    pick(panel.optimizer.combo, "adam")
    assert panel.optimizer.note.isVisible()
    scope.set_single(False)
    assert "1 of 2 lanes differ" in panel.optimizer.note.text()
    panel.optimizer.note.linkActivated.emit("same")
    assert [lane.recipe.optimizer.name for lane in scope.session.experiment.lanes] == ["sgd", "sgd"]
    assert not panel.optimizer.note.isVisible()


def test_steps_and_precision_are_always_those_of_all_lanes(panel: TrainingPanel, scope: Scope) -> None:
    scope.set_single(True)
    enter(panel.fields.form, "steps", "500")
    enter(panel.fields.form, "seed", "7")
    session = scope.session
    assert session.experiment.steps == 500
    assert session.experiment.seed == 0
    assert [lane.recipe.seed for lane in session.experiment.lanes] == [7, 0]
    assert "steps" not in session.document["lanes"][0]  # type: ignore[index]


def test_a_lone_lane_can_differ_too(qtbot: QtBot, english: LanguageSwitch) -> None:
    session = Session({"data": {"name": "moons"}}, catalogue(), Limits())
    scope = Scope(session, session)
    panel = TrainingPanel(scope)
    qtbot.addWidget(panel)
    panel.show()
    scope.set_single(True)
    enter(panel.optimizer.form, "lr", "0.3")
    assert session.experiment.lanes[0].recipe.optimizer["lr"] == 0.3
    assert session.experiment.base.optimizer["lr"] != 0.3


@pytest.mark.parametrize("part", catalogue().parts("schedule"), ids=lambda part: part.key)
def test_every_schedule_is_previewed(panel: TrainingPanel, scope: Scope, part: Part) -> None:
    assert isinstance(part, SchedulePart)
    if part.key != "constant":
        pick(panel.schedule.combo, part.key)
    curve = panel.preview.curve
    assert curve is not None
    assert curve.steps == 1000
    assert curve.rates[0] == pytest.approx(0.1 * part.factor(part.choose(), 1000)(0))
    assert all(math.isfinite(rate) for rate in curve.rates)


def test_the_preview_is_what_torch_would_do(panel: TrainingPanel, scope: Scope) -> None:
    pick(panel.schedule.combo, "cosine")
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1000)
    rates = []
    for _ in range(1000):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    curve = panel.preview.curve
    assert curve is not None
    for index in (0, 60, 128, 200, 255):
        share = index / 255
        assert curve.rates[index] == pytest.approx(rates[curve.step_at(share)], rel=1e-6, abs=1e-9)


def test_the_preview_draws_a_curve(panel: TrainingPanel, qtbot: QtBot) -> None:
    flat = panel.preview.grab().toImage()
    pick(panel.schedule.combo, "exponential")
    assert panel.preview.grab().toImage() != flat
    assert panel.preview.accessibleDescription().startswith("from 0.100 to ")


def test_a_run_of_one_step_has_a_curve_too() -> None:
    assert rate_curve(lambda step: 0.5, 1) == RateCurve(1, (0.5,))


def test_sources_become_links() -> None:
    linked = source_html("He et al. 2015, arXiv:1502.01852; LeCun 1998, doi:10.1007/3-540-49430-8_2")
    assert '<a href="https://arxiv.org/abs/1502.01852">' in linked
    assert '<a href="https://doi.org/10.1007/3-540-49430-8_2">' in linked
    assert source_html("a < b") == "a &lt; b"


def test_the_switch_says_whose_part_is_edited(qtbot: QtBot, scope: Scope) -> None:
    switch = ScopeSwitch(scope)
    qtbot.addWidget(switch)
    switch.resize(300, 32)
    switch.show()
    assert switch.all_button.isChecked()
    QTest.mouseClick(switch.one_button, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert scope.is_single
    assert scope.lane == 0
    assert "one" in switch.one_button.text()
    scope.session.set_focus_lane(1)
    assert "two" in switch.one_button.text()
    assert scope.lane == 1
    switch.all_button.setFocus()
    QTest.keyClick(switch.all_button, Qt.Key.Key_Space)
    assert not scope.is_single


def test_the_summary_of_the_closed_panel(panel: TrainingPanel, scope: Scope) -> None:
    assert panel.summary() == "SGD 0.1, 1\u2009000 steps"
