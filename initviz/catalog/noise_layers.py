"""Layers that leave out a random part in training, of the activations or of the weights, and the learned rectifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog import layer_groups, layers
from initviz.catalog import layer_shapes as shapes
from initviz.catalog.parts import LaneForm, TorchLayerPart
from initviz.catalog.signal_steps import Applied, Masked, Product, Step
from initviz.experiment.parameters import BoolParameter, FloatParameter
from initviz.experiment.parts import LayerError, TensorSpec
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Shape

if TYPE_CHECKING:
    from torch import nn

DENSE = next(part for part in layers.PARTS if part.key == "dense")
SEQUENCE_AXES = 2


def _dropout_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    return nn.Dropout(choice.number("rate"))


def _dropout_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.noise_forms import Dropout

    return Dropout(lanes, shape, choice.number("rate"))


def _drop_connect_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog.noise_modules import DropConnectLinear

    return DropConnectLinear(shape[-1], choice.integer("units"), choice.number("rate"), choice.flag("bias"))


def _drop_connect_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.noise_forms import DropConnect

    if DENSE.lanes is None:
        raise TypeError("a dense layer has a lane form")
    dense = DENSE.lanes(choice, shape, lanes)
    if not isinstance(dense, LaneForm):
        raise TypeError("a dense layer tells its own gradient")
    return DropConnect(dense, lanes, choice.number("rate"))


def _dropout_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    return (Masked(1 - choice.number("rate")),)


def _drop_connect_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    bias = "bias" if choice.flag("bias") else ""
    return (Product("weight", bias, keep=1 - choice.number("rate")),)


def _prelu_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    from initviz.catalog.activation_curves import leaky

    return (Applied(leaky(choice.number("slope"))),)


def _prelu_shape(choice: Choice, shape: Shape) -> Shape:
    if choice.flag("by_channel") and len(shape) == SEQUENCE_AXES:
        raise LayerError(
            "in a sequence it has one slope for all units. Switch off 'a slope for each unit'.",
            "用在序列上时，所有单元只能共用一个斜率。请关闭“每个单元各有斜率”。",
        )
    return shape


def _prelu_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    count = shape[0] if choice.flag("by_channel") else 1
    return (TensorSpec(name="weight", shape=(count,), role="fixed", value=choice.number("slope")),)


def _prelu_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    return nn.PReLU(shape[0] if choice.flag("by_channel") else 1, choice.number("slope"))


def _prelu_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.noise_forms import PReLU

    return PReLU(lanes, shape, choice.flag("by_channel"))


PARTS: tuple[TorchLayerPart, ...] = (
    TorchLayerPart(
        kind="layer",
        key="dropout",
        group=layer_groups.REGULARIZATION,
        title=Text("Dropout", "Dropout（随机失活）"),
        summary=Text(
            "In training sets a random share of the activations to 0 and enlarges the others to make up for it; "
            "evaluation uses them all.",
            "训练时随机把一部分激活值置 0，并相应放大其余的；评估时使用全部激活值。",
        ),
        parameters=(
            FloatParameter(
                "rate",
                Text("Rate", "丢弃率"),
                0.5,
                Text(
                    "Probability with which an activation is left out of a step.",
                    "每一步中每个激活值被丢弃的概率。",
                ),
                minimum=0.0,
                maximum=1.0,
                open_maximum=True,
            ),
        ),
        formula=r"y = \frac{m \odot x}{1 - p},\quad m \sim \mathrm{Bernoulli}(1 - p)",
        source="Srivastava et al. 2014, J. Mach. Learn. Res. 15, 1929-1958",
        output_shape=shapes.same_shape,
        tensors=shapes.no_tensors,
        steps=_dropout_steps,
        module=_dropout_module,
        lanes=_dropout_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="drop_connect",
        group=layer_groups.REGULARIZATION,
        title=Text("DropConnect", "DropConnect（随机断连）"),
        summary=Text(
            "A dense layer that in training does without a random share of its weights, not of its activations; "
            "evaluation uses the mean weights.",
            "一种全连接层：训练时随机去掉一部分权重（而不是激活值），评估时使用权重的均值。",
        ),
        parameters=(
            DENSE.parameter("units"),
            FloatParameter(
                "rate",
                Text("Rate", "丢弃率"),
                0.5,
                Text(
                    "Probability with which a weight is left out of a step, for all examples of the batch alike.",
                    "每一步中每个权重被去掉的概率；同一批的所有样本相同。",
                ),
                minimum=0.0,
                maximum=1.0,
                open_maximum=True,
            ),
            DENSE.parameter("bias"),
        ),
        formula=r"z = \frac{M \odot W}{1 - p}\, x + b,\quad M_{oi} \sim \mathrm{Bernoulli}(1 - p)",
        source="Wan et al. 2013, Proc. ICML 30, 1058-1066",
        aliases=("dropconnect",),
        output_shape=DENSE.output_shape,
        tensors=DENSE.tensors,
        steps=_drop_connect_steps,
        module=_drop_connect_module,
        lanes=_drop_connect_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="prelu",
        group=layer_groups.BASIC,
        title=Text("PReLU", "PReLU（参数化 ReLU）"),
        summary=Text(
            "Leaky ReLU whose slope below 0 is learned along with the weights.",
            "负半轴斜率与权重一起学习的 Leaky ReLU。",
        ),
        parameters=(
            FloatParameter(
                "slope",
                Text("Slope at the start", "初始斜率"),
                0.25,
                Text(
                    "Slope below 0 before the first step; 0 starts as ReLU, 1 as the identity.",
                    "第一步之前负半轴的斜率；0 相当于 ReLU，1 相当于恒等函数。",
                ),
                minimum=0.0,
                maximum=1.0,
            ),
            BoolParameter(
                "by_channel",
                Text("A slope for each unit", "每个单元各有斜率"),
                False,
                Text(
                    "Whether every unit, or channel of an image, learns a slope of its own; otherwise they share one.",
                    "是否让每个单元（或图像的每个通道）学习自己的斜率；否则整层共用一个。",
                ),
            ),
        ),
        formula=r"y = \max(0, x) + a \min(0, x)",
        source="He et al. 2015, arXiv:1502.01852",
        output_shape=_prelu_shape,
        tensors=_prelu_tensors,
        is_activation=True,
        acts_as="leaky_relu",
        start_keys=("slope",),
        steps=_prelu_steps,
        module=_prelu_module,
        lanes=_prelu_form,
    ),
)
