"""Lanes that are repeated over seeds, in the window: one card, one focus, one eye; undo and keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QInputDialog, QMenu, QWidget
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.telemetry.frame import LaneInfo, LaneState, RunInfo, Scalars
from initviz.telemetry.history import RunHistory
from initviz.ui.actions import Actions
from initviz.ui.lane_keys import LaneKeys
from initviz.ui.lane_seeds import SeedsMenu
from initviz.ui.lane_text import group_text, seeds_text
from initviz.ui.lanes_panel import LanesPanel
from initviz.ui.language import LanguageSwitch
from initviz.ui.scope import Scope
from initviz.ui.session import Session
from initviz.views.palette import LIGHT
from tests.ui.panels import shown

DOCUMENT = {
    "data": {"name": "moons"},
    "model": {"family": "mlp", "depth": 3, "width": 8},
    "lanes": [
        {"name": "He", "repeat": 3},
        {"name": "small", "init": {"weight": {"name": "normal", "std": 0.02}}},
        {"name": "zeros", "repeat": 2, "init": {"weight": {"name": "zeros"}}},
    ],
}
LEARNING = LaneState("ok", None, None, 0.5, 2.3, 0.5)
STALLED = replace(LEARNING, outcome="stalled", train_loss=0.7)
DIVERGED = replace(LEARNING, outcome="diverged", diverged_at=9, bad_layer="dense_1", train_loss=float("nan"))


@pytest.fixture
def session(qapp: QApplication, english: LanguageSwitch) -> Session:
    return Session(DOCUMENT, catalogue(), Limits())


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> LanesPanel:
    panel = LanesPanel(Scope(session, session))
    panel.set_theme(LIGHT)
    shown(qtbot, panel, 500)
    return panel


def run(session: Session, losses: np.ndarray) -> RunHistory:
    lanes = tuple(
        LaneInfo(
            lane.name,
            lane.color,
            ("dense_1",),
            10,
            (1.0,),
            (1.0,),
            group=lane.group,
            member=lane.member,
            group_name=lane.group_name,
        )
        for lane in session.experiment.lanes
    )
    points = np.zeros((0, 2))
    info = RunInfo(
        1, "run", "cpu", "binary", 100, 10, 0.7, lanes, ("a", "b"), points, np.zeros(0, dtype=np.int64)
    )
    result = RunHistory(info)
    norms = np.ones((*losses.shape, 1), dtype=np.float32)
    steps = np.arange(len(losses))
    result.append(Scalars(steps, losses, losses, losses, norms, norms, norms))
    return result


def test_there_is_one_card_a_lane_as_it_is_written(panel: LanesPanel, session: Session) -> None:
    assert [(card.name, card.num_seeds) for card in panel.model.cards] == [
        ("He", 3),
        ("small", 1),
        ("zeros", 2),
    ]
    assert [card.color for card in panel.model.cards] == [LIGHT.lane(k).color for k in range(3)]
    assert panel.count.text() == "3 of 16"
    said = panel.model.data(panel.model.index(0), 11)  # Qt.ItemDataRole.AccessibleTextRole
    assert "× 3 seeds" in str(said)


def test_a_card_tells_mean_and_how_many_fare_how(panel: LanesPanel, session: Session) -> None:
    states = (LEARNING, STALLED, DIVERGED, LEARNING, STALLED, STALLED)
    losses = np.full((20, 6), 0.7)
    losses[:, 0] = np.linspace(0.7, 0.5, 20)
    losses[9:, 2] = np.nan
    panel.update_lanes(states, run(session, losses))
    many, one, flat = panel.model.cards
    assert many.status_words == "1 of 3 learn, 1 stalled, 1 diverged"
    assert (many.status, many.loss) == ("diverged", "0.600")
    assert (one.status_words, one.loss) == ("learning", "0.500")
    assert (flat.status_words, flat.status, flat.loss) == ("all 2 stalled", "stalled", "0.700")
    assert "mean of 3 seeds: 0.600" in panel.tooltip(0, "body")
    assert "mean of" not in panel.tooltip(1, "body")


def test_the_sparkline_is_that_of_the_mean(panel: LanesPanel, session: Session) -> None:
    falling = np.stack([1.0 * 0.9 ** (np.arange(30) * k) for k in (1, 2, 3, 2, 0, 0)], axis=1)
    panel.update_lanes((LEARNING,) * 6, run(session, falling))
    spark = panel.model.cards[0].spark
    means = np.log10(falling[:, :3].mean(axis=1))
    lows = np.log10([*falling[:, :3].mean(axis=1), *falling[:, 3], *falling[:, 4]])
    expected = np.clip((np.percentile(lows, 98) - means) / (np.percentile(lows, 98) - lows.min()), 0, 1)
    np.testing.assert_allclose([y for _, y in spark], expected, atol=1e-9)


def test_the_number_of_seeds_is_painted(panel: LanesPanel, session: Session) -> None:
    panel.resize(304, 500)
    session.set_focus_lane(1)
    before = panel.list.grab(box(panel, 0)).toImage()
    session.repeat_lane(0, 4)
    assert panel.list.grab(box(panel, 0)).toImage() != before


def box(panel: LanesPanel, row: int) -> QRect:
    return panel.list.visualRect(panel.model.index(row))


def test_focus_and_eye_are_those_of_all_seeds(panel: LanesPanel, session: Session) -> None:
    panel.list.setCurrentIndex(panel.model.index(2))
    assert session.focus_lane == 2
    panel.toggle_hidden(2)
    assert session.hidden_lanes == frozenset({2})
    assert panel.model.cards[2].hidden
    session.set_focus_lane(9)
    assert session.focus_lane == 2


def seeds_menu(panel: LanesPanel) -> SeedsMenu:
    menu = QMenu(panel)
    panel._fill_menu(menu, panel.list.current_row())
    found = menu.findChild(SeedsMenu)
    assert found is not None
    return found


def entries(menu: QMenu) -> Sequence[QAction]:
    return [action for action in menu.actions() if not action.isSeparator()]


def test_the_menu_of_a_card_sets_the_number_and_undo_takes_it_back(
    panel: LanesPanel, session: Session
) -> None:
    panel.list.setCurrentIndex(panel.model.index(1))
    menu = seeds_menu(panel)
    assert [a.text() for a in entries(menu)] == [
        "1 seed: a single draw", "2 seeds", "3 seeds", "5 seeds", "8 seeds", "Another number…",
    ]  # fmt: skip
    assert [a.text() for a in entries(menu) if a.isChecked()] == ["1 seed: a single draw"]
    assert all(a.toolTip() for a in entries(menu))
    entries(menu)[3].trigger()
    assert [len(own) for own in session.experiment.groups] == [3, 5, 2]
    assert session.document["lanes"][1]["repeat"] == 5  # type: ignore[index]
    assert session.undo_stack.undoText() == "Set number of seeds"
    session.undo_stack.undo()
    assert session.document == DOCUMENT
    session.undo_stack.redo()
    entries(seeds_menu(panel))[0].trigger()
    assert "repeat" not in session.document["lanes"][1]  # type: ignore[index]


def test_more_seeds_than_can_race_are_not_offered(panel: LanesPanel, session: Session) -> None:
    assert session.repeat_lane(0, 57)
    panel.list.setCurrentIndex(panel.model.index(2))
    menu = seeds_menu(panel)
    assert [a.isEnabled() for a in entries(menu)] == [True, True, True, True, False, True]
    assert "each seed" in entries(menu)[4].toolTip()
    assert not panel.duplicate_button.isEnabled() or session.focus_lane != 0
    panel.list.setCurrentIndex(panel.model.index(0))
    assert not panel.duplicate_button.isEnabled()
    assert panel.add_button.isEnabled()


def test_another_number_is_asked_for(panel: LanesPanel, session: Session, qtbot: QtBot) -> None:
    panel.list.setCurrentIndex(panel.model.index(1))
    entries(seeds_menu(panel))[-1].trigger()
    dialog = panel.findChild(QInputDialog, "seedsDialog")
    assert dialog is not None
    assert (dialog.intMinimum(), dialog.intMaximum(), dialog.intValue()) == (1, 59, 1)
    dialog.setIntValue(4)
    dialog.accept()
    assert [len(own) for own in session.experiment.groups] == [3, 4, 2]


def test_an_impossible_number_is_refused_in_words(panel: LanesPanel, session: Session) -> None:
    panel.list.setCurrentIndex(panel.model.index(0))
    panel._repeat_current(400)
    assert session.document == DOCUMENT
    assert "each seed of a lane is one" in panel.message.text()


def test_keys_add_and_take_a_seed(session: Session, qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    actions = Actions(window)
    keys = LaneKeys(session, actions)
    session.set_focus_lane(2)
    actions.more_seeds.trigger()
    actions.more_seeds.trigger()
    assert [len(own) for own in session.experiment.groups] == [3, 1, 4]
    assert session.undo_stack.count() == 1  # in quick succession
    for _ in range(6):
        actions.fewer_seeds.trigger()
    assert [len(own) for own in session.experiment.groups] == [3, 1, 1]
    assert keys.parent() is actions
    assert actions.more_seeds.shortcut().toString() == "Ctrl+]"


def test_lanes_are_moved_copied_and_renamed_with_their_seeds(session: Session) -> None:
    assert session.move_lane(0, 1)
    assert [lane.title for lane in session.experiment.lanes] == ["small", "He", "He", "He", "zeros", "zeros"]
    assert session.duplicate_lane(1)
    assert [len(own) for own in session.experiment.groups] == [1, 3, 3, 2]
    assert session.rename_lane(1, "Kaiming")
    assert [lane.name for lane in session.experiment.lanes[1:4]] == [
        "Kaiming · 0",
        "Kaiming · 1",
        "Kaiming · 2",
    ]
    assert session.remove_lane(1)
    for _ in range(4):
        session.undo_stack.undo()
    assert session.document == DOCUMENT


@pytest.mark.parametrize(
    ("fates", "english_text", "chinese_text"),
    [
        (["learning"] * 5, "all 5 learn", "全部 5 条学习中"),
        (["learning"] * 3 + ["stalled"] * 2, "3 of 5 learn, 2 stalled", "5 条中 3 条学习中，2 条停滞"),
        (["stalled", "diverged"], "1 of 2 stalled, 1 diverged", "2 条中 1 条停滞，1 条发散"),
    ],
)
def test_words_for_how_seeds_fare(
    english: LanguageSwitch, fates: list[str], english_text: str, chinese_text: str
) -> None:
    assert group_text(fates) == english_text  # type: ignore[arg-type]
    assert seeds_text(5) == "× 5 seeds"
    assert seeds_text(1) == ""
    english.choose("zh")
    assert group_text(fates) == chinese_text  # type: ignore[arg-type]
    assert seeds_text(5) == "× 5 个种子"
