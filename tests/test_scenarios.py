"""Every scenario that ships opens, is explained in both languages, and shows what its lesson says."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.blueprint import data_info, layer_list
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from initviz.resources import resource

SCENARIOS = Path(str(resource("scenarios")))
INDEX: list[dict[str, str]] = tomllib.loads((SCENARIOS / "index.toml").read_text("utf-8"))["scenario"]
KEYS = [entry["key"] for entry in INDEX]


@cache
def summary(key: str, steps: int | None = None) -> dict[str, dict[str, Any]]:
    """Run a scenario as a person would from the command line; its lanes by name."""
    import contextlib
    import io

    from initviz.cli import main

    out = io.StringIO()
    arguments = ["run", str(SCENARIOS / f"{key}.toml"), "--json"]
    if steps is not None:
        arguments += ["--steps", str(steps)]
    with contextlib.redirect_stdout(out):
        assert main(arguments) == 0
    return {lane["name"]: lane for lane in json.loads(out.getvalue())["lanes"]}


def test_the_index_names_every_file_and_no_other() -> None:
    files = {path.stem for path in SCENARIOS.glob("*.toml")} - {"index"}
    assert set(KEYS) == files
    assert len(KEYS) == len(set(KEYS)) >= 8


@pytest.mark.parametrize("key", KEYS)
def test_a_scenario_opens(key: str) -> None:
    experiment = load_experiment(SCENARIOS / f"{key}.toml", catalogue(), Limits())
    assert len(experiment.lanes) >= 2


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_lesson_says_what_to_look_at_why_and_what_to_try(key: str, language: str) -> None:
    text = Path(str(resource("lessons", language, f"{key}.md"))).read_text("utf-8")
    heads = {"en": ("Look", "Why", "Try"), "zh": ("看什么", "为什么", "试一试")}[language]
    assert list(re.findall(r"^## (.+)$", text, re.MULTILINE)) == list(heads)
    chinese = re.findall(r"[\u4e00-\u9fff]", text)
    assert (len(chinese) > 80) == (language == "zh")


@pytest.mark.parametrize("entry", INDEX, ids=KEYS)
def test_titles_stand_in_both_languages(entry: dict[str, str]) -> None:
    assert re.search(r"[\u4e00-\u9fff]", entry["title_zh"])
    assert not re.search(r"[\u4e00-\u9fff]", entry["title_en"])
    assert re.fullmatch(r"[PR]\d+", entry["concept"])


def used_parts() -> set[tuple[str, str]]:
    """Return kind and key of every part that any lane of any scenario uses."""
    used: set[tuple[str, str]] = set()
    for key in KEYS:
        experiment = load_experiment(SCENARIOS / f"{key}.toml", catalogue(), Limits())
        info = data_info(experiment.data, catalogue())
        used.add(("dataset", experiment.data.dataset.name))
        for lane in experiment.lanes:
            recipe = lane.recipe
            used |= {("optimizer", recipe.optimizer.name), ("schedule", recipe.schedule.name)}
            used |= {("remedy", choice.name) for choice in recipe.remedies}
            if recipe.model.family is not None:
                used.add(("family", recipe.model.family.name))
            used |= {("layer", spec.layer.name) for spec in layer_list(recipe.model, info, catalogue())}
    return used


@pytest.mark.parametrize("kind", ["layer", "family", "optimizer", "schedule", "remedy"])
def test_every_part_has_a_scenario(kind: str) -> None:
    """So that a person can see in one click what it does."""
    shown = {key for used, key in used_parts() if used == kind}
    assert {part.key for part in catalogue().parts(kind)} <= shown
