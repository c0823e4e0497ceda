"""Averages of weights: Lookahead, stochastic weight averaging, exponential moving average."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from initviz.catalog.remedy_part import GroupPlan, RemedyPart, Rule
from initviz.experiment.parameters import FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

if TYPE_CHECKING:
    from torch import Tensor

GROUP = Text("Averages of weights", "权重平均")


class Lookahead(Rule):
    """Slow weights that go a part of the way to the fast ones every few steps; the fast ones go on from there."""

    order = 50

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        self._every = choice.integer("k")
        self._alpha = choice.number("alpha")
        self._slow: Tensor | None = None

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Note where the weights start."""
        if self._slow is None:
            self._slow = flat.clone()

    def updated(self, step: int, flat: Tensor) -> None:
        """Move the slow weights, and the fast ones to them, after every ``k`` steps."""
        if self._slow is not None and (step + 1) % self._every == 0:
            self._slow.lerp_(flat, self._alpha)
            flat.copy_(self._slow)


class StochasticAverage(Rule):
    """The plain mean of the weights at the ends of the last epochs, while a rate of its own keeps them moving."""

    # Its rate must be known to rules that follow. The mean is taken late enough all the same: see ``_take_in``.
    order = 35

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        self._rate = choice.number("rate")
        self._start = min(round(choice.number("start") * plan.total_steps), plan.total_steps - 1)
        self._every = choice.integer("every") * plan.steps_per_epoch
        self._anneal = choice.integer("anneal") * plan.steps_per_epoch
        self._last = plan.total_steps - 1
        self._mean: Tensor | None = None
        self._count = 0
        self._waiting: Tensor | None = None

    def rate(self, step: int, factor: float) -> float:
        """Go over from the schedule's rate to its own, along half a cosine."""
        if step < self._start:
            return factor
        progress = min((step - self._start) / self._anneal, 1.0) if self._anneal else 1.0
        share = 0.5 * (1.0 - math.cos(math.pi * progress))
        return self._rate * share + factor * (1.0 - share)

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Take in the weights that the step before ended with."""
        self._take_in()

    def updated(self, step: int, flat: Tensor) -> None:
        """Note that the weights with which this step will have ended are to be taken in."""
        since = step - self._start + 1
        if since > 0 and (since % self._every == 0 or (step == self._last and self._count == 0)):
            self._waiting = flat

    def _take_in(self) -> None:
        """Take in the weights only now that every other rule has had its say about them."""
        if self._waiting is None:
            return
        self._count += 1
        if self._mean is None:
            self._mean = self._waiting.clone()
        else:
            self._mean.lerp_(self._waiting, 1.0 / self._count)
        self._waiting = None

    def averaged(self) -> Tensor | None:
        """Return the mean, or None before the first epoch after the start has ended."""
        self._take_in()
        return self._mean


class MovingAverage(Rule):
    """A mean of the weights that forgets old ones exponentially."""

    order = 60

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        self._decay = choice.number("decay")
        self._mean: Tensor | None = None

    def updated(self, step: int, flat: Tensor) -> None:
        """Take the weights of this step in."""
        if self._mean is None:
            self._mean = flat.clone()
        else:
            self._mean.lerp_(flat, 1.0 - self._decay)

    def averaged(self) -> Tensor | None:
        """Return the mean, or None before the first step."""
        return self._mean


def _one_mean(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if situation.recipe.remedy("ema") is None:
        return None
    return "", Text(
        "only one set of averaged weights is scored beside the raw ones. Switch off SWA or EMA.",
        "除原始权重外只评估一组平均权重。请关闭 SWA 或 EMA。",
    )


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="lookahead",
        title=Text("Lookahead", "Lookahead"),
        summary=Text(
            "Lets any optimizer run ahead for some steps, then goes only a part of the way and starts again from "
            "there, which calms a jumpy one.",
            "让任意优化器先跑若干步，再只走其中一段，并从那里重新出发，从而使剧烈波动平静下来。",
        ),
        group=GROUP,
        parameters=(
            IntParameter(
                "k",
                Text("Every", "间隔"),
                5,
                Text("Steps between two moves of the slow weights.", "慢权重两次移动之间的步数。"),
                minimum=1,
                maximum=10_000,
                unit="steps",
                log=True,
            ),
            FloatParameter(
                "alpha",
                Text("Part of the way", "靠近比例"),
                0.5,
                Text("How far the slow weights move towards the fast ones.", "慢权重向快权重移动多大比例。"),
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        formula=r"\phi \leftarrow \phi + \alpha (w_{t + k} - \phi), \quad w \leftarrow \phi",
        source="Zhang et al. 2019, arXiv:1907.08610",
        rule=Lookahead,
    ),
    RemedyPart(
        kind="remedy",
        key="swa",
        title=Text("Stochastic weight averaging (SWA)", "随机权重平均（SWA）"),
        summary=Text(
            "From some point of the run on the rate stays at a value of its own, and the mean of the weights at the "
            "ends of the epochs is scored beside the weights themselves.",
            "从训练的某一点起，学习率保持在单独设定的值，并把各轮结束时权重的平均与权重本身一并评估。",
        ),
        group=GROUP,
        parameters=(
            FloatParameter(
                "start",
                Text("Start", "起点"),
                0.75,
                Text("Share of the run after which averaging begins.", "训练进行到多大比例后开始平均。"),
                minimum=0.0,
                maximum=1.0,
                open_maximum=True,
            ),
            FloatParameter(
                "rate",
                Text("Rate", "学习率"),
                0.5,
                Text("Multiple of the base learning rate from then on.", "此后是基准学习率的多少倍。"),
                minimum=0.0,
                maximum=1e6,
                log=True,
            ),
            IntParameter(
                "anneal",
                Text("Transition", "过渡"),
                0,
                Text(
                    "Epochs in which the rate goes over to that, along half a cosine.",
                    "学习率沿半个余弦过渡到该值所用的轮数。",
                ),
                minimum=0,
                maximum=1_000_000,
                unit="epochs",
            ),
            IntParameter(
                "every",
                Text("Every", "间隔"),
                1,
                Text("Epochs between two weights that are averaged.", "每隔多少轮取一次权重参与平均。"),
                minimum=1,
                maximum=1_000_000,
                unit="epochs",
            ),
        ),
        formula=r"\bar w \leftarrow \bar w + (w - \bar w) / (n + 1)",
        source="Izmailov et al. 2018, arXiv:1803.05407",
        rule=StochasticAverage,
        beside="weights",
        mismatch=_one_mean,
    ),
    RemedyPart(
        kind="remedy",
        key="ema",
        title=Text("Exponential moving average (EMA)", "指数滑动平均（EMA）"),
        summary=Text(
            "Keeps a running mean of the weights, which is scored beside the weights themselves and is less noisy.",
            "维护权重的滑动平均，与权重本身一并评估；它的噪声更小。",
        ),
        group=GROUP,
        parameters=(
            FloatParameter(
                "decay",
                Text("Decay", "衰减率"),
                0.99,
                Text("Share of the running mean that is kept in a step.", "每一步滑动平均保留多大比例。"),
                minimum=0.0,
                maximum=1.0,
                open_maximum=True,
            ),
        ),
        formula=r"\bar w \leftarrow d \, \bar w + (1 - d) \, w",
        source="Polyak and Juditsky 1992, doi:10.1137/0330046; Tarvainen and Valpola 2017, arXiv:1703.01780",
        rule=MovingAverage,
        beside="weights",
    ),
)
