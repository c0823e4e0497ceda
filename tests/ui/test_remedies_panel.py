import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.catalog.remedy_part import RemedyPart
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.edit import Table, get_value
from initviz.experiment.limits import Limits
from initviz.experiment.parameters import FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation
from initviz.ui.lane_text import difference_text
from initviz.ui.language import LanguageSwitch
from initviz.ui.main_window import MainWindow
from initviz.ui.remedies_panel import RemediesPanel
from initviz.ui.remedy_edits import concerned
from initviz.ui.scope import Scope
from initviz.ui.session import Session
from initviz.views.palette import LIGHT
from tests.ui.panels import enter, shown
from tests.ui.shell import press

FIRST, SECOND = Text("Penalties of trial", "试用惩罚项"), Text("Data of trial", "试用数据")


def _too_strong(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if choice.number("strength") <= situation.data.batch_size / 1000:
        return None
    return "strength", Text("too strong for such a batch. Lower it.", "对这样的批来说过强。请减小它。")


def _not_with_pull(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if situation.recipe.remedy("pull") is None:
        return None
    return "", Text("it does not go together with Pull. Switch one off.", "它不能与“拉力”同用。请关闭其一。")


def _part(key: str, title: Text, group: Text, **more: object) -> RemedyPart:
    return RemedyPart(
        kind="remedy",
        key=key,
        title=title,
        summary=Text(f"What {key} does.", f"{key} 的作用。"),
        group=group,
        **more,  # type: ignore[arg-type]
    )


def _strength(default: float) -> FloatParameter:
    help_text = Text("How strong it is.", "它有多强。")
    return FloatParameter("strength", Text("Strength", "强度"), default, help_text, minimum=0.0, maximum=1.0)


TRIAL = (
    _part(
        "pull",
        Text("Pull", "拉力"),
        FIRST,
        parameters=(_strength(0.01), FloatParameter("floor", Text("Floor", "下限"), 0.0, Text("?", "？"))),
        mismatch=_too_strong,
        formula=r"\lambda \|w\|^2",
        source="Trial 2020, arXiv:2001.00001",
        aliases=("tug",),
    ),
    _part("push", Text("Push", "推力"), FIRST, parameters=(_strength(0.5),)),
    _part("stir", Text("Stir", "搅动"), SECOND, mismatch=_not_with_pull),
)


@pytest.fixture
def session(qapp: QApplication, english: LanguageSwitch) -> Session:
    others = [part for part in catalogue() if part.kind != "remedy"]
    document: Table = {
        "data": {"name": "moons", "batch_size": 100},
        "model": {"family": "mlp", "depth": 2, "width": 8},
        "lanes": [{"name": "one"}, {"name": "two"}],
    }
    return Session(document, Catalogue([*others, *TRIAL]), Limits())


@pytest.fixture
def scope(session: Session) -> Scope:
    scope = Scope(session, session)
    scope.set_theme(LIGHT)
    return scope


@pytest.fixture
def panel(qtbot: QtBot, scope: Scope) -> RemediesPanel:
    return shown(qtbot, RemediesPanel(scope), 700)


def toggle(panel: RemediesPanel, key: str) -> None:
    """Press the space bar on a switch."""
    box = panel.rows[key].box
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)


def lanes_with(session: Session, key: str) -> list[bool]:
    return [lane.recipe.remedy(key) is not None for lane in session.experiment.lanes]


def test_a_switch_turns_a_remedy_on_and_off_and_can_be_undone(panel: RemediesPanel, session: Session) -> None:
    assert panel.rows["pull"].form is None
    toggle(panel, "pull")
    assert session.document["remedies"] == {"pull": {}}
    assert lanes_with(session, "pull") == [True, True]
    assert session.undo_stack.undoText() == "Switch on Pull"
    form = panel.rows["pull"].form
    assert form is not None
    assert form.isVisible()
    toggle(panel, "pull")
    assert "remedies" not in session.document
    assert not form.isVisible()
    session.undo_stack.undo()
    assert form.isVisible()
    session.undo_stack.undo()
    assert not panel.rows["pull"].box.isChecked()
    assert session.experiment.base.remedies == ()


def test_the_mouse_does_the_same(panel: RemediesPanel, session: Session) -> None:
    box = panel.rows["stir"].box
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(30, box.height() // 2))
    assert lanes_with(session, "stir") == [True, True]
    assert session.document["remedies"] == {"stir": {}}


def test_a_parameter_is_typed_reset_and_undone(panel: RemediesPanel, session: Session) -> None:
    toggle(panel, "pull")
    form = panel.rows["pull"].form
    assert form is not None
    row = enter(form, "strength", "0.05")
    assert session.document["remedies"] == {"pull": {"strength": 0.05}}
    assert session.undo_stack.undoText() == "Pull: Change strength to 0.05"
    row.reset_button.click()
    assert session.experiment.base.remedies[0]["strength"] == 0.01
    assert row.edit.text() == "0.01"
    session.undo_stack.undo()
    assert session.document["remedies"] == {"pull": {}}


def test_true_in_a_file_becomes_a_table_when_it_is_edited(panel: RemediesPanel, session: Session) -> None:
    session.edit("remedies", {"tug": True}, "from a file")
    form = panel.rows["pull"].form
    assert form is not None
    enter(form, "strength", "0.05")
    assert session.document["remedies"] == {"tug": {"strength": 0.05}}
    toggle(panel, "pull")
    assert lanes_with(session, "pull") == [False, False]


def test_a_lane_switches_off_what_the_others_have_on(
    panel: RemediesPanel, session: Session, scope: Scope
) -> None:
    toggle(panel, "pull")
    session.set_focus_lane(1)
    scope.set_single(True)
    toggle(panel, "pull")
    assert get_value(session.document, "lanes[1].remedies") == {"pull": False}
    assert lanes_with(session, "pull") == [True, False]
    assert session.undo_stack.undoText() == "Switch off Pull (two)"
    row = panel.rows["pull"]
    assert row.note.isVisible()
    assert [mark.name for mark in row.dots.marks] == ["two"]
    toggle(panel, "pull")
    assert get_value(session.document, "lanes[1].remedies") is None
    assert lanes_with(session, "pull") == [True, True]
    assert not row.note.isVisible()


def test_a_lane_has_a_remedy_that_the_others_have_not(
    panel: RemediesPanel, session: Session, scope: Scope
) -> None:
    scope.set_single(True)
    toggle(panel, "push")
    form = panel.rows["push"].form
    assert form is not None
    enter(form, "strength", "0.25")
    assert get_value(session.document, "lanes[0].remedies") == {"push": {"strength": 0.25}}
    assert lanes_with(session, "push") == [True, False]
    scope.set_single(False)
    row = panel.rows["push"]
    assert not row.box.isChecked()
    assert "1 of 2 lanes differ" in row.note.text()
    row.note.linkActivated.emit("same")
    assert lanes_with(session, "push") == [False, False]


def test_what_is_switched_off_for_all_stays_as_it_was_where_a_lane_has_it_of_its_own(
    panel: RemediesPanel, session: Session, scope: Scope
) -> None:
    session.edit("remedies", {"pull": {"strength": 0.02, "floor": 0.5}}, "all")
    scope.set_single(True)
    form = panel.rows["pull"].form
    assert form is not None
    enter(form, "strength", "0.03")
    mine = session.experiment.lanes[0].recipe.remedies
    session.set_focus_lane(1)
    toggle(panel, "pull")
    scope.set_single(False)
    toggle(panel, "pull")
    assert session.experiment.lanes[0].recipe.remedies == mine
    assert lanes_with(session, "pull") == [True, False]
    assert get_value(session.document, "lanes[1].remedies") is None


def test_the_dots_at_a_parameter_end_a_difference(
    panel: RemediesPanel, session: Session, scope: Scope
) -> None:
    toggle(panel, "pull")
    scope.set_single(True)
    form = panel.rows["pull"].form
    assert form is not None
    row = enter(form, "strength", "0.03")
    assert [mark.name for mark in row.dots.marks] == ["one"]
    assert not panel.rows["pull"].dots.isVisible()
    QTest.mouseClick(row.dots, Qt.MouseButton.LeftButton)
    menu = next(menu for menu in panel.findChildren(QMenu) if menu.isVisible())
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(menu.actions()[0]).center())
    assert get_value(session.document, "lanes[0].remedies") is None
    assert session.experiment.lanes[0].recipe.remedies[0]["strength"] == 0.01


def test_what_does_not_go_together_is_said_at_the_field_it_concerns(
    panel: RemediesPanel, session: Session, scope: Scope
) -> None:
    toggle(panel, "pull")
    form = panel.rows["pull"].form
    assert form is not None
    row = enter(form, "strength", "0.2")
    assert row.message.text() == "Too strong for such a batch. Lower it. Nothing was changed."
    assert session.experiment.base.remedies[0]["strength"] == 0.01
    toggle(panel, "stir")
    assert not panel.rows["stir"].box.isChecked()
    assert panel.rows["stir"].message.text().startswith("It does not go together with Pull.")
    toggle(panel, "pull")
    assert not panel.rows["stir"].message.isVisible()


def test_a_remedy_that_another_one_bars_is_named_at_its_own_row(
    panel: RemediesPanel, session: Session, scope: Scope
) -> None:
    """Pull is switched on, but it is Stir, on already, that cannot go along with it."""
    toggle(panel, "stir")
    scope.set_single(True)
    toggle(panel, "pull")
    assert lanes_with(session, "pull") == [False, False]
    assert not panel.rows["pull"].box.isChecked()
    assert "does not go together with Pull" in panel.rows["stir"].message.text()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("remedies.tug.strength", ("pull", "strength")),
        ("lanes[1].remedies.pull", ("pull", "")),
        ("lanes[1].optimizer.lr", ("", "")),
        ("", ("", "")),
    ],
)
def test_whom_a_refusal_is_about(session: Session, path: str, expected: tuple[str, str]) -> None:
    assert concerned(path, session.catalogue) == expected


