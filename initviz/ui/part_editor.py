"""One chosen catalogue part: which one, its parameters, its formula and where it comes from."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QCoreApplication, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QMenu, QVBoxLayout, QWidget

from initviz.experiment.catalogue import Part
from initviz.experiment.errors import join_path
from initviz.experiment.parameters import Parameter, Value
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Recipe
from initviz.ui.form_row import GUTTER, Mark
from initviz.ui.forms import ParameterForm
from initviz.ui.formula import FormulaView
from initviz.ui.lane_text import part_title
from initviz.ui.language import current_language
from initviz.ui.overrides import choose_part, names_own, set_parameter
from initviz.ui.own_note import LinkLabel, OwnNote
from initviz.ui.part_combo import PartCombo
from initviz.ui.scope import Scope

_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
_DOI = re.compile(r"doi:(\S+?)(?=[.,;]?(?:\s|$))")


def source_html(source: str) -> str:
    """Return a source with its identifier as a link."""
    text = html.escape(source)
    text = _ARXIV.sub(r'<a href="https://arxiv.org/abs/\1">arXiv:\1</a>', text)
    return _DOI.sub(r'<a href="https://doi.org/\1">doi:\1</a>', text)


def lower_first(title: str) -> str:
    """Return a title as it stands within a sentence; names such as "KL" keep their capitals."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


