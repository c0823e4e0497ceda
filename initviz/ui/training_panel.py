"""How the networks are trained: optimizer, schedule, steps, seed and precision."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QFrame, QWidget

from initviz.catalog.parts import SchedulePart
from initviz.experiment.fields import DTYPE, SEED, STEPS
from initviz.experiment.parameters import Value
from initviz.experiment.values import Choice, Recipe
from initviz.ui.field_form import FieldForm
from initviz.ui.lane_text import part_title
from initviz.ui.number_text import format_count, format_value
from initviz.ui.panel import Panel
from initviz.ui.part_editor import PartEditor
from initviz.ui.schedule_preview import SchedulePreview, rate_curve
from initviz.ui.scope import Scope


def rule() -> QFrame:
    """Return a faint line between two groups of fields."""
    line = QFrame()
    line.setObjectName("rule")
    line.setFixedHeight(1)
    return line


class TrainingPanel(Panel):
    """Steps and precision hold for all lanes; the rest may differ."""

    def __init__(self, scope: Scope, parent: QWidget | None = None) -> None:
        super().__init__(scope, parent)
        self.optimizer = PartEditor(scope, "optimizer", "optimizer", self._read_optimizer)
        self.schedule = PartEditor(scope, "schedule", "schedule", self._read_schedule)
        self.preview = SchedulePreview()
        self.fields = FieldForm(
            scope, (STEPS, SEED, DTYPE), "", self._read_fields, per_lane=frozenset({SEED.key})
        )
        for widget in (self.optimizer, rule(), self.schedule, self.preview, rule(), self.fields):
            self.column.addWidget(widget)
        self.column.addStretch(1)
        self.retranslate()

    def title(self) -> str:
        return self.tr("Training")

    def summary(self) -> str:
        recipe = self.scope.recipe
        part = self.scope.part("optimizer", recipe.optimizer.name)
        return self.tr("{optimizer}, {steps} steps").format(
            optimizer=f"{part_title(part)} {format_value(recipe.optimizer['lr'])}",
            steps=format_count(self.session.experiment.steps),
        )

    def refresh(self) -> None:
        self.optimizer.refresh()
        self.schedule.refresh()
        self.fields.refresh()
        recipe = self.scope.recipe
        part = self.scope.part("schedule", recipe.schedule.name)
        if isinstance(part, SchedulePart):
            steps = self.session.experiment.steps
            curve = rate_curve(part.factor(recipe.schedule, steps), recipe.optimizer.number("lr"), steps)
            lane = self.scope.lane
            self.preview.set_curve(curve, "" if lane is None else self.scope.color(lane))
        self.preview.setVisible(isinstance(part, SchedulePart))

    def retranslate(self) -> None:
        self.optimizer.retranslate(self.tr("Optimizer"))
        self.schedule.retranslate(self.tr("Learning-rate schedule"))
        self.preview.retranslate()

    def _read_optimizer(self, recipe: Recipe) -> Choice:
        return recipe.optimizer

    def _read_schedule(self, recipe: Recipe) -> Choice:
        return recipe.schedule

    def _read_fields(self) -> Mapping[str, Value]:
        experiment = self.session.experiment
        seed = self.scope.recipe.seed if self.scope.is_single else experiment.seed
        return {STEPS.key: experiment.steps, SEED.key: seed, DTYPE.key: experiment.dtype}