def test_words_filter_the_list(panel: RemediesPanel, qtbot: QtBot) -> None:
    panel.filter.show()
    panel.filter.setFocus()
    QTest.keyClicks(panel.filter, "pu")
    assert [key for key, row in panel.rows.items() if row.isVisible()] == ["pull", "push"]
    QTest.keyClicks(panel.filter, "sh")
    assert [key for key, row in panel.rows.items() if row.isVisible()] == ["push"]
    QTest.keyClicks(panel.filter, "zz")
    assert panel.empty.isVisible()
    panel.filter.clear()
    panel.filter.insert("搅动")  # as an input method does
    assert [key for key, row in panel.rows.items() if row.isVisible()] == ["stir"]


def test_a_lane_card_names_the_remedies_in_which_the_lane_differs(session: Session) -> None:
    document = session.document
    document["remedies"] = {"pull": True, "stir": False}
    document["lanes"] = [
        {"name": "one", "remedies": {"pull": False}},
        {"name": "two", "remedies": {"pull": {"strength": 0.02}, "push": True}},
    ]
    assert session.apply(document, "lanes")
    texts = [
        difference_text(session.experiment, lane, session.catalogue) for lane in session.experiment.lanes
    ]
    assert texts == ["without Pull", "Pull: strength 0.02, Push"]


def test_the_closed_panel_names_what_is_on(panel: RemediesPanel, scope: Scope) -> None:
    assert panel.summary() == "none"
    toggle(panel, "push")
    toggle(panel, "pull")
    assert panel.summary() == "Pull, Push"


def test_headings_and_tooltips(panel: RemediesPanel, english: LanguageSwitch) -> None:
    tip = panel.rows["pull"].box.toolTip()
    assert "What pull does." in tip
    assert "arXiv:2001.00001" in tip
    english.choose("zh")
    QApplication.sendPostedEvents()
    assert panel.rows["pull"].box.text() == "拉力"
    assert panel.rows["pull"].box.accessibleDescription() == "pull 的作用。"


def test_the_window_has_the_panel_within_reach_of_the_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    sections = window.controls.sections
    sections.header(3).setFocus(Qt.FocusReason.TabFocusReason)
    press(qtbot, window, Qt.Key.Key_Tab)
    assert sections.header(4).hasFocus()
    press(qtbot, window, Qt.Key.Key_Space)
    assert window.controls.panels["remedies"].isVisible()
