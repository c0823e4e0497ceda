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
from initviz.experiment.sources import is_file
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
    if folder is None:
        return dict(document)
    return _Whole(catalogue, folder.absolute()).experiment(document, document)


class _Whole:
    """Names files by their whole paths, wherever an experiment may name one."""

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        self._catalogue = catalogue
        self._folder = folder

    def experiment(self, table: Mapping[str, object], base: Mapping[str, object]) -> dict[str, object]:
        """Return an experiment, a stage or a lane; what it does not name itself is as in the base."""
        result = dict(table)
        if "data" in table:
            result["data"] = self._part(table["data"], "dataset", base.get("data"))
        if "init" in table:
            result["init"] = self._init(table["init"], base.get("init"))
        model = table.get("model")
        if isinstance(model, Mapping) and isinstance(model.get("layers"), list):
            result["model"] = {**model, "layers": [self._layer(layer) for layer in model["layers"]]}
        if isinstance(table.get("weights"), str) and table["weights"]:
            result["weights"] = self._name(str(table["weights"]))
        for key in ("stages", "lanes"):
            below = table.get(key)
            if isinstance(below, list):
                result[key] = [
                    self.experiment(one, base) if isinstance(one, Mapping) else one for one in below
                ]
        return result

    def _layer(self, layer: object) -> object:
        if not isinstance(layer, Mapping) or "init" not in layer:
            return layer
        return {**layer, "init": self._init(layer["init"], None)}

    def _init(self, init: object, base: object) -> object:
        if not isinstance(init, Mapping) or "weight" not in init:
            return init
        default = base.get("weight") if isinstance(base, Mapping) else None
        return {**init, "weight": self._part(init["weight"], "initializer", default)}

    def _part(self, table: object, kind: str, base: object) -> object:
        if not isinstance(table, Mapping):
            return table
        name = table.get("name", base.get("name") if isinstance(base, Mapping) else None)
        if not isinstance(name, str):
            return table
        parameters = self._catalogue.get(kind, name).parameters
        keys = {parameter.key for parameter in parameters if isinstance(parameter, PathParameter)}
        return {
            key: self._name(value) if key in keys and isinstance(value, str) else value
            for key, value in table.items()
        }

    def _name(self, name: str) -> str:
        return str(self._folder / name) if is_file(name) else name


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
