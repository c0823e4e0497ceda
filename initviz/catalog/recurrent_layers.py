"""Layers that read a sequence step by step, and those that lead to and from a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog import layer_groups
from initviz.catalog import recurrent_shapes as shapes
from initviz.catalog.layer_shapes import no_tensors, sequence_input
from initviz.catalog.parts import ActivationPart, LaneForm, LaneForward, TorchLayerPart
from initviz.experiment.parameters import (
    BoolParameter,
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    PartParameter,
)
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Shape

if TYPE_CHECKING:
    from torch import nn


def _activation(choice: Choice) -> ActivationPart:
    from initviz.catalog import activations

    return next(part for part in activations.PARTS if part.key == choice.string("activation"))


def _rnn_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog import recurrent_modules as modules

    _, inputs = sequence_input(shape)
    units, bias = choice.integer("units"), choice.flag("bias")
    name = choice.string("activation")
    if name in ("tanh", "relu"):
        return modules.PlainRnn(inputs, units, nonlinearity=name, bias=bias, batch_first=True)
    return modules.AnyRnn(inputs, units, bias, _activation(choice).module(choice))


def _rnn_form(choice: Choice, shape: Shape, lanes: int) -> LaneForward:
    from initviz.catalog.recurrent_forms import Vanilla

    return Vanilla(lanes, choice.flag("bias"), _activation(choice).function(choice))


def _gru_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog.recurrent_modules import PlainGru

    _, inputs = sequence_input(shape)
    return PlainGru(inputs, choice.integer("units"), bias=choice.flag("bias"), batch_first=True)


def _gru_form(choice: Choice, shape: Shape, lanes: int) -> LaneForward:
    from initviz.catalog.recurrent_forms import Gru

    return Gru(lanes, choice.flag("bias"))


def _lstm_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog.recurrent_modules import PlainLstm

    _, inputs = sequence_input(shape)
    return PlainLstm(inputs, choice.integer("units"), bias=choice.flag("bias"), batch_first=True)


def _lstm_form(choice: Choice, shape: Shape, lanes: int) -> LaneForward:
    from initviz.catalog.recurrent_forms import Lstm

    return Lstm(lanes, choice.flag("bias"))


def _last_step_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog.recurrent_modules import LastStep

    return LastStep()


def _last_step_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.recurrent_forms import LastStep

    return LastStep(sequence_input(shape)[0])


def _mean_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog.recurrent_modules import MeanOverTime

    return MeanOverTime()


def _mean_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.recurrent_forms import MeanOverTime

    return MeanOverTime(sequence_input(shape)[0])


def _steps_module(choice: Choice, shape: Shape) -> nn.Module:
    from initviz.catalog.recurrent_modules import Steps

    return Steps(choice.integer("size"))


def _steps_form(choice: Choice, shape: Shape, lanes: int) -> LaneForm:
    from initviz.catalog.recurrent_forms import Steps

    return Steps(lanes, shape, choice.integer("size"))


ACTIVATION = PartParameter(
    "activation",
    Text("Activation", "激活函数"),
    "tanh",
    Text("Function applied to the state at every step.", "每一步作用于状态的函数。"),
    part_kind="activation",
)

RECURRENT_START = ChoiceParameter(
    "recurrent_start",
    Text("Recurrent start", "循环权重的初始化"),
    shapes.AS_NETWORK,
    Text(
        "How the weight starts that leads from one step to the next: it is applied once a step, so its start matters "
        "as much as that of a whole deep network. A gated layer has one such matrix a gate.",
        "从一步通向下一步的权重如何初始化：它每一步都要乘一次，因此它的初始化相当于整个深层网络的初始化。"
        "门控层的每个门各有一个这样的矩阵。",
    ),
    choices=(
        (shapes.AS_NETWORK, Text("As all weights", "与其他权重相同")),
        (shapes.ORTHOGONAL, Text("Orthogonal", "正交")),
        (shapes.IDENTITY, Text("Identity", "单位矩阵")),
    ),
)

RECURRENT_GAIN = FloatParameter(
    "recurrent_gain",
    Text("Recurrent gain", "循环权重的增益"),
    1.0,
    Text(
        "What the start of the recurrent weight is multiplied by. With an orthogonal or identity start it is the "
        "factor by which a linear layer shrinks or grows a signal and a gradient at every step.",
        "循环权重的初值所乘的系数。用正交或单位矩阵初始化时，线性层每一步正好把信号和梯度缩放这个倍数。",
    ),
    minimum=0.0,
    maximum=10.0,
)

FORGET_BIAS = FloatParameter(
    "forget_bias",
    Text("Forget bias", "遗忘门偏置"),
    1.0,
    Text(
        "What is added to the start of the forget gate's bias. Above 0 the gate starts open, so the memory is kept; "
        "at 0 it lets go of half of it at every step. Without biases it does nothing.",
        "加在遗忘门偏置初值上的数。大于 0 时门一开始是打开的，记忆得以保留；"
        "等于 0 时每一步约忘掉一半。若没有偏置则不起作用。",
    ),
    minimum=-10.0,
    maximum=10.0,
)

START_KEYS = ("recurrent_start", "recurrent_gain")

_SHARED_PARAMETERS: tuple[Parameter, ...] = (
    IntParameter(
        "units",
        Text("Units", "单元数"),
        64,
        Text("Numbers in the state that is handed on.", "向下一步传递的状态有多少个数。"),
        minimum=1,
        maximum=1_000_000,
        log=True,
    ),
    BoolParameter(
        "bias",
        Text("Bias", "偏置"),
        True,
        Text(
            "Whether learned numbers are added, one set for the input and one for the state.",
            "是否加上可学习的偏置，输入和状态各一组。",
        ),
    ),
    RECURRENT_START,
    RECURRENT_GAIN,
)

PARTS: tuple[TorchLayerPart, ...] = (
    TorchLayerPart(
        kind="layer",
        key="rnn",
        group=layer_groups.SEQUENCES,
        title=Text("Recurrent (vanilla)", "循环层（普通）"),
        summary=Text(
            "Reads a sequence step by step and hands its state on: the same two weights at every step (tied through "
            "time), so a sequence of T steps is a network T layers deep.",
            "逐步读取序列并向后传递状态：每一步用同样的两个权重（沿时间共享），因此 T 步的序列就是 T 层深的网络。",
        ),
        parameters=(_SHARED_PARAMETERS[0], ACTIVATION, *_SHARED_PARAMETERS[1:]),
        formula=r"h_{t} = \phi(W x_{t} + b + U h_{t-1} + c)",
        source="Elman 1990, doi:10.1207/s15516709cog1402_1; Le et al. 2015, arXiv:1504.00941",
        aliases=("elman",),
        output_shape=shapes.recurrent_shape,
        tensors=shapes.rnn_tensors,
        inside=shapes.rnn_inside,
        is_recurrent=True,
        start_keys=START_KEYS,
        module=_rnn_module,
        lanes=_rnn_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="gru",
        group=layer_groups.SEQUENCES,
        title=Text("GRU (gated)", "GRU（门控）"),
        summary=Text(
            "A recurrent layer whose gates choose, number by number, what of the state is kept and what is renewed; "
            "the same weights at every step (tied through time).",
            "带门控的循环层：逐个数地决定保留多少旧状态、换入多少新状态；每一步用同样的权重（沿时间共享）。",
        ),
        parameters=_SHARED_PARAMETERS,
        formula=r"h_{t} = (1 - z_{t}) \, n_{t} + z_{t} \, h_{t-1},\quad "
        r"n_{t} = \tanh(W x_{t} + b + r_{t} (U h_{t-1} + c))",
        source="Cho et al. 2014, arXiv:1406.1078",
        output_shape=shapes.recurrent_shape,
        tensors=shapes.gru_tensors,
        inside=shapes.gru_inside,
        is_recurrent=True,
        start_keys=START_KEYS,
        module=_gru_module,
        lanes=_gru_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="lstm",
        group=layer_groups.SEQUENCES,
        title=Text("LSTM (gated)", "LSTM（门控）"),
        summary=Text(
            "A recurrent layer with a memory that is only added to and forgotten by gates, so that gradients can cross "
            "many steps; the same weights at every step (tied through time).",
            "带记忆单元的循环层：记忆只由门来累加和遗忘，梯度因而能跨越许多步；每一步用同样的权重（沿时间共享）。",
        ),
        parameters=(*_SHARED_PARAMETERS, FORGET_BIAS),
        formula=r"c_{t} = f_{t} \, c_{t-1} + i_{t} \, g_{t},\quad h_{t} = o_{t} \tanh(c_{t})",
        source="Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; Gers et al. 2000, "
        "doi:10.1162/089976600300015015",
        output_shape=shapes.recurrent_shape,
        tensors=shapes.lstm_tensors,
        inside=shapes.lstm_inside,
        is_recurrent=True,
        start_keys=(*START_KEYS, "forget_bias"),
        module=_lstm_module,
        lanes=_lstm_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="last_step",
        group=layer_groups.SEQUENCES,
        title=Text("Last step", "取最后一步"),
        summary=Text(
            "Hands on the last step of a sequence: all that the network has remembered.",
            "只传递序列的最后一步：网络记住的全部内容。",
        ),
        source="Sutskever et al. 2014, arXiv:1409.3215",
        formula=r"y = x_{T}",
        output_shape=shapes.one_answer_shape,
        tensors=no_tensors,
        module=_last_step_module,
        lanes=_last_step_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="mean_over_time",
        group=layer_groups.SEQUENCES,
        title=Text("Mean over time", "对时间取平均"),
        summary=Text(
            "Averages all steps of a sequence, so that every step has a short way to the answer.",
            "对序列的所有步取平均，使每一步到输出都只隔很短的路。",
        ),
        source="Lin et al. 2014, arXiv:1312.4400",
        formula=r"y = \frac{1}{T} \sum_{t} x_{t}",
        output_shape=shapes.one_answer_shape,
        tensors=no_tensors,
        module=_mean_module,
        lanes=_mean_form,
    ),
    TorchLayerPart(
        kind="layer",
        key="steps",
        group=layer_groups.SEQUENCES,
        title=Text("Read step by step", "逐步读取"),
        summary=Text(
            "Makes a sequence of an image, a row a step, or of a list, some numbers a step.",
            "把图像按行、或把一列数按若干个一组，变成逐步读取的序列。",
        ),
        parameters=(
            IntParameter(
                "size",
                Text("Numbers a step", "每步个数"),
                1,
                Text(
                    "How many numbers of a list make a step; images are read row by row.",
                    "一列数中每几个数算一步；图像总是逐行读取。",
                ),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
        ),
        source="Le et al. 2015, arXiv:1504.00941",
        output_shape=shapes.steps_shape,
        tensors=no_tensors,
        signal="same",
        module=_steps_module,
        lanes=_steps_form,
    ),
)
