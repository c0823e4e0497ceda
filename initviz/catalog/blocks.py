"""Plain ``torch.nn`` modules of the layers that torch itself has none for."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from initviz.catalog.residual_shapes import KERNEL, PADDING, BlockPlan


class ResidualBlock(nn.Module):
    """Two dense layers or 3 x 3 convolutions whose result is added to their input.

    With a branch ``F(x)``, a fixed factor c and a learned scale s:

    - plain: ``P x + c s N2(W2 act(N1(W1 x)))``
    - post-activation: ``act(P x + c s N2(W2 act(N1(W1 x))))``
    - pre-activation: ``P x + c s W2 act(N2(W1 act(N1(x))))``

    N1, N2 are the normalizations, if there are any; P is a 1 x 1 convolution where the sizes differ, else nothing.

    Args:
        plan: What it is made of.
        activation: The function act.
    References:
        He et al. 2016, arXiv:1512.03385 and arXiv:1603.05027; the scale: Bachlechner et al. 2021, arXiv:2003.04887.
    """

    def __init__(self, plan: BlockPlan, activation: nn.Module) -> None:
        super().__init__()
        self._plan = plan
        if plan.projects:
            self.projection = nn.Conv2d(plan.inputs, plan.units, 1, plan.stride, bias=False)
        self.first = _product(plan, plan.inputs, plan.stride, plan.first_bias)
        self.activation = activation
        self.second = _product(plan, plan.units, 1, plan.second_bias)
        if plan.is_learned:
            self.scale = nn.Parameter(torch.ones(()))
        for name, size in plan.norms:
            self.add_module(name, _normalization(plan, size))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, width)`` for an input ``(B, width)``, or images for images."""
        plan = self._plan
        stream: Tensor = self.projection(x) if plan.projects else x
        if plan.is_pre:
            before = self.first(self.activation(self._normalized("first_norm", x)))
            branch = self.second(self.activation(self._normalized("second_norm", before)))
        else:
            inside = self.activation(self._normalized("first_norm", self.first(x)))
            branch = self._normalized("second_norm", self.second(inside))
        if plan.is_learned:
            branch = self.scale * branch
        if plan.factor != 1.0:
            branch = plan.factor * branch
        y: Tensor = stream + branch
        if plan.order == "post_activation":
            y = self.activation(y)
        return y

    def _normalized(self, name: str, x: Tensor) -> Tensor:
        if not self._plan.has_norm:
            return x
        y: Tensor = self.get_submodule(name)(x)
        return y


def _product(plan: BlockPlan, inputs: int, stride: int, has_bias: bool) -> nn.Module:
    if plan.is_image:
        return nn.Conv2d(inputs, plan.units, KERNEL, stride, PADDING, bias=has_bias)
    return nn.Linear(inputs, plan.units, bias=has_bias)


def _normalization(plan: BlockPlan, size: int) -> nn.Module:
    if plan.normalization == "batch_norm":
        return nn.BatchNorm2d(size) if plan.is_image else nn.BatchNorm1d(size)
    # One group of all channels: the layer normalization of images.
    return nn.GroupNorm(1, size) if plan.is_image else nn.LayerNorm(size)
