"""Multilayer perceptrons: the quick form behind depth, width and activation."""

from __future__ import annotations

from initviz.experiment.parameters import IntParameter, PartParameter, Value
from initviz.experiment.parts import FamilyPart
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, LayerSpec, Shape

ACTIVATION = PartParameter(
    "activation",
    Text("Activation", "激活函数"),
    "relu",
    Text("Function applied to every unit of every hidden layer.", "作用于每个隐藏层每个神经元的函数。"),
    part_kind="activation",
)


def layer(kind: str, **values: Value) -> LayerSpec:
    """Return a layer of a kind with the values given and its defaults for the rest.

    Args:
        kind: Key of a layer kind.
        values: Some of its parameters.
    Raises:
        KeyError: There is no such kind or no such parameter.
    """
    from initviz.catalog import layers

    part = next((part for part in layers.PARTS if part.key == kind), None)
    if part is None:
        raise KeyError(kind)
    return LayerSpec(part.choose(**values))


def _layers(choice: Choice, shape: Shape) -> tuple[LayerSpec, ...]:
    hidden = (
        layer("dense", units=choice.integer("width")),
        layer("activation", function=choice.string("activation")),
    )
    flatten = (layer("flatten"),) if len(shape) > 1 else ()
    return flatten + hidden * choice.integer("depth")


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
            IntParameter(
                "width",
                Text("Width", "宽度"),
                64,
                Text("Units of every hidden layer.", "每个隐藏层的神经元数。"),
                minimum=1,
                maximum=65_536,
                log=True,
            ),
            ACTIVATION,
        ),
        formula=r"x_{l+1} = \phi(W_{l} x_{l} + b_{l})",
        source="Rumelhart et al. 1986, doi:10.1038/323533a0",
        aliases=("perceptron",),
        layers=_layers,
    ),
)
