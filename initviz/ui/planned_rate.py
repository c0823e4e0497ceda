"""The learning rate that is planned for a run: the schedule's, as far as remedies do not change it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from initviz.catalog.parts import SchedulePart
from initviz.catalog.remedy_part import GroupPlan, RemedyPart, Rule
from initviz.experiment.blueprint import data_info
from initviz.experiment.catalogue import Catalogue, Part
from initviz.experiment.values import Experiment, Recipe
from initviz.telemetry.range_test import rises_throughout

TYPICAL_STEPS = 1000


@dataclass(frozen=True, slots=True)
class PlannedRate:
    """What is known of a learning rate before the run.

    Attributes:
        at: From a step, 0 first, to the rate.
        follows: True where the run itself decides on it, so that only its beginning is known.
        rises: True where it rises all the time, so that the run is a test of rates.
    """

    at: Callable[[int], float]
    follows: bool
    rises: bool


def changes_rate(part: Part) -> bool:
    """Say whether a remedy changes the learning rate."""
    if not isinstance(part, RemedyPart) or not isinstance(part.rule, type):
        return False
    return issubclass(part.rule, Rule) and part.rule.rate is not Rule.rate


def planned_rate(recipe: Recipe, experiment: Experiment, catalogue: Catalogue) -> PlannedRate:
    """Return the learning rate that a lane is to have; nothing is trained.

    Args:
        recipe: What the lane trains with.
        experiment: The rest: steps and data.
        catalogue: Where the parts are declared.
    """
    part = catalogue.get("schedule", recipe.schedule.name)
    if not isinstance(part, SchedulePart):
        raise TypeError(f"{part.key} is not a schedule")
    steps, lr = experiment.steps, recipe.optimizer.number("lr")
    factor = part.factor(recipe.schedule, steps)
    samples = data_info(experiment.data, catalogue).num_samples * (1 - experiment.data.validation)
    epoch = max(1, math.ceil(samples / experiment.data.batch_size))
    plan = GroupPlan(num_lanes=1, size=0, tensors=(), total_steps=steps, steps_per_epoch=epoch, lr=lr)
    rules: list[Rule] = []
    for choice in recipe.remedies:
        remedy = catalogue.get("remedy", choice.name)
        if isinstance(remedy, RemedyPart) and remedy.rule is not None and changes_rate(remedy):
            rules.append(remedy.rule(choice, plan))
    rules.sort(key=lambda rule: rule.order)

    def at(step: int) -> float:
        value = factor(step)
        for rule in rules:
            value = rule.rate(step, value)
        return lr * value

    return PlannedRate(at, not part.previews, rises_throughout(factor, steps))


def range_test(catalogue: Catalogue) -> Part | None:
    """Return the schedule that, as it is by itself, tests learning rates: the one that rises all the time."""
    for part in catalogue.parts("schedule"):
        if isinstance(part, SchedulePart) and rises_throughout(
            part.factor(part.choose(), TYPICAL_STEPS), TYPICAL_STEPS
        ):
            return part
    return None
