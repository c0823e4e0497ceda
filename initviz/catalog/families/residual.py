"""Networks of residual blocks on images, and what all families of residual blocks let one choose."""

from __future__ import annotations

import math

from initviz.catalog.families.layer_choice import layer
from initviz.catalog.residual_layers import (
    ACTIVATION,
    FACTOR,
    NORMALIZATION,
    ORDER,
    SCALE,
    ZERO_LAST,
)
from initviz.experiment.parameters import ChoiceParameter, FloatParameter, IntParameter, Parameter, Value
from initviz.experiment.parts import FamilyPart
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo, LayerSpec, Situation

SMALLEST_HALVED = 4
"""Shortest side of an image that is still halved between stages."""

INVERSE_SQRT = "inverse_sqrt"

FAMILY_SCALE = ChoiceParameter(
    SCALE.key,
    SCALE.title,
    SCALE.default,
    Text(
        "What multiplies every branch: a learned number, the factor below, or 1/√L in a network of L blocks.",
        "每个分支乘以什么：一个可学习的数、下面的因子，或在有 L 个块的网络中取 1/√L。",
    ),
    (*SCALE.choices, (INVERSE_SQRT, Text("1/√(number of blocks)", "1/√（块数）"))),
)

FAMILY_FACTOR = FloatParameter(
    FACTOR.key,
    FACTOR.title,
    FACTOR.default,
    Text(
        "Fixed number that multiplies every branch, on top of a learned one.",
        "与每个分支相乘的固定数；若有可学习的系数，则在其之上再乘。",
    ),
    minimum=FACTOR.minimum,
    maximum=FACTOR.maximum,
)

BRANCH_PARAMETERS: tuple[Parameter, ...] = (ORDER, NORMALIZATION, FAMILY_SCALE, FAMILY_FACTOR, ZERO_LAST)
"""What a family of residual blocks lets one choose of its blocks, beside their activation."""


def branch_values(choice: Choice, num_blocks: int) -> dict[str, Value]:
    """Return the values of each block.

    Args:
        choice: Of a family with ``BRANCH_PARAMETERS``.
        num_blocks: Blocks in the whole network (L).
    """
    scale, factor = choice.string(FAMILY_SCALE.key), choice.number(FAMILY_FACTOR.key)
    if scale == INVERSE_SQRT:
        scale, factor = "fixed", factor / math.sqrt(num_blocks)
    return {
        ACTIVATION.key: choice.string(ACTIVATION.key),
        ORDER.key: choice.string(ORDER.key),
        NORMALIZATION.key: choice.string(NORMALIZATION.key),
        SCALE.key: scale,
        FACTOR.key: factor,
        ZERO_LAST.key: choice.flag(ZERO_LAST.key),
    }


def ending(choice: Choice, *, images: bool = False) -> tuple[LayerSpec, ...]:
    """Return what follows the last block: with pre-activation the sum has not passed through anything yet.

    Args:
        choice: Of a family with ``BRANCH_PARAMETERS``.
        images: Whether the blocks put out images, whose layer normalization is that of one group of all channels.
    """
    if choice.string(ORDER.key) != "pre_activation":
        return ()
    activation = layer("activation", function=choice.string(ACTIVATION.key))
    normalization = choice.string(NORMALIZATION.key)
    if normalization == "none":
        return (activation,)
    if normalization == "layer_norm" and images:
        return (layer("group_norm", groups=1), activation)
    return (layer(normalization), activation)


def _resnet(choice: Choice, info: DataInfo) -> tuple[LayerSpec, ...]:
    channels, stages, blocks = (choice.integer(key) for key in ("channels", "stages", "blocks"))
    branch = branch_values(choice, stages * blocks)
    activation = layer("activation", function=choice.string(ACTIVATION.key))
    layers: list[LayerSpec] = [layer("conv", channels=channels, kernel=3, stride=1, padding=1)]
    if choice.string(ORDER.key) == "post_activation":
        layers.append(activation)
    side = min(info.shape[1:], default=1)
    for stage in range(stages):
        for block in range(blocks):
            halves = stage > 0 and block == 0 and side >= SMALLEST_HALVED
            side = (side + 1) // 2 if halves else side
            stride = 2 if halves else 1
            layers.append(layer("conv_residual", None, channels=channels * 2**stage, stride=stride, **branch))
    return (*layers, *ending(choice, images=True), layer("avg_pool", size=side), layer("flatten"))


def _mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if len(situation.info.shape) == 3:
        return None
    return "family", Text(
        "a residual network of convolutions needs images, but these examples are lists of numbers. Choose the "
        "residual perceptron, or a data set of images.",
        "卷积残差网络需要图像，而这些样本是一列数。请改用残差感知机，或选择图像数据集。",
    )


PARTS: tuple[FamilyPart, ...] = (
    FamilyPart(
        kind="family",
        key="resnet",
        title=Text("Residual network", "残差网络"),
        summary=Text(
            "A convolution, then stages of residual blocks of two 3 x 3 convolutions; from stage to stage the image is "
            "halved and the channels are doubled; for images only.",
            "先是一个卷积层，再接若干阶段的残差块，每块含两个 3×3 卷积；阶段之间图像减半、通道数加倍；仅适用于图像。",
        ),
        parameters=(
            IntParameter(
                "stages",
                Text("Stages", "阶段数"),
                2,
                Text("Groups of blocks that see the image at one size.", "以同一图像尺寸工作的块组数。"),
                minimum=1,
                maximum=5,
            ),
            IntParameter(
                "blocks",
                Text("Blocks", "块数"),
                2,
                Text("Residual blocks of every stage.", "每个阶段的残差块数。"),
                minimum=1,
                maximum=40,
                log=True,
            ),
            IntParameter(
                "channels",
                Text("Channels", "通道数"),
                8,
                Text("Kernels of the first stage.", "第一阶段的卷积核个数。"),
                minimum=1,
                maximum=4096,
                log=True,
            ),
            ACTIVATION,
            *BRANCH_PARAMETERS,
        ),
        formula=r"x_{l+1} = P_{l} \star x_{l} + s_{l}\, F_{l}(x_{l})",
        source="He et al. 2016, arXiv:1512.03385 and arXiv:1603.05027",
        mismatch=_mismatch,
        layers=_resnet,
    ),
)
