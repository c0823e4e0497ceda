"""A form for plain fields of the experiment, such as its seed or batch size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from initviz.experiment.edit import set_value
from initviz.experiment.errors import join_path
from initviz.experiment.parameters import Parameter, Value
from initviz.ui.forms import ParameterForm
from initviz.ui.language import current_language
from initviz.ui.part_editor import change_label, fill_inherit_menu, lower_first
from initviz.ui.scope import Scope


class FieldForm(QWidget):
    """Edits fields that are no part's: those of the experiment or of one of its tables.

    Args:
        scope: The document being edited.
        parameters: The fields.
        path: The table they stand in; empty for the top.
        read: Returns the values that count.
        per_lane: Keys in which the lane in focus may differ.
        parent: Qt parent.
    """

    def __init__(
        self,
        scope: Scope,
        parameters: Sequence[Parameter],
        path: str,
        read: Callable[[], Mapping[str, Value]],
        *,
        per_lane: frozenset[str] = frozenset(),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._scope = scope
        self._parameters = {parameter.key: parameter for parameter in parameters}
        self._path = path
        self._read = read
        self._per_lane = per_lane
        self.form = ParameterForm(parameters, {}, scope.session.catalogue, self)
        self.form.changed.connect(self._change)
        self.form.reset_requested.connect(self._reset)
        self.form.marks_pressed.connect(self._offer)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)

    def refresh(self) -> None:
        """Show what the session now holds."""
        self.form.set_values(self._read())
        self.form.set_marks({key: self._scope.marks(join_path(self._path, key)) for key in self._per_lane})

    def _place(self, key: str) -> str:
        path = join_path(self._path, key)
        return self._scope.place(path) if key in self._per_lane else path

    def _label(self, key: str, label: str) -> str:
        return self._scope.label(label) if key in self._per_lane else label

    @Slot(str, object)
    def _change(self, key: str, value: Value) -> None:
        label = change_label(self._parameters[key], self.form.row(key).describe(value))
        self._finish(key, value, self._label(key, label))

    @Slot(str)
    def _reset(self, key: str) -> None:
        parameter = self._parameters[key]
        name = lower_first(parameter.title.in_language(current_language()))
        self._finish(key, parameter.default, self._label(key, self.tr("Reset {name}").format(name=name)))

    def _finish(self, key: str, value: Value, label: str) -> None:
        place = self._place(key)
        problem = self._scope.apply(set_value(self._scope.document, place, value), label, place)
        if problem is None:
            self.refresh()
        else:
            self.form.show_problem(key, problem)

    @Slot(str, QPoint)
    def _offer(self, key: str, point: QPoint) -> None:
        path = join_path(self._path, key)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setProperty("path", path)
        menu.triggered.connect(self._inherit)
        fill_inherit_menu(menu, self._scope.marks(path))
        menu.popup(point)

    @Slot(QAction)
    def _inherit(self, action: QAction) -> None:
        menu = self.sender()
        lanes = action.data()
        if isinstance(menu, QMenu) and isinstance(lanes, list):
            self._scope.inherit(lanes, str(menu.property("path")), self.tr("Make lanes the same again"))
