"""What was found in a person's file, and how labels become classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from initviz.experiment.errors import ExperimentError, printable
from initviz.experiment.text import Text
from initviz.experiment.values import DataInfo, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CLASSES = 1000
FEW_VALUES = 50
"""So many different whole numbers at most are taken for classes where the person does not say."""
SHOWN_CLASSES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The examples of a file.

    Attributes:
        inputs: ``(S, *shape)`` in the type that the file holds, to save memory.
        divisor: What the inputs are divided by when they are loaded.
        targets: ``(S,)`` int64 class indices or ``(S, num_outputs)`` float64.
        class_names: Names of the classes; empty for regression.
        report: What was read, a sentence each.
    """

    inputs: NDArray[np.generic]
    targets: NDArray[np.int64] | NDArray[np.float64]
    class_names: tuple[str, ...]
    report: tuple[Text, ...]
    divisor: float = 1.0

    @property
    def info(self) -> DataInfo:
        """What is known of the data set."""
        classes = len(self.class_names)
        task: Task = "binary" if classes == 2 else "classification" if classes else "regression"
        outputs = self.targets.shape[1] if task == "regression" else 1 if task == "binary" else classes
        return DataInfo(tuple(self.inputs.shape[1:]), task, outputs, len(self.inputs))


def classes_of(values: NDArray[np.generic], where: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Turn labels, numbers or texts ``(S,)``, into class indices and names, in the order of the labels.

    Raises:
        ExperimentError: Fewer than two classes, or more than a network here can tell apart.
    """
    import numpy as np

    labels, indices = np.unique(values, return_inverse=True)
    if not 2 <= len(labels) <= MOST_CLASSES:
        raise ExperimentError(
            Text(
                f"the target has {len(labels):,} different values; classes must be 2 to {MOST_CLASSES:,}. Choose "
                "another target, or the task regression.",
                f"目标有 {len(labels):,} 个不同的值；类别数应为 2 到 {MOST_CLASSES:,}。"
                "请选择其他目标，或把任务设为回归。",
            ),
            where,
        )
    return indices.astype(np.int64).reshape(-1), names_of(labels)


def names_of(labels: NDArray[np.generic]) -> tuple[str, ...]:
    """Return what different labels are called: short, printable, and still different."""
    names: list[str] = []
    for label in labels.tolist():
        text = f"{label:g}" if isinstance(label, float) else str(label)
        name = printable(text, 40) or "-"
        if isinstance(label, float) and name in names:
            name = repr(label)
        while name in names:
            name += "'"
        names.append(name)
    return tuple(names)


def looks_like_classes(values: NDArray[np.generic]) -> bool:
    """Say whether numbers ``(S,)`` stand for classes: whole, few, and each seen more than once on the whole."""
    import numpy as np

    if values.dtype.kind in "bUS":
        return True
    if not np.equal(np.floor(values.astype(np.float64)), values).all():
        return False
    different = len(np.unique(values))
    return different <= FEW_VALUES and 2 * different <= len(values)


def count_text(count: int, one: str, many: str, chinese: str) -> Text:
    """Return a count with its noun."""
    return Text(f"{count:,} {one if count == 1 else many}", f"{count:,} {chinese}")


def class_report(targets: NDArray[np.int64], class_names: Sequence[str]) -> Text:
    """Return how many examples each class has."""
    import numpy as np

    counts = np.bincount(targets, minlength=len(class_names)).tolist()
    pairs = [f"{name} {count:,}" for name, count in zip(class_names, counts, strict=True)][:SHOWN_CLASSES]
    more = len(class_names) - len(pairs)
    en, zh = ", ".join(pairs), "，".join(pairs)
    if more:
        en, zh = f"{en} and {more} more", f"{zh}，等等（另有 {more} 类）"
    return Text(f"{len(class_names)} classes: {en}.", f"{len(class_names)} 个类别：{zh}。")


def range_report(what: Text, values: NDArray[np.generic]) -> Text:
    """Return between which numbers values lie."""
    low, high = float(values.min()), float(values.max())
    return Text(f"{what.en} from {low:.4g} to {high:.4g}.", f"{what.zh}的范围是 {low:.4g} 到 {high:.4g}。")


INPUTS = Text("Inputs", "输入")
TARGETS = Text("Targets", "目标")


def target_report(targets: NDArray[np.int64] | NDArray[np.float64], class_names: Sequence[str]) -> Text:
    """Return the classes and their counts, or the range of the numbers."""
    import numpy as np

    if targets.dtype == np.int64:
        return class_report(targets.astype(np.int64), class_names)
    return range_report(TARGETS, targets)
