"""What is done to gradients before the update: centralization and clipping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog.remedies.places import norms, runs, spans, weights
from initviz.catalog.remedy_part import Gauge, GroupPlan, RemedyPart, Rule
from initviz.experiment.parameters import FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Tensor

GROUP = Text("Gradients", "梯度处理")


class Centralization(Rule):
    """Takes the mean over a unit's incoming weights away from their gradients."""

    order = 20

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        self._runs = runs(place for place in weights(plan) if len(place.shape) > 1)

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Make the gradients of every unit's incoming weights sum to 0."""
        for run in self._runs:
            # (K, N, O, rest)
            rows = run.view(grad).flatten(3)
            rows.sub_(rows.mean(3, keepdim=True))


class _Clipping(Rule):
    """Counts the steps in which a lane was clipped."""

    order = 30
    gauge: str

    def __init__(self) -> None:
        self._clipped: Tensor | None = None
        self._steps = 0

    def _count(self, was_clipped: Tensor) -> None:
        """Take in which lanes were clipped, ``(K,)``."""
        if self._clipped is None:
            self._clipped = was_clipped.float()
        else:
            self._clipped += was_clipped
        self._steps += 1

    def gauges(self) -> dict[str, Tensor]:
        """Return the share of clipped steps so far, ``(K,)``."""
        return {} if self._clipped is None else {self.gauge: self._clipped / self._steps}


