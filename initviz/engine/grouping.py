"""Which lanes train together, and with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from initviz.catalog.parts import OptimizerPart, SchedulePart
from initviz.engine.data import Batches, serves
from initviz.engine.group import Group, Training
from initviz.engine.network import Network
from initviz.engine.precision import check_precision
from initviz.engine.remedies import Chosen, chosen, group_plan, held_by, rules_of, stopping_of, terms_of
from initviz.engine.teaching import Lessons, Teachers, TrainedStage
from initviz.engine.updates import updates
from initviz.experiment.blueprint import Blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.values import Experiment, Recipe


def make_groups(
    experiment: Experiment,
    blueprints: Sequence[Blueprint],
    rows: Sequence[Tensor],
    data: Batches,
    catalogue: Catalogue,
    device: torch.device,
    check_every: int,
    stages: Mapping[str, TrainedStage] | None = None,
) -> tuple[Group, ...]:
    """Return the lanes in groups that run in the same tensor operations.

    Args:
        experiment: What is trained.
        blueprints: Each lane's network.
        rows: Each lane's start, ``(P,)``.
        data: The examples.
        catalogue: Where the parts are declared.
        device: Where the groups train.
        check_every: Steps between two looks for divergence.
        stages: What was trained before the lanes, by name.
    Raises:
        ExperimentError: The device lacks what a remedy needs, or a remedy cannot do its work on these examples.
    """
    members: dict[object, list[int]] = {}
    for index, (plan, lane) in enumerate(zip(blueprints, experiment.lanes, strict=True)):
        recipe = lane.recipe
        alone = index if _trains_alone(recipe, catalogue) else -1
        key = (plan.structure, recipe.optimizer, recipe.schedule, recipe.remedies, alone)
        members.setdefault(key, []).append(index)
    served: dict[object, Batches] = {}
    teachers = Teachers(stages or {}, data, catalogue)
    groups = []
    for lanes in members.values():
        recipe = experiment.lanes[lanes[0]].recipe
        remedies = chosen(recipe, catalogue)
        changes = tuple(choice for part, choice in remedies if serves(part))
        if changes not in served:  # lanes that see the same changed examples hold one copy of them
            served[changes] = data.remedied(remedies, experiment.steps, teachers.losses)
        mine = served[changes]
        start = torch.stack([rows[lane] for lane in lanes]).to(device)
        precision = _precision(remedies, device, start.dtype)
        network = Network(blueprints[lanes[0]], catalogue, len(lanes), precision)
        groups.append(
            Group(
                lanes,
                network,
                start,
                [experiment.lanes[lane].recipe.seed for lane in lanes],
                mine,
                _training(
                    experiment, recipe, network, remedies, mine, catalogue, check_every, precision, teachers
                ),
            )
        )
    return tuple(groups)


def _trains_alone(recipe: Recipe, catalogue: Catalogue) -> bool:
    """Say whether something about a lane's training follows how it fares, so that it can share no operation."""
    schedule = catalogue.get("schedule", recipe.schedule.name)
    reacts = isinstance(schedule, SchedulePart) and schedule.reaction is not None
    return reacts or any(
        part.precision is not None and part.precision(choice) == "float16"
        for part, choice in chosen(recipe, catalogue)
    )


def _precision(remedies: Sequence[Chosen], device: torch.device, dtype: torch.dtype) -> torch.dtype | None:
    for part, choice in remedies:
        if part.precision is not None:
            return check_precision(part.precision(choice), device, dtype, f"remedies.{part.key}")
    return None


def _training(
    experiment: Experiment,
    recipe: Recipe,
    network: Network,
    remedies: Sequence[Chosen],
    data: Batches,
    catalogue: Catalogue,
    check_every: int,
    precision: torch.dtype | None,
    teachers: Teachers,
) -> Training:
    optimizer = catalogue.get("optimizer", recipe.optimizer.name)
    schedule = catalogue.get("schedule", recipe.schedule.name)
    if not isinstance(optimizer, OptimizerPart) or not isinstance(schedule, SchedulePart):
        raise TypeError(f"{optimizer.key} and {schedule.key} are not an optimizer and a schedule")
    plan = group_plan(
        network.blueprint,
        network.layout,
        network.lanes,
        experiment.steps,
        data.steps_per_epoch,
        recipe.optimizer.number("lr"),
    )
    plan = replace(plan, held=held_by(remedies, plan))
    return Training(
        updates=lambda flat, layout: updates(optimizer, recipe.optimizer, flat, layout, plan),
        factor=schedule.factor(recipe.schedule, experiment.steps),
        reaction=None if schedule.reaction is None else schedule.reaction(recipe.schedule),
        rules=rules_of(remedies, plan),
        terms=terms_of(remedies, data),
        lessons=_lessons(remedies, teachers, data),
        stopping=stopping_of(remedies),
        scales_loss=precision is torch.float16,
        check_every=check_every,
        reference=None if precision is None else Network(network.blueprint, catalogue, network.lanes),
    )


def _lessons(remedies: Sequence[Chosen], teachers: Teachers, data: Batches) -> Lessons | None:
    for part, choice in remedies:
        if part.distillation is not None:
            terms = part.distillation(choice)
            return Lessons(teachers.named(terms.teacher), terms, data.info.task)
    return None
