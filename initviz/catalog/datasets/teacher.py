"""Made-up data of any size, whose true rule is a linear network."""

from __future__ import annotations

from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.experiment.parameters import IntParameter
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo

TEACHER_SEED = 1936
"""The teacher does not depend on the experiment's seed, so that runs with other seeds learn the same rule."""


def _describe(choice: Choice) -> DataInfo:
    classes = choice.integer("classes")
    return DataInfo(
        shape=(choice.integer("dim"),),
        task="binary" if classes == 2 else "classification",
        num_outputs=1 if classes == 2 else classes,
        num_samples=choice.integer("samples"),
    )


def _load(choice: Choice, seed: int) -> Examples:
    import numpy as np

    dim, classes = choice.integer("dim"), choice.integer("classes")
    rows = 1 if classes == 2 else classes
    teacher = np.random.default_rng((TEACHER_SEED, dim, classes)).standard_normal((rows, dim))
    inputs = np.random.default_rng(seed).standard_normal((choice.integer("samples"), dim))
    scores = inputs @ teacher.T
    targets = (scores[:, 0] > 0).astype(np.int64) if classes == 2 else scores.argmax(axis=1).astype(np.int64)
    return Examples(inputs=inputs, targets=targets, class_names=tuple(str(k) for k in range(classes)))


GROUP = Text("Synthetic", "合成数据")

PARTS: tuple[LoadableDatasetPart, ...] = (
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="gaussian",
        title=Text("Gaussian with linear teacher", "高斯数据（线性教师）"),
        summary=Text(
            "Standard normal inputs of any width, labelled by a fixed random linear map: what the theory of starts "
            "assumes of its inputs.",
            "任意维数的标准正态输入，由一个固定的随机线性映射给出标签：正是初始化理论对输入的假设。",
        ),
        parameters=(
            IntParameter(
                "dim",
                Text("Inputs", "输入维数"),
                64,
                Text("Numbers in one example.", "每个样本有多少个数。"),
                minimum=1,
                maximum=1_000_000,
                log=True,
            ),
            IntParameter(
                "classes",
                Text("Classes", "类别数"),
                10,
                Text("With two, the network has a single output.", "只有两类时，网络只有一个输出。"),
                minimum=2,
                maximum=1000,
            ),
            IntParameter(
                "samples",
                Text("Examples", "样本数"),
                2000,
                Text("Examples in all.", "样本总数。"),
                minimum=8,
                maximum=100_000_000,
                log=True,
            ),
        ),
        formula=r"x \sim \mathcal{N}(0, I),\quad c = \arg\max_{k} (T x)_{k}",
        source="Seung et al. 1992, doi:10.1103/PhysRevA.45.6056",
        describe=_describe,
        load=_load,
    ),
)
