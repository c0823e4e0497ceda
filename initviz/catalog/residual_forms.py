"""How residual blocks run in lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from initviz.catalog.lane_forms import channels_last, dense_lanes, laid_out
from initviz.catalog.parts import Now, Observer
from initviz.catalog.residual_shapes import BATCH_NORM, EPS, PADDING, BlockPlan

MOMENTUM = 0.1
"""Share of the newest batch in the running mean and variance."""


class ResidualForm:
    """A residual block of K lanes; see ``blocks.ResidualBlock`` for what it computes.

    Args:
        plan: What it is made of.
        names: Of its tensors, in the order in which they come.
        lanes: K.
        function: Its activation.
    """

    def __init__(
        self, plan: BlockPlan, names: Sequence[str], lanes: int, function: Callable[[Tensor], Tensor]
    ) -> None:
        self._plan = plan
        self._names = tuple(names)
        self._lanes = lanes
        self._function = function
        self._running: dict[str, tuple[Tensor, Tensor]] = {}

    def attach(self, now: Now, buffers: Sequence[Tensor]) -> None:
        """See ``Attachable``."""
        self._now = now
        pairs = zip(buffers[::2], buffers[1::2], strict=True)
        self._running = {name: pair for (name, _), pair in zip(self._plan.norms, pairs, strict=False)}

    def __call__(self, x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        """See ``LaneForward``."""
        plan, function = self._plan, self._function
        own = dict(zip(self._names, tensors, strict=True))
        x = self._apart(x)
        stream = x
        if plan.projects:
            stream = self._product("projection", x, own)
            if observe is not None:
                observe(stream, stream)
        inside = function(self._normalized("first_norm", x, own)) if plan.is_pre else x
        before = self._product("first", inside, own)
        inside = function(self._normalized("second_norm" if plan.is_pre else "first_norm", before, own))
        if observe is not None:
            observe(before, inside)
        last = self._product("second", inside, own)
        branch = last if plan.is_pre else self._normalized("second_norm", last, own)
        y = stream + self._scaled(branch, own)
        if plan.order == "post_activation":
            y = function(y)
        if observe is not None:
            observe(last, y)
        return y

    def _apart(self, x: Tensor) -> Tensor:
        """Give every lane an input of its own where all share one."""
        if self._lanes == 1:
            return channels_last(x) if self._plan.is_image else x
        if self._plan.is_image:
            return channels_last(x.repeat(1, self._lanes, 1, 1) if x.shape[1] == self._plan.inputs else x)
        return x.expand(self._lanes, *x.shape) if x.dim() == 2 else x

    def _product(self, name: str, x: Tensor, own: dict[str, Tensor]) -> Tensor:
        weight, bias = own[f"{name}.weight"], own.get(f"{name}.bias")
        if not self._plan.is_image:
            if self._lanes == 1:
                return functional.linear(x, weight, bias)
            return torch.bmm(x, weight.mT) if bias is None else dense_lanes(x, weight, bias)
        stride = self._plan.stride if name == "first" else 1
        padding = 0 if name == "projection" else PADDING
        if name == "projection" and self._plan.stride > 1:
            # Not by the convolution's stride: torch 2 on the CPU writes out of bounds in the backward pass of a strided
            # 1 x 1 convolution of images that lie channel by channel last.
            x = channels_last(x[:, :, :: self._plan.stride, :: self._plan.stride])
        if self._lanes > 1:
            weight = weight.flatten(0, 1)
            bias = None if bias is None else bias.flatten()
        return functional.conv2d(laid_out(x, weight, stride), weight, bias, stride, padding, 1, self._lanes)

    def _scaled(self, branch: Tensor, own: dict[str, Tensor]) -> Tensor:
        scale = own.get("scale")
        if scale is not None:
            if self._lanes == 1:
                branch = scale * branch
            elif self._plan.is_image:
                branch = scale.repeat_interleave(self._plan.units).view(1, -1, 1, 1) * branch
            else:
                branch = scale.view(-1, 1, 1) * branch
        return branch if self._plan.factor == 1.0 else self._plan.factor * branch

    def _normalized(self, name: str, x: Tensor, own: dict[str, Tensor]) -> Tensor:
        if not self._plan.has_norm:
            return x
        weight, bias = own[f"{name}.weight"], own[f"{name}.bias"]
        if self._plan.normalization == BATCH_NORM:
            return self._batch_norm(name, x, weight, bias)
        if self._plan.is_image:
            # Lanes are groups of channels, so that each is normalized by itself.
            return functional.group_norm(x, self._lanes, weight.flatten(), bias.flatten(), EPS)
        if self._lanes == 1:
            return functional.layer_norm(x, weight.shape, weight, bias, EPS)
        each = functional.layer_norm(x, x.shape[-1:], None, None, EPS)
        return torch.addcmul(bias.unsqueeze(1), weight.unsqueeze(1), each)

    def _batch_norm(self, name: str, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Normalize over the batch; lanes are channels, so that their statistics never mix."""
        flat_lanes = self._lanes > 1 and not self._plan.is_image
        joined = x.transpose(0, 1).flatten(1) if flat_lanes else x
        # A single number a channel has no variance: it is normalized by the running numbers.
        training = self._now.training and joined.numel() > joined.shape[1]
        keeps = training and self._now.keeps
        mean: Tensor | None = None
        var: Tensor | None = None
        if keeps or not training:
            # Copies: autograd holds on to what it is given here, and the next step changes the kept numbers.
            mean, var = (kept.detach().reshape(-1).clone() for kept in self._running[name])
        y = torch.batch_norm(
            joined, weight.flatten(), bias.flatten(), mean, var, training, MOMENTUM, EPS, True
        )
        if keeps and mean is not None and var is not None:
            with torch.no_grad():
                for kept, newest in zip(self._running[name], (mean, var), strict=True):
                    kept.copy_(newest.view_as(kept))
        return y.view(len(y), self._lanes, -1).transpose(0, 1) if flat_lanes else y
