"""Elementwise functions between the layers.

``function`` receives the choice of the layer that applies it. A key ``slope`` in that choice, where it is set, is the
slope of leaky ReLU below 0 or the depth alpha of ELU; everything else is fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from initviz.catalog.parts import ActivationGradient, ActivationPart, Curve
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Tensor, nn

    Function = Callable[[Tensor], Tensor]

LEAKY_SLOPE = 0.01
ELU_ALPHA = 1.0
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
X = "x"
"""Stands for the input or the output in the arguments of a backward operator."""
FLAT = math.sqrt(0.95)
"""Where tanh has lost 95 % of its slope: 1 - y^2 = 0.05. The other bounded functions are cut at the same share."""


def slope_of(choice: Choice, default: float) -> float:
    """Return the choice's ``slope``, or ``default`` where it has none or leaves it open."""
    for key, value in choice.values:
        if key == "slope" and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return default


def _curve(name: str) -> Callable[[Choice], Curve]:
    """Return a builder of the curve called ``NAME``; like everything else, NumPy waits until one is wanted."""

    def build(choice: Choice) -> Curve:
        from initviz.catalog import activation_curves

        return cast("Curve", getattr(activation_curves, name)(choice))

    return build


def _identity(choice: Choice) -> Function:
    return lambda x: x


def _leaky_relu(choice: Choice) -> Function:
    from torch.nn import functional

    slope = slope_of(choice, LEAKY_SLOPE)
    return lambda x: functional.leaky_relu(x, slope)


def _elu(choice: Choice) -> Function:
    from torch.nn import functional

    alpha = slope_of(choice, ELU_ALPHA)
    return lambda x: functional.elu(x, alpha)


def _torch(name: str) -> Callable[[Choice], Function]:
    """Return a builder of ``torch.NAME``, which is cheaper to call than its twin in ``torch.nn.functional``."""

    def build(choice: Choice) -> Function:
        import torch

        return cast("Function", getattr(torch, name))

    return build


def _functional(name: str) -> Callable[[Choice], Function]:
    """Return a builder of ``torch.nn.functional.NAME``."""

    def build(choice: Choice) -> Function:
        from torch.nn import functional

        return cast("Function", getattr(functional, name))

    return build


def _gradient(
    name: str, *settings: object, of_output: bool = False
) -> Callable[[Choice], ActivationGradient]:
    """Return a builder of torch's own backward operator ``NAME``, which takes the gradient and then ``settings``.

    A setting that can be called receives the choice. ``X`` stands for the input or, where ``of_output``, the output.
    """

    def build(choice: Choice) -> ActivationGradient:
        import torch

        operator = getattr(torch.ops.aten, name).default
        values = [setting(choice) if callable(setting) else setting for setting in settings] or [X]
        place = values.index(X)
        before, after = values[:place], values[place + 1 :]

        def gradient(grad: Tensor, x: Tensor, y: Tensor) -> Tensor:
            return cast("Tensor", operator(grad, *before, y if of_output else x, *after))

        return gradient

    return build


def _identity_gradient(choice: Choice) -> ActivationGradient:
    return lambda grad, x, y: grad


def _module(name: str, slope: float | None = None) -> Callable[[Choice], nn.Module]:
    """Return a builder of the module ``torch.nn.NAME``, which takes one number where ``slope`` is its default."""

    def build(choice: Choice) -> nn.Module:
        from torch import nn

        made = getattr(nn, name)
        return cast("nn.Module", made() if slope is None else made(slope_of(choice, slope)))

    return build


