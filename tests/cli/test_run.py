"""``initviz run``."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from initviz.catalog.index import catalogue
from initviz.cli import run as run_command
from initviz.experiment.errors import InitVizError
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from initviz.telemetry.frame import RunInfo
from tests.cli.conftest import Result

Run = Callable[..., Result]
NAMES = ["zeros", "He, 何", 'deep "one"', "exploding"]
ROOT = Path(__file__).parents[2]


def unwatched(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[int, tuple[int, str]]]:
    """Train without the command line: losses ``(S, K)``, validation loss and accuracy ``(K,)``, diverged lanes."""
    from initviz.engine.race import Race

    race = Race(load_experiment(path, catalogue(), Limits()), catalogue(), Limits())
    losses = np.array([state.loss.double().tolist() for state in race])
    loss, accuracy = race.evaluate()
    return losses, loss, accuracy, race.diverged


def test_json_is_one_object_of_the_agreed_shape(initviz: Run, experiment_file: Path) -> None:
    result = initviz("run", experiment_file, "--json")
    assert result.code == 0
    found = json.loads(result.out)
    about = {"steps", "device", "wall_s", "steps_per_s", "target_loss", "stages"}
    assert set(found) == about | {"lanes", "groups", "ensemble"}
    assert (found["steps"], found["device"]) == (40, "cpu")
    assert found["wall_s"] > 0
    assert found["steps_per_s"] == pytest.approx(40 / found["wall_s"])
    assert [lane["name"] for lane in found["lanes"]] == NAMES
    keys = {"name", "train_loss", "val_loss", "val_accuracy", "initial_loss", "status", "diverged_at"}
    remedies = {"averaged_val_loss", "averaged_val_accuracy", "stopped_at", "best_step", "suggested_lr"}
    rest = {"gauges", "class_accuracy", "steps_to_target", "weights_loaded", "weights_file"}
    assert all(set(lane) == keys | remedies | rest for lane in found["lanes"])
    assert all(lane[key] is None for lane in found["lanes"] for key in remedies)
    assert all(lane["gauges"] == {} for lane in found["lanes"])


def test_json_tells_how_good_the_lanes_are_together(initviz: Run, experiment_file: Path) -> None:
    found = json.loads(initviz("run", experiment_file, "--json").out)
    told, lanes = found["ensemble"], [lane for lane in found["lanes"] if lane["status"] != "diverged"]
    assert told["members"] == [lane["name"] for lane in lanes] != NAMES
    assert told["mean_accuracy"] == pytest.approx(np.mean([lane["val_accuracy"] for lane in lanes]))
    assert told["best_accuracy"] == max(lane["val_accuracy"] for lane in lanes)
    assert told["mean_loss"] == pytest.approx(np.mean([lane["val_loss"] for lane in lanes]), rel=1e-5)
    assert 0 < told["probabilities_loss"] < told["mean_loss"]  # by Jensen's inequality
    assert np.array(told["disagreement"]).shape == (len(lanes), len(lanes))


def test_what_was_read_from_a_person_s_file_is_told_beside_the_result(initviz: Run, tmp_path: Path) -> None:
    rows = [f"{i},{i % 5},{'yes' if i % 2 else 'no'}" for i in range(20)]
    (tmp_path / "mine.csv").write_text("a,b,answer\n" + "\n".join(rows), encoding="utf-8")
    experiment = tmp_path / "mine.toml"
    experiment.write_text(
        'steps = 3\ndata = {name = "csv", path = "mine.csv"}\nmodel = {family = "mlp", depth = 1, width = 4}\n',
        encoding="utf-8",
    )
    result = initviz("run", experiment, "--json", "--lang", "en")
    assert result.code == 0
    assert len(json.loads(result.out)["lanes"]) == 1
    assert "mine.csv: 20 examples, 2 input columns, target 'answer' (classes)." in result.err
    assert "2 classes: no 10, yes 10." in result.err
    experiment.write_text(experiment.read_text("utf-8").replace("mine.csv", "yours.csv"), encoding="utf-8")
    missing = initviz("run", experiment, "--json", "--lang", "en")
    assert (missing.code, missing.out) == (1, "") or missing.code == 2
    assert "data.path: there is no file 'yours.csv'" in missing.err


def test_the_numbers_are_the_race_s_own(initviz: Run, experiment_file: Path) -> None:
    lanes = json.loads(initviz("run", experiment_file, "--json").out)["lanes"]
    losses, val_loss, val_accuracy, diverged = unwatched(experiment_file)
    assert [lane["status"] for lane in lanes] == ["stalled", "ok", "ok", "diverged"]
    assert lanes[0]["initial_loss"] == pytest.approx(math.log(2), rel=1e-6)
    for place, lane in enumerate(lanes):
        assert lane["initial_loss"] == losses[0, place]
        if place in diverged:
            assert lane["diverged_at"] == diverged[place][0]
            assert lane["train_loss"] is lane["val_loss"] is lane["val_accuracy"] is None
        else:
            assert lane["diverged_at"] is None
            assert lane["val_loss"] == val_loss[place]
            assert lane["val_accuracy"] == val_accuracy[place]
            assert losses[-20:, place].min() <= lane["train_loss"] <= losses[-20:, place].max()


def test_same_file_same_numbers(initviz: Run, experiment_file: Path) -> None:
    one, other = (json.loads(initviz("run", experiment_file, "--json").out)["lanes"] for _ in range(2))
    assert one == other


def test_steps_seed_and_device_take_the_place_of_the_file_s(initviz: Run, experiment_file: Path) -> None:
    text = experiment_file.read_text(encoding="utf-8")
    changed = experiment_file.with_name("changed.toml")
    changed.write_text(
        text.replace("steps = 40", "steps = 7").replace("seed = 3", "seed = 9"), encoding="utf-8"
    )
    given = json.loads(
        initviz("run", experiment_file, "--steps", "7", "--seed", "9", "--device", "cpu", "--json").out
    )
    written = json.loads(initviz("run", changed, "--json").out)
    assert given["steps"] == 7
    assert given["lanes"] == written["lanes"]
    assert (
        given["lanes"] != json.loads(initviz("run", experiment_file, "--steps", "7", "--json").out)["lanes"]
    )


def test_the_clock_of_the_bar_starts_with_the_first_step(
    initviz: Run, experiment_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from initviz.cli.progress import Progress
    from initviz.telemetry.monitor import Monitor

    events: list[str] = []

    def note(owner: object, name: str) -> None:
        original = getattr(owner, name)

        def noting(*arguments: object, **options: object) -> object:
            done = original(*arguments, **options)
            events.append(name)
            return done

        monkeypatch.setattr(owner, name, noting)

    note(run_command, "build_monitor")
    note(Progress, "start")
    note(Monitor, "advance")
    assert initviz("run", experiment_file, "--steps", "2", "--json").code == 0
    assert events == ["build_monitor", "start", "advance", "advance"]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--device", "gpu", "--device: expected auto, cpu"), ("--steps", "200000000", "INITVIZ_MAX_STEPS")],
)
def test_an_option_out_of_bounds_is_refused_by_its_name(
    initviz: Run, experiment_file: Path, option: str, value: str, said: str
) -> None:
    result = initviz("run", experiment_file, option, value)
    assert result.code == 2
    assert said in result.err
    assert f"initviz: {option}: " in result.err


def test_a_device_that_is_not_there_is_said(initviz: Run, experiment_file: Path) -> None:
    import torch

    if torch.cuda.device_count() > 99:
        pytest.skip("this machine has more devices than any")
    result = initviz("run", experiment_file, "--device", "cuda:99")
    assert result.code == 1
    assert "no device 'cuda:99'" in result.err


def test_people_get_a_table(initviz: Run, experiment_file: Path) -> None:
    out = initviz("run", experiment_file).out
    lines = out.splitlines()
    assert lines[0].split() == [
        "lane",
        "status",
        "initial",
        "loss",
        "train",
        "loss",
        "val",
        "loss",
        "val",
        "accuracy",
    ]
    assert "stalled" in lines[2]
    assert "learning" in lines[3]
    assert "diverged at step" in lines[5]
    assert "—" in lines[5]
    assert "40 steps on cpu in" in lines[-1]
    chinese = initviz("run", experiment_file, "--lang", "zh").out
    for word in ("赛道", "停滞", "学习中", "步发散", "步/秒"):
        assert word in chinese


# Metrics


def read_csv(path: Path) -> list[dict[str, object]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [
        {
            key: value if key == "lane" else int(value) if key == "step" else float(value) if value else None
            for key, value in row.items()
        }
        for row in rows
    ]


def read_jsonl(path: Path) -> list[dict[str, object]]:
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is no JSON")

    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line, parse_constant=refuse) for line in lines]


def test_the_three_formats_hold_the_race_s_numbers(
    initviz: Run, experiment_file: Path, tmp_path: Path
) -> None:
    for suffix in ("csv", "jsonl", "parquet"):
        assert initviz("run", experiment_file, "--metrics", tmp_path / f"m.{suffix}").code == 0
    from_csv, from_jsonl = read_csv(tmp_path / "m.csv"), read_jsonl(tmp_path / "m.jsonl")
    table = pq.read_table(tmp_path / "m.parquet")
    assert list(from_csv[0]) == list(from_jsonl[0]) == table.column_names
    assert len(from_csv) == len(from_jsonl) == table.num_rows == 40 * 4
    single = [name for name in table.column_names if "/" in name]
    for text_row, json_row, row in zip(from_csv, from_jsonl, table.to_pylist(), strict=True):
        for name in single:  # the shortest digits that tell single-precision numbers apart
            for other in (text_row, json_row):
                value = other[name]
                other[name] = None if value is None else float(np.float32(str(value)))
        assert text_row == json_row == row

    losses, _, _, _ = unwatched(experiment_file)
    column = np.array([np.nan if row["loss"] is None else row["loss"] for row in from_jsonl]).reshape(40, 4)
    # A lane has no loss from the step on at which it diverged.
    np.testing.assert_array_equal(column, np.where(np.isfinite(losses), losses, np.nan))
    assert [row["step"] for row in from_jsonl] == [step for step in range(40) for _ in range(4)]
    assert [row["lane"] for row in from_jsonl[:4]] == NAMES


def test_norms_are_those_of_the_race(initviz: Run, experiment_file: Path, tmp_path: Path) -> None:
    from initviz.engine.race import Race

    initviz("run", experiment_file, "--metrics", tmp_path / "m.jsonl")
    rows = read_jsonl(tmp_path / "m.jsonl")
    race = Race(load_experiment(experiment_file, catalogue(), Limits()), catalogue(), Limits())
    # torch draws the weights; NumPy takes their norms here.
    for lane, name in enumerate(NAMES):
        (group,) = (group for group in race.groups if lane in group.lanes)
        weights = group.flat[group.lanes.index(lane)].detach().double().numpy()
        first = next(row for row in rows if row["lane"] == name)
        norms = [value for key, value in first.items() if key.startswith("weight_norm/")]
        total = sum(value**2 for value in norms if isinstance(value, float | int))
        assert math.sqrt(total) == pytest.approx(np.linalg.norm(weights), rel=1e-5)  # biases start at zero
    # A lane without such a layer has nothing there.
    assert [row["weight_norm/dense_3"] is None for row in rows[:4]] == [True, True, False, False]
    assert [row["weight_norm/dense_6"] is None for row in rows[:4]] == [True, True, True, False]


def test_a_suffix_without_a_format_is_refused_before_training(
    initviz: Run, experiment_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*arguments: object) -> None:
        raise AssertionError("it trains")

    monkeypatch.setattr(run_command, "train", never)
    result = initviz("run", experiment_file, "--metrics", tmp_path / "m.xlsx")
    assert result.code == 2
    assert ".csv, .jsonl, .parquet" in result.err
    assert "--metrics" in result.err


def test_a_folder_that_is_not_there_is_said_before_training(
    initviz: Run, experiment_file: Path, tmp_path: Path
) -> None:
    for suffix in ("csv", "jsonl", "parquet"):
        result = initviz("run", experiment_file, "--metrics", tmp_path / "none" / f"m.{suffix}")
        assert result.code == 1
        assert "cannot be written" in result.err
        assert result.out == ""


def test_a_folder_of_that_name_is_said_before_training(
    initviz: Run, experiment_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.csv").mkdir()
    result = initviz("run", experiment_file, "--steps", "100000000", "--metrics", tmp_path / "m.csv")
    assert result.code == 1
    assert "Is a directory" in result.err
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
def test_where_there_is_no_room_the_older_file_stays_whole(experiment_file: Path, tmp_path: Path) -> None:
    program = """
