"""What the seeds of a lane have come to together, as ``initviz run`` tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from initviz.cli.output import Json, number, percent, table
from initviz.experiment.text import Language, Text
from initviz.telemetry.fates import FATES, Fate
from initviz.telemetry.spread import Spread


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """What came of a lane as it is written, over all its seeds.

    Attributes:
        name: What the person calls it.
        members: Names of the lanes that it has become, one a seed.
        fates: How many learn, stall, and so on.
        train_loss: Over those that have one at the end.
        val_loss: The same on the examples held back.
        val_accuracy: The same.
        averaged_val_loss: The same of what is scored beside the raw weights; of nothing where there is nothing.
        averaged_val_accuracy: The same.
        steps_to_target: Over those whose training loss has fallen to the mark.
    """

    name: str
    members: tuple[str, ...]
    fates: Mapping[Fate, int]
    train_loss: Spread
    val_loss: Spread
    val_accuracy: Spread
    averaged_val_loss: Spread
    averaged_val_accuracy: Spread
    steps_to_target: Spread

    def to_json(self) -> dict[str, Json]:
        """Return it as ``--json`` prints it."""
        return {
            "name": self.name,
            "members": list(self.members),
            "outcomes": {str(name): count for name, count in self.fates.items()},
            "train_loss": _to_json(self.train_loss),
            "val_loss": _to_json(self.val_loss),
            "val_accuracy": _to_json(self.val_accuracy),
            "averaged_val_loss": _to_json(self.averaged_val_loss) if self.averaged_val_loss.count else None,
            "averaged_val_accuracy": (
                _to_json(self.averaged_val_accuracy) if self.averaged_val_accuracy.count else None
            ),
            "steps_to_target": _to_json(self.steps_to_target),
        }


def _to_json(found: Spread) -> dict[str, Json]:
    return {
        "count": found.count,
        "mean": found.mean,
        "std": found.std,
        "min": found.minimum,
        "lower_quartile": found.lower_quartile,
        "median": found.median,
        "upper_quartile": found.upper_quartile,
        "max": found.maximum,
    }


def groups_table(groups: Sequence[GroupOutcome], target_loss: float, language: Language) -> str:
    """Return the groups as a table: mean and standard deviation over the seeds, and the median of the steps."""
    reach = Text(f"steps to loss {number(target_loss, 3)}", f"损失降到 {number(target_loss, 3)} 的步数")
    header = [text.in_language(language) for text in (*_HEADER, reach)]
    rows = [
        (
            group.name,
            fates_text(group.fates).in_language(language),
            str(len(group.members)),
            _deviating(number(group.train_loss.mean), number(group.train_loss.std, 2)),
            _deviating(number(group.val_loss.mean), number(group.val_loss.std, 2)),
            _deviating(percent(group.val_accuracy.mean), percent(group.val_accuracy.std)),
            _steps(group).in_language(language),
        )
        for group in groups
    ]
    return table(header, rows, left=2)


def fates_text(fates: Mapping[Fate, int]) -> Text:
    """Return how many lanes fare how: ``3 learning, 2 stalled``."""
    found = [(fates[name], _FATES[name]) for name in FATES if fates[name]]
    return Text(
        ", ".join(f"{count} {text.en}" for count, text in found),
        "，".join(f"{count} 条{text.zh}" for count, text in found),
    )


def _deviating(mean: str, deviation: str) -> str:
    return mean if "—" in (mean, deviation) else f"{mean} ± {deviation}"


def _steps(group: GroupOutcome) -> Text:
    """Return the median of those that came so far, and how many of all these are."""
    found, count = group.steps_to_target, len(group.members)
    if not found.count:
        return Text("—", "—")
    median = f"{found.median:,.0f}"
    if found.count == count:
        return Text(median, median)
    return Text(f"{median} ({found.count} of {count})", f"{median}（{count} 条中的 {found.count} 条）")


_HEADER = (
    Text("lane", "赛道"),
    Text("outcomes", "结果"),
    Text("seeds", "种子数"),
    Text("train loss", "训练损失"),
    Text("val loss", "验证损失"),
    Text("val accuracy", "验证准确率"),
)
_FATES: dict[Fate, Text] = {
    "learning": Text("learning", "学习中"),
    "worse": Text("worse than a constant", "不如常数预测"),
    "stalled": Text("stalled", "停滞"),
    "stopped": Text("stopped early", "提前停止"),
    "diverged": Text("diverged", "发散"),
}
