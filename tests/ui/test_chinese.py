"""The real window in Chinese: nothing that a person sees stays English but names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.parameters import ChoiceParameter, PartParameter
from initviz.experiment.values import Choice
from initviz.resources import resource
from initviz.ui.about import AboutDialog, KeyboardMap
from initviz.ui.form_row import unit_text
from initviz.ui.lane_text import value_text
from initviz.ui.language import LanguageSwitch, without_mnemonic
from initviz.ui.main_window import MainWindow
from initviz.ui.network_panel import NetworkPanel
from tests.ui.shell import press, wait_for_steps

CHINESE = re.compile(r"[\u4e00-\u9fff]")
TAG = re.compile(r"<[^>]*>")
PLACEHOLDER = re.compile(r"%n|\{[^{}]*\}")
TWO_WORDS = re.compile(r"[A-Za-z][a-z]+[,;:]? +[A-Za-z][a-z]+")
ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)


def speak_chinese(window: MainWindow) -> None:
    """Switch the language; Qt tells the widgets a moment later."""
    window.parts.language.choose("zh")
    QApplication.sendPostedEvents()


def own_sources() -> list[re.Pattern[str]]:
    """Return what each of the window's texts says in English, where Chinese says something else."""
    found = []
    root = ElementTree.parse(str(resource("translations", "initviz_zh.ts"))).getroot()
    for message in root.iter("message"):
        source = message.findtext("source", "")
        translation = message.find("translation")
        said = "".join(translation.itertext()) if translation is not None else ""
        if said.strip() != source and re.search(r"[A-Za-z]{2}", PLACEHOLDER.sub("", source)):
            pieces = PLACEHOLDER.split(source.replace("&", ""))
            found.append(re.compile(r"[^\u4e00-\u9fff]+".join(re.escape(piece) for piece in pieces)))
    return found


def names(window: MainWindow) -> list[str]:
    """Return what is called the same in every language, the longest first."""
    parts = list(catalogue())
    known = [lane.name for lane in window.parts.session.experiment.lanes]
    known += (
        [part.source for part in parts] + [part.title.zh for part in parts] + [part.formula for part in parts]
    )
    known += ["InitViz", "English", "PyTorch", "CPU", "CSV", "PNG", "SVG"]
    return sorted((name for name in known if name), key=len, reverse=True)


def said_by(widget: QWidget) -> Iterator[str]:
    """Return every text of a widget that a person sees or hears."""
    yield from (widget.toolTip(), widget.statusTip(), widget.windowTitle())
    yield from (widget.accessibleName(), widget.accessibleDescription())
    if isinstance(widget, QLabel | QAbstractButton):
        yield widget.text()
    if isinstance(widget, QLineEdit):
        yield widget.placeholderText()
    if isinstance(widget, QTextEdit):
        yield widget.toPlainText()
    if isinstance(widget, QComboBox):
        yield from (widget.itemText(place) for place in range(widget.count()))
    if isinstance(widget, QAbstractItemView) and widget.model() is not None:
        model = widget.model()
        for row in range(model.rowCount()):
            yield from (str(model.data(model.index(row, 0), role) or "") for role in ROLES)


def texts(root: QWidget) -> set[str]:
    """Return every text of what is visible below ``root``, and of all actions."""
    found: set[str] = set()
    for widget in (root, *root.findChildren(QWidget)):
        # Qt's own name for the buttons of a dock's title bar that a title bar of ours takes the place of.
        if widget.isVisible() and not widget.objectName().startswith("qt_dockwidget"):
            found.update(said_by(widget))
    for action in root.findChildren(QAction):
        found.update((without_mnemonic(action.text()), action.toolTip(), action.statusTip()))
    return {" ".join(TAG.sub("", text.replace("<br>", " ")).split()) for text in found if text}


def english(found: set[str], window: MainWindow) -> list[str]:
    """Return those of some texts that are English."""
    sources, known = own_sources(), names(window)
    left = []
    for text in found:
        bare = text
        for name in known:
            bare = bare.replace(" ".join(name.split()), "·")
        untranslated = not CHINESE.search(text) and any(source.fullmatch(text) for source in sources)
        if text not in known and (untranslated or TWO_WORDS.search(bare)):
            left.append(text)
    return sorted(left)


def test_what_is_looked_for_would_be_found(window: MainWindow) -> None:
    said = texts(window)
    assert len(said) > 150
    left = english(said, window)
    for text in ("Loss and accuracy", "Signal by layer", "Lanes", "Play", "Single step", "Training"):
        assert text in left


@pytest.mark.parametrize("layout", ["overview", "gradients", "weights", "theory"])
def test_nothing_stays_english(window: MainWindow, qtbot: QtBot, layout: str) -> None:
    window.actions_.layouts[layout].trigger()
    press(qtbot, window, Qt.Key.Key_Space)
    wait_for_steps(qtbot, window, 15)
    press(qtbot, window, Qt.Key.Key_Space)
    speak_chinese(window)
    for section in range(4):
        window.controls.sections.open_section(section)
        qtbot.wait(30)
        assert english(texts(window), window) == []


def test_nothing_stays_english_in_a_list_of_layers(window: MainWindow, qtbot: QtBot) -> None:
    window.controls.sections.open_section(1)
    panel = window.controls.panels["network"]
    convert = next(b for b in panel.findChildren(QAbstractButton) if b.text() == "Edit layer by layer")
    convert.click()
    qtbot.wait(30)
    speak_chinese(window)
    qtbot.wait(30)
    assert english(texts(panel), window) == []


