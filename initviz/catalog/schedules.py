"""Rules for the learning rate, as closed forms: the multiplier of the base rate at a step."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable

from initviz.catalog.parts import SchedulePart
from initviz.experiment.parameters import ChoiceParameter, FloatParameter, FloatsParameter, IntParameter
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


def _multi_step(choice: Choice, total_steps: int) -> Factor:
    gamma = choice.number("gamma")
    milestones = sorted(round(share * total_steps) for share in choice.numbers("milestones"))

    def factor(step: int) -> float:
        return math.pow(gamma, bisect_right(milestones, step))

    return factor


def _exponential(choice: Choice, total_steps: int) -> Factor:
    gamma = choice.number("gamma")

    def factor(step: int) -> float:
        return math.pow(gamma, step)

    return factor


def _polynomial(choice: Choice, total_steps: int) -> Factor:
    power, final = choice.number("power"), choice.number("final_factor")

    def factor(step: int) -> float:
        left = 1.0 - min(step / total_steps, 1.0)
        return final + (1.0 - final) * math.pow(left, power)

    return factor


def _cosine(choice: Choice, total_steps: int) -> Factor:
    final = choice.number("final_factor")

    def factor(step: int) -> float:
        progress = min(step / total_steps, 1.0)
        return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * progress))

    return factor


def _range_test(choice: Choice, total_steps: int) -> Factor:
    low, high = choice.number("start_factor"), choice.number("end_factor")
    grows_by_factors = choice.string("growth") == "exponential"

    def factor(step: int) -> float:
        progress = min(step / max(total_steps - 1, 1), 1.0)
        if grows_by_factors:
            return low * math.pow(high / low, progress)
        return low + (high - low) * progress

    return factor


def _range_problem(choice: Choice) -> Text | None:
    if choice.number("end_factor") > choice.number("start_factor"):
        return None
    return Text(
        "the range must end above its start. Raise the end, or lower the start.",
        "终点必须高于起点。请提高终点，或降低起点。",
    )


def final_factor(help_text: Text) -> FloatParameter:
    """Return the parameter ``final_factor``, a share of the base rate."""
    return FloatParameter(
        "final_factor",
        Text("End", "终值"),
        0.0,
        help_text,
        minimum=0.0,
        maximum=1.0,
    )


_RUN_ENDS = Text("Share of the base rate that the run ends with.", "训练结束时占初始学习率的比例。")


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
        key="multi_step",
        title=Text("Multi-step", "多级阶梯衰减"),
        summary=Text(
            "The learning rate falls by a factor at chosen places of the run.",
            "学习率在训练进程的指定位置乘以一个系数。",
        ),
        parameters=(
            FloatsParameter(
                "milestones",
                Text("Places", "下降位置"),
                (0.5, 0.75),
                Text(
                    "Where the rate falls, as shares of the run: 0.5 is halfway.",
                    "在训练进程的哪些位置下降：0.5 表示一半处。",
                ),
                minimum=0.0,
                maximum=1.0,
                maximum_length=16,
            ),
            _gamma(0.1, Text("What the rate is multiplied by at each fall.", "每次下降时学习率乘以的系数。")),
        ),
        formula=r"\eta_t = \eta_0 \, \gamma^{\#\{m : m \le t\}}",
        source="He et al. 2016, arXiv:1512.03385",
        factor=_multi_step,
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
        key="polynomial",
        title=Text("Polynomial", "多项式衰减"),
        summary=Text(
            "The learning rate falls as a power of what is left of the run; power 1 is a straight line.",
            "学习率按剩余进程的幂下降；幂次为 1 时就是直线。",
        ),
        parameters=(
            FloatParameter(
                "power",
                Text("Power", "幂次"),
                1.0,
                Text("Below 1 it falls late, above 1 early.", "小于 1 时下降得晚，大于 1 时下降得早。"),
                minimum=0.0,
                maximum=10.0,
                open_minimum=True,
            ),
            final_factor(_RUN_ENDS),
        ),
        formula=r"\eta_t = \eta_0 \left(f + (1 - f) (1 - t / T)^p\right)",
        source="Chen et al. 2018, arXiv:1606.00915",
        factor=_polynomial,
    ),
    SchedulePart(
        kind="schedule",
        key="cosine",
        title=Text("Cosine", "余弦退火"),
        summary=Text(
            "The learning rate falls along half a cosine and reaches its end with the end of the run.",
            "学习率沿半个余弦曲线下降，训练结束时降到终值。",
        ),
        parameters=(final_factor(_RUN_ENDS),),
        formula=r"\eta_t = \eta_0 \left(f + (1 - f) \tfrac{1 + \cos(\pi t / T)}{2}\right)",
        source="Loshchilov and Hutter 2017, arXiv:1608.03983",
        factor=_cosine,
    ),
    SchedulePart(
        kind="schedule",
        key="range_test",
        title=Text("Range test", "学习率范围测试"),
        summary=Text(
            "No training but a measurement: the learning rate grows from far too small to far too large over the run, "
            "and the loss tells which rates are good.",
            "这不是训练而是测量：学习率在整个过程中从过小增长到过大，由损失看出哪些学习率合适。",
        ),
        parameters=(
            FloatParameter(
                "start_factor",
                Text("From", "起点"),
                1e-4,
                Text("Multiple of the base rate that the run starts with.", "开始时是初始学习率的多少倍。"),
                minimum=0.0,
                maximum=1e6,
                open_minimum=True,
                log=True,
            ),
            FloatParameter(
                "end_factor",
                Text("To", "终点"),
                100.0,
                Text("Multiple of the base rate that the run ends with.", "结束时是初始学习率的多少倍。"),
                minimum=0.0,
                maximum=1e6,
                open_minimum=True,
                log=True,
            ),
            ChoiceParameter(
                "growth",
                Text("Growth", "增长方式"),
                "exponential",
                Text(
                    "By equal factors, or by equal amounts, a step.", "每一步乘以相同的倍数，或增加相同的量。"
                ),
                (
                    ("exponential", Text("Exponential", "指数")),
                    ("linear", Text("Linear", "线性")),
                ),
            ),
        ),
        formula=r"\eta_t = \eta_0 \, a \, (b / a)^{t / (T - 1)}",
        source="Smith 2017, arXiv:1506.01186",
        problem=_range_problem,
        factor=_range_test,
    ),
)
