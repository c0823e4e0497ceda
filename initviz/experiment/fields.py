"""The plain fields of an experiment, declared once for the file, the forms and the checks."""

from __future__ import annotations

from initviz.experiment.parameters import (
    BoolParameter,
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Parameter,
)
from initviz.experiment.text import Text
from initviz.experiment.values import SCHEMA

SEED = IntParameter(
    "seed",
    Text("Seed", "随机种子"),
    0,
    Text(
        "Decides every random number: the split, the order of examples, the drawn weights.",
        "决定所有随机数：数据划分、样本顺序和抽取的权重。",
    ),
    maximum=2**53,
)

REPEAT = IntParameter(
    "repeat",
    Text("Seeds", "种子数"),
    1,
    Text(
        "How many times the lane is trained, each time from another seed; drawn as their mean and a band.",
        "这条赛道训练多少遍，每遍用不同的种子；以均值和一条带的形式画出。",
    ),
    minimum=1,
)

STEPS = IntParameter(
    "steps",
    Text("Steps", "步数"),
    2000,
    Text("How many updates the run makes.", "整个训练进行多少次更新。"),
    minimum=1,
    maximum=2**53,
    log=True,
)

DTYPE = ChoiceParameter(
    "dtype",
    Text("Precision", "精度"),
    "float32",
    Text(
        "Single precision is fast; double precision keeps signals down to 1e-300.",
        "单精度速度快；双精度可以保留小到 1e-300 的信号。",
    ),
    (
        ("float32", Text("float32 (single)", "float32（单精度）")),
        ("float64", Text("float64 (double)", "float64（双精度）")),
    ),
)

BATCH_SIZE = IntParameter(
    "batch_size",
    Text("Batch size", "批大小"),
    128,
    Text("Examples that one update looks at.", "每次更新使用的样本数。"),
    minimum=1,
    maximum=2**31,
    log=True,
)

STANDARDIZE = BoolParameter(
    "standardize",
    Text("Standardize", "标准化"),
    True,
    Text(
        "Shift and scale every input to mean 0 and variance 1, as the theory of starts assumes.",
        "把每个输入平移、缩放到均值 0、方差 1，这正是初始化理论所假设的。",
    ),
)

VALIDATION = FloatParameter(
    "validation",
    Text("Validation share", "验证集比例"),
    0.2,
    Text("Share of the examples held back to judge generalization.", "留出多少比例的样本来评估泛化。"),
    minimum=0.0,
    maximum=0.9,
)

RECONSTRUCT = BoolParameter(
    "reconstruct",
    Text("Reconstruct the inputs", "重建输入"),
    False,
    Text(
        "Give back the inputs instead of the labels, as an autoencoder does.",
        "输出输入本身而不是标签，正如自编码器所做的。",
    ),
)

LABEL_NOISE = FloatParameter(
    "label_noise",
    Text("Label noise", "标签噪声"),
    0.0,
    Text(
        "Share of the training labels replaced by another class drawn at random; validation labels stay right.",
        "把多少比例的训练标签随机换成另一个类别；验证集的标签保持正确。",
    ),
    minimum=0.0,
    maximum=1.0,
)

IMBALANCE = FloatParameter(
    "imbalance",
    Text("Imbalance", "类别不平衡"),
    1.0,
    Text(
        "How many times fewer training examples the rarest class keeps than the first; 1 changes nothing.",
        "最少的类别保留的训练样本数是第一类的几分之一；1 表示不变。",
    ),
    minimum=1.0,
    maximum=1000.0,
    log=True,
)

DATA_FIELDS: tuple[Parameter, ...] = (
    BATCH_SIZE,
    STANDARDIZE,
    VALIDATION,
    RECONSTRUCT,
    LABEL_NOISE,
    IMBALANCE,
)

TOP_LEVEL_KEYS = (
    "schema",
    "name",
    "seed",
    "device",
    "dtype",
    "steps",
    "data",
    "model",
    "init",
    "optimizer",
    "schedule",
    "remedies",
    "stages",
    "lanes",
)
"""Keys of the file, in the order in which they are written."""

LANE_OWN_KEYS = ("name", "color", REPEAT.key)
"""Keys of a lane that are not overrides."""

LANE_OVERRIDES = ("seed", "model", "init", "optimizer", "schedule", "remedies")
"""Keys of the experiment that a lane may differ in; the rest is shared by all lanes."""

DEFAULT_DOCUMENT: dict[str, object] = {
    "schema": SCHEMA,
    "name": "Untitled",
    "seed": 0,
    "device": "auto",
    "dtype": "float32",
    "steps": 2000,
    "data": {"name": "digits", "batch_size": 128, "standardize": True},
    "model": {"family": "mlp"},
    "init": {"weight": {"name": "he_normal"}, "bias": {"name": "zeros"}},
    "optimizer": {"name": "sgd"},
    "schedule": {"name": "constant"},
    "remedies": {},
}
"""What a key that a file leaves out is taken to be."""
