"""The layers of a network bound to the tensors of its lanes: one pass forward, one back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from initviz.catalog.parts import Attachable, LaneForm, Saved
from initviz.engine.autograd_form import TIME_AXIS, AutogradForm
from initviz.engine.forms import by_lane, form_of, is_image
from initviz.engine.layout import Layout
from initviz.engine.noise import Pass
from initviz.engine.structure import layer_part, measured_layers
from initviz.experiment.blueprint import Blueprint
from initviz.experiment.catalogue import Catalogue

StageRun = Callable[[Tensor], tuple[Tensor, list[Tensor]]]
PlainRun = Callable[[Tensor], Tensor]


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
    """A network of K lanes of one structure, to be bound to their tensors.

    Attributes:
        blueprint: Its layers.
        layout: Its tensors' places in a row.
        lanes: K.
        measured: Its measured layers (L).
        images: Which of them put out images (L).

    Args:
        blueprint: Its layers.
        catalogue: Where their kinds are declared.
        lanes: K.
        precision: Type that products are computed in, or None for that of the tensors.
    """

    def __init__(
        self, blueprint: Blueprint, catalogue: Catalogue, lanes: int, precision: torch.dtype | None = None
    ) -> None:
        self.blueprint = blueprint
        self.layout = Layout(blueprint)
        self.lanes = lanes
        self.measured = measured_layers(blueprint, self.layout, catalogue)
        self.images = tuple(is_image(blueprint.stages[layer.stage].output_shape) for layer in self.measured)
        self._parts = [layer_part(stage, catalogue) for stage in blueprint.stages]
        self._precision = precision
        self.num_weights = [
            sum(spec.role == "weight" for spec in stage.tensors) for stage in blueprint.stages
        ]
        self.first_trained = next(stage.index for stage in blueprint.stages if stage.tensors)

    def forms(self) -> list[LaneForm]:
        """Return what runs each layer, made anew: a form may keep numbers of its own."""
        return [
            form_of(stage, part, self.lanes, self._precision)
            for stage, part in zip(self.blueprint.stages, self._parts, strict=True)
        ]

    def fresh_buffers(self, like: Tensor) -> Tensor:
        """Return what the layers keep beside their tensors as it is before the first step, ``(K, Q)``.

        Args:
            like: Gives type and device.
        """
        row = [
            torch.full((spec.size,), spec.value, dtype=like.dtype, device=like.device)
            for stage in self.blueprint.stages
            for spec in stage.buffers
        ]
        return torch.cat(row).repeat(self.lanes, 1) if row else like.new_empty(self.lanes, 0)

    def bind(
        self, flat: Tensor, grad: Tensor, now: Pass | None = None, buffers: Tensor | None = None
    ) -> Bound:
        """Return the network with its tensors in ``flat`` and their gradients in ``grad``.

        Args:
            flat: ``(K, P)``.
            grad: ``(K, P)``.
            now: What layers may ask; one that never trains by default.
            buffers: ``(K, Q)`` what they keep, changed in place; fresh by default.
        """
        now = Pass([0] * self.lanes, flat.device) if now is None else now
        buffers = self.fresh_buffers(flat) if buffers is None else buffers
        if self.lanes == 1:
            flat, grad, buffers = flat[0], grad[0], buffers[0]
        forms = self.forms()
        for form, own in zip(forms, self._buffers_by_stage(buffers), strict=True):
            if isinstance(form, Attachable):
                form.attach(now, own)
        return Bound(
            self,
            forms,
            self._by_stage(self.layout.views(flat)),
            self._by_stage(self.layout.views(grad)),
            self.layout.tied_views(grad),
        )

    def repeat_shared(self, buffer: Tensor) -> None:
        """Repeat the numbers of shared tensors wherever they stand, in place.

        Args:
            buffer: ``(K, P)`` or ``(P,)``.
        """
        for owner, copy in self.layout.tied_views(buffer):
            copy.copy_(owner)

    def _by_stage(self, views: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        found: list[list[Tensor]] = [[] for _ in self.blueprint.stages]
        for slot, view in zip(self.layout.slots, views, strict=True):
            found[slot.stage].append(view)
        return [tuple(tensors) for tensors in found]

    def _buffers_by_stage(self, buffers: Tensor) -> list[tuple[Tensor, ...]]:
        found: list[tuple[Tensor, ...]] = []
        offset = 0
        for stage in self.blueprint.stages:
            own = []
            for spec in stage.buffers:
                own.append(buffers[..., offset : offset + spec.size].view(*buffers.shape[:-1], *spec.shape))
                offset += spec.size
            found.append(tuple(own))
        return found


class Bound:
    """A network that runs. Made by ``Network.bind``.

    Args:
        network: Its layers.
        forms: What runs each.
        tensors: Of each layer.
        grads: Where their gradients go.
        ties: Gradients of shared tensors: the whole one, and the part by way of another layer that it must include.
    """

    def __init__(
        self,
        network: Network,
        forms: list[LaneForm],
        tensors: list[tuple[Tensor, ...]],
        grads: list[tuple[Tensor, ...]],
        ties: list[tuple[Tensor, Tensor]],
    ) -> None:
        self._network = network
        self._first = network.first_trained
        self._steps = list(zip(forms, tensors, grads, strict=True))
        self._back = [
            (index, form, own, own_grads, index > self._first)
            for index, (form, own, own_grads) in reversed(list(enumerate(self._steps)))
            if index >= self._first
        ]
        self._ties = ties
        self._dtype = next(tensor.dtype for own in tensors for tensor in own)

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
        self._add_shared()

    def _add_shared(self) -> None:
        for whole, part in self._ties:
            whole.add_(part)

    def forward_observed(self, x: Tensor) -> tuple[Tensor, list[Saved], Signals]:
        """Do as ``forward`` does, and keep what flows through the measured layers."""
        kept: list[Saved] = []
        outputs: list[Tensor] = []
        signals = Signals()
        told = 0

        def observe(preactivation: Tensor | Sequence[Tensor], activation: Tensor | Sequence[Tensor]) -> None:
            signals.preactivations.append(self._side_by_side(preactivation))
            signals.activations.append(self._side_by_side(activation))

        for (form, tensors, _), num_weights in zip(self._steps, self._network.num_weights, strict=True):
            if isinstance(form, AutogradForm):
                x, saved = form.forward_observed(x, tensors, observe)
            else:
                x, saved = form.forward(x, tensors)
            kept.append(saved)
            outputs.append(x)
            told += num_weights
            if (
                len(signals.preactivations) < told
            ):  # the output is that of the last weight, unless it told its own
                observe(x, x)
        for place, layer in enumerate(self._network.measured):
            if layer.activation_stage is not None:
                signals.activations[place] = outputs[layer.activation_stage].to(self._dtype)
        return x, kept, signals

    def _side_by_side(self, value: Tensor | Sequence[Tensor]) -> Tensor:
        """Return what a layer tells as one tensor: time steps ``(K, B, F)`` become ``(K, B, T, F)``."""
        whole = value if isinstance(value, Tensor) else torch.stack(list(value), TIME_AXIS)
        return whole.detach().to(self._dtype)

    def backward_observed(self, grad: Tensor, kept: list[Saved], signals: Signals) -> None:
        """Do as ``backward`` does, and complete ``signals``."""
        found: list[Tensor] = []
        for index, form, tensors, grads, wants_input in self._back:
            before = form.backward(grad, kept[index], tensors, grads, wants_input)
            inner = form.take_inner_grads() if isinstance(form, AutogradForm) else []
            if len(inner) < self._network.num_weights[index]:
                inner.append(grad)
            found.extend(one.to(self._dtype) for one in reversed(inner))
            if before is not None:
                grad = before
        self._add_shared()
        signals.grad_preactivations = found[::-1]

    def plain_runs(self) -> list[PlainRun]:
        """Return each layer by itself, from its input to its output, such that autograd sees through it."""
        return [self._plain_run(index) for index in range(len(self._steps))]

    def _plain_run(self, index: int) -> PlainRun:
        form, tensors, _ = self._steps[index]
        if isinstance(form, AutogradForm):
            return lambda x: form.plain(x, tensors)
        return lambda x: form.forward(x, tensors)[0]

    def stage_runs(self) -> list[StageRun]:
        """Return each layer by itself: from its input to its output and the output of each of its weights."""
        return [self._stage_run(index) for index in range(len(self._steps))]

    def _stage_run(self, index: int) -> StageRun:
        form, tensors, _ = self._steps[index]

        def run(x: Tensor) -> tuple[Tensor, list[Tensor]]:
            inside: list[Tensor] = []
            if isinstance(form, AutogradForm):
                y, _ = form.forward_observed(
                    x, tensors, lambda before, _: inside.append(self._side_by_side(before))
                )
            else:
                y, _ = form.forward(x, tensors)
            return y, inside if inside and len(inside) == self._network.num_weights[index] else [*inside, y]

        return run


__all__ = ["Bound", "Network", "PlainRun", "Signals", "StageRun", "by_lane"]
