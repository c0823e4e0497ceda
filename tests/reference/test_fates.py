"""Stalled and diverged mean what the manual says, and are said of the right lanes, steps and layers."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris, load_wine
from torch import nn

from initviz.cli import main
from tests.reference.plain import PlainLane, metrics, race_of, told

# Stalled


def best_constant_loss(targets: np.ndarray) -> float:
    """Return the cross-entropy of the class shares against themselves, by gradient descent on a constant."""
    labels = torch.tensor(targets)
    logits = torch.zeros(int(targets.max()) + 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-12)

    def closure() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(logits.expand(len(labels), -1), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return closure()


@pytest.mark.parametrize(("name", "load"), [("wine", load_wine), ("iris", load_iris)])
def test_stalled_is_within_two_per_cent_of_the_best_constant_prediction(
    name: str, load: type, tmp_path: Path
) -> None:
    rates = [0.0, *(0.00003 * 1.4**power for power in range(14))]
    path = tmp_path / "experiment.toml"
    path.write_text(
        f"""
        device = "cpu"
        dtype = "float64"
        steps = 60
        data = {{ name = "{name}", batch_size = 1000, validation = 0.0 }}
        model.layers = []
        init.weight = {{ name = "zeros" }}
        """
        + "".join(
            f'[[lanes]]\nname = "{place}"\noptimizer = {{ name = "sgd", lr = {rate}, momentum = 0.0 }}\n'
            for place, rate in enumerate(rates)
        ),
        encoding="utf-8",
    )
    constant = best_constant_loss(load().target)
    lanes = told("run", path, "--json")["lanes"]
    shares = [lane["train_loss"] / constant for lane in lanes]
    # The lanes fall on both sides of the line, and near it.
    assert max(share for share in shares if share < 0.98) > 0.95
    assert min(share for share in shares if share > 0.98) < 0.99
    for lane, share in zip(lanes, shares, strict=True):
        assert lane["status"] == ("stalled" if share >= 0.98 else "ok"), share
    assert lanes[0]["initial_loss"] == pytest.approx(math.log(3))


# Diverged

DIVERGING = """
device = "cpu"
dtype = "{dtype}"
steps = 60
data = {{ name = "digits", batch_size = 64 }}
model = {{ family = "mlp", depth = 4, width = 32, activation = "relu" }}
optimizer = {{ name = "sgd", lr = 0.05, momentum = 0.0 }}
[[lanes]]
name = "learns"
[[lanes]]
name = "rate of 3"
optimizer.lr = 3.0
[[lanes]]
name = "rate of 100"
optimizer.lr = 100.0
[[lanes]]
name = "momentum"
optimizer = {{ name = "sgd", lr = 0.7, momentum = 0.95 }}
[[lanes]]
name = "start"
init.weight = {{ name = "normal", std = 30.0 }}
"""


def first_bad_layer(plain: PlainLane, inputs: torch.Tensor) -> str | None:
    """Return the first layer with weights after which a number is not finite."""
    x, layer = inputs, None
    with torch.no_grad():
        for name, module in plain.network.named_children():
            x = module(x)
            if list(module.parameters()):
                layer = name
            if not bool(torch.isfinite(x).all()):
                return layer
    return None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_step_and_layer_of_divergence(dtype: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "experiment.toml", tmp_path / "m.parquet"
    path.write_text(DIVERGING.format(dtype=dtype), encoding="utf-8")
    lanes = told("run", path, "--json", "--metrics", out)["lanes"]
    capsys.readouterr()
    assert main(["run", str(path), "--lang", "en"]) == 0
    table = capsys.readouterr().out
    race = race_of(path)
    diverged = 0
    for index, lane in enumerate(lanes):
        plain = PlainLane(path, index, race)
        losses = plain.train().loss
        if math.isfinite(losses[-1]):
            assert lane["diverged_at"] is None
            assert lane["status"] in ("ok", "stalled")
            continue
        diverged += 1
        step = len(losses) - 1
        assert (lane["status"], lane["diverged_at"]) == ("diverged", step), lane["name"]
        assert lane["train_loss"] is lane["val_loss"] is lane["val_accuracy"] is None
        layer = first_bad_layer(plain, race.data.batch(step)[0]) or "output"
        row = next(line for line in table.splitlines() if line.startswith(f"{lane['name']} "))
        assert f"diverged at step {step} ({layer})" in row
        found = metrics(out, lane["name"])
        assert len(found["loss"]) == 60
        assert np.isfinite(found["loss"][:step]).all()
        assert np.isnan(found["loss"][step:]).all()
    assert diverged >= 2
    assert lanes[0]["status"] == "ok"


def test_the_first_bad_layer_of_a_start_that_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Orthogonal matrices multiply by their gain exactly: when a layer overflows can be counted."""
    path = tmp_path / "experiment.toml"
    path.write_text(
        """
        device = "cpu"
        steps = 3
        data = { name = "gaussian", dim = 16, classes = 3, samples = 100 }
        model = { family = "mlp", depth = 6, width = 16, activation = "identity" }
        init.weight = { name = "orthogonal", gain = 1000.0 }
        [[lanes]]
        name = "deep"
        model.depth = 20
        [[lanes]]
        name = "shallow"
        """,
        encoding="utf-8",
    )
    assert main(["run", str(path), "--lang", "en"]) == 0
    # The largest single-precision number is 3.4e38, and 1000^13 is 1e39: in the thirteenth layer, or, of an input
    # that is large itself, in the one before.
    first, second = capsys.readouterr().out.splitlines()[2:4]
    assert "diverged at step 0 (dense_13)" in first or "diverged at step 0 (dense_12)" in first
    assert "diverged at step 1 " in second


def test_a_lane_that_is_lost_by_the_last_update_has_diverged(tmp_path: Path) -> None:
    """No step is left that would show it, but the examples held back do."""
    path = tmp_path / "experiment.toml"
    path.write_text(DIVERGING.format(dtype="float32"), encoding="utf-8")
    whole = told("run", path, "--json")["lanes"]
    lost = {lane["name"]: lane["diverged_at"] for lane in whole if lane["diverged_at"]}
    assert len(lost) >= 2
    for name, step in lost.items():
        lanes = {lane["name"]: lane for lane in told("run", path, "--json", "--steps", step)["lanes"]}
        lane = lanes[name]
        assert (lane["status"], lane["diverged_at"]) == ("diverged", step)
        assert lane["train_loss"] is lane["val_loss"] is lane["val_accuracy"] is None
        assert math.isfinite(lane["initial_loss"])
        assert lanes["learns"]["status"] == "ok"
        for other in lanes.values():
            assert (other["val_loss"] is None) == (other["status"] == "diverged")


# The experiment that is there when nothing is said


def test_the_default_experiment_learns(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(
        "steps = 300\n" + "".join(f"[[lanes]]\nname = 'seed {seed}'\nseed = {seed}\n" for seed in range(4)),
        encoding="utf-8",
    )
    assert "optimizer" not in tomllib.loads(path.read_text(encoding="utf-8"))
    for lane in told("run", path, "--device", "cpu", "--json")["lanes"]:
        assert lane["status"] == "ok"
        assert lane["val_accuracy"] > 0.85
