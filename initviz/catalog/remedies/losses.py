"""Changes to the loss: label smoothing and class weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog.remedies.class_shares import CLASSES_GROUP, class_mismatch, rarity_weights
from initviz.catalog.remedy_part import LossTerms, RemedyPart
from initviz.experiment.parameters import ChoiceParameter, FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BALANCED, INVERSE_ROOT = "balanced", "inverse_root"
POWERS = {BALANCED: 1.0, INVERSE_ROOT: 0.5}
"""How strongly rarity counts: an example's weight goes with one over its class's count to this power."""


def _smoothing(
    choice: Choice, targets: NDArray[np.int64] | NDArray[np.float64], num_classes: int
) -> LossTerms:
    return LossTerms(smoothing=choice.number("share"))


def _smoothing_mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if situation.info.task != "regression":
        return None
    return "", Text(
        "label smoothing spreads the probability of a class, but this task predicts numbers. Switch it off, or choose "
        "a data set with classes.",
        "标签平滑分散的是类别的概率，而此任务预测的是数值。请关闭它，或选择有类别的数据集。",
    )


def _class_weights(
    choice: Choice, targets: NDArray[np.int64] | NDArray[np.float64], num_classes: int
) -> LossTerms:
    import numpy as np

    weights = rarity_weights(targets.astype(np.int64), num_classes, POWERS[choice.string("rule")])
    return LossTerms(class_weights=tuple(weights.tolist()))


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="label_smoothing",
        group=Text("Loss", "损失"),
        title=Text("Label smoothing", "标签平滑"),
        summary=Text(
            "Asks for a little less than certainty: a share of each label is spread over all classes, so that wrong "
            "labels pull less and logits stay small.",
            "不要求百分之百的确定：把每个标签的一部分概率平均分给所有类别，错误标签的影响因此减弱，logits 也不会过大。",
        ),
        parameters=(
            FloatParameter(
                "share",
                Text("Share", "比例"),
                0.1,
                Text(
                    "Probability that is taken from the right class and spread over all, the right one included.",
                    "从正确类别取出、平均分给所有类别（包括正确类别）的概率。",
                ),
                minimum=0.0,
                maximum=1.0,
                open_maximum=True,
            ),
        ),
        formula=r"t_{c} = (1 - \epsilon) \, [c = y] + \frac{\epsilon}{C}",
        source="Szegedy et al. 2016, arXiv:1512.00567",
        loss=_smoothing,
        mismatch=_smoothing_mismatch,
    ),
    RemedyPart(
        kind="remedy",
        key="class_weights",
        group=CLASSES_GROUP,
        title=Text("Class weights", "类别权重"),
        summary=Text(
            "Lets mistakes on rare classes cost more, so that a network that never answers with them no longer pays.",
            "让稀有类别上的错误代价更高，于是从不输出这些类别的网络不再占便宜。",
        ),
        parameters=(
            ChoiceParameter(
                "rule",
                Text("Weight", "权重"),
                BALANCED,
                Text(
                    "How the weight of a class follows from its number of examples.",
                    "类别的权重如何由其样本数得出。",
                ),
                (
                    (BALANCED, Text("one over the count", "样本数的倒数")),
                    (INVERSE_ROOT, Text("one over its root", "样本数平方根的倒数")),
                ),
            ),
        ),
        formula=r"w_{c} \propto n_{c}^{-p},\quad p \in \{1, \tfrac{1}{2}\},\quad \frac{1}{S} \sum_{i} w_{y_{i}} = 1",
        source="King and Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868",
        loss=_class_weights,
        mismatch=class_mismatch,
    ),
)
