"""Starts drawn from a distribution whose width the person sets: it does not follow the size of the layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from initviz.catalog.parts import InitContext, InitializerPart
from initviz.experiment.parameters import FloatParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from torch import Generator, Tensor

CUT = 2.0
"""Standard deviations of the parent normal distribution at which a truncated one ends."""

TRUNCATED_STD = math.sqrt(
    1 - 2 * CUT * math.exp(-(CUT**2) / 2) / math.sqrt(2 * math.pi) / math.erf(CUT / math.sqrt(2))
)
"""Standard deviation of a standard normal variable that is cut at ``CUT``: 0.8796."""

TRUNCATED_KURTOSIS = (
    3
    - 2 * CUT * (CUT**2 + 3) * math.exp(-(CUT**2) / 2) / math.sqrt(2 * math.pi) / math.erf(CUT / math.sqrt(2))
) / TRUNCATED_STD**4 - 3
"""Its excess kurtosis: -0.63."""

UNIFORM_KURTOSIS = -1.2
"""That of a uniform variable."""


def truncated_normal_(tensor: Tensor, mean: float, std: float, generator: Generator) -> None:
    """Fill ``tensor`` in place from a normal distribution whose tails are cut off.

    The parent distribution has standard deviation ``std / 0.8796`` and is cut at two of its own standard deviations,
    so that the numbers drawn have standard deviation ``std`` exactly. (Keras corrects its variance scaling like this,
    but not its plain truncated normal; ``torch.nn.init.trunc_normal_`` does not correct.)

    Args:
        tensor: Any shape.
        mean: Mean of the numbers drawn.
        std: Standard deviation of the numbers drawn; 0 gives the mean alone.
        generator: Source of randomness; the global one is untouched.
    """
    from torch.nn import init

    if std == 0.0:  # a scale of 1e-320 leaves nothing else
        init.constant_(tensor, mean)
        return
    parent = std / TRUNCATED_STD
    init.trunc_normal_(tensor, mean, parent, mean - CUT * parent, mean + CUT * parent, generator=generator)


def _std(choice: Choice, context: InitContext) -> float | None:
    return choice.number("std")


def _normal(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    from torch.nn import init

    init.normal_(tensor, choice.number("mean"), choice.number("std"), generator=generator)


def _truncated(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    truncated_normal_(tensor, choice.number("mean"), choice.number("std"), generator)


def _uniform(tensor: Tensor, choice: Choice, context: InitContext, generator: Generator) -> None:
    from torch.nn import init

    init.uniform_(tensor, choice.number("low"), choice.number("high"), generator=generator)


def _uniform_std(choice: Choice, context: InitContext) -> float | None:
    return (choice.number("high") - choice.number("low")) / math.sqrt(12)


def _uniform_problem(choice: Choice) -> Text | None:
    if choice.number("low") <= choice.number("high"):
        return None
    return Text(
        "'low' is above 'high'. Exchange the two.",
        "“low”大于“high”。请交换两者。",
    )


MEAN = FloatParameter(
    "mean",
    Text("Mean", "均值"),
    0.0,
    Text("Centre of the distribution; 0 favours no sign.", "分布的中心；取 0 时不偏向任何符号。"),
    minimum=-1e3,
    maximum=1e3,
)

STD = FloatParameter(
    "std",
    Text("Standard deviation", "标准差"),
    0.01,
    Text("How far the numbers typically lie from the mean.", "抽取的数偏离均值的典型幅度。"),
    minimum=0.0,
    maximum=1e3,
    open_minimum=True,
    log=True,
)

GROUP = Text("Width set by hand", "手动设定宽度")


def _mean_is_zero(choice: Choice) -> bool:
    return choice.number("mean") == 0


def _bounds_are_even(choice: Choice) -> bool:
    return choice.number("low") == -choice.number("high")


PARTS: tuple[InitializerPart, ...] = (
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="normal",
        centred=_mean_is_zero,
        title=Text("Normal", "正态"),
        summary=Text(
            "Draws from a normal distribution with the same standard deviation in every layer, however many inputs a "
            "unit has.",
            "从正态分布抽取；不论神经元有多少输入，各层标准差都相同。",
        ),
        parameters=(MEAN, STD),
        formula=r"W_{ij} \sim \mathcal{N}(\mu, \sigma^{2})",
        source="Krizhevsky et al. 2012, Advances in Neural Information Processing Systems 25, 1097-1105",
        aliases=("random_normal", "gaussian"),
        draw=_normal,
        by_sigma_b=lambda sigma_b: {"mean": 0.0, "std": sigma_b},
        mean=lambda choice: choice.number("mean"),
        target_std=_std,
        targets=("weight", "bias"),
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="truncated_normal",
        centred=_mean_is_zero,
        title=Text("Truncated normal", "截断正态"),
        summary=Text(
            "A normal distribution cut at two of its own standard deviations; the standard deviation set here is that "
            "of the numbers drawn, after the cut.",
            "在自身两倍标准差处截断的正态分布；这里设置的是截断之后实际抽取的数的标准差。",
        ),
        parameters=(MEAN, STD),
        formula=r"W_{ij} \sim \mathcal{N}(\mu, s^{2}),\quad |W_{ij} - \mu| \le 2 s,\quad s = \frac{\sigma}{0.8796}",
        source="Keras manual, VarianceScaling (truncated_normal)",
        aliases=("trunc_normal",),
        draw=_truncated,
        mean=lambda choice: choice.number("mean"),
        kurtosis=lambda choice: TRUNCATED_KURTOSIS,
        target_std=_std,
    ),
    InitializerPart(
        kind="initializer",
        group=GROUP,
        key="uniform",
        centred=_bounds_are_even,
        title=Text("Uniform", "均匀"),
        summary=Text(
            "Draws every number between two bounds with equal chance, with the same bounds in every layer.",
            "在两个界限之间等概率抽取，各层界限相同。",
        ),
        parameters=(
            FloatParameter(
                "low",
                Text("Lower bound", "下界"),
                -0.05,
                Text("Smallest number that can be drawn.", "可能抽到的最小值。"),
                minimum=-1e3,
                maximum=1e3,
            ),
            FloatParameter(
                "high",
                Text("Upper bound", "上界"),
                0.05,
                Text("Largest number that can be drawn.", "可能抽到的最大值。"),
                minimum=-1e3,
                maximum=1e3,
            ),
        ),
        formula=r"W_{ij} \sim \mathcal{U}(a, b),\quad \sigma = \frac{b - a}{\sqrt{12}}",
        source="PyTorch manual, torch.nn.init.uniform_",
        aliases=("random_uniform",),
        draw=_uniform,
        mean=lambda choice: (choice.number("low") + choice.number("high")) / 2,
        kurtosis=lambda choice: UNIFORM_KURTOSIS,
        target_std=_uniform_std,
        targets=("weight", "bias"),
        problem=_uniform_problem,
    ),
)
