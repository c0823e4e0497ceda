"""Curriculum learning: easy examples first, by what is known of their difficulty."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from initviz.catalog.remedies.balance import PARTS as BALANCING
from initviz.catalog.remedies.stage_fit import TEACHER, teacher_mismatch, teacher_of
from initviz.catalog.remedy_part import Curriculum, Gauge, RemedyPart, TrainingExamples
from initviz.experiment.parameters import BoolParameter, ChoiceParameter, FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MARGIN, LOSS, NOISE = "margin", "teacher_loss", "label_noise"
FIT_NUMBERS = 4_000_000
"""Input numbers that the linear model looks at at most, so that it stays quick."""
FEWEST_FITTED = 200
"""Examples that it looks at in any case, where there are so many."""
FIT_ITERATIONS = 100

Difficulty = Callable[[TrainingExamples], "NDArray[np.float64]"]
Pacing = Callable[[float], float]


def by_margin(examples: TrainingExamples) -> NDArray[np.float64]:
    """Return how far each example lies on the wrong side of the border that a linear model draws, ``(S,)``.

    That is the largest score of another class less that of its own, by a logistic regression on the training part.
    """
    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    flat = examples.inputs.reshape(len(examples.inputs), -1)
    targets = examples.targets.astype(np.int64)
    fitted = max(FEWEST_FITTED, FIT_NUMBERS // flat.shape[1])
    classes = np.unique(targets[:fitted])
    if len(classes) < 2:
        return np.zeros(len(flat))
    model = LogisticRegression(max_iter=FIT_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # a rough border tells easy from hard just as well
        model.fit(flat[:fitted], targets[:fitted])
    scores = model.decision_function(flat)
    if scores.ndim == 1:
        scores = np.stack((-scores, scores), axis=1) / 2.0
    own = targets[:, None] == classes
    best_other = np.where(own, -np.inf, scores).max(axis=1)
    # A class that is too rare to have been fitted has no score of its own: nothing is harder.
    return np.where(own.any(axis=1), best_other - np.where(own, scores, 0.0).sum(axis=1), np.inf)


def by_teacher(examples: TrainingExamples) -> NDArray[np.float64]:
    """Return the teacher's loss of every example, ``(S,)``."""
    return examples.teacher_losses


def by_noise(examples: TrainingExamples) -> NDArray[np.float64]:
    """Return 1 for a wrong label and 0 for a right one, ``(S,)``."""
    import numpy as np

    return examples.wrong.astype(np.float64)


DIFFICULTIES: dict[str, Difficulty] = {MARGIN: by_margin, LOSS: by_teacher, NOISE: by_noise}


def pacing(choice: Choice) -> Pacing:
    """Return the share of the examples in use as a function of the progress through the run, both 0 to 1."""
    start, full_at = choice.number("start_share"), choice.number("full_at")
    growth, jumps = choice.string("pacing"), choice.integer("jumps")

    def share(progress: float) -> float:
        x = min(progress / full_at, 1.0)
        if x >= 1.0:
            return 1.0
        if growth == "root":
            return math.sqrt(start**2 + (1.0 - start**2) * x)
        if growth == "exponential":
            return math.pow(start, 1.0 - x)
        if growth == "step":
            x = math.floor(x * jumps) / jumps
        return start + (1.0 - start) * x

    return share


def _curriculum(choice: Choice) -> Curriculum:
    return Curriculum(
        difficulty=DIFFICULTIES[choice.string("difficulty")],
        share=pacing(choice),
        hard_first=choice.flag("hard_first"),
        by_class=choice.flag("by_class"),
        teacher=_stage(choice),
    )


def _stage(choice: Choice) -> str:
    return teacher_of(choice) if choice.string("difficulty") == LOSS else ""


def _mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    difficulty = choice.string("difficulty")
    if difficulty == LOSS:
        return teacher_mismatch(choice, situation)
    info = situation.info
    if info.task == "regression" or info.per_position or (info.tokens and difficulty == MARGIN):
        return "difficulty", Text(
            "this difficulty needs inputs of numbers with one class each. Choose a teacher's loss, or another data "
            "set.",
            "这种难度要求输入是数值，且每个样本属于一个类别。请改用教师的损失，或选择其他数据集。",
        )
    if difficulty == NOISE:
        return _noise_mismatch(situation)
    return None


