import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.blueprint import blueprint
from initviz.experiment.catalogue import Part
from initviz.experiment.edit import Table, get_value
from initviz.experiment.limits import Limits
from initviz.ui.form_rows import NumberRow
from initviz.ui.language import LanguageChoice, LanguageSwitch
from initviz.ui.main_window import MainWindow
from initviz.ui.network_panel import NetworkPanel
from initviz.ui.number_text import format_bytes, format_count
from initviz.ui.scope import Scope
from initviz.ui.session import Session
from initviz.views.palette import LIGHT
from tests.ui.panels import enter, pick, shown


@pytest.fixture
def session(qapp: QApplication, english: LanguageSwitch) -> Session:
    document = {
        "data": {"name": "digits"},
        "model": {"family": "mlp", "depth": 3, "width": 32},
        "lanes": [{"name": "one"}, {"name": "deep", "model": {"depth": 5}}],
    }
    return Session(document, catalogue(), Limits())


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> NetworkPanel:
    panel = NetworkPanel(Scope(session, session))
    panel.set_theme(LIGHT)
    shown(qtbot, panel, 1000)
    QTest.qWait(1)
    return panel


def press(widget: QWidget) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def add(panel: NetworkPanel, kind: str) -> None:
    """Choose a kind from the menu of the add button, as it is opened with the Insert key."""
    panel.view.list.setFocus()
    menu = panel.view.menu
    menu.popup(panel.mapToGlobal(QPoint(0, 0)))
    action = next(action for action in menu.actions() if action.data() == kind)
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())


def box(panel: NetworkPanel, row: int) -> QRect:
    return panel.view.list.visualRect(panel.view.model.index(row))


def click_row(panel: NetworkPanel, row: int) -> None:
    index = panel.view.model.index(row)
    panel.view.list.scrollTo(index)
    QTest.mouseClick(panel.view.list.viewport(), Qt.MouseButton.LeftButton, pos=box(panel, row).center())


def titles(panel: NetworkPanel) -> list[str]:
    model = panel.view.model
    return [str(model.data(model.index(row))) for row in range(model.rowCount())]


def layers(session: Session, place: str = "model.layers") -> list[Table]:
    found = get_value(session.document, place)
    assert isinstance(found, list)
    return found


def test_depth_is_typed_and_undone(panel: NetworkPanel, session: Session) -> None:
    enter(panel.family.form, "depth", "20")
    assert session.experiment.base.model.family is not None
    assert session.experiment.base.model.family["depth"] == 20
    assert session.undo_stack.count() == 1
    assert session.undo_stack.undoText() == "Change depth to 20"
    session.undo_stack.undo()
    assert panel.family.form.row("depth").value == 3


def test_depth_is_one_slider_up_to_two_hundred(panel: NetworkPanel, session: Session, qtbot: QtBot) -> None:
    row = panel.family.form.row("depth")
    assert isinstance(row, NumberRow)
    assert row.slider is not None
    row.slider.setFocus()
    QTest.keyClick(row.slider, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: session.undo_stack.count() == 1)
    family = session.experiment.base.model.family
    assert family is not None
    assert family["depth"] == 200
    assert titles(panel).count("ReLU") == 200
    refused = enter(panel.family.form, "depth", "201")
    assert "1 ≤ x ≤ 200" in refused.message.text()


def test_every_layer_is_shown_with_shape_parameters_and_memory(panel: NetworkPanel, session: Session) -> None:
    assert titles(panel) == ["Flatten"] + ["Dense 32", "ReLU"] * 3 + ["Output"]
    experiment = session.experiment
    plan = blueprint(experiment.base, experiment.data, catalogue(), Limits())
    rows = panel.view.model.rows
    assert [row.name for row in rows] == [stage.name for stage in plan.stages]
    assert [row.output_shape for row in rows] == [stage.output_shape for stage in plan.stages]
    assert [row.num_parameters for row in rows] == [stage.num_parameters for stage in plan.stages]
    memory = plan.memory_bytes(experiment.data.batch_size, 4)
    assert sum(row.memory for row in rows) == memory
    assert panel.view.total.text() == (
        f"{len(rows)} layers · {format_count(plan.num_parameters)} parameters · {format_bytes(memory)}"
    )


def test_a_quick_form_becomes_a_list_that_trains_the_same(panel: NetworkPanel, session: Session) -> None:
    before = session.experiment
    press(panel.list_button)
    after = session.experiment
    assert after.base.model.family is None
    for one, other in zip(before.lanes, after.lanes, strict=True):
        plans = [blueprint(lane.recipe, before.data, catalogue(), Limits()) for lane in (one, other)]
        assert plans[0] == plans[1]
    assert layers(session)[:2] == [{"kind": "flatten"}, {"kind": "dense", "units": 32}]
    assert session.undo_stack.undoText() == "Edit layer by layer"
    assert not panel.family.isVisible()
    assert panel.view.add_button.isVisible()
    session.undo_stack.undo()
    assert session.experiment == before
    assert panel.family.isVisible()


