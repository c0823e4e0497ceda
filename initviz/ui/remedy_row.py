"""One remedy: a switch, and what can be set of it while it is on."""

from __future__ import annotations

import html

from PySide6.QtCore import QPoint, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from initviz.experiment.catalogue import Part
from initviz.experiment.text import Text
from initviz.experiment.values import Choice
from initviz.ui.form_row import GUTTER, Mark, MarkDots
from initviz.ui.forms import ParameterForm
from initviz.ui.formula import FormulaView
from initviz.ui.lane_text import part_title
from initviz.ui.language import current_language
from initviz.ui.own_note import LinkLabel, OwnNote
from initviz.ui.part_editor import source_html
from initviz.ui.remedy_edits import differing, path_of
from initviz.ui.scope import Scope


class SwitchBox(QCheckBox):
    """A check box that may be narrower than its words, which the tooltip repeats."""

    def minimumSizeHint(self) -> QSize:
        return QSize(60, super().minimumSizeHint().height())


class RemedyNote(OwnNote):
    """Says which lanes have the remedy on where the others have it off, or the other way round.

    Args:
        scope: Whose remedy is shown.
        part: The remedy.
        parent: Qt parent.
    """

    def __init__(self, scope: Scope, part: Part, parent: QWidget | None = None) -> None:
        super().__init__(scope, f"remedies.{part.key}", parent)
        self._part = part

    def own_lanes(self) -> tuple[Mark, ...]:
        self._path = path_of(self._scope.written, None, self._part)
        own = differing(self._scope.session.experiment, self._part)
        return tuple(mark for mark in self._scope.marks(self._path) if mark.lane in own)


