"""Kinds of layers, and how each runs alone and in lanes. What they make of a shape is in ``layer_shapes``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog import layer_groups
from initviz.catalog import layer_shapes as shapes
from initviz.catalog.parts import ActivationPart, LaneForm, LaneForward, TorchLayerPart
from initviz.catalog.signal_steps import Applied, Flattened, Product, Step
from initviz.experiment.parameters import BoolParameter, FloatParameter, IntParameter, PartParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Shape

if TYPE_CHECKING:
    from torch import nn


def _activation(choice: Choice, key: str) -> ActivationPart:
    """Return the activation that a layer's choice names under ``key``."""
    from initviz.catalog import activations

    return next(part for part in activations.PARTS if part.key == choice.string(key))


def _dense_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    return nn.Linear(shapes.dense_input(shape), choice.integer("units"), bias=choice.flag("bias"))


def _dense_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog import lane_forms

    has_bias = choice.flag("bias")
    form = lane_forms.DenseAlone(has_bias) if lanes == 1 else lane_forms.DenseLanes(lanes, has_bias)
    return form if len(shape) == 1 else lane_forms.DensePositions(form, shape[0])


def _conv_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    return nn.Conv2d(
        shapes.image_input(shape)[0],
        choice.integer("channels"),
        choice.integer("kernel"),
        choice.integer("stride"),
        choice.integer("padding"),
        bias=choice.flag("bias"),
    )


def _conv_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog import lane_forms

    return lane_forms.Convolution(
        lanes,
        shapes.image_input(shape)[0],
        choice.integer("channels"),
        choice.integer("stride"),
        choice.integer("padding"),
        choice.flag("bias"),
    )


def _max_pool_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    return nn.MaxPool2d(choice.integer("size"))


def _avg_pool_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    return nn.AvgPool2d(choice.integer("size"))


def _max_pool_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog import lane_forms

    return lane_forms.MaxPool(choice.integer("size"))


def _avg_pool_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog import lane_forms

    return lane_forms.AveragePool(choice.integer("size"))


def _flatten_module(choice: Choice, shape: Shape) -> nn.Module:
    from torch import nn

    return nn.Flatten()


def _flatten_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog import lane_forms

    return lane_forms.Flatten(lanes, shape)


def _activation_module(choice: Choice, shape: Shape) -> nn.Module:
    return _activation(choice, "function").module(choice)


def _activation_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm | LaneForward:
    from initviz.catalog import lane_forms

    part = _activation(choice, "function")
    function = part.function(choice)
    if part.gradient is None:
        return lambda x, tensors, observe: function(x)
    return lane_forms.Elementwise(function, part.gradient(choice))


def _dense_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    return (Product("weight", "bias" if choice.flag("bias") else ""),)


def _conv_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    sizes = (choice.integer(key) for key in ("kernel", "stride", "padding"))
    return (Product("weight", "bias" if choice.flag("bias") else "", *sizes),)


def _activation_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    return (Applied(_activation(choice, "function").curve(choice)),)


def _flatten_steps(choice: Choice, shape: Shape) -> tuple[Step, ...]:
    return (Flattened(),)


_BIAS = BoolParameter(
    "bias",
    Text("Bias", "偏置"),
    True,
    Text("Whether a learned number is added to every output.", "是否给每个输出加上一个可学习的数。"),
)

_SIZE = IntParameter(
    "size",
    Text("Window", "窗口"),
    2,
    Text("Side of the square window, which is also its stride.", "正方形窗口的边长，也是步幅。"),
    minimum=1,
    maximum=64,
)