def _noise_mismatch(situation: Situation) -> tuple[str, Text] | None:
    if situation.data.label_noise == 0.0:
        return "difficulty", Text(
            "no label is known to be wrong. Raise the label noise of the data, or choose another difficulty.",
            "没有已知的错误标签。请提高数据的标签噪声，或选择其他难度。",
        )
    for part in BALANCING:
        if part.rebalance is not None and situation.recipe.remedy(part.key) is not None:
            return "difficulty", Text(
                f"of the examples that '{part.title.en}' leaves or adds nobody knows whose label is wrong. Use "
                "weighted sampling instead, or choose another difficulty.",
                f"经“{part.title.zh}”增减之后，就不知道哪些样本的标签是错的了。请改用加权采样，或选择其他难度。",
            )
    return None


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="curriculum",
        group=Text("Order of the examples", "样本的顺序"),
        title=Text("Curriculum", "课程学习"),
        summary=Text(
            "Begins with the easiest examples and brings in harder ones little by little, until all are in use.",
            "先学最容易的样本，再逐步加入更难的，直到全部用上。",
        ),
        parameters=(
            ChoiceParameter(
                "difficulty",
                Text("Difficulty", "难度"),
                MARGIN,
                Text("What makes an example hard.", "样本的难易由什么决定。"),
                (
                    (MARGIN, Text("distance to a linear border", "到线性分界的距离")),
                    (LOSS, Text("a teacher's loss", "教师的损失")),
                    (NOISE, Text("known wrong labels last", "已知的错误标签放在最后")),
                ),
            ),
            TEACHER,
            ChoiceParameter(
                "pacing",
                Text("Pacing", "节奏"),
                "linear",
                Text("How the share of examples in use grows.", "已用样本的比例如何增长。"),
                (
                    ("linear", Text("linear", "线性")),
                    ("root", Text("square root: fast, then slow", "平方根：先快后慢")),
                    ("exponential", Text("exponential: slow, then fast", "指数：先慢后快")),
                    ("step", Text("in steps", "阶梯")),
                ),
            ),
            FloatParameter(
                "start_share",
                Text("Start with", "起始比例"),
                0.2,
                Text("Share of the examples that the run begins with.", "训练开始时使用多大比例的样本。"),
                minimum=0.0,
                maximum=1.0,
                open_minimum=True,
            ),
            FloatParameter(
                "full_at",
                Text("All in use at", "全部用上的时刻"),
                0.5,
                Text(
                    "Share of the run after which all examples are in use.",
                    "训练进行到多大比例之后使用全部样本。",
                ),
                minimum=0.0,
                maximum=1.0,
                open_minimum=True,
            ),
            IntParameter(
                "jumps",
                Text("Steps", "阶梯数"),
                3,
                Text(
                    "In how many equal steps the share grows; only where it grows in steps.",
                    "比例分几个等高的阶梯增长；仅用于阶梯节奏。",
                ),
                minimum=1,
                maximum=100,
            ),
            BoolParameter(
                "by_class",
                Text("Of every class", "按类别"),
                True,
                Text(
                    "Take the easiest share of every class, so that no class has to wait.",
                    "从每个类别中取最容易的一部分，使任何类别都不必等待。",
                ),
            ),
            BoolParameter(
                "hard_first",
                Text("Hard first", "先难后易"),
                False,
                Text(
                    "Turn the order round and begin with the hardest, for comparison.",
                    "把顺序倒过来，从最难的样本开始，以作比较。",
                ),
            ),
        ),
        formula=r"\lambda(u) = \lambda_{0} + (1 - \lambda_{0}) \min(u / u_{1},\ 1)",
        source="Bengio et al. 2009, doi:10.1145/1553374.1553380; Hacohen and Weinshall 2019, arXiv:1904.03626",
        curriculum=_curriculum,
        mismatch=_mismatch,
        stage=_stage,
        gauges=(Gauge("share_in_use", Text("Examples in use", "已用样本的比例"), "%"),),
    ),
)

__all__ = ["PARTS", "by_margin", "by_noise", "by_teacher", "pacing"]
