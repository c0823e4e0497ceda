"""The layers of a network bound to the tensors of its lanes: one pass forward, one back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.func import functional_call

from initviz.catalog.parts import LaneForm, LaneForward, Observer, Saved, TorchLayerPart
from initviz.engine.autograd_form import TIME_AXIS, AutogradForm
from initviz.engine.layout import Layout
from initviz.engine.structure import layer_part, measured_layers
from initviz.experiment.blueprint import Blueprint, Stage
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.values import Shape

StageRun = Callable[[Tensor], tuple[Tensor, list[Tensor]]]


@dataclass(slots=True)
class Signals:
    """What flowed through the measured layers in one pass, in the lane layout.

    Attributes:
        preactivations: Output of every measured layer.
        activations: The same after its activation; the very same tensor where there is none.
        grad_preactivations: dC/d(preactivation), once the pass back is made; C the mean loss of the batch.
    """

    preactivations: list[Tensor] = field(default_factory=list)
    activations: list[Tensor] = field(default_factory=list)
    grad_preactivations: list[Tensor] = field(default_factory=list)


class Network:
    """A network of K lanes of one structure, bound to their tensors.

    Attributes:
        blueprint: Its layers.
        layout: Its tensors' places in a row.
        lanes: K.
        measured: Its measured layers (L).
        forms: What runs each layer.
    """

    def __init__(self, blueprint: Blueprint, catalogue: Catalogue, lanes: int) -> None:
        self.blueprint = blueprint
        self.layout = Layout(blueprint)
        self.lanes = lanes
        self.measured = measured_layers(blueprint, self.layout, catalogue)
        parts = [layer_part(stage, catalogue) for stage in blueprint.stages]
        self.forms = [_form(stage, part, lanes) for stage, part in zip(blueprint.stages, parts, strict=True)]
        self._num_weights = [
            sum(spec.role == "weight" for spec in stage.tensors) for stage in blueprint.stages
        ]
        self._first_trained = next(stage.index for stage in blueprint.stages if stage.tensors)

    def bind(self, flat: Tensor, grad: Tensor) -> Bound:
        """Return the network with its tensors in ``flat`` and their gradients in ``grad``.

        Args:
            flat: ``(K, P)``.
            grad: ``(K, P)``.
        """
        if self.lanes == 1:
            flat, grad = flat[0], grad[0]
        return Bound(self, self._by_stage(self.layout.views(flat)), self._by_stage(self.layout.views(grad)))

    def _by_stage(self, views: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        found: list[list[Tensor]] = [[] for _ in self.blueprint.stages]
        for slot, view in zip(self.layout.slots, views, strict=True):
            found[slot.stage].append(view)
        return [tuple(tensors) for tensors in found]


class Bound:
    """A network that runs. Made by ``Network.bind``.

    Args:
        network: Its layers.
        tensors: Of each layer.
        grads: Where their gradients go.
    """

    def __init__(
        self, network: Network, tensors: list[tuple[Tensor, ...]], grads: list[tuple[Tensor, ...]]
    ) -> None:
        self._network = network
        self._first = network._first_trained
        self._steps = list(zip(network.forms, tensors, grads, strict=True))
        self._back = [
            (index, form, own, own_grads, index > self._first)
            for index, (form, own, own_grads) in reversed(list(enumerate(self._steps)))
            if index >= self._first
        ]

    def forward(self, x: Tensor) -> tuple[Tensor, list[Saved]]:
        """Return outputs for ``(B, *shape)``, ``(K, B, O)`` or ``(B, O)`` for K = 1, and what the way back needs."""
        kept: list[Saved] = []
        for form, tensors, _ in self._steps:
            x, saved = form.forward(x, tensors)
            kept.append(saved)
        return x, kept

    def outputs(self, x: Tensor) -> Tensor:
        """Return what ``forward`` returns, keeping nothing for the way back."""
        for form, tensors, _ in self._steps:
            x, _ = form.forward(x, tensors)
        return x

    def backward(self, grad: Tensor, kept: list[Saved]) -> None:
        """Write the gradient of every tensor.

        Args:
            grad: dC/d(output).
            kept: From ``forward``.
        """
        for index, form, tensors, grads, wants_input in self._back:
            grad = form.backward(grad, kept[index], tensors, grads, wants_input)  # type: ignore[assignment]

    def forward_observed(self, x: Tensor) -> tuple[Tensor, list[Saved], Signals]:
        """Do as ``forward`` does, and keep what flows through the measured layers."""
        kept: list[Saved] = []
        outputs: list[Tensor] = []
        signals = Signals()

        def observe(preactivation: Tensor | Sequence[Tensor], activation: Tensor | Sequence[Tensor]) -> None:
            signals.preactivations.append(side_by_side(preactivation))
            signals.activations.append(side_by_side(activation))

        for (form, tensors, _), num_weights in zip(self._steps, self._network._num_weights, strict=True):
            if isinstance(form, AutogradForm):
                x, saved = form.forward_observed(x, tensors, observe)
            else:
                x, saved = form.forward(x, tensors)
            kept.append(saved)
            outputs.append(x)
            if num_weights:
                observe(x, x)
        for place, layer in enumerate(self._network.measured):
            if layer.activation_stage is not None:
                signals.activations[place] = outputs[layer.activation_stage]
        return x, kept, signals

    def backward_observed(self, grad: Tensor, kept: list[Saved], signals: Signals) -> None:
        """Do as ``backward`` does, and complete ``signals``."""
        found: list[Tensor] = []
        for index, form, tensors, grads, wants_input in self._back:
            if self._network._num_weights[index]:
                found.append(grad)
            before = form.backward(grad, kept[index], tensors, grads, wants_input)
            if isinstance(form, AutogradForm):
                found.extend(reversed(form.take_inner_grads()))
            if before is not None:
                grad = before
        signals.grad_preactivations = found[::-1]

    def stage_runs(self) -> list[StageRun]:
        """Return each layer by itself: from its input to its output and the output of each of its weights."""
        return [self._stage_run(index) for index in range(len(self._steps))]

    def _stage_run(self, index: int) -> StageRun:
        form, tensors, _ = self._steps[index]

        def run(x: Tensor) -> tuple[Tensor, list[Tensor]]:
            inside: list[Tensor] = []
            if isinstance(form, AutogradForm):
                y, _ = form.forward_observed(
                    x, tensors, lambda before, _: inside.append(side_by_side(before))
                )
            else:
                y, _ = form.forward(x, tensors)
            return y, [*inside, y]

        return run


def by_lane(value: Tensor, lanes: int) -> Tensor:
    """Return a view of a value in the lane layout as ``(K, B, *units)``.

    Args:
        value: ``(K, B, F)`` or ``(B, K*C, H, W)``; without the lane axis for K = 1.
        lanes: K.
    """
    if lanes == 1:
        return value.unsqueeze(0)
    if value.dim() == 3:
        return value
    batch, channels, *image = value.shape
    return value.view(batch, lanes, channels // lanes, *image).transpose(0, 1)


def side_by_side(value: Tensor | Sequence[Tensor]) -> Tensor:
    """Return what a layer told its observer as one tensor: time steps ``(K, B, F)`` become ``(K, B, T, F)``."""
    return (
        value.detach() if isinstance(value, Tensor) else torch.stack([v.detach() for v in value], TIME_AXIS)
    )


def _form(stage: Stage, part: TorchLayerPart, lanes: int) -> LaneForm:
    if part.lanes is None:
        return AutogradForm(_lane_by_lane(stage, part, lanes))
    form = part.lanes(stage.layer, stage.input_shape, lanes)
    return form if isinstance(form, LaneForm) else AutogradForm(form)


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
