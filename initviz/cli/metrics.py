"""Every step's measurements in a file: CSV, JSON lines or Parquet, a row for each step and lane.

The three hold the same numbers. What was not measured, or is not finite, is an empty field, ``null`` or a null.
Norms are written in the single precision in which they are measured, with just as many digits as tell them apart.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from initviz.experiment.errors import ExperimentError, InitVizError
from initviz.experiment.text import Text
from initviz.telemetry.frame import RunInfo, Scalars

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".csv", ".jsonl", ".parquet")
ROW_GROUP_BYTES = 32_000_000
"""Parquet gathers about this much before it writes; more would need more memory, less would read slower."""


def check_suffix(path: Path, place: str) -> None:
    """Refuse a file name whose suffix says no format that can be written.

    Args:
        path: The file.
        place: The option that named it.
    Raises:
        ExperimentError: It does not.
    """
    if path.suffix.lower() not in SUFFIXES:
        listing = ", ".join(SUFFIXES)
        raise ExperimentError(
            Text(
                f"the suffix of '{path}' says no format that can be written. Use one of {listing}.",
                f"无法从“{path}”的后缀判断格式。请使用以下后缀之一：{listing}。",
            ),
            place,
        )


def column_names(info: RunInfo) -> tuple[str, ...]:
    """Return the columns: ``step``, ``lane``, ``loss``, ``accuracy``, ``lr``, and three norms a measured layer."""
    norms = (
        f"{norm}/{layer}" for layer in _layers(info) for norm in ("weight_norm", "grad_norm", "update_norm")
    )
    return ("step", "lane", "loss", "accuracy", "lr", *norms)


def _layers(info: RunInfo) -> tuple[str, ...]:
    """Return the layers of all lanes, each name once."""
    return tuple(dict.fromkeys(layer for lane in info.lanes for layer in lane.layers))


class Rows:
    """Turns scalars into Arrow batches.

    Args:
        info: The run.
    """

    def __init__(self, info: RunInfo) -> None:
        import pyarrow as pa

        self._names = [lane.name for lane in info.lanes]
        layers = _layers(info)
        # Where each column's layer stands in each lane; -1 where the lane has none of that name.
        self._places = np.array(
            [
                [lane.layers.index(layer) if layer in lane.layers else -1 for lane in info.lanes]
                for layer in layers
            ]
        )
        doubles = [pa.field(name, pa.float64()) for name in ("loss", "accuracy", "lr")]
        norms = [pa.field(name, pa.float32()) for name in column_names(info)[5:]]
        self.schema = pa.schema(
            [
                pa.field("step", pa.int64(), nullable=False),
                pa.field("lane", pa.string(), nullable=False),
                *doubles,
                *norms,
            ]
        )

    def batch(self, scalars: Scalars) -> pa.RecordBatch:
        """Return the rows of a stretch of steps: all lanes of the first step, then of the next."""
        import pyarrow as pa

        num_steps, num_lanes = scalars.loss.shape
        columns: list[Any] = [
            pa.array(np.repeat(scalars.steps, num_lanes)),
            pa.array(self._names * num_steps, pa.string()),
        ]
        columns += [_nullable(values) for values in (scalars.loss, scalars.accuracy, scalars.lr)]
        for places in self._places:
            for norms in (scalars.weight_norm, scalars.grad_norm, scalars.update_norm):
                column = norms[:, np.arange(num_lanes), places]
                columns.append(_nullable(np.where(places < 0, np.float32(np.nan), column)))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def _nullable(values: NDArray[np.floating]) -> pa.Array:
    import pyarrow as pa

    flat = values.reshape(-1)
    return pa.array(flat, mask=~np.isfinite(flat))


class Format(Protocol):
    """Writes batches to a file."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        ...

    def close(self) -> None:
        """Write what is held back, and end the file."""
        ...


