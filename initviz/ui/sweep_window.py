"""The window of a search: a study over fields of the present experiment, its progress, plots and best trial."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Text
from initviz.sweep.examples import Example, examples
from initviz.sweep.experiments import trial_document
from initviz.sweep.reading import load_study
from initviz.sweep.records import Standing, TrialRecord
from initviz.sweep.results import Results, write_csv
from initviz.sweep.study import Scalar, Study
from initviz.ui.language import current_language
from initviz.ui.part_combo import CalmCombo
from initviz.ui.session import Origin, Session
from initviz.ui.sweep_form import SweepForm, said
from initviz.ui.sweep_table import SweepTable
from initviz.ui.theme import ThemeSwitch
from initviz.views.numbers import significant
from initviz.views.study_history import StudyHistoryView
from initviz.views.study_parallel import StudyParallelView
from initviz.views.study_slices import StudySlicesView
from initviz.views.study_view import StudyView, plain_label
from initviz.worker.sweep_thread import Searched, StudyOpened, Sweeper, standing_of

_PARTS = 1000
_NEW = "\n"
"""Key of the entry for a new study, and before the key of an example; no study's name has a line break."""
_FORM_WIDTH = 340


class SweepWindow(QWidget):
    """Searches in the background while the main window stays as it is.

    Args:
        session: The experiment that is searched, and where a trial is opened.
        theme: Colours.
        sweeper: What searches.
        parent: The main window.
    """

    opened = Signal()
    """A trial has been opened as an experiment."""

    def __init__(
        self, session: Session, theme: ThemeSwitch, sweeper: Sweeper, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session, self._theme, self._sweeper = session, theme, sweeper
        self._study: Study | None = None
        self._trials: tuple[TrialRecord, ...] = ()
        self._standing: Standing | None = None
        self._started_s = self._started_share = 0.0
        self._failure: Text | None = None
        self._names: tuple[str, ...] = ()
        self._examples = examples()
        self._problem = ""
        self.form = SweepForm(session)
        self.kept = CalmCombo()
        self.start_button, self.stop_button = QPushButton(), QPushButton()
        self.open_button, self.csv_button = QPushButton(), QPushButton()
        self.bar = QProgressBar()
        self.bar.setRange(0, _PARTS)
        self.bar.setTextVisible(False)
        self.status, self.message = QLabel(), QLabel()
        self.status.setWordWrap(True)
        self.message.setObjectName("fieldProblem")
        self.message.setWordWrap(True)
        self.message.hide()
        self.history, self.parallel, self.slices = StudyHistoryView(), StudyParallelView(), StudySlicesView()
        self.views: tuple[StudyView, ...] = (self.history, self.parallel, self.slices)
        self.table = SweepTable()
        self._lay_out()
        self.start_button.clicked.connect(self.start)
        self.stop_button.clicked.connect(sweeper.stop)
        self.open_button.clicked.connect(self.open_trial)
        self.csv_button.clicked.connect(self._ask_for_csv)
        self.kept.chosen.connect(self._choose_kept)
        self.form.storage_changed.connect(self._list_kept)
        self.table.trial_chosen.connect(self._choose_trial)
        for view in self.views:
            view.trial_chosen.connect(self._choose_trial)
            view.failed.connect(self._fail)
        sweeper.searched.connect(self._follow)
        sweeper.studies_found.connect(self._fill_kept)
        sweeper.study_opened.connect(self._show_opened)
        sweeper.failed.connect(self._fail)
        sweeper.state_changed.connect(self._show_state)
        theme.changed.connect(self._show_theme)
        self._fill_kept(())
        self._show_trials(())
        self._show_state(sweeper.state)
        self._show_theme()
        self.retranslate()
        self.resize(1280, 720)

    def _lay_out(self) -> None:
        left = QWidget()
        left.setFixedWidth(_FORM_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.kept)
        column.addWidget(self.form, 1)
        column.addWidget(self.message)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button, 1)
        buttons.addWidget(self.stop_button, 1)
        column.addLayout(buttons)
        self.left = left
        head = QHBoxLayout()
        head.addWidget(self.status, 1)
        head.addWidget(self.open_button)
        head.addWidget(self.csv_button)
        plots = QGridLayout()
        plots.setSpacing(8)
        plots.addWidget(self.history, 0, 0)
        plots.addWidget(self.parallel, 0, 1)
        plots.addWidget(self.slices, 1, 0)
        plots.addWidget(self.table, 1, 1)
        for index in (0, 1):
            plots.setColumnStretch(index, 1)
            plots.setRowStretch(index, 1)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addLayout(head)
        right.addWidget(self.bar)
        right.addLayout(plots, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 16, 16, 16)
        row.setSpacing(16)
        row.addWidget(left)
        row.addLayout(right, 1)

    # What a person does

    def present(self) -> None:
        """Show the window in front, with the present experiment."""
        self.show()
        self.raise_()
        self.activateWindow()
        self._list_kept()

    @Slot()
    def start(self) -> None:
        """Search, or go on with a kept study."""
        if self._sweeper.state != "idle":
            return
        try:
            study = self.form.study()
        except ExperimentError as error:
            self._say(said(error))
            return
        self._say("")
        if self._study is None or study.name != self._study.name or self.form.is_new:
            self._set_study(study)
        self._study = study
        self._started_s, self._started_share = time.monotonic(), -1.0
        self._sweeper.search(study, self.form.storage_name)

    @Slot()
    def open_trial(self) -> None:
        """Open the chosen trial, or the best, as an experiment; undo brings the old one back."""
        trial = self._wanted_trial()
        if self._study is None or trial is None:
            return
        document = trial_document(self._study, trial.number, trial.values, self._session.catalogue)
        label = self.tr("Open trial {number}").format(number=trial.number)
        if self._session.open_document(document, label, Origin(), is_saved=False):
            self.opened.emit()

    @Slot()
    def _ask_for_csv(self) -> None:
        dialog = QFileDialog(self, self.tr("Save the trials"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setNameFilter("CSV (*.csv)")
        dialog.selectFile("trials.csv")
        dialog.fileSelected.connect(self.save_csv)
        dialog.open()

    @Slot(str)
    def save_csv(self, name: str) -> None:
        """Write every trial into a file, as the command line does."""
        if self._study is None:
            return
        try:
            write_csv(Results(self._study, self._trials), Path(name))
        except ExperimentError as error:
            self._say(said(error))

    @Slot(int)
    def _choose_trial(self, number: int) -> None:
        for view in self.views:
            view.choose(number)
        self.table.choose(number)
        self._say_open()

    @Slot()
    def _list_kept(self) -> None:
        if self._sweeper.state == "idle":
            self._sweeper.list_studies(self.form.storage_name)

    @Slot(str)
    def _choose_kept(self, key: str) -> None:
        if self._sweeper.state == "searching":
            return
        self._say("")
        if key == _NEW:
            self.form.show_study(None)
            self._set_study(None)
        elif key.startswith(_NEW):
            self._open_example(next(item for item in self._examples if item.key == key[1:]))
        else:
            self._sweeper.open_study(key, self.form.storage_name)

    def _open_example(self, example: Example) -> None:
        try:
            study = load_study(example.path, self._session.catalogue, self._session.limits)
        except ExperimentError as error:
            self._say(said(error))
            return
        if study.name in self._names:  # it has been begun
            self._sweeper.open_study(study.name, self.form.storage_name)
            return
        self.form.show_study(study)
        self._set_study(study)

    # What the search says

    @Slot(object)
    def _follow(self, searched: Searched) -> None:
        self._standing = searched.standing
        if self._started_share < 0:
            self._started_share = searched.standing.fraction
        self._show_trials(searched.trials)

    @Slot(object)
    def _show_opened(self, opened: StudyOpened) -> None:
        self.form.show_study(opened.study)
        self._set_study(opened.study)
        if opened.study.name in self._names:
            self.kept.show_key(opened.study.name)
        self._standing = standing_of(opened.study, opened.trials)
        self._show_trials(opened.trials)

    @Slot(object)
    def _fill_kept(self, names: tuple[str, ...]) -> None:
        shown = self.kept.current_key() or _NEW
        self._names = names
        entries = [(_NEW, self.tr("New search"), "")]
        entries += [(name, self.tr("Kept: {name}").format(name=name), name) for name in names]
        language = current_language()
        entries.append(("", self.tr("Examples"), ""))
        for example in self._examples:
            title = example.title.in_language(language)
            entries.append((_NEW + example.key, self.tr("Example: {name}").format(name=title), title))
        self.kept.fill(entries)
        self.kept.show_key(shown if shown in names or shown.startswith(_NEW) else _NEW)

    @Slot(object)
    def _fail(self, text: Text) -> None:
        self._failure = text
        self._say(text.in_language(current_language()))

    @Slot(str)
    def _show_state(self, state: str) -> None:
        self.start_button.setEnabled(state == "idle")
        self.stop_button.setEnabled(state == "searching")
        self.form.setEnabled(state in ("idle", "listing"))
        self.kept.setEnabled(state in ("idle", "listing"))
        self._say_status()
        if (
            state == "idle"
            and self._study is not None
            and self._study.name not in self._names
            and self._trials
        ):
            self._fill_kept((*self._names, self._study.name))

    def _set_study(self, study: Study | None) -> None:
        self._study, self._trials, self._standing = study, (), None
        for view in self.views:
            view.set_study(study, self._field_name, self._field_label)
        self.table.set_study(study, self._field_name, self._field_label)
        self._show_trials(())

    def _show_trials(self, trials: tuple[TrialRecord, ...]) -> None:
        self._trials = trials
        for view in self.views:
            view.set_trials(trials)
        self.table.set_trials(trials)
        self.csv_button.setEnabled(bool(trials))
        self._say_status()
        self._say_open()

    def _wanted_trial(self) -> TrialRecord | None:
        number = self.history.chosen
        if number is None:
            return self.history.best()
        return next((trial for trial in self._trials if trial.number == number and trial.values), None)

    def _field_name(self, path: str) -> str:
        known = self.form.candidate_of(path)
        return path if known is None else known.title.in_language(current_language())

    def _field_label(self, path: str, value: Scalar) -> str:
        known = self.form.candidate_of(path)
        titles = {} if known is None else {(type(key), key): title for key, title in known.options}
        title = titles.get((type(value), value))  # type: ignore[arg-type]
        return plain_label(path, value) if title is None else title.in_language(current_language())

    # Words and looks

    def _say(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _say_status(self) -> None:
        standing, state = self._standing, self._sweeper.state
        self.bar.setValue(0 if standing is None else round(_PARTS * standing.fraction))
        if standing is None:
            self.status.setText(
                self.tr("Starting…") if state == "searching" else self.tr("Nothing has been searched yet.")
            )
            return
        words = [self.tr("{done} of {all} trials").format(done=standing.finished, all=standing.target)]
        left_s = self._time_left(standing)
        if state == "searching" and left_s is not None:
            words.append(self.tr("{time} left").format(time=f"{left_s // 60}:{left_s % 60:02d}"))
        elif state == "stopping":
            words.append(self.tr("stopping…"))
        elif state != "searching" and standing.finished < standing.target:
            words.append(self.tr("stopped; “Start search” goes on"))
        if standing.best is not None and standing.best.value is not None:
            words.append(
                self.tr("best so far {value} (trial {number})").format(
                    value=significant(standing.best.value), number=standing.best.number
                )
            )
        self.status.setText("  ·  ".join(words))
        self.bar.setAccessibleDescription(self.status.text())

    def _time_left(self, standing: Standing) -> int | None:
        made = standing.fraction - self._started_share
        spent_s = time.monotonic() - self._started_s
        if made <= 0 or spent_s < 1:
            return None
        return round(spent_s * (1 - standing.fraction) / made)

    def _say_open(self) -> None:
        trial = self._wanted_trial()
        self.open_button.setEnabled(trial is not None)
        chosen = self.history.chosen
        self.open_button.setText(
            self.tr("Open the best as an experiment")
            if chosen is None
            else self.tr("Open trial {number} as an experiment").format(number=chosen)
        )

    def retranslate(self) -> None:
        """Say everything in the window's language."""
        self.setWindowTitle(self.tr("Search – InitViz"))
        self.start_button.setText(self.tr("Start search"))
        self.start_button.setToolTip(self.tr("Search; a study that is kept under this name goes on"))
        self.stop_button.setText(self.tr("Stop"))
        self.stop_button.setToolTip(
            self.tr("End the search; finished trials are kept, and it can go on later")
        )
        self.csv_button.setText(self.tr("Save as CSV…"))
        self.kept.setAccessibleName(self.tr("New search, or one that is kept"))
        self.bar.setAccessibleName(self.tr("Progress of the search"))
        self.table.setAccessibleName(self.tr("Trials, best first"))
        self._fill_kept(self._names)
        self._say_status()
        self._say_open()
        if self._failure is not None and self.message.isVisible():
            self._say(self._failure.in_language(current_language()))

    @Slot()
    def _show_theme(self) -> None:
        factor = self._theme.factor
        self.left.setFixedWidth(round(_FORM_WIDTH * factor))
        self.bar.setFixedHeight(round(6 * factor))
        for view in self.views:
            view.set_theme(self._theme.theme)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange and hasattr(self, "table"):
            self.retranslate()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._sweeper.stop()
        super().closeEvent(event)
