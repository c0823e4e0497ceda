"""Weights that layers share, tied and untied in the list of layers."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.blueprint import Blueprint, blueprint
from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.ui import network_edits
from initviz.ui.language import LanguageSwitch
from initviz.ui.network_panel import NetworkPanel
from initviz.ui.number_text import format_bytes, format_count
from initviz.ui.part_combo import KEY_ROLE
from initviz.ui.scope import Scope
from initviz.ui.session import Session
from initviz.ui.shapes import shape_words
from initviz.views.palette import LIGHT
from tests.ui.panels import enter, pick, shown

FLAT, ACT = {"kind": "flatten"}, {"kind": "activation"}


def dense(units: int, **more: object) -> Table:
    return {"kind": "dense", "units": units, **more}


@pytest.fixture
def session(qapp: QApplication, english: LanguageSwitch) -> Session:
    """64 -> 32 -> 10 -> 32 -> 64 -> 10: the fourth could turn the second round, the last have the shape of none."""
    layers = [FLAT, dense(32), ACT, dense(10), ACT, dense(32), ACT, dense(64), ACT, dense(32)]
    return Session({"data": {"name": "digits"}, "model": {"layers": layers}}, catalogue(), Limits())


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> NetworkPanel:
    panel = NetworkPanel(Scope(session, session))
    panel.set_theme(LIGHT)
    shown(qtbot, panel, 1000)
    QTest.qWait(1)
    return panel


def select(panel: NetworkPanel, row: int) -> None:
    panel.view.list.setFocus()
    QTest.keyClick(panel.view.list, Qt.Key.Key_Home)
    for _ in range(row):
        QTest.keyClick(panel.view.list, Qt.Key.Key_Down)
    assert panel.view.current_row == row


def offers(panel: NetworkPanel) -> list[str]:
    combo = panel.editor.tie.combo
    return [combo.itemText(index) for index in range(combo.count())]


def choose(panel: NetworkPanel, text: str) -> None:
    combo = panel.editor.tie.combo
    pick(combo, str(combo.itemData(combo.findText(text), KEY_ROLE)))


def model(session: Session) -> Table:
    table = session.document["model"]
    assert isinstance(table, dict)
    return table


def plan(session: Session) -> Blueprint:
    experiment = session.experiment
    return blueprint(experiment.base, experiment.data, catalogue(), Limits())


def test_only_earlier_layers_that_fit_are_offered(panel: NetworkPanel) -> None:
    select(panel, 1)
    assert not panel.editor.tie.isVisible()
    select(panel, 5)
    assert offers(panel) == ["its own", "those of dense_2, turned"]
    select(panel, 7)
    assert offers(panel) == ["its own", "those of dense_1, turned"]
    select(panel, 9)
    assert offers(panel) == ["its own", "those of dense_1", "those of dense_4, turned"]
    select(panel, 10)
    assert panel.editor.tie.isVisible()
    assert offers(panel) == ["its own", "those of dense_2", "those of dense_3, turned"]
    assert not panel.editor.form.isVisible()


def test_a_layer_shares_weights_that_count_once(panel: NetworkPanel, session: Session) -> None:
    own = plan(session).num_parameters
    select(panel, 7)
    choose(panel, "those of dense_1, turned")
    tables = network_edits.layers_of(model(session))
    assert tables[7] == {"kind": "dense", "units": 64, "tie": {"layer": "dense_1", "transpose": True}}
    assert plan(session).num_parameters == own - 32 * 64
    rows = panel.view.model.rows
    assert rows[7].num_parameters == 64
    assert [row.num_parameters for row in rows] == [stage.num_parameters for stage in plan(session).stages]
    memory = plan(session).memory_bytes(128, 4)
    total = format_count(plan(session).num_parameters)
    assert panel.view.total.text() == f"11 layers · {total} parameters · {format_bytes(memory)}"
    index = panel.view.model.index(7)
    spoken = str(panel.view.model.data(index, Qt.ItemDataRole.AccessibleTextRole))
    assert "shares weights with dense_1, turned; they count once" in spoken
    assert "shares weights with dense_1" in str(panel.view.model.data(index, Qt.ItemDataRole.ToolTipRole))
    assert not panel.editor.starts["weight"].isVisible()
    assert panel.editor.starts["bias"].isVisible()
    assert session.undo_stack.undoText() == "Share the weights of dense_1 with layer 8"
    choose(panel, "its own")
    assert plan(session).num_parameters == own
    assert session.undo_stack.undoText() == "Give layer 8 its own weights"
    session.undo_stack.undo()
    assert plan(session).num_parameters == own - 32 * 64
    assert panel.editor.tie.combo.currentText() == "those of dense_1, turned"


def test_the_output_layer_shares_weights_too(panel: NetworkPanel, session: Session) -> None:
    select(panel, 10)
    choose(panel, "those of dense_2")
    assert model(session)["output_tie"] == {"layer": "dense_2"}
    assert panel.view.model.rows[-1].num_parameters == 10
    choose(panel, "its own")
    assert "output_tie" not in model(session)


def tied(panel: NetworkPanel) -> None:
    select(panel, 7)
    choose(panel, "those of dense_1, turned")
    select(panel, 10)
    choose(panel, "those of dense_2")


def ties(session: Session) -> list[str]:
    found = [layer.tie.layer for layer in session.experiment.base.model.layers if layer.tie is not None]
    last = session.experiment.base.model.output_tie
    return found if last is None else [*found, last.layer]


def test_a_tie_follows_the_layer_that_it_means(panel: NetworkPanel, session: Session) -> None:
    """Names count layers of a kind, so another layer before them gives all of them other names."""
    tied(panel)
    select(panel, 0)
    menu = panel.view.menu
    menu.popup(panel.mapToGlobal(QPoint(0, 0)))
    action = next(action for action in menu.actions() if action.data() == "dense")
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    assert ties(session) == ["dense_2", "dense_3"]
    QTest.keyClick(panel.view.list, Qt.Key.Key_Delete)
    assert ties(session) == ["dense_1", "dense_2"]


def test_whoever_shared_the_weights_of_a_removed_layer_has_its_own(
    panel: NetworkPanel, session: Session
) -> None:
    tied(panel)
    select(panel, 3)
    QTest.keyClick(panel.view.list, Qt.Key.Key_Delete)
    assert ties(session) == ["dense_1"]
    session.undo_stack.undo()
    assert ties(session) == ["dense_1", "dense_2"]


def test_a_tie_that_fits_no_more_is_told_at_its_layer(panel: NetworkPanel, session: Session) -> None:
    tied(panel)
    runs = session.experiment
    select(panel, 1)
    enter(panel.editor.form, "units", "30")
    problems = [index for index, shown in enumerate(panel.view.model.rows) if shown.problem is not None]
    assert problems[0] == 7
    problem = panel.view.model.rows[7].problem
    assert problem is not None
    assert "undo the tie" in problem.en
    assert session.experiment is runs
    select(panel, 7)
    choose(panel, "its own")
    assert panel.view.model.rows[7].problem is None


@pytest.mark.parametrize("part", catalogue().parts("family"), ids=lambda part: part.key)
def test_a_quick_form_with_ties_is_spelled_out_as_it_is(part: object, english: LanguageSwitch) -> None:
    key = str(getattr(part, "key", ""))
    for data in ("digits", "copy", "text", "moons", "adding"):
        if data not in {dataset.key for dataset in catalogue().parts("dataset")}:
            continue
        for reconstruct in (False, True):
            try:
                session = Session(
                    {"data": {"name": data, "reconstruct": reconstruct}, "model": {"family": key}},
                    catalogue(),
                    Limits(),
                )
            except ExperimentError:  # not every family takes all data
                continue
            before = session.experiment
            document = network_edits.as_list(session.document, None, before, before.base, catalogue())
            assert session.apply(document, "list")
            after = session.experiment
            plans = [blueprint(made.base, made.data, catalogue(), Limits()) for made in (before, after)]
            assert plans[0] == plans[1]


def test_shapes_are_said_in_words() -> None:
    assert shape_words((64,)) == "64 numbers"
    assert shape_words((24, 16)) == "a sequence of 24 steps with 16 numbers each"
    assert shape_words((3, 8, 9)) == "an image of 8 × 9 in 3 channels"
