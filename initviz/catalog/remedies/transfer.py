"""What is done with weights that come from another task: held still for a while, or moved more slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog.remedies.places import spans
from initviz.catalog.remedy_part import GroupPlan, RemedyPart, Rule
from initviz.experiment.parameters import FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

if TYPE_CHECKING:
    from torch import Tensor

NEVER = 0
"""Step of the thaw that stands for none."""


class FineTuning(Rule):
    """Puts the first layers back after every update while they are frozen, and goes a part of the way afterwards."""

    order = 45

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        measured = [place for place in plan.tensors if place.role == "weight"]
        first = measured[: choice.integer("layers")]
        names = {place.name.split(".", 1)[0] for place in first}
        self._spans = spans(
            (place for place in plan.tensors if place.name.split(".", 1)[0] in names), with_shared=True
        )
        self._thaw = choice.integer("thaw")
        self._factor = choice.number("rate")
        self._before: list[Tensor] = []

    def _is_frozen(self, step: int) -> bool:
        return self._thaw == NEVER or step < self._thaw

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Note where the layers stand before the update."""
        self._before = []
        if self._is_frozen(step) or self._factor != 1.0:
            self._before = [flat[:, span].clone() for span in self._spans]
        if self._is_frozen(step):
            for span in self._spans:
                grad[:, span] = 0.0  # nothing of it reaches a momentum that would act after the thaw

    def updated(self, step: int, flat: Tensor) -> None:
        """Put them back, or let them go only a part of the way."""
        frozen = self._is_frozen(step)
        for span, before in zip(self._spans, self._before, strict=False):
            if frozen:
                flat[:, span] = before
            else:
                flat[:, span] = before.lerp(flat[:, span], self._factor)


def _mismatch(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if choice.integer("thaw") == NEVER or choice.number("rate") > 0.0:
        return None
    return "rate", Text(
        "a rate of 0 leaves the layers frozen after the thaw. Choose a rate above 0, or no thaw.",
        "学习率倍数为 0 时，解冻后各层仍然不动。请选择大于 0 的倍数，或不解冻。",
    )


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="fine_tuning",
        title=Text("Fine-tuning", "微调"),
        summary=Text(
            "Holds the first layers still, so that what they have learned elsewhere is kept while the rest learns, "
            "then lets them go at a smaller rate.",
            "保持前几层不动，在其余部分学习时保留它们在别处学到的东西，然后以较小的学习率放开。",
        ),
        group=Text("Transfer", "迁移"),
        parameters=(
            IntParameter(
                "layers",
                Text("Layers", "层数"),
                1,
                Text(
                    "How many layers with weights, counted from the input, are held back; biases go with them.",
                    "从输入数起，有多少个带权重的层受限；偏置与之相同。",
                ),
                minimum=1,
                maximum=1024,
            ),
            IntParameter(
                "thaw",
                Text("Thaw at step", "解冻步数"),
                NEVER,
                Text(
                    "Step from which they move; 0 keeps them frozen to the end, 1 thaws them after the first step.",
                    "从哪一步起可以移动；0 表示一直冻结到结束，1 表示第一步之后解冻。",
                ),
                minimum=0,
                maximum=2**31 - 1,
                unit="steps",
            ),
            FloatParameter(
                "rate",
                Text("Rate", "学习率倍数"),
                0.1,
                Text(
                    "Part of an update that they make once thawed.",
                    "解冻后，每次更新只走多大比例。",
                ),
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        formula=r"w \leftarrow w + r \, \Delta w, \quad r = 0 \text{ before the thaw}",
        source="Yosinski et al. 2014, arXiv:1411.1792; Howard and Ruder 2018, arXiv:1801.06146",
        rule=FineTuning,
        mismatch=_mismatch,
    ),
)