import resource, sys
from initviz.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
for suffix in ("csv", "jsonl", "parquet"):
    print(main(["run", sys.argv[1], "--steps", "400", "--metrics", f"{sys.argv[2]}/m.{suffix}"]))
"""
    for suffix in ("csv", "jsonl", "parquet"):
        (tmp_path / f"m.{suffix}").write_text("before", encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-c", program, str(experiment_file), str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.stdout.split() == ["1", "1", "1"], result.stderr
    complaints = result.stderr.splitlines()
    assert len(complaints) == 3
    assert all("cannot be written" in line and "(File too large)" in line for line in complaints)
    assert {path.read_text(encoding="utf-8") for path in tmp_path.glob("m.*")} == {"before"}
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []


def test_a_file_that_cannot_be_renamed_is_kept_and_named(tmp_path: Path) -> None:
    from initviz.cli.metrics import MetricsFile
    from initviz.telemetry import synthetic

    out = tmp_path / "m.jsonl"
    info = synthetic.run_info(2, 3)
    file = MetricsFile(out, info)
    file.write(synthetic.scalars(info, 0, 20))
    out.mkdir()
    with pytest.raises(InitVizError, match="They are whole, in") as caught:
        file.__exit__(None, None, None)
    (kept,) = (path for path in tmp_path.iterdir() if path.name.endswith(".tmp"))
    assert str(kept) in caught.value.text.zh
    assert len(read_jsonl(kept)) == 40


def test_the_file_appears_only_when_it_is_whole(
    initviz: Run, experiment_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from initviz.telemetry.monitor import Monitor

    out = tmp_path / "m.csv"
    out.write_text("before", encoding="utf-8")
    seen: list[str] = []
    advance = Monitor.advance

    def look(self: Monitor, want_frame: bool = False) -> None:
        seen.append(out.read_text(encoding="utf-8"))
        advance(self, want_frame)

    monkeypatch.setattr(Monitor, "advance", look)
    assert initviz("run", experiment_file, "--metrics", out).code == 0
    assert set(seen) == {"before"}
    assert len(read_csv(out)) == 160
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []


def test_a_run_that_fails_keeps_what_was_measured(
    initviz: Run, experiment_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from initviz.telemetry.monitor import Monitor

    monkeypatch.setattr(run_command, "TAKE_INTERVAL_S", 0.0)
    advance = Monitor.advance

    def fail(self: Monitor, want_frame: bool = False) -> None:
        if self.step == 10:
            raise RuntimeError("broken")
        advance(self, want_frame)

    monkeypatch.setattr(Monitor, "advance", fail)
    result = initviz("run", experiment_file, "--metrics", tmp_path / "m.parquet")
    assert result.code == 1
    assert result.out == ""
    assert pq.read_table(tmp_path / "m.parquet").num_rows == 40


def test_memory_stays_bounded_while_metrics_are_written(
    experiment_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from initviz.cli import metrics
    from initviz.telemetry import synthetic

    monkeypatch.setattr(metrics, "ROW_GROUP_BYTES", 10_000)
    info: RunInfo = synthetic.run_info(4, 5)
    with metrics.MetricsFile(tmp_path / "m.parquet", info) as file:
        for first in range(0, 2000, 20):
            file.write(synthetic.scalars(info, first, 20))
            assert isinstance(file._format, metrics._Parquet)
            assert file._format._held_bytes < 10_000 + 20_000
    parquet = pq.ParquetFile(tmp_path / "m.parquet")
    assert parquet.metadata.num_rows == 8000
    assert parquet.metadata.num_row_groups > 10


# Ctrl-C


def test_ctrl_c_ends_after_a_step_with_what_was_done(
    initviz: Run, experiment_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from initviz.telemetry.monitor import Monitor

    advance = Monitor.advance

    def interrupt(self: Monitor, want_frame: bool = False) -> None:
        advance(self, want_frame)
        if self.step == 15:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Monitor, "advance", interrupt)
    before = signal.getsignal(signal.SIGINT)
    result = initviz("run", experiment_file, "--json", "--metrics", tmp_path / "m.csv")
    assert signal.getsignal(signal.SIGINT) is before
    assert result.code == 130
    assert json.loads(result.out)["steps"] == 15
    assert len(read_csv(tmp_path / "m.csv")) == 60


@pytest.mark.skipif(sys.platform == "win32", reason="there a process cannot be sent Ctrl-C alone")
def test_ctrl_c_in_a_process_of_its_own(experiment_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "initviz", "run", str(experiment_file), "--steps", "10000000", "--json"]
        + ["--metrics", str(out)],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    unfinished = tmp_path / f".m.jsonl.{process.pid}.tmp"
    deadline = time.monotonic() + 60
    while not (unfinished.exists() and unfinished.stat().st_size > 1000) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=30)
    assert process.returncode == 130, complained
    steps = json.loads(said)["steps"]
    assert 0 < steps < 10_000_000
    assert len(read_jsonl(out)) == 4 * steps
    assert "Traceback" not in complained
