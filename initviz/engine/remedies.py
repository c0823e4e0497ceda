"""The remedies of a group of lanes at work."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from initviz.catalog.remedy_part import (
    GroupPlan,
    HeldBack,
    LossTerms,
    RemedyPart,
    Rule,
    StoppingRule,
    TensorPlace,
)
from initviz.engine.data import Batches
from initviz.engine.layout import Layout
from initviz.experiment.blueprint import Blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.values import Choice, Recipe

Chosen = tuple[RemedyPart, Choice]


class Rules:
    """The rules of a group, those first that come first.

    Args:
        rules: In any order.
        lanes: K.
    """

    def __init__(self, rules: Sequence[Rule], lanes: int) -> None:
        ordered = sorted(rules, key=lambda rule: rule.order)
        self._rate = [rule for rule in ordered if type(rule).rate is not Rule.rate]
        self._gradient = [rule for rule in ordered if type(rule).gradient is not Rule.gradient]
        self._updated = [rule for rule in ordered if type(rule).updated is not Rule.updated]
        self._averaged = [rule for rule in ordered if type(rule).averaged is not Rule.averaged]
        self._all = ordered
        self._noted: dict[str, Tensor] = {}
        self._lanes = lanes

    def rate(self, step: int, factor: float) -> float:
        """Return the multiplier of the learning rate at a step."""
        for rule in self._rate:
            factor = rule.rate(step, factor)
        return factor

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Change the gradients in place."""
        for rule in self._gradient:
            rule.gradient(step, flat, grad)

    def updated(self, step: int, flat: Tensor) -> None:
        """Let rules look at the weights after an update, or change them."""
        for rule in self._updated:
            rule.updated(step, flat)

    def averaged(self) -> Tensor | None:
        """Return averaged weights ``(K, P)``, those of the first rule that has some, or None."""
        for rule in self._averaged:
            found = rule.averaged()
            if found is not None:
                return found
        return None

    def snapshots(self) -> list[Tensor]:
        """Return weights ``(K, P)`` whose probabilities are averaged, those of the first rule that has some."""
        return next((found for rule in self._all if (found := rule.snapshots())), [])

    def note(self, key: str, values: Tensor) -> None:
        """Keep what the engine itself measured for a gauge, ``(K,)``."""
        self._noted[key] = values

    def gauges(self) -> dict[str, Tensor]:
        """Return what is to be shown, ``(K,)`` each."""
        found = dict(self._noted)
        for rule in self._all:
            found.update(rule.gauges())
        return found


def chosen(recipe: Recipe, catalogue: Catalogue) -> list[Chosen]:
    """Return the remedies that are switched on."""
    found: list[Chosen] = []
    for choice in recipe.remedies:
        part = catalogue.get("remedy", choice.name)
        if not isinstance(part, RemedyPart):
            raise TypeError(f"{part.key} is not a remedy")
        found.append((part, choice))
    return found


def rules_of(remedies: Sequence[Chosen], plan: GroupPlan) -> list[Rule]:
    """Return the rules of some remedies, made for a group."""
    return [part.rule(choice, plan) for part, choice in remedies if part.rule is not None]


def held_by(remedies: Sequence[Chosen], plan: GroupPlan) -> HeldBack | None:
    """Return what is not to move as freely as the rest, or None."""
    return next((part.hold(choice, plan) for part, choice in remedies if part.hold is not None), None)


def stopping_of(remedies: Sequence[Chosen]) -> StoppingRule | None:
    """Return when lanes are done, or None where nothing says so."""
    return next((part.stopping(choice) for part, choice in remedies if part.stopping is not None), None)


def terms_of(remedies: Sequence[Chosen], data: Batches) -> LossTerms:
    """Return what changes the loss, all remedies together."""
    smoothing, weights = 0.0, None
    targets = data.targets.cpu().numpy()
    if data.info.task == "binary":
        targets = targets.astype("int64")
    classes = {"regression": 0, "binary": 2}.get(data.info.task, data.info.num_outputs)
    for part, choice in remedies:
        if part.loss is not None:
            terms = part.loss(choice, targets, classes)
            smoothing = max(smoothing, terms.smoothing)
            weights = weights if terms.class_weights is None else terms.class_weights
    return LossTerms(smoothing, weights)


def group_plan(
    blueprint: Blueprint, layout: Layout, lanes: int, total_steps: int, steps_per_epoch: int, lr: float
) -> GroupPlan:
    """Return what rules are told about a group of lanes."""
    last = len(blueprint.stages) - 1
    return GroupPlan(
        num_lanes=lanes,
        size=layout.size,
        tensors=tuple(
            TensorPlace(
                name=f"{blueprint.stages[slot.stage].name}.{slot.spec.name}",
                offset=slot.offset,
                shape=slot.spec.shape,
                role=slot.spec.role,
                is_output=slot.stage == last,
                is_shared=slot.spec.tied_to is not None,
                is_table=slot.spec.is_table,
            )
            for slot in layout.slots
        ),
        total_steps=total_steps,
        steps_per_epoch=steps_per_epoch,
        lr=lr,
    )
