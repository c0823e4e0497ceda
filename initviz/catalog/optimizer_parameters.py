"""Parameters that several update rules share."""

from __future__ import annotations

from initviz.experiment.parameters import BoolParameter, FloatParameter, FloatsParameter
from initviz.experiment.text import Text

L2 = Text(
    "Adds so much of each weight to its gradient, as an L2 penalty does, which pulls it towards 0.",
    "把权重的这一比例加到它的梯度上（即 L2 惩罚），从而把它拉向 0。",
)
DECOUPLED = Text(
    "Multiplies each weight by 1 minus this times the learning rate at every step, apart from its gradient.",
    "每一步把每个权重乘以 1 − 学习率 × 该值，与梯度无关。",
)


def learning_rate(default: float) -> FloatParameter:
    """Return the parameter ``lr``."""
    return FloatParameter(
        "lr",
        Text("Learning rate", "学习率"),
        default,
        Text("Size of a step; the schedule multiplies it.", "每一步的大小；学习率调度会再乘以一个系数。"),
        minimum=0.0,
        maximum=1e6,
        log=True,
    )


def momentum(default: float) -> FloatParameter:
    """Return the parameter ``momentum``."""
    return FloatParameter(
        "momentum",
        Text("Momentum", "动量"),
        default,
        Text("Share of the last step that is kept.", "上一步的更新量保留多大比例。"),
        minimum=0.0,
        maximum=1.0,
        open_maximum=True,
    )


def nesterov(default: bool) -> BoolParameter:
    """Return the parameter ``nesterov``."""
    return BoolParameter(
        "nesterov",
        Text("Nesterov", "Nesterov 动量"),
        default,
        Text("Look ahead along the momentum before stepping.", "先沿动量方向预看一步，再更新。"),
    )


def weight_decay(default: float, help_text: Text) -> FloatParameter:
    """Return the parameter ``weight_decay``."""
    return FloatParameter(
        "weight_decay",
        Text("Weight decay", "权重衰减"),
        default,
        help_text,
        minimum=0.0,
        maximum=1e3,
        log=True,
    )


def epsilon(default: float) -> FloatParameter:
    """Return the parameter ``eps``."""
    return FloatParameter(
        "eps",
        Text("Epsilon", "Epsilon"),
        default,
        Text("Keeps the divisor away from 0.", "防止除数为 0。"),
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
        log=True,
    )


def betas(first: float = 0.9, second: float = 0.999) -> FloatsParameter:
    """Return the parameter ``betas``."""
    return FloatsParameter(
        "betas",
        Text("Betas", "Beta 系数"),
        (first, second),
        Text(
            "How much of the running mean of the gradient, and of its square, is kept.",
            "梯度的滑动平均与梯度平方的滑动平均各保留多大比例。",
        ),
        minimum=0.0,
        maximum=1.0,
        open_maximum=True,
        minimum_length=2,
        maximum_length=2,
    )
