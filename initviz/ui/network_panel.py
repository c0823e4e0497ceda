"""The network: a quick form of a few numbers, or every layer by itself."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from initviz.experiment.blueprint import data_info, layer_list, output_tie
from initviz.experiment.edit import Table, set_value
from initviz.experiment.errors import ExperimentError
from initviz.experiment.parameters import Value
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, LayerSpec, Recipe, Tie
from initviz.ui import network_edits
from initviz.ui.lane_text import listed, part_title
from initviz.ui.language import current_language
from initviz.ui.layer_editor import LayerEditor
from initviz.ui.network_draft import Draft, DraftStep
from initviz.ui.network_list import layer_title
from initviz.ui.network_survey import first_problem, survey, tie_offers, with_problem
from initviz.ui.network_view import NetworkView
from initviz.ui.overrides import choose_part
from initviz.ui.own_note import OwnNote
from initviz.ui.panel import Panel
from initviz.ui.part_editor import PartEditor, lower_first
from initviz.ui.scope import Scope
from initviz.ui.tab_order import scroll_to
from initviz.views.palette import Theme


class NetworkPanel(Panel):
    """Edits the model. A list of layers that cannot be trained is kept as a draft; the network before runs on."""

    def __init__(self, scope: Scope, parent: QWidget | None = None) -> None:
        super().__init__(scope, parent)
        catalogue = self.session.catalogue
        self._draft: Draft | None = None
        self.family = PartEditor(
            scope, "family", "model", self._read_family, name_key="family", with_formula=False
        )
        self.own = OwnNote(scope, "model")
        self.notice = QFrame()
        self.notice.setObjectName("notice")
        self.notice_text = QLabel()
        self.notice_text.setWordWrap(True)
        self.use_button = QPushButton()
        self.use_button.clicked.connect(self._use_draft)
        self.discard_button = QPushButton()
        self.discard_button.clicked.connect(self._discard_draft)
        buttons = QHBoxLayout()
        buttons.addWidget(self.use_button)
        buttons.addWidget(self.discard_button)
        buttons.addStretch(1)
        inner = QVBoxLayout(self.notice)
        inner.setContentsMargins(10, 8, 10, 8)
        inner.addWidget(self.notice_text)
        inner.addLayout(buttons)
        self.view = NetworkView(catalogue)
        self.view.add_requested.connect(self._add)
        self.view.duplicate_requested.connect(self._duplicate)
        self.view.remove_requested.connect(self._remove)
        self.view.move_requested.connect(self._move)
        self.view.selected.connect(self._show_layer)
        self.editor = LayerEditor(catalogue)
        self.editor.changed.connect(self._change)
        self.editor.start_chosen.connect(self._choose_start)
        self.editor.start_changed.connect(self._change_start)
        self.editor.tie_chosen.connect(self._choose_tie)
        self.list_button = QPushButton()
        self.list_button.clicked.connect(self._convert)
        self.quick_button = QPushButton()
        for button in (self.use_button, self.discard_button, self.list_button, self.quick_button):
            button.setObjectName("quietButton")
        self.quick_button.setProperty("menu", True)
        self.quick_menu = QMenu(self.quick_button)
        self.quick_menu.triggered.connect(self._use_family)
        self.quick_button.setMenu(self.quick_menu)
        modes = QHBoxLayout()
        modes.setContentsMargins(12, 0, 0, 0)
        modes.addWidget(self.list_button)
        modes.addWidget(self.quick_button)
        modes.addStretch(1)
        for widget in (self.family, self.own, self.notice, self.view):
            self.column.addWidget(widget)
        self.column.addWidget(self.editor)
        self.column.addLayout(modes)
        self.column.addStretch(1)
        self.retranslate()

    # What is shown

    def title(self) -> str:
        return self.tr("Network")

    def summary(self) -> str:
        model = self.scope.recipe.model
        if model.family is None:
            return self.tr("{count} layers").format(count=len(model.layers) + 1)
        values = [value for _, value in model.family.values]
        numbers = [str(value) for value in values if isinstance(value, int) and not isinstance(value, bool)]
        part = self.scope.part("family", model.family.name)
        names = [
            part_title(self.scope.part(parameter.part_kind, str(value)))
            for parameter, value in zip(part.parameters, values, strict=True)
            if hasattr(parameter, "part_kind")
        ]
        return listed([" × ".join(numbers), *names] if numbers else [part_title(part), *names])

    @property
    def draft(self) -> Draft | None:
        """The list on the screen where it cannot be trained yet, otherwise None."""
        draft = self._draft
        if draft is None or self.scope.recipe.model.family is not None:
            return None
        return draft if draft.lane == self._owner else None

    @property
    def _owner(self) -> str | None:
        return self.scope.focused.name if self.scope.is_single else None

    def refresh(self) -> None:
        recipe, experiment = self.scope.recipe, self.session.experiment
        info = data_info(experiment.data, self.session.catalogue)
        is_list = recipe.model.family is None
        draft = self.draft
        self.family.refresh()
        self.own.setVisible(False)
        if is_list:
            self.own.refresh()
        specs: Sequence[LayerSpec] = (
            layer_list(recipe.model, info, self.session.catalogue)
            if draft is None
            else network_edits.read_layers(draft.model, self.session.catalogue)
        )
        item_bytes = 8 if experiment.dtype == "float64" else 4
        tie = (
            output_tie(recipe.model, info, self.session.catalogue)
            if draft is None
            else network_edits.read_tie(draft.model.get(network_edits.OUTPUT_TIE))
        )
        rows = survey(specs, info, self.session.catalogue, experiment.data.batch_size, item_bytes, tie)
        error = self._problem_of(draft.model) if draft is not None else None
        if error is not None:
            rows = with_problem(rows, error)
        self.notice.setVisible(draft is not None)
        self.use_button.setVisible(draft is not None and error is None)
        self.notice_text.setText(self._notice(error))
        self.view.show_rows(rows, is_list)
        self.list_button.setVisible(not is_list)
        self.quick_button.setVisible(is_list)
        self._show_layer(self.view.current_row)

    def _notice(self, error: ExperimentError | None) -> str:
        if error is None:
            return self.tr("This network can be trained now.")
        return self.tr("This network cannot be trained yet. The last one that can runs on.")

    @Slot(int)
    def _show_layer(self, row: int) -> None:
        rows = self.view.model.rows
        is_list = self.scope.recipe.model.family is None
        shown = is_list and 0 <= row < len(rows)
        offers = tie_offers(rows, row) if shown else ()
        if shown and rows[row].is_output:
            shown = bool(offers) or rows[row].spec.tie is not None
        self.editor.setVisible(shown)
        if shown:
            title = layer_title(rows[row], self.session.catalogue)
            said = self.tr("Layer {number}: {title}").format(number=row + 1, title=title)
            self.editor.show_layer(rows[row], said, offers)

    def retranslate(self) -> None:
        self.family.retranslate(self.tr("Quick form"))
        self.view.retranslate()
        self.editor.retranslate()
        self.use_button.setText(self.tr("Train this network"))
        self.discard_button.setText(self.tr("Go back to the one that runs"))
        self.list_button.setText(self.tr("Edit layer by layer"))
        self.list_button.setToolTip(self.tr("Spell the quick form out as a list of layers."))
        self.quick_button.setText(self.tr("Quick form"))
        self.quick_button.setToolTip(self.tr("Put a quick form in place of this list."))
        self.quick_menu.clear()
        for part in self.session.catalogue.parts("family"):
            action = self.quick_menu.addAction(part_title(part))
            action.setData(part.key)
            action.setToolTip(part.summary.in_language(current_language()))

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self.view.set_theme(theme)

    # Edits of the list

    def _model(self) -> Table:
        draft = self.draft
        if draft is not None:
            return draft.copy()
        return network_edits.written_model(
            self.scope.written, self.scope.lane, self.scope.recipe, self.session.catalogue
        )

    def _problem_of(self, model: Table) -> ExperimentError | None:
        place = self.scope.place("model")
        session = self.session
        return first_problem(
            self.scope.document, place, model, session.catalogue, session.limits, session.origin.folder
        )

    def _edit(self, model: Table, label: str, merge: str = "") -> Text | None:
        """Take an edited list: train it where that is possible, otherwise keep it as a draft.

        Returns:
            Why a layer by itself cannot be as it was asked for, or None.
        """
        try:
            network_edits.read_layers(model, self.session.catalogue)
        except ExperimentError as error:
            return Text(f"{error.reason.en} Nothing was changed.", f"{error.reason.zh}没有任何改动。")
        label = self.scope.label(label)
        before, stack = self.draft, self.session.undo_stack
        if self._problem_of(model) is not None:
            stack.push(DraftStep(self._take_draft, before, Draft(self._owner, model), label))
            return None
        document = set_value(self.scope.document, self.scope.place("model"), model)
        if before is None:
            return self.scope.apply(document, label, merge)
        stack.beginMacro(label)
        stack.push(DraftStep(self._take_draft, before, None, label))
        refusal = self.scope.apply(document, label)
        stack.endMacro()
        return refusal

    def _take_draft(self, draft: Draft | None) -> None:
        self._draft = draft
        self._follow()

    @Slot()
    def _use_draft(self) -> None:
        if self.draft is not None:
            self._edit(self.draft.copy(), self.tr("Train the edited network"))

    @Slot()
    def _discard_draft(self) -> None:
        if self.draft is not None:
            label = self.tr("Go back to the network that runs")
            self.session.undo_stack.push(DraftStep(self._take_draft, self.draft, None, label))

    @Slot(str)
    def _add(self, kind: str) -> None:
        part = self.scope.part("layer", kind)
        model, row = self._model(), self.view.current_row
        count = len(network_edits.layers_of(model))
        place = min(row + 1, count) if row >= 0 else count
        table: Table = {"kind": kind}
        if part.parameters and part.parameters[0].default is not None:
            first = part.parameters[0]
            default = first.default
            table[first.key] = list(default) if isinstance(default, tuple) else default
        label = self.tr("Add layer: {kind}").format(kind=part_title(part))
        self._edit(network_edits.inserted(model, place, table, self.session.catalogue), label)
        self.view.select(place)

    @Slot(int)
    def _duplicate(self, row: int) -> None:
        model = self._model()
        label = self.tr("Duplicate layer {number}").format(number=row + 1)
        copied = network_edits.layers_of(model)[row]
        self._edit(network_edits.inserted(model, row + 1, copied, self.session.catalogue), label)
        self.view.select(row + 1)

    @Slot(int)
    def _remove(self, row: int) -> None:
        label = self.tr("Remove layer {number}").format(number=row + 1)
        self._edit(network_edits.without(self._model(), row, self.session.catalogue), label)
        self.view.select(min(row, self.view.model.rowCount() - 1))

    @Slot(int, int)
    def _move(self, source: int, target: int) -> None:
        label = self.tr("Move layer {number} to place {target}").format(number=source + 1, target=target + 1)
        self._edit(network_edits.reordered(self._model(), source, target, self.session.catalogue), label)
        self.view.select(target)

    @Slot(str, object)
    def _change(self, key: str, value: Value) -> None:
        row = self.view.current_row
        parameter = self.view.model.rows[row].part.parameter(key)
        said = self.editor.form.row(key).describe(parameter.default if value is None else value)
        label = self.tr("Change {name} of layer {number} to {value}").format(
            name=lower_first(parameter.title.in_language(current_language())), number=row + 1, value=said
        )
        model = network_edits.with_value(self._model(), row, key, value)
        self._finish(model, label, key, f"layers[{row}].{key}")

    @Slot(str, str)
    def _choose_start(self, target: str, name: str) -> None:
        row = self.view.current_row
        if name:
            part = self.scope.part("initializer", name)
            label = self.tr("Start layer {number} with {part}").format(number=row + 1, part=part_title(part))
        else:
            label = self.tr("Start layer {number} as the network").format(number=row + 1)
        self._finish(network_edits.with_start(self._model(), row, target, name), label, target, "")

    @Slot(str, str, object)
    def _change_start(self, target: str, key: str, value: Value) -> None:
        row = self.view.current_row
        field = self.editor.starts[target].form.row(key)
        label = self.tr("Change {name} of the start of layer {number} to {value}").format(
            name=lower_first(field.parameter.title.in_language(current_language())),
            number=row + 1,
            value=field.describe(field.parameter.default if value is None else value),
        )
        model = network_edits.with_start_value(self._model(), row, target, key, value)
        self._finish(model, label, f"{target}.{key}", f"layers[{row}].init.{target}.{key}")

    @Slot(str, bool)
    def _choose_tie(self, name: str, transpose: bool) -> None:
        row = self.view.current_row
        label = (
            self.tr("Share the weights of {layer} with layer {number}").format(layer=name, number=row + 1)
            if name
            else self.tr("Give layer {number} its own weights").format(number=row + 1)
        )
        tie = Tie(name, transpose) if name else None
        self._finish(network_edits.with_tie(self._model(), row, tie), label, "tie", "")

    def _finish(self, model: Table, label: str, key: str, merge: str) -> None:
        merge = f"{self.scope.place('model')}.{merge}" if merge else ""
        problem = self._edit(model, label, merge)
        if problem is None:
            self.refresh()
        else:
            self.editor.show_problem(key, problem)

    # Quick form and list

    @Slot()
    def _convert(self) -> None:
        document = network_edits.as_list(
            self.scope.document,
            self.scope.lane,
            self.session.experiment,
            self.scope.recipe,
            self.session.catalogue,
        )
        if self.scope.apply(document, self.scope.label(self.tr("Edit layer by layer"))) is None:
            # The button that was pressed is gone; what it was pressed for may lie above the edge.
            self.view.list.setFocus(Qt.FocusReason.OtherFocusReason)
            QTimer.singleShot(0, self._reveal_list)

    @Slot()
    def _reveal_list(self) -> None:
        scroll_to(self.view.add_button)

    @Slot(QAction)
    def _use_family(self, action: QAction) -> None:
        part = self.scope.part("family", str(action.data()))
        document = choose_part(self.scope.document, self.scope.lane, "model", part, name_key="family")
        label = self.tr("Use the quick form {part}").format(part=part_title(part))
        self.scope.apply(document, self.scope.label(label))

    def _read_family(self, recipe: Recipe) -> Choice | None:
        return recipe.model.family
