"""A 1 x 1 kernel that skips pixels: torch's own way to its gradient corrupts memory where images lie channels last."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.engine.oracle import Document, check_against_plain, race

DOCUMENT: Document = {
    "dtype": "float32",
    "data": {"name": "digits", "batch_size": 32, "standardize": False},
    "optimizer": {"name": "sgd", "lr": 0.01},
    "model": {
        "layers": [
            {"kind": "conv", "channels": 4},
            {"kind": "activation", "function": "tanh"},
            {"kind": "conv", "channels": 8, "kernel": 1, "stride": 2, "padding": 0},
            {"kind": "flatten"},
        ]
    },
}
PROGRAM = """
from tests.engine.test_strided_points import DOCUMENT
from tests.engine.oracle import race
import gc
for model in (DOCUMENT["model"], {"family": "resnet", "blocks": 2, "channels": 4}):
    running = race(DOCUMENT, model=model, steps=60)
    for _ in range(60):
        next(running)
    gc.collect()
"""


def test_training_survives() -> None:
    """In a process of its own, which damaged memory ends."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": ".", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-500:]


@pytest.mark.parametrize("lanes", [1, 3])
def test_numbers_are_right(lanes: int) -> None:
    running = race(
        DOCUMENT,
        dtype="float64",
        steps=50,
        lanes=[{"name": str(seed), "seed": seed} for seed in range(lanes)],
    )
    check_against_plain(running, 50, 1e-9)
