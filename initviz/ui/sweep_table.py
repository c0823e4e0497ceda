"""The trials of a study as a table, best first."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from initviz.sweep.records import STATE_TITLES, TrialRecord
from initviz.sweep.study import Study
from initviz.ui.language import current_language
from initviz.views.numbers import significant
from initviz.views.study_view import Label, Name, objective_title, plain_label, plain_name

_NUMBER = int(Qt.ItemDataRole.UserRole)
_ROWS_MEASURED = 40


def by_score(study: Study, trials: tuple[TrialRecord, ...]) -> list[TrialRecord]:
    """Return the trials best first: complete ones, then pruned, then those without a score."""
    sign = -1.0 if study.maximizes else 1.0

    def key(trial: TrialRecord) -> tuple[bool, float, int]:
        return (
            trial.state != "complete",
            math.inf if trial.value is None else sign * trial.value,
            trial.number,
        )

    return sorted((trial for trial in trials if not trial.is_repeated), key=key)


class SweepTable(QTableWidget):
    """One row a trial."""

    trial_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._study: Study | None = None
        self._trials: tuple[TrialRecord, ...] = ()
        self._name: Name = plain_name
        self._label: Label = plain_label
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setSectionResizeMode(
            QHeaderView.ResizeMode.ResizeToContents
        )  # no heading is cut; it scrolls instead
        header.setResizeContentsPrecision(_ROWS_MEASURED)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.empty = QLabel()
        self.empty.setObjectName("quiet")
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        QVBoxLayout(self.viewport()).addWidget(self.empty)
        self.itemSelectionChanged.connect(self._report)
        self._invite()

    def set_study(self, study: Study | None, name: Name, label: Label) -> None:
        """Show another study, without trials yet."""
        self._study, self._name, self._label, self._trials = study, name, label, ()
        self._fill(None)

    def set_trials(self, trials: tuple[TrialRecord, ...]) -> None:
        """Show these trials, the selected one still selected."""
        if trials != self._trials:
            number = self.chosen()
            self._trials = trials
            self._fill(number)

    def chosen(self) -> int | None:
        """Return the number of the selected trial."""
        row = self.currentRow()
        item = self.item(row, 0) if self.selectedItems() and row >= 0 else None
        return None if item is None else int(item.data(_NUMBER))

    def choose(self, number: int | None) -> None:
        """Select a trial without reporting it."""
        with QSignalBlocker(self):
            self.clearSelection()
            for row in range(self.rowCount()):
                item = self.item(row, 0)
                if item is not None and item.data(_NUMBER) == number:
                    self.selectRow(row)
                    self.scrollToItem(item)

    @Slot()
    def _report(self) -> None:
        number = self.chosen()
        if number is not None:
            self.trial_chosen.emit(number)

    def _invite(self) -> None:
        self.empty.setText(self.tr("Finished trials are listed here, the best first."))
        self.empty.setVisible(self.rowCount() == 0)

    def _fill(self, number: int | None) -> None:
        study = self._study
        with QSignalBlocker(self):
            self.clearContents()
            if study is None:
                self.setRowCount(0)
                self.setColumnCount(0)
                self._invite()
                return
            paths = [field.path for field in study.fields]
            headings = [
                self.tr("Trial"),
                objective_title(study),
                *(self._name(path) for path in paths),
                self.tr("State"),
            ]
            self.setColumnCount(len(headings))
            self.setHorizontalHeaderLabels(headings)
            ordered = by_score(study, self._trials)
            self.setRowCount(len(ordered))
            for row, trial in enumerate(ordered):
                value = significant(math.nan if trial.value is None else trial.value)
                cells = [str(trial.number), value]
                cells += [
                    self._label(path, trial.values[path]) if path in trial.values else "" for path in paths
                ]
                cells.append(STATE_TITLES[trial.state].in_language(current_language()))
                for column, text in enumerate(cells):
                    item = QTableWidgetItem(text)
                    item.setData(_NUMBER, trial.number)
                    item.setToolTip(trial.reason.in_language(current_language()) if trial.reason else text)
                    self.setItem(row, column, item)
        self._invite()
        self.choose(number)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange and hasattr(self, "_label"):
            self._fill(self.chosen())
        super().changeEvent(event)
