"""Files of weights: what is written is what is read, and hostile ones are refused in words."""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from initviz.engine.weights import Weights, load_weights, write_weights
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits


def header(path: Path, about: object, data: bytes = b"") -> None:
    content = json.dumps(about).encode()
    path.write_bytes(len(content).to_bytes(8, "little") + content + data)


def test_a_state_dict_and_safetensors_are_read_to_the_bit(tmp_path: Path) -> None:
    state = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).state_dict()
    torch.save(state, tmp_path / "a.pt")
    found = load_weights(tmp_path / "a.pt", Limits())
    assert dict(found).keys() == state.keys()
    assert all(torch.equal(tensor, state[name]) for name, tensor in found)
    write_weights(tmp_path / "a.safetensors", found, {})
    assert load_weights(tmp_path / "a.safetensors", Limits()).digest() == found.digest()


class Code:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def code(path: Path) -> None:
    torch.save({"dense_1.weight": Code(path.parent / "ran")}, path)


def checkpoint(path: Path) -> None:
    torch.save({"epoch": 3, "model": {"weight": torch.ones(2)}}, path)


def cut_off(path: Path) -> None:
    torch.save({"weight": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:-500])


def not_finite(path: Path) -> None:
    torch.save({"weight": torch.tensor([1.0, torch.nan])}, path)


def numbers_that_are_not_there(path: Path) -> None:
    torch.save({"weight": torch.ones(100)}, path)
    content = path.read_bytes()
    place = content.index(b"cpu")
    claimed = content.index(b"Kd", place)  # BININT1 100: the size of the storage
    path.write_bytes(content[:claimed] + b"K\xff" + content[claimed + 2 :])


def spread_out(path: Path) -> None:
    torch.save({"weight": torch.ones(1).expand(10**10)}, path)


def huge_header(path: Path) -> None:
    path.write_bytes((10**10).to_bytes(8, "little") + b"{}")


def huge_shape(path: Path) -> None:
    header(path, {"weight": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4]}}, b"\0" * 4)


def wrong_shape(path: Path) -> None:
    header(path, {"weight": {"dtype": "F32", "shape": [3], "data_offsets": [0, 4]}}, b"\0" * 4)


def overlapping(path: Path) -> None:
    """Two tensors in the same bytes."""
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header(path, {"a": entry, "b": entry}, b"\0" * 8)


def bytes_left_over(path: Path) -> None:
    header(path, {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 4096)


def no_place(path: Path) -> None:
    header(path, {"a": {"dtype": "F32", "shape": [2], "data_offsets": []}}, b"\0" * 8)


def strange_type(path: Path) -> None:
    header(path, {"a": {"dtype": "Q7", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 8)


def many_tensors(path: Path) -> None:
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header(path, {str(index): entry for index in range(40_000)})


def deep(path: Path) -> None:
    content = b"[" * 100_000
    path.write_bytes(len(content).to_bytes(8, "little") + content)


def huge_file(path: Path) -> None:
    """Ten gigabytes of nothing, which take no room on the disk."""
    if sys.platform == "win32":
        pytest.skip("the file would take room on the disk")
    with path.open("wb") as stream:
        stream.truncate(10**10)


def huge_body(path: Path) -> None:
    """A header that is fine, before 700 MB that it does not speak of."""
    bytes_left_over(path)
    if sys.platform == "win32":
        pytest.skip("the file would take room on the disk")
    with path.open("ab") as stream:
        stream.truncate(700_000_000)


def pipe(path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("there are no such pipes")
    os.mkfifo(path)


def repacked(path: Path, compress: int, records: dict[str, bytes]) -> None:
    """Save a state dict, and pack it anew with other or further records of numbers."""
    torch.save({"weight": torch.ones(4)}, path)
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    root = next(iter(entries)).split("/")[0]
    with zipfile.ZipFile(path, "w", compress) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
        for name, content in records.items():
            archive.writestr(f"{root}/data/{name}", content)


def bomb(path: Path) -> None:
    """Two hundred megabytes of zeros in two hundred kilobytes."""
    repacked(path, zipfile.ZIP_DEFLATED, {"9": bytes(200_000_000)})


def shared_bytes(path: Path) -> None:
    """A thousand entries that are all the same megabyte."""
    repacked(path, zipfile.ZIP_STORED, {"9": bytes(1_000_000)})
    content = path.read_bytes()
    end = content.rindex(b"PK\x05\x06")
    size, start = struct.unpack("<II", content[end + 12 : end + 20])
    directory = content[start : start + size]
    entry = directory[directory.rindex(b"PK\x01\x02") :]
    count = directory.count(b"PK\x01\x02") + 1000
    whole = directory + 1000 * entry
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(whole), start, 0)
    path.write_bytes(content[:start] + whole + tail)


def crowded(path: Path) -> None:
    """A directory of half a million entries."""
    torch.save({"weight": torch.ones(4)}, path)
    path.write_bytes(path.read_bytes() + b"PK\x01\x02" * 500_000)


def hidden_code(path: Path) -> None:
    """Code in a second pickle, behind one that is plain."""
    repacked(path, zipfile.ZIP_STORED, {})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", pickle.dumps(Code(path.parent / "ran")))


def bare_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"dense_1.weight": Code(path.parent / "ran")}))


