"""Files from strangers: none may run code, fill the memory, or hang."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.catalog.index import catalogue
from initviz.catalog.parts import LoadableDatasetPart
from initviz.experiment.errors import ExperimentError, InitVizError
from tests.catalog.test_files import IMAGES, LABELS, idx, refusal, saved, written


@contextmanager
def modest(megabytes: float = 60.0, seconds: float = 10.0) -> Iterator[None]:
    """Fail where much memory or time is taken."""
    tracemalloc.start()
    start_s = time.perf_counter()
    try:
        yield
        most = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    assert most < megabytes
    assert time.perf_counter() - start_s < seconds


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    objects = np.array([Bomb(trap)] * 3, dtype=object)
    error = refusal("npz", saved(tmp_path, x=objects, y=np.arange(3)))
    assert "only numbers" in error.reason.en
    assert "only numbers" in refusal("npz", saved(tmp_path, x=np.zeros((3, 1)), y=objects)).reason.en
    for name, key in (("plain.npz", "npz"), ("plain.csv", "csv"), ("plain-images", "idx")):
        refusal(key, written(tmp_path, pickle.dumps(Bomb(trap)), name))
    assert not trap.exists()


@pytest.mark.parametrize(
    "shape", [(2**20, 2**10, 2**10), (2**32 - 1, 2**32 - 1, 2**32 - 1, 2**32 - 1), (2**31, 1)]
)
def test_an_idx_header_that_promises_too_much(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = written(tmp_path, idx(IMAGES, shape=shape), "images")
    written(tmp_path, idx(LABELS), "labels")
    with modest():
        error = refusal("idx", path)
    assert "INITVIZ_MAX_MEMORY_GB" in error.reason.en
    assert error.path == "data.path"


def test_a_gzip_bomb_is_left_as_soon_as_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INITVIZ_MAX_DATA_MB", "2")
    packed = gzip.compress(b"1," * 20_000_000)
    assert len(packed) < 1_000_000
    with modest():
        assert "INITVIZ_MAX_DATA_MB" in refusal("csv", written(tmp_path, packed, "bomb.csv")).reason.en
    shape = (100_000, 28, 28)
    head = bytes([0, 0, 8, 3]) + b"".join(struct.pack(">I", extent) for extent in shape)
    path = written(tmp_path, gzip.compress(head + bytes(100_000_000)), "bomb-images")
    written(tmp_path, idx(LABELS), "bomb-labels")
    with modest():
        assert "INITVIZ_MAX_DATA_MB" in refusal("idx", path).reason.en


def member(shape: str, dtype: str = "<f8", version: int = 1, length: int | None = None) -> bytes:
    """Return an array's header, as a file claims it."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    size = len(header) if length is None else length
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", size) + header


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        member("(1099511627776, 1)"),
        member("(10**9,)"),
        member("(-1, 5)"),
        member("(" + "9" * 300 + ",)"),
        member("(" * 3000 + ")" * 3000),
        member("(5, 5)", dtype="|O"),
        member("(5, 5)", dtype="<f8,<f8"),
        member("(5, 5)", dtype="|V1000000000"),
        member("(5, 5)", dtype="<U1000000000"),
        member("(5, 5)", version=2, length=2**32 - 1) + bytes(1000),
        member("(5, 5)", version=1, length=65_535) + bytes(10),
        member("(5, 5)", version=9),
        member("__import__('os').mkdir('trap')"),
        member("(100, 100)"),
        b"",
    ],
)
def test_headers_of_arrays_that_lie(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    good = io.BytesIO()
    np.save(good, np.arange(5))
    path = archive(tmp_path / "a.npz", x=content, y=good.getvalue())
    with modest():
        assert refusal("npz", path).path == "data.inputs"
    assert not Path("trap").exists()


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", x=member("(10000000000, 1)", "|i1") + bytes(100_000_000), y=b"")
    assert path.stat().st_size < 1_000_000
    with modest():
        assert "INITVIZ_MAX" in refusal("npz", path).reason.en


def test_an_archive_of_millions_of_arrays_is_not_listed(tmp_path: Path) -> None:
    entry = b"PK\x01\x02" + bytes(42)
    count = 200_000
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65_535, 65_535, len(entry) * count, 0, 0)
    path = written(tmp_path, entry * count + end, "many.npz")
    with modest():
        assert "too many arrays" in refusal("npz", path).reason.en


