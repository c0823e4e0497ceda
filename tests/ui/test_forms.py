import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QWheelEvent
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.catalogue import Part
from initviz.experiment.parameters import (
    BoolParameter,
    ChoiceParameter,
    ClassesParameter,
    FloatParameter,
    FloatsParameter,
    IntParameter,
    Parameter,
    PartParameter,
    PathParameter,
    TextParameter,
)
from initviz.experiment.text import Text
from initviz.ui.form_row import Mark
from initviz.ui.form_rows import BoolRow, ChoiceRow, ListRow, NumberRow
from initviz.ui.forms import ParameterForm
from initviz.ui.language import LanguageSwitch
from initviz.ui.text_rows import TextRow
from initviz.ui.typed_row import TypedRow

RATE = FloatParameter(
    "lr",
    Text("Learning rate", "学习率"),
    0.01,
    Text("Size of a step.", "步长。"),
    minimum=0,
    maximum=10,
    log=True,
)
SHARE = FloatParameter(
    "share",
    Text("Share", "比例"),
    0.5,
    Text("A share.", "比例。"),
    minimum=0,
    maximum=1,
    open_maximum=True,
)
DEPTH = IntParameter("depth", Text("Depth", "深度"), 12, Text("Layers.", "层数。"), minimum=1, maximum=200)
SLOPE = FloatParameter("slope", Text("Slope", "斜率"), None, Text("Slope.", "斜率。"), optional=True)
BETAS = FloatsParameter(
    "betas",
    Text("Betas", "Beta"),
    (0.9, 0.999),
    Text("Two shares.", "两个比例。"),
    minimum=0,
    maximum=1,
    minimum_length=2,
    maximum_length=2,
)
PARTS = [pytest.param(part, id=f"{part.kind}-{part.key}") for part in catalogue() if part.parameters]


def speak(switch: LanguageSwitch, language: str) -> None:
    """Switch the language; Qt tells the widgets through posted events."""
    switch.choose("zh" if language == "zh" else "en")
    QApplication.sendPostedEvents()


def shown_form(qtbot: QtBot, *parameters: Parameter, width: int = 320) -> ParameterForm:
    form = ParameterForm(parameters, {}, catalogue())
    qtbot.addWidget(form)
    form.resize(width, form.sizeHint().height())
    form.show()
    form.activateWindow()
    qtbot.waitUntil(form.isActiveWindow)
    QTest.qWait(1)
    return form


def typed(form: ParameterForm, key: str) -> TypedRow:
    row = form.row(key)
    assert isinstance(row, TypedRow)
    return row


def type_text(row: TypedRow, text: str, end: Qt.Key | None = Qt.Key.Key_Return) -> None:
    row.edit.setFocus()
    row.edit.selectAll()
    QTest.keyClicks(row.edit, text)
    if end is not None:
        QTest.keyClick(row.edit, end)


