"""Which examples are learned. All lanes share them, so that they can be compared."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QLabel, QWidget

from initviz.experiment.blueprint import data_info
from initviz.experiment.fields import DATA_FIELDS
from initviz.experiment.parameters import Value
from initviz.experiment.parts import DatasetPart
from initviz.experiment.values import Choice, DataInfo, Recipe
from initviz.ui.field_form import FieldForm
from initviz.ui.form_row import GUTTER
from initviz.ui.lane_text import part_title
from initviz.ui.language import current_language
from initviz.ui.number_text import format_count
from initviz.ui.panel import Panel
from initviz.ui.part_editor import PartEditor
from initviz.ui.scope import Scope
from initviz.ui.shapes import shape_text


class DataPanel(Panel):
    """The data set, its parameters, and how it is served."""

    def __init__(self, scope: Scope, parent: QWidget | None = None) -> None:
        super().__init__(scope, parent)
        self.dataset = PartEditor(
            self.scope,
            "dataset",
            "data",
            self._read_dataset,
            keep=tuple(parameter.key for parameter in DATA_FIELDS),
            per_lane=False,
            with_formula=False,
        )
        self.about = QLabel()
        self.about.setObjectName("quiet")
        self.about.setWordWrap(True)
        self.about.setContentsMargins(GUTTER, 0, 0, 0)
        self.facts = QLabel()
        self.facts.setObjectName("facts")
        self.facts.setWordWrap(True)
        self.facts.setContentsMargins(GUTTER, 0, 0, 0)
        self.report = QLabel()
        self.report.setObjectName("quiet")
        self.report.setWordWrap(True)
        self.report.setContentsMargins(GUTTER, 0, 0, 0)
        self.fields = FieldForm(self.scope, DATA_FIELDS, "data", self._read_fields)
        self.column.addWidget(self.dataset)
        self.column.addWidget(self.facts)
        self.column.addWidget(self.about)
        self.column.addWidget(self.report)
        self.column.addWidget(self.fields)
        self.column.addStretch(1)
        self.retranslate()

    def title(self) -> str:
        return self.tr("Data")

    def summary(self) -> str:
        data = self.session.experiment.data
        part = self.scope.part("dataset", data.dataset.name)
        return self.tr("{dataset}, {batch} a batch").format(
            dataset=part_title(part), batch=format_count(data.batch_size)
        )

    def refresh(self) -> None:
        data = self.session.experiment.data
        self.dataset.refresh()
        self.fields.refresh()
        part = self.scope.part("dataset", data.dataset.name)
        self.about.setText(part.summary.in_language(current_language()))
        self.facts.setText(self._facts(data_info(data, self.session.catalogue)))
        lines = part.report(data.dataset) if isinstance(part, DatasetPart) else ()
        self.report.setText("\n".join(line.in_language(current_language()) for line in lines))
        self.report.setVisible(bool(lines))

    def retranslate(self) -> None:
        self.dataset.retranslate(self.tr("Data set"))

    def _facts(self, info: DataInfo) -> str:
        examples = self.tr("{count} examples").format(count=format_count(info.num_samples))
        if info.task == "regression":
            outputs = self.tr("{count} targets").format(count=format_count(info.num_outputs))
        else:
            classes = 2 if info.task == "binary" else info.num_outputs
            outputs = self.tr("{count} classes").format(count=format_count(classes))
        return " · ".join((examples, shape_text(info.shape), outputs))

    def _read_dataset(self, recipe: Recipe) -> Choice:
        return self.session.experiment.data.dataset

    def _read_fields(self) -> Mapping[str, Value]:
        data = self.session.experiment.data
        return {parameter.key: getattr(data, parameter.key) for parameter in DATA_FIELDS}
