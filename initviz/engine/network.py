"""The layers of a network bound to the tensors of one or more lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.func import functional_call

from initviz.catalog.parts import LaneForward, Observer, TorchLayerPart
from initviz.engine.layout import Layout
from initviz.engine.structure import layer_part, measured_layers
from initviz.experiment.blueprint import Blueprint, Stage
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.values import Shape

StageRun = Callable[[Tensor], tuple[Tensor, list[Tensor]]]


@dataclass(slots=True)
class Signals:
    """What flowed through the measured layers in one forward pass, in the lane layout of the forms.

    Attributes:
        preactivations: Output of every measured layer.
        activations: The same after its activation; the very same tensor where there is none.
    """

    preactivations: list[Tensor] = field(default_factory=list)
    activations: list[Tensor] = field(default_factory=list)


class Network:
    """A network of K lanes of one structure.

    Attributes:
        blueprint: Its layers.
        layout: Its tensors' places in a row.
        lanes: K.
        measured: Its measured layers (L).
    """

    def __init__(self, blueprint: Blueprint, catalogue: Catalogue, lanes: int) -> None:
        self.blueprint = blueprint
        self.layout = Layout(blueprint)
        self.lanes = lanes
        self.measured = measured_layers(blueprint, self.layout, catalogue)
        parts = [layer_part(stage, catalogue) for stage in blueprint.stages]
        self._forms = [_form(stage, part, lanes) for stage, part in zip(blueprint.stages, parts, strict=True)]
        self._num_weights = [
            sum(spec.role == "weight" for spec in stage.tensors) for stage in blueprint.stages
        ]
        self._shapes = [stage.output_shape for stage in blueprint.stages]

    def bind(self, views: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
        """Return the forward pass with these tensors: from ``(B, *shape)`` to ``(K, B, O)``, ``(B, O)`` for K = 1.

        Args:
            views: One tensor a slot of the layout, with a lane axis where K > 1.
        """
        steps = list(zip(self._forms, self._tensors(views), strict=True))

        def forward(x: Tensor) -> Tensor:
            for form, tensors in steps:
                x = form(x, tensors, None)
            return x

        return forward

    def bind_observed(self, views: Sequence[Tensor]) -> Callable[[Tensor], tuple[Tensor, Signals]]:
        """Return the same forward pass, which also keeps what flowed through the measured layers."""
        steps = list(zip(self._forms, self._tensors(views), self._num_weights, strict=True))

        def forward(x: Tensor) -> tuple[Tensor, Signals]:
            signals = Signals()
            outputs: list[Tensor] = []

            def observe(preactivation: Tensor, activation: Tensor) -> None:
                signals.preactivations.append(preactivation)
                signals.activations.append(activation)

            for form, tensors, num_weights in steps:
                x = form(x, tensors, observe if num_weights > 1 else None)
                outputs.append(x)
                if num_weights:
                    observe(x, x)
            for place, layer in enumerate(self.measured):
                if layer.activation_stage is not None:
                    signals.activations[place] = outputs[layer.activation_stage]
            return x, signals

        return forward

    def stage_runs(self, views: Sequence[Tensor]) -> list[StageRun]:
        """Return each layer by itself: from its input to its output and the output of each of its weights."""
        steps = zip(self._forms, self._tensors(views), self._num_weights, strict=True)

        def run(form: LaneForward, tensors: tuple[Tensor, ...], num_weights: int) -> StageRun:
            def forward(x: Tensor) -> tuple[Tensor, list[Tensor]]:
                inside: list[Tensor] = []

                def observe(preactivation: Tensor, activation: Tensor) -> None:
                    inside.append(preactivation)

                y = form(x, tensors, observe if num_weights > 1 else None)
                return y, [*inside, y]

            return forward

        return [run(*step) for step in steps]

    def _tensors(self, views: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        by_stage: list[list[Tensor]] = [[] for _ in self.blueprint.stages]
        for slot, view in zip(self.layout.slots, views, strict=True):
            by_stage[slot.stage].append(view)
        return [tuple(tensors) for tensors in by_stage]

    def by_lane(self, value: Tensor) -> Tensor:
        """Return a view of a value in the lane layout as ``(K, B, *units)``.

        Args:
            value: ``(K, B, F)`` or ``(B, K*C, H, W)``; without the lane axis for K = 1.
        """
        return by_lane(value, self.lanes)


def by_lane(value: Tensor, lanes: int) -> Tensor:
    """Return a view of a value in the lane layout as ``(K, B, *units)``."""
    if lanes == 1:
        return value.unsqueeze(0)
    if value.dim() == 3:
        return value
    return value.unflatten(1, (lanes, -1)).transpose(0, 1)  # type: ignore[no-untyped-call, no-any-return]


def _form(stage: Stage, part: TorchLayerPart, lanes: int) -> LaneForward:
    if part.lanes is not None:
        return part.lanes(stage.layer, stage.input_shape, lanes)
    return _lane_by_lane(stage, part, lanes)


def _lane_by_lane(stage: Stage, part: TorchLayerPart, lanes: int) -> LaneForward:
    """Run the plain form of a layer once a lane, for a kind that has no lane form."""
    with torch.device("meta"):
        module = part.module(stage.layer, stage.input_shape)
    names = [spec.name for spec in stage.tensors]

    def alone(x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        y: Tensor = functional_call(module, dict(zip(names, tensors, strict=True)), (x,))
        return y

    def together(x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        inputs = _lane_inputs(x, stage.input_shape, lanes)
        each = [alone(inputs[lane], [tensor[lane] for tensor in tensors], None) for lane in range(lanes)]
        return torch.stack(each) if each[0].dim() == 2 else torch.cat(each, 1)

    return alone if lanes == 1 else together


def _lane_inputs(x: Tensor, shape: Shape, lanes: int) -> Sequence[Tensor]:
    shared = x.dim() == 2 if len(shape) == 1 else x.shape[1] == shape[0]
    return [x] * lanes if shared else by_lane(x, lanes).unbind(0)
