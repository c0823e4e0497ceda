"""The planned learning rate with warmup, a lane's own, one that follows the loss; and the search for a rate."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.catalog.parts import SchedulePart
from initviz.catalog.remedy_part import GroupPlan, RemedyPart, Rule
from initviz.experiment.edit import Table, get_value
from initviz.experiment.limits import Limits
from initviz.telemetry import synthetic
from initviz.telemetry.history import RunHistory
from initviz.ui.language import LanguageSwitch
from initviz.ui.main_window import MainWindow
from initviz.ui.planned_rate import changes_rate, range_test
from initviz.ui.scope import Scope
from initviz.ui.session import Origin, Session
from initviz.ui.training_panel import TrainingPanel
from initviz.views.palette import LIGHT
from tests.ui.panels import pick, shown
from tests.ui.shell import click


@pytest.fixture
def session(qapp: QApplication, english: LanguageSwitch) -> Session:
    document: Table = {
        "name": "Mine",
        "data": {"name": "moons"},
        "model": {"family": "mlp", "depth": 2, "width": 8},
        "optimizer": {"name": "sgd", "lr": 0.1},
        "steps": 1000,
        "lanes": [{"name": "one"}, {"name": "two", "optimizer": {"lr": 0.5}}],
    }
    return Session(document, catalogue(), Limits(), Origin(scenario=""))


@pytest.fixture
def scope(session: Session) -> Scope:
    scope = Scope(session, session)
    scope.set_theme(LIGHT)
    return scope


@pytest.fixture
def panel(qtbot: QtBot, scope: Scope) -> TrainingPanel:
    return shown(qtbot, TrainingPanel(scope), 900)


def rates(panel: TrainingPanel) -> tuple[float, ...]:
    assert panel.preview.curve is not None
    return panel.preview.curve.rates


def test_no_remedy_changes_the_rate_unseen() -> None:
    """A remedy whose rule changes the rate is known as such, whatever its rule is made by."""
    plan = GroupPlan(num_lanes=1, size=0, tensors=(), total_steps=10, steps_per_epoch=5, lr=0.1)
    for part in catalogue().parts("remedy"):
        assert isinstance(part, RemedyPart)
        if part.rule is not None and not isinstance(part.rule, type):
            assert type(part.rule(part.choose(), plan)).rate is Rule.rate, part.key
    assert any(changes_rate(part) for part in catalogue().parts("remedy"))


def test_the_preview_knows_the_warmup(panel: TrainingPanel, session: Session) -> None:
    flat = rates(panel)
    assert flat == pytest.approx([0.1] * len(flat))
    warming = next(p for p in catalogue().parts("remedy") if "warmup_steps" in [q.key for q in p.parameters])
    session.edit("remedies", {warming.key: {"warmup_steps": 500, "start_factor": 0.2}}, "warm up")
    assert rates(panel)[0] == pytest.approx(0.02)
    assert rates(panel)[64] == pytest.approx(0.1 * (0.2 + 0.8 * 251 / 500), rel=1e-3)
    assert rates(panel)[-1] == pytest.approx(0.1)


def test_lanes_with_rates_of_their_own_are_drawn_in_their_colours(
    panel: TrainingPanel, session: Session, scope: Scope
) -> None:
    assert [other.color for other in panel.preview.others] == [LIGHT.lane(1).color]
    assert panel.preview.others[0].curve.rates[0] == pytest.approx(0.5)
    session.set_focus_lane(1)
    scope.set_single(True)
    assert panel.preview.others == ()
    assert rates(panel)[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "key",
    [
        part.key
        for part in catalogue().parts("schedule")
        if isinstance(part, SchedulePart) and not part.previews
    ],
)
def test_a_schedule_that_follows_the_loss_says_so(panel: TrainingPanel, key: str) -> None:
    pick(panel.schedule.combo, key)
    assert panel.preview.curve is not None
    assert panel.preview.curve.follows
    assert panel.preview.accessibleDescription() == "from 0.100, then it follows the loss"


def test_a_press_opens_the_test_and_undo_closes_it(panel: TrainingPanel, session: Session) -> None:
    before = session.document
    session.edit("remedies", {"early_stopping": True, "warmup": True, "l2": True}, "remedies")
    written = session.document
    session.edit("lanes[1].schedule", {"name": "cosine"}, "own")
    panel.find_button.setFocus()
    QTest.keyClick(panel.find_button, Qt.Key.Key_Space)
    experiment = session.experiment
    part = range_test(catalogue())
    assert part is not None
    assert {lane.recipe.schedule.name for lane in experiment.lanes} == {part.key}
    assert [choice.name for choice in experiment.base.remedies] == ["l2"]
    assert experiment.name == "Range test: Mine"
    assert session.is_modified
    assert [lane.recipe.optimizer["lr"] for lane in experiment.lanes] == [0.1, 0.5]
    assert not panel.find_button.isVisible()
    assert not panel.use_button.isEnabled()
    assert panel.preview.curve is not None
    assert panel.preview.curve.by_decades
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.document == written
    assert panel.find_button.isVisible()
    assert before["name"] == "Mine"


def after_a_test(panel: TrainingPanel, session: Session, fastest: float) -> RunHistory:
    """Return the history of a test in which the loss falls fastest at a rate, and is shown to the panel."""
    info = synthetic.run_info(2, 2, 5, total_steps=400, tests_rates=True)
    history = RunHistory(info)
    steps = np.arange(400)
    lr = 1e-4 * (1e5) ** (steps / 399)
    loss = 1.0 + 1.0 / (1.0 + (lr / fastest) ** 2)
    scalars = synthetic.scalars(info, 0, 400)
    fields = {"loss": np.stack([loss, loss], axis=1), "lr": np.stack([lr, lr], axis=1)}
    history.append(
        type(scalars)(**{**{f: getattr(scalars, f) for f in scalars.__dataclass_fields__}, **fields})
    )
    panel.show_history(history)
    return history


def test_a_lane_that_learns_at_no_rate_is_told_so(panel: TrainingPanel, session: Session) -> None:
    QTest.mouseClick(panel.find_button, Qt.MouseButton.LeftButton)
    after_a_test(panel, session, 1e9)
    assert not panel.use_button.isEnabled()
    assert panel.use_button.text() == "Its loss does not fall at any rate"


@pytest.mark.parametrize(("single", "lane"), [(False, 0), (True, 0), (False, 1)])
def test_the_rate_goes_into_the_experiment_it_was_looked_for(
    panel: TrainingPanel, session: Session, scope: Scope, single: bool, lane: int
) -> None:
    QTest.mouseClick(panel.find_button, Qt.MouseButton.LeftButton)
    session.set_focus_lane(lane)
    scope.set_single(single)
    after_a_test(panel, session, 0.02)
    assert panel.use_button.isEnabled()
    assert panel.use_button.text().startswith("Use the learning rate 0.0")
    QTest.mouseClick(panel.use_button, Qt.MouseButton.LeftButton)
    assert session.experiment.name == "Mine"
    found = cast(float, session.experiment.lanes[lane].recipe.optimizer["lr"])
    assert found == pytest.approx(0.02, rel=0.5)
    own = get_value(session.document, f"lanes[{lane}].optimizer.lr")
    assert own == (found if single or lane == 1 else None)
    assert session.experiment.steps == 1000
    assert session.is_modified
    assert panel.find_button.isVisible()
    session.undo_stack.undo()
    assert session.experiment.name == "Range test: Mine"


def test_one_goes_back_without_a_change(panel: TrainingPanel, session: Session) -> None:
    before = session.document
    QTest.mouseClick(panel.find_button, Qt.MouseButton.LeftButton)
    QTest.mouseClick(panel.back_button, Qt.MouseButton.LeftButton)
    assert session.document == before
    assert not panel.back_button.isVisible()


def test_a_test_from_a_file_takes_the_rate_itself(panel: TrainingPanel, session: Session) -> None:
    part = range_test(catalogue())
    assert part is not None
    pick(panel.schedule.combo, part.key)
    assert not panel.back_button.isVisible()
    after_a_test(panel, session, 0.02)
    QTest.mouseClick(panel.use_button, Qt.MouseButton.LeftButton)
    assert session.experiment.base.schedule.name == "constant"
    assert session.experiment.base.optimizer["lr"] == pytest.approx(0.02, rel=0.5)


def test_the_window_shows_the_plot_of_the_test_and_closes_it(window: MainWindow, qtbot: QtBot) -> None:
    click(qtbot, window.controls.sections.header(3))
    panel = window.controls.panels["training"]
    assert isinstance(panel, TrainingPanel)
    dock = window.dashboard.docks["lr_range"]
    assert dock.isHidden()
    click(qtbot, panel.find_button)
    assert not dock.isHidden()
    assert window.parts.session.experiment.name.startswith("Range test: ")
    click(qtbot, panel.back_button)
    assert dock.isHidden()