def old_format(path: Path) -> None:
    torch.save({"weight": torch.ones(2)}, path, _use_new_zipfile_serialization=False)


def sparse(path: Path) -> None:
    torch.save({"weight": torch.eye(3).to_sparse()}, path)


HOSTILE: list[tuple[Callable[[Path], None], str, str]] = [
    (code, ".pt", "Nothing in it was run"),
    (hidden_code, ".pt", "Nothing in it was run"),
    (bare_pickle, ".pth", "Nothing in it was run"),
    (old_format, ".pt", "not a plain state dict"),
    (sparse, ".pt", "not a plain state dict"),
    (checkpoint, ".pt", "not a plain state dict"),
    (cut_off, ".pt", "damaged"),
    (not_finite, ".pt", "'weight' holds numbers that are not finite"),
    (numbers_that_are_not_there, ".pt", "Nothing"),
    (spread_out, ".pt", "INITVIZ_MAX_PARAMETERS"),
    (bomb, ".pt", "not a plain state dict"),
    (shared_bytes, ".pt", "not a plain state dict"),
    (crowded, ".pt", "not a plain state dict"),
    (huge_file, ".pt", "INITVIZ_MAX_PARAMETERS"),
    (pipe, ".pt", "is not a file"),
    (huge_file, ".safetensors", "INITVIZ_MAX_PARAMETERS"),
    (huge_body, ".safetensors", "damaged"),
    (huge_header, ".safetensors", "damaged"),
    (huge_shape, ".safetensors", "INITVIZ_MAX_PARAMETERS"),
    (wrong_shape, ".safetensors", "damaged"),
    (overlapping, ".safetensors", "damaged"),
    (bytes_left_over, ".safetensors", "damaged"),
    (no_place, ".safetensors", "damaged"),
    (strange_type, ".safetensors", "damaged"),
    (many_tensors, ".safetensors", "INITVIZ_MAX_LAYERS"),
    (deep, ".safetensors", "damaged"),
    (pipe, ".safetensors", "is not a file"),
    (huge_header, ".pickle", "Choose one of these"),
]
MODEST_BYTES = 32_000_000
"""What a refusal may take at most; each of the files asks for more, or is smaller."""


@pytest.mark.parametrize(("make", "suffix", "words"), HOSTILE)
def test_a_hostile_file_is_refused_in_words_with_nothing_run_or_allocated(
    tmp_path: Path, make: Callable[[Path], None], suffix: str, words: str
) -> None:
    path = tmp_path / f"hostile{suffix}"
    make(path)
    tracemalloc.start()
    try:
        with pytest.raises(ExperimentError, match=words) as caught:
            load_weights(path, Limits(), "init.weight.source")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.path.startswith("init.weight.source")
    assert not (tmp_path / "ran").exists()
    assert most < MODEST_BYTES


def test_the_code_would_have_run(tmp_path: Path) -> None:
    """What is refused above is no harmless file."""
    code(tmp_path / "a.pt")
    torch.load(tmp_path / "a.pt", weights_only=False)
    assert (tmp_path / "ran").exists()


MEASURED = """
import re, sys
from pathlib import Path
import torch
from safetensors.torch import load
from initviz.engine.weights import load_weights
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits

def most() -> int:
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

before = most()
for name in sys.argv[1:]:
    try:
        load_weights(Path(name), Limits())
    except ExperimentError:
        continue
    raise SystemExit(name)
print(most() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most memory that was ever in use")
def test_the_process_does_not_grow_by_hostile_files(tmp_path: Path) -> None:
    """Torch's own allocations, which Python does not see, are counted here."""
    names = []
    for index, (make, suffix, _) in enumerate(HOSTILE):
        folder = tmp_path / str(index)
        folder.mkdir()
        make(folder / f"hostile{suffix}")
        names.append(str(folder / f"hostile{suffix}"))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *names], capture_output=True, text=True, timeout=120, check=True
    )
    assert int(done.stdout) * 1024 < 2 * MODEST_BYTES


def test_what_is_written_replaces_at_once_or_not_at_all(tmp_path: Path) -> None:
    weights = Weights({"a": torch.ones(2)})
    with pytest.raises(ExperimentError, match="nothing was changed"):
        write_weights(tmp_path / "no" / "a.safetensors", weights, {})
    write_weights(tmp_path / "a.safetensors", weights, {})
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.safetensors"]
