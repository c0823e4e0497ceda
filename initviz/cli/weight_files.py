"""The files that ``initviz run --save-weights`` writes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Text

SUFFIX = ".safetensors"
OPTION = "--save-weights"
_MOST_CHARACTERS = 60


def weight_files(given: Path, lanes: Sequence[str]) -> tuple[Path, ...]:
    """Return a file a lane, and make the folder, so that nothing is trained for a place that cannot be.

    Args:
        given: A folder, or for one lane a file that ends in ``.safetensors``.
        lanes: Names.
    Raises:
        ExperimentError: A single file for several lanes, another format, or a folder that cannot be made.
    """
    suffix = given.suffix.lower()
    is_file = suffix == SUFFIX and not given.is_dir()
    if is_file and len(lanes) > 1:
        raise ExperimentError(
            Text(
                f"one file cannot hold the weights of {len(lanes)} lanes. Name a folder.",
                f"一个文件无法保存 {len(lanes)} 条赛道的权重。请指定文件夹。",
            ),
            OPTION,
        )
    if suffix in (".pt", ".pth") and not given.is_dir():
        raise ExperimentError(
            Text(
                f"weights are written as {SUFFIX}, not {suffix}. Name such a file or a folder.",
                f"权重以 {SUFFIX} 格式写入，而不是 {suffix}。请指定这样的文件或一个文件夹。",
            ),
            OPTION,
        )
    folder = given.parent if is_file else given
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ExperimentError(
            Text(
                f"the folder '{folder}' cannot be made ({reason}). Name another one.",
                f"无法创建文件夹“{folder}”（{reason}）。请指定其他文件夹。",
            ),
            OPTION,
        ) from error
    return (given,) if is_file else tuple(given / f"{name}{SUFFIX}" for name in _file_names(lanes))


def _file_names(lanes: Sequence[str]) -> list[str]:
    """Return a name a lane that any file system takes, no two alike."""
    found: list[str] = []
    for lane in lanes:
        stem = "_".join(re.findall(r"\w+", lane.lower()))[:_MOST_CHARACTERS] or "lane"
        name, number = stem, 1
        while name in found:
            number += 1
            name = f"{stem}_{number}"
        found.append(name)
    return found
