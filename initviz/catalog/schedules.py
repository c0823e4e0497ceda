"""Rules for the learning rate, as closed forms: the multiplier of the base rate at a step."""

from __future__ import annotations

import math
from collections.abc import Callable

from initviz.catalog.parts import SchedulePart
from initviz.experiment.parameters import FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

Factor = Callable[[int], float]


def _constant(choice: Choice, total_steps: int) -> Factor:
    return lambda step: 1.0


def _step(choice: Choice, total_steps: int) -> Factor:
    step_size, gamma = choice.integer("step_size"), choice.number("gamma")

    def factor(step: int) -> float:
        return math.pow(gamma, step // step_size)

    return factor


def _exponential(choice: Choice, total_steps: int) -> Factor:
    gamma = choice.number("gamma")

    def factor(step: int) -> float:
        return math.pow(gamma, step)

    return factor


def _cosine(choice: Choice, total_steps: int) -> Factor:
    final = choice.number("final_factor")

    def factor(step: int) -> float:
        progress = min(step / total_steps, 1.0)
        return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * progress))

    return factor


def _gamma(default: float, help_text: Text) -> FloatParameter:
    return FloatParameter(
        "gamma",
        Text("Factor", "系数"),
        default,
        help_text,
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
    )


PARTS: tuple[SchedulePart, ...] = (
    SchedulePart(
        kind="schedule",
        key="constant",
        title=Text("Constant", "恒定"),
        summary=Text("The learning rate stays as it is.", "学习率保持不变。"),
        formula=r"\eta_t = \eta_0",
        source="PyTorch manual, torch.optim",
        factor=_constant,
    ),
    SchedulePart(
        kind="schedule",
        key="step",
        title=Text("Step", "阶梯衰减"),
        summary=Text(
            "The learning rate falls by a factor every so many steps.", "每隔若干步，学习率乘以一个系数。"
        ),
        parameters=(
            IntParameter(
                "step_size",
                Text("Every", "间隔"),
                500,
                Text("Steps between two falls.", "两次下降之间的步数。"),
                minimum=1,
                unit="steps",
                log=True,
            ),
            _gamma(0.1, Text("What the rate is multiplied by at each fall.", "每次下降时学习率乘以的系数。")),
        ),
        formula=r"\eta_t = \eta_0 \, \gamma^{\lfloor t / s \rfloor}",
        source="Bengio 2012, arXiv:1206.5533",
        factor=_step,
    ),
    SchedulePart(
        kind="schedule",
        key="exponential",
        title=Text("Exponential", "指数衰减"),
        summary=Text("The learning rate falls by a factor every step.", "学习率每一步都乘以一个系数。"),
        parameters=(
            _gamma(0.999, Text("What the rate is multiplied by at each step.", "每一步学习率乘以的系数。")),
        ),
        formula=r"\eta_t = \eta_0 \, \gamma^{t}",
        source="Bengio 2012, arXiv:1206.5533",
        factor=_exponential,
    ),
    SchedulePart(
        kind="schedule",
        key="cosine",
        title=Text("Cosine", "余弦退火"),
        summary=Text(
            "The learning rate falls along half a cosine and reaches its end with the end of the run.",
            "学习率沿半个余弦曲线下降，训练结束时降到终值。",
        ),
        parameters=(
            FloatParameter(
                "final_factor",
                Text("End", "终值"),
                0.0,
                Text("Share of the base rate that the run ends with.", "训练结束时占初始学习率的比例。"),
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        formula=r"\eta_t = \eta_0 \left(f + (1 - f) \tfrac{1 + \cos(\pi t / T)}{2}\right)",
        source="Loshchilov and Hutter 2017, arXiv:1608.03983",
        factor=_cosine,
    ),
)
