"""MNIST-1D: ten little curves, one a digit, bent, shifted and buried in noise.

The generator follows the paper's account of it; the heights of the ten curves are those that define the data set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from initviz.catalog.datasets.sequences import GROUP
from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.experiment.parameters import ChoiceParameter, FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DIGITS = 10

CURVES: tuple[tuple[float, ...], ...] = (
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
"""Height of each digit's curve at 12 places from left to right."""

CURVE_SCALE = 1 / 6
PADDING = (36, 60)
"""Fewest and most places of silence after a curve."""

CANVAS = 72
"""Places that the padded curve is stretched to."""

SCALE_RANGE = 0.4
"""Width of the range around 1 that a curve's height is multiplied by."""

SHIFT = 48
"""Places that a curve is moved by at most, exclusive, round the end."""

SLOW_NOISE, SLOW_NOISE_SPREAD = 0.25, 2.0
"""Size of the noise where the curve is not, before it is smoothed, and the width that it is smoothed by, in places."""

FAST_NOISE = 0.02
SHEAR = 0.75
LENGTH = 40
"""Numbers in an example."""


def templates() -> Floats:
    """Return the ten curves ``(10, 12)``, each of one size, beginning at 0."""
    import numpy as np

    curves = np.array(CURVES, dtype=np.float64)
    curves = (curves - curves.mean(axis=1, keepdims=True)) / curves.std(axis=1, keepdims=True)
    scaled: Floats = (curves - curves[:, :1]) * CURVE_SCALE
    return scaled


def stretched(curve: Floats, length: int) -> Floats:
    """Return ``length`` values read off a curve at equal distances, along straight lines."""
    import numpy as np

    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(curve)), curve)


def example(curve: Floats, noise: float, random: np.random.Generator) -> Floats:
    """Return one distorted curve ``(40,)``, not yet standardized.

    Args:
        curve: A template.
        noise: What both noises are multiplied by.
        random: Source of randomness.
    """
    import numpy as np
    from scipy.ndimage import gaussian_filter1d

    silence = random.integers(PADDING[0], PADDING[1] + 1)
    # Silence is told by exact zeros further on, so the curve keeps off them.
    canvas = stretched(np.concatenate((curve + 1e-8, np.zeros(silence))), CANVAS)
    canvas = np.roll(canvas * (1 + SCALE_RANGE * (random.random() - 0.5)), random.integers(SHIFT))
    slow = gaussian_filter1d(noise * SLOW_NOISE * random.standard_normal(CANVAS), SLOW_NOISE_SPREAD)
    canvas = np.where(canvas != 0, canvas, slow) + noise * FAST_NOISE * random.standard_normal(CANVAS)
    slant = SHEAR * (random.random() - 0.5)
    return stretched(canvas - slant * np.linspace(-0.5, 0.5, CANVAS), LENGTH)


def _describe(choice: Choice) -> DataInfo:
    return DataInfo(
        shape=(LENGTH,) if choice.string("form") == "list" else (LENGTH, 1),
        task="classification",
        num_outputs=DIGITS,
        num_samples=choice.integer("samples"),
    )


def _load(choice: Choice, seed: int) -> Examples:
    import numpy as np

    random = np.random.default_rng(seed)
    curves = templates()
    targets = random.permutation(np.arange(choice.integer("samples"), dtype=np.int64) % DIGITS)
    inputs = np.stack([example(curves[digit], choice.number("noise"), random) for digit in targets])
    inputs = (inputs - inputs.mean()) / inputs.std()
    return Examples(
        inputs=inputs if choice.string("form") == "list" else inputs[:, :, None],
        targets=targets,
        class_names=tuple(str(digit) for digit in range(DIGITS)),
    )


PARTS: tuple[LoadableDatasetPart, ...] = (
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="mnist1d",
        title=Text("MNIST-1D", "MNIST-1D"),
        summary=Text(
            "Ten curves of 40 numbers, one a digit, that are scaled, shifted, slanted and buried in noise: small, but "
            "kinds of networks differ on it as they do on large tasks.",
            "十种由 40 个数组成的曲线，每种代表一个数字，经缩放、平移、倾斜并加入噪声：规模很小，"
            "却能像大任务一样区分各类网络。",
        ),
        parameters=(
            ChoiceParameter(
                "form",
                Text("Read as", "读取方式"),
                "list",
                Text(
                    "All numbers at once, or one after the other.",
                    "一次读入全部的数，或逐个读入。",
                ),
                choices=(("list", Text("A list", "一列数")), ("sequence", Text("A sequence", "序列"))),
            ),
            FloatParameter(
                "noise",
                Text("Noise", "噪声"),
                1.0,
                Text("How much noise, as a multiple of the paper's.", "噪声大小，以论文中的大小为 1。"),
                minimum=0.0,
                maximum=10.0,
            ),
            IntParameter(
                "samples",
                Text("Examples", "样本数"),
                5000,
                Text("Examples in all, a tenth of them of each digit.", "样本总数，每个数字占十分之一。"),
                minimum=20,
                maximum=100_000,
                log=True,
            ),
        ),
        source="Greydanus and Kobak 2020, arXiv:2011.14439",
        describe=_describe,
        load=_load,
    ),
)
