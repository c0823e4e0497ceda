"""Causal transformers small enough for a lecture."""

from __future__ import annotations

from initviz.catalog.families.layer_choice import layer
from initviz.catalog.sequence_layers import ENCODING, FEED_FORWARD_ACTIVATION, HEADS, NORM
from initviz.catalog.sequence_shapes import PRE_NORM
from initviz.experiment.parameters import BoolParameter, IntParameter
from initviz.experiment.parts import FamilyPart
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo, LayerSpec, Situation, Tie

SEQUENCE_AXES = 2
EMBEDDING = "embedding_1"
"""Name of the first layer on symbols."""


def _entrance(choice: Choice, info: DataInfo) -> tuple[LayerSpec, ...]:
    """Return what makes a sequence of features of the input."""
    width = choice.integer("width")
    if info.tokens:
        return (layer("embedding", vocabulary=info.tokens, units=width),)
    steps = () if len(info.shape) == SEQUENCE_AXES else (layer("steps"),)
    return (*steps, layer("dense", units=width))


def _layers(choice: Choice, info: DataInfo) -> tuple[LayerSpec, ...]:
    norm = choice.string("norm")
    block = (
        layer("attention", heads=choice.integer("heads"), norm=norm),
        layer("feed_forward", activation=choice.string("activation"), norm=norm),
    )
    return (
        *_entrance(choice, info),
        layer("positions", encoding=choice.string("encoding")),
        *block * choice.integer("blocks"),
        # What has flowed on unchanged through all blocks is given one size before it is read.
        *((layer("layer_norm"),) if norm == PRE_NORM else ()),
        *(() if info.per_position else (layer("last_step"),)),
    )


def _can_tie(info: DataInfo) -> bool:
    return info.tokens > 0 and info.num_outputs == info.tokens


def _output_tie(choice: Choice, info: DataInfo) -> Tie | None:
    return Tie(EMBEDDING) if choice.flag("tied") and _can_tie(info) else None


def _problem(choice: Choice) -> Text | None:
    width, heads = choice.integer("width"), choice.integer("heads")
    if width % heads == 0:
        return None
    return Text(
        f"{heads} heads cannot share a width of {width} evenly. Choose a width that {heads} divides, or another "
        "number of heads.",
        f"宽度 {width} 不能平均分给 {heads} 个注意力头。请选择能被 {heads} 整除的宽度，或改变头数。",
    )


def _mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if not choice.flag("tied") or _can_tie(situation.info):
        return None
    return "tied", Text(
        "embedding and output can share a weight only where the answers are the symbols that are read. Switch it off, "
        "or choose such a data set, for example the text.",
        "只有当输出的类别就是读入的符号时，嵌入层与输出层才能共享权重。请关闭此项，或选择这样的数据集，例如文本。",
    )


PARTS: tuple[FamilyPart, ...] = (
    FamilyPart(
        kind="family",
        key="transformer",
        title=Text("Tiny transformer", "小型 Transformer"),
        summary=Text(
            "Symbols or numbers and their positions, then blocks of causal self-attention and two dense layers each, "
            "added to what flows by. Images are read row by row, lists number by number.",
            "先是符号（或数值）加位置编码，再接若干块，每块含因果自注意力和两个全连接层，其结果与主干相加。"
            "图像逐行读取，一列数逐个读取。",
        ),
        parameters=(
            IntParameter(
                "width",
                Text("Width", "宽度"),
                32,
                Text("Features of every position.", "每个位置的特征数。"),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
            HEADS,
            IntParameter(
                "blocks",
                Text("Blocks", "块数"),
                2,
                Text(
                    "Pairs of attention and dense layers, one after another.",
                    "注意力与全连接层组成的块，依次相连。",
                ),
                minimum=1,
                maximum=200,
                log=True,
            ),
            FEED_FORWARD_ACTIVATION,
            NORM,
            ENCODING,
            BoolParameter(
                "tied",
                Text("Tied embedding", "共享嵌入"),
                False,
                Text(
                    "Whether the output layer uses the embedding's weight instead of one of its own.",
                    "输出层是否使用嵌入层的权重，而不另设自己的权重。",
                ),
            ),
        ),
        formula=r"x_{l+1} = x_{l} + \mathrm{FF}\left(x_{l} + \mathrm{Att}(x_{l})\right)",
        source="Vaswani et al. 2017, arXiv:1706.03762; Press and Wolf 2017, arXiv:1608.05859",
        problem=_problem,
        mismatch=_mismatch,
        layers=_layers,
        output_tie=_output_tie,
    ),
)
