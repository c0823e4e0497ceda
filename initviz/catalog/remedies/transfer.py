"""What is done with weights that come from another task: held still for a while, or moved more slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog.remedies.places import spans
from initviz.catalog.remedy_part import GroupPlan, HeldBack, RemedyPart, Rule, TensorPlace
from initviz.experiment.parameters import FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

if TYPE_CHECKING:
    from torch import Tensor

NEVER = 0
"""Step of the thaw that stands for none."""


class Freeze(Rule):
    """Takes the gradient away from frozen layers, so that neither a clipped norm nor a picture counts it."""

    # After penalties, which would give them one anew, and before clipping.
    order = 15

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        self._held = plan.held or held_back(choice, plan)
        self._spans = spans(
            (place for place in plan.tensors if place.name in self._held.names), with_shared=True
        )

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Set the gradient of the layers to 0 while they are frozen."""
        if self._held.share(step) == 0.0:
            for span in self._spans:
                grad[:, span] = 0.0


def held_back(choice: Choice, plan: GroupPlan) -> HeldBack:
    """Return all tensors of the first layers with weights, and when and how fast they may move."""
    measured = [place for place in plan.tensors if place.role == "weight"]
    layers = {_layer(place) for place in measured[: choice.integer("layers")]}
    thaw = choice.integer("thaw")
    return HeldBack(
        names=frozenset(place.name for place in plan.tensors if _layer(place) in layers),
        thaw=None if thaw == NEVER else thaw,
        rate=choice.number("rate"),
    )


def _layer(place: TensorPlace) -> str:
    return place.name.split(".", 1)[0]


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
                    "Multiplies their learning rate once they are thawed.",
                    "解冻后，它们的学习率乘以该值。",
                ),
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        formula=r"\eta_{\mathrm{first}} = r \, \eta, \quad r = 0 \text{ before the thaw}",
        source="Yosinski et al. 2014, arXiv:1411.1792; Howard and Ruder 2018, arXiv:1801.06146",
        rule=Freeze,
        hold=held_back,
        mismatch=_mismatch,
    ),
)
