"""How layers that leave out a random part run in lanes, and PReLU. Each lane's noise comes from its own generator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from initviz.catalog.lane_forms import channels_last
from initviz.catalog.parts import LaneForm, Now, Saved
from initviz.experiment.values import Shape

IMAGE_AXES = 3


def kept(shape: Sequence[int], rate: float, generator: Generator) -> Tensor:
    """Return 1 for what stays and 0 for the rest, drawn with one call, as ``torch.nn.Dropout`` draws it.

    Args:
        shape: Of one lane.
        rate: Probability with which a number is left out.
        generator: The lane's; its device is that of the result.
    """
    whole = torch.empty(tuple(shape), device=generator.device)
    return whole.bernoulli_(1 - rate, generator=generator)


class Dropout:
    """Sets activations to 0 at random in training, and divides the others by the share that is kept.

    Args:
        lanes: K.
        shape: One example of one lane.
        rate: Probability with which an activation is left out.
    """

    def __init__(self, lanes: int, shape: Shape, rate: float) -> None:
        self._lanes = lanes
        self._shape = shape
        self._rate = rate

    def attach(self, now: Now, buffers: Sequence[Tensor]) -> None:
        """See ``Attachable``."""
        self._now = now

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return what is kept, larger; in evaluation, or at a rate of 0, the input itself."""
        if not self._now.training or self._rate == 0.0:
            return x, ()
        generators = self._now.generators()
        if self._lanes == 1:
            masks = [kept(x.shape, self._rate, generators[0])]
        else:
            examples = x.shape[-len(self._shape) - 1]
            masks = [kept((examples, *self._shape), self._rate, one) for one in generators]
        factor = self._joined(masks).to(x.dtype).mul_(1 / (1 - self._rate))
        if len(self._shape) == IMAGE_AXES and factor.shape[1] > x.shape[1]:
            x = x.repeat(1, self._lanes, 1, 1)
        return x * factor, (factor,)

    def _joined(self, masks: list[Tensor]) -> Tensor:
        if self._lanes == 1:
            return masks[0]
        return channels_last(torch.cat(masks, 1)) if len(self._shape) == IMAGE_AXES else torch.stack(masks)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        return grad * saved[0] if saved else grad


class DropConnect:
    """A dense layer with some of its weights at 0 in a step of training, and the others divided by the share kept.

    Args:
        dense: The dense layer; its first tensor is the weight.
        lanes: K.
        rate: Probability with which a weight is left out.
    """

    def __init__(self, dense: LaneForm, lanes: int, rate: float) -> None:
        self._dense = dense
        self._lanes = lanes
        self._rate = rate

    def attach(self, now: Now, buffers: Sequence[Tensor]) -> None:
        """See ``Attachable``."""
        self._now = now

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return the output with the weights of this step; in evaluation with all of them."""
        if not self._now.training or self._rate == 0.0:
            return self._dense.forward(x, tensors)
        weight = tensors[0]
        shape = weight.shape if self._lanes == 1 else weight.shape[1:]
        generators = self._now.generators()
        masks = [kept(shape, self._rate, generators[lane]) for lane in range(self._lanes)]
        mask = masks[0] if self._lanes == 1 else torch.stack(masks)
        factor = mask.to(weight.dtype).mul_(1 / (1 - self._rate))
        thinned = weight * factor
        y, saved = self._dense.forward(x, (thinned, *tensors[1:]))
        return y, (factor, thinned, *saved)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        if not self._now.training or self._rate == 0.0:
            return self._dense.backward(grad, saved, tensors, grads, wants_input)
        factor, thinned, *rest = saved
        before = self._dense.backward(grad, tuple(rest), (thinned, *tensors[1:]), grads, wants_input)
        grads[0].mul_(factor)
        return before


class PReLU:
    """The identity above 0 and a learned slope below: one for all units, or one for each.

    Args:
        lanes: K.
        shape: One example of one lane.
        by_channel: Whether every unit, or channel of an image, has a slope of its own.
    """

    def __init__(self, lanes: int, shape: Shape, by_channel: bool) -> None:
        self._lanes = lanes
        self._shape = shape
        count = shape[0] if by_channel else 1
        if len(shape) == IMAGE_AXES:
            self._place: tuple[int, ...] = (lanes, count, 1, 1)
        else:
            self._place = (*([lanes, 1] if lanes > 1 else []), *[1] * (len(shape) - 1), count)

    def _apart(self, x: Tensor) -> Tensor:
        """Return images as ``(B, K, C, H, W)``."""
        if len(self._shape) < IMAGE_AXES:
            return x
        if x.shape[1] == self._shape[0]:
            return x.unsqueeze(1)
        return x.view(len(x), self._lanes, *self._shape)

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return the input with what is below 0 multiplied by the slope."""
        apart = self._apart(x)
        y = torch.where(apart > 0, apart, apart * tensors[0].view(self._place))
        return y.flatten(1, 2) if len(self._shape) == IMAGE_AXES else y, (apart,)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        (x,) = saved
        image = len(self._shape) == IMAGE_AXES
        back = grad.view(len(grad), self._lanes, *self._shape) if image else grad
        slopes = (back * x.clamp(max=0)).sum_to_size(self._place)
        grads[0].copy_(slopes.view(grads[0].shape))
        if not wants_input:
            return None
        before = torch.where(x > 0, back, back * tensors[0].view(self._place))
        return before.flatten(1, 2) if image else before