PARTS: tuple[ActivationPart, ...] = (
    ActivationPart(
        kind="activation",
        key="identity",
        title=Text("Identity (linear)", "恒等（线性）"),
        summary=Text(
            "Changes nothing: a stack of such layers is one linear map, which makes the effect of the start easy to "
            "calculate.",
            "不作任何改变：多层叠加仍是一个线性映射，因此初始化的影响容易计算。",
        ),
        formula=r"\phi(x) = x",
        source="Saxe et al. 2014, arXiv:1312.6120",
        aliases=("linear",),
        function=_identity,
        module=_module("Identity"),
        curve=_curve("IDENTITY"),
        gradient=_identity_gradient,
        recommended="orthogonal",
    ),
    ActivationPart(
        kind="activation",
        key="sigmoid",
        title=Text("Sigmoid", "Sigmoid"),
        summary=Text(
            "Squeezes every number into 0 to 1; its slope is at most 1/4 and its mean output is not 0.",
            "把任意数压到 0 与 1 之间；斜率最大只有 1/4，输出均值也不为 0。",
        ),
        formula=r"\phi(x) = \frac{1}{1 + e^{-x}}",
        source="Rumelhart et al. 1986, doi:10.1038/323533a0",
        function=_torch("sigmoid"),
        module=_module("Sigmoid"),
        curve=_curve("SIGMOID"),
        gradient=_gradient("sigmoid_backward", of_output=True),
        saturation=((1 - FLAT) / 2, (1 + FLAT) / 2),
        recommended="xavier_normal",
    ),
    ActivationPart(
        kind="activation",
        key="tanh",
        title=Text("Tanh", "Tanh"),
        summary=Text(
            "Squeezes every number into -1 to 1, symmetric about 0, with slope 1 at 0.",
            "把任意数压到 -1 与 1 之间，关于 0 对称，在 0 处斜率为 1。",
        ),
        formula=r"\phi(x) = \tanh x",
        source="LeCun et al. 1998, doi:10.1007/3-540-49430-8_2",
        function=_torch("tanh"),
        module=_module("Tanh"),
        curve=_curve("TANH"),
        gradient=_gradient("tanh_backward", of_output=True),
        saturation=(-FLAT, FLAT),
        recommended="xavier_normal",
    ),
    ActivationPart(
        kind="activation",
        key="relu",
        title=Text("ReLU", "ReLU"),
        summary=Text(
            "Keeps what is positive and sets the rest to 0, which halves the mean square of a symmetric signal.",
            "保留正数，其余置 0；对称信号的均方值因此减半。",
        ),
        formula=r"\phi(x) = \max(0, x)",
        source="Nair and Hinton 2010, Proc. ICML 27, 807-814",
        function=_torch("relu"),
        module=_module("ReLU"),
        curve=_curve("RELU"),
        gradient=_gradient("threshold_backward", X, 0),
        dead_below=True,
        recommended="he_normal",
    ),
    ActivationPart(
        kind="activation",
        key="leaky_relu",
        title=Text("Leaky ReLU", "Leaky ReLU"),
        summary=Text(
            "Like ReLU, but negative numbers keep a small slope, so that no unit goes silent for good.",
            "与 ReLU 类似，但负数保留一个小斜率，神经元不会永久失活。",
        ),
        formula=r"\phi(x) = \begin{cases} x & x > 0 \\ a\,x & x \le 0 \end{cases}",
        source="Maas et al. 2013, ICML Workshop on Deep Learning for Audio, Speech and Language Processing",
        function=_leaky_relu,
        module=_module("LeakyReLU", LEAKY_SLOPE),
        curve=_curve("leaky_relu"),
        gradient=_gradient("leaky_relu_backward", X, lambda choice: slope_of(choice, LEAKY_SLOPE), False),
        recommended="he_normal",
    ),
    ActivationPart(
        kind="activation",
        key="elu",
        title=Text("ELU", "ELU（指数线性单元）"),
        summary=Text(
            "The identity above 0 and an exponential that levels off at -a below, so that mean outputs lie nearer 0.",
            "大于 0 时为恒等函数，小于 0 时按指数趋于 -a，输出均值因此更接近 0。",
        ),
        formula=r"\phi(x) = \begin{cases} x & x > 0 \\ a\,(e^{x} - 1) & x \le 0 \end{cases}",
        source="Clevert et al. 2016, arXiv:1511.07289",
        function=_elu,
        module=_module("ELU", ELU_ALPHA),
        curve=_curve("elu"),
        gradient=_gradient("elu_backward", lambda choice: slope_of(choice, ELU_ALPHA), 1.0, 1.0, False, X),
        recommended="he_normal",
    ),
    ActivationPart(
        kind="activation",
        key="selu",
        title=Text("SELU", "SELU（自归一化）"),
        summary=Text(
            "A scaled ELU whose two constants pull the mean of the signal to 0 and its variance to 1 when the weights "
            "start from LeCun normal.",
            "带缩放的 ELU；权重用 LeCun 正态初始化时，它的两个常数会把信号均值拉向 0、方差拉向 1。",
        ),
        formula=r"\phi(x) = \lambda \begin{cases} x & x > 0 \\ \alpha\,(e^{x} - 1) & x \le 0 \end{cases}"
        r",\quad \lambda \approx 1.0507,\ \alpha \approx 1.6733",
        source="Klambauer et al. 2017, arXiv:1706.02515",
        function=_torch("selu"),
        module=_module("SELU"),
        curve=_curve("SELU"),
        gradient=_gradient("elu_backward", SELU_ALPHA, SELU_SCALE, 1.0, False, X),
        recommended="lecun_normal",
    ),
    ActivationPart(
        kind="activation",
        key="gelu",
        title=Text("GELU", "GELU（高斯误差线性单元）"),
        summary=Text(
            "Weighs each number by the probability that a standard normal one is smaller: a smooth relative of ReLU.",
            "用标准正态变量小于该数的概率来加权：可以看作平滑的 ReLU。",
        ),
        formula=r"\phi(x) = \frac{x}{2}\left(1 + \mathrm{erf}\frac{x}{\sqrt{2}}\right)",
        source="Hendrycks and Gimpel 2016, arXiv:1606.08415",
        function=_functional("gelu"),
        module=_module("GELU"),
        curve=_curve("GELU"),
        gradient=_gradient("gelu_backward"),
        recommended="he_normal",
    ),
    ActivationPart(
        kind="activation",
        key="silu",
        title=Text("SiLU (Swish)", "SiLU（Swish）"),
        summary=Text(
            "Weighs each number by its own sigmoid: smooth, and slightly negative below 0.",
            "用自身的 Sigmoid 值来加权：平滑，在 0 以下略为负值。",
        ),
        formula=r"\phi(x) = \frac{x}{1 + e^{-x}}",
        source="Elfwing et al. 2018, arXiv:1702.03118",
        aliases=("swish",),
        function=_functional("silu"),
        module=_module("SiLU"),
        curve=_curve("SILU"),
        gradient=_gradient("silu_backward"),
        recommended="he_normal",
    ),
    ActivationPart(
        kind="activation",
        key="softplus",
        title=Text("Softplus", "Softplus"),
        summary=Text(
            "A smooth relative of ReLU that is never 0: it gives 0.69 at 0, so signals have a positive mean.",
            "ReLU 的平滑近似，永远大于 0：在 0 处约为 0.69，因此信号均值为正。",
        ),
        formula=r"\phi(x) = \ln(1 + e^{x})",
        source="Dugas et al. 2001, Advances in Neural Information Processing Systems 13, 472-478",
        function=_functional("softplus"),
        module=_module("Softplus"),
        curve=_curve("SOFTPLUS"),
        gradient=_gradient("softplus_backward", X, 1.0, 20.0),
        recommended="he_normal",
    ),
    ActivationPart(
        kind="activation",
        key="softsign",
        title=Text("Softsign", "Softsign"),
        summary=Text(
            "Like tanh, but it nears -1 and 1 slowly, so that units saturate later.",
            "与 tanh 类似，但更缓慢地趋近 -1 和 1，神经元较晚才饱和。",
        ),
        formula=r"\phi(x) = \frac{x}{1 + |x|}",
        source="Glorot and Bengio 2010, Proc. AISTATS 13, 249-256",
        function=_functional("softsign"),
        module=_module("Softsign"),
        curve=_curve("SOFTSIGN"),
        saturation=(math.sqrt(0.05) - 1, 1 - math.sqrt(0.05)),
        recommended="xavier_normal",
    ),
    ActivationPart(
        kind="activation",
        key="relu6",
        title=Text("ReLU6", "ReLU6"),
        summary=Text(
            "ReLU cut off at 6, so that it fits into few bits.",
            "在 6 处截断的 ReLU，便于用很少的比特表示。",
        ),
        formula=r"\phi(x) = \min(\max(0, x), 6)",
        source="Sandler et al. 2018, arXiv:1801.04381",
        function=_functional("relu6"),
        module=_module("ReLU6"),
        curve=_curve("RELU6"),
        saturation=(-math.inf, 6.0),
        dead_below=True,
        recommended="he_normal",
    ),
    ActivationPart(
        kind="activation",
        key="hard_sigmoid",
        title=Text("Hard sigmoid", "硬 Sigmoid"),
        summary=Text(
            "The sigmoid drawn with three straight lines: exactly flat below -3 and above 3.",
            "用三段直线近似的 Sigmoid：小于 -3 和大于 3 时完全平坦。",
        ),
        formula=r"\phi(x) = \min\left(\max\left(0, \frac{x + 3}{6}\right), 1\right)",
        source="Howard et al. 2019, arXiv:1905.02244",
        aliases=("hardsigmoid",),
        function=_functional("hardsigmoid"),
        module=_module("Hardsigmoid"),
        curve=_curve("HARD_SIGMOID"),
        saturation=(0.0, 1.0),
        dead_below=True,
        recommended="xavier_normal",
    ),
    ActivationPart(
        kind="activation",
        key="hard_tanh",
        title=Text("Hard tanh", "硬 tanh"),
        summary=Text(
            "The identity between -1 and 1, and exactly flat outside.",
            "在 -1 与 1 之间为恒等函数，之外完全平坦。",
        ),
        formula=r"\phi(x) = \min(\max(-1, x), 1)",
        source="Collobert et al. 2011, arXiv:1103.0398",
        aliases=("hardtanh",),
        function=_functional("hardtanh"),
        module=_module("Hardtanh"),
        curve=_curve("HARD_TANH"),
        saturation=(-1.0, 1.0),
        recommended="xavier_normal",
    ),
    ActivationPart(
        kind="activation",
        key="hard_swish",
        title=Text("Hard swish", "硬 Swish"),
        summary=Text(
            "SiLU with the hard sigmoid as its weight: 0 below -3 and the identity above 3.",
            "以硬 Sigmoid 作权重的 SiLU：小于 -3 时为 0，大于 3 时为恒等函数。",
        ),
        formula=r"\phi(x) = x \min\left(\max\left(0, \frac{x + 3}{6}\right), 1\right)",
        source="Howard et al. 2019, arXiv:1905.02244",
        aliases=("hardswish", "hard_silu"),
        function=_functional("hardswish"),
        module=_module("Hardswish"),
        curve=_curve("HARD_SWISH"),
        recommended="he_normal",
    ),
)
