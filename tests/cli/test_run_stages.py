"""``initviz run``: stages before the lanes, what lanes start from, and weights that are kept."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from initviz.catalog.index import catalogue
from initviz.cli.stages import StageTeller
from initviz.engine import stage_cache
from initviz.engine.race import Race
from initviz.engine.weights import lane_weights, load_weights
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from tests.cli.conftest import Result

Run = Callable[..., Result]
ROOT = Path(__file__).parents[2]

DOCUMENT = """
steps = 10
device = "cpu"
data = {{name = "moons", batch_size = 32}}
model = {{family = "mlp", depth = 2, width = 8, activation = "relu"}}
[[stages]]
name = "first"
steps = {first}
[[stages]]
name = "wider"
role = "teacher"
steps = {second}
model.width = 12
[[lanes]]
name = "plain"
[[lanes]]
name = "loaded"
init.weight = {{name = "from_weights", source = "stage:first"}}
[[lanes]]
name = "bits of it"
init.weight = {{name = "from_weights", source = "stage:first"}}
model.depth = 3
"""


def written(tmp_path: Path, first: int = 20, second: int = 12, name: str = "staged.toml") -> Path:
    path = tmp_path / name
    path.write_text(DOCUMENT.format(first=first, second=second), encoding="utf-8")
    return path


def test_stages_are_told_and_so_is_what_lanes_took_over(initviz: Run, tmp_path: Path) -> None:
    path = written(tmp_path)
    result = initviz("run", path, "--json")
    assert result.code == 0
    found = json.loads(result.out)
    first, wider = found["stages"]
    assert (first["name"], first["role"], first["steps"], first["from_cache"]) == (
        "first",
        "pretrain",
        20,
        False,
    )
    assert (wider["name"], wider["role"], wider["steps"], wider["weights"]) == ("wider", "teacher", 12, None)
    alone = Race(load_experiment(path, catalogue(), Limits()).stages[0].experiment, catalogue(), Limits())
    losses = [float(state.loss[0]) for state in alone]
    val_loss, val_accuracy = alone.evaluate()
    assert first["train_loss"] == pytest.approx(losses[-1])
    assert first["val_loss"] == pytest.approx(val_loss[0])
    assert first["val_accuracy"] == pytest.approx(val_accuracy[0])
    plain, loaded, bits = (lane["weights_loaded"] for lane in found["lanes"])
    assert plain is None
    assert loaded["source"] == "stage:first"
    assert set(loaded["loaded"]) == set(dict(lane_weights(alone, 0)))
    assert "dense_3.weight" in {one["name"] for one in bits["skipped"]}
    assert all(one["reason"] for one in bits["skipped"])
    lines = result.err.splitlines()
    assert lines[0].startswith("Stage 1 of 2, first: 20 steps, validation loss ")
    assert lines[1].startswith("Stage 2 of 2, wider: 12 steps, ")
    assert any(line.startswith("loaded: 6 tensors loaded from stage:first") for line in lines)
    assert any(line.startswith("bits of it: ") and "dense_3.weight" in line for line in lines)
    again = initviz("run", path, "--json")
    assert json.loads(again.out)["stages"] == [one | {"from_cache": True} for one in (first, wider)]
    assert "Stage 1 of 2, first: taken from the last run, validation loss" in again.err
    chinese = initviz("run", path, "--json", "--lang", "zh").err
    assert "第 1 阶段（共 2 个）first：沿用上次训练的结果" in chinese


def test_a_run_without_stages_says_nothing_of_them(initviz: Run, experiment_file: Path) -> None:
    result = initviz("run", experiment_file, "--json")
    assert json.loads(result.out)["stages"] == []
    assert all(lane["weights_loaded"] is None for lane in json.loads(result.out)["lanes"])
    assert "tage" not in result.err


class Terminal(io.StringIO):
    """Takes what is shown for a terminal's."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_stage_has_a_bar_with_the_time_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("initviz.cli.progress.TERMINAL_INTERVAL_S", 0.0)
    terminal = Terminal()
    experiment = load_experiment(written(tmp_path, 4000, 1), catalogue(), Limits())
    monkeypatch.setenv("COLUMNS", "200")
    found, outcomes = StageTeller(experiment, terminal, "en", lambda: False).prepare()
    assert list(found) == [one.name for one in outcomes] == ["first", "wider"]
    bars = [line for line in terminal.getvalue().split("\r") if "▓" in line]
    assert bars
    assert "stage 1 of 2, step " in bars[-2] + bars[-1]
    assert " of 4,000, " in bars[0]
    assert "left  first 0." in bars[0] or "left  first 1." in bars[0]
    ending = terminal.getvalue()[-200:]
    assert ending.rstrip().endswith(".")
    assert "Stage 2 of 2, wider: 1 steps" in ending or "Stage 2 of 2" in ending


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_ctrl_c_in_a_stage_keeps_those_that_are_done_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, 20, 10**6)
    environment = {**os.environ, "LC_ALL": "en_US.UTF-8"}
    process = subprocess.Popen(
        [sys.executable, "main.py", "run", str(path), "--json"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    end = time.monotonic() + 90
    while not list(stage_cache.folder().glob("*.safetensors")) and time.monotonic() < end:
        time.sleep(0.1)
        assert process.poll() is None
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 10.0  # the end of the whole program included
    assert process.returncode == 130, err
    assert out == ""
    assert "Ended in the stage 'wider', before the lanes started" in err
    assert "Stages that were done are kept" in err
    assert "Traceback" not in err
    assert len(list(stage_cache.folder().glob("*.safetensors"))) == 1


def test_the_weights_of_all_lanes_are_kept(initviz: Run, tmp_path: Path) -> None:
    path, folder = written(tmp_path), tmp_path / "new" / "kept"
    result = initviz("run", path, "--json", "--save-weights", folder)
    assert result.code == 0
    assert f"Weights of 3 lanes saved in {folder}." in result.err
    names = ["plain", "loaded", "bits_of_it"]
    assert [lane["weights_file"] for lane in json.loads(result.out)["lanes"]] == [
        str(folder / f"{name}.safetensors") for name in names
    ]
    race = Race(load_experiment(path, catalogue(), Limits()), catalogue(), Limits())
    for _ in race:
        pass
    for lane, name in enumerate(names):
        found = dict(load_weights(folder / f"{name}.safetensors", Limits()))
        expected = dict(lane_weights(race, lane))
        assert found.keys() == expected.keys()
        assert all(found[key].equal(expected[key]) for key in expected)


def test_one_lane_may_have_a_file_and_can_be_started_from(initviz: Run, tmp_path: Path) -> None:
    head = "steps = 5\ndata = {name = 'moons'}\nmodel = {family = 'mlp', depth = 1, width = 4}\n"
    one, two, file = tmp_path / "one.toml", tmp_path / "two.toml", tmp_path / "one.safetensors"
    one.write_text(head, encoding="utf-8")
    result = initviz("run", one, "--json", "--save-weights", file)
    assert f"Weights saved as {file}." in result.err
    two.write_text(head + f"init.weight = {{name = 'from_weights', source = '{file}'}}\n", encoding="utf-8")
    found = json.loads(initviz("run", two, "--json").out)["lanes"][0]["weights_loaded"]
    assert found["source"] == str(file)
    assert "dense_1.weight" in found["loaded"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("all.safetensors", "one file cannot hold the weights of 3 lanes. Name a folder."),
        ("all.pt", "weights are written as .safetensors, not .pt"),
        ("staged.toml/kept", "cannot be made"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_trained(
    initviz: Run, tmp_path: Path, name: str, words: str
) -> None:
    result = initviz("run", written(tmp_path), "--save-weights", tmp_path / name)
    assert result.code == 2
    assert words in result.err
    assert result.err.startswith("initviz: --save-weights: ")
    assert not stage_cache.folder().exists()


def test_lanes_that_are_called_alike_have_files_of_their_own(initviz: Run, tmp_path: Path) -> None:
    path = tmp_path / "alike.toml"
    path.write_text(
        "steps = 2\ndata = {name = 'moons'}\nmodel = {family = 'mlp', depth = 1, width = 4}\n"
        "lanes = [{name = 'A b'}, {name = 'a/b'}, {name = '…'}]\n",
        encoding="utf-8",
    )
    assert initviz("run", path, "--save-weights", tmp_path / "kept").code == 0
    found = sorted(one.name for one in (tmp_path / "kept").iterdir())
    assert found == ["a_b.safetensors", "a_b_2.safetensors", "lane.safetensors"]


def test_a_stage_that_fails_is_named(initviz: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    (tmp_path / "w.safetensors").write_bytes(b"no")
    path.write_text(
        "steps = 2\ndata = {name = 'moons'}\nmodel = {family = 'mlp', depth = 1, width = 4}\n"
        "stages = [{name = 'first', weights = 'w.safetensors'}]\n",
        encoding="utf-8",
    )
    result = initviz("run", path)
    assert result.code == 2
    assert "the stage 'first' cannot be used: the file is damaged" in result.err