def change_by_hand(form: ParameterForm, key: str) -> None:
    """Give a parameter another value with mouse and keyboard alone."""
    row, parameter = form.row(key), form.row(key).parameter
    if isinstance(row, NumberRow):
        if row.scale is not None:
            current = row.value if isinstance(row.value, int | float) else row.scale.stops[0]
            other = next(stop for stop in reversed(row.scale.stops) if stop != current)
        else:
            other = float(parameter.default or 0) + 1 if isinstance(parameter.default, int | float) else 0.25
        type_text(row, repr(round(other) if isinstance(parameter, IntParameter) else other))
    elif isinstance(row, ListRow):
        assert isinstance(parameter, FloatsParameter)
        type_text(row, ", ".join(["0.25"] * len(parameter.default)))
    elif isinstance(row, BoolRow):
        QTest.mouseClick(row.box, Qt.MouseButton.LeftButton, pos=QPoint(8, row.box.height() // 2))
    elif isinstance(row, TextRow):
        type_text(row, "0-4" if isinstance(parameter, ClassesParameter) else "something else")
    else:
        assert isinstance(row, ChoiceRow)
        row.combo.setFocus()
        last = row.combo.currentIndex() == row.combo.count() - 1
        QTest.keyClick(row.combo, Qt.Key.Key_Up if last else Qt.Key.Key_Down)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_gives_a_form_whose_values_come_back(
    qtbot: QtBot, english: LanguageSwitch, part: Part
) -> None:
    form = shown_form(qtbot, *part.parameters)
    assert list(form.rows) == [parameter.key for parameter in part.parameters]
    assert form.values() == {parameter.key: parameter.default for parameter in part.parameters}
    for parameter in part.parameters:
        spy = QSignalSpy(form.changed)
        change_by_hand(form, parameter.key)
        assert spy.count() == 1, f"{parameter.key}: {form.row(parameter.key).problem}"
        key, value = spy.at(0)
        assert key == parameter.key
        assert value != parameter.default
        assert parameter.check(value, "") == value
        form.set_values({**form.values(), key: value})
        assert form.row(key).value == value
        row = form.row(key)
        if isinstance(row, TypedRow):
            assert row.parse(row.edit.text()) == value
        elif isinstance(row, ChoiceRow):
            assert row.combo.current_key() == value
        elif isinstance(row, BoolRow):
            assert row.box.isChecked() == value


@pytest.mark.parametrize("part", PARTS)
def test_every_row_explains_itself_in_both_languages(
    qtbot: QtBot, english: LanguageSwitch, part: Part
) -> None:
    form = shown_form(qtbot, *part.parameters)
    for language in ("en", "zh"):
        speak(english, language)
        for row in form.rows.values():
            parameter = row.parameter
            assert parameter.help.in_language(language) in row.toolTip()
            assert parameter.key in row.toolTip()
            assert parameter.title.in_language(language) in row.label.text()
            focus = row.focusProxy()
            assert focus is not None
            assert focus.accessibleName() == parameter.title.in_language(language)
            assert focus.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_value_is_reported_once_and_not_while_it_is_typed(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, RATE)
    spy = QSignalSpy(form.changed)
    type_text(typed(form, "lr"), "0.25", end=None)
    assert spy.count() == 0
    QTest.keyClick(typed(form, "lr").edit, Qt.Key.Key_Return)
    assert [spy.at(0)[0], spy.at(0)[1]] == ["lr", 0.25]
    assert spy.count() == 1


def test_leaving_a_field_ends_the_typing(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, RATE, SHARE)
    spy = QSignalSpy(form.changed)
    type_text(typed(form, "lr"), "0.25", end=Qt.Key.Key_Tab)
    assert spy.count() == 1
    assert spy.at(0)[1] == 0.25


@pytest.mark.parametrize(
    ("parameter", "text", "said"),
    [
        (SHARE, "1", "0 ≤ x < 1"),
        (SHARE, "-0.1", "-0.1 is out of range"),
        (DEPTH, "201", "1 ≤ x ≤ 200"),
        (DEPTH, "2.5", "“2.5” is not a whole number"),
        (RATE, "fast", "“fast” is not a number"),
        (RATE, "", "Enter a number"),
        (BETAS, "0.9", "1 numbers are given, 2 are needed"),
        (BETAS, "0.9, 2", "0 ≤ x ≤ 1"),
        (BETAS, "a, b", "not a list of numbers"),
    ],
)
def test_what_cannot_be_is_said_in_words_and_changes_nothing(
    qtbot: QtBot, english: LanguageSwitch, parameter: Parameter, text: str, said: str
) -> None:
    form = shown_form(qtbot, parameter)
    spy = QSignalSpy(form.changed)
    row = typed(form, parameter.key)
    if text:
        type_text(row, text)
    else:
        row.edit.selectAll()
        QTest.keyClick(row.edit, Qt.Key.Key_Delete)
        QTest.keyClick(row.edit, Qt.Key.Key_Return)
    assert spy.count() == 0
    assert row.message.isVisible()
    assert said in row.message.text()
    assert "Nothing was changed." in row.message.text()
    assert row.edit.text() == text
    assert row.value == parameter.default
    speak(english, "zh")
    assert "没有任何改动" in row.message.text()
    QTest.keyClick(row.edit, Qt.Key.Key_Escape)
    assert not row.message.isVisible()
    assert row.parse(row.edit.text()) == parameter.default


def test_a_field_with_nothing_in_it_leaves_the_value_to_the_part(
    qtbot: QtBot, english: LanguageSwitch
) -> None:
    form = shown_form(qtbot, SLOPE)
    row = typed(form, "slope")
    assert row.edit.text() == ""
    assert row.edit.placeholderText() == "automatic"
    spy = QSignalSpy(form.changed)
    type_text(row, "0.2")
    form.set_values({"slope": 0.2})
    row.edit.selectAll()
    QTest.keyClick(row.edit, Qt.Key.Key_Delete)
    QTest.keyClick(row.edit, Qt.Key.Key_Return)
    assert [spy.at(0)[1], spy.at(1)[1]] == [0.2, None]


def test_numbers_stay_as_they_were_typed(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, RATE)
    row = typed(form, "lr")
    type_text(row, "0.10")
    form.set_values({"lr": 0.1})
    assert row.edit.text() == "0.10"
    form.set_values({"lr": 1e-5})
    assert row.edit.text() == "1e-5"


def test_what_is_wrong_stays_in_sight_while_something_else_changes(
    qtbot: QtBot, english: LanguageSwitch
) -> None:
    form = shown_form(qtbot, RATE, SHARE)
    type_text(typed(form, "lr"), "oops")
    form.set_values({"lr": 0.01, "share": 0.25})
    assert typed(form, "lr").edit.text() == "oops"
    assert typed(form, "lr").message.isVisible()
    form.set_values({"lr": 0.5, "share": 0.25})
    assert typed(form, "lr").edit.text() == "0.5"
    assert not typed(form, "lr").message.isVisible()


def test_what_the_owner_refuses_is_said_at_the_field(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, DEPTH)
    type_text(typed(form, "depth"), "150")
    assert form.show_problem("depth", Text("too deep.", "太深。"))
    assert typed(form, "depth").message.text() == "Too deep."
    assert not form.show_problem("width", Text("no", "否"))


def number_row(form: ParameterForm, key: str) -> NumberRow:
    row = form.row(key)
    assert isinstance(row, NumberRow)
    return row


def test_a_slider_reports_once_it_rests(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, RATE)
    row = number_row(form, "lr")
    assert row.slider is not None
    row.slider.setFocus()
    spy = QSignalSpy(form.changed)
    for _ in range(4):
        QTest.keyClick(row.slider, Qt.Key.Key_Right)
    assert spy.count() == 0
    assert row.edit.text() == "0.025"
    qtbot.waitUntil(lambda: spy.count() > 0)
    assert spy.count() == 1
    assert spy.at(0)[1] == 0.025


def test_letting_go_of_a_slider_reports_at_once(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, SHARE)
    row = number_row(form, "share")
    slider = row.slider
    assert slider is not None
    spy = QSignalSpy(form.changed)
    middle = slider.height() // 2
    start = QPoint(round(slider.width() * 0.5), middle)
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        QTest.mouseMove(slider, start + QPoint(4 * step, 0))
    assert spy.count() == 0
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=start + QPoint(20, 0))
    assert spy.count() == 1
    assert 0.5 < spy.at(0)[1] < 1


def test_arrow_keys_step_by_round_numbers(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, RATE, DEPTH)
    rate, depth = typed(form, "lr"), typed(form, "depth")
    QTest.keyClick(rate.edit, Qt.Key.Key_Up)
    assert rate.edit.text() == "0.012"
    QTest.keyClick(depth.edit, Qt.Key.Key_PageUp)
    assert depth.edit.text() == "22"
    spy = QSignalSpy(form.changed)
    qtbot.waitUntil(lambda: spy.count() == 2)


def test_a_passing_wheel_changes_nothing(qtbot: QtBot, english: LanguageSwitch) -> None:
    part = catalogue().get("family", "mlp")
    form = shown_form(qtbot, *part.parameters)
    spy = QSignalSpy(form.changed)
    before = form.values()
    for row in form.rows.values():
        for child in row.findChildren(QWidget):
            turn = QWheelEvent(
                QPointF(3, 3),
                QPointF(child.mapToGlobal(QPoint(3, 3))),
                QPoint(0, 0),
                QPoint(0, -120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(child, turn)
    QTest.qWait(200)
    assert spy.count() == 0
    assert form.values() == before


def test_the_pointer_finds_the_way_back_to_the_default(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, DEPTH)
    row = form.row("depth")
    form.set_values({"depth": 30})
    QTest.mouseMove(row, QPoint(4, 8))
    qtbot.waitUntil(row.reset_button.isVisible)
    assert "12" in row.reset_button.toolTip()
    spy = QSignalSpy(form.reset_requested)
    QTest.mouseClick(row.reset_button, Qt.MouseButton.LeftButton)
    assert spy.count() == 1
    assert spy.at(0)[0] == "depth"


def test_the_menu_of_a_field_resets_and_ends_differences(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, DEPTH)
    row = form.row("depth")
    form.set_values({"depth": 30})
    form.set_marks({"depth": (Mark(1, "He", "#0760ba"),)})
    menu = QMenu(form)
    row.fill_menu(menu)
    texts = [action.text() for action in menu.actions()]
    assert "Back to the default: 12" in texts
    assert "End the difference between lanes…" in texts
    assert row.dots.isVisible()
    assert "He" in row.dots.toolTip()
    spy = QSignalSpy(form.marks_pressed)
    QTest.mouseClick(row.dots, Qt.MouseButton.LeftButton)
    assert spy.count() == 1


def test_undo_means_the_experiment_unless_something_is_typed(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, RATE)
    action = QAction("Undo", form)
    action.setShortcut("Ctrl+Z")
    form.addAction(action)
    spy = QSignalSpy(action.triggered)
    edit = typed(form, "lr").edit
    edit.setFocus()
    QTest.keyClick(edit, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert spy.count() == 1
    QTest.keyClicks(edit, "5")
    QTest.keyClick(edit, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert spy.count() == 1
    assert edit.text() == "0.01"


def test_names_stand_above_their_fields_where_it_is_narrow(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, RATE, width=320)
    row = form.row("lr")
    assert row.field.geometry().top() < row.label.geometry().bottom()
    form.resize(180, 200)
    QTest.qWait(10)
    assert row.field.geometry().top() > row.label.geometry().bottom()
    assert row.field.geometry().right() <= row.width()


def test_only_what_changed_is_built_anew(qtbot: QtBot, english: LanguageSwitch) -> None:
    form = shown_form(qtbot, RATE, SHARE)
    before = form.row("lr")
    form.set_parameters((RATE, SHARE), {"lr": 0.3})
    assert form.row("lr") is before
    form.set_parameters((DEPTH,), {})
    assert list(form.rows) == ["depth"]


def test_the_kinds_of_parameters_are_all_known() -> None:
    kinds: set[type] = {type(parameter) for part in catalogue() for parameter in part.parameters}
    known = {
        FloatParameter,
        IntParameter,
        BoolParameter,
        ChoiceParameter,
        PartParameter,
        FloatsParameter,
        PathParameter,
        TextParameter,
        ClassesParameter,
    }
    assert kinds <= known
