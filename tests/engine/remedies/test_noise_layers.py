"""Dropout and DropConnect in a race: against plain ``torch.nn`` with the same masks, and what they do as facts."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from initviz.catalog.index import catalogue
from initviz.engine.network import Network
from initviz.engine.race import Race
from tests.engine.oracle import Document, PlainRun, race

STEPS = 20
TOLERANCE = 1e-9

DIGITS: Document = {"name": "digits", "batch_size": 32}
COPY: Document = {"name": "copy", "length": 3, "delay": 4, "samples": 120, "batch_size": 16}
LANES: list[Document] = [
    {"name": "a"},
    {"name": "b", "seed": 7},
    {"name": "c", "seed": 3, "init": {"weight": {"name": "normal", "std": 0.3}}},
]
OPTIMIZERS: dict[str, Document] = {
    "sgd": {"name": "sgd", "lr": 0.05, "momentum": 0.9},
    "adam": {"name": "adam", "lr": 0.003},
}


def layers(*kinds: Document) -> Document:
    return {"layers": list(kinds)}


FLATTEN: Document = {"kind": "flatten"}
DENSE: Document = {"kind": "dense", "units": 12}
THIN: Document = {"kind": "drop_connect", "units": 12, "rate": 0.3}
CONV: Document = {"kind": "conv", "channels": 4}
RELU: Document = {"kind": "activation"}
DROP: Document = {"kind": "dropout", "rate": 0.3}

NETWORKS: dict[str, tuple[Document, Document]] = {
    "dropout": (DIGITS, {"family": "mlp", "depth": 3, "width": 12, "dropout": 0.4}),
    "dropout, images": (DIGITS, {"family": "cnn", "channels": 4, "blocks": 2, "dropout": 0.4}),
    "dropout first, flat": (DIGITS, layers(FLATTEN, DROP, DENSE, RELU)),
    "dropout first, images": (DIGITS, layers(DROP, CONV, RELU, FLATTEN)),
    "dropout, sequences": (COPY, layers({"kind": "dense", "units": 5}, DROP, RELU)),
    "drop_connect": (DIGITS, {"family": "mlp", "depth": 3, "width": 12, "drop_connect": 0.4}),
    "drop_connect, no bias": (DIGITS, layers(FLATTEN, {**THIN, "bias": False}, RELU)),
    "drop_connect, sequences": (COPY, layers({**THIN, "units": 5}, RELU)),
    "drop_connect, shared weights": (
        DIGITS,
        {"family": "mlp", "depth": 4, "width": 12, "drop_connect": 0.4, "tied": True},
    ),
    "both, with batch_norm": (
        DIGITS,
        {
            "family": "mlp",
            "depth": 2,
            "width": 12,
            "drop_connect": 0.2,
            "dropout": 0.2,
            "normalization": "batch_norm",
        },
    ),
}


def running(name: str, lanes: list[Document] = LANES, **changes: Any) -> Race:
    data, model = NETWORKS[name]
    return race(
        {"dtype": "float64", "steps": STEPS, "optimizer": OPTIMIZERS["sgd"]},
        **{"data": data, "model": model, "lanes": lanes, **changes},
    )


@pytest.mark.parametrize(("optimizer", "lanes"), [("sgd", 1), ("sgd", 3), ("adam", 3)])
@pytest.mark.parametrize("name", NETWORKS)
def test_lanes_are_plain_networks_with_the_same_masks(name: str, optimizer: str, lanes: int) -> None:
    mine = running(name, LANES[:lanes], optimizer=OPTIMIZERS[optimizer])
    assert len(mine.groups) == 1
    plain = [PlainRun(mine, lane) for lane in range(lanes)]
    first = mine.groups[0].flat.clone()
    for step in range(STEPS):
        wanted = [run.step(step)[0] for run in plain]
        assert next(mine).loss.tolist() == pytest.approx(wanted, abs=TOLERANCE)
    group = mine.groups[0]
    assert (group.flat - first).abs().max() > 1e-3
    for lane, run in enumerate(plain):
        theirs = dict(run.network.named_parameters(remove_duplicate=False))
        for slot, view in zip(group.layout.slots, group.layout.views(group.flat[lane]), strict=True):
            assert torch.allclose(view, theirs[f"{slot.stage}.{slot.spec.name}"], rtol=0, atol=TOLERANCE)
    inputs = mine.data.validation_inputs
    for run, ours in zip(plain, mine.predict(inputs), strict=True):
        run.network.eval()
        assert torch.allclose(ours, run.network(inputs), rtol=0, atol=TOLERANCE), "evaluation has no noise"


@pytest.mark.parametrize("name", ["dropout", "dropout, images", "drop_connect", "both, with batch_norm"])
def test_a_step_that_is_watched_gives_the_same_numbers(name: str) -> None:
    watched, plain = running(name), running(name)
    watched.observe = True
    for _ in range(STEPS):
        next(watched)
        next(plain)
        watched.look(watched.data.inputs[:50], watched.data.targets[:50])
        watched.evaluate()
    assert torch.equal(watched.groups[0].flat, plain.groups[0].flat)


@pytest.mark.parametrize("name", ["dropout", "dropout, images", "drop_connect"])
def test_a_lane_has_the_same_noise_wherever_it_runs(name: str) -> None:
    together = running(name)
    for _ in range(STEPS):
        next(together)
    for index, lane in enumerate(LANES):
        alone = running(name, [lane])
        for _ in range(STEPS):
            next(alone)
        difference = (alone.groups[0].flat[0] - together.groups[0].flat[index]).abs().max()
        assert difference < 1e-12


def test_every_step_and_every_layer_has_noise_of_its_own() -> None:
    mine = running("dropout", [{"name": "a"}])
    factors = _factors(mine, 2)
    assert len(factors) == 2 * 3
    assert all(not torch.equal(a, b) for i, a in enumerate(factors) for b in factors[:i])


def _factors(mine: Race, steps: int) -> list[torch.Tensor]:
    """Return which activations of every hidden layer are kept, in a number of steps."""
    now, form = mine.groups[0]._now, Network(mine.blueprints[0], catalogue(), 1)
    found = []
    for step in range(steps):
        now.begin(step, training=True, keeps=False)
        bound = form.bind(mine.groups[0].flat, torch.zeros_like(mine.groups[0].flat), now)
        _, kept = bound.forward(mine.data.inputs[:50])
        found += [
            saved[0]
            for stage, saved in zip(form.blueprint.stages, kept, strict=True)
            if stage.layer.name == "dropout"
        ]
    return found


# Facts


def test_inverted_dropout_multiplies_the_forward_variance_by_one_over_keep_at_a_he_start() -> None:
    """A He start keeps the mean square of a ReLU network; each dropout before a layer adds a factor of 1/keep."""
    depth, keep = 6, 0.8
    sizes = []
    for rate in (0.0, 1 - keep):
        mine = race(
            {"dtype": "float64", "steps": 1},
            data={"name": "digits", "batch_size": 256},
            model={"family": "mlp", "depth": depth, "width": 256, "dropout": rate},
            init={"weight": {"name": "he_normal"}},
            lanes=[{"name": str(seed), "seed": seed} for seed in range(12)],
        )
        state = mine.look(*mine.data.batch(0))
        pre = state.groups[0].preactivations
        sizes.append(torch.stack([one.square().mean((1, 2)) for one in pre[:depth]]).log().mean(1))
    plain, dropped = sizes
    growth = ((dropped - plain)[1:] - (dropped - plain)[:-1]).exp()
    assert growth.log().mean().exp().item() == pytest.approx(1 / keep, rel=0.02)
    assert growth.tolist() == pytest.approx([1 / keep] * (depth - 1), rel=0.1)
    assert plain.diff().exp().tolist() == pytest.approx([1.0] * (depth - 1), rel=0.15)


def test_drop_connect_multiplies_it_likewise_though_no_activation_is_missing() -> None:
    depth, keep = 5, 0.5
    sizes, zeros = [], []
    for rate in (0.0, 1 - keep):
        mine = race(
            {"dtype": "float64", "steps": 1},
            data={"name": "digits", "batch_size": 256},
            model={"family": "mlp", "depth": depth, "width": 256, "drop_connect": rate, "activation": "tanh"},
            init={"weight": {"name": "normal", "std": 1e-3}},
        )
        state = mine.look(*mine.data.batch(0))
        sizes.append(
            torch.stack([one.square().mean() for one in state.groups[0].preactivations[:depth]]).log()
        )
        zeros.append(sum(int((one == 0).sum()) for one in state.groups[0].activations))
    growth = (sizes[1] - sizes[0]).diff().exp()
    assert growth.tolist() == pytest.approx([1 / keep] * (depth - 1), rel=0.05)
    assert zeros == [0, 0]
