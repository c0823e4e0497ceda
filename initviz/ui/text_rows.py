"""Rows for words of the person's: a short text, and the name of a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from initviz.experiment.parameters import PathParameter, TextParameter, Value
from initviz.experiment.text import Text
from initviz.ui.files import dropped_file
from initviz.ui.form_row import SPACING
from initviz.ui.language import current_language
from initviz.ui.typed_row import TypedRow

PATH_CHARACTERS = 60


class TextRow(TypedRow):
    """A short text, such as the name of a column; empty means what its help says."""

    def __init__(self, parameter: TextParameter | PathParameter, parent: QWidget | None = None) -> None:
        super().__init__(parameter, parent)
        self._place()
        self.show_value(parameter.default)

    def _place(self) -> None:
        self.build(self.edit, self.edit)

    def parse(self, text: str) -> Value | Text:
        return self.checked(text.strip())

    def show_value(self, value: Value) -> None:
        self.edit.accept_text(str(value or ""))

    def describe(self, value: Value) -> str:
        return str(value) if value else self.tr("automatic")

    def retranslate(self) -> None:
        super().retranslate()
        self.edit.setPlaceholderText(self.tr("automatic"))


class PathRow(TextRow):
    """The name of a file: typed, chosen in a dialog, or dropped here."""

    def __init__(self, parameter: PathParameter, parent: QWidget | None = None) -> None:
        self.button = QPushButton()
        self._suffixes = parameter.suffixes
        super().__init__(parameter, parent)
        self.button.setObjectName("quietButton")
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self.ask)
        self.edit.setAcceptDrops(False)  # it would take the file's address for text to be put in between
        self.setAcceptDrops(True)

    def _place(self) -> None:
        field = QWidget()
        row = QHBoxLayout(field)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACING)
        row.addWidget(self.edit, 1)
        row.addWidget(self.button)
        self.build(field, self.edit)

    def wanted_width(self) -> int:
        return self.fontMetrics().horizontalAdvance("x" * PATH_CHARACTERS)

    def parse(self, text: str) -> Value | Text:
        return self.checked(text.strip().strip('"'))  # Windows copies names with quotation marks around

    def show_value(self, value: Value) -> None:
        super().show_value(value)
        self.edit.setCursorPosition(len(self.edit.text()))  # the end of a long name says most

    def describe(self, value: Value) -> str:
        return Path(str(value)).name if value else self.tr("the example")

    def retranslate(self) -> None:
        super().retranslate()
        self.edit.setPlaceholderText(self.tr("the example"))
        self.button.setText(self.tr("Choose…"))
        self.button.setToolTip(self.tr("Choose a file, or drop one here"))
        name = self.parameter.title.in_language(current_language())
        self.button.setAccessibleName(self.tr("Choose a file: {name}").format(name=name))

    @Slot()
    def ask(self) -> None:
        """Let the person choose a file; the dialog does not block."""
        dialog = QFileDialog(self.window(), self.tr("Choose a file"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        patterns = " ".join(f"*{suffix}" for suffix in self._suffixes)
        filters = [self.tr("All files (*)")]
        dialog.setNameFilters(
            [self.tr("Examples ({patterns})").format(patterns=patterns), *filters] if patterns else filters
        )
        folder = Path(str(self.value)).parent if self.value else None
        if folder is not None and folder.is_dir():
            dialog.setDirectory(str(folder))
        dialog.fileSelected.connect(self.take)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot(str)
    def take(self, name: str) -> None:
        """Take a file that was chosen or dropped, as if its name had been typed."""
        self.edit.setText(name)
        self.edit.entered.emit(name)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _local_file(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = _local_file(event)
        if path is not None:
            event.acceptProposedAction()
            self.take(str(path))


def _local_file(event: QDropEvent) -> Path | None:
    """Return the one file that is being dragged; an experiment is left to the window, which opens it."""
    urls = event.mimeData().urls()
    if len(urls) != 1 or not urls[0].isLocalFile() or dropped_file(event.mimeData()) is not None:
        return None
    return Path(urls[0].toLocalFile())
