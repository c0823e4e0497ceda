"""Experiments as TOML files."""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.document import MAX_NESTING, read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.fields import TOP_LEVEL_KEYS
from initviz.experiment.limits import Limits
from initviz.experiment.parameters import PathParameter
from initviz.experiment.text import Text
from initviz.experiment.toml import dumps
from initviz.experiment.values import SCHEMA, Experiment

_KEY_PART = r"""(?:(?<![\w-])[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.){0,99}+"|'[^'\n]{0,99}+')[ \t]*+\.[ \t]*+"""
_LONG_KEY = re.compile(f"(?:{_KEY_PART}){{{MAX_NESTING}}}")
"""A dotted key of more parts than an experiment is deep. The parser's time grows with the square of their number."""


def load_experiment(path: Path, catalogue: Catalogue, limits: Limits) -> Experiment:
    """Read an experiment file.

    Args:
        path: A TOML file.
        catalogue: What it may name.
        limits: Bounds, the file's own size included.
    Raises:
        ExperimentError: The file cannot be read, is not TOML, or describes nothing that can be trained. The message
            starts with the file's name.
    """
    try:
        return read_document(load_document(path, limits), catalogue, limits, path.parent)
    except ExperimentError as error:
        if error.path.startswith(str(path)):
            raise
        place = f"{path}: {error.path}" if error.path else str(path)
        raise ExperimentError(error.reason, place) from error


def load_document(path: Path, limits: Limits) -> dict[str, object]:
    """Read a TOML file into plain tables, unchecked."""
    place = str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(limits.file_mb * 1_000_000 + 1)
    except (OSError, ValueError) as error:
        reason = _reason(error)
        raise ExperimentError(
            Text(
                f"the file cannot be read ({reason}). Check the name.",
                f"无法读取文件（{reason}）。请检查文件名。",
            ),
            place,
        ) from error
    limits.check("file_mb", len(content) / 1e6, Text("MB in one file", "文件大小（MB）"), place)
    try:
        text = content.decode("utf-8-sig")  # editors on Windows put a mark at the beginning
        if any(line.count(".") >= MAX_NESTING and _LONG_KEY.search(line) for line in text.split("\n")):
            raise ExperimentError(_TOO_DEEP, place)
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ExperimentError(
            Text("the file is not UTF-8 text.", "该文件不是 UTF-8 文本。"), place
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(
            Text(f"the file is not TOML: {error}.", f"该文件不是 TOML：{error}。"), place
        ) from error
    except RecursionError as error:
        raise ExperimentError(_TOO_DEEP, place) from error
    except ValueError as error:  # a whole number of more digits than Python reads
        raise ExperimentError(
            Text("a number in the file has too many digits.", "文件中有位数过多的数。"), place
        ) from error


_TOO_DEEP = Text(
    "the file is nested too deeply. Open a file that InitViz has written.",
    "该文件嵌套过深。请打开由 InitViz 写出的文件。",
)


def with_whole_paths(
    document: Mapping[str, object], catalogue: Catalogue, folder: Path | None
) -> dict[str, object]:
    """Return the document with every file that it names by its whole path, so that it can be saved elsewhere.

    Args:
        document: A document that has been accepted; it is not changed.
        catalogue: What it names.
        folder: What names of files in it are relative to; None where they are relative to nothing that is known.
    """
    result = dict(document)
    data = document.get("data")
    if folder is None or not isinstance(data, Mapping) or not isinstance(data.get("name"), str):
        return result
    part = catalogue.get("dataset", str(data["name"]))
    whole = {
        parameter.key: str(folder.absolute() / str(data[parameter.key]))
        for parameter in part.parameters
        if isinstance(parameter, PathParameter) and data.get(parameter.key)
    }
    return {**result, "data": {**data, **whole}} if whole else result


def _reason(error: OSError | ValueError) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


def dump_document(document: Mapping[str, object]) -> str:
    """Return a document as TOML text, keys in the usual order."""
    ordered = {key: document[key] for key in TOP_LEVEL_KEYS if key in document}
    return dumps({"schema": SCHEMA, **ordered})


def save_document(document: Mapping[str, object], path: Path) -> None:
    """Write a document to a file; the old file stays whole until the new one is.

    Raises:
        ExperimentError: The file cannot be written; the old one is untouched.
    """
    temporary = path.parent / f".initviz-{os.getpid()}.tmp"
    try:
        temporary.write_text(dump_document(document), encoding="utf-8")
        temporary.replace(path)
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        reason = _reason(error)
        raise ExperimentError(
            Text(
                f"the file cannot be written ({reason}); nothing was changed. Choose another folder.",
                f"无法写入文件（{reason}）；没有任何改动。请选择其他文件夹。",
            ),
            str(path),
        ) from error
