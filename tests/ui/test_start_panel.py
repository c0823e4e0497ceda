import math

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.catalogue import Part
from initviz.experiment.limits import Limits
from initviz.telemetry.frame import LaneInfo, RunInfo
from initviz.ui.language import LanguageSwitch
from initviz.ui.main_window import MainWindow
from initviz.ui.part_combo import KEY_ROLE, CalmCombo
from initviz.ui.scope import Scope
from initviz.ui.session import Session
from initviz.ui.start_facts import layer_starts
from initviz.ui.start_panel import StartPanel
from initviz.ui.typed_row import TypedRow
from tests.ui.panels import pick, shown


@pytest.fixture
def session(qapp: QApplication, english: LanguageSwitch) -> Session:
    document = {
        "data": {"name": "moons"},
        "model": {"family": "mlp", "depth": 3, "width": 32},
        "lanes": [
            {"name": "He"},
            {"name": "small", "init": {"weight": {"name": "normal", "std": 0.02}}},
        ],
    }
    return Session(document, catalogue(), Limits())


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> StartPanel:
    return shown(qtbot, StartPanel(Scope(session, session)), 700)


def keys(combo: CalmCombo) -> list[str]:
    entries = (combo.itemData(index, Qt.ItemDataRole.UserRole) for index in range(combo.count()))
    return [entry for entry in entries if isinstance(entry, str)]


def test_every_initializer_can_be_chosen_where_it_fits(panel: StartPanel) -> None:
    parts = catalogue().parts("initializer")
    weights, biases = keys(panel.weight.combo), keys(panel.bias.combo)
    assert set(weights) | set(biases) == {part.key for part in parts}
    assert {"zeros", "constant", "normal"} <= set(biases)
    assert "orthogonal" not in biases
    for part in parts:
        index = panel.weight.combo.findData(part.key, Qt.ItemDataRole.UserRole)
        if index >= 0:
            tip = panel.weight.combo.itemData(index, Qt.ItemDataRole.ToolTipRole)
            assert tip == part.summary.en


def test_headings_part_the_list_and_are_passed_over(panel: StartPanel, session: Session) -> None:
    combo = panel.weight.combo
    headings = [index for index in range(combo.count()) if combo.itemData(index, KEY_ROLE) is None]
    groups = [part.group.en for part in catalogue().parts("initializer") if part.group.en]
    assert [combo.itemText(index) for index in headings] == list(dict.fromkeys(groups))
    first = combo.itemData(headings[1] - 1, KEY_ROLE)
    after = combo.itemData(headings[1] + 1, KEY_ROLE)
    pick(combo, first)
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Down)
    assert session.experiment.base.init.weight.name == after


@pytest.mark.parametrize("part", catalogue().parts("initializer"), ids=lambda part: part.key)
def test_choosing_an_initializer_edits_the_experiment(
    panel: StartPanel,
    session: Session,
    part: Part,
) -> None:
    if part.key not in keys(panel.weight.combo):
        return
    pick(panel.weight.combo, part.key)
    assert session.experiment.base.init.weight.name == part.key
    assert session.experiment.lanes[1].recipe.init.weight.name == "normal"
    assert list(panel.weight.form.rows) == [parameter.key for parameter in part.parameters]
    assert panel.weight.formula.tex == part.formula


def test_a_lane_is_given_a_start_of_its_own_and_gives_it_up(panel: StartPanel, session: Session) -> None:
    panel.scope.set_single(True)
    pick(panel.weight.combo, "xavier_normal")
    assert session.experiment.lanes[0].recipe.init.weight.name == "xavier_normal"
    assert session.experiment.base.init.weight.name == "he_normal"
    assert session.undo_stack.undoText() == "Choose Xavier (Glorot) normal (He)"
    assert panel.weight.note.isVisible()
    assert "Only this lane" in panel.weight.note.text()
    panel.weight.note.setFocus()
    panel.weight.note.linkActivated.emit("same")
    assert session.experiment.lanes[0].recipe.init.weight.name == "he_normal"
    assert not panel.weight.note.isVisible()


