"""Real measurements that scikit-learn brings along."""

from __future__ import annotations

from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo

DIGIT_LEVELS = 16.0
"""Brightest value of a pixel."""


def _load_digits(choice: Choice, seed: int) -> Examples:
    import numpy as np
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Examples(
        inputs=np.asarray(bunch.images, dtype=np.float64)[:, None] / DIGIT_LEVELS,
        targets=np.asarray(bunch.target, dtype=np.int64),
        class_names=tuple(str(name) for name in bunch.target_names),
    )


PARTS: tuple[LoadableDatasetPart, ...] = (
    LoadableDatasetPart(
        kind="dataset",
        key="digits",
        title=Text("Handwritten digits", "手写数字"),
        summary=Text(
            "1,797 real handwritten digits, each an image of 8 x 8 pixels.",
            "1797 个真实的手写数字，每个是 8 x 8 像素的图像。",
        ),
        source="Alpaydin and Kaynak 1998, doi:10.24432/C50P49",
        describe=lambda choice: DataInfo(
            shape=(1, 8, 8), task="classification", num_outputs=10, num_samples=1797
        ),
        load=_load_digits,
    ),
)
