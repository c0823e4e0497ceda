"""What ``initviz probe --jacobian`` adds to a lane, for a script and for a person."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from initviz.cli.output import number, table
from initviz.experiment.text import Language, Text

if TYPE_CHECKING:
    from initviz.telemetry.probe_isometry import IsometryFacts, JacobianFacts


def add_isometry(lane: dict[str, Any], facts: IsometryFacts) -> None:
    """Add the singular values to what is printed of a lane as JSON.

    Args:
        lane: As ``LaneFacts`` declares it; changed in place.
        facts: Of the same lane.
    """
    for layer, weight in zip(lane["layers"], facts.layers, strict=True):
        layer.update(asdict(weight))
    for prefix, jacobian in (("", facts.jacobian), ("hidden_", facts.hidden_jacobian)):
        lane[f"{prefix}jacobian_singular_values"] = jacobian.singular_values
        lane[f"{prefix}condition_number"] = jacobian.condition_number
        lane[f"{prefix}jacobian_mean_square"] = jacobian.mean_square
        lane[f"{prefix}jacobian_spread"] = jacobian.spread
        lane[f"{prefix}jacobian_effective_rank"] = jacobian.effective_rank


def isometry_text(names: list[str], facts: IsometryFacts, language: Language) -> str:
    """Return the singular values of a lane as text for a person.

    Args:
        names: Of its measured layers.
        facts: Of the lane.
        language: Of the person.
    """
    rows = [
        (
            name,
            number(weight.spectral_norm),
            number(weight.smallest_singular_value),
            number(weight.condition_number),
            number(weight.effective_rank),
        )
        for name, weight in zip(names, facts.layers, strict=True)
    ]
    header = [text.in_language(language) for text in _HEADER]
    lines = [
        _line(title, jacobian).in_language(language)
        for title, jacobian in ((_WHOLE, facts.jacobian), (_HIDDEN, facts.hidden_jacobian))
    ]
    return "\n".join([table(header, rows), *lines])


def _line(title: Text, facts: JacobianFacts) -> Text:
    if facts.singular_values is None:
        return Text(f"{title.en}: not computed", f"{title.zh}：未计算")
    values = [value for row in facts.singular_values for value in row]
    examples, count = len(facts.singular_values), len(facts.singular_values[0])
    ends = f"{number(min(values))} … {number(max(values))}"
    ratio, rank, spread = (
        number(value) for value in (facts.condition_number, facts.effective_rank, facts.spread)
    )
    return Text(
        f"{title.en}, {examples} examples: {ends}, condition number {ratio},"
        f" effective rank {rank} of {count}, spread {spread}",
        f"{title.zh}，{examples} 个样本：{ends}，条件数 {ratio}，有效秩 {rank}（共 {count}），离散度 {spread}",
    )


_WHOLE = Text("Jacobian, input to output", "雅可比矩阵，输入到输出")
_HIDDEN = Text("Jacobian, first to last hidden layer", "雅可比矩阵，第一个到最后一个隐藏层")
_HEADER = (
    Text("layer", "层"),
    Text("largest singular value", "最大奇异值"),
    Text("smallest", "最小"),
    Text("condition number", "条件数"),
    Text("effective rank", "有效秩"),
)
