"""The studies that come with the program, and what the scenario about them claims."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.resources import resource
from initviz.sweep.examples import Example, examples
from initviz.sweep.reading import load_study
from initviz.sweep.results import importances, list_trials
from initviz.sweep.storage import find_place
from initviz.sweep.worker import run_study
from tests.engine.oracle import race

RULE = (2 / 64) ** 0.5
"""Standard deviation that keeps the signal of ReLU layers of 64 units."""


def scenario() -> dict[str, Any]:
    return tomllib.loads(resource("scenarios", "search_found.toml").read_text("utf-8"))


def test_the_index_names_every_file_and_no_other() -> None:
    files = {path.stem for path in Path(resource("studies")).glob("*.toml")} - {"index"}
    assert {example.key for example in examples()} == files


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.key)
def test_an_example_can_be_searched(example: Example) -> None:
    study = load_study(example.path, catalogue(), Limits())
    assert study.fields
    assert example.title.en != example.title.zh


def test_the_scenario_has_what_the_study_searches() -> None:
    (example,) = (example for example in examples() if example.key == "std_and_rate")
    study = load_study(example.path, catalogue(), Limits())
    told = scenario()
    lanes = {lane["name"]: lane for lane in told["lanes"]}
    for key in ("steps", "data", "model", "optimizer"):
        assert study.experiment[key] == told[key]
    assert study.experiment["init"] == lanes["Before"]["init"]
    assert study.experiment["seed"] not in range(5)  # the lesson speaks of fresh seeds


@pytest.fixture(scope="module")
def accuracies() -> dict[str, NDArray[np.float64]]:
    """Every lane's accuracy at the end from five seeds that the search has not seen, by its name."""
    document = scenario()
    running = race(document)
    for _ in running:
        pass
    names = [lane["name"] for lane in document["lanes"]]
    return dict(zip(names, running.evaluate()[1].reshape(3, 5), strict=True))


def test_what_was_found_learns_and_what_was_there_before_does_not(
    accuracies: dict[str, NDArray[np.float64]],
) -> None:
    assert (accuracies["Before"] < 0.15).all()
    assert (accuracies["Found by search"] > 0.4).all()
    assert accuracies["Found by search"].mean() == pytest.approx(0.5, abs=0.02)


def test_a_rule_does_as_well_without_a_search_for_the_start(
    accuracies: dict[str, NDArray[np.float64]],
) -> None:
    assert accuracies["He's rule"].mean() > accuracies["Found by search"].mean() - 0.02


@pytest.mark.slow
def test_the_study_finds_what_the_lesson_tells(tmp_path: Path) -> None:
    (example,) = (example for example in examples() if example.key == "std_and_rate")
    study = load_study(example.path, catalogue(), Limits())
    place = find_place(str(tmp_path / "kept"))
    run_study(study, place, catalogue(), Limits(), lambda standing: True)
    results = list_trials(study, place)
    assert results.best is not None
    assert results.best.value is not None
    found = {lane["name"]: lane for lane in scenario()["lanes"]}["Found by search"]
    std, rate = results.best.values["init.weight.std"], results.best.values["optimizer.lr"]
    assert std == pytest.approx(found["init"]["weight"]["std"], rel=0.05)
    assert rate == pytest.approx(found["optimizer"]["lr"], rel=0.05)
    assert RULE / 2 < float(std) < 2 * RULE
    assert results.best.value == pytest.approx(0.54, abs=0.03)
    assert max(importances(results), key=importances(results).__getitem__) == "init.weight.std"