def test_a_list_goes_back_to_a_quick_form(panel: NetworkPanel, session: Session) -> None:
    press(panel.list_button)
    menu = panel.quick_menu
    menu.popup(panel.mapToGlobal(QPoint(0, 0)))
    action = next(action for action in menu.actions() if action.data() == "mlp")
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    family = session.experiment.base.model.family
    assert family is not None
    assert family.name == "mlp"


def test_layers_are_added_duplicated_and_removed(panel: NetworkPanel, session: Session) -> None:
    press(panel.list_button)
    click_row(panel, 2)
    add(panel, "residual")
    assert titles(panel)[3] == "Residual block, ReLU"
    assert panel.view.current_row == 3
    assert session.undo_stack.undoText() == "Add layer: Residual block"
    QTest.keyClick(panel.view.list, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert titles(panel)[3:5] == ["Residual block, ReLU"] * 2
    QTest.keyClick(panel.view.list, Qt.Key.Key_Delete)
    assert session.undo_stack.undoText() == "Remove layer 5"
    click_row(panel, 3)
    press(panel.view.remove_button)
    assert titles(panel) == ["Flatten"] + ["Dense 32", "ReLU"] * 3 + ["Output"]


@pytest.mark.parametrize("part", catalogue().parts("layer"), ids=lambda part: part.key)
def test_every_kind_of_layer_can_be_added(
    panel: NetworkPanel,
    session: Session,
    part: Part,
) -> None:
    press(panel.list_button)
    add(panel, part.key)
    row = panel.view.model.rows[1]
    assert row.part.key == part.key
    assert list(panel.editor.form.rows) == [parameter.key for parameter in part.parameters]
    assert len(panel.view.model.rows) == 9


def test_a_layer_is_dragged_to_another_place(panel: NetworkPanel, session: Session) -> None:
    press(panel.list_button)
    enter_units(panel, 1, "48")
    view = panel.view.list.viewport()
    start, end = box(panel, 1).center(), box(panel, 3).center() + QPoint(0, 6)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.3, 0.6, 1.0):
        QTest.mouseMove(view, start + (end - start) * share)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    assert titles(panel)[:5] == ["Flatten", "ReLU", "Dense 32", "Dense 48", "ReLU"]
    assert panel.view.current_row == 3
    assert session.undo_stack.undoText() == "Move layer 2 to place 4"


def enter_units(panel: NetworkPanel, row: int, units: str) -> None:
    click_row(panel, row)
    enter(panel.editor.form, "units", units)


