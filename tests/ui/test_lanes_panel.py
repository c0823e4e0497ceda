import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QWidget
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.telemetry.frame import LaneInfo, LaneState, RunInfo, Scalars
from initviz.telemetry.history import RunHistory
from initviz.ui.lane_cards import card_places
from initviz.ui.lane_list import ColorButton
from initviz.ui.lanes_panel import LanesPanel
from initviz.ui.language import LanguageSwitch
from initviz.ui.scope import Scope
from initviz.ui.session import Session
from initviz.views.palette import DARK, LIGHT
from tests.ui.panels import shown

NAMES = ("zeros", "small", "He")
LEARNING = LaneState("ok", None, None, 0.0123, 2.3, 0.0123)


@pytest.fixture
def session(qapp: QApplication, english: LanguageSwitch) -> Session:
    document = {
        "data": {"name": "moons"},
        "model": {"family": "mlp", "depth": 3, "width": 8},
        "lanes": [
            {"name": "zeros", "init": {"weight": {"name": "zeros"}}},
            {"name": "small", "init": {"weight": {"name": "normal", "std": 0.02}}},
            {"name": "He"},
        ],
    }
    return Session(document, catalogue(), Limits())


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> LanesPanel:
    panel = LanesPanel(Scope(session, session))
    panel.set_theme(LIGHT)
    shown(qtbot, panel, 500)
    panel.list.setFocus()
    return panel


def names(session: Session) -> list[str]:
    return [lane.name for lane in session.experiment.lanes]


def box(panel: LanesPanel, row: int) -> QRect:
    return panel.list.visualRect(panel.model.index(row))


def click(panel: LanesPanel, point: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    QTest.mouseClick(panel.list.viewport(), button, pos=point)


def open_menu(panel: LanesPanel) -> QMenu:
    menus = [menu for menu in panel.findChildren(QMenu) if menu.isVisible()]
    assert len(menus) >= 1
    return menus[0]


def test_a_card_says_what_is_special_about_a_lane(panel: LanesPanel) -> None:
    cards = panel.model.cards
    assert [card.name for card in cards] == ["zeros", "small", "He"]
    assert cards[1].difference == "Normal, std 0.02"
    assert cards[2].difference == "He (Kaiming) normal"
    assert [card.status_words for card in cards] == ["ready"] * 3
    assert cards[0].color == LIGHT.lane(0).color


def test_buttons_and_keys_add_duplicate_and_remove(panel: LanesPanel, session: Session) -> None:
    QTest.mouseClick(panel.add_button, Qt.MouseButton.LeftButton)
    assert names(session) == ["zeros", "small", "He", "Lane 4"]
    assert session.focus_lane == 3
    QTest.keyClick(panel.list, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert names(session) == ["zeros", "small", "He", "Lane 4", "Lane 4 2"]
    QTest.keyClick(panel.list, Qt.Key.Key_Delete)
    QTest.mouseClick(panel.remove_button, Qt.MouseButton.LeftButton)
    assert names(session) == ["zeros", "small", "He"]
    QTest.keyClick(panel.list, Qt.Key.Key_Insert)
    assert len(names(session)) == 4
    assert session.undo_stack.count() == 5
    session.undo_stack.undo()
    assert names(session) == ["zeros", "small", "He"]


def test_sixteen_lanes_are_the_most_and_the_button_says_so(panel: LanesPanel, session: Session) -> None:
    while len(names(session)) < 16:
        QTest.mouseClick(panel.duplicate_button, Qt.MouseButton.LeftButton)
    assert not panel.add_button.isEnabled()
    assert not panel.duplicate_button.isEnabled()
    assert "16" in panel.add_button.toolTip()
    QTest.keyClick(panel.list, Qt.Key.Key_Insert)
    assert len(names(session)) == 16
    assert panel.count.text() == "16 of 16"


def test_the_last_lane_stays(panel: LanesPanel, session: Session) -> None:
    for _ in range(4):
        QTest.keyClick(panel.list, Qt.Key.Key_Delete)
    assert len(names(session)) == 1
    assert not panel.remove_button.isEnabled()
    assert "must stay" in panel.remove_button.toolTip()


def test_clicks_and_arrows_choose_the_lane_in_focus(panel: LanesPanel, session: Session) -> None:
    click(panel, box(panel, 2).center())
    assert session.focus_lane == 2
    QTest.keyClick(panel.list, Qt.Key.Key_Up)
    assert session.focus_lane == 1
    session.set_focus_lane(0)
    assert panel.list.current_row() == 0


@pytest.mark.parametrize("way", ["F2", "double click", "Enter"])
def test_a_lane_is_renamed_in_place(panel: LanesPanel, session: Session, qtbot: QtBot, way: str) -> None:
    click(panel, box(panel, 1).center())
    if way == "F2":
        QTest.keyClick(panel.list, Qt.Key.Key_F2)
    elif way == "Enter":
        QTest.keyClick(panel.list, Qt.Key.Key_Return)
    else:
        QTest.mouseDClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=box(panel, 1).center())
    editor = panel.list.findChild(QLineEdit, "cardName")
    assert editor is not None
    assert editor.text() == "small"
    QTest.keyClicks(editor, "tiny")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: names(session) == ["zeros", "tiny", "He"])
    assert session.undo_stack.undoText() == "Rename lane"


