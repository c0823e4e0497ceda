"""Opens files of examples. They come from strangers: nothing in one may run code, fill the memory, or hang."""

from __future__ import annotations

import contextlib
import gzip
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from initviz.experiment.errors import ExperimentError, printable
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text

GZIP_MARK = b"\x1f\x8b"
_PIECE = 1 << 20
BYTES_IN_ALL = 24
"""Bytes that a number of the examples takes in all: as loaded, standardized, and split."""


def bounds() -> Limits:
    """Return the bounds on sizes, with what the person has raised."""
    return Limits.from_environment(os.environ)


def shown_name(path: Path) -> str:
    """Return a file's name as a message repeats it."""
    return printable(path.name, 80)


def file_status(path: Path, where: str) -> os.stat_result:
    """Return what the system says of a file.

    Args:
        path: The file.
        where: The field that names it.
    Raises:
        ExperimentError: It is missing, cannot be looked at, or is no plain file: a pipe would never end.
    """
    name = shown_name(path)
    if os.name == "nt" and str(path).startswith(("\\\\", "//")):
        # A stranger's experiment could make this computer introduce itself to the stranger's.
        raise ExperimentError(
            Text(
                f"'{name}' lies on another computer. Copy it here, or give the share a drive letter.",
                f"“{name}”在另一台计算机上。请把它复制到本机，或为该共享分配盘符。",
            ),
            where,
        )
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise ExperimentError(
            Text(
                f"there is no file '{name}' in {printable(str(path.parent), 200)}. Check the name, or choose the file.",
                f"{printable(str(path.parent), 200)} 中没有文件“{name}”。请检查文件名，或选择文件。",
            ),
            where,
        ) from error
    except (OSError, ValueError) as error:
        raise _unreadable(name, error, where) from error
    if not stat.S_ISREG(found.st_mode):
        raise ExperimentError(
            Text(f"'{name}' is not a file. Choose a file.", f"“{name}”不是文件。请选择一个文件。"), where
        )
    return found


@contextlib.contextmanager
def opened(path: Path, where: str, *, unpack: bool = True) -> Iterator[BinaryIO]:
    """Open a file to be read; what goes wrong in it is told in words.

    Args:
        path: The file.
        where: The field that names it.
        unpack: Whether a file that is packed with gzip is unpacked on the way.
    Raises:
        ExperimentError: It cannot be read, is damaged, or is above the limit.
    """
    status = file_status(path, where)
    check_megabytes(status.st_size, where)
    try:
        with path.open("rb") as stream:
            packed = stream.read(len(GZIP_MARK)) == GZIP_MARK
            stream.seek(0)
            if not packed or not unpack:
                yield stream
                return
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield cast(BinaryIO, unpacked)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise _unreadable(shown_name(path), error, where) from error


def check_megabytes(size: int, where: str) -> None:
    """Refuse a file that holds more bytes than the limit."""
    bounds().check("data_mb", size / 1e6, Text("MB in one file of examples", "样本文件大小（MB）"), where)


def check_numbers(count: int, where: str) -> None:
    """Refuse more numbers than memory allows, before there is room for them."""
    gigabytes = count * BYTES_IN_ALL / 1e9
    bounds().check("memory_gb", gigabytes, Text("GB of memory for the data", "数据所需内存（GB）"), where)


def read_at_most(stream: BinaryIO, where: str) -> bytes:
    """Return all that a file holds, or refuse it as soon as it turns out to be above the limit."""
    content = (
        bytearray()
    )  # grows with what is there: room for the limit itself would be much too much for most files
    while piece := stream.read(_PIECE):
        content += piece
        check_megabytes(len(content), where)
    return bytes(content)


def read_exactly(stream: BinaryIO, size: int, path: Path, where: str) -> bytes:
    """Return ``size`` bytes, which must be there.

    Raises:
        ExperimentError: The file ends before.
    """
    content = stream.read(size)
    if len(content) != size:
        name = shown_name(path)
        raise ExperimentError(
            Text(
                f"'{name}' ends too early: {size:,} bytes were announced, {len(content):,} are there. Copy it again.",
                f"“{name}”不完整：应有 {size:,} 字节，实际只有 {len(content):,} 字节。请重新复制该文件。",
            ),
            where,
        )
    return content


def _unreadable(name: str, error: Exception, where: str) -> ExperimentError:
    reason = (
        os.strerror(error.errno) if isinstance(error, OSError) and error.errno else printable(str(error), 120)
    )
    return ExperimentError(
        Text(
            f"'{name}' cannot be read ({reason}). Choose another file.",
            f"无法读取“{name}”（{reason}）。请选择其他文件。",
        ),
        where,
    )
