"""Whether the network of an earlier stage can be a teacher."""

from __future__ import annotations

import math

from initviz.experiment.blueprint import SEQUENCE_AXES
from initviz.experiment.parameters import TextParameter
from initviz.experiment.stages import PREFIX, stage_name
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo, Situation

TEACHER = TextParameter(
    "teacher",
    Text("Teacher", "教师"),
    f"{PREFIX}teacher",
    Text(
        "Stage whose network is asked, written stage:NAME; it is trained, or loaded, before the lanes.",
        "向哪个阶段的网络请教，写作 stage:名称；它在各赛道之前训练或载入。",
    ),
)


def teacher_of(choice: Choice) -> str:
    """Return the stage that a choice names."""
    return choice.string(TEACHER.key)


def teacher_mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    """Say why the stage that a choice names cannot teach these lanes, or None."""
    source = teacher_of(choice)
    name = stage_name(source)
    if not name:
        return TEACHER.key, Text(
            f"expected {PREFIX}NAME, the name of a stage of this experiment.",
            f"应为 {PREFIX}名称，即本实验中某个阶段的名称。",
        )
    if name not in situation.stages:
        known = list(situation.stages)
        hint_en = f"Name one of these: {', '.join(known)}." if known else "Add it below [[stages]]."
        hint_zh = f"可用的阶段：{'、'.join(known)}。" if known else "请在 [[stages]] 下添加它。"
        return TEACHER.key, Text(
            f"there is no stage called '{name}' before these lanes. {hint_en}",
            f"在这些赛道之前没有名为“{name}”的阶段。{hint_zh}",
        )
    return _other_questions(name, situation.stages[name], situation.info)


def _other_questions(name: str, theirs: DataInfo, ours: DataInfo) -> tuple[str, Text] | None:
    same_answers = (theirs.task, theirs.num_outputs, theirs.per_position) == (
        ours.task,
        ours.num_outputs,
        ours.per_position,
    )
    other_classes = bool(theirs.classes and ours.classes) and theirs.classes != ours.classes
    if not same_answers or other_classes:
        return TEACHER.key, Text(
            f"the stage '{name}' gives {_answers(theirs).en}, but these lanes give {_answers(ours).en}. Train it on "
            "the same classes.",
            f"阶段“{name}”的输出是{_answers(theirs).zh}，而这些赛道的输出是{_answers(ours).zh}。请让它学习相同的类别。",
        )
    if theirs.tokens == ours.tokens and _same_numbers(theirs, ours):
        return None
    return TEACHER.key, Text(
        f"the stage '{name}' reads inputs of shape {_shape(theirs)}, but these lanes read {_shape(ours)}. Train it on "
        "the same inputs.",
        f"阶段“{name}”读取的输入形状是 {_shape(theirs)}，而这些赛道读取 {_shape(ours)}。请让它学习相同的输入。",
    )


def _same_numbers(theirs: DataInfo, ours: DataInfo) -> bool:
    """Say whether one reads the numbers that the other reads: the same shape, or an image as a flat list."""
    if theirs.shape == ours.shape:
        return True
    is_sequence = SEQUENCE_AXES in (len(theirs.shape), len(ours.shape))
    return not is_sequence and math.prod(theirs.shape) == math.prod(ours.shape)


def _shape(info: DataInfo) -> str:
    return " x ".join(str(extent) for extent in info.shape)


def _answers(info: DataInfo) -> Text:
    if info.task == "regression":
        return Text("numbers", "数值")
    classes = 2 if info.task == "binary" else info.num_outputs
    if info.per_position:
        return Text(f"one of {classes} classes at every position", f"每个位置上 {classes} 个类别之一")
    named = (
        Text(f" ({', '.join(info.classes)})", f"（{'、'.join(info.classes)}）")
        if info.classes
        else Text("", "")
    )
    return Text(f"one of {classes} classes{named.en}", f"{classes} 个类别{named.zh}之一")
