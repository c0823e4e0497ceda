"""``initviz probe``, against the same network written plainly in ``torch.nn``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from tests.cli.conftest import Result

Run = Callable[..., Result]

KEYS = {
    "name",
    "kind",
    "shape",
    "fan_in",
    "fan_out",
    "weight_mean",
    "weight_std",
    "target_std",
    "preactivation_mean",
    "preactivation_q",
    "activation_mean",
    "activation_var",
    "grad_preactivation_q",
    "grad_weight_std",
    "grad_norm",
    "predicted_q",
    "predicted_grad_q",
    "chi",
    "phase",
    "xi_c",
}


def test_json_has_the_agreed_shape(initviz: Run, experiment_file: Path) -> None:
    result = initviz("probe", experiment_file, "--json")
    assert result.code == 0
    found = json.loads(result.out)
    assert list(found) == ["lanes"]
    assert [len(lane["layers"]) for lane in found["lanes"]] == [3, 3, 4, 7]
    for lane in found["lanes"]:
        assert set(lane) == {"name", "loss", "layers", "not_covered"}
        for layer in lane["layers"]:
            assert set(layer) == KEYS
    first = found["lanes"][1]["layers"][0]
    assert (first["name"], first["kind"], first["shape"]) == ("dense_1", "dense", [8, 2])
    assert (first["fan_in"], first["fan_out"]) == (2, 8)
    assert first["target_std"] == pytest.approx(1.0)
    assert found["lanes"][0]["loss"] == pytest.approx(math.log(2), rel=1e-6)


def test_what_is_no_number_is_null(initviz: Run, experiment_file: Path) -> None:
    text = experiment_file.read_text(encoding="utf-8")
    experiment_file.write_text(text.replace("model.depth = 6", "model.depth = 20"), encoding="utf-8")
    result = initviz("probe", experiment_file, "--json")
    assert result.code == 0
    exploding = json.loads(result.out, parse_constant=pytest.fail)["lanes"][3]
    assert exploding["loss"] is None
    assert exploding["layers"][0]["preactivation_q"] > 1e5
    assert exploding["layers"][-1]["preactivation_q"] is None
    assert exploding["layers"][-1]["activation_var"] is None


def test_the_numbers_are_those_of_plain_torch(initviz: Run, experiment_file: Path) -> None:
    import torch

    from initviz.engine.race import Race

    text = experiment_file.read_text(encoding="utf-8")
    experiment_file.write_text('dtype = "float64"\n' + text, encoding="utf-8")
    lane = json.loads(initviz("probe", experiment_file, "--batch", "50", "--json").out)["lanes"][1]

    race = Race(load_experiment(experiment_file, catalogue(), Limits()), catalogue(), Limits())
    (group,) = (group for group in race.groups if 1 in group.lanes)
    row = group.flat[group.lanes.index(1)].detach()
    inputs, targets = race.data.inputs[:50], race.data.targets[:50]
    x, weights, signals = inputs, [], []
    for layer in group.network.measured:  # biases start at zero
        slot = layer.slot
        weight = row[slot.offset : slot.stop].reshape(slot.spec.shape).clone().requires_grad_()
        z = x @ weight.T
        z.retain_grad()
        weights.append(weight)
        signals.append(z)
        x = torch.relu(z)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(signals[-1].squeeze(1), targets)
    loss.backward()  # type: ignore[no-untyped-call]
    assert lane["loss"] == pytest.approx(loss.item(), rel=1e-12)
    for found, weight, z in zip(lane["layers"], weights, signals, strict=True):
        assert weight.grad is not None
        assert z.grad is not None
        assert found["weight_std"] == pytest.approx(weight.std(correction=0).item(), rel=1e-9)
        assert found["preactivation_q"] == pytest.approx(z.square().mean().item(), rel=1e-9)
        assert found["grad_preactivation_q"] == pytest.approx((50 * z.grad).square().mean().item(), rel=1e-9)
        assert found["grad_norm"] == pytest.approx(np.linalg.norm(weight.grad.numpy()), rel=1e-9)


def test_a_signal_that_all_but_vanishes_is_told_truly(initviz: Run, tmp_path: Path) -> None:
    path = tmp_path / "deep.toml"
    path.write_text(
        """
        dtype = "float64"
        data = { name = "gaussian", dim = 64, classes = 4, samples = 256 }
        model = { family = "mlp", depth = 30, width = 64, activation = "identity" }
        init.weight = { name = "normal", std = 0.01 }
        """,
        encoding="utf-8",
    )
    (lane,) = json.loads(initviz("probe", path, "--json").out)["lanes"]
    q = [layer["preactivation_q"] for layer in lane["layers"]]
    # Each layer multiplies E[z²] by 64 · 0.01² on average; the random matrices' own spread adds up with depth.
    assert q[29] == pytest.approx((64 * 0.01**2) ** 30, rel=5.0)
    assert 0 < q[29] < 1e-60
    assert lane["layers"][0]["grad_preactivation_q"] < 1e-60


def test_predictions_stand_beside_what_is_measured(initviz: Run, tmp_path: Path) -> None:
    """Thirty ReLU layers from Xavier: halved forward and backward, in theory and in fact."""
    path = tmp_path / "xavier.toml"
    path.write_text(
        """
        dtype = "float64"
        data = { name = "gaussian", dim = 256, classes = 4, samples = 256, standardize = false }
        model = { family = "mlp", depth = 30, width = 256 }
        init.weight = { name = "xavier_normal" }
        [[lanes]]
        name = "drawn"
        [[lanes]]
        name = "equal"
        init.weight = { name = "ones" }
        """,
        encoding="utf-8",
    )
    drawn, equal = json.loads(initviz("probe", path, "--json").out)["lanes"]
    layers = drawn["layers"]
    # Each ReLU layer scatters by 5/n at most; four deviations.
    band = 4 * math.sqrt(30 * 5 / 256)
    for layer in layers:
        assert abs(math.log(layer["preactivation_q"] / layer["predicted_q"])) < band
        assert abs(math.log(layer["grad_preactivation_q"] / layer["predicted_grad_q"])) < band
        assert layer["phase"] == "ordered"
        assert layer["xi_c"] == pytest.approx(-1 / math.log(0.5))
    assert layers[29]["predicted_q"] / layers[1]["predicted_q"] == pytest.approx(2.0**-28)
    assert layers[-1]["predicted_grad_q"] == layers[-1]["grad_preactivation_q"]
    assert layers[0]["chi"] is None
    assert layers[5]["chi"] == pytest.approx(0.5)
    assert drawn["not_covered"] is None
    assert equal["layers"][3]["predicted_q"] is None
    assert "Ones" in equal["not_covered"]
    said = initviz("probe", path, "--lang", "zh").out
    assert "有序相" in said
    assert "“全一”" in said


def test_people_get_a_table_a_lane(initviz: Run, experiment_file: Path) -> None:
    blocks = initviz("probe", experiment_file).out.split("\n\n")
    assert [block.splitlines()[0].split(":")[0] for block in blocks] == [
        "zeros",
        "He, 何",
        'deep "one"',
        "exploding",
    ]
    assert "E[(dC/dz)²]" in blocks[0]
    assert "8×2" in blocks[1]
    assert "梯度范数" in initviz("probe", experiment_file, "--lang", "zh").out


def test_a_batch_above_the_limit_is_refused(initviz: Run, experiment_file: Path) -> None:
    result = initviz("probe", experiment_file, "--batch", "100000")
    assert result.code == 2
    assert "--batch" in result.err
    assert "INITVIZ_MAX_BATCH_SIZE" in result.err


def test_jacobian_adds_singular_values(initviz: Run, experiment_file: Path) -> None:
    plain = json.loads(initviz("probe", experiment_file, "--json", "--batch", "3").out)
    result = initviz("probe", experiment_file, "--json", "--batch", "3", "--jacobian")
    assert result.code == 0
    found = json.loads(result.out)
    for lane, before in zip(found["lanes"], plain["lanes"], strict=True):
        assert lane.keys() > before.keys()
        values = np.array(lane["jacobian_singular_values"])
        assert values.shape == (3, 1)  # one output: a single singular value an example
        if values.min() > 0:
            assert lane["condition_number"] == pytest.approx(values.max() / values.min())
            assert lane["jacobian_mean_square"] == pytest.approx(np.square(values).mean())
        hidden = np.array(lane["hidden_jacobian_singular_values"])
        assert hidden.shape == (3, 8)
        assert (np.diff(hidden, axis=1) <= 0).all()
        for layer, old in zip(lane["layers"], before["layers"], strict=True):
            assert layer.items() >= old.items()
            assert layer["spectral_norm"] >= layer["smallest_singular_value"] >= 0
            assert 0 <= layer["effective_rank"] <= min(layer["shape"]) + 1e-9
    zeros = found["lanes"][0]
    assert zeros["condition_number"] is None  # 0 over 0
    assert zeros["layers"][0]["effective_rank"] == 0


def test_jacobian_in_words(initviz: Run, experiment_file: Path) -> None:
    result = initviz("probe", experiment_file, "--jacobian")
    assert result.code == 0
    assert result.out.count("Jacobian, input to output, 4 examples: ") == 4
    assert result.out.count("condition number") >= 8
    assert "jacobian" not in initviz("probe", experiment_file).out.lower()
