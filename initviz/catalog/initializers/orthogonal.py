"""Starts that keep lengths: orthogonal matrices, also inside convolution kernels, and LSUV, which begins with one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from initviz.catalog.initializers.variance import GAIN
from initviz.catalog.parts import InitContext, InitializerPart
from initviz.experiment.parameters import FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Generator, Tensor


def orthogonal_(weight: Tensor, gain: float, generator: Generator) -> None:
    """Fill ``weight`` in place with a scaled (semi-)orthogonal matrix, drawn uniformly from all of them.

    Every singular value equals ``gain``, so a square linear layer multiplies the length of every signal by it, on the
    way forward and back. The matrix is worked out in float64 where the device has it, since float32 would leave
    errors of up to 1e-6 in the products of its rows.

    Args:
        weight: ``(O, I)`` or ``(O, I, *kernel)``; axes after the first are flattened.
        gain: Common singular value, dimensionless, > 0.
        generator: Source of randomness; the global one is untouched.
    Raises:
        ValueError: Fewer than two axes.
    References:
        Saxe et al. 2014, arXiv:1312.6120.
    """
    import torch
    from torch.nn import init

    dtype = weight.dtype if weight.device.type == "mps" else torch.float64
    exact = torch.empty(weight.shape, dtype=dtype, device=weight.device)
    init.orthogonal_(exact, gain, generator=generator)
    with torch.no_grad():
        weight.copy_(exact)


def delta_orthogonal_(weight: Tensor, gain: float, generator: Generator) -> None:
    """Fill ``weight`` in place with zeros but for an orthogonal matrix in the middle of the kernel.

    A convolution with as many channels out as in then multiplies the length of every signal by ``gain``, which an
    orthogonal matrix over the flattened kernel does not. A dense weight gets a plain orthogonal matrix.

    Args:
        weight: ``(O, I)`` or ``(O, I, *kernel)``.
        gain: Common singular value of the middle matrix, dimensionless, > 0.
        generator: Source of randomness; the global one is untouched.
    Raises:
        ValueError: Fewer than two axes.
    References:
        Xiao et al. 2018, arXiv:1806.05393.
    """
    import torch

    matrix = torch.empty(weight.shape[:2], dtype=weight.dtype, device=weight.device)
    orthogonal_(matrix, gain, generator)
    with torch.no_grad():
        weight.zero_()
        middle = weight
        for extent in reversed(weight.shape[2:]):
            middle = middle.select(-1, extent // 2)
        middle.copy_(matrix)


def _orthogonal(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    orthogonal_(tensor, choice.number("gain"), generator)


def _delta(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    delta_orthogonal_(tensor, choice.number("gain"), generator)


def _lsuv(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    orthogonal_(tensor, 1.0, generator)


def _orthogonal_std(choice: Choice, context: InitContext) -> float | None:
    rows, columns = context.shape[0], math.prod(context.shape[1:])
    return choice.number("gain") / math.sqrt(max(rows, columns))


def _delta_std(choice: Choice, context: InitContext) -> float | None:
    places = math.prod(context.shape[2:])
    return choice.number("gain") / math.sqrt(max(context.shape[:2]) * places)


GROUP = Text("Keeping lengths", "保持长度")

PARTS: tuple[InitializerPart, ...] = (
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="orthogonal",
        title=Text("Orthogonal", "正交"),
        summary=Text(
            "A random rotation or reflection: every singular value is the gain, so with gain 1 square linear layers "
            "keep the length of every signal and gradient, at any depth.",
            "随机的旋转或反射矩阵：所有奇异值都等于增益；增益为 1 时，方阵线性层无论多深都保持信号和梯度的长度。",
        ),
        parameters=(GAIN,),
        formula=r"W^{\top} W = g^{2} I \quad \text{or} \quad W W^{\top} = g^{2} I",
        source="Saxe et al. 2014, arXiv:1312.6120",
        draw=_orthogonal,
        keeps_lengths=True,
        target_std=_orthogonal_std,
        gain=lambda choice, context: choice.number("gain"),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="delta_orthogonal",
        title=Text("Delta-orthogonal", "Delta 正交"),
        summary=Text(
            "For convolutions: zeros but for an orthogonal matrix in the middle of the kernel, so that with gain 1 the "
            "layer keeps lengths like an orthogonal dense one; dense layers get the orthogonal matrix itself.",
            "用于卷积：只在卷积核中心放一个正交矩阵，其余为 0；增益为 1 时，卷积层像正交全连接层那样保持长度；"
            "全连接层直接用正交矩阵。",
        ),
        parameters=(GAIN,),
        formula=r"W_{\beta} = g\, \delta_{\beta, 0}\, H,\quad H^{\top} H = I",
        source="Xiao et al. 2018, arXiv:1806.05393",
        draw=_delta,
        keeps_lengths=True,
        middle_only=True,
        target_std=_delta_std,
        gain=lambda choice, context: choice.number("gain"),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="lsuv",
        title=Text("LSUV", "LSUV（逐层单位方差）"),
        summary=Text(
            "Starts orthogonal, then looks at one batch and rescales each layer in turn until its output has "
            "variance 1; recurrent layers stay orthogonal.",
            "先取正交矩阵，再用一批数据逐层缩放，直到每层输出的方差为 1；循环层保持正交。",
        ),
        parameters=(
            FloatParameter(
                "tolerance",
                Text("Tolerance", "容差"),
                0.1,
                Text(
                    "How far from 1 the variance of a layer's output may stay.",
                    "层输出的方差与 1 允许相差多少。",
                ),
                minimum=1e-6,
                maximum=1.0,
                log=True,
            ),
            IntParameter(
                "max_iterations",
                Text("Most rescalings", "最多缩放次数"),
                10,
                Text("How often one layer is rescaled at most.", "每层最多缩放多少次。"),
                minimum=1,
                maximum=1000,
                log=True,
            ),
        ),
        formula=r"W \leftarrow \frac{W}{\sqrt{\mathrm{Var}(W x)}}",
        source="Mishkin and Matas 2016, arXiv:1511.06422",
        draw=_lsuv,
        keeps_lengths=True,
        target_std=lambda choice, context: None,
        data_driven=True,
    ),
)
