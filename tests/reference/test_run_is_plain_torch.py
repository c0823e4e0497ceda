"""What ``initviz run`` prints and writes is what a plain program in torch gives, number by number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.reference.plain import PlainLane, measured, metrics, race_of, told

DENSE, CONVOLUTIONAL = 1e-12, 1e-9

FOUR_STARTS = """
steps = 100
dtype = "float64"
device = "cpu"
[data]
name = "digits"
batch_size = 128
[model]
family = "mlp"
depth = 12
width = 64
activation = "relu"
[optimizer]
name = "sgd"
lr = 0.02
momentum = 0.9
[[lanes]]
name = "zeros"
init.weight = { name = "zeros" }
[[lanes]]
name = "N(0, 0.01²)"
init.weight = { name = "normal", std = 0.01 }
[[lanes]]
name = "Xavier"
init.weight = { name = "xavier_normal" }
[[lanes]]
name = "He"
init.weight = { name = "he_normal" }
"""

EVERY_OPTIMIZER = """
steps = 100
seed = 11
dtype = "float64"
device = "cpu"
[data]
name = "moons"
batch_size = 64
samples = 500
[model]
family = "mlp"
depth = 2
width = 32
activation = "tanh"
[optimizer]
name = "adam"
lr = 0.003
betas = [0.8, 0.99]
[schedule]
name = "cosine"
final_factor = 0.1
[[lanes]]
name = "as all"
[[lanes]]
name = "own seed"
seed = 5
[[lanes]]
name = "SGD"
optimizer = { name = "sgd", lr = 0.1, momentum = 0.8, nesterov = true, weight_decay = 0.001 }
schedule = { name = "step", step_size = 30, gamma = 0.5 }
[[lanes]]
name = "AdamW"
optimizer = { name = "adamw", lr = 0.002, weight_decay = 0.05 }
schedule = { name = "exponential", gamma = 0.99 }
[[lanes]]
name = "RMSprop"
optimizer = { name = "rmsprop", lr = 0.001, alpha = 0.95, momentum = 0.3, centered = true }
[[lanes]]
name = "Adagrad"
optimizer = { name = "adagrad", lr = 0.05, lr_decay = 0.01 }
[[lanes]]
name = "other betas and another seed"
seed = 9
optimizer.betas = [0.9, 0.95]
init.bias = { name = "normal", std = 0.2 }
"""

STRUCTURES = """
steps = 100
seed = 2
dtype = "float64"
device = "cpu"
[data]
name = "wine"
batch_size = 50
validation = 0.3
[model]
family = "resnet_mlp"
blocks = 3
width = 20
activation = "elu"
[init]
bias = { name = "uniform", low = -0.1, high = 0.1 }
[optimizer]
name = "adam"
lr = 0.002
[[lanes]]
name = "He"
[[lanes]]
name = "Fixup"
init.weight = { name = "fixup" }
[[lanes]]
name = "ReZero"
init.weight = { name = "rezero" }
[[lanes]]
name = "deeper"
model.blocks = 5
[[lanes]]
name = "plain"
model = { family = "mlp", depth = 4, width = 12, activation = "silu" }
[[lanes]]
name = "list"
model.layers = [
    { kind = "dense", units = 9, bias = false },
    { kind = "activation", function = "softsign" },
    { kind = "residual", activation = "hard_swish" },
    { kind = "dense", units = 7, init.weight = { name = "orthogonal", gain = 1.5 } },
]
"""

CONVOLUTIONS = """
steps = 100
seed = 4
dtype = "float64"
device = "cpu"
[data]
name = "digits"
batch_size = 100
standardize = false
[model]
layers = [
    { kind = "conv", channels = 6, kernel = 3, padding = 1 },
    { kind = "activation", function = "relu" },
    { kind = "max_pool", size = 2 },
    { kind = "conv", channels = 5, kernel = 2, stride = 2, padding = 1, bias = false },
    { kind = "activation", function = "tanh" },
    { kind = "avg_pool", size = 2 },
    { kind = "flatten" },
    { kind = "dense", units = 16 },
    { kind = "activation", function = "gelu" },
]
[optimizer]
name = "adam"
lr = 0.003
[[lanes]]
name = "He"
[[lanes]]
name = "delta-orthogonal"
init.weight = { name = "delta_orthogonal" }
[[lanes]]
name = "LSUV, own seed"
seed = 12
init.weight = { name = "lsuv" }
[[lanes]]
name = "quick form"
model = { family = "cnn", channels = 7, blocks = 3, activation = "relu" }
optimizer = { name = "sgd", lr = 0.05, momentum = 0.9 }
"""

EXPERIMENTS = pytest.mark.parametrize(
    ("text", "tolerance"),
    [
        pytest.param(FOUR_STARTS, DENSE, id="four starts"),
        pytest.param(EVERY_OPTIMIZER, DENSE, id="every optimizer"),
        pytest.param(STRUCTURES, DENSE, id="structures"),
        pytest.param(CONVOLUTIONS, CONVOLUTIONAL, id="convolutions"),
    ],
)


@EXPERIMENTS
def test_every_number_of_every_step(text: str, tolerance: float, tmp_path: Path) -> None:
    path, out = tmp_path / "experiment.toml", tmp_path / "out.parquet"
    path.write_text(text, encoding="utf-8")
    result = told("run", path, "--json", "--metrics", out)
    race = race_of(path)
    assert result["steps"] == race.total_steps
    assert result["device"] == "cpu"
    assert len(result["lanes"]) == race.num_lanes > 3
    for index, lane in enumerate(result["lanes"]):
        plain = PlainLane(path, index, race)
        assert lane["name"] == plain.name
        wanted, found = plain.train(), metrics(out, lane["name"])

        losses = np.array(wanted.loss)
        difference = np.abs(found["loss"] - losses) / np.maximum(1.0, losses)
        assert difference.max() <= tolerance, (lane["name"], difference.argmax())
        np.testing.assert_array_equal(found["accuracy"], wanted.accuracy)
        np.testing.assert_allclose(found["lr"], wanted.lr, rtol=1e-12)
        for place, layer in enumerate(measured(plain.network)):
            for norm in ("weight_norm", "grad_norm", "update_norm"):
                column = np.array(getattr(wanted, norm))[:, place]
                np.testing.assert_allclose(
                    found[f"{norm}/{layer}"], column, rtol=2e-6, atol=1e-12, err_msg=f"{norm}/{layer}"
                )

        assert lane["initial_loss"] == pytest.approx(losses[0], rel=tolerance)
        epoch = race.data.steps_per_epoch
        last = np.average(losses[-epoch:], weights=wanted.sizes[-epoch:])
        assert lane["train_loss"] == pytest.approx(last, rel=10 * tolerance)
        loss, accuracy = plain.scores()
        assert lane["val_loss"] == pytest.approx(loss, rel=100 * tolerance)
        assert lane["val_accuracy"] == pytest.approx(accuracy, rel=1e-12)
        assert lane["diverged_at"] is None