class _Csv:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        from pyarrow import csv

        self._writer = csv.CSVWriter(str(path), schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


class _JsonLines:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._stream = path.open("w", encoding="utf-8", newline="\n")
        self._keys = [json.dumps(name, ensure_ascii=False) + ": " for name in schema.names]
        self._lanes: dict[str, str] = {}

    def write(self, batch: pa.RecordBatch) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        pieces: list[Any] = ["{"]
        for place, (key, column) in enumerate(zip(self._keys, batch.columns, strict=True)):
            pieces.append((", " if place else "") + key)
            if pa.types.is_string(column.type):
                pieces.append(pa.array([self._quote(name) for name in column.to_pylist()]))
            else:
                pieces.append(pc.cast(column, pa.string()))
        pieces += ["}", ""]  # the last is the separator
        lines = pc.binary_join_element_wise(*pieces, null_handling="replace", null_replacement="null")
        self._stream.writelines(line + "\n" for line in lines.to_pylist())

    def _quote(self, name: str) -> str:
        if name not in self._lanes:
            self._lanes[name] = json.dumps(name, ensure_ascii=False)
        return self._lanes[name]

    def close(self) -> None:
        self._stream.close()


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        from pyarrow import parquet

        self._writer = parquet.ParquetWriter(str(path), schema)
        self._schema = schema
        self._held: list[Any] = []
        self._held_bytes = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        self._held_bytes += batch.nbytes
        if self._held_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held, self._schema))
            self._held, self._held_bytes = [], 0

    def close(self) -> None:
        self._flush()
        self._writer.close()


_FORMATS: dict[str, type[_Csv | _JsonLines | _Parquet]] = {
    ".csv": _Csv,
    ".jsonl": _JsonLines,
    ".parquet": _Parquet,
}


class MetricsFile:
    """A file of measurements that appears under its name only when it is whole.

    Until then it stands beside it under another name; an older file of the same name stays as it is. Leaving the block
    by an exception keeps what was measured up to there, unless the exception was that nothing more could be written:
    then there is no telling what is in the file, and it is removed.

    Args:
        path: Where it is to be.
        info: The run.
    Raises:
        InitVizError: It cannot be written there.
    """

    def __init__(self, path: Path, info: RunInfo) -> None:
        self._path = path
        self._unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._rows = Rows(info)
        self._torn = False
        try:
            if path.is_dir():  # would be found out only when the file is finished
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            self._format: Format = _FORMATS[path.suffix.lower()](self._unfinished, self._rows.schema)
        except OSError as error:
            raise _cannot_write(path, error) from error

    def write(self, scalars: Scalars) -> None:
        """Add the rows of a stretch of steps."""
        try:
            self._format.write(self._rows.batch(scalars))
        except OSError as error:
            self._torn = True
            raise _cannot_write(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        failure = self._finish()
        if failure is not None and exception is None:
            raise failure

    def _finish(self) -> InitVizError | None:
        """Give the file its name; return what went wrong."""
        try:
            self._format.close()
        except OSError as error:
            self._unfinished.unlink(missing_ok=True)
            return _cannot_write(self._path, error)
        if self._torn:
            self._unfinished.unlink(missing_ok=True)
            return None
        try:
            self._unfinished.replace(self._path)
        except OSError as error:
            return _cannot_rename(self._unfinished, self._path, error)
        return None


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _cannot_write(path: Path, error: OSError) -> InitVizError:
    reason = _reason(error)
    return InitVizError(
        Text(
            f"the measurements cannot be written to '{path}' ({reason}). A file that was there is unchanged. "
            "Choose another folder, or make room.",
            f"无法把测量数据写入“{path}”（{reason}）。原有的文件没有改动。请选择其他文件夹，或腾出空间。",
        )
    )


def _cannot_rename(unfinished: Path, path: Path, error: OSError) -> InitVizError:
    reason = _reason(error)
    return InitVizError(
        Text(
            f"the measurements could not be given the name '{path}' ({reason}). They are whole, in '{unfinished}'. "
            "Rename that file.",
            f"无法把测量数据命名为“{path}”（{reason}）。数据完整，保存在“{unfinished}”中。请自行改名。",
        )
    )
