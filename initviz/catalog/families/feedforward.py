"""Networks in which the signal runs straight through: multilayer perceptron, convolutional, residual."""

from __future__ import annotations

from initviz.catalog.families.hidden_layers import (
    DROP_CONNECT,
    DROPOUT,
    NORMALIZATION,
    PLACE,
    activated,
    dropped,
)
from initviz.catalog.families.layer_choice import layer
from initviz.catalog.families.residual import BRANCH_PARAMETERS, branch_values, ending
from initviz.catalog.residual_layers import ORDER
from initviz.experiment.parameters import BoolParameter, IntParameter, PartParameter
from initviz.experiment.parts import FamilyPart
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo, LayerSpec, Shape, Tie

SMALLEST_POOLED = 4
"""Shortest side of an image that is still halved."""

ACTIVATION = PartParameter(
    "activation",
    Text("Activation", "激活函数"),
    "relu",
    Text("Function applied to every hidden unit.", "作用于每个隐藏单元的函数。"),
    part_kind="activation",
)

WIDTH = IntParameter(
    "width",
    Text("Width", "宽度"),
    64,
    Text("Units of every hidden layer.", "每个隐藏层的单元数。"),
    minimum=1,
    maximum=1_000_000,
    log=True,
)


def _flat(shape: Shape) -> tuple[LayerSpec, ...]:
    return (layer("flatten"),) if len(shape) > 1 else ()


def _mlp(choice: Choice, info: DataInfo) -> tuple[LayerSpec, ...]:
    width, rate = choice.integer("width"), choice.number(DROP_CONNECT.key)
    kind, values = ("drop_connect", {"rate": rate}) if rate > 0 else ("dense", {})
    rest = activated(choice, width) + dropped(choice)
    shared = Tie(f"{kind}_2") if choice.flag("tied") else None
    layers = _flat(info.shape)
    for place in range(1, choice.integer("depth") + 1):
        layers += (layer(kind, shared if place > 2 else None, units=width, **values), *rest)
    return layers


def _cnn(choice: Choice, info: DataInfo) -> tuple[LayerSpec, ...]:
    channels = choice.integer("channels")
    block = (
        layer("conv", channels=channels, kernel=3, stride=1, padding=1),
        *activated(choice, channels),
    )
    side = min(info.shape[1:], default=0)
    layers: tuple[LayerSpec, ...] = ()
    for _ in range(choice.integer("blocks")):
        layers += block
        if side >= SMALLEST_POOLED:
            layers += (layer("max_pool", size=2),)
            side //= 2
        layers += dropped(choice)
    return (*layers, layer("flatten"))


def _resnet_mlp(choice: Choice, info: DataInfo) -> tuple[LayerSpec, ...]:
    entrance = (*_flat(info.shape), layer("dense", units=choice.integer("width")))
    if choice.string(ORDER.key) == "post_activation":
        entrance += (layer("activation", function=choice.string("activation")),)
    blocks = choice.integer("blocks")
    return entrance + (layer("residual", None, **branch_values(choice, blocks)),) * blocks + ending(choice)


PARTS: tuple[FamilyPart, ...] = (
    FamilyPart(
        kind="family",
        key="mlp",
        title=Text("Multilayer perceptron", "多层感知机"),
        summary=Text(
            "Hidden layers of equal width, each a dense layer with an activation after it.",
            "若干宽度相同的隐藏层，每层由全连接层加激活函数组成。",
        ),
        parameters=(
            IntParameter(
                "depth",
                Text("Depth", "深度"),
                12,
                Text("Hidden layers; the output layer comes on top.", "隐藏层数；输出层另加。"),
                minimum=1,
                maximum=200,
                log=True,
            ),
            WIDTH,
            ACTIVATION,
            NORMALIZATION,
            PLACE,
            DROPOUT,
            DROP_CONNECT,
            BoolParameter(
                "tied",
                Text("One weight for all layers", "所有层共用一个权重"),
                False,
                Text(
                    "Whether all hidden layers from the second on share one weight matrix; biases stay their own.",
                    "从第二个隐藏层起，所有隐藏层是否共用同一个权重矩阵；偏置仍各自独立。",
                ),
            ),
        ),
        formula=r"x_{l+1} = \phi(W_{l} x_{l} + b_{l})",
        source="Rumelhart et al. 1986, doi:10.1038/323533a0",
        layers=_mlp,
        depth_key="depth",
    ),
    FamilyPart(
        kind="family",
        key="cnn",
        title=Text("Convolutional network", "卷积网络"),
        summary=Text(
            "3 x 3 convolutions with an activation after each, halving the image while it is at least 4 pixels wide; "
            "for images only.",
            "若干 3×3 卷积层，各接一个激活函数；图像边长不小于 4 像素时，每层之后减半；仅适用于图像。",
        ),
        parameters=(
            IntParameter(
                "channels",
                Text("Channels", "通道数"),
                16,
                Text("Kernels of every convolution.", "每个卷积层的卷积核个数。"),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
            IntParameter(
                "blocks",
                Text("Blocks", "块数"),
                2,
                Text("Convolutions one after another.", "依次相连的卷积层数。"),
                minimum=1,
                maximum=200,
                log=True,
            ),
            ACTIVATION,
            NORMALIZATION,
            PLACE,
            DROPOUT,
        ),
        formula=r"x_{l+1} = \mathrm{pool}\left(\phi(W_{l} \star x_{l} + b_{l})\right)",
        source="LeCun et al. 1998, doi:10.1109/5.726791",
        layers=_cnn,
        depth_key="blocks",
    ),
    FamilyPart(
        kind="family",
        key="resnet_mlp",
        title=Text("Residual perceptron", "残差感知机"),
        summary=Text(
            "A dense layer, then residual blocks of two dense layers each, whose result is added to their input.",
            "先是一个全连接层，再接若干残差块；每块含两个全连接层，其结果与输入相加。",
        ),
        parameters=(
            IntParameter(
                "blocks",
                Text("Blocks", "块数"),
                8,
                Text("Residual blocks one after another.", "依次相连的残差块数。"),
                minimum=1,
                maximum=200,
                log=True,
            ),
            WIDTH,
            ACTIVATION,
            *BRANCH_PARAMETERS,
        ),
        formula=r"x_{l+1} = x_{l} + s_{l} \left(V_{l}\, \phi(W_{l} x_{l} + b_{l}) + c_{l}\right)",
        source="He et al. 2016, arXiv:1512.03385 and arXiv:1603.05027",
        layers=_resnet_mlp,
        depth_key="blocks",
    ),
)
