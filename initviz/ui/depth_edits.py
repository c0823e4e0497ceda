"""From one lane to many that differ in depth alone, and what they cost."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from initviz.experiment.blueprint import blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.document import read_document
from initviz.experiment.edit import Table, get_value, set_value
from initviz.experiment.lanes import NUM_COLORS
from initviz.experiment.limits import Limits
from initviz.experiment.parameters import IntParameter
from initviz.experiment.parts import FamilyPart
from initviz.experiment.values import Experiment, Lane, Recipe

DEPTHS = (2, 4, 8, 16, 32, 64)
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """What a study takes.

    Attributes:
        lanes: Networks side by side.
        num_parameters: Trainable numbers of all of them.
        memory_bytes: While training.
        times: How many times as much a step computes as before, about.
    """

    lanes: int
    num_parameters: int
    memory_bytes: int
    times: float


def depth_parameter(recipe: Recipe, catalogue: Catalogue) -> IntParameter | None:
    """Return the parameter that says how deep a lane's network is; None where no single number does."""
    family = recipe.model.family
    if family is None:
        return None
    part = catalogue.get("family", family.name)
    if not isinstance(part, FamilyPart) or not part.depth_key:
        return None
    parameter = part.parameter(part.depth_key)
    return parameter if isinstance(parameter, IntParameter) else None


def read_depths(text: str) -> tuple[int, ...] | None:
    """Return the whole numbers in a text, ascending and each once; None where anything else stands there.

    >>> read_depths("8, 2; 4")
    (2, 4, 8)
    """
    pieces = [piece for piece in re.split(r"[\s,;，；、]+", text.strip()) if piece]
    if not pieces or not all(piece.isdecimal() and len(piece) < 7 for piece in pieces):
        return None
    return tuple(sorted({int(piece) for piece in pieces}))


def study_document(
    document: Mapping[str, object],
    lanes: Sequence[Table],
    lane: int,
    key: str,
    depths: Sequence[int],
    name: str,
    keep: bool,
) -> Table:
    """Return the document in which a lane is there at many depths.

    Args:
        document: What is edited.
        lanes: Its lanes, written out.
        lane: The one that is studied.
        key: The parameter of its quick form that says how deep it is.
        depths: Of the lanes.
        name: What each is called, with fields ``name`` and ``depth``.
        keep: Whether the other lanes stay.
    """
    rest = [copy.deepcopy(table) for place, table in enumerate(lanes) if place != lane] if keep else []
    taken = {table["color"] for table in rest}
    free = [color for color in range(NUM_COLORS) if color not in taken] or list(range(NUM_COLORS))
    made: list[Table] = []
    for place, depth in enumerate(depths):
        table = copy.deepcopy(dict(lanes[lane]))
        table["name"] = name.format(name=lanes[lane]["name"], depth=depth)
        table["color"] = free[place % len(free)]
        own = get_value(table, "model", {})
        table = set_value(table, "model", {**(own if isinstance(own, dict) else {}), key: depth})
        made.append(table)
    result = copy.deepcopy(dict(document))
    result["lanes"] = [*made, *rest]
    return result


def study_cost(
    document: Mapping[str, object],
    before: Experiment,
    catalogue: Catalogue,
    limits: Limits,
    folder: Path | None = None,
) -> Cost:
    """Return what the lanes of a document take.

    Args:
        document: Of the study.
        before: The experiment as it is.
        catalogue: What it names.
        limits: Bounds on sizes.
        folder: What names of files are relative to.
    Raises:
        ExperimentError: It cannot be trained.
    """
    study = read_document(document, catalogue, limits, folder)
    item = 8 if study.dtype == "float64" else 4
    plans = _plans(study, study.lanes, catalogue, limits)
    count = sum(plan[0] for plan in plans)
    was = sum(plan[0] for plan in _plans(before, before.lanes, catalogue, limits))
    memory = sum(parameters * 5 * item + rest for parameters, rest in plans)
    return Cost(len(plans), count, memory, count / max(1, was))


def _plans(
    experiment: Experiment, lanes: Sequence[Lane], catalogue: Catalogue, limits: Limits
) -> list[tuple[int, int]]:
    """Return, of every lane, its trainable numbers and the bytes that training takes beside them."""
    item = 8 if experiment.dtype == "float64" else 4
    known: dict[Recipe, tuple[int, int]] = {}
    found = []
    for lane in lanes:
        if lane.recipe not in known:
            plan = blueprint(lane.recipe, experiment.data, catalogue, limits)
            whole = plan.memory_bytes(experiment.data.batch_size, item)
            known[lane.recipe] = (plan.num_parameters, whole - 5 * item * plan.num_parameters)
        found.append(known[lane.recipe])
    return found