def test_alt_and_an_arrow_move_a_layer_but_never_past_the_output(
    panel: NetworkPanel, session: Session
) -> None:
    press(panel.list_button)
    click_row(panel, 5)
    panel.view.list.setFocus()
    QTest.keyClick(panel.view.list, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert titles(panel)[5:] == ["ReLU", "Dense 32", "Output"]
    count = session.undo_stack.count()
    QTest.keyClick(panel.view.list, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert session.undo_stack.count() == count
    assert titles(panel)[-1] == "Output"
    click_row(panel, 7)
    assert not panel.view.remove_button.isEnabled()
    assert not panel.editor.isVisible()


def test_each_layer_has_parameters_of_its_own(panel: NetworkPanel, session: Session) -> None:
    press(panel.list_button)
    enter_units(panel, 3, "16")
    assert layers(session)[3] == {"kind": "dense", "units": 16}
    assert session.undo_stack.undoText() == "Change units of layer 4 to 16"
    assert panel.view.model.rows[3].output_shape == (16,)
    assert panel.view.model.rows[5].input_shape == (16,)


def test_each_layer_can_start_in_a_way_of_its_own(panel: NetworkPanel, session: Session) -> None:
    press(panel.list_button)
    click_row(panel, 3)
    start = panel.editor.starts["weight"]
    assert start.combo.current_key() == "*"
    pick(start.combo, "normal")
    enter(start.form, "std", "0.5")
    assert layers(session)[3]["init"] == {"weight": {"name": "normal", "std": 0.5}}
    spec = session.experiment.base.model.layers[3]
    assert spec.weight is not None
    assert spec.weight["std"] == 0.5
    pick(start.combo, "*")
    assert "init" not in layers(session)[3]
    click_row(panel, 4)
    assert not panel.editor.starts["weight"].isVisible()


def test_an_impossible_network_says_which_layer_and_why_and_the_last_one_runs_on(
    panel: NetworkPanel, session: Session
) -> None:
    press(panel.list_button)
    runs = session.experiment
    click_row(panel, 1)
    add(panel, "conv")
    assert session.experiment is runs
    assert panel.notice.isVisible()
    assert "runs on" in panel.notice_text.text()
    rows = panel.view.model.rows
    assert [index for index, row in enumerate(rows) if row.problem is not None] == [2]
    problem = rows[2].problem
    assert problem is not None
    assert "image" in problem.en
    assert [row.output_shape for row in rows[:2]] == [(64,), (32,)]
    assert {row.output_shape for row in rows[2:]} == {None}
    spoken = panel.view.model.data(panel.view.model.index(2), Qt.ItemDataRole.AccessibleTextRole)
    assert "image" in str(spoken)
    assert panel.view.list.sizeHintForRow(2) > 2 * panel.view.list.sizeHintForRow(1)
    assert panel.view.total.text() == "9 layers that do not fit together"


def test_an_impossible_network_is_put_right_step_by_step(panel: NetworkPanel, session: Session) -> None:
    press(panel.list_button)
    before = session.experiment
    click_row(panel, 1)
    add(panel, "conv")
    QTest.keyClick(panel.view.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert panel.notice.isVisible()
    QTest.keyClick(panel.view.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert not panel.notice.isVisible()
    assert titles(panel)[:3] == ["Convolution 16", "Flatten", "Dense 32"]
    assert session.experiment.base.model.layers[0].layer.name == "conv"
    assert session.undo_stack.count() == 4
    session.undo_stack.undo()
    assert session.experiment == before
    assert panel.notice.isVisible()
    assert titles(panel)[:3] == ["Flatten", "Convolution 16", "Dense 32"]
    session.undo_stack.undo()
    assert titles(panel)[:3] == ["Flatten", "Dense 32", "Convolution 16"]
    session.undo_stack.undo()
    assert not panel.notice.isVisible()
    for _ in range(3):
        session.undo_stack.redo()
    assert session.experiment.base.model.layers[0].layer.name == "conv"


def test_a_draft_is_given_up_with_a_button(panel: NetworkPanel, session: Session) -> None:
    press(panel.list_button)
    click_row(panel, 1)
    add(panel, "conv")
    press(panel.discard_button)
    assert panel.draft is None
    assert not panel.notice.isVisible()
    assert "Convolution 16" not in titles(panel)
    session.undo_stack.undo()
    assert panel.notice.isVisible()


def test_a_draft_can_be_trained_once_the_data_fit(panel: NetworkPanel, session: Session) -> None:
    document = session.document
    document["data"] = {"name": "moons"}
    document["model"] = {"layers": [{"kind": "flatten"}, {"kind": "dense", "units": 8}]}
    document["lanes"] = [{"name": "one"}]
    assert session.apply(document, "moons")
    click_row(panel, 0)
    add(panel, "conv")
    panel.view.list.setFocus()
    QTest.keyClick(panel.view.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert titles(panel) == ["Convolution 16", "Flatten", "Dense 8", "Output"]
    assert panel.notice.isVisible()
    assert not panel.use_button.isVisible()
    assert session.edit("data", {"name": "digits"}, "digits")
    assert panel.use_button.isVisible()
    assert "can be trained now" in panel.notice_text.text()
    press(panel.use_button)
    assert not panel.notice.isVisible()
    assert session.experiment.base.model.layers[0].layer.name == "conv"


def test_other_edits_go_on_while_there_is_a_draft(panel: NetworkPanel, session: Session) -> None:
    press(panel.list_button)
    click_row(panel, 1)
    add(panel, "conv")
    assert session.edit("optimizer.lr", 0.5, "rate")
    assert session.experiment.base.optimizer["lr"] == 0.5
    assert panel.notice.isVisible()
    assert "Convolution 16" in titles(panel)


def test_what_is_too_large_is_said_at_its_layer(panel: NetworkPanel, session: Session) -> None:
    press(panel.list_button)
    enter_units(panel, 3, "9000")
    row = panel.view.model.rows[3]
    assert row.problem is not None
    assert "INITVIZ_MAX_WIDTH" in row.problem.en
    assert panel.notice.isVisible()


def test_a_lane_has_a_network_of_its_own(panel: NetworkPanel, session: Session) -> None:
    panel.scope.set_single(True)
    enter(panel.family.form, "width", "48")
    families = [lane.recipe.model.family for lane in session.experiment.lanes]
    assert [family["width"] for family in families if family is not None] == [48, 32]
    press(panel.list_button)
    assert session.experiment.base.model.family is not None
    assert session.experiment.lanes[0].recipe.model.family is None
    click_row(panel, 1)
    QTest.keyClick(panel.view.list, Qt.Key.Key_Delete)
    assert layers(session, "lanes[0].model.layers")[1]["kind"] == "activation"
    assert panel.own.isVisible()
    panel.own.linkActivated.emit("same")
    assert session.experiment.lanes[0].recipe.model == session.experiment.base.model


def test_a_draft_belongs_to_its_lane(panel: NetworkPanel, session: Session) -> None:
    panel.scope.set_single(True)
    press(panel.list_button)
    click_row(panel, 1)
    add(panel, "conv")
    assert panel.notice.isVisible()
    session.set_focus_lane(1)
    assert not panel.notice.isVisible()
    assert titles(panel).count("ReLU") == 5
    session.set_focus_lane(0)
    assert panel.notice.isVisible()


def test_the_menu_explains_every_kind(panel: NetworkPanel) -> None:
    actions = [action for action in panel.view.menu.actions() if action.isEnabled()]
    parts = {part.key: part for part in catalogue().parts("layer")}
    assert sorted(action.data() for action in actions) == sorted(parts)
    assert [action.toolTip() for action in actions] == [parts[action.data()].summary.en for action in actions]


def test_the_menu_has_a_heading_above_each_group(panel: NetworkPanel) -> None:
    heading = ""
    under: dict[str, str] = {}
    for action in panel.view.menu.actions():
        if not action.isEnabled():
            assert action.text() not in under.values()
            heading = action.text()
        else:
            under[action.data()] = heading
    assert under == {part.key: part.group.en for part in catalogue().parts("layer")}
    assert "" not in under.values()


def test_the_context_menu_of_a_layer(panel: NetworkPanel, session: Session) -> None:
    press(panel.list_button)
    point = box(panel, 1).center()
    where = panel.view.list.viewport().mapToGlobal(point)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point, where)
    QApplication.sendEvent(panel.view.list.viewport(), event)
    menu = next(menu for menu in panel.findChildren(QMenu) if menu.isVisible())
    assert [action.text().split("\t")[0] for action in menu.actions()] == [
        "Add layer…",
        "Duplicate",
        "Remove",
    ]
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(menu.actions()[2]).center())
    assert titles(panel)[:2] == ["Flatten", "ReLU"]


def test_layers_are_named_in_the_language_that_is_chosen(
    panel: NetworkPanel, english: LanguageSwitch
) -> None:
    english.choose("zh")
    QApplication.sendPostedEvents()
    assert titles(panel)[:2] == ["展平层", "全连接层 32"]
    assert [action.text() for action in panel.view.menu.actions()[:2]] == ["全连接、卷积与激活", "全连接层"]


def test_the_summary_of_the_closed_panel(panel: NetworkPanel, session: Session) -> None:
    assert panel.summary() == "3 × 32, ReLU"
    press(panel.list_button)
    assert panel.summary() == "8 layers"


def test_whoever_spells_the_form_out_stands_in_the_list(window: MainWindow, qtbot: QtBot) -> None:
    """The button that was pressed goes away; the keyboard and the sight go to what it brought."""
    window.resize(1280, 720)
    window.controls.sections.open_section(1)
    panel = window.controls.panels["network"]
    assert isinstance(panel, NetworkPanel)
    area = next(area for area in window.findChildren(QScrollArea) if area.widget() is panel)
    qtbot.wait(20)
    area.ensureWidgetVisible(panel.list_button)
    press(panel.list_button)
    assert panel.view.list.hasFocus()
    button = panel.view.add_button
    qtbot.waitUntil(
        lambda: area.viewport().rect().contains(button.mapTo(area.viewport(), button.rect().center()))
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_long_refusal_is_read_to_its_end(
    window: MainWindow, qtbot: QtBot, language: LanguageChoice
) -> None:
    """What a limit says takes several lines below a field, and none of them is cut; also after it is translated."""
    window.parts.language.choose(language)
    window.controls.sections.open_section(1)
    panel = window.controls.panels["network"]
    assert isinstance(panel, NetworkPanel)
    row = enter(panel.family.form, "width", "20000")
    qtbot.wait(20)
    assert row.problem
    message = row.message
    for width in (600, 304):
        window.splitter.setSizes([width, 900, 300])
        qtbot.waitUntil(lambda: message.height() >= message.heightForWidth(message.width()))
        qtbot.waitUntil(lambda: row.rect().contains(message.geometry()))
        assert message.heightForWidth(message.width()) > message.fontMetrics().height()
    window.parts.language.choose("en")
