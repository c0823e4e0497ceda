"""What the layers for sequences make of a shape, and which tensors they train."""

from __future__ import annotations

from functools import partial

from initviz.catalog.layer_shapes import sequence_input
from initviz.experiment.parts import LayerError, TensorSpec
from initviz.experiment.values import Choice, Shape

NO_NORM, PRE_NORM, POST_NORM = "none", "pre", "post"
LEARNED, SINUSOIDAL = "learned", "sinusoidal"


def embedding_shape(choice: Choice, shape: Shape) -> Shape:
    """Return ``(T, F)`` for T symbols."""
    if len(shape) != 1:
        raise LayerError(
            "it reads a list of symbols, but what comes in are numbers already. Remove this layer; a dense layer in "
            "its place sets the width.",
            "它读入一列符号，而现在的输入已经是数值。请删去这一层；若要改变宽度，可换成全连接层。",
        )
    return (shape[0], choice.integer("units"))


def embedding_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return the table, a row a symbol.

    Its fans are those of an output layer of the same shape ``(V, F)``, F in and V out: a table that the output layer
    shares then starts as that layer would, and at LeCun's variance 1/F every row has a length near 1.
    """
    symbols, units = choice.integer("vocabulary"), choice.integer("units")
    table = TensorSpec(
        name="weight", shape=(symbols, units), role="weight", fan_in=units, fan_out=symbols, is_table=True
    )
    return (table,)


def positions_shape(choice: Choice, shape: Shape) -> Shape:
    """Return the shape of the input, a sequence."""
    return sequence_input(shape)


def positions_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return the table, a row a position, with the fans of an embedding of its shape; nothing where it is fixed."""
    length, features = sequence_input(shape)
    if choice.string("encoding") == SINUSOIDAL:
        return ()
    table = TensorSpec(
        name="weight", shape=(length, features), role="weight", fan_in=features, fan_out=length, is_table=True
    )
    return (table,)


def attention_shape(choice: Choice, shape: Shape) -> Shape:
    """Return the shape of the input, a sequence whose features the heads can share out."""
    _, features = sequence_input(shape)
    heads = choice.integer("heads")
    if features % heads:
        raise LayerError(
            f"its {heads} heads cannot share {features} features evenly. Choose a number of heads that divides "
            f"{features}.",
            f"{features} 个特征不能平均分给 {heads} 个注意力头。请选择能整除 {features} 的头数。",
        )
    return shape


def attention_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return norm, queries, keys, values, output and branch factor.

    Values and output are the layers of the residual branch; queries and keys only weigh what flows through it, and
    starts for residual branches leave them alone, as T-Fixup does (Huang et al. 2020, Proc. ICML 37, 4475-4483). Keys
    have no bias, since the softmax would take no notice of it.
    """
    _, width = sequence_input(shape)
    tensor = partial(TensorSpec, fan_in=width, fan_out=width)
    square, row = (width, width), (width,)
    return (
        *norm_tensors(choice, width),
        tensor(name="query.weight", shape=square, role="weight"),
        tensor(name="query.bias", shape=row, role="bias"),
        tensor(name="key.weight", shape=square, role="weight"),
        tensor(name="value.weight", shape=square, role="weight", branch="inner"),
        tensor(name="value.bias", shape=row, role="bias", branch="inner"),
        tensor(name="out.weight", shape=square, role="weight", branch="last"),
        tensor(name="out.bias", shape=row, role="bias", branch="last"),
        tensor(name="scale", shape=(), role="branch_scale", branch="last"),
    )


def attention_inside(choice: Choice, shape: Shape) -> int:
    """Return what is kept: the weights of every head, a position a position, and what is normalized and projected."""
    length, width = sequence_input(shape)
    return choice.integer("heads") * length**2 + 5 * length * width


def feed_forward_shape(choice: Choice, shape: Shape) -> Shape:
    """Return the shape of the input, a sequence."""
    return sequence_input(shape)


def feed_forward_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return norm, the way up, the way down and the branch factor."""
    _, width = sequence_input(shape)
    hidden = choice.integer("expansion") * width
    up = partial(TensorSpec, fan_in=width, fan_out=hidden, branch="inner")
    down = partial(TensorSpec, fan_in=hidden, fan_out=width, branch="last")
    return (
        *norm_tensors(choice, width),
        up(name="up.weight", shape=(hidden, width), role="weight"),
        up(name="up.bias", shape=(hidden,), role="bias"),
        down(name="down.weight", shape=(width, hidden), role="weight"),
        down(name="down.bias", shape=(width,), role="bias"),
        down(name="scale", shape=(), role="branch_scale"),
    )


def feed_forward_inside(choice: Choice, shape: Shape) -> int:
    """Return what is kept: the middle before and after its function, and what is normalized."""
    length, width = sequence_input(shape)
    return (2 * choice.integer("expansion") + 1) * length * width


def norm_tensors(choice: Choice, width: int) -> tuple[TensorSpec, ...]:
    """Return weight and bias of a block's layer normalization, or nothing where it has none."""
    if choice.string("norm") == NO_NORM:
        return ()
    return (
        TensorSpec(name="norm.weight", shape=(width,), role="fixed", value=1.0),
        TensorSpec(name="norm.bias", shape=(width,), role="fixed", value=0.0),
    )
