"""What the layers that read step by step make of a shape, and which tensors they train."""

from __future__ import annotations

from functools import partial

from initviz.catalog.layer_shapes import sequence_input
from initviz.experiment.parts import LayerError, TensorSpec
from initviz.experiment.values import Choice, Shape

LIST_AXES, IMAGE_AXES = 1, 3

AS_NETWORK, ORTHOGONAL, IDENTITY = "network", "orthogonal", "identity"
"""How the recurrent weight starts."""

RNN_BLOCKS, GRU_GATES, LSTM_GATES = 1, 3, 4
FORGET_GATE = 1
"""Place of the forget gate among those of an LSTM, as PyTorch orders them: input, forget, cell, output."""


def recurrent_shape(choice: Choice, shape: Shape) -> Shape:
    """Return ``(T, H)``: the state after every step."""
    return sequence_input(shape)[0], choice.integer("units")


def rnn_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return the tensors of a vanilla recurrent layer, named as in ``torch.nn.RNN``."""
    return _tensors(choice, shape, RNN_BLOCKS, activated=True)


def gru_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return the tensors of a GRU layer, named as in ``torch.nn.GRU``; gates: reset, update, new."""
    return _tensors(choice, shape, GRU_GATES)


def lstm_tensors(choice: Choice, shape: Shape) -> tuple[TensorSpec, ...]:
    """Return the tensors of an LSTM layer, named as in ``torch.nn.LSTM``; gates: input, forget, cell, output."""
    return _tensors(choice, shape, LSTM_GATES, raised=(FORGET_GATE, choice.number("forget_bias")))


def rnn_inside(choice: Choice, shape: Shape) -> int:
    """Return what is kept of every step: the sum of both products."""
    return _steps_inside(choice, shape, RNN_BLOCKS)


def gru_inside(choice: Choice, shape: Shape) -> int:
    """Return what is kept of every step: the gates, and both products of the new state."""
    return _steps_inside(choice, shape, 2 * GRU_GATES)


def lstm_inside(choice: Choice, shape: Shape) -> int:
    """Return what is kept of every step: the gates before and after their functions, and the memory."""
    return _steps_inside(choice, shape, 2 * LSTM_GATES + 1)


def _steps_inside(choice: Choice, shape: Shape, numbers: int) -> int:
    return numbers * sequence_input(shape)[0] * choice.integer("units")


def _tensors(
    choice: Choice,
    shape: Shape,
    blocks: int,
    raised: tuple[int, float] | None = None,
    activated: bool = False,
) -> tuple[TensorSpec, ...]:
    """Return both weights, each with its bias; the fans are those of one gate, since each gate sums for itself."""
    _, fan_in = sequence_input(shape)
    units = choice.integer("units")
    read = partial(TensorSpec, fan_in=fan_in, fan_out=units, blocks=blocks)
    remember = partial(TensorSpec, fan_in=units, fan_out=units, blocks=blocks)
    weights = (
        read(name="weight_ih_l0", shape=(blocks * units, fan_in), role="weight"),
        remember(
            name="weight_hh_l0",
            shape=(blocks * units, units),
            role="weight",
            start=_recurrent_start(choice),
            start_factor=choice.number("recurrent_gain"),
            activated=activated,
        ),
    )
    if not choice.flag("bias"):
        return weights
    return (
        weights[0],
        read(name="bias_ih_l0", shape=(blocks * units,), role="bias", raised=raised),
        weights[1],
        remember(name="bias_hh_l0", shape=(blocks * units,), role="bias"),
    )


def _recurrent_start(choice: Choice) -> Choice | None:
    from initviz.catalog.index import catalogue

    name = choice.string("recurrent_start")
    return None if name == AS_NETWORK else catalogue().get("initializer", name).choose()


def one_answer_shape(choice: Choice, shape: Shape) -> Shape:
    """Return ``(F,)`` for a sequence ``(T, F)``."""
    return (sequence_input(shape)[1],)


def steps_shape(choice: Choice, shape: Shape) -> Shape:
    """Return the sequence that an image, row by row, or a list, some numbers at a time, is read as."""
    if len(shape) == IMAGE_AXES:
        channels, height, width = shape
        return height, channels * width
    if len(shape) != LIST_AXES:
        raise LayerError(
            "its input is a sequence already. Remove this layer.",
            "它的输入已经是序列。请删去这一层。",
        )
    (count,), size = shape, choice.integer("size")
    if count % size:
        raise LayerError(
            f"{count} numbers cannot be read {size} at a time without a rest. Choose a number that divides {count}.",
            f"{count} 个数不能每次读 {size} 个而无剩余。请选择能整除 {count} 的数。",
        )
    return count // size, size