class PartEditor(QWidget):
    """Chooses a part and sets its parameters, for all lanes or the one in focus.

    Args:
        scope: Whose part it is.
        kind: Catalogue kind.
        path: Where it stands in the document, such as ``init.weight``.
        read: From what is shown to the choice.
        parts: What can be chosen; every part of the kind where None.
        name_key: Key under which the part's name is written.
        keep: Keys beside it that are not the part's.
        per_lane: False where no lane may differ.
        with_formula: False to leave formula and source away.
        parent: Qt parent.
    """

    refused = Signal(object)
    """An edit was not accepted; carries why (a ``Text``), or None when one was."""

    def __init__(
        self,
        scope: Scope,
        kind: str,
        path: str,
        read: Callable[[Recipe], Choice | None],
        *,
        parts: Sequence[Part] | None = None,
        name_key: str = "name",
        keep: tuple[str, ...] = (),
        per_lane: bool = True,
        with_formula: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._scope = scope
        self._kind = kind
        self._path = path
        self._read = read
        self._name_key = name_key
        self._keep = keep
        self._per_lane = per_lane
        self._problem: Text | None = None
        self.title = QLabel()
        self.title.setObjectName("fieldTitle")
        self.title.setContentsMargins(GUTTER, 0, 0, 0)
        shown = scope.session.catalogue.parts(kind) if parts is None else tuple(parts)
        self.combo = PartCombo(shown)
        self.combo.chosen.connect(self._choose)
        self.title.setBuddy(self.combo)
        self.note = OwnNote(scope, path)
        self.message = QLabel()
        self.message.setObjectName("fieldProblem")
        self.message.setWordWrap(True)
        self.message.hide()
        self.form = ParameterForm((), {}, scope.session.catalogue, self)
        self.form.changed.connect(self._change)
        self.form.reset_requested.connect(self._reset)
        self.form.marks_pressed.connect(self._offer)
        self.formula = FormulaView(self)
        self.source = LinkLabel()
        self.source.setOpenExternalLinks(True)
        holder = QVBoxLayout()
        holder.setContentsMargins(GUTTER, 0, 0, 0)
        holder.addWidget(self.combo)
        holder.addWidget(self.message)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._column.addWidget(self.title)
        self._column.addLayout(holder)
        self._column.addWidget(self.note)
        self._column.addWidget(self.form)
        self._column.addWidget(self.formula)
        self._column.addWidget(self.source)
        self._with_formula = with_formula
        self.formula.setVisible(False)
        self.source.setVisible(False)

    def insert_below(self, widget: QWidget) -> None:
        """Put something between the selector, with what is said of it, and the form."""
        self._column.insertWidget(self._column.indexOf(self.form), widget)

    # What is shown

    @property
    def choice(self) -> Choice | None:
        """What is chosen, or None where this editor has nothing to show."""
        return self._read(self._scope.recipe)

    @property
    def part(self) -> Part | None:
        """The chosen part."""
        choice = self.choice
        return None if choice is None else self._scope.part(self._kind, choice.name)

    def refresh(self) -> None:
        """Show what the session now holds."""
        choice, part = self.choice, self.part
        self.setVisible(choice is not None)
        if choice is None or part is None:
            return
        self._say(None)
        self.combo.show_key(choice.name)
        self.form.set_parameters(part.parameters, dict(choice.values))
        if self._per_lane:
            self.form.set_marks({p.key: self._parameter_marks(p.key) for p in part.parameters})
        if self._per_lane:
            self.note.refresh()
        if self._with_formula:
            self.formula.set_formula(part.formula)
            self.source.setText(source_html(part.source))
            self.source.setVisible(bool(part.source))

    def _parameter_marks(self, key: str) -> tuple[Mark, ...]:
        """Return the lanes that differ in one parameter only; those with a part of their own are in the note."""
        document = self._scope.written
        return tuple(
            mark
            for mark in self._scope.marks(join_path(self._path, key))
            if not names_own(document, mark.lane, self._path)
        )

    def retranslate(self, title: str) -> None:
        """Say everything in the current language.

        Args:
            title: What the choice is about.
        """
        self.title.setText(title)
        self.title.setVisible(bool(title))
        self.combo.setAccessibleName(title)
        self.combo.retranslate()
        choice = self.choice
        if choice is not None:
            self.combo.show_key(choice.name)
        self.message.setText(self._scope.sentence(self._problem))
        if self._per_lane:
            self.note.refresh()

    def _say(self, problem: Text | None) -> None:
        self._problem = problem
        self.message.setText(self._scope.sentence(problem))
        self.message.setVisible(problem is not None)

    # What a person does

    @property
    def _lane(self) -> int | None:
        return self._scope.lane if self._per_lane else None

    def _label(self, label: str) -> str:
        return self._scope.label(label) if self._per_lane else label

    @Slot(str)
    def _choose(self, key: str) -> None:
        choice = self.choice
        if choice is not None and key == choice.name:
            return
        part = self._scope.part(self._kind, key)
        document = choose_part(
            self._scope.document, self._lane, self._path, part, name_key=self._name_key, keep=self._keep
        )
        self._finish(document, self._label(self.tr("Choose {part}").format(part=part_title(part))), "")

    @Slot(str, object)
    def _change(self, key: str, value: Value) -> None:
        part = self.part
        if part is None:
            return
        parameter = part.parameter(key)
        document = set_parameter(self._scope.document, self._lane, self._path, key, value)
        label = self._label(change_label(parameter, self.form.row(key).describe(value)))
        self._finish(document, label, key)

    @Slot(str)
    def _reset(self, key: str) -> None:
        part = self.part
        if part is None:
            return
        parameter = part.parameter(key)
        document = set_parameter(self._scope.document, self._lane, self._path, key, parameter.default)
        name = lower_first(parameter.title.in_language(current_language()))
        self._finish(document, self._label(self.tr("Reset {name}").format(name=name)), key)

    def _finish(self, document: Mapping[str, object], label: str, key: str) -> None:
        merge = join_path(self._scope.place(self._path), key) if key else ""
        problem = self._scope.apply(document, label, merge)
        if problem is None:
            self.refresh()
        elif not (key and self.form.show_problem(key, problem)):
            choice = self.choice
            if choice is not None:
                self.combo.show_key(choice.name)
            self._say(problem)
        self.refused.emit(problem)

    @Slot(str, QPoint)
    def _offer(self, key: str, point: QPoint) -> None:
        marks = self._parameter_marks(key)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setProperty("path", join_path(self._path, key))
        menu.triggered.connect(self._inherit_parameter)
        fill_inherit_menu(menu, marks)
        menu.popup(point)

    @Slot(QAction)
    def _inherit_parameter(self, action: QAction) -> None:
        menu = self.sender()
        lanes = action.data()
        if isinstance(menu, QMenu) and isinstance(lanes, list):
            self._scope.inherit(lanes, str(menu.property("path")), self.tr("Make lanes the same again"))


def change_label(parameter: Parameter, value: str) -> str:
    """Return the undo label of a changed parameter in the current language."""
    name = lower_first(parameter.title.in_language(current_language()))
    return QCoreApplication.translate("PartEditor", "Change {name} to {value}").format(name=name, value=value)


def fill_inherit_menu(menu: QMenu, marks: Sequence[Mark]) -> None:
    """Offer to end what lanes differ in; every entry carries the list of lanes it is about."""
    for mark in marks:
        said = QCoreApplication.translate("PartEditor", "{lane}: same as all lanes again")
        entry = menu.addAction(said.format(lane=mark.name))
        entry.setData([mark.lane])
    if len(marks) > 1:
        menu.addSeparator()
        said = QCoreApplication.translate("PartEditor", "All lanes the same")
        menu.addAction(said).setData([mark.lane for mark in marks])
