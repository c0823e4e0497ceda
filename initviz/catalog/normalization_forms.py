"""How normalization runs in lanes. Statistics never mix lanes: lanes are further channels, or further groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from initviz.catalog.lane_forms import channels_last
from initviz.catalog.parts import Now, Saved
from initviz.experiment.values import Shape

FLAT_AXES, IMAGE_AXES = 1, 3


class BatchNorm:
    """Every unit, or channel of an image, gets mean 0 and variance 1 over the batch.

    K lanes are K times as many channels of one call. A batch with a single number a channel, such as the last one of an
    epoch, has no variance: it is normalized as in evaluation, by the running numbers, and leaves them as they are.

    Args:
        lanes: K.
        shape: One example of one lane, ``(F,)`` or ``(C, H, W)``.
        eps: Added to every variance.
        momentum: Share of a batch in the new running numbers.
    """

    def __init__(self, lanes: int, shape: Shape, eps: float, momentum: float) -> None:
        self._lanes = lanes
        self._shape = shape
        self._channels = lanes * shape[0]
        self._eps = eps
        self._momentum = momentum

    def attach(self, now: Now, buffers: Sequence[Tensor]) -> None:
        """Take the running mean and variance, ``(C,)`` each, with a lane axis before it where K > 1."""
        self._now = now
        self._buffers = tuple(buffers)

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return the normalized, scaled and shifted input."""
        joined = self._join(x)
        alike = joined.numel() // self._channels
        by_batch = self._now.training and alike > 1
        running = [buffer.reshape(-1) for buffer in self._buffers]
        known = None if by_batch else running
        weight, bias = (tensor.reshape(-1) for tensor in tensors)
        y, mean, scale = torch.ops.aten.native_batch_norm.default(
            joined, weight, bias, *(known or (None, None)), by_batch, self._momentum, self._eps
        )
        if by_batch and self._now.keeps:
            self._keep(mean.detach(), scale.detach(), alike)
        return self._part(y), (joined, mean, scale) if by_batch else (joined, *running)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        x, mean, scale = saved
        by_batch = self._now.training and x.numel() > self._channels
        running = (None, None) if by_batch else (mean, scale)
        before, weight, bias = torch.ops.aten.native_batch_norm_backward.default(
            self._join(grad),
            x,
            tensors[0].reshape(-1),
            *running,
            mean,
            scale,
            by_batch,
            self._eps,
            [wants_input, True, True],
        )
        grads[0].copy_(weight.view(grads[0].shape))
        grads[1].copy_(bias.view(grads[1].shape))
        return self._part(before) if wants_input else None

    def _keep(self, mean: Tensor, scale: Tensor, alike: int) -> None:
        """Move the running numbers towards those of a batch, the variance without bias, as torch does."""
        variance = scale.pow(-2).sub_(self._eps).mul_(alike / (alike - 1))
        for buffer, found in zip(self._buffers, (mean, variance), strict=True):
            buffer.lerp_(found.view(buffer.shape), self._momentum)

    def _join(self, x: Tensor) -> Tensor:
        """Return lanes as channels: ``(B, K*F)`` or ``(B, K*C, H, W)``."""
        if len(self._shape) == IMAGE_AXES:
            return channels_last(_unshared(x, self._shape, self._lanes))
        if self._lanes == 1:
            return x
        if x.dim() == FLAT_AXES + 1:
            return x.repeat(1, self._lanes)
        return x.transpose(0, 1).reshape(-1, self._channels)

    def _part(self, y: Tensor) -> Tensor:
        """Return ``(K, B, F)`` from lanes as channels; images stay as they are."""
        if self._lanes == 1 or len(self._shape) == IMAGE_AXES:
            return y
        return y.view(-1, self._lanes, *self._shape).transpose(0, 1).contiguous()


class Standardizer(Protocol):
    """Normalizes each example by itself, without a learned scale or shift."""

    def forward(self, x: Tensor) -> tuple[Tensor, Saved]:
        """Return the normalized input, and what ``backward`` will need beside it."""
        ...

    def backward(self, grad: Tensor, y: Tensor, saved: Saved) -> Tensor:
        """Return the gradient of the input from that of the output ``y``."""
        ...


