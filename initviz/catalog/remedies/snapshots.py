"""One run, several networks: snapshots of the weights answer together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog.remedies.averaging import GROUP
from initviz.catalog.remedy_part import Gauge, GroupPlan, RemedyPart, Rule
from initviz.experiment.parameters import IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, Situation

if TYPE_CHECKING:
    from torch import Tensor


class Snapshots(Rule):
    """Keeps the weights whenever the learning rate has reached a low point, or every so many steps."""

    # After every rule that changes weights or rates.
    order = 90

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        self._every, self._most = choice.integer("every"), choice.integer("most")
        self._last = plan.total_steps - 1
        self._lanes = plan.num_lanes
        self._factor: float | None = None
        self._seen = -1
        self._falls = False
        self._has_turned = False
        self._kept: list[Tensor] = []

    def rate(self, step: int, factor: float) -> float:
        """Note where the rate, having fallen, rises: there a cycle has ended."""
        if step == self._seen + 1:
            if self._factor is not None and factor > self._factor and self._falls:
                self._has_turned = True
            if self._factor is not None and factor != self._factor:
                self._falls = factor < self._factor
            self._factor, self._seen = factor, step
        return factor

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Keep the weights with which a cycle ended, before the first update of the next."""
        if self._has_turned and not self._every:
            self._keep(flat)
        self._has_turned = False

    def updated(self, step: int, flat: Tensor) -> None:
        """Keep the weights of every n-th step; the end of the run ends the last cycle."""
        is_end = step == self._last and self._falls
        if (step + 1) % self._every == 0 if self._every else is_end:
            self._keep(flat)

    def _keep(self, flat: Tensor) -> None:
        self._kept = [*self._kept, flat.clone()][-self._most :]

    def snapshots(self) -> list[Tensor]:
        """Return the weights kept, the oldest first."""
        return self._kept

    def gauges(self) -> dict[str, Tensor]:
        """Return how many are kept."""
        import torch

        return {"snapshots": torch.full((self._lanes,), float(len(self._kept)))}


def _one_beside(choice: Choice, situation: Situation) -> tuple[str, Text] | None:
    if situation.recipe.remedy("swa") is None and situation.recipe.remedy("ema") is None:
        return None
    return "", Text(
        "only one thing is scored beside the raw weights. Switch off SWA and EMA, or the snapshots.",
        "除原始权重外只评估一种结果。请关闭 SWA 和 EMA，或关闭快照集成。",
    )


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="snapshot_ensemble",
        title=Text("Snapshot ensemble", "快照集成"),
        summary=Text(
            "Keeps the weights at the end of every cycle of the learning rate, such as warm restarts make; the mean "
            "of the snapshots' probabilities is scored beside the weights themselves.",
            "在学习率的每个周期（例如热重启）结束时保留一份权重；把这些快照概率的平均与权重本身一并评估。",
        ),
        group=GROUP,
        parameters=(
            IntParameter(
                "every",
                Text("Every", "间隔"),
                0,
                Text(
                    "Steps between two snapshots; 0 takes one at the end of every cycle of the learning rate.",
                    "两次快照之间的步数；0 表示在学习率的每个周期结束时取一次。",
                ),
                minimum=0,
                maximum=1_000_000,
                unit="steps",
            ),
            IntParameter(
                "most",
                Text("Most", "最多"),
                5,
                Text("So many are kept at most; the oldest go first.", "最多保留的快照数；最旧的先被丢弃。"),
                minimum=1,
                maximum=20,
            ),
        ),
        formula=r"p(y \mid x) = \frac{1}{M} \sum_{m=1}^{M} p(y \mid x; w_m)",
        source="Huang et al. 2017, arXiv:1704.00109",
        rule=Snapshots,
        beside="answers",
        mismatch=_one_beside,
        gauges=(Gauge("snapshots", Text("snapshots kept", "保留的快照")),),
    ),
)
