"""Reads an experiment for a command: the file, with what the command line changes in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from initviz.catalog.index import catalogue
from initviz.cli.arguments import Options
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.files import load_document, load_experiment
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.experiment.values import Experiment


def limits() -> Limits:
    """Return the bounds on sizes, raised by ``INITVIZ_MAX_...`` where the person has set that."""
    return Limits.from_environment(os.environ)


def read_experiment(path: Path, changes: Mapping[str, object] | None = None) -> Experiment:
    """Read an experiment file.

    Args:
        path: A TOML file.
        changes: Top-level fields by key that the command line sets; None leaves a field as the file says.
    Raises:
        ExperimentError: The file or a change is not acceptable; the message names the file or the option.
    """
    bounds = limits()
    changed = {key: value for key, value in (changes or {}).items() if value is not None}
    if not changed:
        return load_experiment(path, catalogue(), bounds)
    document = load_document(path, bounds)
    try:
        return read_document({**document, **changed}, catalogue(), bounds, path.parent)
    except ExperimentError as error:
        if error.path in changed:
            raise ExperimentError(error.reason, f"--{error.path}") from error
        raise ExperimentError(error.reason, f"{path}: {error.path}" if error.path else str(path)) from error


def add_file(options: Options) -> None:
    """Add the argument FILE."""
    options.add("file", metavar="FILE", type=Path, help=Text("an experiment, as TOML", "实验文件（TOML）"))


def add_device(options: Options) -> None:
    """Add the option ``--device``."""
    options.add(
        "--device",
        metavar="D",
        help=Text(
            "where to train: auto, cpu, cuda, cuda:N or mps; as the file says by default",
            "训练所用的设备：auto、cpu、cuda、cuda:N 或 mps；默认以文件为准",
        ),
    )
