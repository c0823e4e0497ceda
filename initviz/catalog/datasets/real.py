"""Real measurements that scikit-learn brings along."""

from __future__ import annotations

import functools
from typing import Any

from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.experiment.parameters import ClassesParameter, class_indices
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo

DIGIT_LEVELS = 16.0
"""Brightest value of a pixel."""
DIGIT_COUNTS = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)
"""Examples of each digit."""
CLASSES = ClassesParameter(
    "classes",
    Text("Digits", "数字"),
    "0-9",
    Text(
        "Which digits there are to tell apart, such as 0-4 or 1, 3, 7; what was learned on some can start others.",
        "要区分哪些数字，例如 0-4 或 1, 3, 7；在一部分数字上学到的权重可以作为另一部分的起点。",
    ),
    count=len(DIGIT_COUNTS),
)


def _digit_classes(choice: Choice) -> tuple[int, ...]:
    return class_indices(choice.string(CLASSES.key))


def _describe_digits(choice: Choice) -> DataInfo:
    classes = _digit_classes(choice)
    is_binary = len(classes) == 2
    return DataInfo(
        shape=(1, 8, 8),
        task="binary" if is_binary else "classification",
        num_outputs=1 if is_binary else len(classes),
        num_samples=sum(DIGIT_COUNTS[index] for index in classes),
        classes=tuple(str(index) for index in classes),
    )


@functools.cache
def _all_digits() -> Any:
    """Return the whole set; a text file has to be read for it, and a start that is dragged by hand needs it often."""
    from sklearn.datasets import load_digits

    return load_digits()


def _load_digits(choice: Choice, seed: int) -> Examples:
    import numpy as np

    bunch = _all_digits()
    classes = np.array(_digit_classes(choice))
    target = np.asarray(bunch.target, dtype=np.int64)
    wanted = np.isin(target, classes)
    return Examples(
        inputs=np.asarray(bunch.images, dtype=np.float64)[wanted, None] / DIGIT_LEVELS,
        targets=np.searchsorted(classes, target[wanted]).astype(np.int64),
        class_names=tuple(str(bunch.target_names[index]) for index in classes),
    )


def _load_wine(choice: Choice, seed: int) -> Examples:
    from sklearn.datasets import load_wine

    return _table(load_wine())


def _load_breast_cancer(choice: Choice, seed: int) -> Examples:
    from sklearn.datasets import load_breast_cancer

    return _table(load_breast_cancer())


def _load_iris(choice: Choice, seed: int) -> Examples:
    from sklearn.datasets import load_iris

    return _table(load_iris())


def _table(bunch: Any) -> Examples:
    """Return one of scikit-learn's tables of measurements, ``data`` (S, F) and ``target`` (S,)."""
    import numpy as np

    return Examples(
        inputs=np.array(bunch.data, dtype=np.float64),
        targets=np.array(bunch.target, dtype=np.int64),
        class_names=tuple(str(name) for name in bunch.target_names),
    )


GROUP = Text("Real data", "真实数据")

PARTS: tuple[LoadableDatasetPart, ...] = (
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="digits",
        title=Text("Handwritten digits", "手写数字"),
        summary=Text(
            "1,797 real handwritten digits, each an image of 8 x 8 pixels.",
            "1797 个真实的手写数字，每个是 8×8 像素的图像。",
        ),
        source="Alpaydin and Kaynak 1998, doi:10.24432/C50P49",
        parameters=(CLASSES,),
        describe=_describe_digits,
        load=_load_digits,
    ),
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="wine",
        title=Text("Wine", "葡萄酒"),
        summary=Text(
            "178 Italian wines from three varieties of grape, told apart by 13 chemical measurements.",
            "178 份意大利葡萄酒，出自三个葡萄品种，用 13 项化学指标区分。",
        ),
        source="Aeberhard and Forina 1992, doi:10.24432/C5PC7J",
        describe=lambda choice: DataInfo(shape=(13,), task="classification", num_outputs=3, num_samples=178),
        load=_load_wine,
    ),
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="breast_cancer",
        title=Text("Breast cancer", "乳腺癌"),
        summary=Text(
            "569 tumours, malignant or benign, described by 30 numbers measured on images of cell nuclei.",
            "569 例肿瘤，分恶性与良性，用从细胞核图像测得的 30 个数描述。",
        ),
        source="Wolberg et al. 1995, doi:10.24432/C5DW2B",
        describe=lambda choice: DataInfo(shape=(30,), task="binary", num_outputs=1, num_samples=569),
        load=_load_breast_cancer,
    ),
    LoadableDatasetPart(
        kind="dataset",
        group=GROUP,
        key="iris",
        title=Text("Iris", "鸢尾花"),
        summary=Text(
            "150 flowers of three species of iris, described by four lengths in centimetres.",
            "150 朵鸢尾花，分属三个种，用四个长度（厘米）描述。",
        ),
        source="Fisher 1936, doi:10.1111/j.1469-1809.1936.tb02137.x",
        describe=lambda choice: DataInfo(shape=(4,), task="classification", num_outputs=3, num_samples=150),
        load=_load_iris,
    ),
)
