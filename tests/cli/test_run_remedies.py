"""What ``initviz run`` tells of remedies: averages, early stopping, gauges, classes and suggested rates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from tests.cli.conftest import Result

Run = Callable[..., Result]

REMEDIES = """
device = "cpu"
steps = 60
data = { name = "iris", batch_size = 16, validation = 0.3 }
model = { family = "mlp", depth = 2, width = 16, activation = "relu" }
optimizer = { name = "sgd", lr = 0.1 }
[[lanes]]
name = "averaged"
remedies.ema = { decay = 0.9 }
[[lanes]]
name = "stopped"
optimizer.lr = 1e-30
remedies.early_stopping = { patience = 2 }
[[lanes]]
name = "clipped"
remedies.clip_norm = { max_norm = 1e-6 }
[[lanes]]
name = "diverged"
optimizer.lr = 1e6
"""

RANGE = """
device = "cpu"
steps = 300
data = { name = "digits", batch_size = 64 }
model = { family = "mlp", depth = 3, width = 32, activation = "relu" }
optimizer = { name = "sgd", lr = 0.1 }
[[lanes]]
name = "test"
schedule = { name = "range_test" }
[[lanes]]
name = "constant"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "experiment.toml"
    path.write_text(text, encoding="utf-8")
    return path


def lanes_of(initviz: Run, path: Path) -> dict[str, dict[str, Any]]:
    result = initviz("run", path, "--json")
    assert result.code == 0
    return {lane["name"]: lane for lane in json.loads(result.out)["lanes"]}


def test_every_remedy_is_told_of_the_lane_that_has_it(initviz: Run, tmp_path: Path) -> None:
    path = written(tmp_path, REMEDIES)
    lanes = lanes_of(initviz, path)
    averaged = lanes["averaged"]
    assert averaged["averaged_val_loss"] != averaged["val_loss"]
    assert averaged["averaged_val_loss"] == pytest.approx(averaged["val_loss"], rel=0.5)
    assert 0 <= averaged["averaged_val_accuracy"] <= 1
    assert all(lanes[name]["averaged_val_loss"] is None for name in ("stopped", "clipped", "diverged"))
    # 150 flowers, of which 105 make seven batches an epoch.
    stopped = lanes["stopped"]
    assert (stopped["status"], stopped["best_step"], stopped["stopped_at"]) == ("stopped", 7, 21)
    assert stopped["val_loss"] is not None
    assert stopped["train_loss"] is not None
    assert stopped["diverged_at"] is None
    assert lanes["clipped"]["gauges"] == {"norm_clipped": 1.0}
    assert averaged["gauges"] == {}
    assert lanes["diverged"]["status"] == "diverged"
    assert lanes["diverged"]["stopped_at"] is None


def test_class_accuracies_are_those_of_the_answers(initviz: Run, tmp_path: Path) -> None:
    from initviz.engine.race import Race

    path = written(tmp_path, REMEDIES)
    lanes = lanes_of(initviz, path)
    race = Race(load_experiment(path, catalogue(), Limits()), catalogue(), Limits())
    for _ in race:
        pass
    wanted = race.data.validation_targets.numpy()
    for lane, outputs in zip(lanes.values(), race.predict(race.data.validation_inputs), strict=True):
        if lane["status"] == "diverged":
            assert set(lane["class_accuracy"].values()) == {None}
            continue
        answers = outputs.argmax(1).numpy()
        shares = {
            name: float((answers[wanted == place] == place).mean())
            for place, name in enumerate(race.data.class_names)
        }
        assert lane["class_accuracy"] == pytest.approx(shares)
        counts = np.bincount(wanted, minlength=3)
        mean = np.average(list(shares.values()), weights=counts)
        assert lane["val_accuracy"] == pytest.approx(mean)


def test_a_range_test_suggests_a_rate(initviz: Run, tmp_path: Path) -> None:
    lanes = lanes_of(initviz, written(tmp_path, RANGE))
    assert lanes["constant"]["suggested_lr"] is None
    assert 1e-3 < lanes["test"]["suggested_lr"] < 3.0


def test_a_regression_has_no_classes(initviz: Run, tmp_path: Path) -> None:
    text = RANGE.replace('"digits"', '"wave"').replace("steps = 300", "steps = 20")
    for lane in lanes_of(initviz, written(tmp_path, text)).values():
        assert lane["class_accuracy"] is None
        assert lane["val_accuracy"] is None


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["averaged loss", "stopped at step 21, best at 7", "diverged at step"]),
        ("zh", ["平均后损失", "第 21 步停止，最佳在第 7 步", "步发散"]),
    ],
)
def test_the_table_says_the_same(initviz: Run, tmp_path: Path, language: str, words: list[str]) -> None:
    out = initviz("run", written(tmp_path, REMEDIES), "--lang", language).out
    for word in words:
        assert word in out
    out = initviz("run", written(tmp_path, RANGE), "--lang", language).out
    assert ("suggested lr" if language == "en" else "建议学习率") in out


def test_a_lane_above_the_constant_prediction_is_not_called_stalled(initviz: Run, tmp_path: Path) -> None:
    """Weights of 3 and a rate of nearly nothing: it answers worse than a constant, and stays so."""
    text = REMEDIES.replace("batch_size = 16", "batch_size = 105").split("[[lanes]]", maxsplit=1)[0] + (
        '[[lanes]]\nname = "worse"\noptimizer.lr = 1e-30\ninit.weight = { name = "normal", std = 3.0 }\n'
    )
    path = written(tmp_path, text)
    lane = lanes_of(initviz, path)["worse"]
    assert lane["train_loss"] > 1.1 * 1.02
    assert lane["status"] == "ok"
    assert "worse than a constant" in initviz("run", path, "--lang", "en").out
