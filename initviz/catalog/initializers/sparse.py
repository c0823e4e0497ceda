"""Starts in which most connections are 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from initviz.catalog.initializers.distributions import STD
from initviz.catalog.parts import InitContext, InitializerPart
from initviz.experiment.parameters import FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Generator, Tensor


def num_zeros(sparsity: float, rows: int) -> int:
    """Return how many of a column's ``rows`` entries are set to 0."""
    return min(rows, math.ceil(sparsity * rows))


def sparse_(weight: Tensor, sparsity: float, std: float, generator: Generator) -> None:
    """Fill ``weight`` in place from a normal distribution, then set a share of every column to 0.

    Our own, because ``torch.nn.init.sparse_`` picks the zeros with the global generator.

    Args:
        weight: ``(O, I)`` or ``(O, I, *kernel)``; axes after the first are flattened. A column holds the weights that
            one input feeds.
        sparsity: Share of zeros in each column, 0 to 1, rounded up to whole entries.
        std: Standard deviation of the others.
        generator: Source of randomness; the global one is untouched.
    References:
        Martens 2010.
    """
    import torch

    with torch.no_grad():
        weight.normal_(0.0, std, generator=generator)
        matrix = weight.flatten(1)
        ranks = torch.rand(matrix.shape, generator=generator, device=weight.device).argsort(dim=0)
        matrix.scatter_(0, ranks[: num_zeros(sparsity, matrix.shape[0])], 0.0)
        weight.copy_(matrix.view_as(weight))


def _draw(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    sparse_(tensor, choice.number("sparsity"), choice.number("std"), generator)


def _target_std(choice: Choice, context: InitContext) -> float | None:
    rows = context.shape[0]
    kept = 1 - num_zeros(choice.number("sparsity"), rows) / rows
    return choice.number("std") * math.sqrt(kept)


def _kurtosis(choice: Choice) -> float:
    return 3 / max(1e-3, 1 - choice.number("sparsity")) - 3


GROUP = Text("Sparse", "稀疏")

PARTS: tuple[InitializerPart, ...] = (
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="sparse",
        title=Text("Sparse", "稀疏"),
        summary=Text(
            "Normal weights of which a fixed share is set to 0 for every input, so that each input feeds only a few "
            "units.",
            "正态权重，但每个输入都有固定比例的连接置 0，因此每个输入只连到少数单元。",
        ),
        parameters=(
            FloatParameter(
                "sparsity",
                Text("Sparsity", "稀疏度"),
                0.9,
                Text("Share of weights that start at 0.", "初始为 0 的权重比例。"),
                minimum=0.0,
                maximum=1.0,
            ),
            STD,
        ),
        formula=r"W_{ij} = m_{ij} v_{ij},\quad v_{ij} \sim \mathcal{N}(0, \sigma^{2}),"
        r"\quad \sum_{i} (1 - m_{ij}) = \lceil s\, n_{out} \rceil",
        source="Martens 2010, Proc. ICML 27, 735-742",
        draw=_draw,
        kurtosis=_kurtosis,
        target_std=_target_std,
    ),
)
