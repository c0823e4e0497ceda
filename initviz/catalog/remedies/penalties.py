"""Penalties on large weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog.remedies.places import spans, weights
from initviz.catalog.remedy_part import Gauge, GroupPlan, RemedyPart, Rule
from initviz.experiment.parameters import FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Tensor

GROUP = Text("Penalties on weights", "权重惩罚")


class _Penalty(Rule):
    """A term that is added to the loss; its gauge is the term's value at the latest step."""

    order = 10

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        self._strength = choice.number("strength")
        self._pieces = spans(weights(plan))
        self._seen: Tensor | None = None


class L1Penalty(_Penalty):
    """Adds ``strength * sum |w|`` over all weights to the loss."""

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Add the sign of every weight times the strength."""
        for piece in self._pieces:
            grad[:, piece].add_(flat[:, piece].sign(), alpha=self._strength)
        self._seen = flat

    def gauges(self) -> dict[str, Tensor]:
        """Return the penalty now, ``(K,)``."""
        if self._seen is None:
            return {}
        total = sum((self._seen[:, piece].abs().sum(1) for piece in self._pieces), self._seen.new_zeros(()))
        return {"l1_penalty": (self._strength * total).expand(len(self._seen))}


class L2Penalty(_Penalty):
    """Adds ``strength / 2 * sum w^2`` over all weights to the loss."""

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Add every weight times the strength."""
        for piece in self._pieces:
            grad[:, piece].add_(flat[:, piece], alpha=self._strength)
        self._seen = flat

    def gauges(self) -> dict[str, Tensor]:
        """Return the penalty now, ``(K,)``."""
        if self._seen is None:
            return {}
        total = sum(
            (self._seen[:, piece].square().sum(1) for piece in self._pieces), self._seen.new_zeros(())
        )
        return {"l2_penalty": (0.5 * self._strength * total).expand(len(self._seen))}


class DecoupledDecay(Rule):
    """Shrinks every weight by the learning rate times the strength in each step, whatever the optimizer does.

    As in AdamW the weights before the update tell by how much.
    """

    # After every other rule for the rate, which it must know, and before those that average weights.
    order = 40

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        self._strength = choice.number("strength")
        self._lr = plan.lr
        held = plan.held
        own = frozenset() if held is None else held.names
        # Shared ones too, since they must go on repeating the numbers of the first.
        free = spans((place for place in weights(plan) if place.name not in own), with_shared=True)
        slow = spans((place for place in weights(plan) if place.name in own), with_shared=True)
        self._held = held
        self._pieces = [*((piece, False) for piece in free), *((piece, True) for piece in slow)]
        self._factor: tuple[int, float] = (-1, 1.0)
        self._before: list[Tensor] = []

    def rate(self, step: int, factor: float) -> float:
        """Note the multiplier of the rate, and leave it as it is."""
        self._factor = step, factor
        return factor

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Keep the weights before the update."""
        self._before = [flat[:, piece].clone() for piece, _ in self._pieces]

    def updated(self, step: int, flat: Tensor) -> None:
        """Take the rate times the strength of what each weight was away from it."""
        known, factor = self._factor
        if known != step:
            raise RuntimeError(f"the rate of step {step} was not told")
        slow = 1.0 if self._held is None else self._held.share(step)
        for (piece, is_slow), before in zip(self._pieces, self._before, strict=True):
            rate = self._lr * factor * (slow if is_slow else 1.0)
            flat[:, piece].sub_(before, alpha=rate * self._strength)


def _strength(default: float, help_text: Text) -> FloatParameter:
    return FloatParameter(
        "strength", Text("Strength", "强度"), default, help_text, minimum=0.0, maximum=1e3, log=True
    )


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="l1",
        title=Text("L1 penalty", "L1 惩罚"),
        summary=Text(
            "Adds the sum of all absolute weights to the loss: every weight is pulled towards 0 equally hard, so "
            "that useless ones end there. Biases are spared.",
            "在损失中加入所有权重绝对值之和：每个权重受到同样大小的、指向 0 的拉力，无用的权重最终归零。"
            "偏置不受影响。",
        ),
        group=GROUP,
        parameters=(_strength(1e-4, Text("What the sum is multiplied by.", "这一和式乘以的系数。")),),
        formula=r"C = L + \lambda \sum |w|",
        source="Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x",
        rule=L1Penalty,
        gauges=(Gauge("l1_penalty", Text("L1 penalty", "L1 惩罚项")),),
    ),
    RemedyPart(
        kind="remedy",
        key="l2",
        title=Text("L2 penalty", "L2 惩罚"),
        summary=Text(
            "Adds half the sum of all squared weights to the loss. Its pull passes through the optimizer: with plain "
            "SGD that is the same as decoupled decay, but Adam divides it by the size of the gradient, so that "
            "weights with large gradients hardly shrink. Biases are spared.",
            "在损失中加入所有权重平方和的一半。它的拉力要经过优化器：对普通 SGD 而言与解耦权重衰减相同；"
            "而 Adam 会用梯度的大小去除它，于是梯度大的权重几乎不收缩。偏置不受影响。",
        ),
        group=GROUP,
        parameters=(
            _strength(1e-3, Text("What half the sum is multiplied by.", "平方和的一半乘以的系数。")),
        ),
        formula=r"C = L + \tfrac{\lambda}{2} \sum w^2",
        source="Krogh and Hertz 1991, NIPS 4, 950-957; Loshchilov and Hutter 2019, arXiv:1711.05101",
        rule=L2Penalty,
        gauges=(Gauge("l2_penalty", Text("L2 penalty", "L2 惩罚项")),),
    ),
    RemedyPart(
        kind="remedy",
        key="decoupled_decay",
        title=Text("Decoupled weight decay", "解耦权重衰减"),
        summary=Text(
            "Shrinks every weight by the same share at each step, beside the optimizer and not through it: what "
            "AdamW does, for any optimizer. The share follows the learning rate. Biases are spared.",
            "每一步把每个权重按相同比例缩小，与优化器并行而不经过它：AdamW 的做法，可用于任何优化器。"
            "该比例随学习率变化。偏置不受影响。",
        ),
        group=GROUP,
        parameters=(
            _strength(
                1e-2,
                Text("Times the learning rate this is the share.", "乘以学习率，即为每步缩小的比例。"),
            ),
        ),
        formula=r"w \leftarrow w - \eta_t \, u - \eta_t \lambda w",
        source="Loshchilov and Hutter 2019, arXiv:1711.05101",
        rule=DecoupledDecay,
    ),
)
