"""Remedies switched on and off, and their parameters, as changes to a document.

A remedy stands in the table ``remedies`` under its key: a table or ``true`` switches it on, ``false`` in a lane
switches off what the experiment has on.
"""

from __future__ import annotations

from collections.abc import Mapping

from initviz.experiment.catalogue import Catalogue, Part
from initviz.experiment.edit import Table, get_value, remove_value, set_value
from initviz.experiment.parameters import Value
from initviz.experiment.values import Choice, Experiment
from initviz.ui.overrides import has_own, inherit, place

SECTION = "remedies"
KIND = "remedy"


def path_of(document: Mapping[str, object], lane: int | None, part: Part) -> str:
    """Return where a remedy stands, or would stand: under the name that is written, which may be an alias."""
    for owner in (lane, None):
        table = get_value(document, place(owner, SECTION), {})
        for name in (part.key, *part.aliases):
            if isinstance(table, dict) and name in table:
                return f"{SECTION}.{name}"
    return f"{SECTION}.{part.key}"


def differing(experiment: Experiment, part: Part) -> tuple[int, ...]:
    """Return the lanes that have a remedy on where the experiment has it off, or the other way round."""
    base = experiment.base.remedy(part.key) is not None
    return tuple(
        index
        for index, lane in enumerate(experiment.written_lanes)
        if (lane.recipe.remedy(part.key) is not None) != base
    )


def switched(
    document: Mapping[str, object], lane: int | None, experiment: Experiment, part: Part, on: bool
) -> Table:
    """Return the document in which a remedy is on or off.

    Where it is switched off for all, a lane that has it in a way of its own keeps it just as it was.

    Args:
        document: What is edited.
        lane: Whose remedy it is; None for all lanes.
        experiment: What the document describes.
        part: The remedy.
        on: Whether it is to be on.
    """
    path = path_of(document, lane, part)
    if lane is not None:
        if on == (experiment.base.remedy(part.key) is not None):
            return inherit(document, lane, path)
        return set_value(document, place(lane, path), {} if on else False)
    if on:
        return set_value(document, path, {})
    result = remove_value(document, path)
    if get_value(result, SECTION) == {}:
        result = remove_value(result, SECTION)
    for index, other in enumerate(experiment.written_lanes):
        own = path_of(document, index, part)
        if not has_own(document, index, own):
            continue
        choice = other.recipe.remedy(part.key)
        if choice is None:
            result = inherit(result, index, own)
        else:
            result = set_value(result, place(index, own), _full(choice))
    return result


def with_parameter(
    document: Mapping[str, object],
    lane: int | None,
    experiment: Experiment,
    part: Part,
    key: str,
    value: Value,
) -> Table:
    """Return the document in which one parameter of a remedy that is on has another value; None takes it out."""
    path = path_of(document, lane, part)
    where = place(lane, path)
    written = get_value(document, where)
    own: Table = written if isinstance(written, dict) else {}
    if lane is not None and written is True:
        own = _full(part.choose())  # "true" means the defaults, whatever the experiment says
    if value is None:
        own.pop(key, None)
    else:
        own[key] = list(value) if isinstance(value, tuple) else value
    if lane is not None and not own and experiment.base.remedy(part.key) is not None:
        return inherit(document, lane, path)
    return set_value(document, where, own)


def _full(choice: Choice) -> Table:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in choice.values
        if value is not None
    }


def concerned(path: str, catalogue: Catalogue) -> tuple[str, str]:
    """Return which remedy, and which parameter of it, a place in the document is about; empty for neither.

    Args:
        path: Such as ``remedies.l2.strength`` or ``lanes[1].remedies.l2``.
        catalogue: Where remedies are declared.
    """
    steps = path.split(".")
    if steps[0].startswith("lanes["):
        steps = steps[1:]
    if len(steps) < 2 or steps[0] != SECTION:
        return "", ""
    return catalogue.key_of(KIND, steps[1]), steps[2] if len(steps) > 2 else ""
