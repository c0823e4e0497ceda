"""Networks that read a sequence step by step."""

from __future__ import annotations

from initviz.catalog.families.layer_choice import layer
from initviz.catalog.recurrent_layers import ACTIVATION, FORGET_BIAS, RECURRENT_GAIN, RECURRENT_START
from initviz.experiment.parameters import ChoiceParameter, IntParameter
from initviz.experiment.parts import FamilyPart
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo, LayerSpec

VANILLA, LSTM = "rnn", "lstm"
SEQUENCE_AXES = 2


def _layers(choice: Choice, info: DataInfo) -> tuple[LayerSpec, ...]:
    cell = choice.string("cell")
    own = {VANILLA: ("activation",), LSTM: ("forget_bias",)}.get(cell, ())
    values = {key: choice[key] for key in ("recurrent_start", "recurrent_gain", *own)}
    block = layer(cell, None, units=choice.integer("width"), **values)
    recurrent = (block,) * choice.integer("depth")
    return (*_entrance(choice, info), *recurrent, *(() if info.per_position else (layer("last_step"),)))


def _entrance(choice: Choice, info: DataInfo) -> tuple[LayerSpec, ...]:
    if info.tokens:
        return (layer("embedding", vocabulary=info.tokens, units=choice.integer("width")),)
    return () if len(info.shape) == SEQUENCE_AXES else (layer("steps"),)


PARTS: tuple[FamilyPart, ...] = (
    FamilyPart(
        kind="family",
        key="recurrent",
        title=Text("Recurrent network", "循环网络"),
        summary=Text(
            "Reads a sequence step by step with the same weights and answers after the last step, or at every step "
            "where the data ask for it. Images are read row by row, lists number by number.",
            "用同一组权重逐步读取序列，读完最后一步后给出输出；若数据要求，则每一步都给出输出。图像逐行读取，一列数逐个读取。",
        ),
        parameters=(
            ChoiceParameter(
                "cell",
                Text("Cell", "单元"),
                VANILLA,
                Text("What is computed at every step.", "每一步的计算方式。"),
                choices=(
                    (VANILLA, Text("Vanilla", "普通")),
                    ("gru", Text("GRU", "GRU")),
                    (LSTM, Text("LSTM", "LSTM")),
                ),
            ),
            IntParameter(
                "width",
                Text("Width", "宽度"),
                64,
                Text("Numbers in the state of every layer.", "每层状态包含多少个数。"),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
            IntParameter(
                "depth",
                Text("Layers", "层数"),
                1,
                Text(
                    "Recurrent layers, each reading the states of the one before; depth through time comes on top.",
                    "循环层的层数，后一层读取前一层的状态；时间方向的深度另计。",
                ),
                minimum=1,
                maximum=20,
            ),
            ACTIVATION,
            RECURRENT_START,
            RECURRENT_GAIN,
            FORGET_BIAS,
        ),
        formula=r"h_{t} = \phi(W x_{t} + U h_{t-1} + b),\quad y = V h_{T} + c",
        source="Werbos 1990, doi:10.1109/5.58337; Le et al. 2015, arXiv:1504.00941",
        layers=_layers,
    ),
)
