"""Every field of ``initviz probe`` is what autograd on plain modules gives."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.reference.plain import PlainLane, Residual, Table, measured, race_of, told
from tests.reference.test_run_is_plain_torch import CONVOLUTIONS, EVERY_OPTIMIZER, FOUR_STARTS, STRUCTURES

Facts = dict[str, dict[str, Any]]


def moments(x: Tensor) -> tuple[float, float]:
    """Return mean and mean square over everything, in double precision."""
    wide = x.detach().double()
    return wide.mean().item(), wide.square().mean().item()


def by_autograd(plain: PlainLane, inputs: Tensor, targets: Tensor) -> tuple[float, Facts]:
    """Return the loss of a batch and the facts of every measured layer.

    A layer's pre-activations z are its outputs; a residual block's last weight tells what it adds to the stream, and
    the block's output as the activation after it.
    """
    signals: dict[str, tuple[Tensor, Tensor]] = {}  # z, and what the activation after it makes of it
    x, waiting = inputs, None
    for name, module in plain.network.named_children():
        if isinstance(module, Residual):
            z = module.first(x)
            signals[f"{name}.1"] = z, module.activation(z)
            z = module.second(signals[f"{name}.1"][1])
            x = x + module.scale * z
            waiting = f"{name}.2"
            signals[waiting] = z, x
        elif isinstance(module, nn.Linear | nn.Conv2d):
            x = module(x)
            waiting = name
            signals[name] = x, x
        else:
            x = module(x)
            if name.startswith("activation") and waiting is not None:
                signals[waiting] = signals[waiting][0], x
                waiting = None
    loss = plain.loss(x, targets)
    weights = measured(plain.network)
    found = torch.autograd.grad(loss, [*(z for z, _ in signals.values()), *weights.values()])
    by_z, by_weight = found[: len(signals)], found[len(signals) :]
    facts: Facts = {}
    for (name, (z, a)), grad_z, grad in zip(signals.items(), by_z, by_weight, strict=True):
        mean_a, square_a = moments(a)
        weight = weights[name].detach().double()
        facts[name] = {
            "shape": list(weight.shape),
            "fan_in": weight[0].numel(),
            "fan_out": weight[:, 0].numel(),
            "weight_mean": weight.mean().item(),
            "weight_std": weight.std(correction=0).item(),
            "preactivation_mean": moments(z)[0],
            "preactivation_q": moments(z)[1],
            "activation_mean": mean_a,
            "activation_var": square_a - mean_a**2,
            # C is the loss of one example: the batch's mean loss, times the examples in it.
            "grad_preactivation_q": moments(len(targets) * grad_z)[1],
            "grad_weight_std": grad.double().std(correction=0).item(),
            "grad_norm": torch.linalg.vector_norm(grad.double()).item(),
        }
    return loss.item(), facts


def check(path: Path, tolerance: float, *options: object, examples: int | None = None) -> None:
    lanes = told("probe", path, "--json", *options)["lanes"]
    race = race_of(path)
    assert len(lanes) == race.num_lanes
    for index, lane in enumerate(lanes):
        plain = PlainLane(path, index, race)
        assert lane["name"] == plain.name
        batch = race.data.batch(0)
        if examples is not None:
            batch = race.data.inputs[:examples], race.data.targets[:examples]
        loss, facts = by_autograd(plain, *batch)
        assert lane["loss"] == pytest.approx(loss, rel=tolerance)
        assert [layer["name"] for layer in lane["layers"]] == list(facts)
        for layer in lane["layers"]:
            wanted = facts[layer["name"]]
            assert layer["kind"] == ("dense" if layer["name"] == "output" else layer["name"].split("_")[0])
            assert set(layer) - set(wanted) - FORETOLD == {"name", "kind", "target_std"}
            for field, value in wanted.items():
                # A mean or a variance is small beside the numbers that it is made of.
                scale = {
                    "weight_mean": wanted["weight_std"],
                    "preactivation_mean": math.sqrt(wanted["preactivation_q"]),
                    "activation_mean": math.sqrt(wanted["activation_var"]) + abs(wanted["activation_mean"]),
                    "activation_var": wanted["activation_mean"] ** 2,
                }.get(field, 0.0)
                assert layer[field] == pytest.approx(value, rel=tolerance, abs=tolerance * scale + 1e-300), (
                    lane["name"],
                    layer["name"],
                    field,
                )


FORETOLD = {"predicted_q", "predicted_grad_q", "chi", "phase", "xi_c"}
"""What theory says of a layer beside what is measured; tests/theory holds it to its own facts."""


@pytest.mark.parametrize(
    "text",
    [FOUR_STARTS, EVERY_OPTIMIZER, STRUCTURES, CONVOLUTIONS],
    ids=["four starts", "points", "structures", "convolutions"],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_field_of_every_layer(text: str, dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(text.replace('dtype = "float64"', f'dtype = "{dtype}"'), encoding="utf-8")
    check(path, 1e-9 if dtype == "float64" else 2e-4)


def test_the_first_examples_are_those_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(STRUCTURES, encoding="utf-8")
    check(path, 1e-9, "--batch", "17", examples=17)


TARGETS: list[tuple[str, Table, float]] = [
    # Fan-in 40, fan-out 30: the deviation that each start aims at, from its paper.
    ("zeros", {}, 0.0),
    ("constant", {"value": 0.3}, 0.0),
    ("normal", {"std": 0.3}, 0.3),
    ("truncated_normal", {"std": 0.3}, 0.3),
    ("uniform", {"low": -1.0, "high": 2.0}, 3 / math.sqrt(12)),
    ("xavier_normal", {"gain": 2.0}, 2 * math.sqrt(2 / 70)),
    ("glorot_uniform", {}, math.sqrt(2 / 70)),
    ("he_normal", {}, math.sqrt(2 / 40)),
    ("kaiming_uniform", {"mode": "fan_out", "slope": 0.5}, math.sqrt(2 / (1.25 * 30))),
    ("lecun_normal", {}, math.sqrt(1 / 40)),
    ("lecun_uniform", {}, math.sqrt(1 / 40)),
    ("pytorch_default", {}, 1 / math.sqrt(3 * 40)),
    ("variance_scaling", {"scale": 3.0, "mode": "fan_avg"}, math.sqrt(3 / 35)),
    ("orthogonal", {"gain": 1.5}, 1.5 / math.sqrt(40)),
    ("sparse", {"sparsity": 0.9, "std": 2.0}, 2 * math.sqrt(0.1)),
]


def test_the_deviation_aimed_at_is_the_paper_s_and_the_one_drawn_is_near(tmp_path: Path) -> None:
    for first in range(0, len(TARGETS), 8):
        part = TARGETS[first : first + 8]
        lanes = "".join(
            f'[[lanes]]\nname = "{name}"\ninit.weight = {{ name = "{name}"'
            + "".join(f", {key} = {value!r}" for key, value in values.items()).replace("'", '"')
            + " }\n"
            for name, values, _ in part
        )
        path = tmp_path / "experiment.toml"
        path.write_text(
            'device = "cpu"\n[data]\nname = "gaussian"\ndim = 40\nclasses = 3\nsamples = 100\n'
            '[model]\nfamily = "mlp"\ndepth = 1\nwidth = 30\n' + lanes,
            encoding="utf-8",
        )
        for lane, (name, _, wanted) in zip(told("probe", path, "--json")["lanes"], part, strict=True):
            layer = lane["layers"][0]
            assert (layer["fan_in"], layer["fan_out"]) == (40, 30)
            assert layer["target_std"] == pytest.approx(wanted, rel=1e-12), name
            # 1,200 numbers: their deviation is known to one part in 49 if they are normal; five of those.
            assert layer["weight_std"] == pytest.approx(wanted, rel=5 / math.sqrt(2 * 1200), abs=1e-12), name
