"""How weights and biases start."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from initviz.experiment.values import Choice, Recipe
from initviz.telemetry.frame import RunInfo
from initviz.ui.fit_hint import FitHint
from initviz.ui.initializers import initializers_for
from initviz.ui.lane_text import choice_text, part_title
from initviz.ui.overrides import choose_part, has_own
from initviz.ui.panel import Panel
from initviz.ui.part_editor import PartEditor
from initviz.ui.scope import Scope
from initviz.ui.start_facts import StartFacts, layer_starts
from initviz.ui.start_fit import StartFit, start_fit
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
        self.hint = FitHint(catalogue)
        self.hint.mend_requested.connect(self._mend)
        self.weight.insert_below(self.hint)
        self._judged: tuple[object, StartFit] | None = None
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
        self.hint.retranslate()

    def set_run(self, info: RunInfo | None) -> None:
        self._info = info
        if self.isVisible():
            self._show_facts()

    @Slot()
    def _show_facts(self) -> None:
        focus, experiment = self.scope.focus_lane, self.session.experiment
        lane = experiment.written_lanes[focus]
        starts = layer_starts(lane, experiment.data, self.session.catalogue, self.session.limits)
        firsts = self._info.firsts if self._info is not None else ()
        same = len(firsts) == len(experiment.written_lanes)
        self.facts.retranslate(lane.name, self.scope.color(focus))
        self.facts.show_starts(starts, firsts[focus] if same else None)
        self._show_hint()

    # How the start suits the network

    @property
    def _has_own(self) -> bool:
        """True where the lane in focus starts in a way of its own."""
        return has_own(self.scope.written, self.scope.focus_lane, "init.weight")

    def _show_hint(self) -> None:
        if self._info is None:  # the forecast needs torch, and the window does not wait for that
            self.hint.show_fit(None)
            return
        experiment, lane = self.session.experiment, self.scope.focused
        key = (lane.recipe, experiment.data)
        if self._judged is None or self._judged[0] != key:
            fit = start_fit(lane.recipe, experiment.data, self.session.catalogue, self.session.limits)
            self._judged = (key, fit)
        named = not self.scope.is_single and self._has_own
        color = self.scope.color(self.scope.focus_lane)
        self.hint.show_fit(self._judged[1], lane.name if named else "", color)

    @Slot(str)
    def _mend(self, key: str) -> None:
        part = self.scope.part("initializer", key)
        own = self.scope.is_single or self._has_own
        lane = self.scope.focus_lane if own else None
        document = choose_part(self.scope.document, lane, "init.weight", part)
        label = self.tr("Start with {part}").format(part=part_title(part))
        if own:
            label = self.tr("{edit} ({lane})").format(edit=label, lane=self.scope.focused.name)
        self.scope.apply(document, label)

    def _read_weight(self, recipe: Recipe) -> Choice:
        return recipe.init.weight

    def _read_bias(self, recipe: Recipe) -> Choice:
        return recipe.init.bias
