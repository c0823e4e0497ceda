"""How a lane's tensors start: drawn from its own seed alone, whatever its place or its neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from initviz.catalog.parts import InitializerPart
from initviz.engine.lsuv import scale_to_unit_variance_
from initviz.engine.matching import MatchReport, SourceWeights, load_into
from initviz.engine.network import Network
from initviz.engine.seeding import generator
from initviz.engine.structure import MeasuredLayer, bias_context, layer_part
from initviz.engine.weights import Weights
from initviz.experiment.blueprint import Blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.values import Choice


@dataclass(frozen=True, slots=True)
class Start:
    """A lane's start.

    Attributes:
        row: ``(P,)`` every tensor in its place.
        target_stds: Standard deviation each measured layer's initializer aims at; NaN where it has none.
        drawn_stds: Standard deviation of the numbers drawn, or loaded.
        buffers: ``(Q,)`` what layers keep beside their tensors.
        report: What was loaded from elsewhere, or None where nothing was to be.
    """

    row: Tensor
    target_stds: tuple[float, ...]
    drawn_stds: tuple[float, ...]
    buffers: Tensor
    report: MatchReport | None = None


def _no_source(source: str) -> Weights:
    raise KeyError(source)


def draw_start(
    blueprint: Blueprint,
    catalogue: Catalogue,
    seed: int,
    inputs: Tensor,
    dtype: torch.dtype,
    weights_from: SourceWeights = _no_source,
) -> Start:
    """Draw all tensors of one lane, in double precision, so that every device and precision starts alike.

    Each tensor has a generator of its own, so another initializer in one layer leaves the others' numbers alone.

    Args:
        blueprint: The lane's network.
        catalogue: Where the initializers are declared.
        seed: The lane's.
        inputs: ``(B, *shape)`` training inputs for starts that look at data.
        dtype: Of the row that is returned.
        weights_from: Asked where an initializer takes its numbers from elsewhere.
    """
    network = Network(blueprint, catalogue, 1)
    row = torch.zeros(network.layout.size, dtype=torch.float64)
    views = network.layout.views(row)
    measured = {id(layer.slot): layer for layer in network.measured}
    for index, (slot, view) in enumerate(zip(network.layout.slots, views, strict=True)):
        stage = blueprint.stages[slot.stage]
        if slot.spec.tied_to is not None:
            continue
        random = generator(seed, "weights", slot.stage, slot.spec.name)
        match slot.spec.role:
            case "weight":
                choice = slot.spec.start or stage.weight
                draw = initializer(choice, catalogue).draw
                for block in view.chunk(slot.spec.blocks):
                    draw(block, choice, measured[id(slot)].context, random)
                if slot.spec.start_factor != 1.0:
                    view.mul_(slot.spec.start_factor)
            case "bias":
                choice = slot.spec.start or stage.bias
                weight = _weight_before(network, index)
                initializer(choice, catalogue).draw(view, choice, bias_context(slot.spec, weight), random)
                if slot.spec.raised is not None:
                    place, amount = slot.spec.raised
                    view.chunk(slot.spec.blocks)[place].add_(amount)
            case "branch_scale":
                view.fill_(initializer(stage.weight, catalogue).branch_scale)
            case "fixed":
                view.fill_(slot.spec.value)
    network.repeat_shared(row)
    buffers = network.fresh_buffers(row)[0]
    report = load_into(network, row, buffers, catalogue, weights_from)
    driven = {
        stage.index: stage.weight
        for stage in blueprint.stages
        if initializer(stage.weight, catalogue).data_driven
        and not any(spec.tied_to is not None for spec in stage.tensors)
        # A state that is fed back has no variance that one weight could be held to account for.
        and not layer_part(stage, catalogue).is_recurrent
    }
    if driven:
        scale_to_unit_variance_(network, row, inputs.to(device="cpu", dtype=torch.float64), driven)
    aims = tuple(_target_std(layer, blueprint, catalogue) for layer in network.measured)
    drawn = tuple(
        float(row[layer.slot.offset : layer.slot.stop].std(correction=0)) for layer in network.measured
    )
    return Start(row.to(dtype), aims, drawn, buffers.to(dtype), report)


def initializer(choice: Choice, catalogue: Catalogue) -> InitializerPart:
    """Return the catalogue's entry for a chosen initializer."""
    part = catalogue.get("initializer", choice.name)
    if not isinstance(part, InitializerPart):
        raise TypeError(f"{part.key} is not an initializer")
    return part


def _weight_before(network: Network, index: int) -> MeasuredLayer:
    """Return the weight that a bias belongs to: the last one of its layer that precedes it."""
    slots = network.layout.slots
    own = [slot for slot in slots[:index] if slot.stage == slots[index].stage and slot.spec.role == "weight"]
    return next(layer for layer in network.measured if layer.slot is own[-1])


def _target_std(layer: MeasuredLayer, blueprint: Blueprint, catalogue: Catalogue) -> float:
    spec = layer.slot.spec
    choice = spec.start or blueprint.stages[layer.stage].weight
    aim = initializer(choice, catalogue).target_std(choice, layer.context)
    return math.nan if aim is None else aim * spec.start_factor
