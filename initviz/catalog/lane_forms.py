"""How the layers run in lanes, each with its own gradient. One lane runs without a lane axis, as plain torch does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from initviz.catalog.parts import ActivationGradient, Saved

SMALL_GEMM = 128 * 128 * 32
"""Multiplications a lane below which one batched product and a copy beats a product a lane in place."""


class DenseAlone:
    """One lane of a dense layer: ``(B, I)`` to ``(B, O)``.

    Args:
        has_bias: Whether a bias follows the weight.
    """

    def __init__(self, has_bias: bool) -> None:
        self._has_bias = has_bias

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return ``x W^T + b``."""
        return functional.linear(x, *tensors), (x,)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        torch.mm(grad.t(), saved[0], out=grads[0])
        if self._has_bias:
            torch.sum(grad, 0, out=grads[1])
        return torch.mm(grad, tensors[0]) if wants_input else None


class DenseLanes:
    """K lanes of a dense layer: ``(K, B, I)``, or ``(B, I)`` where all share it, to ``(K, B, O)``.

    Args:
        lanes: K.
        has_bias: Whether a bias follows the weight.
    """

    def __init__(self, lanes: int, has_bias: bool) -> None:
        self._lanes = lanes
        self._has_bias = has_bias

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return ``x W^T + b`` a lane."""
        if x.dim() == 2:
            x = x.expand(self._lanes, *x.shape)
        weight = tensors[0].mT
        if self._has_bias:
            return torch.baddbmm(tensors[1].unsqueeze(1), x, weight), (x,)
        return torch.bmm(x, weight), (x,)

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
        units, inputs = grads[0].shape[1:]
        if units * inputs * grad.shape[1] > SMALL_GEMM:
            torch.bmm(grad.mT, x, out=grads[0])
        elif inputs < units:
            grads[0].copy_(torch.bmm(x.mT, grad).mT)
        else:
            grads[0].copy_(torch.bmm(grad.mT, x))
        if self._has_bias:
            torch.sum(grad, 1, out=grads[1])
        return torch.bmm(grad, tensors[0]) if wants_input else None


class DensePositions:
    """A dense layer at every step of a sequence: ``(.., B, T, I)`` to ``(.., B, T, O)``, each step an example.

    Args:
        form: The layer on lists of numbers.
        steps: T.
    """

    def __init__(self, form: DenseAlone | DenseLanes, steps: int) -> None:
        self._form = form
        self._steps = steps

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return ``x W^T + b`` a lane and step."""
        y, saved = self._form.forward(x.flatten(-3, -2), tensors)
        return torch.unflatten(y, -2, (-1, self._steps)), saved

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        before = self._form.backward(grad.flatten(-3, -2), saved, tensors, grads, wants_input)
        return None if before is None else torch.unflatten(before, -2, (-1, self._steps))


