"""How weights and biases start."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from initviz.experiment.values import Choice, Recipe
from initviz.telemetry.frame import RunInfo
from initviz.ui.initializers import initializers_for
from initviz.ui.lane_text import choice_text
from initviz.ui.panel import Panel
from initviz.ui.part_editor import PartEditor
from initviz.ui.scope import Scope
from initviz.ui.start_facts import StartFacts, layer_starts
from initviz.ui.training_panel import rule


class StartPanel(Panel):
    """The network's initializers, and what they mean for one layer of the lane in focus."""

    def __init__(self, scope: Scope, parent: QWidget | None = None) -> None:
        super().__init__(scope, parent)
        catalogue = self.session.catalogue
        self._info: RunInfo | None = None
        self.weight = PartEditor(
            scope,
            "initializer",
            "init.weight",
            self._read_weight,
            parts=initializers_for(catalogue, "weight"),
        )
        self.bias = PartEditor(
            scope,
            "initializer",
            "init.bias",
            self._read_bias,
            parts=initializers_for(catalogue, "bias"),
            with_formula=False,
        )
        self.facts = StartFacts()
        self.facts.layer_chosen.connect(self._show_facts)
        for widget in (self.weight, rule(), self.facts, rule(), self.bias):
            self.column.addWidget(widget)
        self.column.addStretch(1)
        self.retranslate()

    def title(self) -> str:
        return self.tr("Start")

    def summary(self) -> str:
        return choice_text("initializer", self.scope.recipe.init.weight, self.session.catalogue)

    def refresh(self) -> None:
        self.weight.refresh()
        self.bias.refresh()
        self._show_facts()

    def retranslate(self) -> None:
        self.weight.retranslate(self.tr("Weights"))
        self.bias.retranslate(self.tr("Biases"))

    def set_run(self, info: RunInfo | None) -> None:
        self._info = info
        if self.isVisible():
            self._show_facts()

    @Slot()
    def _show_facts(self) -> None:
        focus, experiment = self.scope.focus_lane, self.session.experiment
        lane = experiment.lanes[focus]
        starts = layer_starts(lane, experiment.data, self.session.catalogue, self.session.limits)
        info = self._info.lanes if self._info is not None else ()
        same = len(info) == len(experiment.lanes)
        self.facts.retranslate(lane.name, self.scope.color(focus))
        self.facts.show_starts(starts, info[focus] if same else None)

    def _read_weight(self, recipe: Recipe) -> Choice:
        return recipe.init.weight

    def _read_bias(self, recipe: Recipe) -> Choice:
        return recipe.init.bias
