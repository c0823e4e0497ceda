"""IDX, the format of MNIST and Fashion-MNIST: a file of images and one of labels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from initviz.catalog.datasets.file_access import (
    check_megabytes,
    check_numbers,
    opened,
    read_exactly,
    shown_name,
)
from initviz.catalog.datasets.findings import INPUTS, Findings, class_report, classes_of, range_report
from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_AXES = 4
BRIGHTEST = 255.0
_SWAPS = (("images", "labels"), ("Images", "Labels"), ("idx3", "idx1"), ("idx4", "idx1"), ("idx2", "idx1"))


def labels_beside(path: Path) -> tuple[Path, ...]:
    """Return what the file of labels that belongs to a file of images may be called."""
    name = path.name
    for images, labels in _SWAPS:
        name = name.replace(images, labels)
    if name == path.name:
        return ()
    bare = name.removesuffix(".gz")
    return tuple(path.with_name(one) for one in dict.fromkeys((name, bare, f"{bare}.gz")))


def find_labels(path: Path) -> Path:
    """Return the file of labels that lies beside a file of images.

    Raises:
        ExperimentError: There is none, or the name does not tell what it would be called.
    """
    candidates = labels_beside(path)
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    wanted = shown_name(candidates[0]) if candidates else "...labels..."
    raise ExperimentError(
        Text(
            f"the labels that belong to '{shown_name(path)}' were not found beside it (looked for {wanted}). Choose "
            "their file.",
            f"没有在“{shown_name(path)}”旁边找到对应的标签文件（{wanted}）。请选择标签文件。",
        ),
        "data.labels",
    )


def read_idx(path: Path, labels: Path) -> Findings:
    """Read images and their labels.

    Args:
        path: Images ``(S, H, W)``, ``(S, C, H, W)`` or rows of numbers ``(S, F)``.
        labels: ``(S,)`` whole numbers.
    Raises:
        ExperimentError: A file is damaged, above a limit, or the two do not belong together.
    """
    import numpy as np

    images = _read_array(path, "data.path")
    marks = _read_array(labels, "data.labels")
    if images.ndim < 2:
        raise ExperimentError(
            Text(
                f"'{shown_name(path)}' holds a single list of numbers, as a file of labels does. Choose the file of "
                "images.",
                f"“{shown_name(path)}”只有一列数，像是标签文件。请选择图像文件。",
            ),
            "data.path",
        )
    if marks.ndim != 1 or marks.dtype.kind not in "iu":
        raise ExperimentError(
            Text(
                f"'{shown_name(labels)}' holds no list of whole numbers. Choose the file of labels.",
                f"“{shown_name(labels)}”不是一列整数。请选择标签文件。",
            ),
            "data.labels",
        )
    if len(images) != len(marks):
        raise ExperimentError(
            Text(
                f"there are {len(images):,} images but {len(marks):,} labels. Choose files that belong together.",
                f"有 {len(images):,} 个图像，却有 {len(marks):,} 个标签。请选择互相对应的文件。",
            ),
            "data.labels",
        )
    if not np.isfinite(images).all():
        raise ExperimentError(
            Text(
                "some numbers are infinite or missing. Correct the file.",
                "有些数是无穷大或缺失。请修正文件。",
            ),
            "data.path",
        )
    targets, class_names = classes_of(marks, "data.labels")
    inputs = images[:, None] if images.ndim == 3 else images
    divisor = BRIGHTEST if images.dtype == np.uint8 else 1.0
    size = " x ".join(str(extent) for extent in images.shape[1:])
    report = [
        Text(
            f"{shown_name(path)}: {len(images):,} examples of {size}; labels from {shown_name(labels)}.",
            f"{shown_name(path)}：{len(images):,} 个样本，每个 {size.replace(' x ', '×')}；"
            f"标签来自 {shown_name(labels)}。",
        ),
        class_report(targets, class_names),
        range_report(INPUTS, images),
    ]
    if divisor != 1.0:
        report.append(DIVIDED)
    return Findings(
        inputs=inputs, targets=targets, class_names=class_names, report=tuple(report), divisor=divisor
    )


DIVIDED = Text(
    "Pixels are divided by 255, so that they run from 0 to 1.", "像素值除以 255，范围变为 0 到 1。"
)


def _read_array(path: Path, where: str) -> NDArray[np.generic]:
    import numpy as np

    with opened(path, where) as stream:
        head = stream.read(4)
        if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES or not 1 <= head[3] <= MOST_AXES:
            raise ExperimentError(
                Text(
                    f"'{shown_name(path)}' is not an IDX file of at most {MOST_AXES} axes. Choose another file.",
                    f"“{shown_name(path)}”不是 IDX 文件（最多 {MOST_AXES} 个轴）。请选择其他文件。",
                ),
                where,
            )
        dtype = np.dtype(TYPES[head[2]])
        extents = read_exactly(stream, 4 * head[3], path, where)
        shape = tuple(
            int.from_bytes(extents[place : place + 4], "big") for place in range(0, len(extents), 4)
        )
        count = math.prod(shape)  # Python's own whole numbers, which do not overflow
        check_numbers(count, where)
        check_megabytes(count * dtype.itemsize, where)
        if count == 0:
            raise ExperimentError(
                Text(
                    f"'{shown_name(path)}' holds no examples. Choose another file.",
                    f"“{shown_name(path)}”中没有样本。请选择其他文件。",
                ),
                where,
            )
        content = read_exactly(stream, count * dtype.itemsize, path, where)
        if stream.read(1):
            raise ExperimentError(
                Text(
                    f"'{shown_name(path)}' goes on after the numbers that it announces. Copy it again.",
                    f"“{shown_name(path)}”的内容比它声明的多。请重新复制该文件。",
                ),
                where,
            )
    array = np.frombuffer(content, dtype=dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="))
