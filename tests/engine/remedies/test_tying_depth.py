"""One weight for all hidden layers: against plain ``torch.nn`` whose layers are one object, and what it costs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from initviz.engine.race import Race
from tests.engine.oracle import Document, PlainRun, race

STEPS = 20
TOLERANCE = 1e-9
DEPTH, WIDTH = 5, 12

LANES: list[Document] = [
    {"name": "a"},
    {"name": "b", "seed": 7},
    {"name": "c", "init": {"weight": {"name": "orthogonal"}}},
]
OPTIMIZERS: dict[str, Document] = {
    "sgd": {"name": "sgd", "lr": 0.02, "momentum": 0.9},
    "adam": {"name": "adam", "lr": 0.003},
}
MODEL: Document = {"family": "mlp", "depth": DEPTH, "width": WIDTH, "activation": "tanh", "tied": True}


def running(lanes: list[Document] = LANES, steps: int = STEPS, **changes: Any) -> Race:
    return race(
        {"dtype": "float64", "steps": steps, "data": {"name": "digits", "batch_size": 32}},
        **{"model": MODEL, "lanes": lanes, "optimizer": OPTIMIZERS["sgd"], **changes},
    )


def unrolled(plain: nn.Module) -> list[nn.Linear]:
    return [module for module in plain.modules() if isinstance(module, nn.Linear)]


@pytest.mark.parametrize(("optimizer", "lanes"), [("sgd", 1), ("sgd", 3), ("adam", 3)])
def test_lanes_are_plain_networks_whose_layers_share_one_parameter(optimizer: str, lanes: int) -> None:
    mine = running(LANES[:lanes], optimizer=OPTIMIZERS[optimizer])
    plain = [PlainRun(mine, lane) for lane in range(lanes)]
    for run in plain:
        hidden = unrolled(run.network)[1:DEPTH]
        assert len({id(module.weight) for module in hidden}) == 1
        assert len({id(module.bias) for module in hidden}) == DEPTH - 1
        assert sum(value.numel() for value in run.parameters) == mine.blueprints[0].num_parameters
    for step in range(STEPS):
        wanted = [run.step(step)[0] for run in plain]
        assert next(mine).loss.tolist() == pytest.approx(wanted, abs=TOLERANCE)
    group = mine.groups[0]
    for lane, run in enumerate(plain):
        theirs = dict(run.network.named_parameters(remove_duplicate=False))
        for slot, view in zip(group.layout.slots, group.layout.views(group.flat[lane]), strict=True):
            assert torch.allclose(view, theirs[f"{slot.stage}.{slot.spec.name}"], rtol=0, atol=TOLERANCE)
    for run, ours in zip(plain, mine.predict(mine.data.validation_inputs), strict=True):
        assert torch.allclose(ours, run.network(mine.data.validation_inputs), rtol=0, atol=TOLERANCE)


def test_the_layers_stay_one_weight_while_an_untied_network_parts() -> None:
    for tied in (True, False):
        mine = running(LANES[:1], model={**MODEL, "tied": tied})
        for _ in range(STEPS):
            next(mine)
        group = mine.groups[0]
        weights = [
            view
            for slot, view in zip(group.layout.slots, group.layout.views(group.flat[0]), strict=True)
            if slot.spec.role == "weight"
        ][1:DEPTH]
        assert all(torch.equal(weight, weights[0]) for weight in weights) == tied


def test_depth_is_free_of_weights() -> None:
    sizes = [
        running(LANES[:1], model={**MODEL, "depth": depth}).blueprints[0].num_parameters
        for depth in (2, 12, 22)
    ]
    assert [b - a for a, b in pairwise(sizes)] == [10 * WIDTH] * 2


def test_a_step_that_is_watched_gives_the_same_numbers() -> None:
    watched, plain = running(), running()
    watched.observe = True
    for _ in range(STEPS):
        next(watched)
        next(plain)
        watched.look(watched.data.inputs[:50], watched.data.targets[:50])
    assert torch.equal(watched.groups[0].flat, plain.groups[0].flat)
