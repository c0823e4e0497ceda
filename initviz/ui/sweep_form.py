"""The left column of the search window: what is searched, and how."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from initviz.experiment.document import read_document
from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError
from initviz.experiment.files import with_whole_paths
from initviz.experiment.parameters import ChoiceParameter
from initviz.sweep.experiments import base_tables
from initviz.sweep.reading import OBJECTIVE, PRUNER, SAMPLER, TRIALS, read_study
from initviz.sweep.study import Study
from initviz.ui.language import current_language
from initviz.ui.number_text import parse_int
from initviz.ui.part_combo import CalmCombo
from initviz.ui.session import Session
from initviz.ui.sweep_fields import Candidate, base_document, candidates, unknown_candidate
from initviz.ui.sweep_row import FieldRow

BATCH = 8
"""Trials that are asked for at once: few, so that the plots keep moving and an end comes at once."""
_COMBOS = (("sampler", SAMPLER), ("objective", OBJECTIVE), ("pruner", PRUNER))


class SweepForm(QWidget):
    """Describes a study over the present experiment.

    Args:
        session: Where the experiment is.
        parent: Qt parent.
    """

    storage_changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._stored: Study | None = None
        self.rows: list[FieldRow] = []
        self._known: tuple[Candidate, ...] = ()
        self.base = QLabel()
        self.base.setObjectName("quiet")
        self.base.setWordWrap(True)
        self.name = QLineEdit()
        self.name.setMaxLength(150)
        self.trials = QLineEdit("32")
        self.combos = {key: CalmCombo() for key, _ in _COMBOS}
        self.storage = QLineEdit()
        self.storage.setEchoMode(QLineEdit.EchoMode.Password)  # an address may hold a password
        self.storage.editingFinished.connect(self.storage_changed)
        self.heading = QLabel()
        self.heading.setObjectName("section")
        self.add_button = QPushButton()
        self.menu = QMenu(self)
        self.menu.triggered.connect(self._choose)
        self.add_button.setMenu(self.menu)
        self._lay_out()
        session.experiment_changed.connect(self.refresh)
        session.focus_changed.connect(self.refresh)
        self.refresh()
        self.retranslate()
        for key, parameter in _COMBOS:
            self.combos[key].show_key(parameter.default)

    def _lay_out(self) -> None:
        holder = QWidget()
        self._fields = QVBoxLayout(holder)
        self._fields.setContentsMargins(0, 0, 0, 0)
        self._fields.setSpacing(8)
        self.empty = QLabel()
        self.empty.setObjectName("quiet")
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._fields.addWidget(self.empty)
        self._fields.addStretch(1)
        self.area = QScrollArea()
        self.area.viewport().setAutoFillBackground(False)
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(holder)
        holder.setAutoFillBackground(False)  # which setting it has put on
        top = QHBoxLayout()
        top.addWidget(self.heading, 1)
        top.addWidget(self.add_button)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._labels = {
            key: QLabel() for key in ("name", "sampler", "trials", "objective", "pruner", "storage")
        }
        widgets = {"name": self.name, "trials": self.trials, "storage": self.storage, **self.combos}
        for key, label in self._labels.items():
            label.setBuddy(widgets[key])
            form.addRow(label, widgets[key])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.base)
        column.addLayout(top)
        column.addWidget(self.area, 1)
        column.addLayout(form)

    # What is searched

    @Slot()
    def refresh(self) -> None:
        """Show the present experiment and what can be searched in it."""
        experiment, lane = self._session.experiment, self._session.focus_lane
        if self._stored is None:
            self._known = candidates(experiment, lane, self._session.catalogue)
        self._say_base()
        if not self.name.isModified() and self._stored is None:
            self.name.setText(experiment.name[:150])
        self._fill_menu()

    def _say_base(self) -> None:
        if self._stored is not None:
            self.base.setText(self.tr("This study searches an experiment of its own."))
            return
        experiment = self._session.experiment
        self.base.setText(
            self.tr("Searched: {experiment}, lane “{lane}”").format(
                experiment=experiment.name, lane=experiment.written_lanes[self._session.focus_lane].name
            )
        )

    def _fill_menu(self) -> None:
        self.empty.setVisible(not self.rows)
        taken = {row.candidate.path for row in self.rows}
        language = current_language()
        self.menu.clear()
        groups: dict[str, QMenu] = {}
        for candidate in self._known:
            group = candidate.group.in_language(language)
            if group not in groups:
                groups[group] = self.menu.addMenu(group)
            action = groups[group].addAction(f"{candidate.title.in_language(language)}\t{candidate.path}")
            action.setData(candidate.path)
            action.setEnabled(candidate.path not in taken)

    @Slot(QAction)
    def _choose(self, action: QAction) -> None:
        self.add(str(action.data()))

    def add(self, path: str) -> FieldRow | None:
        """Search a field, too; None where the forms do not know it."""
        candidate = next((item for item in self._known if item.path == path), None)
        if candidate is None:
            return None
        row = self._add_row(candidate)
        self._fill_menu()
        row.scroll_to_ticked()
        return row

    def _add_row(self, candidate: Candidate) -> FieldRow:
        row = FieldRow(candidate)
        row.removal_requested.connect(self._remove)
        self.rows.append(row)
        self._fields.insertWidget(len(self.rows) - 1, row)
        return row

    def _clear_rows(self) -> None:
        for row in self.rows:
            self._fields.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = []

    @Slot()
    def _remove(self) -> None:
        row = self.sender()
        if isinstance(row, FieldRow) and row in self.rows:
            self.rows.remove(row)
            self._fields.removeWidget(row)
            row.hide()
            row.deleteLater()
            self._fill_menu()

    @property
    def is_new(self) -> bool:
        """True while no kept study is shown."""
        return self._stored is None

    @property
    def storage_name(self) -> str | None:
        """Where studies are kept, as the person wrote it; None for the usual file."""
        return self.storage.text().strip() or None

    def study(self) -> Study:
        """Return the study that is described.

        Raises:
            ExperimentError: Something in it is impossible.
        """
        session = self._session
        trials = parse_int(self.trials.text())
        checked = TRIALS.check(trials if trials is not None else self.trials.text(), self.tr("Trials"))
        if self._stored is not None:
            kept = {**self._stored.document, "trials": checked, "batch": BATCH}
            return read_study(kept, session.catalogue, session.limits)
        document = base_document(session.document, session.focus_lane)
        whole = with_whole_paths(document, session.catalogue, session.origin.folder or Path())
        study: Table = {
            "name": self.name.text().strip(),
            "experiment": whole,
            "fields": [row.table() for row in self.rows],
            "trials": checked,
            "batch": BATCH,
            **{key: self.combos[key].current_key() for key, _ in _COMBOS},
        }
        return read_study(study, session.catalogue, session.limits)

    def show_study(self, study: Study | None) -> None:
        """Show a study that is kept or comes with the program, or let a new one be described."""
        was_stored, self._stored = self._stored is not None, study
        fixed: list[QWidget] = [self.name, self.add_button, self.area, *self.combos.values()]
        for widget in fixed:
            widget.setEnabled(study is None)
        if study is None:
            if was_stored:  # its fields need not be in the present experiment
                self._clear_rows()
            self.name.setModified(False)
            self.refresh()
            return
        self._clear_rows()
        self._known = self._candidates_of(study)
        for field in study.fields:
            candidate = self.candidate_of(field.path)
            assert candidate is not None
            row = self._add_row(candidate)
            row.show_space(field.space)
            row.scroll_to_ticked()
        self._fill_menu()
        self.name.setText(study.name)
        self.trials.setText(str(study.trials))
        for key, shown in (
            ("sampler", study.sampler),
            ("objective", study.objective),
            ("pruner", study.pruner.name),
        ):
            self.combos[key].show_key(shown)
        self._say_base()

    def _candidates_of(self, study: Study) -> tuple[Candidate, ...]:
        """Return what can be searched in a study's own experiment, and all that it does search."""
        catalogue = self._session.catalogue
        experiment = read_document(base_tables(study.experiment), catalogue, self._session.limits)
        known = candidates(experiment, 0, catalogue)
        paths = {candidate.path for candidate in known}
        return (*known, *(unknown_candidate(field) for field in study.fields if field.path not in paths))

    def candidate_of(self, path: str) -> Candidate | None:
        """Return what is known of a field."""
        return next((item for item in self._known if item.path == path), None)

    # Language

    def retranslate(self) -> None:
        """Say everything in the window's language."""
        language = current_language()
        for key, parameter in _COMBOS:
            self._fill_combo(self.combos[key], parameter)
            self._labels[key].setText(parameter.title.in_language(language))
            self.combos[key].setAccessibleName(parameter.title.in_language(language))
        self.heading.setText(self.tr("Fields to search"))
        self.add_button.setText(self.tr("Add a field"))
        self.empty.setText(
            self.tr(
                "Nothing is searched yet. “Add a field” offers every setting of this lane; or choose an example above."
            )
        )
        self._labels["name"].setText(self.tr("Name"))
        self._labels["trials"].setText(self.tr("Trials"))
        self._labels["storage"].setText(self.tr("Kept in"))
        self.storage.setPlaceholderText(self.tr("a file of this computer"))
        self.storage.setToolTip(
            self.tr(
                "A database that several machines work on: postgresql://user:password@host/name. It is not shown."
            )
        )
        self.refresh()

    @staticmethod
    def _fill_combo(combo: CalmCombo, parameter: ChoiceParameter) -> None:
        shown = combo.current_key()
        help_text = parameter.help.in_language(current_language())
        combo.fill(
            [(key, title.in_language(current_language()), help_text) for key, title in parameter.choices]
        )
        combo.show_key(shown or parameter.default)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange and hasattr(self, "_labels"):
            self.retranslate()
        super().changeEvent(event)


def said(error: ExperimentError) -> str:
    """Return what is wrong with a study in the window's language, with its place."""
    reason = error.reason.in_language(current_language())
    return f"{error.path}: {reason}" if error.path else reason
