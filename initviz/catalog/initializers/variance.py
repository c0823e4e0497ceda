"""Starts whose variance follows the size of the layer: variance scaling, Xavier, He, LeCun, PyTorch's default."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from initviz.catalog.initializers.distributions import TRUNCATED_KURTOSIS, UNIFORM_KURTOSIS, truncated_normal_
from initviz.catalog.parts import Draw, InitContext, InitializerPart
from initviz.experiment.parameters import ChoiceParameter, FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Generator, Tensor

GLOROT = "Glorot and Bengio 2010, Proc. AISTATS 13, 249-256"
HE = "He et al. 2015, arXiv:1502.01852"
LECUN = "LeCun et al. 1998, doi:10.1007/3-540-49430-8_2"


KURTOSES = {"normal": 0.0, "truncated_normal": TRUNCATED_KURTOSIS, "uniform": UNIFORM_KURTOSIS}


def fan(context: InitContext, mode: str) -> float:
    """Return the number of connections that a mode divides by; ``fan_avg`` is the mean of both.

    Args:
        context: Where the tensor stands.
        mode: ``fan_in``, ``fan_out`` or ``fan_avg``.
    """
    if mode == "fan_avg":
        return (context.fan_in + context.fan_out) / 2
    return float(context.fan_out if mode == "fan_out" else context.fan_in)


def he_gain(slope: float) -> float:
    """Return the factor that makes up for what (leaky) ReLU takes from the signal's mean square."""
    return math.sqrt(2 / (1 + slope**2))


def fill_(tensor: Tensor, std: float, distribution: str, generator: Generator) -> None:
    """Fill ``tensor`` in place with numbers of mean 0 and standard deviation ``std``.

    Args:
        tensor: Any shape.
        std: Standard deviation of the numbers drawn.
        distribution: ``normal``, ``truncated_normal`` or ``uniform``.
        generator: Source of randomness; the global one is untouched.
    """
    from torch.nn import init

    if distribution == "normal":
        init.normal_(tensor, 0.0, std, generator=generator)
    elif distribution == "truncated_normal":
        truncated_normal_(tensor, 0.0, std, generator)
    else:
        bound = math.sqrt(3) * std
        init.uniform_(tensor, -bound, bound, generator=generator)


def _scaled_std(choice: Choice, context: InitContext) -> float:
    return math.sqrt(choice.number("scale") / fan(context, choice.string("mode")))