def test_a_table_with_a_line_without_end(tmp_path: Path) -> None:
    path = written(tmp_path, b"a,b\n" + b"1" * 10_000_000, "long.csv")
    with modest():
        assert "more than 4,000,000 characters" in refusal("csv", path).reason.en


def test_a_table_with_a_million_columns(tmp_path: Path) -> None:
    path = written(tmp_path, b"1," * 1_000_000 + b"1\n", "wide.csv")
    with modest():
        error = refusal("csv", path)
    assert "INITVIZ_MAX_COLUMNS" in error.reason.en


def test_a_field_without_end(tmp_path: Path) -> None:
    path = written(tmp_path, b'a,b\n1,"' + b"2\n" * 200_000, "quote.csv")
    with modest():
        assert "quotation mark" in refusal("csv", path).reason.en


def test_numbers_that_would_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("initviz.catalog.datasets.file_access.BYTES_IN_ALL", 10**6)
    path = written(tmp_path, b"1,2\n" * 20_000, "tall.csv")
    with modest():
        assert "INITVIZ_MAX_MEMORY_GB" in refusal("csv", path).reason.en


def test_a_file_above_the_limit_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as stream:
        stream.truncate(10**10)
    for key in ("csv", "npz", "idx"):
        values = {"labels": str(path)} if key == "idx" else {}
        with modest():
            assert "INITVIZ_MAX_DATA_MB" in refusal(key, path, **values).reason.en


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with modest(seconds=2.0):
            assert "is not a file" in refusal("csv", path).reason.en


@pytest.mark.parametrize("name", ["a\0b", "\x1b[31mred", "x" * 5000, 5, True, ["a"]])
def test_names_that_are_none(name: object) -> None:
    for key in ("csv", "npz", "idx"):
        with pytest.raises(ExperimentError):
            catalogue().get("dataset", key).parameter("path").check(name, "data.path")


def test_what_a_message_repeats_cannot_steer_a_terminal(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\x1b[2J,c\n1,2,3\n1,\x1b[31m,3\n")
    error = refusal("csv", path)
    assert "row 3" in error.reason.en
    assert error.reason.en.isprintable()


PARTS = {key: catalogue().get("dataset", key) for key in ("csv", "npz", "idx")}
BASES = (
    b"a,b,c\n1,2,x\n3,4,y\n5,6,x\n",
    b"1;2;3\n4,5;5;6\n",
    idx(IMAGES[:4]),
    gzip.compress(idx(IMAGES[:4])),
    member("(4, 2)") + bytes(64),
)


@settings(max_examples=300)
@given(
    base=st.sampled_from(BASES), cut=st.integers(0, 400), junk=st.binary(max_size=60), at=st.integers(0, 400)
)
def test_whatever_a_file_holds_is_read_or_answered(
    tmp_path_factory: pytest.TempPathFactory, base: bytes, cut: int, junk: bytes, at: int
) -> None:
    content = base[:at] + junk + base[at:] if cut % 2 else base[:at] + junk + base[at + len(junk) : cut + 300]
    folder = tmp_path_factory.mktemp("junk")
    path = written(folder, content, "junk-images")
    written(folder, idx(LABELS[:4]), "junk-labels")
    for part in PARTS.values():
        assert isinstance(part, LoadableDatasetPart)
        choice = part.choose(path=str(path))
        try:
            info = part.describe(choice)
        except InitVizError as error:
            said = error.text.en + error.text.zh
            if not said.isprintable():
                pytest.fail(repr(said))
            continue
        examples = part.load(choice, 0)
        assert examples.inputs.shape == (info.num_samples, *info.shape)
        assert np.isfinite(examples.inputs).all()