class RemedyRow(QWidget):
    """Shows one remedy and reports what a person wants of it; it does not decide.

    Args:
        scope: Whose remedy it is.
        part: The remedy.
        parent: Qt parent.
    """

    switched = Signal(str, bool)
    changed = Signal(str, str, object)
    reset_requested = Signal(str, str)
    marks_pressed = Signal(str, str, QPoint)

    def __init__(self, scope: Scope, part: Part, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.part = part
        self._scope = scope
        self._problem: Text | None = None
        self.box = SwitchBox()
        self.box.clicked.connect(self._click)
        self.dots = MarkDots()
        self.dots.clicked.connect(self._press_marks)
        self.gutter = QWidget()
        self.gutter.setFixedWidth(GUTTER)
        gutter = QHBoxLayout(self.gutter)
        gutter.setContentsMargins(0, 0, 0, 0)
        gutter.addWidget(self.dots)
        self.message = QLabel()
        self.message.setObjectName("fieldProblem")
        self.message.setWordWrap(True)
        self.message.hide()
        self.note = RemedyNote(scope, part)
        self.body: QWidget | None = None
        self.form: ParameterForm | None = None
        self.about: QLabel | None = None
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(0)
        head.addWidget(self.gutter)
        head.addWidget(self.box, 1)
        said = QVBoxLayout()
        said.setContentsMargins(GUTTER, 0, 0, 0)
        said.addWidget(self.message)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._column.addLayout(head)
        self._column.addLayout(said)
        self._column.addWidget(self.note)
        self.retranslate()

    @property
    def choice(self) -> Choice | None:
        """What it is set to, or None while it is off."""
        return self._scope.recipe.remedy(self.part.key)

    def matches(self, words: str) -> bool:
        """Say whether it is what a person looks for, by its name or what it does."""
        wanted = words.casefold().split()
        texts = (self.part.title, self.part.summary, self.part.group)
        known = " ".join((self.part.key, *self.part.aliases, *(f"{text.en} {text.zh}" for text in texts)))
        return all(word in known.casefold() for word in wanted)

    def refresh(self) -> None:
        """Show what the session now holds."""
        choice = self.choice
        self.box.setChecked(choice is not None)
        self._say(None)
        self.note.refresh()
        shown = choice is not None
        if shown and self.body is None:
            self._make_body()
        if self.body is not None:
            self.body.setVisible(shown)
        self.dots.set_marks(self.note.own_lanes())
        if choice is not None and self.form is not None:
            self.form.set_values(dict(choice.values))
            self.form.set_marks({p.key: self.parameter_marks(p.key) for p in self.part.parameters})

    def parameter_marks(self, key: str) -> tuple[Mark, ...]:
        """Return the lanes that have it on like all others and differ in one parameter."""
        own = differing(self._scope.session.experiment, self.part)
        path = path_of(self._scope.written, None, self.part)
        return tuple(mark for mark in self._scope.marks(f"{path}.{key}") if mark.lane not in own)

    def show_problem(self, key: str, problem: Text) -> None:
        """Say what is wrong with a parameter at its field, or with the whole at the switch."""
        seen = self.form is not None and self.choice is not None
        if not (key and seen and self.form is not None and self.form.show_problem(key, problem)):
            self._say(problem)

    def _say(self, problem: Text | None) -> None:
        self._problem = problem
        self.message.setText(self._scope.sentence(problem))
        self.message.setVisible(problem is not None)

    def _make_body(self) -> None:
        self.body = QWidget(self)
        self.about = QLabel()
        self.about.setObjectName("quiet")
        self.about.setWordWrap(True)
        self.about.setContentsMargins(GUTTER, 0, 0, 0)
        self.form = ParameterForm(self.part.parameters, {}, self._scope.session.catalogue, self.body)
        self.form.setVisible(bool(self.part.parameters))
        self.form.changed.connect(self._change)
        self.form.reset_requested.connect(self._reset)
        self.form.marks_pressed.connect(self._offer)
        formula = FormulaView()
        formula.set_formula(self.part.formula)
        formula.setVisible(bool(self.part.formula))
        source = LinkLabel()
        source.setOpenExternalLinks(True)
        source.setText(source_html(self.part.source))
        source.setVisible(bool(self.part.source))
        column = QVBoxLayout(self.body)
        column.setContentsMargins(GUTTER, 0, 0, 8)
        column.setSpacing(4)
        for widget in (self.about, self.form, formula, source):
            column.addWidget(widget)
        self._column.addWidget(self.body)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything in the current language."""
        language = current_language()
        title, summary = part_title(self.part), self.part.summary.in_language(language)
        self.box.setText(title.replace("&", "&&"))
        lines = [f"<b>{html.escape(title)}</b>", html.escape(summary)]
        if self.part.source:
            lines.append(html.escape(self.part.source))
        key = self.tr("In files: {key}").format(key=f"<code>remedies.{self.part.key}</code>")
        self.box.setToolTip("<br>".join([*lines, key]))
        self.box.setAccessibleName(title)
        self.box.setAccessibleDescription(summary)
        if self.about is not None:
            self.about.setText(summary)
        self.message.setText(self._scope.sentence(self._problem))
        self.dots.retranslate()
        self.note.refresh()

    # What a person does

    @Slot(bool)
    def _click(self, checked: bool) -> None:
        self.switched.emit(self.part.key, checked)

    @Slot(str, object)
    def _change(self, key: str, value: object) -> None:
        self.changed.emit(self.part.key, key, value)

    @Slot(str)
    def _reset(self, key: str) -> None:
        self.reset_requested.emit(self.part.key, key)

    @Slot(str, QPoint)
    def _offer(self, key: str, point: QPoint) -> None:
        self.marks_pressed.emit(self.part.key, key, point)

    @Slot()
    def _press_marks(self) -> None:
        point = self.dots.mapToGlobal(QPoint(0, self.dots.height()))
        self.marks_pressed.emit(self.part.key, "", point)


def group_label() -> QLabel:
    """Return a heading above some remedies."""
    label = QLabel()
    label.setObjectName("fieldTitle")
    label.setContentsMargins(GUTTER, 8, 0, 0)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
    return label