def test_two_lanes_cannot_share_a_name(panel: LanesPanel, session: Session, qtbot: QtBot) -> None:
    click(panel, box(panel, 1).center())
    QTest.keyClick(panel.list, Qt.Key.Key_F2)
    editor = panel.list.findChild(QLineEdit, "cardName")
    assert editor is not None
    QTest.keyClicks(editor, "He")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(panel.message.isVisible)
    assert names(session) == ["zeros", "small", "He"]
    assert "two lanes are called 'He'" in panel.message.text()
    assert "Nothing was changed" in panel.message.text()
    QTest.mouseClick(panel.add_button, Qt.MouseButton.LeftButton)
    assert not panel.message.isVisible()


def test_the_dot_offers_the_palette(panel: LanesPanel, session: Session) -> None:
    places = card_places(box(panel, 0), panel.list.fontMetrics())
    click(panel, places.dot.center())
    menu = open_menu(panel)
    buttons = menu.findChildren(ColorButton)
    assert len(buttons) == 16
    chosen = menu.findChild(ColorButton, "laneColor7")
    assert chosen is not None
    QTest.mouseClick(chosen, Qt.MouseButton.LeftButton)
    assert session.experiment.lanes[0].color == 7
    assert panel.model.cards[0].color == LIGHT.lane(7).color
    assert session.focus_lane == 0


def test_the_eye_hides_a_lane_without_an_edit(panel: LanesPanel, session: Session) -> None:
    places = card_places(box(panel, 1), panel.list.fontMetrics())
    click(panel, places.eye.center())
    assert session.hidden_lanes == frozenset({1})
    assert panel.model.cards[1].hidden
    assert session.undo_stack.count() == 0
    click(panel, places.eye.center())
    assert session.hidden_lanes == frozenset()


def drag(widget: QWidget, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.2, 0.5, 0.8, 1.0):
        QTest.mouseMove(widget, start + (end - start) * share)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=end)


def test_a_lane_is_dragged_to_another_place(panel: LanesPanel, session: Session) -> None:
    drag(panel.list.viewport(), box(panel, 0).center(), box(panel, 2).center() + QPoint(0, 12))
    assert names(session) == ["small", "He", "zeros"]
    assert session.focus_lane == 2
    assert session.undo_stack.undoText() == "Move lane"
    drag(panel.list.viewport(), box(panel, 2).center(), box(panel, 1).center() - QPoint(0, 12))
    assert names(session) == ["small", "zeros", "He"]


def test_escape_ends_a_drag(panel: LanesPanel, session: Session) -> None:
    view = panel.list.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=box(panel, 0).center())
    QTest.mouseMove(view, box(panel, 2).center())
    dragging = [panel.list.is_dragging]
    QTest.keyClick(panel.list, Qt.Key.Key_Escape)
    dragging.append(panel.list.is_dragging)
    assert dragging == [True, False]
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=box(panel, 2).center())
    assert names(session) == ["zeros", "small", "He"]