def _scaled(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    fill_(tensor, _scaled_std(choice, context), choice.string("distribution"), generator)


def _xavier_std(choice: Choice, context: InitContext) -> float:
    return choice.number("gain") / math.sqrt(fan(context, "fan_avg"))


def _he_std(choice: Choice, context: InitContext) -> float:
    return he_gain(choice.number("slope")) / math.sqrt(fan(context, choice.string("mode")))


def _lecun_std(choice: Choice, context: InitContext) -> float:
    return 1 / math.sqrt(context.fan_in)


def _default_std(choice: Choice, context: InitContext) -> float:
    return 1 / math.sqrt(3 * context.fan_in)


def _xavier_normal(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    from torch.nn import init

    init.xavier_normal_(tensor, choice.number("gain"), generator=generator)


def _xavier_uniform(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    from torch.nn import init

    init.xavier_uniform_(tensor, choice.number("gain"), generator=generator)


def _he(distribution: str) -> Draw:
    def draw(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
        from torch.nn import init

        fill = init.kaiming_normal_ if distribution == "normal" else init.kaiming_uniform_
        mode: Literal["fan_in", "fan_out"] = "fan_out" if choice.string("mode") == "fan_out" else "fan_in"
        fill(tensor, a=choice.number("slope"), mode=mode, nonlinearity="leaky_relu", generator=generator)

    return draw


def _lecun(distribution: str) -> Draw:
    def draw(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
        fill_(tensor, _lecun_std(choice, context), distribution, generator)

    return draw


def _default(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    fill_(tensor, _default_std(choice, context), "uniform", generator)


FAN_IN = ("fan_in", Text("fan-in (forward signal)", "扇入（前向信号）"))
FAN_OUT = ("fan_out", Text("fan-out (backward signal)", "扇出（反向信号）"))
FAN_AVG = ("fan_avg", Text("mean of both", "两者平均"))

GAIN = FloatParameter(
    "gain",
    Text("Gain", "增益"),
    1.0,
    Text("Multiplies every weight.", "每个权重都乘以它。"),
    minimum=0.0,
    maximum=1e3,
    open_minimum=True,
    log=True,
)

HE_PARAMETERS = (
    ChoiceParameter(
        "mode",
        Text("Mode", "模式"),
        "fan_in",
        Text(
            "fan-in keeps the size of the signal on its way forward, fan-out that of the gradients on their way back; "
            "both at once only where widths are equal.",
            "扇入（fan-in）保持前向信号的大小，扇出（fan-out）保持反向梯度的大小；只有各层宽度相等时才能两者兼顾。",
        ),
        (FAN_IN, FAN_OUT),
    ),
    FloatParameter(
        "slope",
        Text("Negative slope", "负半轴斜率"),
        0.0,
        Text("Slope of the activation below 0: 0 for ReLU.", "激活函数在 0 以下的斜率：ReLU 为 0。"),
        minimum=0.0,
        maximum=10.0,
    ),
)

GROUP = Text("Scaled to the layer", "按层的大小缩放")

PARTS: tuple[InitializerPart, ...] = (
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="xavier_normal",
        title=Text("Xavier (Glorot) normal", "Xavier（Glorot）正态"),
        summary=Text(
            "Draws from a normal distribution whose variance is a compromise between keeping the signal forward and "
            "the gradients backward, for activations that are about linear near 0, such as tanh.",
            "从正态分布抽取，方差在保持前向信号与保持反向梯度之间折中，适合在 0 附近近似线性的激活函数，如 tanh。",
        ),
        parameters=(GAIN,),
        formula=r"W_{ij} \sim \mathcal{N}\left(0, \frac{2 g^{2}}{n_{in} + n_{out}}\right)",
        source=GLOROT,
        aliases=("glorot_normal",),
        draw=_xavier_normal,
        target_std=_xavier_std,
        gain=lambda choice, context: choice.number("gain"),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="xavier_uniform",
        title=Text("Xavier (Glorot) uniform", "Xavier（Glorot）均匀"),
        summary=Text(
            "The same variance as Xavier normal, drawn with equal chance between two bounds.",
            "方差与 Xavier 正态相同，但在两个界限之间等概率抽取。",
        ),
        parameters=(GAIN,),
        formula=r"W_{ij} \sim \mathcal{U}(-b, b),\quad b = g \sqrt{\frac{6}{n_{in} + n_{out}}}",
        source=GLOROT,
        aliases=("glorot_uniform",),
        draw=_xavier_uniform,
        kurtosis=lambda choice: UNIFORM_KURTOSIS,
        target_std=_xavier_std,
        gain=lambda choice, context: choice.number("gain"),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="he_normal",
        title=Text("He (Kaiming) normal", "He（Kaiming）正态"),
        summary=Text(
            "Draws from a normal distribution with twice the variance of LeCun's, which makes up for the half of the "
            "mean square that ReLU removes.",
            "从正态分布抽取，方差是 LeCun 的两倍，正好补偿 ReLU 去掉的一半均方值。",
        ),
        parameters=HE_PARAMETERS,
        formula=r"W_{ij} \sim \mathcal{N}\left(0, \frac{2}{(1 + a^{2})\, n}\right)",
        source=HE,
        aliases=("kaiming_normal",),
        draw=_he("normal"),
        target_std=_he_std,
        gain=lambda choice, context: he_gain(choice.number("slope")),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="he_uniform",
        title=Text("He (Kaiming) uniform", "He（Kaiming）均匀"),
        summary=Text(
            "The same variance as He normal, drawn with equal chance between two bounds.",
            "方差与 He 正态相同，但在两个界限之间等概率抽取。",
        ),
        parameters=HE_PARAMETERS,
        formula=r"W_{ij} \sim \mathcal{U}(-b, b),\quad b = \sqrt{\frac{6}{(1 + a^{2})\, n}}",
        source=HE,
        aliases=("kaiming_uniform",),
        draw=_he("uniform"),
        kurtosis=lambda choice: UNIFORM_KURTOSIS,
        target_std=_he_std,
        gain=lambda choice, context: he_gain(choice.number("slope")),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="lecun_normal",
        title=Text("LeCun normal", "LeCun 正态"),
        summary=Text(
            "Draws from a normal distribution of variance 1 / fan-in, which keeps the variance of a signal through "
            "a linear layer; the start that SELU is made for.",
            "从方差为 1/扇入 的正态分布抽取，信号通过线性层后方差不变；SELU 正是为它设计的。",
        ),
        formula=r"W_{ij} \sim \mathcal{N}\left(0, \frac{1}{n_{in}}\right)",
        source=LECUN,
        draw=_lecun("normal"),
        target_std=_lecun_std,
        gain=lambda choice, context: 1.0,
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="lecun_uniform",
        title=Text("LeCun uniform", "LeCun 均匀"),
        summary=Text(
            "The same variance as LeCun normal, drawn with equal chance between two bounds.",
            "方差与 LeCun 正态相同，但在两个界限之间等概率抽取。",
        ),
        formula=r"W_{ij} \sim \mathcal{U}(-b, b),\quad b = \sqrt{\frac{3}{n_{in}}}",
        source=LECUN,
        draw=_lecun("uniform"),
        kurtosis=lambda choice: UNIFORM_KURTOSIS,
        target_std=_lecun_std,
        gain=lambda choice, context: 1.0,
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="variance_scaling",
        title=Text("Variance scaling", "方差缩放"),
        summary=Text(
            "The general rule behind Xavier, He and LeCun: choose the variance's factor, which fan divides it, and "
            "the distribution.",
            "Xavier、He、LeCun 背后的一般规则：自选方差的系数、除以扇入还是扇出，以及分布类型。",
        ),
        parameters=(
            FloatParameter(
                "scale",
                Text("Scale", "缩放系数"),
                1.0,
                Text(
                    "Factor of the variance: 1 for LeCun and Xavier, 2 for He.",
                    "方差的系数：LeCun 与 Xavier 为 1，He 为 2。",
                ),
                minimum=0.0,
                maximum=1e3,
                open_minimum=True,
                log=True,
            ),
            ChoiceParameter(
                "mode",
                Text("Mode", "模式"),
                "fan_in",
                Text(
                    "What the variance is divided by: the inputs of a unit, the outputs that an input feeds, or the "
                    "mean of both.",
                    "方差除以什么：一个神经元的输入个数、一个输入所连的输出个数，或两者的平均。",
                ),
                (FAN_IN, FAN_OUT, FAN_AVG),
            ),
            ChoiceParameter(
                "distribution",
                Text("Distribution", "分布"),
                "truncated_normal",
                Text(
                    "Shape of the distribution; the variance is the same for all three.",
                    "分布的形状；三者的方差相同。",
                ),
                (
                    ("normal", Text("normal", "正态")),
                    ("truncated_normal", Text("truncated normal", "截断正态")),
                    ("uniform", Text("uniform", "均匀")),
                ),
            ),
        ),
        formula=r"\mathrm{Var}(W_{ij}) = \frac{s}{n}",
        source="Keras manual, VarianceScaling; " + HE,
        draw=_scaled,
        by_sigma_w=lambda sigma_w: {
            "scale": float(f"{sigma_w**2:.6g}"),
            "mode": "fan_in",
            "distribution": "normal",
        },
        kurtosis=lambda choice: KURTOSES[choice.string("distribution")],
        target_std=_scaled_std,
        gain=lambda choice, context: math.sqrt(choice.number("scale")),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="pytorch_default",
        title=Text("PyTorch default", "PyTorch 默认"),
        summary=Text(
            "What torch.nn.Linear and torch.nn.Conv2d do unasked: a third of LeCun's variance for weights, and the "
            "same bounds for biases.",
            "torch.nn.Linear 和 torch.nn.Conv2d 的默认做法：权重方差是 LeCun 的三分之一，偏置使用相同的界限。",
        ),
        formula=r"W_{ij}, b_{i} \sim \mathcal{U}\left(-\frac{1}{\sqrt{n_{in}}}, \frac{1}{\sqrt{n_{in}}}\right)",
        source="PyTorch manual, torch.nn.Linear and torch.nn.Conv2d; " + LECUN,
        draw=_default,
        kurtosis=lambda choice: UNIFORM_KURTOSIS,
        target_std=_default_std,
        targets=("weight", "bias"),
        gain=lambda choice, context: 1 / math.sqrt(3),
    ),
)
