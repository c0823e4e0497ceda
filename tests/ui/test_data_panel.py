import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.ui.data_panel import DataPanel
from initviz.ui.form_rows import BoolRow
from initviz.ui.language import LanguageSwitch
from initviz.ui.scope import Scope
from initviz.ui.session import Session
from tests.ui.panels import enter, pick, shown


@pytest.fixture
def session(qapp: QApplication, english: LanguageSwitch) -> Session:
    document = {
        "data": {"name": "digits", "batch_size": 64},
        "model": {"family": "mlp", "depth": 2, "width": 8},
        "lanes": [{"name": "one"}, {"name": "two"}],
    }
    return Session(document, catalogue(), Limits())


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> DataPanel:
    return shown(qtbot, DataPanel(Scope(session, session)), 600)


def test_what_is_known_of_the_data_is_shown(panel: DataPanel) -> None:
    assert panel.facts.text() == "1\u2009797 examples · 1 × 8 × 8 · 10 classes"
    assert panel.about.text() == catalogue().get("dataset", "digits").summary.en


def test_another_data_set_keeps_how_it_is_served(panel: DataPanel, session: Session) -> None:
    pick(panel.dataset.combo, "moons")
    data = session.experiment.data
    assert data.dataset.name == "moons"
    assert data.batch_size == 64
    assert session.undo_stack.undoText() == "Choose Moons"
    assert "2 classes" in panel.facts.text()
    enter(panel.dataset.form, "noise", "0.3")
    assert session.experiment.data.dataset["noise"] == 0.3
    assert session.undo_stack.count() == 2


def test_batches_and_the_share_held_back_are_edited(panel: DataPanel, session: Session) -> None:
    enter(panel.fields.form, "batch_size", "32")
    enter(panel.fields.form, "validation", "0.5")
    row = panel.fields.form.row("standardize")
    assert isinstance(row, BoolRow)
    QTest.mouseClick(row.box, Qt.MouseButton.LeftButton, pos=QPoint(8, row.box.height() // 2))
    data = session.experiment.data
    assert (data.batch_size, data.validation, data.standardize) == (32, 0.5, False)
    assert session.undo_stack.count() == 3
    refused = enter(panel.fields.form, "validation", "0.95")
    assert "0 ≤ x ≤ 0.9" in refused.message.text()
    too_many = enter(panel.fields.form, "batch_size", "100000")
    assert "INITVIZ_MAX_BATCH_SIZE" in too_many.message.text()
    assert session.experiment.data.batch_size == 32


def test_digits_are_chosen_by_their_names_and_wrong_ones_refused_beside_the_field(
    panel: DataPanel, session: Session
) -> None:
    row = enter(panel.dataset.form, "classes", "9, 5-7")
    assert session.experiment.data.dataset["classes"] == "5-7, 9"
    assert row.edit.text() == "5-7, 9"
    assert panel.facts.text() == "722 examples · 1 × 8 × 8 · 4 classes"
    for wrong, words in (("3", "t least 2 classes"), ("5-10", "outside the range"), ("a", "such as 0-4")):
        refused = enter(panel.dataset.form, "classes", wrong)
        assert words in refused.message.text()
        assert session.experiment.data.dataset["classes"] == "5-7, 9"
    row.edit.setFocus()
    row.edit.clear()
    QTest.keyClick(row.edit, Qt.Key.Key_Return)
    assert row.edit.text() == "0-9"
    assert session.experiment.data.dataset["classes"] == "0-9"


def test_lanes_always_share_their_data(panel: DataPanel, session: Session) -> None:
    panel.scope.set_single(True)
    enter(panel.fields.form, "batch_size", "16")
    assert session.experiment.data.batch_size == 16
    assert session.undo_stack.undoText() == "Change batch size to 16"


def test_data_that_the_network_cannot_take_are_refused_in_words(panel: DataPanel, session: Session) -> None:
    layers = [{"kind": "conv", "channels": 4}, {"kind": "flatten"}]
    document = session.document
    document["model"] = {"layers": layers}
    assert session.apply(document, "convolutions")
    pick(panel.dataset.combo, "moons")
    assert session.experiment.data.dataset.name == "digits"
    assert panel.dataset.combo.current_key() == "digits"
    assert panel.dataset.message.isVisible()
    assert "layer 1 (conv_1)" in panel.dataset.message.text().lower()
    assert "Nothing was changed." in panel.dataset.message.text()


def test_the_panel_speaks_the_language_that_is_chosen(panel: DataPanel, english: LanguageSwitch) -> None:
    english.choose("zh")
    QApplication.sendPostedEvents()
    assert panel.about.text() == catalogue().get("dataset", "digits").summary.zh
    assert panel.fields.form.row("batch_size").label.text() == "批大小"


def test_a_panel_that_is_not_seen_waits(panel: DataPanel, session: Session, qtbot: QtBot) -> None:
    panel.hide()
    document = session.document
    document["data"] = {"name": "moons"}
    assert session.apply(document, "moons")
    assert panel.dataset.combo.current_key() == "digits"
    assert panel.summary().startswith("Moons")
    panel.show()
    assert panel.dataset.combo.current_key() == "moons"
