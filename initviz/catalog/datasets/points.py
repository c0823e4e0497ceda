"""Points in the plane, made up on the spot: what a decision boundary can be drawn for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.experiment.parameters import FloatParameter, IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Make = Callable[[Choice, NDArray[np.int64], np.random.Generator], NDArray[np.float64]]

SAMPLES = IntParameter(
    "samples",
    Text("Examples", "样本数"),
    1000,
    Text("Points in all, shared evenly among the classes.", "点的总数，平均分给各类。"),
    minimum=8,
    maximum=1_000_000,
    log=True,
)


def noise(default: float) -> FloatParameter:
    """Return the parameter for the scatter of the points."""
    return FloatParameter(
        "noise",
        Text("Noise", "噪声"),
        default,
        Text(
            "Standard deviation of the normal noise added to every coordinate.",
            "加在每个坐标上的正态噪声的标准差。",
        ),
        minimum=0.0,
        maximum=10.0,
    )


def _describe(choice: Choice) -> DataInfo:
    return DataInfo(shape=(2,), task="binary", num_outputs=1, num_samples=choice.integer("samples"))


def _loader(make: Make) -> Callable[[Choice, int], Examples]:
    """Turn a function that places points of given classes into one that loads the data set."""

    def load(choice: Choice, seed: int) -> Examples:
        import numpy as np

        generator = np.random.default_rng(seed)
        targets = np.arange(choice.integer("samples"), dtype=np.int64) % 2
        points = make(choice, targets, generator)
        points += generator.normal(0.0, 1.0, points.shape) * choice.number("noise")
        order = generator.permutation(len(points))
        return Examples(inputs=points[order], targets=targets[order], class_names=("0", "1"))

    return load


def _moons(choice: Choice, targets: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.float64]:
    import numpy as np

    angle = generator.uniform(0.0, np.pi, len(targets))
    sign = 1.0 - 2.0 * targets
    return np.stack([targets + sign * np.cos(angle), 0.5 * targets + sign * np.sin(angle)], axis=1)


PARTS: tuple[LoadableDatasetPart, ...] = (
    LoadableDatasetPart(
        kind="dataset",
        key="moons",
        title=Text("Moons", "双月"),
        summary=Text(
            "Two half circles that reach into one another; no straight line parts them.",
            "两个互相嵌入的半圆；任何直线都分不开它们。",
        ),
        parameters=(SAMPLES, noise(0.1)),
        formula=r"x = (c + s \cos t,\ c / 2 + s \sin t),\quad s = 1 - 2 c,\ t \sim \mathcal{U}(0, \pi)",
        source="scikit-learn manual, sklearn.datasets.make_moons",
        describe=_describe,
        load=_loader(_moons),
    ),
)
