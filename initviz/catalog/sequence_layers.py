"""Layers for sequences: embeddings, positions, attention and what stands beside it in a transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog import layer_groups
from initviz.catalog import sequence_shapes as shapes
from initviz.catalog.layer_shapes import sequence_input
from initviz.catalog.parts import ActivationPart, LaneForm, LaneForward, TorchLayerPart
from initviz.experiment.parameters import ChoiceParameter, IntParameter, PartParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Shape, Situation

if TYPE_CHECKING:
    from torch import nn


def _activation(choice: Choice) -> ActivationPart:
    from initviz.catalog import activations

    return next(part for part in activations.PARTS if part.key == choice.string("activation"))


def _embedding_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog.sequence_modules import TokenEmbedding

    return TokenEmbedding(choice.integer("vocabulary"), choice.integer("units"))


def _embedding_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.sequence_forms import Embedding

    return Embedding(lanes)


def _embedding_mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    tokens, vocabulary = situation.info.tokens, choice.integer("vocabulary")
    if not tokens:
        return "", Text(
            "an embedding reads symbols, but this data set consists of measured numbers. Remove the layer, or choose "
            "a data set of symbols, such as the text.",
            "嵌入层读入的是符号，而这个数据集由测量值组成。请删去这一层，或选择由符号组成的数据集，例如文本。",
        )
    if any(spec.layer.name == choice.name for spec in situation.recipe.model.layers[1:]):
        return "", Text(
            "an embedding must be the first layer, since only there are the symbols still whole numbers. Move it to "
            "the front.",
            "嵌入层必须放在第一层，因为只有在那里符号还是整数。请把它移到最前面。",
        )
    if vocabulary < tokens:
        return "vocabulary", Text(
            f"the data set has {tokens} symbols, but the embedding has rows for only {vocabulary}. Set it to {tokens}.",
            f"数据集有 {tokens} 种符号，而嵌入层只有 {vocabulary} 行。请改为 {tokens}。",
        )
    return None


def _positions_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog import sequence_modules as modules

    learned = choice.string("encoding") == shapes.LEARNED
    kind = modules.LearnedPositions if learned else modules.SinusoidalPositions
    return kind(*sequence_input(shape))


def _positions_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog import sequence_forms as forms

    if choice.string("encoding") == shapes.LEARNED:
        return forms.LearnedPositions(lanes)
    return forms.SinusoidalPositions(*sequence_input(shape))


def _attention_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog.sequence_modules import SelfAttention

    return SelfAttention(sequence_input(shape)[1], choice.integer("heads"), choice.string("norm"))


def _attention_form(choice: Choice, shape: Shape, lanes: int) -> LaneForward:
    from initviz.catalog.sequence_forms import attention

    length, _ = sequence_input(shape)
    return attention(lanes, length, choice.integer("heads"), choice.string("norm"))


def _feed_forward_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog.sequence_modules import FeedForward

    _, width = sequence_input(shape)
    hidden = choice.integer("expansion") * width
    return FeedForward(width, hidden, _activation(choice).module(choice), choice.string("norm"))


def _feed_forward_form(choice: Choice, shape: Shape, lanes: int) -> LaneForward:
    from initviz.catalog.sequence_forms import feed_forward

    return feed_forward(lanes, choice.string("norm"), _activation(choice).function(choice))


ENCODING = ChoiceParameter(
    "encoding",
    Text("Positions", "位置编码"),
    shapes.LEARNED,
    Text(
        "Learned: a row of numbers a position, started like a weight; sinusoidal: fixed waves of growing length.",
        "可学习：每个位置一行数，像权重一样初始化；正弦：波长递增的固定波形。",
    ),
    (
        (shapes.LEARNED, Text("learned", "可学习")),
        (shapes.SINUSOIDAL, Text("sinusoidal", "正弦")),
    ),
)

HEADS = IntParameter(
    "heads",
    Text("Heads", "注意力头数"),
    4,
    Text(
        "Attentions side by side, which share the features evenly.",
        "并列的注意力个数，特征平均分给它们。",
    ),
    minimum=1,
    maximum=64,
)

NORM = ChoiceParameter(
    "norm",
    Text("Layer norm", "层归一化"),
    shapes.PRE_NORM,
    Text(
        "Before the branch the sum flows on unchanged and gradients reach every block; after the sum each block "
        "rescales everything.",
        "放在分支之前时，相加后的信号原样向前，梯度能到达每个块；放在相加之后时，每个块都会重新缩放全部信号。",
    ),
    (
        (shapes.PRE_NORM, Text("before the branch", "分支之前")),
        (shapes.POST_NORM, Text("after the sum", "相加之后")),
        (shapes.NO_NORM, Text("none", "无")),
    ),
)

FEED_FORWARD_ACTIVATION = PartParameter(
    "activation",
    Text("Activation", "激活函数"),
    "gelu",
    Text("Function between the two dense layers.", "两个全连接层之间的函数。"),
    part_kind="activation",
)

PARTS: tuple[TorchLayerPart, ...] = (
    TorchLayerPart(
        kind="layer",
        key="embedding",
        group=layer_groups.SEQUENCES,
        title=Text("Embedding", "嵌入层"),
        summary=Text(
            "Looks every symbol up in a learned table, a row a symbol; its fans are those of an output layer of the "
            "same shape, so that both can share one start.",
            "在可学习的表中查出每个符号对应的一行数；扇入、扇出与同形状的输出层相同，二者因此可以共用同一初始化。",
        ),
        parameters=(
            IntParameter(
                "vocabulary",
                Text("Symbols", "符号数"),
                64,
                Text(
                    "Rows of the table: as many as the data set has symbols.",
                    "表的行数：数据集有多少种符号就设多少。",
                ),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
            IntParameter(
                "units",
                Text("Units", "单元数"),
                32,
                Text("Numbers that stand for a symbol.", "表示一个符号的数的个数。"),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
        ),
        formula=r"x_{t} = E_{s_{t}},\quad n_{in} = F,\ n_{out} = V",
        source="Bengio et al. 2003, J. Machine Learning Research 3, 1137-1155",
        mismatch=_embedding_mismatch,
        output_shape=shapes.embedding_shape,
        tensors=shapes.embedding_tensors,
        module=_embedding_module,
        lanes=_embedding_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="positions",
        group=layer_groups.SEQUENCES,
        title=Text("Positions", "位置编码"),
        summary=Text(
            "Adds to every position of a sequence what tells it from the others, since attention does not see order.",
            "给序列的每个位置加上能与其他位置区分的数，因为注意力本身看不到顺序。",
        ),
        parameters=(ENCODING,),
        formula=r"y_{t} = x_{t} + p_{t}",
        source="Gehring et al. 2017, arXiv:1705.03122; Vaswani et al. 2017, arXiv:1706.03762",
        output_shape=shapes.positions_shape,
        tensors=shapes.positions_tensors,
        module=_positions_module,
        lanes=_positions_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="attention",
        group=layer_groups.SEQUENCES,
        title=Text("Attention block", "注意力块"),
        summary=Text(
            "Causal self-attention: every position gathers from itself and those before it, and the result, times a "
            "learned factor, is added to the input.",
            "因果自注意力：每个位置只从自身及之前的位置汇集信息，结果乘以可学习的系数后与输入相加。",
        ),
        parameters=(HEADS, NORM),
        formula=r"y = x + s\, W_{o}\, \mathrm{softmax}\left(\frac{Q K^{T}}{\sqrt{d}} + M\right) V",
        source="Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745",
        output_shape=shapes.attention_shape,
        tensors=shapes.attention_tensors,
        inside=shapes.attention_inside,
        module=_attention_module,
        lanes=_attention_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="feed_forward",
        group=layer_groups.SEQUENCES,
        title=Text("Feed-forward block", "前馈块"),
        summary=Text(
            "Two dense layers, the same at every position of a sequence, whose result, times a learned factor, is "
            "added to the input.",
            "对序列的每个位置应用相同的两个全连接层，结果乘以可学习的系数后与输入相加。",
        ),
        parameters=(
            IntParameter(
                "expansion",
                Text("Expansion", "扩展倍数"),
                4,
                Text("How many times wider the middle is than the input.", "中间层的宽度是输入的多少倍。"),
                minimum=1,
                maximum=16,
            ),
            FEED_FORWARD_ACTIVATION,
            NORM,
        ),
        formula=r"y = x + s\, (W_2 \, \phi(W_1 x + b_1) + b_2)",
        source="Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745",
        output_shape=shapes.feed_forward_shape,
        tensors=shapes.feed_forward_tensors,
        inside=shapes.feed_forward_inside,
        module=_feed_forward_module,
        lanes=_feed_forward_form,
    ),
)
