"""Files of weights: what is written is what is read, and hostile ones are refused in words."""

from __future__ import annotations

import json
import os
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


def deep(path: Path) -> None:
    content = b"[" * 100_000
    path.write_bytes(len(content).to_bytes(8, "little") + content)


@pytest.mark.parametrize(
    ("make", "suffix", "words"),
    [
        (code, ".pt", "Nothing in it was run"),
        (checkpoint, ".pt", "not a plain state dict"),
        (cut_off, ".pt", "damaged"),
        (not_finite, ".pt", "'weight' holds numbers that are not finite"),
        (numbers_that_are_not_there, ".pt", "Nothing"),
        (spread_out, ".pt", "INITVIZ_MAX_PARAMETERS"),
        (huge_header, ".safetensors", "damaged"),
        (huge_shape, ".safetensors", "INITVIZ_MAX_PARAMETERS"),
        (wrong_shape, ".safetensors", "damaged"),
        (deep, ".safetensors", "damaged"),
        (huge_header, ".pickle", "Choose one of these"),
    ],
)
def test_a_hostile_file_is_refused_in_words(
    tmp_path: Path, make: Callable[[Path], None], suffix: str, words: str
) -> None:
    path = tmp_path / f"hostile{suffix}"
    make(path)
    with pytest.raises(ExperimentError, match=words) as caught:
        load_weights(path, Limits(), "init.weight.source")
    assert caught.value.path.startswith("init.weight.source")
    assert not (tmp_path / "ran").exists()


def test_what_is_written_replaces_at_once_or_not_at_all(tmp_path: Path) -> None:
    weights = Weights({"a": torch.ones(2)})
    with pytest.raises(ExperimentError, match="nothing was changed"):
        write_weights(tmp_path / "no" / "a.safetensors", weights, {})
    write_weights(tmp_path / "a.safetensors", weights, {})
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.safetensors"]