def test_the_menu_of_plots_is_translated_with_them(window: MainWindow) -> None:
    speak_chinese(window)
    entries = [action.text() for action in window.menus.plots_menu().actions()]
    assert entries == [dock.windowTitle() for dock in window.dashboard.docks.values()]
    assert all(CHINESE.search(entry) for entry in entries)


def test_a_message_is_translated_while_it_is_shown(window: MainWindow) -> None:
    window.parts.session.edit("model.depth", 0, "")
    assert "Nothing was changed" in window.message_bar.message()
    speak_chinese(window)
    assert "没有任何改动" in window.message_bar.message()
    assert english({window.message_bar.message().removeprefix("model.depth")}, window) == []


@pytest.mark.parametrize("kind", ["about", "keys"])
def test_dialogs_speak_chinese(window: MainWindow, qtbot: QtBot, kind: str) -> None:
    speak_chinese(window)
    dialog: QDialog = (
        AboutDialog("#000000", window) if kind == "about" else KeyboardMap(window.actions_, window)
    )
    dialog.show()
    qtbot.waitExposed(dialog)
    said = texts(dialog)
    assert any(CHINESE.search(text) for text in said)
    # Package names and licences are names.
    licences = {text for text in said if re.search(r"Licen[cs]e|BSD|MIT|PSF|Apache|LGPL", text)}
    assert english(said - licences, window) == []
    assert not [text for text in said if re.search(r"\([A-Z]\)$", text)], (
        "a menu's letter is no part of a name"
    )
    buttons = dialog.findChild(QDialogButtonBox)
    assert buttons is not None
    assert without_mnemonic(buttons.buttons()[0].text()) == "关闭"
    dialog.close()
    QApplication.sendPostedEvents()


def test_the_file_dialog_speaks_chinese(window: MainWindow, qtbot: QtBot) -> None:
    speak_chinese(window)
    window.files.ask_and_open()
    dialog = window.findChild(QFileDialog)
    assert dialog is not None
    labels = [label.text() for label in dialog.findChildren(QLabel) if label.text()]
    assert len(labels) >= 3
    assert [label for label in labels if not CHINESE.search(label)] == []
    dialog.reject()


def test_a_scenario_is_called_the_same_everywhere(window: MainWindow) -> None:
    title = {"en": "Good and bad starts", "zh": "好的与坏的初始化"}
    assert window.windowTitle() == f"{title['en']}[*] – InitViz"
    speak_chinese(window)
    assert window.windowTitle() == f"{title['zh']}[*] – InitViz"
    assert window.transport.scenario_button.text() == title["zh"]
    window.parts.session.edit("seed", 5, "")
    window.files.guard(window.setFocus)
    box = window.findChild(QMessageBox)
    assert box is not None
    assert title["zh"] in box.text()
    box.reject()


@pytest.fixture
def languages(qapp: QApplication) -> Iterator[LanguageSwitch]:
    """The window's switch without a window; it ends on English."""
    switch = LanguageSwitch("en")
    yield switch
    switch.choose("en")
    switch.deleteLater()


def test_one_lane_differs_and_two_differ(languages: LanguageSwitch) -> None:
    def said(count: int) -> str:
        return QCoreApplication.translate("OwnNote", "%n of {count} lanes differ.", "", count)

    assert [said(1), said(2)] == ["1 of {count} lanes differs.", "2 of {count} lanes differ."]
    languages.choose("zh")
    assert said(2) == "{count} 条赛道中有 2 条不同。"


def test_every_unit_is_translated(languages: LanguageSwitch) -> None:
    languages.choose("zh")
    parameters = [parameter for part in catalogue() for parameter in part.parameters]
    units = {str(getattr(parameter, "unit", "")) for parameter in parameters} - {""}
    assert units
    words = [unit for unit in units if re.search("[A-Za-z]", unit)]  # a sign such as ° is the same everywhere
    assert [unit for unit in words if not CHINESE.search(unit_text(unit))] == []


def test_values_are_named_in_chinese(languages: LanguageSwitch) -> None:
    languages.choose("zh")
    named = 0
    for part in catalogue():
        choice = Choice(part.key, tuple((parameter.key, parameter.default) for parameter in part.parameters))
        for parameter in part.parameters:
            if parameter.default is not None and not isinstance(parameter, ChoiceParameter | PartParameter):
                named += 1
                assert value_text(part, choice, parameter.key, catalogue()).startswith(parameter.title.zh)
    assert named > 30
    nesterov = Choice("sgd", (("nesterov", True),))
    assert (
        value_text(catalogue().get("optimizer", "sgd"), nesterov, "nesterov", catalogue())
        == "Nesterov 动量 是"
    )


def test_the_edit_of_a_layers_start_is_named_in_chinese(window: MainWindow, qtbot: QtBot) -> None:
    speak_chinese(window)
    window.controls.sections.open_section(1)
    panel = window.controls.panels["network"]
    assert isinstance(panel, NetworkPanel)
    panel.list_button.click()
    panel.view.select(1)
    start = panel.editor.starts["weight"]
    start.chosen.emit("weight", "normal")
    assert window.parts.session.undo_stack.undoText() == "第 2 层改用“正态”初始化"
    start.changed.emit("weight", "std", 0.5)
    assert window.parts.session.undo_stack.undoText() == "将第 2 层初始化的“标准差”改为 0.5"


def test_a_menus_text_is_spoken_without_its_letter() -> None:
    assert without_mnemonic("&Open…") == "Open…"
    assert without_mnemonic("打开(&O)…") == "打开…"
    assert without_mnemonic("Slo&wer") == "Slower"