class Scaled:
    """What a ``Standardizer`` gives, times a learned scale, and a learned shift where there is one.

    Args:
        lanes: K.
        shape: One example of one lane.
        inner: What normalizes.
        by_channel: For images: whether a channel has one scale rather than every pixel its own.
    """

    def __init__(self, lanes: int, shape: Shape, inner: Standardizer, by_channel: bool = False) -> None:
        self._lanes = lanes
        self._shape = shape
        self._inner = inner
        self._by_channel = by_channel
        axes = len(shape)
        if axes == IMAGE_AXES:
            channels = lanes * shape[0]
            self._place: tuple[int, ...] = (channels, 1, 1) if by_channel else (channels, *shape[1:])
            self._others: tuple[int, ...] = (0, 2, 3) if by_channel else (0,)
        else:
            lead = () if lanes == 1 else (lanes, *[1] * axes)
            self._place = (*lead, shape[-1])
            self._others = tuple(range(min(lanes, 2) - 1, min(lanes, 2) - 1 + axes))

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return the normalized, scaled and, where there is a shift, shifted input."""
        if len(self._shape) == IMAGE_AXES:
            x = self._laid_out(_unshared(x, self._shape, self._lanes))
        plain, saved = self._inner.forward(x)
        weight, *bias = (tensor.reshape(self._place) for tensor in tensors)
        y = torch.addcmul(bias[0], plain, weight) if bias else plain * weight
        return y, (plain, *saved)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        if len(self._shape) == IMAGE_AXES:
            grad = self._laid_out(grad)
        plain, *rest = saved
        grads[0].copy_((grad * plain).sum(self._others).view(grads[0].shape))
        if len(grads) > 1:
            grads[1].copy_(grad.sum(self._others).view(grads[1].shape))
        if not wants_input:
            return None
        return self._inner.backward(grad * tensors[0].reshape(self._place), plain, tuple(rest))

    def _laid_out(self, x: Tensor) -> Tensor:
        """Return images in the order in memory in which the scales lie: with one a pixel, channel after channel."""
        return channels_last(x) if self._by_channel else x.contiguous()


class OverUnits:
    """Mean 0 and variance 1 over the last axis.

    Args:
        units: Its length.
        eps: Added to every variance.
    """

    def __init__(self, units: int, eps: float) -> None:
        self._units = [units]
        self._eps = eps

    def forward(self, x: Tensor) -> tuple[Tensor, Saved]:
        """See ``Standardizer``."""
        y, mean, scale = torch.ops.aten.native_layer_norm.default(x, self._units, None, None, self._eps)
        return y, (x, mean, scale)

    def backward(self, grad: Tensor, y: Tensor, saved: Saved) -> Tensor:
        """See ``Standardizer``."""
        x, mean, scale = saved
        found: Tensor = torch.ops.aten.native_layer_norm_backward.default(
            grad.contiguous(), x, self._units, mean, scale, None, None, [True, False, False]
        )[0]
        return found


class OverGroups:
    """Mean 0 and variance 1 over every group of adjacent channels of an example.

    Args:
        lanes: K.
        shape: One example of one lane, ``(F,)`` or ``(C, H, W)``.
        groups: Of one lane.
        eps: Added to every variance.
    """

    def __init__(self, lanes: int, shape: Shape, groups: int, eps: float) -> None:
        joined = lanes if len(shape) == IMAGE_AXES else 1
        self._channels = joined * shape[0]
        self._pixels = shape[1] * shape[2] if len(shape) == IMAGE_AXES else 1
        self._groups = joined * groups
        self._eps = eps

    def forward(self, x: Tensor) -> tuple[Tensor, Saved]:
        """See ``Standardizer``."""
        examples = x.numel() // (self._channels * self._pixels)
        rows = x if self._pixels > 1 or x.dim() > 3 else x.reshape(examples, self._channels)
        y, mean, scale = torch.ops.aten.native_group_norm.default(
            rows, None, None, examples, self._channels, self._pixels, self._groups, self._eps
        )
        return y.view(x.shape) if rows is not x else y, (rows, mean, scale)

    def backward(self, grad: Tensor, y: Tensor, saved: Saved) -> Tensor:
        """See ``Standardizer``."""
        rows, mean, scale = saved
        found: Tensor = torch.ops.aten.native_group_norm_backward.default(
            grad if grad.dim() == rows.dim() else grad.reshape(rows.shape),
            rows,
            mean,
            scale,
            None,
            len(rows),
            self._channels,
            self._pixels,
            self._groups,
            [True, False, False],
        )[0]
        return found if found.shape == grad.shape else found.view(grad.shape)


class RootMeanSquare:
    """Mean square 1 over an example, or over every position of a sequence; the mean is left alone.

    Args:
        lanes: K.
        shape: One example of one lane.
        eps: Added to every mean square.
    """

    def __init__(self, lanes: int, shape: Shape, eps: float) -> None:
        self._image = (lanes, *shape) if len(shape) == IMAGE_AXES else None
        self._axes = (2, 3, 4) if self._image else (-1,)
        self._eps = eps

    def _lanes_apart(self, x: Tensor) -> Tensor:
        """Return images as ``(B, K, C, H, W)``."""
        return x.view(len(x), *self._image) if self._image else x

    def forward(self, x: Tensor) -> tuple[Tensor, Saved]:
        """See ``Standardizer``."""
        apart = self._lanes_apart(x)
        scale = apart.square().mean(self._axes, keepdim=True).add_(self._eps).rsqrt_()
        return (apart * scale).reshape(x.shape), (scale,)

    def backward(self, grad: Tensor, y: Tensor, saved: Saved) -> Tensor:
        """See ``Standardizer``."""
        (scale,) = saved
        back, out = self._lanes_apart(grad), self._lanes_apart(y)
        along = (back * out).mean(self._axes, keepdim=True)
        return torch.addcmul(back, out, along, value=-1).mul_(scale).reshape(grad.shape)


def _unshared(x: Tensor, shape: Shape, lanes: int) -> Tensor:
    """Return images a lane, ``(B, K*C, H, W)``, from those that all lanes may share."""
    return x.repeat(1, lanes, 1, 1) if lanes > 1 and x.shape[1] == shape[0] else x
