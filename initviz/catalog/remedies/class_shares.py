"""How often classes occur, and what the remedies for uneven classes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLASSES_GROUP = Text("Uneven classes", "类别不平衡")


def class_mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    """Say why a remedy for uneven classes has nothing to work on: it needs one class an example."""
    if situation.info.task == "regression":
        return "", Text(
            "this remedy balances classes, but this task predicts numbers. Switch it off, or choose a data set with "
            "classes.",
            "这种补救方法平衡的是类别，而此任务预测的是数值。请关闭它，或选择有类别的数据集。",
        )
    if situation.info.per_position:
        return "", Text(
            "this remedy balances classes, but here every position of an example has a class of its own. Switch it "
            "off.",
            "这种补救方法平衡的是类别，而这里每个样本的每个位置都有自己的类别。请关闭它。",
        )
    return None


def rarity_weights(targets: NDArray[np.int64], num_classes: int, power: float) -> NDArray[np.float64]:
    """Return a weight a class that goes with one over its count to a power, with mean 1 over the examples.

    Args:
        targets: ``(S,)`` class indices.
        num_classes: C; a class without examples gets the weight of one that has a single example.
        power: 0 gives equal weights, 1 gives every class the same weight in all.
    Returns:
        ``(C,)``.
    """
    import numpy as np

    counts = np.bincount(targets, minlength=num_classes)
    weights = np.maximum(counts, 1).astype(np.float64) ** -power
    return np.asarray(weights / (counts @ weights / len(targets)), dtype=np.float64)