PARTS: tuple[TorchLayerPart, ...] = (
    TorchLayerPart(
        kind="layer",
        key="dense",
        group=layer_groups.BASIC,
        signal="sum",
        title=Text("Dense", "全连接层"),
        summary=Text(
            "Every unit sees every input: a weight matrix and a bias. On a sequence, the same ones at every step.",
            "每个单元都与所有输入相连：一个权重矩阵加一个偏置。对序列，每一步都用同一组权重。",
        ),
        parameters=(
            IntParameter(
                "units",
                Text("Units", "单元数"),
                64,
                Text("Number of outputs.", "输出的个数。"),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
            _BIAS,
        ),
        formula=r"z = W x + b",
        source="Rosenblatt 1958, doi:10.1037/h0042519",
        aliases=("linear",),
        output_shape=shapes.dense_shape,
        tensors=shapes.dense_tensors,
        steps=_dense_steps,
        module=_dense_module,
        lanes=_dense_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="conv",
        group=layer_groups.BASIC,
        signal="sum",
        title=Text("Convolution", "卷积层"),
        summary=Text(
            "The same small kernels slide over the whole image, one a channel of output.",
            "同一组小卷积核滑过整幅图像，每个输出通道一个。",
        ),
        parameters=(
            IntParameter(
                "channels",
                Text("Channels", "通道数"),
                16,
                Text(
                    "Number of kernels, each giving a channel of output.",
                    "卷积核的个数，每个产生一个输出通道。",
                ),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
            IntParameter(
                "kernel",
                Text("Kernel", "卷积核"),
                3,
                Text("Side of the square kernel.", "正方形卷积核的边长。"),
                minimum=1,
                maximum=63,
                unit="px",
            ),
            IntParameter(
                "stride",
                Text("Stride", "步幅"),
                1,
                Text("How far the kernel moves at a time.", "卷积核每次移动的距离。"),
                minimum=1,
                maximum=63,
                unit="px",
            ),
            IntParameter(
                "padding",
                Text("Padding", "填充"),
                1,
                Text("Rows and columns of zeros added on every side.", "在图像四周各补多少行、多少列零。"),
                minimum=0,
                maximum=63,
                unit="px",
            ),
            _BIAS,
        ),
        formula=r"z_{o} = \sum_{i} W_{oi} \star x_{i} + b_{o}",
        source="LeCun et al. 1989, doi:10.1162/neco.1989.1.4.541",
        aliases=("conv2d",),
        output_shape=shapes.conv_shape,
        tensors=shapes.conv_tensors,
        steps=_conv_steps,
        module=_conv_module,
        lanes=_conv_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="max_pool",
        group=layer_groups.BASIC,
        title=Text("Max pooling", "最大池化"),
        summary=Text(
            "Keeps the largest value of every window, which shrinks the image.",
            "保留每个窗口中的最大值，从而缩小图像。",
        ),
        parameters=(_SIZE,),
        formula=r"y = \max_{\text{window}} x",
        source="Riesenhuber and Poggio 1999, doi:10.1038/14819",
        output_shape=shapes.pool_shape,
        tensors=shapes.no_tensors,
        module=_max_pool_module,
        lanes=_max_pool_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="avg_pool",
        group=layer_groups.BASIC,
        title=Text("Average pooling", "平均池化"),
        summary=Text("Averages every window, which shrinks the image.", "对每个窗口取平均，从而缩小图像。"),
        parameters=(_SIZE,),
        formula=r"y = \frac{1}{s^2} \sum_{\text{window}} x",
        source="LeCun et al. 1998, doi:10.1109/5.726791",
        output_shape=shapes.pool_shape,
        tensors=shapes.no_tensors,
        module=_avg_pool_module,
        lanes=_avg_pool_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="flatten",
        group=layer_groups.BASIC,
        signal="same",
        title=Text("Flatten", "展平层"),
        summary=Text(
            "Lays an image or a sequence out as one list of numbers, so that a dense layer can read all of it.",
            "把图像或序列展开成一列数，供全连接层整体读取。",
        ),
        source="PyTorch manual, torch.nn.Flatten",
        output_shape=shapes.flatten_shape,
        tensors=shapes.no_tensors,
        steps=_flatten_steps,
        module=_flatten_module,
        lanes=_flatten_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="activation",
        group=layer_groups.BASIC,
        title=Text("Activation", "激活层"),
        summary=Text("Applies one function to every number.", "对每个数应用同一个函数。"),
        parameters=(
            PartParameter(
                "function",
                Text("Function", "函数"),
                "relu",
                Text("Which function.", "使用哪个函数。"),
                part_kind="activation",
            ),
            FloatParameter(
                "slope",
                Text("Slope", "斜率"),
                None,
                Text(
                    "Slope of leaky ReLU below 0, or the depth alpha of ELU; leave it open for the usual value.",
                    "Leaky ReLU 在负半轴的斜率，或 ELU 的 alpha；留空则用通常的值。",
                ),
                minimum=0.0,
                maximum=10.0,
                optional=True,
            ),
        ),
        formula=r"y = \phi(x)",
        source="McCulloch and Pitts 1943, doi:10.1007/BF02478259",
        output_shape=shapes.same_shape,
        tensors=shapes.no_tensors,
        is_activation=True,
        steps=_activation_steps,
        module=_activation_module,
        lanes=_activation_form,
    ),
)
