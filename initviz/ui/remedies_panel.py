"""What is switched on beside network, optimizer and schedule, so that the start decides less."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QLineEdit, QMenu, QVBoxLayout, QWidget

from initviz.experiment.parameters import Value
from initviz.ui.form_row import GUTTER
from initviz.ui.lane_text import listed, part_title
from initviz.ui.language import current_language
from initviz.ui.panel import Panel
from initviz.ui.part_editor import change_label, fill_inherit_menu, lower_first
from initviz.ui.remedy_edits import KIND, concerned, path_of, switched, with_parameter
from initviz.ui.remedy_row import RemedyRow, group_label
from initviz.ui.scope import Scope

FILTER_FROM = 8
"""From so many remedies on there is a box that filters them."""


class RemediesPanel(Panel):
    """Every remedy of the catalogue under its heading, each with a switch; for all lanes or the one in focus."""

    def __init__(self, scope: Scope, parent: QWidget | None = None) -> None:
        super().__init__(scope, parent)
        self.filter = QLineEdit()
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._filter)
        self.empty = QLabel()
        self.empty.setObjectName("quiet")
        self.empty.setWordWrap(True)
        self.empty.setContentsMargins(GUTTER, 0, 0, 0)
        self.rows: dict[str, RemedyRow] = {}
        self._groups: list[tuple[QLabel, list[RemedyRow]]] = []
        holder = QVBoxLayout()
        holder.setContentsMargins(GUTTER, 0, 0, 0)
        holder.addWidget(self.filter)
        self.column.addLayout(holder)
        self._add_rows()
        self.filter.setVisible(len(self.rows) >= FILTER_FROM)
        self.column.addWidget(self.empty)
        self.column.addStretch(1)
        self.retranslate()

    def _add_rows(self) -> None:
        by_group: dict[str, list[RemedyRow]] = {}
        for part in self.session.catalogue.parts(KIND):
            row = RemedyRow(self.scope, part)
            row.switched.connect(self._switch)
            row.changed.connect(self._change)
            row.reset_requested.connect(self._reset)
            row.marks_pressed.connect(self._offer)
            self.rows[part.key] = row
            by_group.setdefault(part.group.en, []).append(row)
        for rows in by_group.values():
            heading = group_label()
            heading.setVisible(bool(rows[0].part.group.en))
            self._groups.append((heading, rows))
            self.column.addWidget(heading)
            for row in rows:
                self.column.addWidget(row)

    # What is shown

    def title(self) -> str:
        return self.tr("Remedies")

    def summary(self) -> str:
        names = [part_title(self.scope.part(KIND, choice.name)) for choice in self.scope.recipe.remedies]
        return listed(names) if names else self.tr("none")

    def refresh(self) -> None:
        for row in self.rows.values():
            row.refresh()

    def retranslate(self) -> None:
        language = current_language()
        self.filter.setPlaceholderText(self.tr("Find a remedy"))
        self.filter.setAccessibleName(self.tr("Find a remedy"))
        self.filter.setToolTip(self.tr("Shows only what has these words in its name or description."))
        for heading, rows in self._groups:
            heading.setText(rows[0].part.group.in_language(language))
            for row in rows:
                row.retranslate()
        self._say_empty()

    @Slot(str)
    def _filter(self, words: str) -> None:
        for heading, rows in self._groups:
            for row in rows:
                row.setVisible(row.matches(words))
            found = any(not row.isHidden() for row in rows)
            heading.setVisible(found and bool(rows[0].part.group.en))
        self._say_empty()

    def _say_empty(self) -> None:
        nothing = all(row.isHidden() for row in self.rows.values())
        self.empty.setVisible(nothing)
        self.empty.setText(self.tr("No remedy has these words in its name or description."))

    # What a person does

    @Slot(str, bool)
    def _switch(self, name: str, on: bool) -> None:
        part = self.rows[name].part
        label = self.tr("Switch on {part}") if on else self.tr("Switch off {part}")
        document = switched(self.scope.document, self.scope.lane, self.session.experiment, part, on)
        self._finish(document, label.format(part=part_title(part)), name, "", "")

    @Slot(str, str, object)
    def _change(self, name: str, key: str, value: Value) -> None:
        row = self.rows[name]
        if row.form is None:
            return
        label = change_label(row.part.parameter(key), row.form.row(key).describe(value))
        self._set(name, key, value, self.tr("{part}: {edit}").format(part=part_title(row.part), edit=label))

    @Slot(str, str)
    def _reset(self, name: str, key: str) -> None:
        parameter = self.rows[name].part.parameter(key)
        title = lower_first(parameter.title.in_language(current_language()))
        self._set(name, key, parameter.default, self.tr("Reset {name}").format(name=title))

    def _set(self, name: str, key: str, value: Value, label: str) -> None:
        part, experiment = self.rows[name].part, self.session.experiment
        document = with_parameter(self.scope.document, self.scope.lane, experiment, part, key, value)
        merge = self.scope.place(f"{path_of(self.scope.written, self.scope.lane, part)}.{key}")
        self._finish(document, label, name, key, merge)

    def _finish(self, document: Mapping[str, object], label: str, name: str, key: str, merge: str) -> None:
        problem = self.scope.apply(document, self.scope.label(label), merge)
        row = self.rows[name]
        if problem is None:
            self.refresh()
            return
        if not key:
            row.refresh()  # the switch goes back
        wanted, parameter = concerned(self.scope.refused_path, self.session.catalogue)
        other = self.rows.get(wanted)
        if other is None or not other.isVisible():
            row.show_problem(key, problem)
        else:
            other.show_problem(parameter or (key if other is row else ""), problem)

    @Slot(str, str, QPoint)
    def _offer(self, name: str, key: str, point: QPoint) -> None:
        row = self.rows[name]
        path = path_of(self.scope.written, None, row.part)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setProperty("path", f"{path}.{key}" if key else path)
        menu.triggered.connect(self._inherit)
        fill_inherit_menu(menu, row.parameter_marks(key) if key else row.note.own_lanes())
        menu.popup(point)

    @Slot(QAction)
    def _inherit(self, action: QAction) -> None:
        menu = self.sender()
        lanes = action.data()
        if isinstance(menu, QMenu) and isinstance(lanes, list):
            self.scope.inherit(lanes, str(menu.property("path")), self.tr("Make lanes the same again"))
