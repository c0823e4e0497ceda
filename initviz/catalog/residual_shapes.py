"""What residual blocks make of a shape, and which tensors they train and keep."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, cast

from initviz.catalog.layer_shapes import flat_input, image_input
from initviz.experiment.parts import BufferSpec, LayerError, TensorRole, TensorSpec
from initviz.experiment.values import Choice, Shape

Order = Literal["plain", "post_activation", "pre_activation"]
Normalization = Literal["none", "batch_norm", "layer_norm"]
BATCH_NORM = "batch_norm"
ZEROS = Choice("zeros")
EPS = 1e-5
"""Added to every variance that is divided by."""
KERNEL, PADDING = 3, 1
"""Side of the convolutions of a block, and the zeros around the image."""


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """What a residual block is made of.

    Attributes:
        inputs: Units or channels that come in.
        units: Units or channels inside and out.
        is_image: Whether it convolves images.
        stride: Pixels that the first convolution moves at a time.
        order: Where activations and normalizations stand.
        normalization: Which there are.
        is_learned: Whether the branch has a learned scale.
        factor: Fixed number that the branch is multiplied by.
        zero_last: Whether the branch starts at 0.
    """

    inputs: int
    units: int
    is_image: bool
    stride: int
    order: Order
    normalization: Normalization
    is_learned: bool
    factor: float
    zero_last: bool

    @property
    def projects(self) -> bool:
        """Whether a 1 x 1 convolution makes the block's input as large as its output."""
        return self.inputs != self.units or self.stride != 1

    @property
    def is_pre(self) -> bool:
        """Whether normalization and activation come before each weight of the branch."""
        return self.order == "pre_activation"

    @property
    def has_norm(self) -> bool:
        """Whether there are normalizations at all."""
        return self.normalization != "none"

    @property
    def first_bias(self) -> bool:
        """Whether the first weight has a bias: batch normalization right after it would take it away again."""
        return self.normalization != BATCH_NORM

    @property
    def second_bias(self) -> bool:
        """Whether the last weight has a bias."""
        return self.is_pre or self.normalization != BATCH_NORM

    @property
    def ends_in_norm(self) -> bool:
        """Whether the branch ends in a normalization."""
        return self.has_norm and not self.is_pre

    @property
    def norms(self) -> tuple[tuple[str, int], ...]:
        """Name of each normalization, and how many units or channels it is for."""
        if not self.has_norm:
            return ()
        return ("first_norm", self.inputs if self.is_pre else self.units), ("second_norm", self.units)


def plan(choice: Choice, shape: Shape) -> BlockPlan:
    """Return what a block is made of; raise ``LayerError`` where it cannot take its input."""
    is_image = any(key == "channels" for key, _ in choice.values)
    inputs = image_input(shape)[0] if is_image else flat_input(shape)
    return BlockPlan(
        inputs=inputs,
        units=choice.integer("channels") if is_image else inputs,
        is_image=is_image,
        stride=choice.integer("stride") if is_image else 1,
        order=cast(Order, choice.string("order")),
        normalization=cast(Normalization, choice.string("normalization")),
        is_learned=choice.string("scale") == "learned",
        factor=choice.number("factor"),
        zero_last=choice.flag("zero_last"),
    )


def block_shape(choice: Choice, shape: Shape) -> Shape:
    """Return the output shape of a residual block."""
    block = plan(choice, shape)
    if not block.is_image:
        return shape
    sides = [(extent + 2 * PADDING - KERNEL) // block.stride + 1 for extent in shape[1:]]
    if min(shape[1:]) < block.stride:
        height, width = shape[1:]
        raise LayerError(
            f"its stride of {block.stride} is larger than the image of {height} x {width}. Choose a smaller stride.",
            f"它的步幅 {block.stride} 大于 {height} × {width} 的图像。请减小步幅。",
        )
    return (block.units, *sides)


def block_inside(choice: Choice, shape: Shape) -> int:
    """Return what is kept: what each weight and function of the branch gives, and each normalization takes."""
    block = plan(choice, shape)
    return (3 + len(block.norms)) * math.prod(block_shape(choice, shape))


def block_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return the tensors of a residual block."""
    block = plan(choice, shape)
    side = KERNEL if block.is_image else 1
    found: list[TensorSpec] = []
    if block.projects:
        found += _product("projection", block, block.inputs, 1, has_bias=False)
    found += [
        replace(spec, branch="inner")
        for spec in _product("first", block, block.inputs, side, has_bias=block.first_bias)
    ]
    start = ZEROS if block.zero_last and not block.ends_in_norm else None
    found += [
        replace(spec, branch="last", start=start, activated=block.order == "post_activation")
        for spec in _product("second", block, block.units, side, has_bias=block.second_bias)
    ]
    if block.is_learned:
        fan = block.units * side * side
        found.append(
            TensorSpec(name="scale", shape=(), role="branch_scale", fan_in=fan, fan_out=fan, branch="last")
        )
    for name, size in block.norms:
        is_last = name == "second_norm" and block.ends_in_norm
        fixed = partial(TensorSpec, shape=(size,), role="fixed", branch="last" if is_last else "inner")
        found.append(fixed(name=f"{name}.weight", value=0.0 if is_last and block.zero_last else 1.0))
        found.append(fixed(name=f"{name}.bias"))
    return tuple(found)


def _product(name: str, block: BlockPlan, inputs: int, side: int, has_bias: bool) -> list[TensorSpec]:
    """Return the weight and, if any, the bias of a dense layer or a convolution to the block's own width."""
    fan_in, fan_out = inputs * side * side, block.units * side * side
    kernel = (side, side) if block.is_image else ()
    shapes: list[tuple[str, TensorRole, tuple[int, ...]]] = [
        ("weight", "weight", (block.units, inputs, *kernel)),
        ("bias", "bias", (block.units,)),
    ]
    return [
        TensorSpec(name=f"{name}.{end}", shape=shape, role=role, fan_in=fan_in, fan_out=fan_out)
        for end, role, shape in (shapes if has_bias else shapes[:1])
    ]


def block_buffers(choice: Choice, shape: Shape) -> tuple[BufferSpec, ...]:
    """Return the running means and variances of a residual block with batch normalization."""
    block = plan(choice, shape)
    if block.normalization != BATCH_NORM:
        return ()
    return tuple(
        BufferSpec(name=f"{name}.{number}", shape=(size,), value=start)
        for name, size in block.norms
        for number, start in (("running_mean", 0.0), ("running_var", 1.0))
    )