def test_typing_a_deviation_changes_the_numbers_below(panel: StartPanel, session: Session) -> None:
    session.set_focus_lane(1)
    panel.scope.set_single(True)
    row = panel.weight.form.row("std")
    assert isinstance(row, TypedRow)
    row.edit.setFocus()
    row.edit.selectAll()
    QTest.keyClicks(row.edit, "0.05")
    QTest.keyClick(row.edit, Qt.Key.Key_Return)
    assert session.experiment.lanes[1].recipe.init.weight["std"] == 0.05
    assert panel.facts.values["aim"].text() == "0.0500"


def test_fans_gain_and_aim_are_those_of_torch(panel: StartPanel) -> None:
    weight = torch.empty(32, 32)
    fan_in, fan_out = torch.nn.init._calculate_fan_in_and_fan_out(weight)
    gain = torch.nn.init.calculate_gain("relu")
    pick(panel.facts.layers, "1")
    values = {key: label.text() for key, label in panel.facts.values.items()}
    assert values["fan_in"] == str(fan_in)
    assert values["fan_out"] == str(fan_out)
    assert values["gain"] == f"{gain:.2f}"
    assert values["aim"] == f"{gain / math.sqrt(fan_in):.3f}"
    pick(panel.facts.layers, "0")
    assert panel.facts.values["fan_in"].text() == "2"
    assert panel.facts.values["aim"].text() == f"{gain / math.sqrt(2):.2f}"


def run_info(session: Session, stds: tuple[float, ...]) -> RunInfo:
    experiment = session.experiment
    lanes = []
    for lane in experiment.lanes:
        starts = layer_starts(lane, experiment.data, session.catalogue, session.limits)
        aims = tuple(math.nan if start.aim is None else start.aim for start in starts)
        names = tuple(start.name for start in starts)
        lanes.append(LaneInfo(lane.name, lane.color, names, 100, aims, stds))
    return RunInfo(
        1, "run", "cpu", "binary", 100, 10, 0.7, tuple(lanes), (), np.zeros((0, 2)), np.zeros(0, np.int64)
    )


def test_what_was_drawn_is_shown_once_there_is_a_run_of_this_start(
    panel: StartPanel, session: Session
) -> None:
    assert panel.facts.values["drawn"].text() == "–"
    panel.set_run(run_info(session, (0.9, 0.2468, 0.3, 0.4)))
    pick(panel.facts.layers, "1")
    assert panel.facts.values["drawn"].text() == "0.247"
    pick(panel.weight.combo, "xavier_normal")
    assert panel.facts.values["drawn"].text() == "–"
    session.undo_stack.undo()
    assert panel.facts.values["drawn"].text() == "0.247"


def test_the_engine_aims_at_what_the_panel_says(session: Session) -> None:
    from initviz.engine.race import Race

    race = Race(session.experiment, session.catalogue, session.limits, device="cpu")
    for index, lane in enumerate(session.experiment.lanes):
        starts = layer_starts(lane, session.experiment.data, session.catalogue, session.limits)
        assert [start.aim for start in starts] == pytest.approx(list(race.target_stds[index]))


def test_the_facts_are_those_of_the_lane_in_focus(panel: StartPanel, session: Session) -> None:
    session.set_focus_lane(1)
    assert panel.facts.values["aim"].text() == "0.0200"
    assert panel.facts.title.toolTip() == "small"


def test_the_open_form_shows_what_the_start_means_without_scrolling(window: MainWindow, qtbot: QtBot) -> None:
    """In the usual window the formula and every number of a layer are in sight."""
    window.resize(1600, 900)
    window.parts.session.set_focus_lane(3)
    panel = window.controls.panels["start"]
    assert isinstance(panel, StartPanel)
    area = next(area for area in window.findChildren(QScrollArea) if area.widget() is panel)
    qtbot.waitUntil(lambda: panel.weight.formula.height() > 20, timeout=10_000)

    def in_sight(label: QLabel) -> bool:
        corner = label.mapTo(area.viewport(), QPoint(0, label.height()))
        return area.viewport().rect().contains(corner)

    # The hint about the lane that was in focus before takes its room with it.
    qtbot.waitUntil(lambda: all(in_sight(label) for label in panel.facts.values.values()))
