"""What a hidden layer of a quick form may have beside its weights and its activation."""

from __future__ import annotations

from initviz.catalog.families.layer_choice import layer
from initviz.experiment.parameters import ChoiceParameter, FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, LayerSpec

NONE, BEFORE, AFTER = "none", "before", "after"
USUAL_GROUPS, SMALLEST_GROUP = 8, 4

NORMALIZATION = ChoiceParameter(
    "normalization",
    Text("Normalization", "归一化"),
    NONE,
    Text(
        "Normalizes the signal in every hidden layer, so that it depends less on how the weights start.",
        "在每个隐藏层对信号作归一化，使它较少依赖权重的初始化。",
    ),
    (
        (NONE, Text("None", "无")),
        ("batch_norm", Text("Batch normalization", "批归一化")),
        ("layer_norm", Text("Layer normalization", "层归一化")),
        ("group_norm", Text("Group normalization", "组归一化")),
        ("rms_norm", Text("RMS normalization", "RMS 归一化")),
    ),
)

PLACE = ChoiceParameter(
    "normalization_place",
    Text("Place of normalization", "归一化位置"),
    BEFORE,
    Text(
        "Whether the normalization comes before the activation or after it.",
        "归一化放在激活函数之前还是之后。",
    ),
    (
        (BEFORE, Text("Before the activation", "激活函数之前")),
        (AFTER, Text("After the activation", "激活函数之后")),
    ),
)

DROPOUT = FloatParameter(
    "dropout",
    Text("Dropout", "Dropout 丢弃率"),
    0.0,
    Text(
        "Probability with which an activation of a hidden layer is left out of a step; 0 keeps all.",
        "每一步中隐藏层的每个激活值被丢弃的概率；0 表示全部保留。",
    ),
    minimum=0.0,
    maximum=1.0,
    open_maximum=True,
)

DROP_CONNECT = FloatParameter(
    "drop_connect",
    Text("DropConnect", "DropConnect 丢弃率"),
    0.0,
    Text(
        "Probability with which a weight of a hidden layer is left out of a step; 0 keeps all.",
        "每一步中隐藏层的每个权重被去掉的概率；0 表示全部保留。",
    ),
    minimum=0.0,
    maximum=1.0,
    open_maximum=True,
)


def activated(choice: Choice, width: int) -> tuple[LayerSpec, ...]:
    """Return what follows the weights of a hidden layer: its activation, with a normalization before or after it.

    Args:
        choice: Of a form with an activation and the two parameters of a normalization.
        width: Units or channels of the hidden layer.
    """
    function = layer("activation", function=choice.string("activation"))
    kind = choice.string(NORMALIZATION.key)
    if kind == NONE:
        return (function,)
    groups = {"groups": _groups(width)} if kind == "group_norm" else {}
    norm = layer(kind, None, **groups)
    return (norm, function) if choice.string(PLACE.key) == BEFORE else (function, norm)


def dropped(choice: Choice) -> tuple[LayerSpec, ...]:
    """Return the dropout that ends a hidden layer; nothing at a rate of 0."""
    rate = choice.number(DROPOUT.key)
    return (layer("dropout", rate=rate),) if rate > 0 else ()


def _groups(width: int) -> int:
    """Return the most groups, up to the usual number, that share the units evenly and are not too small.

    A group of two units always becomes 1 and -1, whatever they were: hardly anything could be learned.
    """
    fitting = [
        groups
        for groups in range(1, USUAL_GROUPS + 1)
        if width % groups == 0 and width >= SMALLEST_GROUP * groups
    ]
    return max(fitting, default=1)
