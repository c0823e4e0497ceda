"""Starts without chance: every run begins with the same numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from initviz.catalog.parts import InitContext, InitializerPart
from initviz.experiment.parameters import FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Generator, Tensor


def _no_spread(choice: Choice, context: InitContext) -> float | None:
    return 0.0


def _never(choice: Choice) -> bool:
    return False


def _zeros(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    from torch.nn import init

    init.zeros_(tensor)


def _ones(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    from torch.nn import init

    init.ones_(tensor)


def _constant(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    from torch.nn import init

    init.constant_(tensor, choice.number("value"))


def _identity(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    from torch.nn import init

    if tensor.dim() > 2:
        init.dirac_(tensor)
    else:
        init.eye_(tensor)


def _identity_std(choice: Choice, context: InitContext) -> float | None:
    share = min(context.shape[:2]) / math.prod(context.shape)
    return math.sqrt(share * (1 - share))


GROUP = Text("Without chance", "无随机性")

PARTS: tuple[InitializerPart, ...] = (
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="zeros",
        title=Text("Zeros", "全零"),
        summary=Text(
            "Sets every number to 0. The usual start of biases; as weights, all units of a layer are equal, get equal "
            "gradients, and so never become different.",
            "把每个数设为 0。这是偏置的常用初始值；用于权重时，同一层的神经元完全相同、梯度也相同，因此永远无法分化。",
        ),
        formula=r"W_{ij} = 0",
        source="Rumelhart et al. 1986, doi:10.1038/323533a0",
        draw=_zeros,
        target_std=_no_spread,
        targets=("weight", "bias"),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="ones",
        centred=_never,
        title=Text("Ones", "全一"),
        summary=Text(
            "Sets every number to 1. As weights, every unit computes the same sum of its inputs, and the signal grows "
            "with the number of inputs at every layer.",
            "把每个数设为 1。用于权重时，每个神经元都计算相同的输入之和，信号每经过一层就按输入个数放大。",
        ),
        formula=r"W_{ij} = 1",
        source="PyTorch manual, torch.nn.init.ones_",
        draw=_ones,
        mean=lambda choice: 1.0,
        target_std=_no_spread,
        targets=("weight", "bias"),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="constant",
        centred=_never,
        title=Text("Constant", "常数"),
        summary=Text(
            "Sets every number to one value. As weights, units that start equal get equal gradients and stay equal, "
            "whatever the value.",
            "把每个数设为同一个值。用于权重时，无论取什么值，起点相同的神经元梯度相同，会一直相同。",
        ),
        parameters=(
            FloatParameter(
                "value",
                Text("Value", "数值"),
                0.1,
                Text("What every weight or bias starts at.", "每个权重或偏置的初始值。"),
                minimum=-1e6,
                maximum=1e6,
            ),
        ),
        formula=r"W_{ij} = c",
        source="PyTorch manual, torch.nn.init.constant_",
        draw=_constant,
        mean=lambda choice: choice.number("value"),
        target_std=_no_spread,
        targets=("weight", "bias"),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="identity",
        centred=_never,
        title=Text("Identity / Dirac", "单位矩阵 / Dirac"),
        summary=Text(
            "Each unit hands on one input unchanged: the identity matrix for dense layers, a single 1 in the middle "
            "of the kernel for convolutions.",
            "每个神经元原样传递一个输入：全连接层用单位矩阵，卷积层只在卷积核中心放一个 1。",
        ),
        formula=r"W_{ij} = \delta_{ij}",
        source="Le et al. 2015, arXiv:1504.00941; Zagoruyko and Komodakis 2017, arXiv:1706.00388",
        aliases=("dirac", "eye"),
        draw=_identity,
        target_std=_identity_std,
    ),
)
