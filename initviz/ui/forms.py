"""Forms made from parameter declarations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QPoint, Signal, Slot
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.parameters import Parameter, Value, Values
from initviz.experiment.text import Text
from initviz.ui.form_row import Mark, ParameterRow
from initviz.ui.form_rows import make_row


class ParameterForm(QWidget):
    """A row for every parameter.

    ``changed`` carries a parameter's key and its new value, once the person is done with it: on Enter, on leaving
    the field, or when a slider rests. The form itself does not decide: its owner answers with ``set_values``, or
    with ``show_problem`` where the value was not accepted.

    Args:
        parameters: What is edited.
        values: Their values; what is left out has its default.
        catalogue: Where parts are chosen from; not needed where no parameter names a part.
        parent: Qt parent.
    """

    changed = Signal(str, object)
    reset_requested = Signal(str)
    marks_pressed = Signal(str, QPoint)

    def __init__(
        self,
        parameters: Sequence[Parameter] = (),
        values: Values | None = None,
        catalogue: Catalogue | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._parameters: tuple[Parameter, ...] = ()
        self._rows: dict[str, ParameterRow] = {}
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self.set_parameters(parameters, values or {})

    @property
    def rows(self) -> Mapping[str, ParameterRow]:
        """The rows by key."""
        return self._rows

    def row(self, key: str) -> ParameterRow:
        """Return the row of a parameter; KeyError where there is none."""
        return self._rows[key]

    def set_parameters(self, parameters: Sequence[Parameter], values: Values) -> None:
        """Show the form of other parameters, or only other values where the parameters are the same."""
        if tuple(parameters) != self._parameters:
            self._parameters = tuple(parameters)
            for row in self._rows.values():
                self._column.removeWidget(row)
                row.hide()
                row.deleteLater()
            self._rows = {}
            for parameter in self._parameters:
                row = make_row(parameter, self._catalogue, self)
                row.edited.connect(self._report)
                row.reset_requested.connect(self.reset_requested)
                row.marks_pressed.connect(self.marks_pressed)
                self._rows[parameter.key] = row
                self._column.addWidget(row)
            if self.parentWidget() is not None:  # alone it would open as a window
                self.setVisible(bool(self._rows))
        self.set_values(values)

    def set_values(self, values: Values) -> None:
        """Show the values that count; nothing is reported."""
        for key, row in self._rows.items():
            row.set_value(values.get(key, row.parameter.default))

    def values(self) -> dict[str, Value]:
        """Return the values that count."""
        return {key: row.value for key, row in self._rows.items()}

    def set_marks(self, marks: Mapping[str, Sequence[Mark]]) -> None:
        """Show at each parameter which lanes differ in it."""
        for key, row in self._rows.items():
            row.set_marks(marks.get(key, ()))

    def show_problem(self, key: str, problem: Text) -> bool:
        """Say at a parameter's field why its value was not accepted; False where there is no such field."""
        row = self._rows.get(key)
        if row is None:
            return False
        row.set_problem(problem)
        return True

    @Slot(str, object)
    def _report(self, key: str, value: object) -> None:
        self.changed.emit(key, value)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            for row in self._rows.values():
                row.retranslate()
        super().changeEvent(event)
