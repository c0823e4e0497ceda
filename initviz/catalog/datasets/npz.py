"""NPZ, NumPy's archive of arrays, read without ever unpickling anything."""

from __future__ import annotations

import io
import math
import struct
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from initviz.catalog.datasets.file_access import (
    check_megabytes,
    check_numbers,
    opened,
    read_exactly,
    shown_name,
)
from initviz.catalog.datasets.findings import (
    INPUTS,
    Findings,
    classes_of,
    looks_like_classes,
    range_report,
    target_report,
)
from initviz.catalog.datasets.idx import BRIGHTEST, DIVIDED
from initviz.experiment.errors import ExperimentError, nearest, printable
from initviz.experiment.text import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INPUT_NAMES = ("x", "inputs", "input", "data", "images", "features", "x_train", "train_images", "arr_0")
TARGET_NAMES = ("y", "targets", "target", "labels", "label", "y_train", "train_labels", "arr_1")
CHANNELS = (1, 3, 4)
MOST_AXES = 4
MOST_HEADER = 65_536
MOST_DIRECTORY = 1_000_000
"""Bytes of an array's header and of the archive's table of contents; honest ones take some hundreds."""
_END = b"PK\x05\x06"
_END_SIZE, _END_MOST = 22, 22 + 65_535
SUFFIX = ".npy"


def read_npz(path: Path, inputs: str, targets: str, task: str) -> Findings:
    """Read two arrays of an archive.

    Args:
        path: The archive.
        inputs: Name of the array of inputs; empty for the usual names.
        targets: Name of the array of targets; likewise.
        task: ``auto``, ``classification`` or ``regression``.
    Raises:
        ExperimentError: The file is damaged or above a limit, or the arrays are not what is needed.
    """
    import numpy as np

    with opened(path, "data.path", unpack=False) as stream:
        _check_directory(stream, path)
        with zipfile.ZipFile(stream) as archive:
            names = {name.removesuffix(SUFFIX): name for name in archive.namelist() if name.endswith(SUFFIX)}
            first = _pick(inputs, INPUT_NAMES, names, "data.inputs", path)
            second = _pick(targets, TARGET_NAMES, names, "data.targets", path)
            x = _read_member(archive, names[first], path, "data.inputs")
            y = _read_member(archive, names[second], path, "data.targets")
    x = _as_examples(x, first)
    if len(x) != len(y) or not len(x):
        raise ExperimentError(
            Text(
                f"'{first}' has {len(x):,} examples, '{second}' has {len(y):,}. Choose arrays that belong together.",
                f"“{first}”有 {len(x):,} 个样本，“{second}”有 {len(y):,} 个。请选择互相对应的数组。",
            ),
            "data.targets",
        )
    marks, class_names = _as_targets(y, second, task)
    divisor = BRIGHTEST if x.dtype == np.uint8 and x.ndim == 4 else 1.0
    size = " x ".join(str(extent) for extent in x.shape[1:])
    left_out = [printable(name) for name in names if name not in (first, second)]
    report = [
        Text(
            f"{shown_name(path)}: {len(x):,} examples of {size} from '{printable(first)}', targets from "
            f"'{printable(second)}'.",
            f"{shown_name(path)}：{len(x):,} 个样本，每个 {size.replace(' x ', '×')}，取自“{printable(first)}”；"
            f"目标取自“{printable(second)}”。",
        ),
        target_report(marks, class_names),
        range_report(INPUTS, x),
    ]
    if divisor != 1.0:
        report.append(DIVIDED)
    if left_out:
        listed = left_out[:8] + (["..."] if len(left_out) > 8 else [])
        report.append(
            Text(
                f"Left out, because they were not asked for: {', '.join(listed)}.",
                f"未使用的数组：{'、'.join(listed)}。",
            )
        )
    return Findings(inputs=x, targets=marks, class_names=class_names, report=tuple(report), divisor=divisor)


