"""A row for one searched field: which values are tried."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Text
from initviz.sweep.study import Choices, Range
from initviz.ui.language import current_language
from initviz.ui.number_text import format_value, parse_float
from initviz.ui.sweep_fields import Candidate

_KEY = int(Qt.ItemDataRole.UserRole)
_ROWS_SEEN = 5


class FieldRow(QFrame):
    """One field of a search: ticked choices, or numbers.

    Numbers are a lower and an upper bound, or a list with commas between them in the first line.

    Args:
        candidate: The place.
        parent: Qt parent.
    """

    removal_requested = Signal()

    def __init__(self, candidate: Candidate, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.candidate = candidate
        self.title = QLabel()
        self.title.setObjectName("strong")
        self.title.setWordWrap(True)
        self.remove_button = QToolButton()
        self.remove_button.setText("✕")
        self.remove_button.setObjectName("panelButton")
        self.remove_button.clicked.connect(self.removal_requested)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.remove_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 6, 8)
        column.setSpacing(4)
        column.addLayout(top)
        self.options = QListWidget(self)
        self.low, self.high = QLineEdit(self), QLineEdit(self)
        self.to = QLabel(self)
        self.log = QCheckBox(self)
        unused = (self.low, self.high, self.to, self.log) if candidate.options else (self.options,)
        for widget in unused:
            widget.hide()
        if candidate.options:
            self._fill_options()
            column.addWidget(self.options)
        else:
            line = QHBoxLayout()
            line.setSpacing(6)
            for edit in (self.low, self.high):
                edit.setAlignment(Qt.AlignmentFlag.AlignRight)
            line.addWidget(self.low, 2)
            line.addWidget(self.to)
            line.addWidget(self.high, 1)
            line.addWidget(self.log)
            column.addLayout(line)
            self.low.setText(self._number(candidate.low))
            self.high.setText(self._number(candidate.high))
            self.log.setChecked(candidate.log)
            self.low.textChanged.connect(self._follow_list)
        self.retranslate()

    def _number(self, value: float) -> str:
        return format_value(round(value) if self.candidate.whole else value)

    def _fill_options(self) -> None:
        proposed = self.candidate.proposed
        for key, _ in self.candidate.options:
            item = QListWidgetItem()
            item.setData(_KEY, key)
            item.setFlags(
                Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable
            )
            item.setCheckState(Qt.CheckState.Checked if key in proposed else Qt.CheckState.Unchecked)
            self.options.addItem(item)
        seen = min(_ROWS_SEEN, len(self.candidate.options))
        self.options.setFixedHeight(seen * (self.fontMetrics().height() + 6) + 6)
        first = next((i for i, (key, _) in enumerate(self.candidate.options) if key in proposed), 0)
        self.options.setCurrentRow(first)

    def scroll_to_ticked(self) -> None:
        """Bring the first ticked choice into sight."""
        if self.candidate.options:
            self.options.scrollToItem(self.options.currentItem(), QListWidget.ScrollHint.PositionAtTop)

    @Slot()
    def _follow_list(self) -> None:
        """A list of numbers has no bounds."""
        is_list = "," in self.low.text() or "，" in self.low.text()
        for widget in (self.to, self.high, self.log):
            widget.setVisible(not is_list)

    def table(self) -> Table:
        """Return the field as a study's document has it.

        Raises:
            ExperimentError: What is typed is no number.
        """
        path = self.candidate.path
        if self.candidate.options:
            items = [self.options.item(row) for row in range(self.options.count())]
            ticked = [item.data(_KEY) for item in items if item.checkState() == Qt.CheckState.Checked]
            return {"path": path, "choices": ticked}
        text = self.low.text().replace("，", ",")
        if "," in text:
            return {
                "path": path,
                "choices": [self._parsed(piece) for piece in text.split(",") if piece.strip()],
            }
        found: Table = {"path": path, "low": self._parsed(text), "high": self._parsed(self.high.text())}
        return {**found, "log": True} if self.log.isChecked() else found

    def _parsed(self, text: str) -> int | float:
        number = parse_float(text)
        if number is None:
            raise ExperimentError(
                Text(
                    f"'{text.strip()[:40]}' is not a number. Type a number, or some with commas between them.",
                    f"“{text.strip()[:40]}”不是数。请输入一个数，或用逗号分隔的几个数。",
                ),
                self.candidate.title.in_language(current_language()),
            )
        return int(number) if self.candidate.whole and number == int(number) else number

    def show_space(self, space: Choices | Range) -> None:
        """Show what a study tries here."""
        if isinstance(space, Range):
            self.low.setText(format_value(space.number(space.low)))
            self.high.setText(format_value(space.number(space.high)))
            self.log.setChecked(space.log)
        elif self.candidate.options:
            for row in range(self.options.count()):
                item = self.options.item(row)
                ticked = item.data(_KEY) in space.labels
                item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        else:
            numbers = [label for label in space.labels if isinstance(label, int | float)]
            self.low.setText(", ".join(format_value(number) for number in numbers))

    def retranslate(self) -> None:
        """Say everything in the window's language."""
        language = current_language()
        name = self.candidate.title.in_language(language)
        self.title.setText(name)
        self.title.setToolTip(self.candidate.path)
        self.remove_button.setToolTip(self.tr("Do not search this field"))
        self.remove_button.setAccessibleName(self.tr("Do not search this field: {name}").format(name=name))
        self.to.setText(self.tr("to"))
        self.log.setText(self.tr("log"))
        self.log.setToolTip(self.tr("Orders of magnitude are equally likely, instead of values"))
        self.low.setToolTip(self.tr("Smallest value; or a list of values with commas between them"))
        self.high.setToolTip(self.tr("Largest value"))
        self.low.setAccessibleName(self.tr("{name}: smallest value, or a list").format(name=name))
        self.high.setAccessibleName(self.tr("{name}: largest value").format(name=name))
        self.options.setAccessibleName(self.tr("{name}: values to try").format(name=name))
        titles = dict(self.candidate.options)
        for row in range(self.options.count()):
            item = self.options.item(row)
            item.setText(titles[item.data(_KEY)].in_language(language))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)
