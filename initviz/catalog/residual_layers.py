"""Residual blocks: layers whose result is added to their input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog import layer_groups
from initviz.catalog import residual_shapes as shapes
from initviz.catalog.parts import ActivationPart, LaneForward, TorchLayerPart
from initviz.catalog.signal_steps import Added, Applied, Normalized, Product, Step
from initviz.experiment.parameters import (
    BoolParameter,
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    PartParameter,
)
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Shape, Situation

if TYPE_CHECKING:
    from torch import nn

ACTIVATION = PartParameter(
    "activation",
    Text("Activation", "激活函数"),
    "relu",
    Text("Function inside the branch.", "分支内部的函数。"),
    part_kind="activation",
)

ORDER = ChoiceParameter(
    "order",
    Text("Order", "顺序"),
    "plain",
    Text(
        "Where the activation stands: once between the two layers, on the sum as well, or before each layer.",
        "激活函数的位置：只在两层之间、在相加之后再用一次，或在每一层之前。",
    ),
    (
        ("plain", Text("Plain", "朴素")),
        ("post_activation", Text("Post-activation", "后激活")),
        ("pre_activation", Text("Pre-activation", "预激活")),
    ),
)

NORMALIZATION = ChoiceParameter(
    "normalization",
    Text("Normalization", "归一化"),
    "none",
    Text(
        "Normalizes inside the branch: after each layer, or before each activation where that comes first.",
        "分支内的归一化：位于每一层之后；预激活时位于每个激活函数之前。",
    ),
    (
        ("none", Text("None", "无")),
        ("batch_norm", Text("Batch normalization", "批归一化")),
        ("layer_norm", Text("Layer normalization", "层归一化")),
    ),
)

SCALE = ChoiceParameter(
    "scale",
    Text("Branch scale", "分支系数"),
    "learned",
    Text(
        "Whether a learned number multiplies the branch; it starts at 1, or at 0 with SkipInit and ReZero.",
        "分支是否乘以一个可学习的数；它从 1 开始，使用 SkipInit 和 ReZero 时从 0 开始。",
    ),
    (("learned", Text("Learned", "可学习")), ("fixed", Text("Fixed", "固定"))),
)

FACTOR = FloatParameter(
    "factor",
    Text("Branch factor", "分支因子"),
    1.0,
    Text(
        "Fixed number that multiplies the branch; 1/√L in a network of L blocks keeps the signal bounded.",
        "与分支相乘的固定数；在有 L 个块的网络中取 1/√L，信号就保持有界。",
    ),
    minimum=0.0,
    maximum=10.0,
)

ZERO_LAST = BoolParameter(
    "zero_last",
    Text("Zero last layer", "末层置零"),
    False,
    Text(
        "Starts what ends the branch at 0, its last layer or the normalization after it, so that it adds nothing at "
        "first.",
        "让分支的末端从 0 开始（最后一层，或其后的归一化），因此分支起初不添加任何东西。",
    ),
)

BLOCK_PARAMETERS: tuple[Parameter, ...] = (ORDER, NORMALIZATION, SCALE, FACTOR, ZERO_LAST)
"""What every kind of residual block lets one choose beside its activation."""


def _activation(choice: Choice) -> ActivationPart:
    from initviz.catalog import activations

    return next(part for part in activations.PARTS if part.key == choice.string("activation"))


def _module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog.blocks import ResidualBlock

    return ResidualBlock(shapes.plan(choice, shape), _activation(choice).module(choice))


def _form(choice: Choice, shape: Shape, lanes: int) -> LaneForward:
    from initviz.catalog.residual_forms import ResidualForm

    names = [spec.name for spec in shapes.block_tensors(choice, shape)]
    return ResidualForm(shapes.plan(choice, shape), names, lanes, _activation(choice).function(choice))


def _steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    block = shapes.plan(choice, shape)
    function = Applied(_activation(choice).curve(choice))
    kernel, padding = (shapes.KERNEL, shapes.PADDING) if block.is_image else (0, 0)
    norm: tuple[Step, ...] = ()
    if block.has_norm:
        norm = (Normalized(block.normalization == shapes.BATCH_NORM, True, shapes.EPS),)
    first = Product("first.weight", "first.bias" if block.first_bias else "", kernel, block.stride, padding)
    second = Product("second.weight", "second.bias" if block.second_bias else "", kernel, 1, padding)
    branch: tuple[Step, ...] = (first, *norm, function, second, *norm)
    if block.is_pre:
        branch = (*norm, function, first, *norm, function, second)
    stream: tuple[Step, ...] = ()
    if block.projects:
        stream = (Product("projection.weight", "", 1, block.stride, 0),)
    # A normalization that ends the branch starts at 0 where the branch is to add nothing.
    factor = 0.0 if block.zero_last and block.ends_in_norm else block.factor
    added = Added(stream, branch, factor, block.is_learned)
    return (added, function) if block.order == "post_activation" else (added,)


def _dense_mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if choice.string("normalization") != shapes.BATCH_NORM or situation.data.batch_size > 1:
        return None
    return "data.batch_size", Text(
        "batch normalization in a residual block needs more than one example a batch: of a single one the variance "
        "is 0. Choose a larger batch, or layer normalization in the block.",
        "残差块中的批归一化要求每批多于一个样本：只有一个样本时方差为 0。请增大批大小，或在残差块中改用层归一化。",
    )


PARTS: tuple[TorchLayerPart, ...] = (
    TorchLayerPart(
        kind="layer",
        key="residual",
        group=layer_groups.RESIDUAL,
        title=Text("Residual block", "残差块"),
        summary=Text(
            "Two dense layers whose result, times a scale, is added to their input.",
            "两个全连接层的结果乘以一个系数后，与输入相加。",
        ),
        parameters=(ACTIVATION, *BLOCK_PARAMETERS),
        formula=r"y = x + s \, (W_2 \, \phi(W_1 x + b_1) + b_2)",
        source="He et al. 2016, arXiv:1512.03385 and arXiv:1603.05027; Bachlechner et al. 2021, arXiv:2003.04887",
        mismatch=_dense_mismatch,
        output_shape=shapes.block_shape,
        tensors=shapes.block_tensors,
        buffers=shapes.block_buffers,
        inside=shapes.block_inside,
        start_keys=(ZERO_LAST.key,),
        steps=_steps,
        module=_module,
        lanes=_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="conv_residual",
        group=layer_groups.RESIDUAL,
        title=Text("Convolutional residual block", "卷积残差块"),
        summary=Text(
            "Two 3 x 3 convolutions whose result, times a scale, is added to their input; where channels or stride "
            "change, the input passes through a 1 x 1 convolution.",
            "两个 3×3 卷积的结果乘以一个系数后，与输入相加；通道数或步幅改变时，输入先经过 1×1 卷积。",
        ),
        parameters=(
            IntParameter(
                "channels",
                Text("Channels", "通道数"),
                16,
                Text("Kernels of each convolution.", "每个卷积的卷积核个数。"),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
            IntParameter(
                "stride",
                Text("Stride", "步幅"),
                1,
                Text("How far the first convolution moves at a time.", "第一个卷积每次移动的距离。"),
                minimum=1,
                maximum=63,
                unit="px",
            ),
            ACTIVATION,
            *BLOCK_PARAMETERS,
        ),
        formula=r"y = P \star x + s \, (W_2 \star \phi(W_1 \star x + b_1) + b_2)",
        source="He et al. 2016, arXiv:1512.03385 and arXiv:1603.05027; Zhang et al. 2019, arXiv:1901.09321",
        output_shape=shapes.block_shape,
        tensors=shapes.block_tensors,
        buffers=shapes.block_buffers,
        inside=shapes.block_inside,
        start_keys=(ZERO_LAST.key,),
        steps=_steps,
        module=_module,
        lanes=_form,
    ),
)
