"""Knowledge distillation: learning from a teacher's answers beside the labels."""

from __future__ import annotations

from initviz.catalog.remedies.stage_fit import TEACHER, teacher_mismatch, teacher_of
from initviz.catalog.remedy_part import Distillation, Gauge, RemedyPart
from initviz.experiment.parameters import FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation


def _distillation(choice: Choice) -> Distillation:
    return Distillation(teacher_of(choice), choice.number("temperature"), choice.number("share"))


def _mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if situation.info.task == "regression":
        return "", Text(
            "distillation passes on how likely a teacher finds each class, but this task predicts numbers. Switch it "
            "off, or choose a data set with classes.",
            "知识蒸馏传递的是教师认为每个类别有多大可能，而此任务预测的是数值。请关闭它，或选择有类别的数据集。",
        )
    return teacher_mismatch(choice, situation)


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="distillation",
        group=Text("Loss", "损失"),
        title=Text("Distillation", "知识蒸馏"),
        summary=Text(
            "Learns from the answers of a teacher, a network trained before, beside the labels: how likely it finds "
            "the other classes tells more than the right one alone.",
            "除了标签，还向教师（事先训练好的网络）的输出学习：它认为其他类别有多大可能，比单独一个正确类别包含更多信息。",
        ),
        parameters=(
            TEACHER,
            FloatParameter(
                "temperature",
                Text("Temperature", "温度"),
                4.0,
                Text(
                    "All logits are divided by it: the higher, the more the unlikely classes count.",
                    "所有 logits 都除以它：越高，可能性小的类别就越受重视。",
                ),
                minimum=0.0,
                maximum=100.0,
                open_minimum=True,
                log=True,
            ),
            FloatParameter(
                "share",
                Text("Weight of the teacher", "教师的权重"),
                0.7,
                Text(
                    "Share of the loss that comes from the teacher's answers; the rest comes from the labels.",
                    "损失中来自教师输出的比例；其余来自标签。",
                ),
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        formula=r"C = (1 - a) \, C_{\mathrm{hard}} + a \, T^{2} \, \mathrm{KL}(p_{T} \,\|\, q_{T})",
        source="Hinton et al. 2015, arXiv:1503.02531",
        distillation=_distillation,
        mismatch=_mismatch,
        stage=teacher_of,
        gauges=(
            Gauge("soft_loss", Text("Soft loss (teacher)", "软损失（教师）")),
            Gauge("hard_loss", Text("Hard loss (labels)", "硬损失（标签）")),
        ),
    ),
)