class Convolution:
    """A convolution of one or more lanes, which are groups of channels; images lie in memory channel by channel last.

    Args:
        lanes: K.
        channels_in: Channels a lane that come in.
        channels: Channels a lane that go out.
        stride: Pixels the kernel moves at a time.
        padding: Zeros on every side.
        has_bias: Whether a bias follows the weight.
    """

    def __init__(
        self, lanes: int, channels_in: int, channels: int, stride: int, padding: int, has_bias: bool
    ) -> None:
        self._lanes = lanes
        self._channels_in = channels_in
        self._outputs = [lanes * channels]
        self._stride = [stride, stride]
        self._padding = [padding, padding]
        self._has_bias = has_bias

    def _joined(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Tensor | None, int]:
        """Return weight, bias and number of groups of one convolution that stands for all lanes."""
        bias = tensors[1] if self._has_bias else None
        if self._lanes == 1:
            return tensors[0], bias, 1
        shared = x.shape[1] == self._channels_in
        weight = tensors[0].flatten(0, 1)
        return weight, None if bias is None else bias.flatten(), 1 if shared else self._lanes

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return the convolved images."""
        x = laid_out(x, tensors[0], self._stride[0])
        weight, bias, groups = self._joined(x, tensors)
        y = functional.conv2d(x, weight, bias, self._stride, self._padding, 1, groups)
        return y, (x, weight)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        x, weight = saved
        groups = 1 if x.shape[1] == self._channels_in else self._lanes
        before, kernel, bias = torch.ops.aten.convolution_backward.default(
            laid_out(grad, weight, self._stride[0]),
            x,
            weight,
            self._outputs,
            self._stride,
            self._padding,
            [1, 1],
            False,
            [0, 0],
            groups,
            [wants_input, True, self._has_bias],
        )
        grads[0].copy_(
            kernel.view(grads[0].shape) if kernel.is_contiguous() else kernel.reshape(grads[0].shape)
        )
        if self._has_bias:
            grads[1].copy_(bias.view(grads[1].shape))
        return before if wants_input else None


def laid_out(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """Return images in the order of memory in which they are convolved fastest, and safely.

    Torch 2.13 on the processor writes past its memory where it finds the gradient of a 1 x 1 kernel that skips pixels,
    if the images are few channels wide and lie channels last: such a kernel gets them channels first.

    Args:
        x: ``(B, C, H, W)``.
        weight: ``(..., kernel, kernel)``.
        stride: Pixels the kernel moves at a time.
    """
    return x.contiguous() if weight.shape[-1] == 1 and stride > 1 else channels_last(x)


def channels_last(x: Tensor) -> Tensor:
    """Return images ``(B, C, H, W)`` that lie in memory pixel by pixel, all channels of one side by side."""
    x = x.contiguous(memory_format=torch.channels_last)
    if x.shape[1] == 1:
        # One channel lies the same either way, and torch would take it for the slower order.
        _, _, height, width = x.shape
        return x.as_strided(x.shape, (height * width, 1, width, 1))
    return x


class MaxPool:
    """The largest value of every window.

    Args:
        size: Side of the window, and its stride.
    """

    def __init__(self, size: int) -> None:
        self._size = [size, size]

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return the pooled images."""
        x = channels_last(x)
        y, places = torch.ops.aten.max_pool2d_with_indices.default(x, self._size, self._size)
        return y, (x, places)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        x, places = saved
        before: Tensor = torch.ops.aten.max_pool2d_with_indices_backward.default(
            channels_last(grad), x, self._size, self._size, [0, 0], [1, 1], False, places
        )
        return before


class AveragePool:
    """The mean of every window.

    Args:
        size: Side of the window, and its stride.
    """

    def __init__(self, size: int) -> None:
        self._size = [size, size]

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return the pooled images."""
        x = channels_last(x)
        return functional.avg_pool2d(x, self._size), (x,)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        before: Tensor = torch.ops.aten.avg_pool2d_backward.default(
            channels_last(grad), saved[0], self._size, self._size, [0, 0], False, True, None
        )
        return before


class Flatten:
    """Images and sequences laid out as lists of numbers; lists stay as they are.

    Args:
        lanes: K.
        shape: One example of one lane.
    """

    def __init__(self, lanes: int, shape: tuple[int, ...]) -> None:
        self._lanes = lanes
        self._shape = shape

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return ``(K, B, F)``, or ``(B, F)`` where all lanes share it or there is only one."""
        if len(self._shape) == 1:
            return x, ()
        if len(self._shape) == 2:
            return x.flatten(-2), ()
        if x.shape[1] == self._shape[0]:
            return x.flatten(1), ()
        batch = x.shape[0]
        return x.reshape(batch, self._lanes, *self._shape).transpose(0, 1).flatten(2), ()

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        if len(self._shape) == 1:
            return grad
        if len(self._shape) == 2:
            return torch.unflatten(grad, -1, self._shape)
        if grad.dim() == 2:
            return grad.reshape(-1, *self._shape)
        channels, height, width = self._shape
        by_lane = grad.reshape(self._lanes, -1, *self._shape)
        return by_lane.transpose(0, 1).reshape(-1, self._lanes * channels, height, width)


class Elementwise:
    """A function of every number.

    Args:
        function: The function.
        gradient: Its backward pass.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], gradient: ActivationGradient) -> None:
        self._function = function
        self._gradient = gradient

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return the function of ``x``."""
        y = self._function(x)
        return y, (x, y)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        return self._gradient(grad, *saved)


def dense_lanes(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return ``(K, B, O)`` from ``(K, B, I)`` or a shared ``(B, I)``, ``(K, O, I)`` and ``(K, O)``, for autograd."""
    if x.dim() == 2:
        x = x.expand(len(weight), *x.shape)
    return torch.baddbmm(bias.unsqueeze(1), x, weight.mT)
