"""What ``initviz run`` tells of lanes that are repeated over seeds."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Result

Run = Callable[..., Result]

REPEATED = """
name = "Seeds"
steps = 60
[data]
name = "moons"
samples = 300
batch_size = 32
[model]
family = "mlp"
depth = 2
width = 16
[optimizer]
name = "sgd"
lr = 0.1
[[lanes]]
name = "He"
repeat = 4
[[lanes]]
name = "zeros"
init.weight = { name = "zeros" }
[[lanes]]
name = "huge"
repeat = 2
init.weight = { name = "normal", std = 1000.0 }
"""


@pytest.fixture
def repeated(tmp_path: Path) -> Path:
    path = tmp_path / "seeds.toml"
    path.write_text(REPEATED, encoding="utf-8")
    return path


def test_each_group_tells_what_its_lanes_came_to(initviz: Run, repeated: Path) -> None:
    found = json.loads(initviz("run", repeated, "--json", "--target", "0.5").out)
    lanes, groups = found["lanes"], found["groups"]
    assert [lane["name"] for lane in lanes] == [
        "He · 0", "He · 1", "He · 2", "He · 3", "zeros", "huge · 0", "huge · 1",
    ]  # fmt: skip
    assert [group["name"] for group in groups] == ["He", "zeros", "huge"]
    assert groups[0]["members"] == [lane["name"] for lane in lanes[:4]]
    assert found["target_loss"] == 0.5
    for key in ("train_loss", "val_loss", "val_accuracy", "steps_to_target"):
        values = np.array([lane[key] for lane in lanes[:4]], dtype=float)
        assert len(set(values)) > 1
        told = groups[0][key]
        assert told["count"] == 4
        assert told["mean"] == pytest.approx(values.mean())
        assert told["std"] == pytest.approx(values.std(ddof=1))
        assert (told["min"], told["max"]) == (values.min(), values.max())
        quartiles = np.quantile(values, (0.25, 0.5, 0.75))
        assert [told[name] for name in ("lower_quartile", "median", "upper_quartile")] == pytest.approx(
            quartiles
        )
    assert groups[0]["outcomes"] == {"learning": 4, "worse": 0, "stalled": 0, "stopped": 0, "diverged": 0}
    assert groups[1]["outcomes"]["stalled"] == 1
    assert (groups[1]["val_loss"]["count"], groups[1]["val_loss"]["std"]) == (1, None)
    assert groups[1]["steps_to_target"]["count"] == 0
    assert groups[1]["steps_to_target"]["mean"] is None
    assert groups[2]["outcomes"]["diverged"] == sum(lane["status"] == "diverged" for lane in lanes[5:])


def test_what_is_scored_beside_the_weights_is_told_of_the_seeds_together(
    initviz: Run, repeated: Path, tmp_path: Path
) -> None:
    path = tmp_path / "beside.toml"
    path.write_text(
        repeated.read_text("utf-8").replace('name = "He"\n', 'name = "He"\nremedies.ema = { decay = 0.9 }\n'),
        encoding="utf-8",
    )
    found = json.loads(initviz("run", path, "--json").out)
    for key in ("averaged_val_loss", "averaged_val_accuracy"):
        values = [lane[key] for lane in found["lanes"][:4]]
        assert found["groups"][0][key]["count"] == 4
        assert found["groups"][0][key]["mean"] == pytest.approx(np.mean(values))
        assert [group[key] for group in found["groups"][1:]] == [None, None]


def test_a_seed_gives_what_it_gives_alone(initviz: Run, repeated: Path, tmp_path: Path) -> None:
    lanes = json.loads(initviz("run", repeated, "--json").out)["lanes"]
    written = REPEATED.replace('name = "He"\nrepeat = 4', 'name = "a"\n[[lanes]]\nname = "b"\nseed = 1\n[[lanes]]\n'
                               'name = "c"\nseed = 2\n[[lanes]]\nname = "d"\nseed = 3')  # fmt: skip
    other = tmp_path / "written.toml"
    other.write_text(written, encoding="utf-8")
    plain = json.loads(initviz("run", other, "--json").out)["lanes"]
    for one, same in zip(lanes, plain, strict=True):
        assert {**one, "name": ""} == {**same, "name": ""}


def test_people_read_a_line_a_group(initviz: Run, repeated: Path) -> None:
    out = initviz("run", repeated, "--target", "0.5").out
    head, line = next(
        (a, b) for a, b in zip(out.splitlines(), out.splitlines()[2:], strict=False) if "seeds" in a
    )
    assert "steps to loss 0.500" in head
    assert line.startswith("He")
    assert "4 learning" in line
    assert "±" in line
    assert "条学习中" in initviz("run", repeated, "--lang", "zh").out


def test_without_repetitions_there_is_no_second_table(initviz: Run, experiment_file: Path) -> None:
    out = initviz("run", experiment_file).out
    assert "seeds" not in out
    groups = json.loads(initviz("run", experiment_file, "--json").out)["groups"]
    assert [len(group["members"]) for group in groups] == [1, 1, 1, 1]


@pytest.mark.parametrize("target", ["-1", "nan", "inf", "much"])
def test_what_is_no_loss_is_refused(initviz: Run, repeated: Path, target: str) -> None:
    result = initviz("run", repeated, "--target", target)
    assert result.code == 2
    assert "--target" in result.err


def test_measurements_have_a_row_a_seed(initviz: Run, repeated: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert initviz("run", repeated, "--steps", "2", "--metrics", path).code == 0
    with path.open(encoding="utf-8", newline="") as stream:
        lanes = [row["lane"] for row in csv.DictReader(stream)]
    assert lanes[:7] == ["He · 0", "He · 1", "He · 2", "He · 3", "zeros", "huge · 0", "huge · 1"]
    assert len(lanes) == 14
