"""An experiment file, and the command line run in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from initviz.cli import main

EXPERIMENT = """
schema = 1
name = "Three starts"
seed = 3
device = "cpu"
steps = 40
[data]
name = "moons"
batch_size = 32
[model]
family = "mlp"
depth = 2
width = 8
activation = "relu"
[optimizer]
name = "sgd"
lr = 0.1
[[lanes]]
name = "zeros"
init.weight = { name = "zeros" }
[[lanes]]
name = "He, 何"
[[lanes]]
name = "deep \\"one\\""
model.depth = 3
[[lanes]]
name = "exploding"
init.weight = { name = "normal", std = 1000.0 }
model.depth = 6
"""


@pytest.fixture
def experiment_file(tmp_path: Path) -> Path:
    path = tmp_path / "three.toml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return path


@dataclass(frozen=True)
class Result:
    """What a command has said."""

    code: int
    out: str
    err: str


@pytest.fixture
def initviz(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line in this process, in English unless the test says otherwise."""
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")

    def run(*words: object) -> Result:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return run