def test_alt_and_an_arrow_move_a_lane(panel: LanesPanel, session: Session) -> None:
    click(panel, box(panel, 0).center())
    QTest.keyClick(panel.list, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert names(session) == ["small", "zeros", "He"]
    assert session.focus_lane == 1
    QTest.keyClick(panel.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert names(session) == ["zeros", "small", "He"]


def test_the_context_menu_offers_everything(panel: LanesPanel, session: Session) -> None:
    click(panel, box(panel, 1).center())
    point = box(panel, 1).center()
    where = panel.list.viewport().mapToGlobal(point)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point, where)
    QApplication.sendEvent(panel.list.viewport(), event)
    menu = open_menu(panel)
    texts = [action.text().split("\t")[0] for action in menu.actions() if not action.isSeparator()]
    assert texts == ["Rename", "Hide its curves", "Colour", "Seeds", "Duplicate", "Remove", "Add lane"]
    next(action for action in menu.actions() if action.text().startswith("Duplicate")).trigger()
    menu.close()
    assert names(session) == ["zeros", "small", "small 2", "He"]


def history(losses: np.ndarray) -> RunHistory:
    steps, lanes = losses.shape
    info = RunInfo(
        run_id=1,
        name="run",
        device="cpu",
        task="binary",
        total_steps=steps,
        steps_per_epoch=10,
        constant_loss=0.7,
        lanes=tuple(
            LaneInfo(name, k, ("dense_1",), 10, (1.0,), (1.0,)) for k, name in enumerate(NAMES[:lanes])
        ),
        class_names=("a", "b"),
        points=np.zeros((0, 2)),
        point_classes=np.zeros(0, dtype=np.int64),
    )
    result = RunHistory(info)
    norms = np.ones((steps, lanes, 1), dtype=np.float32)
    result.append(
        Scalars(
            steps=np.arange(steps),
            loss=losses,
            accuracy=np.zeros_like(losses),
            lr=np.full_like(losses, 0.1),
            weight_norm=norms,
            grad_norm=norms,
            update_norm=norms,
        )
    )
    return result


def three_curves(steps: int = 200) -> np.ndarray:
    losses = np.full((steps, 3), 2.3)
    losses[steps // 2 :, 1] = np.nan
    losses[:, 2] = 2.3 * np.exp(-np.arange(steps) / 40)
    return losses


def test_status_is_said_in_words_with_the_loss(panel: LanesPanel) -> None:
    states = (
        replace(LEARNING, outcome="stalled", train_loss=2.302585),
        replace(LEARNING, outcome="diverged", diverged_at=1037, bad_layer="dense_2", train_loss=math.nan),
        LEARNING,
    )
    panel.update_lanes(states, history(three_curves()))
    cards = panel.model.cards
    assert [card.status_words for card in cards] == [
        "stalled",
        "diverged at step 1\u2009037",
        "learning",
    ]
    assert cards[1].status_detail == "dense_2"
    assert [card.loss for card in cards] == ["2.30", "–", "0.0123"]
    assert "dense_2" in panel.tooltip(1, "body")


def test_sparklines_share_one_axis(panel: LanesPanel) -> None:
    panel.update_lanes((LEARNING,) * 3, history(three_curves()))
    flat, broken, falling = (card.spark for card in panel.model.cards)
    assert {y for _, y in flat} == {flat[0][1]}
    assert falling[0][1] == pytest.approx(flat[0][1], abs=0.05)
    assert falling[-1][1] == pytest.approx(1.0)
    assert all(one <= other for (_, one), (_, other) in itertools.pairwise(falling))
    assert broken[-1][0] < 0.55


def test_cards_are_painted_a_few_times_a_second_at_most(panel: LanesPanel, qtbot: QtBot) -> None:
    run = history(three_curves())
    panel.update_lanes((LEARNING,) * 3, run)
    changes: list[int] = []
    panel.model.dataChanged.connect(lambda *_: changes.append(1))
    for step in range(30):
        panel.update_lanes((replace(LEARNING, train_loss=1 / (step + 1)),) * 3, run)
    assert changes == []
    qtbot.waitUntil(lambda: len(changes) == 1)
    assert panel.model.cards[0].loss == "0.0333"
    panel.update_lanes((replace(LEARNING, outcome="stalled"),) * 3, run)
    assert panel.model.cards[0].status == "stalled"


def test_states_follow_their_lanes_while_the_next_run_is_awaited(panel: LanesPanel, session: Session) -> None:
    states = tuple(replace(LEARNING, train_loss=loss) for loss in (1.0, 2.0, 3.0))
    run = history(three_curves())
    panel.update_lanes(states, run)
    QTest.keyClick(panel.list, Qt.Key.Key_Insert)
    assert [card.loss for card in panel.model.cards] == ["1.00", "2.00", "3.00", ""]
    assert panel.model.cards[3].status == "ready"
    assert session.move_lane(0, 2)
    panel.update_lanes(states, run)
    assert [(card.name, card.loss) for card in panel.model.cards[:3]] == [
        ("small", "2.00"),
        ("He", "3.00"),
        ("zeros", "1.00"),
    ]
    panel.update_lanes((), None)
    assert {card.status for card in panel.model.cards} == {"ready"}


def test_lanes_speak_chinese_at_once(panel: LanesPanel, english: LanguageSwitch) -> None:
    english.choose("zh")
    QApplication.sendPostedEvents()
    assert panel.model.cards[2].difference == catalogue().get("initializer", "he_normal").title.zh


def test_status_can_be_told_without_colour(panel: LanesPanel) -> None:
    """The outcomes differ in shape alone, in one colour, on both themes."""
    for theme in (LIGHT, DARK):
        panel.set_theme(theme)
        shapes = []
        for outcome in ("ok", "stalled", "stopped", "diverged"):
            states = (replace(LEARNING, outcome=outcome, diverged_at=1),) * 3
            panel.update_lanes(states, history(three_curves()))
            place = card_places(box(panel, 2), panel.list.fontMetrics()).status
            side = panel.list.fontMetrics().height()
            glyph = QRect(place.left(), place.top(), side, side)
            shapes.append(panel.list.viewport().grab(glyph).toImage())
        assert all(one != other for one, other in itertools.combinations(shapes, 2))


def test_a_stopped_lane_and_one_that_is_worse_than_a_guess_are_not_said_to_learn(panel: LanesPanel) -> None:
    stopped = replace(LEARNING, outcome="stopped", stopped_at=1240, best_step=900)
    panel.update_lanes((stopped, replace(LEARNING, is_worse=True), LEARNING), history(three_curves()))
    assert [card.status_words for card in panel.model.cards] == [
        "stopped at step 1\u2009240",
        "worse than a constant",
        "learning",
    ]
    assert [card.status for card in panel.model.cards] == ["stopped", "ok", "ok"]


def test_nobody_learns_before_it_is_seen(panel: LanesPanel) -> None:
    """In the first steps a card says no more than that its lane has just started."""
    panel.update_lanes((replace(LEARNING, judged=False), LEARNING, LEARNING), history(three_curves()))
    assert [card.status_words for card in panel.model.cards] == ["just started", "learning", "learning"]
    assert panel.model.cards[0].status == "ready"


def test_a_diverged_card_names_the_layer_that_broke(panel: LanesPanel) -> None:
    """It stands on the card itself, in the room of the curve that has ended; no hovering is needed."""
    broken = replace(LEARNING, outcome="diverged", diverged_at=12, bad_layer="dense_14")
    panel.resize(304, 500)
    images = []
    for layer in ("dense_14", "dense_15"):
        panel.update_lanes((replace(broken, bad_layer=layer), LEARNING, LEARNING), history(three_curves()))
        images.append(panel.list.grab(box(panel, 0)).toImage())
    assert images[0] != images[1]