def _check_directory(stream: BinaryIO, path: Path) -> None:
    """Refuse an archive whose table of contents alone would fill the memory, before it is read."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _END_MOST))
    tail = stream.read(_END_MOST)
    stream.seek(0)
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_SIZE:
        raise ExperimentError(
            Text(
                f"'{shown_name(path)}' is not an NPZ archive. Choose another file.",
                f"“{shown_name(path)}”不是 NPZ 文件。请选择其他文件。",
            ),
            "data.path",
        )
    (directory,) = struct.unpack_from("<I", tail, place + 12)
    if directory > MOST_DIRECTORY:
        raise ExperimentError(
            Text(
                f"'{shown_name(path)}' lists too many arrays. Save only the arrays that are needed.",
                f"“{shown_name(path)}”中的数组太多。请只保存需要的数组。",
            ),
            "data.path",
        )


def _pick(wanted: str, usual: tuple[str, ...], names: dict[str, str], where: str, path: Path) -> str:
    if wanted:
        if wanted in names:
            return wanted
        close = nearest(wanted, names)
    else:
        lower = {name.lower(): name for name in names}
        for name in usual:
            if name in lower:
                return lower[name]
        close = None
    listed = ", ".join(printable(name, 30) for name in list(names)[:12]) or "-"
    guess = Text("", "") if close is None else Text(f" Did you mean '{close}'?", f"您是否想写“{close}”？")
    called = f" '{printable(wanted)}'" if wanted else ""
    return _refuse(
        Text(
            f"no array{called} was found in '{shown_name(path)}'.{guess.en} Name one of: {listed}.",
            f"“{shown_name(path)}”中没有找到数组{called}。{guess.zh}请写出其中之一：{listed}。",
        ),
        where,
    )


def _refuse(text: Text, where: str) -> str:
    raise ExperimentError(text, where)


def _read_member(archive: zipfile.ZipFile, name: str, path: Path, where: str) -> NDArray[np.generic]:
    import numpy as np

    try:
        member = archive.open(name)
    except RuntimeError as error:  # encrypted, or packed in a way that Python does not know
        raise ExperimentError(
            Text(
                f"'{printable(name)}' cannot be unpacked ({printable(str(error))}). Save it with numpy.savez.",
                f"无法解压“{printable(name)}”（{printable(str(error))}）。请用 numpy.savez 保存。",
            ),
            where,
        ) from error
    with member:
        stream = cast(BinaryIO, member)
        dtype, shape, by_column = _read_header(stream, path, where)
        count = math.prod(shape)
        if dtype.kind not in "biufUS" or len(shape) > MOST_AXES:
            raise ExperimentError(
                Text(
                    f"'{printable(name)}' holds {printable(str(dtype))} in {len(shape)} axes; only numbers and labels "
                    f"in at most {MOST_AXES} axes can be read.",
                    f"“{printable(name)}”的类型为 {printable(str(dtype))}，有 {len(shape)} 个轴；"
                    f"只能读取最多 {MOST_AXES} 个轴的数或标签。",
                ),
                where,
            )
        check_numbers(count, where)
        check_megabytes(count * dtype.itemsize, where)
        content = read_exactly(stream, count * dtype.itemsize, path, where)
    array = np.frombuffer(content, dtype=dtype).reshape(shape, order="F" if by_column else "C")
    return np.ascontiguousarray(array.astype(dtype.newbyteorder("=")))


def _read_header(
    stream: BinaryIO, path: Path, where: str
) -> tuple[np.dtype[np.generic], tuple[int, ...], bool]:
    """Read the header of an array, whose announced length is checked before so much is read."""
    from numpy.lib import format as npy

    damaged = ExperimentError(
        Text(
            f"an array in '{shown_name(path)}' is damaged. Save it again with numpy.savez.",
            f"“{shown_name(path)}”中的数组已损坏。请用 numpy.savez 重新保存。",
        ),
        where,
    )
    start = read_exactly(stream, 8, path, where)
    if start[:6] != b"\x93NUMPY" or start[6] not in (1, 2):
        raise damaged
    width, form = (2, "<H") if start[6] == 1 else (4, "<I")
    length = read_exactly(stream, width, path, where)
    (size,) = struct.unpack(form, length)
    if size > MOST_HEADER:
        raise damaged
    head = io.BytesIO(length + read_exactly(stream, size, path, where))
    read = npy.read_array_header_1_0 if start[6] == 1 else npy.read_array_header_2_0
    try:
        shape, by_column, dtype = read(head)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, OverflowError) as error:
        raise damaged from error
    if any(extent < 0 for extent in shape):
        raise damaged
    return dtype, shape, by_column


def _as_examples(x: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    """Bring inputs into the shapes ``(S, F)`` or ``(S, C, H, W)``."""
    import numpy as np

    if x.dtype.kind not in "biuf":
        raise ExperimentError(
            Text(
                f"'{printable(name)}' holds text. Inputs must be numbers.",
                f"“{printable(name)}”是文本。输入必须是数。",
            ),
            "data.inputs",
        )
    good = np.isfinite(x)
    if not good.all():
        place = ", ".join(str(index) for index in np.unravel_index(int(good.argmin()), x.shape))
        raise ExperimentError(
            Text(
                f"'{printable(name)}' has a missing or infinite number at [{place}]. Correct the file.",
                f"“{printable(name)}”在 [{place}] 处有缺失值或无穷大。请修正文件。",
            ),
            "data.inputs",
        )
    if x.ndim < 2:
        return x.reshape(-1, 1)
    if x.ndim == 3:
        return x[:, None]
    if x.ndim == 4 and x.shape[-1] in CHANNELS and x.shape[1] not in CHANNELS:
        return np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    return x


def _as_targets(
    y: NDArray[np.generic], name: str, task: str
) -> tuple[NDArray[np.int64] | NDArray[np.float64], tuple[str, ...]]:
    import numpy as np

    marks = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if marks.ndim not in (1, 2):
        raise ExperimentError(
            Text(
                f"'{printable(name)}' has {y.ndim} axes; targets need one or two.",
                f"“{printable(name)}”有 {y.ndim} 个轴；目标应有一个或两个轴。",
            ),
            "data.targets",
        )
    numbers = marks.dtype.kind in "biuf"
    if numbers and not np.isfinite(marks).all():
        raise ExperimentError(
            Text(
                f"'{printable(name)}' has a missing or infinite number. Correct the file.",
                f"“{printable(name)}”中有缺失值或无穷大。请修正文件。",
            ),
            "data.targets",
        )
    if marks.ndim == 1 and (task == "classification" or (task == "auto" and looks_like_classes(marks))):
        return classes_of(marks, "data.targets")
    if task == "classification" or not numbers:
        raise ExperimentError(
            Text(
                f"'{printable(name)}' cannot be what the task needs. Classes are one list; regression needs numbers.",
                f"“{printable(name)}”不符合任务的要求。类别应为一列；回归需要数。",
            ),
            "data.task",
        )
    bounds_of_targets(marks.shape[1] if marks.ndim == 2 else 1)
    return marks.reshape(len(marks), -1).astype(np.float64), ()


def bounds_of_targets(width: int) -> None:
    """Refuse more targets an example than the output layer may be wide."""
    from initviz.catalog.datasets.file_access import bounds

    bounds().check("width", width, Text("targets an example", "每个样本的目标数"), "data.targets")