class ValueClipping(_Clipping):
    """Keeps every single gradient between two bounds, as ``torch.nn.utils.clip_grad_value_`` does."""

    gauge = "value_clipped"

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        super().__init__()
        self._bound = choice.number("max_value")
        self._pieces = spans(plan.tensors)

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Bound all gradients."""
        import torch

        largest = [torch.linalg.vector_norm(grad[:, piece], torch.inf, dim=1) for piece in self._pieces]
        self._count(torch.stack(largest).amax(0) > self._bound)
        grad.clamp_(-self._bound, self._bound)


class NormClipping(_Clipping):
    """Bounds the length of each lane's whole gradient, as ``torch.nn.utils.clip_grad_norm_`` does for one network."""

    gauge = "norm_clipped"

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        super().__init__()
        self._max_norm = choice.number("max_norm")
        self._pieces = spans(plan.tensors)

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Scale the gradient of every lane that is too long; the rest stay as they are, bit for bit."""
        length = norms(grad, self._pieces)
        self._count(length > self._max_norm)
        # torch's own small number, so that both give the same digits
        grad.mul_((self._max_norm / (length + 1e-6)).clamp(max=1.0).unsqueeze(1))


class AdaptiveClipping(_Clipping):
    """Bounds each unit's gradient by a share of the length of its weights; the output layer is left alone."""

    gauge = "agc_clipped"
    SHORTEST = 1e-6

    def __init__(self, choice: Choice, plan: GroupPlan) -> None:
        super().__init__()
        self._share = choice.number("clipping")
        self._eps = choice.number("eps")
        self._runs = runs(place for place in plan.tensors if not place.is_output)

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Scale the gradient of every unit that is too long for its weights."""
        import torch

        was_clipped = torch.zeros(len(grad), dtype=torch.bool, device=grad.device)
        for run in self._runs:
            # A unit is a row of a weight; a vector, such as a bias, is one unit.
            units = (len(grad), run.count, run.shape[0] if len(run.shape) > 1 else 1, -1)
            rows = run.view(grad).view(units)
            bound = torch.linalg.vector_norm(run.view(flat).view(units), dim=3, keepdim=True)
            bound.clamp_(min=self._eps).mul_(self._share)
            length = torch.linalg.vector_norm(rows, dim=3, keepdim=True).clamp_(min=self.SHORTEST)
            is_long = length > bound
            rows.mul_(torch.where(is_long, bound / length, 1.0))
            was_clipped |= is_long.flatten(1).any(1)
        self._count(was_clipped)


def _bound(key: str, title: Text, default: float, help_text: Text) -> FloatParameter:
    return FloatParameter(
        key, title, default, help_text, minimum=0.0, maximum=1e9, open_minimum=True, log=True
    )


PARTS: tuple[RemedyPart, ...] = (
    RemedyPart(
        kind="remedy",
        key="gradient_centralization",
        title=Text("Gradient centralization", "梯度中心化"),
        summary=Text(
            "Takes the mean away from the gradients of each unit's incoming weights, so that with "
            "SGD these move without changing their sum.",
            "把每个单元各输入权重的梯度减去其均值；用 SGD 时，这些权重在更新中总和不变。",
        ),
        group=GROUP,
        formula=r"g_{ij} \leftarrow g_{ij} - \tfrac{1}{I} \sum_k g_{ik}",
        source="Yong et al. 2020, arXiv:2004.01461",
        rule=Centralization,
    ),
    RemedyPart(
        kind="remedy",
        key="clip_value",
        title=Text("Clipping by value", "按值裁剪"),
        summary=Text(
            "Cuts every single gradient off at a bound, which also turns the direction of the step.",
            "把每个梯度分量限制在界内；更新方向也会因此改变。",
        ),
        group=GROUP,
        parameters=(
            _bound(
                "max_value",
                Text("Bound", "上界"),
                0.1,
                Text("Largest size of a single gradient.", "单个梯度分量的最大绝对值。"),
            ),
        ),
        formula=r"g \leftarrow \max(-c, \min(c, g))",
        source="Mikolov 2012, Statistical language models based on neural networks, PhD thesis, Brno",
        rule=ValueClipping,
        gauges=(Gauge("value_clipped", Text("Steps clipped by value", "按值裁剪的步数占比"), "%"),),
    ),
    RemedyPart(
        kind="remedy",
        key="clip_norm",
        title=Text("Clipping by norm", "按范数裁剪"),
        summary=Text(
            "Shortens a lane's whole gradient to a longest length and keeps its direction. It tames a gradient that "
            "explodes, and does nothing for one that vanished.",
            "把整条赛道的梯度缩短到最大长度以内，方向不变。它能驯服爆炸的梯度，对消失的梯度无能为力。",
        ),
        group=GROUP,
        parameters=(
            _bound(
                "max_norm",
                Text("Longest gradient", "最大范数"),
                1.0,
                Text(
                    "L2 norm over all weights and biases of a lane.",
                    "一条赛道全部权重与偏置的梯度的 L2 范数。",
                ),
            ),
        ),
        formula=r"g \leftarrow g \, \min(1, c / \|g\|)",
        source="Pascanu et al. 2013, arXiv:1211.5063",
        rule=NormClipping,
        gauges=(Gauge("norm_clipped", Text("Steps clipped by norm", "按范数裁剪的步数占比"), "%"),),
    ),
    RemedyPart(
        kind="remedy",
        key="agc",
        title=Text("Adaptive clipping (AGC)", "自适应梯度裁剪（AGC）"),
        summary=Text(
            "Bounds the gradient of each unit by a share of the length of its own weights; the output layer is left "
            "alone.",
            "以每个单元自身权重长度的一定比例为上界裁剪其梯度；输出层除外。",
        ),
        group=GROUP,
        parameters=(
            _bound(
                "clipping",
                Text("Share", "比例"),
                0.01,
                Text("Longest gradient as a share of the weights' length.", "梯度长度与权重长度之比的上限。"),
            ),
            _bound(
                "eps",
                Text("Epsilon", "Epsilon"),
                1e-3,
                Text(
                    "Length that every unit's weights are taken to have at least.",
                    "每个单元权重长度的最小取值。",
                ),
            ),
        ),
        formula=r"g_i \leftarrow g_i \, \min\left(1, \lambda \max(\|w_i\|, \epsilon) / \|g_i\|\right)",
        source="Brock et al. 2021, arXiv:2102.06171",
        rule=AdaptiveClipping,
        gauges=(Gauge("agc_clipped", Text("Steps clipped by AGC", "AGC 裁剪的步数占比"), "%"),),
    ),
)
