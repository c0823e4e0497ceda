"""How the networks are trained: optimizer, schedule, steps, seed and precision."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from initviz.experiment.fields import DTYPE, SEED, STEPS
from initviz.experiment.parameters import Value
from initviz.experiment.values import Choice, Recipe
from initviz.telemetry.history import RunHistory
from initviz.ui.field_form import FieldForm
from initviz.ui.form_row import GUTTER
from initviz.ui.lane_text import part_title
from initviz.ui.number_text import format_count, format_three, format_value
from initviz.ui.panel import Panel
from initviz.ui.part_editor import PartEditor
from initviz.ui.planned_rate import planned_rate
from initviz.ui.rate_search import RateSearch
from initviz.ui.schedule_preview import OtherCurve, RateCurve, SchedulePreview, rate_curve
from initviz.ui.scope import Scope
from initviz.ui.tab_order import scroll_to


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
        self.search = RateSearch(scope, self)
        self.search.begun.connect(self._show_top)
        self.find_button, self.use_button, self.back_button = QPushButton(), QPushButton(), QPushButton()
        self.find_button.clicked.connect(self.search.begin)
        self.use_button.clicked.connect(self._use_rate)
        self.back_button.clicked.connect(self.search.go_back)
        self._history: RunHistory | None = None
        self._suggestion: float | None = None
        self._read_version = -1
        self.fields = FieldForm(
            scope, (STEPS, SEED, DTYPE), "", self._read_fields, per_lane=frozenset({SEED.key})
        )
        self.column.addLayout(self._buttons(self.use_button, self.back_button))
        for widget in (self.optimizer, rule(), self.schedule, self.preview):
            self.column.addWidget(widget)
        self.column.addLayout(self._buttons(self.find_button))
        self.column.addWidget(rule())
        self.column.addWidget(self.fields)
        self.column.addStretch(1)
        self.retranslate()

    @staticmethod
    def _buttons(*buttons: QPushButton) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setContentsMargins(GUTTER, 0, 0, 0)
        column.setSpacing(4)
        for button in buttons:
            button.setObjectName("quietButton")
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            column.addWidget(button)
        return column

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
        lane, curve = self.scope.lane, self._curve(self.scope.recipe)
        others: list[OtherCurve] = []
        if lane is None:
            for index, other in enumerate(self.session.experiment.written_lanes):
                own = self._curve(other.recipe)
                if own != curve:
                    others.append(OtherCurve(own, self.scope.color(index)))
        self.preview.set_curve(curve, "" if lane is None else self.scope.color(lane), others)
        self._show_search()

    def _curve(self, recipe: Recipe) -> RateCurve:
        experiment = self.session.experiment
        plan = planned_rate(recipe, experiment, self.session.catalogue)
        return rate_curve(plan.at, experiment.steps, follows=plan.follows, by_decades=plan.rises)

    # Finding a rate

    def show_history(self, history: RunHistory | None) -> None:
        """Read a suggestion off the run on the screen, where that tests learning rates."""
        if not self.isVisible() or not self.search.is_test:
            return
        if history is self._history and history is not None and history.version == self._read_version:
            return
        self._history = history
        self._read_version = -1 if history is None else history.version
        self._suggestion = self.search.suggestion(history)
        self._show_search()

    def _show_search(self) -> None:
        is_test = self.search.is_test
        if not is_test:
            self._suggestion = None
        rate = self._suggestion
        self.find_button.setVisible(not is_test and self.search.is_possible)
        self.use_button.setVisible(is_test)
        self.use_button.setEnabled(rate is not None)
        self.back_button.setVisible(is_test and self.search.has_experiment)
        self.find_button.setText(self.tr("Find a learning rate"))
        self.find_button.setToolTip(
            self.tr(
                "Opens a short run in which the learning rate rises from far too small to far too large; the loss "
                "tells which rate suits. Nothing of this experiment is lost."
            )
        )
        history = self._history
        done = history is not None and history.last_step + 1 >= history.info.total_steps
        if rate is None and done and is_test:
            self.use_button.setText(self.tr("Its loss does not fall at any rate"))
        elif rate is None:
            self.use_button.setText(self.tr("Play to find a learning rate"))
        else:
            shown = format_three(float(f"{rate:.2g}"))
            self.use_button.setText(self.tr("Use the learning rate {rate}").format(rate=shown))
        self.use_button.setToolTip(
            self.tr(
                "Goes back to the experiment with the rate at which the loss of {lane} falls fastest."
            ).format(lane=self.scope.focused.name)
        )
        self.back_button.setText(self.tr("Back without a change"))

    @Slot()
    def _show_top(self) -> None:
        """Bring what is to be pressed after the test into sight, once it stands there."""
        QTimer.singleShot(0, self._scroll_to_top)

    @Slot()
    def _scroll_to_top(self) -> None:
        scroll_to(self.use_button)

    @Slot()
    def _use_rate(self) -> None:
        if self._suggestion is not None:
            self.search.use(self._suggestion)

    def retranslate(self) -> None:
        self.optimizer.retranslate(self.tr("Optimizer"))
        self.schedule.retranslate(self.tr("Learning-rate schedule"))
        self.preview.retranslate()
        self._show_search()

    def _read_optimizer(self, recipe: Recipe) -> Choice:
        return recipe.optimizer

    def _read_schedule(self, recipe: Recipe) -> Choice:
        return recipe.schedule

    def _read_fields(self) -> Mapping[str, Value]:
        experiment = self.session.experiment
        seed = self.scope.recipe.seed if self.scope.is_single else experiment.seed
        return {STEPS.key: experiment.steps, SEED.key: seed, DTYPE.key: experiment.dtype}
