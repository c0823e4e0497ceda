"""Normalization layers: they give every unit, example or group of channels mean 0 and variance 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from initviz.catalog import layer_groups
from initviz.catalog import layer_shapes as shapes
from initviz.catalog.parts import LaneForm, TorchLayerPart
from initviz.catalog.signal_steps import Normalized, Step
from initviz.experiment.parameters import FloatParameter, IntParameter
from initviz.experiment.parts import BufferSpec, LayerError, TensorSpec
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Shape, Situation

if TYPE_CHECKING:
    from torch import nn

FLAT_AXES, SEQUENCE_AXES, IMAGE_AXES = 1, 2, 3


def _no_sequence(shape: Shape) -> None:
    if len(shape) == SEQUENCE_AXES:
        raise LayerError(
            "it cannot normalize a sequence. Use layer or RMS normalization, which treat every position by itself.",
            "它不能用于序列。请改用层归一化或 RMS 归一化，它们逐个位置处理。",
        )


def _batch_shape(choice: Choice, shape: Shape) -> Shape:
    _no_sequence(shape)
    return shape


def _layer_shape(choice: Choice, shape: Shape) -> Shape:
    if math.prod(_normalized(shape)) == 1:
        raise LayerError(
            "a single number minus its own mean is always 0, so nothing would pass. Give the layer before it more "
            "units, or remove this one.",
            "单个数减去它自己的均值恒为 0，信号无法通过。请增加前一层的单元数，或删去这一层。",
        )
    return shape


def _group_shape(choice: Choice, shape: Shape) -> Shape:
    _no_sequence(shape)
    channels, groups = shape[0], choice.integer("groups")
    if channels % groups:
        raise LayerError(
            f"{groups} groups cannot share {channels} channels evenly. Choose a number of groups that divides "
            f"{channels}.",
            f"{channels} 个通道不能平均分成 {groups} 组。请选择能整除 {channels} 的组数。",
        )
    if math.prod(shape) == groups:
        raise LayerError(
            "a group of a single number is always 0 once its mean is taken away, so nothing would pass. "
            "Choose fewer groups.",
            "每组只有一个数，减去均值后恒为 0，信号无法通过。请减少组数。",
        )
    return shape


def _by_channel(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    return _scale_and_shift((shape[0],))


def _by_number(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    return _scale_and_shift(_normalized(shape))


def _scale_alone(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    return _scale_and_shift(_normalized(shape))[:1]


def _scale_and_shift(shape: Shape) -> tuple[TensorSpec, ...]:
    return (
        TensorSpec(name="weight", shape=shape, role="fixed", value=1.0),
        TensorSpec(name="bias", shape=shape, role="fixed", value=0.0),
    )


def _normalized(shape: Shape) -> Shape:
    """Return the axes of an example that are normalized together: all of them, but of a sequence only the last."""
    return shape[1:] if len(shape) == SEQUENCE_AXES else shape


def _running(choice: Choice, shape: Shape) -> tuple[BufferSpec, ...]:
    return (
        BufferSpec(name="running_mean", shape=(shape[0],), value=0.0),
        BufferSpec(name="running_var", shape=(shape[0],), value=1.0),
    )


def _needs_a_batch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if situation.data.batch_size > 1:
        return None
    return "data.batch_size", Text(
        "batch normalization compares the examples of a batch with each other, and a batch of 1 has nothing to "
        "compare. Choose a batch size of 2 or more, or use layer normalization.",
        "批归一化要在一批样本之间作比较，而每批只有 1 个样本时无从比较。请把批大小设为 2 或更大，或改用层归一化。",
    )


def _batch_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    kind = nn.BatchNorm2d if len(shape) == IMAGE_AXES else nn.BatchNorm1d
    return kind(shape[0], choice.number("eps"), choice.number("momentum"))


def _batch_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.normalization_forms import BatchNorm

    return BatchNorm(lanes, shape, choice.number("eps"), choice.number("momentum"))


def _layer_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    return nn.LayerNorm(_normalized(shape), choice.number("eps"))


def _layer_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.normalization_forms import OverGroups, OverUnits, Scaled

    eps = choice.number("eps")
    inner = OverGroups(lanes, shape, 1, eps) if len(shape) == IMAGE_AXES else OverUnits(shape[-1], eps)
    return Scaled(lanes, shape, inner)


def _group_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    return nn.GroupNorm(choice.integer("groups"), shape[0], choice.number("eps"))


def _group_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.normalization_forms import OverGroups, Scaled

    inner = OverGroups(lanes, shape, choice.integer("groups"), choice.number("eps"))
    return Scaled(lanes, shape, inner, by_channel=True)


def _rms_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    return nn.RMSNorm(_normalized(shape), choice.number("eps"))


def _rms_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.normalization_forms import RootMeanSquare, Scaled

    return Scaled(lanes, shape, RootMeanSquare(lanes, shape, choice.number("eps")))


def _batch_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    return (Normalized(True, True, choice.number("eps")),)


def _layer_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    return (Normalized(False, True, choice.number("eps")),)


def _group_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    return (Normalized(False, True, choice.number("eps"), choice.integer("groups")),)


def _rms_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    return (Normalized(False, False, choice.number("eps")),)


_EPS = FloatParameter(
    "eps",
    Text("Epsilon", "Epsilon"),
    1e-5,
    Text(
        "Added to the variance, so that a signal that does not vary is not divided by 0.",
        "加在方差上，避免信号毫无变化时除以 0。",
    ),
    minimum=0.0,
    maximum=1.0,
    open_minimum=True,
    log=True,
)

PARTS: tuple[TorchLayerPart, ...] = (
    TorchLayerPart(
        kind="layer",
        key="batch_norm",
        group=layer_groups.NORMALIZATION,
        signal="renewed",
        title=Text("Batch normalization", "批归一化"),
        summary=Text(
            "Gives every unit, or channel of an image, mean 0 and variance 1 over the batch, then a learned scale and "
            "shift.",
            "让每个单元（或图像的每个通道）在一批样本上均值为 0、方差为 1，再乘以可学习的系数并加上偏移。",
        ),
        parameters=(
            FloatParameter(
                "momentum",
                Text("Momentum", "动量"),
                0.1,
                Text(
                    "Share of the newest batch in the running mean and variance; evaluation uses these, and so does a "
                    "last batch of a single example.",
                    "最新一批在滑动均值和方差中所占的比例；评估时，以及最后一批只有一个样本时，使用的就是它们。",
                ),
                minimum=0.0,
                maximum=1.0,
            ),
            _EPS,
        ),
        formula=r"y = \gamma\, \frac{x - \mu_{B}}{\sqrt{\sigma_{B}^2 + \epsilon}} + \beta",
        source="Ioffe and Szegedy 2015, arXiv:1502.03167",
        aliases=("batchnorm",),
        mismatch=_needs_a_batch,
        output_shape=_batch_shape,
        tensors=_by_channel,
        buffers=_running,
        steps=_batch_steps,
        module=_batch_module,
        lanes=_batch_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="layer_norm",
        group=layer_groups.NORMALIZATION,
        signal="renewed",
        title=Text("Layer normalization", "层归一化"),
        summary=Text(
            "Gives every example mean 0 and variance 1 over all its units, whatever else is in the batch, then a "
            "learned scale and shift.",
            "让每个样本在它的所有单元上均值为 0、方差为 1，与同批的其他样本无关，再乘以可学习的系数并加上偏移。",
        ),
        parameters=(_EPS,),
        formula=r"y = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta",
        source="Ba et al. 2016, arXiv:1607.06450",
        aliases=("layernorm",),
        output_shape=_layer_shape,
        tensors=_by_number,
        steps=_layer_steps,
        module=_layer_module,
        lanes=_layer_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="group_norm",
        group=layer_groups.NORMALIZATION,
        signal="renewed",
        title=Text("Group normalization", "组归一化"),
        summary=Text(
            "Gives every group of channels of an example mean 0 and variance 1, then a learned scale and shift a "
            "channel.",
            "把每个样本的通道分组，让每组均值为 0、方差为 1，再逐通道乘以可学习的系数并加上偏移。",
        ),
        parameters=(
            IntParameter(
                "groups",
                Text("Groups", "组数"),
                2,
                Text(
                    "Number of groups; it must divide the number of channels, and 1 takes them all together.",
                    "分成多少组；必须能整除通道数，1 表示所有通道合为一组。",
                ),
                minimum=1,
                maximum=8192,
                log=True,
            ),
            _EPS,
        ),
        formula=r"y = \gamma_{c}\, \frac{x - \mu_{g}}{\sqrt{\sigma_{g}^2 + \epsilon}} + \beta_{c}",
        source="Wu and He 2018, arXiv:1803.08494",
        aliases=("groupnorm",),
        output_shape=_group_shape,
        tensors=_by_channel,
        steps=_group_steps,
        module=_group_module,
        lanes=_group_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="rms_norm",
        group=layer_groups.NORMALIZATION,
        signal="renewed",
        title=Text("RMS normalization", "RMS 归一化（均方根归一化）"),
        summary=Text(
            "Divides every example by its root mean square and leaves its mean alone, then a learned scale.",
            "把每个样本除以它的均方根，不减均值，再乘以可学习的系数。",
        ),
        parameters=(_EPS,),
        formula=r"y = \gamma \odot \frac{x}{\sqrt{\mathrm{mean}(x^2) + \epsilon}}",
        source="Zhang and Sennrich 2019, arXiv:1910.07467",
        aliases=("rmsnorm",),
        output_shape=shapes.same_shape,
        tensors=_scale_alone,
        steps=_rms_steps,
        module=_rms_module,
        lanes=_rms_form,
    ),
)
