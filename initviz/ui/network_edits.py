"""Edits of a list of layers. Each gives a new model; the panel decides what becomes of it.

A model is a table as in files: ``layers``, and ``output_tie`` where the output layer shares another one's weights.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from initviz.experiment.blueprint import data_info, layer_list, output_tie
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.edit import Table, set_value
from initviz.experiment.parameters import Value
from initviz.experiment.recipe import read_choice
from initviz.experiment.values import Experiment, LayerSpec, Recipe, Tie
from initviz.ui.overrides import differing_lanes, full_table, layer_table, model_table, place, tie_table

LAYERS, TIE, OUTPUT_TIE = "layers", "tie", "output_tie"


def layers_of(model: Mapping[str, object]) -> list[Table]:
    """Return a copy of a model's layers."""
    layers = model.get(LAYERS)
    return copy.deepcopy(layers) if isinstance(layers, list) else []


def written_model(
    document: Mapping[str, object], lane: int | None, recipe: Recipe, catalogue: Catalogue
) -> Table:
    """Return a model that is a list: as it is written, or as the lane takes it from all."""
    for owner in (lane, None):
        table = model_table(document, owner)
        if isinstance(table.get(LAYERS), list):
            return copy.deepcopy(table)
    return spelled_out(recipe.model.layers, recipe.model.output_tie, catalogue)


def spelled_out(layers: Sequence[LayerSpec], tie: Tie | None, catalogue: Catalogue) -> Table:
    """Write layers, and whose weights the output layer shares, as a model."""
    starts = {part.key: part for part in catalogue.parts("initializer")}
    tables = [layer_table(spec, catalogue.get("layer", spec.layer.name), starts) for spec in layers]
    return {LAYERS: tables} if tie is None else {LAYERS: tables, OUTPUT_TIE: tie_table(tie)}


def read_tie(table: object) -> Tie | None:
    """Return the tie that a table says, or None."""
    if not isinstance(table, Mapping) or not isinstance(table.get("layer"), str):
        return None
    return Tie(str(table["layer"]), table.get("transpose") is True)


def read_layers(model: Mapping[str, object], catalogue: Catalogue) -> tuple[LayerSpec, ...]:
    """Read a model's layers, each for itself: whether they fit together is not asked.

    Raises:
        ExperimentError: A value that its layer cannot have.
    """
    specs = []
    for index, table in enumerate(layers_of(model)):
        path = f"model.layers[{index}]"
        start = table.get("init", {})
        start = start if isinstance(start, dict) else {}
        starts = {
            target: read_choice(start[target], "initializer", catalogue, f"{path}.init.{target}")
            for target in ("weight", "bias")
            if target in start
        }
        rest = {key: value for key, value in table.items() if key not in ("init", TIE)}
        specs.append(
            LayerSpec(
                read_choice(rest, "layer", catalogue, path, name_key="kind"),
                starts.get("weight"),
                starts.get("bias"),
                read_tie(table.get(TIE)),
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
    layers = layer_list(recipe.model, info, catalogue)
    model = spelled_out(layers, output_tie(recipe.model, info, catalogue), catalogue)
    result = copy.deepcopy(dict(document))
    if lane is None:
        for other in differing_lanes(document, "model"):
            family = experiment.written_lanes[other].recipe.model.family
            if family is not None:
                result = set_value(result, place(other, "model"), full_table(family, "family"))
    return set_value(result, place(lane, "model"), model)


def with_value(model: Table, index: int, key: str, value: Value) -> Table:
    """Return a model in which one parameter of a layer has another value; None takes it out."""
    result = layers_of(model)
    if value is None:
        result[index].pop(key, None)
    else:
        result[index][key] = list(value) if isinstance(value, tuple) else value
    return {**model, LAYERS: result}


def with_start(model: Table, index: int, target: str, name: str) -> Table:
    """Return a model in which a layer starts its weights or biases in a way of its own; an empty name ends that."""
    result = layers_of(model)
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
    return {**model, LAYERS: result}


def with_start_value(model: Table, index: int, target: str, key: str, value: Value) -> Table:
    """Return a model in which one parameter of a layer's own start has another value; None takes it out."""
    result = layers_of(model)
    start = result[index].get("init")
    own = start.get(target) if isinstance(start, dict) else None
    if isinstance(own, dict):
        if value is None:
            own.pop(key, None)
        else:
            own[key] = list(value) if isinstance(value, tuple) else value
    return {**model, LAYERS: result}


def with_tie(model: Table, index: int, tie: Tie | None) -> Table:
    """Return a model in which a layer shares the weights of an earlier one, or has its own again.

    Args:
        model: What is edited.
        index: The layer; that of the output layer is the number of layers.
        tie: Whose weights it shares, or None.
    """
    layers = layers_of(model)
    is_output = index >= len(layers)
    result: Table = {**model, LAYERS: layers}
    owner, key = (result, OUTPUT_TIE) if is_output else (layers[index], TIE)
    owner.pop(key, None)
    if tie is not None:
        owner[key] = tie_table(tie)
    return result


def inserted(model: Table, index: int, table: Table, catalogue: Catalogue) -> Table:
    """Return a model with another layer at a position."""
    count = len(layers_of(model))
    after = [*range(index), None, *range(index, count)]
    return _rearranged(model, after, copy.deepcopy(table), catalogue)


def without(model: Table, index: int, catalogue: Catalogue) -> Table:
    """Return a model without a layer; those that shared its weights have their own again."""
    after = [place for place in range(len(layers_of(model))) if place != index]
    return _rearranged(model, after, {}, catalogue)


def reordered(model: Table, source: int, target: int, catalogue: Catalogue) -> Table:
    """Return a model with a layer in another place."""
    after: list[int | None] = list(range(len(layers_of(model))))
    after.insert(target, after.pop(source))
    return _rearranged(model, after, {}, catalogue)


def _names(layers: Sequence[Table], catalogue: Catalogue) -> list[str]:
    """Return what layers are called, as in ``Stage.name``."""
    counts: dict[str, int] = {}
    names = []
    for table in layers:
        key = catalogue.key_of("layer", str(table.get("kind")))
        counts[key] = counts.get(key, 0) + 1
        names.append(f"{key}_{counts[key]}")
    return names


def _rearranged(model: Table, after: Sequence[int | None], fresh: Table, catalogue: Catalogue) -> Table:
    """Put layers in another order; ties follow the layers that they mean, whose names may have changed.

    Args:
        model: What is edited.
        after: Where each layer was before; None for a new one.
        fresh: The new one.
        catalogue: What kinds of layers are called.
    """
    before = layers_of(model)
    layers = [fresh if place is None else before[place] for place in after]
    names = _names(layers, catalogue)
    known: dict[str, str | None] = dict.fromkeys(_names(before, catalogue))
    for name, new in zip(known, range(len(before)), strict=True):
        known[name] = names[list(after).index(new)] if new in after else None
    result: Table = {**model, LAYERS: layers}
    for owner, key in (*((table, TIE) for table in layers), (result, OUTPUT_TIE)):
        tie = read_tie(owner.get(key))
        if tie is None or tie.layer not in known:
            continue
        now = known[tie.layer]
        if now is None:
            del owner[key]
        else:
            owner[key] = tie_table(Tie(now, tie.transpose))
    return result
