"""Warmup, early stopping, mixed precision."""

from __future__ import annotations

import math
from typing import Literal, cast

from initviz.catalog.remedy_part import Gauge, GroupPlan, RemedyPart, Rule, StoppingRule
from initviz.experiment.parameters import BoolParameter, ChoiceParameter, FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

GROUP = Text("Training", "训练过程")


class Warmup(Rule):
    """Multiplies the rate by a share that grows to 1; the schedule's own clock runs all the while."""

    order = 5

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        self._steps = choice.integer("warmup_steps")
        self._start = choice.number("start_factor")
        self._grows_by_factors = choice.string("growth") == "exponential"

    def rate(self, step: int, factor: float) -> float:
        """Return the multiplier of the base rate: the schedule's times the share reached."""
        if step >= self._steps:
            return factor
        progress = step / self._steps
        if self._grows_by_factors:
            return factor * math.pow(self._start, 1.0 - progress)
        return factor * (self._start + (1.0 - self._start) * progress)


def _warms_a_measurement(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if situation.recipe.schedule.name != "range_test":
        return None
    return "", Text(
        "a warmup would falsify the learning rates that the range test measures. Switch it off, or choose another "
        "schedule.",
        "预热会扭曲学习率范围测试所测的学习率。请关闭预热，或选择其他学习率调度。",
    )


def _stopping(choice: Choice) -> StoppingRule:
    metric: Literal["loss", "accuracy"] = "accuracy" if choice.string("metric") == "accuracy" else "loss"
    return StoppingRule(
        metric, choice.integer("patience"), choice.number("min_delta"), choice.flag("restore_best")
    )


def _nothing_to_judge_by(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if situation.data.validation == 0.0:
        return "metric", Text(
            "no examples are held back to judge by. Raise the validation share, or switch early stopping off.",
            "没有留出用于判断的验证样本。请提高验证集比例，或关闭早停。",
        )
    if choice.string("metric") == "accuracy" and situation.info.task == "regression":
        return "metric", Text(
            "a regression has no accuracy. Follow the loss.",
            "回归任务没有准确率。请改为跟踪损失。",
        )
    return None


def _precision(choice: Choice) -> Literal["bfloat16", "float16"]:
    return cast(Literal["bfloat16", "float16"], choice.string("type"))


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="warmup",
        title=Text("Warmup", "学习率预热"),
        summary=Text(
            "Begins with a small learning rate that grows to the schedule's, so that the first steps from a bad "
            "start do no lasting harm. The schedule's own clock starts with the run and not after the warmup.",
            "从很小的学习率开始，逐渐升到调度给出的值，使糟糕初始化的头几步不致造成长久的伤害。"
            "调度自身的时钟从训练开始时计起，而不是从预热结束时。",
        ),
        group=GROUP,
        parameters=(
            IntParameter(
                "warmup_steps",
                Text("Length", "长度"),
                100,
                Text("Steps until the full rate is reached.", "经过多少步达到完整的学习率。"),
                minimum=1,
                maximum=2**31 - 1,
                unit="steps",
                log=True,
            ),
            FloatParameter(
                "start_factor",
                Text("From", "起点"),
                0.01,
                Text("Share of the rate that the first step has.", "第一步的学习率占多大比例。"),
                minimum=0.0,
                maximum=1.0,
                open_minimum=True,
                log=True,
            ),
            ChoiceParameter(
                "growth",
                Text("Growth", "增长方式"),
                "linear",
                Text(
                    "By equal amounts, or by equal factors, a step.", "每一步增加相同的量，或乘以相同的倍数。"
                ),
                (
                    ("linear", Text("Linear", "线性")),
                    ("exponential", Text("Exponential", "指数")),
                ),
            ),
        ),
        formula=r"\eta_t = \eta^{\mathrm{schedule}}_t \left(a + (1 - a) \min(t / N, 1)\right)",
        source="Goyal et al. 2017, arXiv:1706.02677",
        rule=Warmup,
        mismatch=_warms_a_measurement,
    ),
    RemedyPart(
        kind="remedy",
        key="early_stopping",
        title=Text("Early stopping", "早停"),
        summary=Text(
            "Ends a lane once its score on the held-back examples has not improved for some epochs, and gives it the "
            "weights of its best epoch back; the others go on.",
            "某条赛道在验证样本上的得分连续若干轮没有改善时，停止该赛道并恢复其最佳一轮的权重；其余赛道继续。",
        ),
        group=GROUP,
        parameters=(
            ChoiceParameter(
                "metric",
                Text("Judged by", "判断依据"),
                "loss",
                Text("Score on the held-back examples.", "在验证样本上的得分。"),
                (
                    ("loss", Text("Loss", "损失")),
                    ("accuracy", Text("Accuracy", "准确率")),
                ),
            ),
            IntParameter(
                "patience",
                Text("Patience", "耐心"),
                10,
                Text("Epochs without an improvement after which a lane stops.", "连续多少轮没有改善就停止。"),
                minimum=1,
                maximum=1_000_000,
                unit="epochs",
                log=True,
            ),
            FloatParameter(
                "min_delta",
                Text("Smallest improvement", "最小改善"),
                0.0,
                Text("Change of the score that counts as an improvement.", "得分至少改变多少才算改善。"),
                minimum=0.0,
                maximum=1e6,
            ),
            BoolParameter(
                "restore_best",
                Text("Restore the best", "恢复最佳"),
                True,
                Text("Give the lane the weights of its best epoch back.", "恢复该赛道最佳一轮的权重。"),
            ),
        ),
        source="Prechelt 1998, doi:10.1007/3-540-49430-8_3",
        stopping=_stopping,
        mismatch=_nothing_to_judge_by,
    ),
    RemedyPart(
        kind="remedy",
        key="mixed_precision",
        title=Text("Mixed precision", "混合精度"),
        summary=Text(
            "Computes products in 16 bits and keeps weights in 32. bfloat16 has the range of 32 bits and fewer "
            "digits; float16 has a small range, below which gradients become 0 unless the loss is scaled up, which "
            "is done.",
            "用 16 位计算乘积，权重仍保持 32 位。bfloat16 的数值范围与 32 位相同而位数更少；float16 的范围小，"
            "过小的梯度会变成 0，因此会自动放大损失。",
        ),
        group=GROUP,
        parameters=(
            ChoiceParameter(
                "type",
                Text("Type", "类型"),
                "bfloat16",
                Text("What products are computed in.", "乘积用哪种类型计算。"),
                (
                    ("bfloat16", Text("bfloat16", "bfloat16")),
                    ("float16", Text("float16 with loss scaling", "float16（带损失缩放）")),
                ),
            ),
        ),
        source="Micikevicius et al. 2018, arXiv:1710.03740",
        precision=_precision,
        gauges=(
            Gauge("underflowed", Text("Gradients that became 0", "变为 0 的梯度占比"), "%"),
            Gauge("loss_scale", Text("Loss scale", "损失缩放系数")),
        ),
    ),
)
