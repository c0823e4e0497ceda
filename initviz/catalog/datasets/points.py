"""Points made up on the spot: in the plane, where a decision boundary can be drawn, and on a curve."""

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


def _circles(
    choice: Choice, targets: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.float64]:
    import numpy as np

    angle = generator.uniform(0.0, 2 * np.pi, len(targets))
    radius = np.where(targets == 1, choice.number("factor"), 1.0)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _spirals(
    choice: Choice, targets: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.float64]:
    import numpy as np

    radius = np.sqrt(generator.uniform(0.0, 1.0, len(targets)))
    angle = 2 * np.pi * choice.number("turns") * radius + np.pi * targets
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _xor(choice: Choice, targets: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.float64]:
    import numpy as np

    first = generator.uniform(-1.0, 1.0, len(targets))
    size = generator.uniform(0.0, 1.0, len(targets))
    second = size * np.where(targets == 1, -1.0, 1.0) * np.where(first < 0, -1.0, 1.0)
    return np.stack([first, second], axis=1)


def _describe_blobs(choice: Choice) -> DataInfo:
    classes = choice.integer("classes")
    return DataInfo(
        shape=(2,),
        task="binary" if classes == 2 else "classification",
        num_outputs=1 if classes == 2 else classes,
        num_samples=choice.integer("samples"),
    )


def _load_blobs(choice: Choice, seed: int) -> Examples:
    import numpy as np

    samples, classes = choice.integer("samples"), choice.integer("classes")
    generator = np.random.default_rng(seed)
    targets = generator.permutation(np.arange(samples, dtype=np.int64) % classes)
    angle = 2 * np.pi * targets / classes
    centres = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = centres + choice.number("noise") * generator.standard_normal((samples, 2))
    return Examples(inputs=points, targets=targets, class_names=tuple(str(name) for name in range(classes)))


def _describe_wave(choice: Choice) -> DataInfo:
    return DataInfo(shape=(1,), task="regression", num_outputs=1, num_samples=choice.integer("samples"))


def _load_wave(choice: Choice, seed: int) -> Examples:
    import numpy as np

    generator = np.random.default_rng(seed)
    x = generator.uniform(-1.0, 1.0, (choice.integer("samples"), 1))
    clean = np.sin(np.pi * choice.number("waves") * x)
    return Examples(inputs=x, targets=clean + choice.number("noise") * generator.standard_normal(x.shape))


GROUP = Text("Points in the plane", "平面上的点")
LINE_GROUP = Text("A curve", "一条曲线")

PARTS: tuple[LoadableDatasetPart, ...] = (
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
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
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="circles",
        title=Text("Circles", "同心圆"),
        summary=Text(
            "One circle inside another; the border between them must close on itself.",
            "一个圆套着另一个圆；两者的分界必须是闭合的。",
        ),
        parameters=(
            SAMPLES,
            noise(0.1),
            FloatParameter(
                "factor",
                Text("Inner radius", "内圆半径"),
                0.5,
                Text("Radius of the inner circle; the outer one has 1.", "内圆的半径；外圆半径为 1。"),
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        formula=r"x = r (\cos t, \sin t),\quad r \in \{1, f\},\ t \sim \mathcal{U}(0, 2\pi)",
        source="scikit-learn manual, sklearn.datasets.make_circles",
        describe=_describe,
        load=_loader(_circles),
    ),
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="spirals",
        title=Text("Spirals", "双螺旋"),
        summary=Text(
            "Two spiral arms wound around each other: the more turns, the harder.",
            "两条互相缠绕的螺旋臂：圈数越多越难。",
        ),
        parameters=(
            SAMPLES,
            noise(0.02),
            FloatParameter(
                "turns",
                Text("Turns", "圈数"),
                1.5,
                Text("How often each arm winds around the centre.", "每条臂绕中心多少圈。"),
                minimum=0.0,
                maximum=10.0,
            ),
        ),
        formula=r"x = r (\cos t, \sin t),\quad t = 2 \pi n r + \pi c,\ r^{2} \sim \mathcal{U}(0, 1)",
        source="Lang and Witbrock 1988, Proc. Connectionist Models Summer School, 52-59",
        describe=_describe,
        load=_loader(_spirals),
    ),
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="xor",
        title=Text("XOR", "异或"),
        summary=Text(
            "Four squares, of which opposite ones belong together: no single layer can solve it.",
            "四个方块，对角的两块属于同一类：单层网络无法解决。",
        ),
        parameters=(SAMPLES, noise(0.05)),
        formula=r"c = 1 \iff x_{1} x_{2} < 0,\quad x \in [-1, 1]^{2}",
        source="Minsky and Papert 1969, Perceptrons, MIT Press",
        describe=_describe,
        load=_loader(_xor),
    ),
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="blobs",
        title=Text("Blobs", "团簇"),
        summary=Text(
            "Round clouds of points on a circle, one a class: straight borders part them, as far as they do not "
            "overlap.",
            "圆周上的圆形点云，每类一团：只要不重叠，直线就能把它们分开。",
        ),
        parameters=(
            SAMPLES,
            noise(0.25),
            IntParameter(
                "classes",
                Text("Classes", "类别数"),
                3,
                Text(
                    "Clouds, evenly spaced on a circle of radius 1.",
                    "点云的个数，均匀分布在半径为 1 的圆上。",
                ),
                minimum=2,
                maximum=8,
            ),
        ),
        formula=r"x \sim \mathcal{N}(\mu_{c}, s^{2} I),"
        r"\quad \mu_{c} = (\cos \tfrac{2 \pi c}{C}, \sin \tfrac{2 \pi c}{C})",
        source="scikit-learn manual, sklearn.datasets.make_blobs",
        describe=_describe_blobs,
        load=_load_blobs,
    ),
    LoadableDatasetPart(
        kind="dataset",
        group=LINE_GROUP,
        key="wave",
        title=Text("Sine curve", "正弦曲线"),
        summary=Text(
            "One number in, one number out: noisy points of a sine curve. The more waves, the longer a network takes "
            "to bend.",
            "一个输入，一个输出：正弦曲线上带噪声的点。波数越多，网络弯曲得越慢。",
        ),
        parameters=(
            SAMPLES,
            noise(0.1),
            FloatParameter(
                "waves",
                Text("Waves", "波数"),
                2.0,
                Text("How many whole waves lie between -1 and 1.", "在 -1 到 1 之间有多少个完整的波。"),
                minimum=0.1,
                maximum=20.0,
            ),
        ),
        formula=r"y = \sin(\pi n x) + s \, \epsilon,\quad x \sim \mathcal{U}(-1, 1)",
        source="Rahaman et al. 2019, arXiv:1806.08734",
        describe=_describe_wave,
        load=_load_wave,
    ),
)
