"""One parameter on one line: its name, its field, and what is wrong with what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QContextMenuEvent, QEnterEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QGridLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from initviz.experiment.parameters import Parameter, Value
from initviz.experiment.text import Text
from initviz.ui.language import current_language
from initviz.ui.number_field import restyle
from initviz.ui.number_text import format_value, range_text

GUTTER = 12
SPACING = 8
LABEL_SHARE = 0.4
FIELD_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Mark:
    """A lane that differs from all others in one parameter.

    Attributes:
        lane: Its index.
        name: Its name.
        color: As CSS writes it.
    """

    lane: int
    name: str
    color: str


def names_of(marks: Sequence[Mark]) -> str:
    """Return the names of lanes one after another, as the current language lists them."""
    return ("、" if current_language() == "zh" else ", ").join(mark.name for mark in marks)


def unit_text(unit: str) -> str:
    """Return a parameter's unit in the current language."""
    known = {
        "steps": QCoreApplication.translate("ParameterRow", "steps"),
        "epochs": QCoreApplication.translate("ParameterRow", "epochs"),
        "px": QCoreApplication.translate("ParameterRow", "px"),
    }
    return known.get(unit, unit)


class MarkDots(QAbstractButton):
    """Dots in the colours of the lanes that differ in a parameter; a press offers to end the difference."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._marks: tuple[Mark, ...] = ()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedWidth(GUTTER)
        self.hide()

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The lanes that are shown."""
        return self._marks

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Show other lanes; none hides the dots."""
        self._marks = tuple(marks)
        self.setVisible(bool(marks))
        self.retranslate()
        self.update()

    def retranslate(self) -> None:
        """Say in the current language which lanes differ."""
        text = self.tr("Differs in: {names}. Click to end the difference.").format(
            names=names_of(self._marks)
        )
        self.setToolTip(text)
        self.setAccessibleName(text)

    def sizeHint(self) -> QSize:
        return QSize(GUTTER, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        shown = self._marks[:3]
        size = 7.0 if len(shown) == 1 else 5.0
        gap = 6.0
        top = (self.height() - gap * (len(shown) - 1) - size) / 2
        for place, mark in enumerate(shown):
            painter.setBrush(QColor(mark.color))
            painter.drawEllipse(QPoint(4, round(top + size / 2 + gap * place)), size / 2, size / 2)
        painter.end()


class ParameterRow(QWidget):
    """What the rows of all kinds of parameters have in common.

    The name stands beside the field, or above it where the column is too narrow for both.

    Args:
        parameter: What is edited.
        parent: Qt parent.
    """

    edited = Signal(str, object)
    reset_requested = Signal(str)
    marks_pressed = Signal(str, QPoint)

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parameter = parameter
        self._value: Value = parameter.default
        self._problem: Text | None = None
        self._stacked: bool | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.dots = MarkDots(self)
        self.dots.clicked.connect(self._press_marks)
        self.label = QLabel(self)
        self.label.setObjectName("fieldLabel")
        self.label.setMinimumWidth(1)
        self.reset_button = QToolButton(self)
        self.reset_button.setObjectName("fieldReset")
        self.reset_button.setText("↺")
        self.reset_button.setAutoRaise(True)
        self.reset_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.reset_button.setFixedSize(20, 20)
        self.reset_button.clicked.connect(self._press_reset)
        self.reset_button.hide()
        self.field = QWidget(self)
        self.message = QLabel(self)
        self.message.setObjectName("fieldProblem")
        self.message.setWordWrap(True)
        self.message.hide()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(GUTTER, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACING)
        self._grid.setVerticalSpacing(2)

    # For the kinds of rows

    def build(self, field: QWidget, focus: QWidget) -> None:
        """Put the field in its place; called once by each kind of row.

        Args:
            field: All that is right of the name.
            focus: The part of it that takes the keyboard.
        """
        self.field.setParent(None)
        self.field.deleteLater()
        self.field = field
        field.setParent(self)
        self.setFocusProxy(focus)
        self.label.setBuddy(focus)
        self._grid.addWidget(self.message, 2, 0, 1, 2)
        self._arrange(False)
        self.retranslate()

    def show_value(self, value: Value) -> None:
        """Show a value in the field; each kind of row does it its way."""
        raise NotImplementedError

    def report(self, value: Value) -> None:
        """Say that the person chose a value."""
        if value != self._value or type(value) is not type(self._value):
            self.edited.emit(self.parameter.key, value)

    def wanted_width(self) -> int:
        """Return how wide the field must be to stand beside the name."""
        return self.fontMetrics().horizontalAdvance("0" * FIELD_CHARACTERS)

    def fit_font(self) -> None:
        """Follow another size of type."""

    # For the form

    @property
    def value(self) -> Value:
        """The value that counts."""
        return self._value

    def set_value(self, value: Value) -> None:
        """Show the value that counts. What is wrong stays in sight while the value is still the same."""
        if self._problem is not None and value == self._value:
            return
        self._value = value
        self.set_problem(None)
        self.show_value(value)
        self._show_reset()

    def refresh(self) -> None:
        """Show the value that counts, whatever is typed."""
        self.set_problem(None)
        self.show_value(self._value)

    @property
    def problem(self) -> str:
        """What is said to be wrong, in the current language; empty where nothing is."""
        return self._problem.in_language(current_language()) if self._problem else ""

    def set_problem(self, problem: Text | None) -> None:
        """Say what is wrong with what was entered, or that nothing is."""
        if problem == self._problem:
            return
        self._problem = problem
        self.message.setText(self._sentence())
        self.message.setVisible(problem is not None)
        self._fit_message()
        focus = self.focusProxy()
        if focus is not None:
            focus.setProperty("problem", problem is not None)
            restyle(focus)
        self.updateGeometry()

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Show which lanes differ."""
        self.dots.set_marks(marks)

    def retranslate(self) -> None:
        """Say everything in the current language."""
        language = current_language()
        parameter = self.parameter
        title = parameter.title.in_language(language)
        unit = unit_text(getattr(parameter, "unit", ""))
        self.label.setText(self.tr("{title} ({unit})").format(title=title, unit=unit) if unit else title)
        tip = self.tooltip()
        self.setToolTip(tip)
        focus = self.focusProxy()
        if focus is not None:
            focus.setAccessibleName(title)
            focus.setAccessibleDescription(parameter.help.in_language(language))
        self.reset_button.setToolTip(
            self.tr("Back to the default: {value}").format(value=self.describe(parameter.default))
        )
        self.reset_button.setAccessibleName(self.tr("Reset {name}").format(name=title))
        self.message.setText(self._sentence())
        self._fit_message()
        self.dots.retranslate()
        self._arrange(self._must_stack())

    def describe(self, value: Value) -> str:
        """Return a value in words."""
        return self.tr("automatic") if value is None else format_value(value)

    def tooltip(self) -> str:
        """Return what the pointer shows: meaning, range, default, name in files."""
        language = current_language()
        parameter = self.parameter
        lines = [f"<b>{parameter.title.in_language(language)}</b>", parameter.help.in_language(language)]
        bounds = range_text(parameter).replace("<", "&lt;").replace(">", "&gt;")
        if bounds:
            lines.append(self.tr("Range: {range}").format(range=bounds))
        lines.append(self.tr("Default: {value}").format(value=self.describe(parameter.default)))
        lines.append(self.tr("In files: {key}").format(key=f"<code>{parameter.key}</code>"))
        return "<br>".join(lines)

    def fill_menu(self, menu: QMenu) -> None:
        """Add what can be done with this parameter to a context menu."""
        reset = menu.addAction(self.reset_button.toolTip())
        reset.setEnabled(self._value != self.parameter.default)
        reset.triggered.connect(self._press_reset)
        if self.dots.marks:
            marks = menu.addAction(self.tr("End the difference between lanes…"))
            marks.triggered.connect(self._press_marks)

    # Inside

    def _sentence(self) -> str:
        said = self.problem
        return said[:1].upper() + said[1:]

    @Slot()
    def _press_reset(self) -> None:
        self.set_problem(None)
        self.show_value(self._value)
        self.reset_requested.emit(self.parameter.key)

    @Slot()
    def _press_marks(self) -> None:
        self.marks_pressed.emit(self.parameter.key, self.dots.mapToGlobal(QPoint(0, self.dots.height())))

    def _show_reset(self) -> None:
        wanted = self.underMouse() and self._value != self.parameter.default
        self.reset_button.setVisible(wanted)
        if wanted:
            self.reset_button.raise_()

    def _name_width(self) -> int:
        """Return the width of the column of names; 0 where the name must stand above its field.

        It is the same for all rows where that leaves enough for the field, else no more than this name needs.
        """
        label = self.label.sizeHint().width()
        for wanted in (round(max(LABEL_SHARE * self.width(), label)), label):
            rest = self.width() - GUTTER - wanted - SPACING
            if wanted <= 0.5 * self.width() and rest >= self.wanted_width():
                return wanted
        return 0

    def _must_stack(self) -> bool:
        return self.width() > 0 and not self._name_width()

    def _arrange(self, stacked: bool) -> None:
        if stacked != self._stacked:
            self._stacked = stacked
            self._grid.removeWidget(self.label)
            self._grid.removeWidget(self.field)
            if stacked:
                self._grid.addWidget(self.label, 0, 0, 1, 2)
                self._grid.addWidget(self.field, 1, 0, 1, 2)
            else:
                self._grid.addWidget(self.label, 0, 0)
                self._grid.addWidget(self.field, 0, 1)
        self._grid.setColumnMinimumWidth(0, 0 if stacked else self._name_width())
        self._grid.setColumnStretch(0, 0)
        self._grid.setColumnStretch(1, 1)
        self._place_over_label()

    def _fit_message(self) -> None:
        # A row of fixed height would give wrapped text the height that it needs at another width.
        needed = self.message.heightForWidth(self.width() - GUTTER) if self._problem is not None else 0
        self.message.setMinimumHeight(max(needed, 0))

    def _place_over_label(self) -> None:
        box = self.label.geometry()
        self.dots.setGeometry(0, box.top(), GUTTER, max(box.height(), 20))
        self.reset_button.move(box.right() - 19, box.center().y() - 9)

    def minimumSizeHint(self) -> QSize:
        # As narrow as the field alone: then the name goes above it.
        return QSize(GUTTER + self.field.minimumSizeHint().width(), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(self._must_stack())
        self._fit_message()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.fit_font()
            self._arrange(self._must_stack())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            done = super().event(event)
            self._place_over_label()
            return done
        return super().event(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._show_reset()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.reset_button.hide()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fill_menu(menu)
        menu.popup(event.globalPos())
        event.accept()
