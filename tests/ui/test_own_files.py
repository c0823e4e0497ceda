"""A person's own file in the window: chosen, dropped, typed, reported; and what becomes of its name elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from initviz.ui.data_panel import DataPanel
from initviz.ui.files import FileDesk
from initviz.ui.language import LanguageSwitch
from initviz.ui.scope import Scope
from initviz.ui.session import Origin, Session
from initviz.ui.settings import Settings
from initviz.ui.text_rows import PathRow
from tests.ui.panels import enter, pick, shown

TABLE = "height,weight,kind\n" + "\n".join(f"{i},{i * 2},{'cat' if i % 2 else 'dog'}" for i in range(12))


@pytest.fixture(autouse=True)
def own_dialogs() -> Iterator[None]:
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs, True)
    yield
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs, False)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "animals.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.fixture
def session(qapp: QApplication, english: LanguageSwitch) -> Session:
    document = {"data": {"name": "csv"}, "model": {"family": "mlp", "depth": 2, "width": 8}}
    return Session(document, catalogue(), Limits())


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> DataPanel:
    return shown(qtbot, DataPanel(Scope(session, session)), 900)


def path_row(panel: DataPanel) -> PathRow:
    row = panel.dataset.form.row("path")
    assert isinstance(row, PathRow)
    return row


def chosen(session: Session) -> object:
    return session.experiment.data.dataset["path"]


def test_a_file_is_chosen_in_a_dialog_and_reported(
    panel: DataPanel, session: Session, table: Path, qtbot: QtBot
) -> None:
    row = path_row(panel)
    assert row.edit.text() == ""
    QTest.mouseClick(row.button, Qt.MouseButton.LeftButton)
    (dialog,) = panel.window().findChildren(QFileDialog)
    assert dialog.nameFilters()[0] == "Examples (*.csv *.tsv *.txt *.gz)"
    field = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(field, QLineEdit)
    field.setText(str(table))
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert chosen(session) == str(table)
    assert session.undo_stack.undoText() == "Change file to animals.csv"
    assert panel.facts.text() == "12 examples · 2 · 2 classes"
    assert "2 classes: cat 6, dog 6." in panel.report.text()
    assert panel.report.isVisible()
    session.undo_stack.undo()
    assert chosen(session) == ""
    assert "leaves.csv" in panel.report.text()


def drop(row: PathRow, *paths: Path) -> bool:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place = QPointF(10, 10)
    left = Qt.MouseButton.LeftButton
    entering = QDragEnterEvent(
        place.toPoint(), Qt.DropAction.CopyAction, mime, left, Qt.KeyboardModifier.NoModifier
    )
    entering.ignore()
    QApplication.sendEvent(row, entering)
    if not entering.isAccepted():
        return False
    dropping = QDropEvent(place, Qt.DropAction.CopyAction, mime, left, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(row, dropping)
    return dropping.isAccepted()


def test_a_file_is_dropped_on_the_field_but_an_experiment_is_left_to_the_window(
    panel: DataPanel, session: Session, table: Path
) -> None:
    row = path_row(panel)
    assert not drop(row, table.with_name("mine.toml"))
    assert not drop(row, table, table)
    assert drop(row, table)
    assert chosen(session) == str(table)
    assert not row.edit.acceptDrops(), "the field would put the address into its text"


def test_what_is_wrong_with_a_file_stands_at_its_field(
    panel: DataPanel, session: Session, tmp_path: Path, table: Path
) -> None:
    row = enter(panel.dataset.form, "path", str(tmp_path / "nothing.csv"))
    assert "There is no file 'nothing.csv'" in row.message.text()
    assert "Nothing was changed." in row.message.text()
    assert chosen(session) == ""
    enter(panel.dataset.form, "path", f'"{table}"')
    assert chosen(session) == str(table), "with the quotation marks that Windows copies"
    assert not row.message.isVisible()
    row = enter(panel.dataset.form, "target", "weigth")
    assert "Did you mean 'weight'?" in row.message.text()
    row = enter(panel.dataset.form, "target", "weight")
    assert "Row 2, column 'kind': 'dog' is not a number." in row.message.text()
    assert session.experiment.data.dataset["target"] == ""
    row = enter(panel.dataset.form, "target", "Kind")
    assert not row.message.isVisible()
    assert session.experiment.data.dataset["target"] == "Kind"


def test_other_data_have_no_report(panel: DataPanel, english: LanguageSwitch) -> None:
    assert panel.report.isVisible()
    english.choose("zh")
    QApplication.sendPostedEvents()
    assert "个样本" in panel.report.text()
    pick(panel.dataset.combo, "digits")
    assert not panel.report.isVisible()


def test_what_the_data_are_spoiled_with_is_edited(panel: DataPanel, session: Session) -> None:
    enter(panel.fields.form, "label_noise", "0.25")
    enter(panel.fields.form, "imbalance", "20")
    data = session.experiment.data
    assert (data.label_noise, data.imbalance, data.reconstruct) == (0.25, 20.0, False)
    assert panel.fields.form.values()["label_noise"] == 0.25


def test_a_file_that_goes_away_stops_no_other_edit(panel: DataPanel, session: Session, table: Path) -> None:
    enter(panel.dataset.form, "path", str(table))
    table.unlink()
    enter(panel.fields.form, "batch_size", "4")
    assert session.experiment.data.batch_size == 4
    assert "there is no file" in panel.report.text()


def test_names_are_relative_to_the_experiment_and_whole_once_it_moves(
    session: Session, table: Path, tmp_path: Path, qtbot: QtBot, panel: DataPanel
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('data = {name = "csv", path = "animals.csv"}\nmodel = {family = "mlp"}\n', "utf-8")
    desk = FileDesk(session, Settings(tmp_path / "settings.ini"), panel)
    assert desk.open_path(mine)
    assert session.origin == Origin(mine)
    assert chosen(session) == str(table)
    assert session.document["data"] == {"name": "csv", "path": "animals.csv"}, "as the person wrote it"
    assert session.edit("seed", 3, "another seed")
    desk.save()
    assert 'path = "animals.csv"' in mine.read_text("utf-8")
    (tmp_path / "elsewhere").mkdir()
    desk._save_name(str(tmp_path / "elsewhere" / "copy.toml"))
    copy = load_experiment(tmp_path / "elsewhere" / "copy.toml", catalogue(), Limits())
    assert copy.data.dataset["path"] == str(table)
    assert session.edit("seed", 4, "another seed"), "what is edited on is the copy"
    assert chosen(session) == str(table)
