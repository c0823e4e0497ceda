"""Starts at which every residual block is the identity, so that depth does no harm at first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from initviz.catalog.initializers.variance import he_gain
from initviz.catalog.parts import InitContext, InitializerPart
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Generator, Tensor


def _he_std(choice: Choice, context: InitContext) -> float | None:
    return he_gain(0.0) / math.sqrt(context.fan_in)


def _he(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    from torch.nn import init

    init.kaiming_normal_(tensor, generator=generator)


def fixup_factor(context: InitContext) -> float:
    """Return what Fixup multiplies He's weights by.

    It is 0 for the output layer and for the last layer of a residual branch, L^(-1/(2m - 2)) for the others in a
    branch (L branches of m layers), and 1 outside.

    Args:
        context: Where the weights stand.
    References:
        Zhang et al. 2019, arXiv:1901.09321.
    """
    if context.is_output or context.branch == "last":
        return 0.0
    if context.branch == "inner" and context.branch_depth > 1:
        return math.pow(max(1, context.num_branches), -1 / (2 * context.branch_depth - 2))
    return 1.0


def _fixup(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    import torch
    from torch.nn import init

    init.kaiming_normal_(tensor, generator=generator)
    with torch.no_grad():
        tensor.mul_(fixup_factor(context))


def _fixup_std(choice: Choice, context: InitContext) -> float | None:
    return fixup_factor(context) * he_gain(0.0) / math.sqrt(context.fan_in)


def _he_gain(choice: Choice, context: InitContext) -> float | None:
    return he_gain(0.0)


GROUP = Text("For residual blocks", "用于残差块")

PARTS: tuple[InitializerPart, ...] = (
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="fixup",
        title=Text("Fixup", "Fixup"),
        summary=Text(
            "For residual networks: He weights made smaller inside each branch the more branches there are, and 0 in "
            "each branch's last layer and in the output layer.",
            "用于残差网络：分支越多，分支内的 He 权重越小；每个分支的最后一层和输出层从 0 开始。",
        ),
        formula=r"W \sim L^{-\frac{1}{2m - 2}}\, \mathcal{N}\left(0, \frac{2}{n_{in}}\right),"
        r"\quad W_{\text{last}} = W_{\text{out}} = 0",
        source="Zhang et al. 2019, arXiv:1901.09321",
        draw=_fixup,
        target_std=_fixup_std,
        gain=lambda choice, context: fixup_factor(context) * he_gain(0.0),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="skipinit",
        title=Text("SkipInit", "SkipInit"),
        summary=Text(
            "For residual networks: He weights, and a learned factor at the end of every branch that starts at 0, so "
            "that each block begins as the identity.",
            "用于残差网络：权重用 He 初始化，每个分支末端有一个从 0 开始的可学习系数，因此每个残差块起初都是恒等映射。",
        ),
        formula=r"x_{l+1} = x_{l} + \alpha_{l} F_{l}(x_{l}),\quad \alpha_{l} = 0,"
        r"\quad W \sim \mathcal{N}\left(0, \frac{2}{n_{in}}\right)",
        source="De and Smith 2020, arXiv:2002.10444",
        draw=_he,
        target_std=_he_std,
        gain=_he_gain,
        branch_scale=0.0,
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="rezero",
        title=Text("ReZero", "ReZero"),
        summary=Text(
            "The same start as SkipInit, from another paper: each residual block's learned factor begins at 0.",
            "与 SkipInit 相同的做法，出自另一篇论文：每个残差块的可学习系数从 0 开始。",
        ),
        formula=r"x_{l+1} = x_{l} + \alpha_{l} F_{l}(x_{l}),\quad \alpha_{l} = 0,"
        r"\quad W \sim \mathcal{N}\left(0, \frac{2}{n_{in}}\right)",
        source="Bachlechner et al. 2021, arXiv:2003.04887",
        draw=_he,
        target_std=_he_std,
        gain=_he_gain,
        branch_scale=0.0,
    ),
)
