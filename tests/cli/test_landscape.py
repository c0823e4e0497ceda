"""``initviz landscape``: the same numbers as the engine's, as a table, as JSON and as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from initviz.catalog.index import catalogue
from initviz.engine.landscape import Survey
from initviz.engine.race import Race
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from tests.cli.conftest import Result

Run = Callable[..., Result]


def test_it_tells_what_the_engine_finds(initviz: Run, experiment_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "losses.csv"
    words = ["landscape", experiment_file, "--steps", "5", "--points", "5", "--reach", "0.5", "--seed", "3"]
    told = json.loads(initviz(*words, "--csv", out, "--json").out)
    race = Race(load_experiment(experiment_file, catalogue(), Limits()), catalogue(), Limits())
    for _ in range(5):
        next(race)
    side = np.linspace(-0.5, 0.5, 5)
    slices = Survey(race, side, side, 512, 3).slices()
    while True:
        try:
            next(slices)
        except StopIteration as end:
            wanted = end.value
            break
    assert (told["step"], told["seed"]) == (5, 3)
    assert told["direction_1"] == told["direction_2"] == side.tolist()
    for lane, losses in zip(told["lanes"], wanted, strict=True):
        known = [[np.nan if value is None else value for value in line] for line in lane["loss"]]
        np.testing.assert_array_equal(np.array(known), np.where(np.isfinite(losses), losses, np.nan))
        if lane["loss_at_weights"] is not None:
            assert lane["loss_at_weights"] == losses[2, 2]
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == wanted.size
    np.testing.assert_array_equal([float(row["loss"]) for row in rows], wanted.ravel())


def test_a_line_at_the_start_is_a_table_for_a_person(initviz: Run, experiment_file: Path) -> None:
    result = initviz("landscape", experiment_file, "--line", "--points", "7")
    assert result.code == 0
    assert "weights of step 0" in result.out
    assert "loss at the weights" in result.out
    assert (
        "权重处的损失" in initviz("landscape", experiment_file, "--line", "--points", "7", "--lang", "zh").out
    )
    told = json.loads(initviz("landscape", experiment_file, "--line", "--points", "7", "--json").out)
    assert told["direction_2"] is None
    assert len(told["lanes"][0]["loss"]) == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--points", "4"], "odd number"),
        (["--reach", "0"], "0"),
        (["--steps", "100000000"], "steps"),
        (["--points", "1"], "from 3 to 501"),
    ],
)
def test_what_cannot_be_is_refused(initviz: Run, experiment_file: Path, words: list[str], said: str) -> None:
    result = initviz("landscape", experiment_file, *words)
    assert result.code == 2
    assert said in result.err
    assert result.out == ""


def test_a_folder_that_is_not_there_is_told(initviz: Run, experiment_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "x.csv"
    result = initviz("landscape", experiment_file, "--points", "3", "--csv", out)
    assert result.code == 2
    assert "cannot be written" in result.err
