"""What the lesson on single draws says is what ``initviz run`` gives."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from initviz.cli import main
from initviz.resources import resource

SCENARIO = Path(str(resource("scenarios"))) / "one_draw.toml"


def summary(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a file; its lanes and its groups by name."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["run", str(path), "--json"]) == 0
    found = json.loads(out.getvalue())
    lanes, groups = ({one["name"]: one for one in found[kind]} for kind in ("lanes", "groups"))
    return lanes, groups


def changed(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = SCENARIO.read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = tmp_path / "changed.toml"
    path.write_text(text, "utf-8")
    return path


def test_one_draw_has_a_winner_and_six_have_none() -> None:
    lanes, groups = summary(SCENARIO)
    once = {name: lanes[f"{name}, once"]["val_accuracy"] for name in ("Normal", "Uniform")}
    assert once["Normal"] == pytest.approx(0.68, abs=0.01)
    assert once["Uniform"] == pytest.approx(0.93, abs=0.01)
    normal, uniform = (groups[name]["val_accuracy"] for name in ("Normal", "Uniform"))
    assert (normal["mean"], normal["std"]) == pytest.approx((0.84, 0.08), abs=0.01)
    assert (uniform["mean"], uniform["std"]) == pytest.approx((0.79, 0.19), abs=0.01)
    assert uniform["mean"] < normal["mean"]  # the winner of one draw lies behind ...
    assert normal["mean"] - uniform["mean"] < min(
        normal["std"], uniform["std"]
    )  # ... by less than luck makes
    assert uniform["min"] < normal["min"] < normal["max"] < uniform["max"]  # the bands cover each other
    for name in ("Normal", "Uniform"):  # the single draw is one of the six, to the last bit
        assert {**lanes[f"{name}, once"], "name": ""} == {**lanes[f"{name} · 0"], "name": ""}


def test_another_draw_has_the_other_winner(tmp_path: Path) -> None:
    names = ('"Normal, once"', '"Uniform, once"')
    lanes, _ = summary(changed(tmp_path, *((name, f"{name}\nseed = 5") for name in names)))
    normal, uniform = (lanes[f"{name}, once"]["val_accuracy"] for name in ("Normal", "Uniform"))
    assert normal - uniform == pytest.approx(0.43, abs=0.01)


def test_a_difference_shows_over_all_seeds(tmp_path: Path) -> None:
    text = SCENARIO.read_text("utf-8")
    last = text[text.rindex("init.weight") :].strip()
    path = tmp_path / "small.toml"
    path.write_text(
        text[: text.rindex("init.weight")] + 'init.weight = { name = "normal", std = 0.2 }\n', "utf-8"
    )
    assert "he_uniform" in last
    _, groups = summary(path)
    assert groups["Uniform"]["outcomes"]["stalled"] == 5
    assert groups["Uniform"]["val_accuracy"]["max"] < groups["Normal"]["val_accuracy"]["min"]
    assert groups["Uniform"]["train_loss"]["min"] > groups["Normal"]["train_loss"]["max"]


def test_wide_layers_leave_little_to_luck(tmp_path: Path) -> None:
    _, groups = summary(changed(tmp_path, ("width = 8", "width = 64")))
    assert all(groups[name]["val_accuracy"]["std"] < 0.01 for name in ("Normal", "Uniform"))
