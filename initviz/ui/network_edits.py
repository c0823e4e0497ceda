"""Edits of a list of layers. Each gives a new list; the panel decides what becomes of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from initviz.experiment.blueprint import data_info, layer_list
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.document import read_choice
from initviz.experiment.edit import Table, get_value, set_value
from initviz.experiment.parameters import Value
from initviz.experiment.values import Experiment, LayerSpec, Recipe
from initviz.ui.overrides import differing_lanes, full_table, layer_table, model_table, place

Tables = list[Table]


def written_layers(
    document: Mapping[str, object], lane: int | None, recipe: Recipe, catalogue: Catalogue
) -> Tables:
    """Return the layers of a model that is a list: as they are written, or as the lane takes them from all."""
    for owner in (lane, None):
        layers = get_value(model_table(document, owner), "layers")
        if isinstance(layers, list):
            return layers
    return spelled_out(recipe.model.layers, catalogue)


def spelled_out(layers: Sequence[LayerSpec], catalogue: Catalogue) -> Tables:
    """Write layers as tables."""
    starts = {part.key: part for part in catalogue.parts("initializer")}
    return [layer_table(spec, catalogue.get("layer", spec.layer.name), starts) for spec in layers]


def read_layers(tables: Sequence[Table], catalogue: Catalogue) -> tuple[LayerSpec, ...]:
    """Read tables as layers, each for itself: whether they fit together is not asked.

    Raises:
        ExperimentError: A value that its layer cannot have.
    """
    specs = []
    for index, table in enumerate(tables):
        path = f"model.layers[{index}]"
        start = table.get("init", {})
        start = start if isinstance(start, dict) else {}
        starts = {
            target: read_choice(start[target], "initializer", catalogue, f"{path}.init.{target}")
            for target in ("weight", "bias")
            if target in start
        }
        rest = {key: value for key, value in table.items() if key != "init"}
        specs.append(
            LayerSpec(
                read_choice(rest, "layer", catalogue, path, name_key="kind"),
                starts.get("weight"),
                starts.get("bias"),
            )
        )
    return tuple(specs)


def as_list(
    document: Mapping[str, object],
    lane: int | None,
    experiment: Experiment,
    recipe: Recipe,
    catalogue: Catalogue,
) -> Table:
    """Return the document in which a family's quick form is spelled out as a list of layers.

    A lane that had changed only some numbers of the quick form keeps its network: its form is written out whole,
    since there is none to lean on any more.
    """
    info = data_info(experiment.data, catalogue)
    layers = spelled_out(layer_list(recipe.model, info, catalogue), catalogue)
    result = copy.deepcopy(dict(document))
    if lane is None:
        for other in differing_lanes(document, "model"):
            family = experiment.lanes[other].recipe.model.family
            if family is not None:
                result = set_value(result, place(other, "model"), full_table(family, "family"))
    return set_value(result, place(lane, "model"), {"layers": layers})


def with_value(tables: Sequence[Table], index: int, key: str, value: Value) -> Tables:
    """Return layers in which one parameter has another value; None takes it out."""
    result = copy.deepcopy(list(tables))
    if value is None:
        result[index].pop(key, None)
    else:
        result[index][key] = list(value) if isinstance(value, tuple) else value
    return result


def with_start(tables: Sequence[Table], index: int, target: str, name: str) -> Tables:
    """Return layers in which one starts its weights or biases in a way of its own; an empty name ends that."""
    result = copy.deepcopy(list(tables))
    start = result[index].get("init")
    starts: Table = dict(start) if isinstance(start, dict) else {}
    if name:
        starts[target] = {"name": name}
    else:
        starts.pop(target, None)
    if starts:
        result[index]["init"] = starts
    else:
        result[index].pop("init", None)
    return result


def with_start_value(tables: Sequence[Table], index: int, target: str, key: str, value: Value) -> Tables:
    """Return layers in which one parameter of a layer's own start has another value; None takes it out."""
    result = copy.deepcopy(list(tables))
    start = result[index].get("init")
    own = start.get(target) if isinstance(start, dict) else None
    if isinstance(own, dict):
        if value is None:
            own.pop(key, None)
        else:
            own[key] = list(value) if isinstance(value, tuple) else value
    return result


def inserted(tables: Sequence[Table], index: int, table: Table) -> Tables:
    """Return layers with another one at a position."""
    result = copy.deepcopy(list(tables))
    result.insert(index, copy.deepcopy(table))
    return result


def without(tables: Sequence[Table], index: int) -> Tables:
    """Return layers without one."""
    result = copy.deepcopy(list(tables))
    del result[index]
    return result


def reordered(tables: Sequence[Table], source: int, target: int) -> Tables:
    """Return layers with one in another place."""
    result = copy.deepcopy(list(tables))
    result.insert(target, result.pop(source))
    return result
