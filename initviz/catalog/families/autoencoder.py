"""Networks that give back their input through a narrow middle."""

from __future__ import annotations

import math

from initviz.catalog.families.layer_choice import layer
from initviz.experiment.parameters import BoolParameter, IntParameter, PartParameter
from initviz.experiment.parts import FamilyPart
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo, LayerSpec, Situation, Tie


def encoder_widths(width: int, bottleneck: int, depth: int) -> tuple[int, ...]:
    """Return the units of every layer of an encoder: a geometric series from the first to the bottleneck.

    Args:
        width: Units of the first layer, where there is more than one.
        bottleneck: Units of the last.
        depth: Layers.
    """
    if depth == 1:
        return (bottleneck,)
    ratio = bottleneck / width
    return tuple(round(width * ratio ** (place / (depth - 1))) for place in range(depth))


def _widths(choice: Choice) -> tuple[int, ...]:
    return encoder_widths(*(choice.integer(key) for key in ("width", "bottleneck", "depth")))


def _layers(choice: Choice, info: DataInfo) -> tuple[LayerSpec, ...]:
    widths = _widths(choice)
    depth, is_tied = len(widths), choice.flag("tied")
    activation = layer("activation", function=choice.string("activation"))
    layers: list[LayerSpec] = [layer("flatten")] if len(info.shape) > 1 else []
    for units in widths[:-1]:
        layers += [layer("dense", units=units), activation]
    # The code itself is linear, so that its few units are not cut off.
    layers.append(layer("dense", units=widths[-1]))
    for place in range(depth - 2, -1, -1):
        tie = _tie(place + 2) if is_tied else None
        layers += [layer("dense", tie, units=widths[place]), activation]
    return tuple(layers)


def _tie(number: int) -> Tie:
    """Return a tie to the transpose of the encoder's layer of this number, 1 first."""
    return Tie(f"dense_{number}", transpose=True)


def _output_tie(choice: Choice, info: DataInfo) -> Tie | None:
    # An output of another size cannot be tied; the mismatch tells why it has that size.
    return _tie(1) if choice.flag("tied") and info.num_outputs == math.prod(info.shape) else None


def _mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if situation.data.reconstruct:
        return None
    return "data.reconstruct", Text(
        "an autoencoder gives back its inputs, but the labels are to be learned here. Switch this on, or choose "
        "another network.",
        "自编码器要重建输入，而这里要学习的是标签。请打开此项，或选择其他网络。",
    )


PARTS: tuple[FamilyPart, ...] = (
    FamilyPart(
        kind="family",
        key="autoencoder",
        title=Text("Autoencoder", "自编码器"),
        summary=Text(
            "Dense layers that narrow to a bottleneck and widen again, to give back the input; the decoder may share "
            "the encoder's weights, turned.",
            "全连接层逐层变窄到瓶颈，再逐层变宽，以重建输入；解码器可以共用编码器的权重（转置后使用）。",
        ),
        parameters=(
            IntParameter(
                "depth",
                Text("Encoder layers", "编码器层数"),
                2,
                Text(
                    "Layers from the input to the bottleneck; the decoder has as many.",
                    "从输入到瓶颈的层数；解码器的层数相同。",
                ),
                minimum=1,
                maximum=100,
                log=True,
            ),
            IntParameter(
                "width",
                Text("First width", "首层宽度"),
                32,
                Text(
                    "Units of the first hidden layer; those after it narrow evenly, by one factor each.",
                    "第一个隐藏层的单元数；其后各层按同一比例逐层变窄。",
                ),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
            IntParameter(
                "bottleneck",
                Text("Bottleneck", "瓶颈"),
                8,
                Text(
                    "Units in the middle, through which everything must pass; they have no activation.",
                    "中间层的单元数，所有信息都必须由此通过；这一层没有激活函数。",
                ),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
            PartParameter(
                "activation",
                Text("Activation", "激活函数"),
                "tanh",
                Text("Function of every hidden layer but the bottleneck.", "除瓶颈外每个隐藏层所用的函数。"),
                part_kind="activation",
            ),
            BoolParameter(
                "tied",
                Text("Tied weights", "权重绑定"),
                False,
                Text(
                    "Whether each layer of the decoder uses the weights of its mirror image in the encoder, turned.",
                    "解码器的每一层是否使用编码器中对应层的权重（转置后）。",
                ),
            ),
        ),
        formula=r"\hat{x} = V_{1}\, \phi(V_{2}\, (W_{2}\, \phi(W_{1} x))),\quad \text{tied: } V_{l} = W_{l}^{T}",
        source="Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647",
        mismatch=_mismatch,
        layers=_layers,
        output_tie=_output_tie,
    ),
)
