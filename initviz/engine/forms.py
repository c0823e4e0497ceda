"""What runs each layer of a network, in the best form that its kind has."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from initviz.catalog.parts import (
    Attachable,
    LaneForm,
    Now,
    Observer,
    TorchLayerPart,
)
from initviz.engine.autograd_form import AutogradForm
from initviz.experiment.blueprint import IMAGE_AXES, Stage
from initviz.experiment.values import Shape


def form_of(stage: Stage, part: TorchLayerPart, lanes: int, precision: torch.dtype | None) -> LaneForm:
    """Return what runs a layer.

    Args:
        stage: The layer.
        part: Its kind.
        lanes: K.
        precision: Type that products are computed in, or None for that of the tensors.
    """
    if part.lanes is None:
        return AutogradForm(LaneByLane(stage, part, lanes), precision)
    form = part.lanes(stage.layer, stage.input_shape, lanes)
    if not isinstance(form, LaneForm):
        return AutogradForm(form, precision)
    return form if precision is None else AutogradForm(Differentiated(form), precision)


class Differentiated:
    """The forward pass of a form that tells its own gradient, for autograd to find that gradient instead.

    Args:
        form: The form.
    """

    def __init__(self, form: LaneForm) -> None:
        self._form = form

    def attach(self, now: Now, buffers: Sequence[Tensor]) -> None:
        """See ``Attachable``."""
        if isinstance(self._form, Attachable):
            self._form.attach(now, buffers)

    def __call__(self, x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        """See ``LaneForward``."""
        return self._form.forward(x, tensors)[0]


class LaneByLane:
    """The plain form of a layer, run once a lane, for a kind that has no lane form.

    Args:
        stage: The layer.
        part: Its kind.
        lanes: K.
    """

    def __init__(self, stage: Stage, part: TorchLayerPart, lanes: int) -> None:
        with torch.device("meta"):
            self._module: nn.Module = part.module(stage.layer, stage.input_shape)
        self._names = [spec.name for spec in stage.tensors]
        self._buffer_names = [spec.name for spec in stage.buffers]
        self._input_shape = stage.input_shape
        self._output_is_image = is_image(stage.output_shape)
        self._lanes = lanes
        self._now: Now | None = None
        self._buffers: Sequence[Tensor] = ()

    def attach(self, now: Now, buffers: Sequence[Tensor]) -> None:
        """See ``Attachable``."""
        self._now, self._buffers = now, buffers

    def __call__(self, x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        """See ``LaneForward``."""
        if self._now is not None:
            self._module.train(self._now.training)
        if self._lanes == 1:
            return self._alone(x, tensors, self._buffers)
        inputs = lane_inputs(x, self._input_shape, self._lanes)
        each = [
            self._alone(
                inputs[lane], [tensor[lane] for tensor in tensors], [buffer[lane] for buffer in self._buffers]
            )
            for lane in range(self._lanes)
        ]
        return torch.cat(each, 1) if self._output_is_image else torch.stack(each)

    def _alone(self, x: Tensor, tensors: Sequence[Tensor], buffers: Sequence[Tensor]) -> Tensor:
        if self._now is None or not self._now.keeps:
            buffers = [buffer.clone() for buffer in buffers]
        given = dict(zip((*self._names, *self._buffer_names), (*tensors, *buffers), strict=True))
        y: Tensor = functional_call(self._module, given, (x,))
        return y


def is_image(shape: Shape) -> bool:
    """Say whether one example of this shape is an image, whose lanes are groups of channels."""
    return len(shape) == IMAGE_AXES


def lane_inputs(x: Tensor, shape: Shape, lanes: int) -> Sequence[Tensor]:
    """Return a value in the lane layout lane by lane; one that all share is repeated."""
    shared = x.shape[1] == shape[0] if is_image(shape) else x.dim() == len(shape) + 1
    return [x] * lanes if shared else by_lane(x, lanes, is_image(shape)).unbind(0)


def by_lane(value: Tensor, lanes: int, image: bool) -> Tensor:
    """Return a view of a value in the lane layout as ``(K, B, *units)``.

    Args:
        value: ``(K, B, F)``, ``(K, B, T, F)`` or ``(B, K*C, H, W)``; without the lane axis for K = 1.
        lanes: K.
        image: Whether it is of the last form.
    """
    if lanes == 1:
        return value.unsqueeze(0)
    if not image:
        return value
    batch, channels, *rest = value.shape
    return value.view(batch, lanes, channels // lanes, *rest).transpose(0, 1)
