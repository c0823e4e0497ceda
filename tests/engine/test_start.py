"""How lanes start: from their seed, each tensor by itself, with data where the initializer looks at it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from initviz.catalog.blocks import ResidualBlock
from initviz.engine.race import Race
from tests.engine.oracle import Document, network, race

STACK: Document = {
    "steps": 10,
    "data": {"name": "digits", "batch_size": 128},
    "model": {
        "layers": [
            {"kind": "conv", "channels": 4},
            {"kind": "activation", "function": "tanh"},
            {"kind": "flatten"},
            {"kind": "dense", "units": 32},
            {"kind": "activation"},
            {"kind": "residual", "activation": "tanh"},
            {"kind": "activation", "function": "sigmoid"},
            {"kind": "residual"},
        ]
    },
}
NAMES = ("conv_1", "dense_1", "residual_1.1", "residual_1.2", "residual_2.1", "residual_2.2", "output")


def tensors(running: Race, lane: int = 0) -> dict[str, torch.Tensor]:
    """Return a lane's tensors by stage and name."""
    group = next(group for group in running.groups if lane in group.lanes)
    views = group.layout.views(group.flat[group.lanes.index(lane)])
    stages = group.blueprint.stages
    return {
        f"{stages[slot.stage].name}.{slot.spec.name}": view
        for slot, view in zip(group.layout.slots, views, strict=True)
    }


def starting(name: str, **values: object) -> Document:
    """Return a document in which every weight starts with one initializer."""
    return {**STACK, "init": {"weight": {"name": name, **values}}}


def test_what_initializers_are_told() -> None:
    measured = race(STACK).groups[0].network.measured
    assert tuple(layer.name for layer in measured) == NAMES
    assert [layer.activation for layer in measured] == [
        "tanh",
        "relu",
        "tanh",
        "sigmoid",
        "relu",
        "identity",
        "identity",
    ]
    contexts = [layer.context for layer in measured]
    assert [context.layer_index for context in contexts] == list(range(7))
    assert {context.num_layers for context in contexts} == {7}
    assert [context.is_output for context in contexts] == [False] * 6 + [True]
    assert [context.branch for context in contexts] == ["none", "none", *["inner", "last"] * 2, "none"]
    assert [context.branch_depth for context in contexts] == [0, 0, 2, 2, 2, 2, 0]
    assert {context.num_branches for context in contexts} == {2}
    assert contexts[0].shape == (4, 1, 3, 3)
    assert (contexts[0].fan_in, contexts[0].fan_out) == (9, 36)


def test_weights_lie_first_and_side_by_side() -> None:
    layout = race(STACK).groups[0].layout
    assert layout.offsets == (0, 36, 36 + 8192, *(36 + 8192 + 1024 * place for place in range(1, 5)))
    assert layout.num_weights == layout.measured[-1].stop == 36 + 8192 + 4 * 1024 + 320
    spans = sorted((slot.offset, slot.stop) for slot in layout.slots)
    assert spans[0][0] == 0
    assert [stop for _, stop in spans[:-1]] == [start for start, _ in spans[1:]]
    assert spans[-1][1] == layout.size == race(STACK).blueprints[0].num_parameters


def test_one_layer_of_its_own_leaves_the_others_alone() -> None:
    layers = [dict(layer) for layer in STACK["model"]["layers"]]
    layers[3]["init"] = {
        "weight": {"name": "constant", "value": 0.25},
        "bias": {"name": "constant", "value": 2.0},
    }
    changed = tensors(race({**STACK, "model": {"layers": layers}}))
    plain = tensors(race(STACK))
    assert (changed.pop("dense_1.weight") == 0.25).all()
    assert (changed.pop("dense_1.bias") == 2.0).all()
    for name, value in changed.items():
        assert torch.equal(value, plain[name]), name


def test_the_seed_decides() -> None:
    lanes = [{"name": "a"}, {"name": "b"}, {"name": "c", "seed": 1}]
    running = race({**starting("normal", std=1.0), "lanes": lanes})
    first, second, third = (tensors(running, lane) for lane in range(3))
    for name, value in first.items():
        assert torch.equal(value, second[name])
        if "weight" in name:
            assert not torch.equal(value, third[name])
    draws = [value.flatten()[:9] for name, value in first.items() if "weight" in name]
    assert len({tuple(draw.tolist()) for draw in draws}) == len(draws)


def test_both_precisions_start_alike() -> None:
    single, double = (race({**starting("he_normal"), "dtype": name}) for name in ("float32", "float64"))
    assert torch.equal(single.groups[0].flat, double.groups[0].flat.float())


def test_aims_and_draws_are_told() -> None:
    running = race(starting("normal", std=0.01))
    assert running.target_stds[0] == pytest.approx([0.01] * 7)
    for drawn, (name, value) in zip(
        running.drawn_stds[0],
        [(name, value) for name, value in tensors(running).items() if "weight" in name],
        strict=True,
    ):
        assert drawn == pytest.approx(float(value.double().std(correction=0)), rel=1e-6), name
    assert all(math.isnan(aim) for aim in race(starting("lsuv")).target_stds[0])


@pytest.mark.parametrize("name", ["skipinit", "rezero", "fixup"])
def test_residual_starts_make_a_block_the_identity(name: str) -> None:
    running = race({**starting(name), "dtype": "float64"})
    plain = network(running, 0)
    x = torch.randn(5, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(plain[5](x), x, rtol=0, atol=0)
    assert float(tensors(running)["residual_1.scale"]) == (1.0 if name == "fixup" else 0.0)
    assert float(tensors(race(starting("he_normal")))["residual_1.scale"]) == 1.0


@pytest.mark.parametrize("tolerance", [0.1, 1e-6])
def test_lsuv_gives_every_output_variance_one(tolerance: float) -> None:
    running = race({**starting("lsuv", tolerance=tolerance), "dtype": "float64"})
    plain = network(running, 0)
    x = running.data.inputs[:1024]
    checked = 0
    with torch.no_grad():
        for module in plain:
            found = [module(x)]
            if isinstance(module, ResidualBlock):
                found = [module.first(x), module(x) - x]
            elif not isinstance(module, nn.Conv2d | nn.Linear):
                found = []
            for value in found:
                assert abs(float(value.var(correction=0)) - 1.0) < tolerance
                checked += 1
            x = module(x)
    assert checked == 7


def test_lsuv_leaves_what_gives_always_the_same() -> None:
    layers = [dict(layer) for layer in STACK["model"]["layers"]]
    layers[0]["init"] = {"weight": {"name": "zeros"}}
    running = race({**starting("lsuv"), "model": {"layers": layers}})
    assert torch.isfinite(running.groups[0].flat).all()
    assert (tensors(running)["conv_1.weight"] == 0).all()
