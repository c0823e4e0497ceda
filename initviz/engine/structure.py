"""What a network's measured layers are: the weights that have a histogram, norms and a signal of their own."""

from __future__ import annotations

from dataclasses import dataclass

from initviz.catalog.parts import InitContext, TorchLayerPart
from initviz.engine.layout import Layout, Slot
from initviz.experiment.blueprint import Blueprint, Stage
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.parameters import PartParameter
from initviz.experiment.parts import TensorSpec

IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class MeasuredLayer:
    """One weight of a network and what surrounds it.

    Attributes:
        name: As in ``Blueprint.measured_layers``.
        slot: Its place in a lane's row.
        stage: Index of its layer.
        activation: Key of the function applied to its output; ``identity`` where there is none.
        activation_stage: Index of the layer that applies it, or None where there is none or the layer does so itself.
        is_inner: True where further weights of the same layer follow, so that the layer itself tells its output.
        context: What its initializer is told.
    """

    name: str
    slot: Slot
    stage: int
    activation: str
    activation_stage: int | None
    is_inner: bool
    context: InitContext


def layer_part(stage: Stage, catalogue: Catalogue) -> TorchLayerPart:
    """Return the catalogue's entry for a layer."""
    part = catalogue.get("layer", stage.layer.name)
    if not isinstance(part, TorchLayerPart):
        raise TypeError(f"{part.key} is not a layer that runs")
    return part


def measured_layers(blueprint: Blueprint, layout: Layout, catalogue: Catalogue) -> tuple[MeasuredLayer, ...]:
    """Return every measured layer of a network, from input to output."""
    parts = [layer_part(stage, catalogue) for stage in blueprint.stages]
    num_branches = sum(any(spec.branch != "none" for spec in stage.tensors) for stage in blueprint.stages)
    found: list[MeasuredLayer] = []
    for slot, name in zip(layout.measured, blueprint.measured_layers, strict=True):
        stage = blueprint.stages[slot.stage]
        weights = [spec for spec in stage.tensors if spec.role == "weight"]
        is_inner = slot.spec is not weights[-1]
        if is_inner or slot.spec.activated:
            activation, activation_stage = _own_activation(stage, parts[slot.stage]), None
        else:
            activation, activation_stage = _next_activation(blueprint, parts, slot.stage)
        context = InitContext(
            shape=slot.spec.block_shape,
            fan_in=slot.spec.fan_in,
            fan_out=slot.spec.fan_out,
            activation=activation,
            layer_index=len(found),
            num_layers=len(layout.measured),
            is_output=slot.stage == len(blueprint.stages) - 1,
            branch=slot.spec.branch,
            branch_depth=sum(spec.branch != "none" for spec in weights),
            num_branches=num_branches,
        )
        found.append(MeasuredLayer(name, slot, slot.stage, activation, activation_stage, is_inner, context))
    return tuple(found)


def _activation_key(part: TorchLayerPart) -> str | None:
    for parameter in part.parameters:
        if isinstance(parameter, PartParameter) and parameter.part_kind == "activation":
            return parameter.key
    return None


def _own_activation(stage: Stage, part: TorchLayerPart) -> str:
    key = _activation_key(part)
    return part.acts_as if key is None else stage.layer.string(key)


def _next_activation(blueprint: Blueprint, parts: list[TorchLayerPart], index: int) -> tuple[str, int | None]:
    """Find the function that the output of a layer passes through before the next trained tensor."""
    for stage in blueprint.stages[index + 1 :]:
        if parts[stage.index].is_activation:
            return _own_activation(stage, parts[stage.index]), stage.index
        if any(spec.role == "weight" for spec in stage.tensors):
            break
    return IDENTITY, None


def bias_context(spec: TensorSpec, weight: MeasuredLayer) -> InitContext:
    """Return what the initializer of a bias is told: all that its weight's is told, but the shape."""
    about = weight.context
    return InitContext(
        shape=spec.shape,
        fan_in=spec.fan_in,
        fan_out=spec.fan_out,
        activation=about.activation,
        layer_index=about.layer_index,
        num_layers=about.num_layers,
        is_output=about.is_output,
        branch=spec.branch,
        branch_depth=about.branch_depth,
        num_branches=about.num_branches,
    )
