"""Rules for the learning rate that come back, rise first, or follow the scores.

The base rate is the highest that any of them reaches.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from initviz.catalog.parts import SchedulePart
from initviz.catalog.schedules import final_factor
from initviz.experiment.parameters import (
    ChoiceParameter,
    FloatParameter,
    IntParameter,
)
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

Factor = Callable[[int], float]


def _warm_restarts(choice: Choice, total_steps: int) -> Factor:
    first, growth = choice.integer("t_0"), choice.integer("t_mult")
    final = choice.number("final_factor")

    def factor(step: int) -> float:
        start, length = 0, first
        if growth == 1:
            start = step // first * first
        else:
            while step >= start + length:
                start, length = start + length, length * growth
        return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * (step - start) / length))

    return factor


def _cyclic(choice: Choice, total_steps: int) -> Factor:
    low, gamma, mode = choice.number("low_factor"), choice.number("gamma"), choice.string("mode")
    up = choice.integer("steps_up")
    down = up if choice["steps_down"] is None else choice.integer("steps_down")
    period = up + down

    def factor(step: int) -> float:
        cycle, place = divmod(step, period)
        height = place / up if place <= up else (period - place) / down
        if mode == "triangular2":
            height *= math.pow(0.5, cycle)
        elif mode == "exp_range":
            height *= math.pow(gamma, step)
        return low + (1.0 - low) * height

    return factor


def _one_cycle(choice: Choice, total_steps: int) -> Factor:
    first = 1.0 / choice.number("div_factor")
    last = first / choice.number("final_div_factor")
    peak = choice.number("pct_start") * total_steps - 1.0
    end = total_steps - 1.0
    is_cosine = choice.string("anneal") == "cosine"

    def between(start: float, stop: float, progress: float) -> float:
        # What is left of the way, so that nothing is lost where it ends near 0.
        left = 0.5 * (1.0 + math.cos(math.pi * progress)) if is_cosine else 1.0 - progress
        return stop + (start - stop) * left

    def factor(step: int) -> float:
        at = min(float(step), end)
        if at <= peak:
            return between(first, 1.0, at / peak if peak > 0.0 else 1.0)
        return between(1.0, last, (at - peak) / (end - peak) if end > peak else 1.0)

    return factor


class Plateau:
    """Lowers the rate where the loss has stopped falling, as ``torch.optim.lr_scheduler.ReduceLROnPlateau`` does.

    Args:
        choice: Of the schedule ``reduce_on_plateau``.
    """

    def __init__(self, choice: Choice) -> None:
        self._gamma = choice.number("gamma")
        self._patience = choice.integer("patience")
        self._threshold = choice.number("threshold")
        self._cooldown = choice.integer("cooldown")
        self._minimum = choice.number("min_factor")
        self._follows_validation = choice.string("metric") == "validation_loss"
        self._factor = 1.0
        self._best = math.inf
        self._bad_epochs = 0
        self._cooling = 0

    @property
    def factor(self) -> float:
        """Multiplier of the rate by now."""
        return self._factor

    def hear(self, training_loss: float, validation_loss: float) -> None:
        """Take the losses of an epoch in; a loss that is not a number counts as no improvement."""
        loss = validation_loss if self._follows_validation else training_loss
        if loss < self._best * (1.0 - self._threshold):
            self._best, self._bad_epochs = loss, 0
        else:
            self._bad_epochs += 1
        if self._cooling > 0:
            self._cooling -= 1
            self._bad_epochs = 0
        if self._bad_epochs > self._patience:
            self._factor = min(self._factor, max(self._factor * self._gamma, self._minimum))
            self._cooling, self._bad_epochs = self._cooldown, 0


def _nothing_held_back(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if choice.string("metric") == "training_loss" or situation.data.validation > 0.0:
        return None
    return "metric", Text(
        "no examples are held back, so that there is no validation loss to follow. Raise the validation share, or "
        "follow the training loss.",
        "没有留出验证样本，因此没有验证损失可供跟踪。请提高验证集比例，或改为跟踪训练损失。",
    )


def _constant(choice: Choice, total_steps: int) -> Factor:
    return lambda step: 1.0


def _steps(key: str, title: Text, default: int | None, help_text: Text) -> IntParameter:
    return IntParameter(
        key,
        title,
        default,
        help_text,
        minimum=1,
        maximum=2**31 - 1,
        unit="steps",
        log=True,
        optional=default is None,
    )


def _divisor(key: str, title: Text, default: float, help_text: Text) -> FloatParameter:
    return FloatParameter(key, title, default, help_text, minimum=1.0, maximum=1e9, log=True)


PARTS: tuple[SchedulePart, ...] = (
    SchedulePart(
        kind="schedule",
        key="warm_restarts",
        title=Text("Warm restarts (SGDR)", "热重启（SGDR）"),
        summary=Text(
            "The learning rate falls along half a cosine and jumps back to its start, again and again; each cycle may "
            "be longer than the one before.",
            "学习率沿半个余弦下降后跳回初值，周而复始；每个周期可以比前一个更长。",
        ),
        parameters=(
            _steps("t_0", Text("First cycle", "首个周期"), 200, Text("Its length.", "第一个周期的长度。")),
            IntParameter(
                "t_mult",
                Text("Growth", "增长倍数"),
                2,
                Text(
                    "How many times longer each cycle is than the one before.",
                    "每个周期是前一个周期的几倍长。",
                ),
                minimum=1,
                maximum=100,
            ),
            final_factor(
                Text(
                    "Share of the base rate that every cycle ends with.", "每个周期结束时占初始学习率的比例。"
                )
            ),
        ),
        formula=r"\eta_t = \eta_0 \left(f + (1 - f) \tfrac{1 + \cos(\pi t_i / T_i)}{2}\right), "
        r"\quad T_i = T_0 \, m^i",
        source="Loshchilov and Hutter 2017, arXiv:1608.03983",
        factor=_warm_restarts,
    ),
    SchedulePart(
        kind="schedule",
        key="cyclic",
        title=Text("Cyclic", "循环学习率"),
        summary=Text(
            "The learning rate goes up and down in straight lines between a low value and the base rate.",
            "学习率在低值与基准学习率之间沿直线往复。",
        ),
        parameters=(
            FloatParameter(
                "low_factor",
                Text("Low end", "低值"),
                0.1,
                Text("Share of the base rate at the lowest point.", "最低点占基准学习率的比例。"),
                minimum=0.0,
                maximum=1.0,
            ),
            _steps("steps_up", Text("Up", "上升"), 100, Text("Length of every rise.", "每次上升的步数。")),
            _steps(
                "steps_down",
                Text("Down", "下降"),
                None,
                Text(
                    "Length of every fall; as long as the rise if left open.",
                    "每次下降的步数；留空则与上升相同。",
                ),
            ),
            ChoiceParameter(
                "mode",
                Text("Mode", "模式"),
                "triangular",
                Text("What becomes of the height of the cycles.", "各周期高度如何变化。"),
                (
                    ("triangular", Text("Triangular: always the same", "三角形：高度不变")),
                    ("triangular2", Text("Triangular 2: halved every cycle", "三角形 2：每个周期减半")),
                    ("exp_range", Text("Exponential: by a factor every step", "指数：每一步乘以系数")),
                ),
            ),
            FloatParameter(
                "gamma",
                Text("Factor", "系数"),
                0.999,
                Text(
                    "What the height is multiplied by at each step in the exponential mode.",
                    "指数模式下，高度每一步乘以的系数。",
                ),
                minimum=0.0,
                maximum=1.0,
                open_minimum=True,
            ),
        ),
        formula=r"\eta_t = \eta_0 \left(f + (1 - f) \, h_t \, s_t\right), \quad "
        r"s_t \in \{1, \; 2^{-\mathrm{cycle}}, \; \gamma^t\}",
        source="Smith 2017, arXiv:1506.01186",
        factor=_cyclic,
    ),
    SchedulePart(
        kind="schedule",
        key="one_cycle",
        title=Text("One cycle", "单周期"),
        summary=Text(
            "The learning rate rises from a low value to the base rate and then falls far below where it began.",
            "学习率从低值升到基准学习率，再降到远低于起点的值。",
        ),
        parameters=(
            FloatParameter(
                "pct_start",
                Text("Rise", "上升部分"),
                0.3,
                Text("Share of the run that it rises in.", "上升阶段占整个训练的比例。"),
                minimum=0.0,
                maximum=1.0,
            ),
            _divisor(
                "div_factor",
                Text("Start divisor", "起点除数"),
                25.0,
                Text("The run starts with the base rate divided by this.", "起点是基准学习率除以该值。"),
            ),
            _divisor(
                "final_div_factor",
                Text("End divisor", "终点除数"),
                1e4,
                Text("The run ends with its first rate divided by this.", "终点是起点学习率除以该值。"),
            ),
            ChoiceParameter(
                "anneal",
                Text("Shape", "形状"),
                "cosine",
                Text("Half cosines, or straight lines.", "半个余弦，或直线。"),
                (
                    ("cosine", Text("Cosine", "余弦")),
                    ("linear", Text("Linear", "线性")),
                ),
            ),
        ),
        formula=r"\eta_0 / d \;\rightarrow\; \eta_0 \;\rightarrow\; \eta_0 / (d \, d_f)",
        source="Smith and Topin 2019, arXiv:1708.07120",
        factor=_one_cycle,
    ),
    SchedulePart(
        kind="schedule",
        key="reduce_on_plateau",
        title=Text("Reduce on plateau", "平台期衰减"),
        summary=Text(
            "The learning rate of a lane falls by a factor once its loss has not improved for some epochs.",
            "某条赛道的损失连续若干轮没有改善时，它的学习率乘以一个系数。",
        ),
        parameters=(
            ChoiceParameter(
                "metric",
                Text("Follows", "跟踪指标"),
                "validation_loss",
                Text("Which loss must improve.", "哪一个损失需要改善。"),
                (
                    ("validation_loss", Text("Validation loss", "验证损失")),
                    ("training_loss", Text("Training loss", "训练损失")),
                ),
            ),
            FloatParameter(
                "gamma",
                Text("Factor", "系数"),
                0.1,
                Text("What the rate is multiplied by at each fall.", "每次下降时学习率乘以的系数。"),
                minimum=0.0,
                maximum=1.0,
                open_minimum=True,
                open_maximum=True,
            ),
            IntParameter(
                "patience",
                Text("Patience", "耐心"),
                10,
                Text("Epochs without an improvement that are let pass.", "允许连续多少轮没有改善。"),
                minimum=0,
                maximum=1_000_000,
                unit="epochs",
            ),
            FloatParameter(
                "threshold",
                Text("Threshold", "阈值"),
                1e-4,
                Text(
                    "Share by which the best loss must be undercut to count as an improvement.",
                    "损失比最优值低多大比例才算改善。",
                ),
                minimum=0.0,
                maximum=1.0,
                open_maximum=True,
                log=True,
            ),
            IntParameter(
                "cooldown",
                Text("Cooldown", "冷却期"),
                0,
                Text("Epochs after a fall in which nothing is counted.", "每次下降之后多少轮不计数。"),
                minimum=0,
                maximum=1_000_000,
                unit="epochs",
            ),
            FloatParameter(
                "min_factor",
                Text("Lowest", "下限"),
                0.0,
                Text(
                    "Share of the base rate below which it never falls.",
                    "学习率不会低于基准学习率的这一比例。",
                ),
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        source="PyTorch manual, torch.optim.lr_scheduler.ReduceLROnPlateau",
        mismatch=_nothing_held_back,
        factor=_constant,
        reaction=Plateau,
        previews=False,
    ),
)
