"""A start that is not drawn: weights that another network has learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog.parts import InitContext, InitializerPart
from initviz.experiment.parameters import BoolParameter, PartParameter, PathParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

if TYPE_CHECKING:
    from torch import Generator, Tensor

FALLBACK = "fallback"


def _fallback(choice: Choice) -> tuple[InitializerPart, Choice]:
    from initviz.catalog.index import catalogue  # which lists this very module

    part = catalogue().get("initializer", choice.string(FALLBACK))
    if not isinstance(part, InitializerPart):
        raise TypeError(f"{part.key} is not an initializer")
    return part, part.choose()


def _draw(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    part, chosen = _fallback(choice)
    part.draw(tensor, chosen, context, generator)


def _no_aim(choice: Choice, context: InitContext) -> float | None:
    return None


def _stage(choice: Choice) -> str:
    source = choice.string("source")
    return source if source.startswith("stage:") else ""


def _mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    part, _ = _fallback(choice)
    if "weight" in part.targets and not part.loads and not part.data_driven:
        return None
    return FALLBACK, Text(
        "what is not loaded must be drawn from a plain distribution. Choose another initializer.",
        "未加载的部分必须从普通分布抽取。请选择其他初始化方法。",
    )


PARTS: tuple[InitializerPart, ...] = (
    InitializerPart(
        kind="initializer",
        key="from_weights",
        group=Text("From other networks", "来自其他网络"),
        title=Text("From weights", "来自已有权重"),
        summary=Text(
            "Starts where another network has arrived: an earlier stage, another lane or a file; tensors are matched "
            "by name and shape, and what has no match is drawn.",
            "从另一个网络学到的权重开始：来自较早的阶段、另一条赛道或文件；张量按名称和形状匹配，没有匹配的则随机抽取。",
        ),
        parameters=(
            PathParameter(
                "source",
                Text("Source", "来源"),
                "",
                Text(
                    "stage:NAME for an earlier stage, lane:NAME for the start of another lane, or a file.",
                    "stage:名称 表示较早的阶段，lane:名称 表示另一条赛道的起点，也可以是文件。",
                ),
                suffixes=(".safetensors", ".pt", ".pth"),
            ),
            PartParameter(
                FALLBACK,
                Text("Otherwise", "其余部分"),
                "he_normal",
                Text("Draws the weights that have no match.", "抽取没有匹配的权重。"),
                part_kind="initializer",
            ),
            BoolParameter(
                "output",
                Text("Output layer too", "包括输出层"),
                True,
                Text(
                    "Off for other classes than those that were learned: the output layer is drawn anew.",
                    "类别与原来学习的不同时请关闭：输出层将重新抽取。",
                ),
            ),
        ),
        formula=r"w \leftarrow w_\text{source}",
        source="Yosinski et al. 2014, arXiv:1411.1792",
        draw=_draw,
        target_std=_no_aim,
        centred=lambda choice: False,
        loads=True,
        stage=_stage,
        mismatch=_mismatch,
    ),
)
