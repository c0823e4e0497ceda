"""Starts from weights, held against plain PyTorch fine-tuning, to the bit where one lane runs alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from initviz.catalog.index import catalogue
from initviz.catalog.parts import TorchLayerPart
from initviz.engine.layout import view_of
from initviz.engine.race import Race
from initviz.engine.weights import lane_weights
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits

STEPS = 60
THAW = 20
DOCUMENT: dict[str, Any] = {
    "steps": STEPS,
    "device": "cpu",
    "data": {"name": "digits", "classes": "5-9", "batch_size": 32},
    # Rows of a multiple of 64 bytes: the matrix products that torch calls are the same to the bit only where their
    # operands lie alike in memory, and here the engine's do, within its flat buffer.
    "model": {"family": "mlp", "depth": 2, "width": 16, "activation": "relu"},
    "init": {"weight": {"name": "from_weights", "source": "stage:first", "output": False}},
    "stages": [{"name": "first", "steps": 40, "data": {"classes": "0-4"}}],
}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"name": "sgd", "lr": 0.05, "momentum": 0.0},
    "momentum": {"name": "sgd", "lr": 0.05, "momentum": 0.9},
    "adam": {"name": "adam", "lr": 0.01},
    "adamw": {"name": "adamw", "lr": 0.01, "weight_decay": 0.1},
}
HELD: dict[str, dict[str, Any] | None] = {
    "all layers": None,
    "frozen": {"layers": 1},
    "two frozen": {"layers": 2},
    "thawed": {"layers": 1, "thaw": THAW, "rate": 1.0},
    "thawed, slower": {"layers": 2, "thaw": THAW, "rate": 0.1},
    "slower": {"layers": 1, "thaw": 1, "rate": 0.3},
}


def race(**changes: Any) -> Race:
    return Race(read_document({**DOCUMENT, **changes}, catalogue(), Limits()), catalogue(), Limits())


def plain_networks(running: Race) -> list[nn.Sequential]:
    """Return every lane's network as ``torch.nn`` has it, with the weights that it starts from."""
    found = []
    for lane in range(running.num_lanes):
        plan = running.blueprints[lane]
        modules = []
        for stage in plan.stages:
            part = catalogue().get("layer", stage.layer.name)
            assert isinstance(part, TorchLayerPart)
            modules.append(part.module(stage.layer, stage.input_shape))
        network = nn.Sequential(*modules).to(running.data.inputs.dtype)
        start = dict(lane_weights(running, lane))
        places = {stage.name: str(index) for index, stage in enumerate(plan.stages)}
        known = {
            f"{places[name.split('.', 1)[0]]}.{name.split('.', 1)[1]}": value for name, value in start.items()
        }
        network.load_state_dict({**network.state_dict(), **known})
        found.append(network)
    return found


class PlainFineTuning:
    """What a person writes with ``torch.nn`` and ``torch.optim``: ``requires_grad`` and groups of parameters."""

    def __init__(
        self, network: nn.Sequential, optimizer: dict[str, Any], held: dict[str, Any] | None
    ) -> None:
        self.network = network
        values = {key: value for key, value in optimizer.items() if key != "name"}
        held = {} if held is None else {"thaw": 0, "rate": 0.1, **held}
        dense = [module for module in network if isinstance(module, nn.Linear)]
        self._first = [p for module in dense[: held.get("layers", 0)] for p in module.parameters()]
        rest = [p for p in network.parameters() if not any(p is own for own in self._first)]
        groups: list[dict[str, Any]] = [{"params": rest}]
        if self._first:
            groups.append({"params": self._first, "lr": values["lr"] * held["rate"]})
        kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
        # The fused rule, which the engine calls: torch's other two round differently in the last place.
        self._optimizer = kinds[optimizer["name"]](groups, fused=True, **values)
        self._thaw = held.get("thaw", 0)
        for parameter in self._first:
            parameter.requires_grad_(False)

    def step(self, step: int, inputs: Tensor, targets: Tensor) -> None:
        if self._thaw and step == self._thaw:
            for parameter in self._first:
                parameter.requires_grad_(True)
        self._optimizer.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(self.network(inputs), targets))
        self._optimizer.step()


def trained_plainly(
    running: Race, optimizer: dict[str, Any], held: dict[str, Any] | None
) -> list[nn.Sequential]:
    runs = [PlainFineTuning(network, optimizer, held) for network in plain_networks(running)]
    for step in range(STEPS):
        inputs, targets = running.data.batch(step)
        for run in runs:
            run.step(step, inputs, targets)
    return [run.network for run in runs]


def numbers(running: Race, lane: int) -> list[Tensor]:
    group = next(group for group in running.groups if lane in group.lanes)
    row = group.flat[group.lanes.index(lane)]
    return [view_of(row, slot) for slot in group.layout.slots]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("case", HELD)
def test_one_lane_is_plain_fine_tuning_bit_for_bit(case: str, name: str, dtype: str) -> None:
    held, optimizer = HELD[case], OPTIMIZERS[name]
    remedies = {} if held is None else {"fine_tuning": held}
    running = race(optimizer=optimizer, dtype=dtype, remedies=remedies)
    start = [tensor.clone() for tensor in numbers(running, 0)]
    (plain,) = trained_plainly(running, optimizer, held)
    for _ in running:
        pass
    found = numbers(running, 0)
    for mine, wanted in zip(found, plain.parameters(), strict=True):
        assert torch.equal(mine, wanted.detach())
    moved = [not torch.equal(mine, before) for mine, before in zip(found, start, strict=True)]
    frozen = 2 * held["layers"] if held is not None and "thaw" not in held else 0
    assert moved == [False] * frozen + [True] * (6 - frozen)


@pytest.mark.parametrize("case", HELD)
def test_three_lanes_are_three_plain_fine_tunings(case: str) -> None:
    """To rounding: a product of all lanes at once adds in another order than one lane's alone."""
    held = HELD[case]
    lanes = [
        {"name": "a"},
        {"name": "b", "seed": 5},
        {"name": "c", "init": {"weight": {"name": "he_normal"}}},
    ]
    remedies = {} if held is None else {"fine_tuning": held}
    running = race(optimizer=OPTIMIZERS["adam"], dtype="float64", remedies=remedies, lanes=lanes)
    assert len(running.groups) == 1
    plain = trained_plainly(running, OPTIMIZERS["adam"], held)
    for _ in running:
        pass
    for lane in range(3):
        for mine, wanted in zip(numbers(running, lane), plain[lane].parameters(), strict=True):
            torch.testing.assert_close(mine, wanted.detach(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["lamb", "muon", "lion", "ranger", "rmsprop"])
def test_other_rules_keep_frozen_layers_and_move_thawed_ones(name: str) -> None:
    running = race(
        optimizer={"name": name}, remedies={"fine_tuning": {"layers": 1, "thaw": THAW, "rate": 0.5}}
    )
    start = [tensor.clone() for tensor in numbers(running, 0)]
    for _ in range(THAW):
        next(running)
    assert [torch.equal(a, b) for a, b in zip(start, numbers(running, 0), strict=True)] == [True] * 2 + [
        False
    ] * 4
    next(running)
    assert not torch.equal(start[0], numbers(running, 0)[0])


def test_what_is_decayed_and_clipped_leaves_frozen_layers_out() -> None:
    """A decay of its own does not reach them, and a norm that is clipped is that of the others alone."""
    remedies = {"decoupled_decay": {"strength": 1.0}, "clip_norm": {"max_norm": 0.05}}
    running = race(
        dtype="float64",
        optimizer=OPTIMIZERS["sgd"],
        remedies={**remedies, "fine_tuning": {"layers": 1, "thaw": 2, "rate": 0.5}},
    )
    start = [tensor.clone() for tensor in numbers(running, 0)]
    next(running)
    assert all(torch.equal(a, b) for a, b in zip(start[:2], numbers(running, 0)[:2], strict=True))
    grad = running.groups[0].grad
    assert float(torch.linalg.vector_norm(grad)) == pytest.approx(0.05, rel=1e-5)
    next(running)
    before = [tensor.clone() for tensor in numbers(running, 0)]
    next(running)
    own = view_of(running.groups[0].grad[0], running.groups[0].layout.slots[0])
    # Half the rate for the gradient, and for the decay.
    wanted = before[0] - 0.5 * 0.05 * own - 0.5 * 0.05 * 1.0 * before[0]
    torch.testing.assert_close(numbers(running, 0)[0], wanted, rtol=0, atol=1e-15)


def test_a_lane_that_diverges_does_not_trouble_one_that_is_held_back() -> None:
    lanes: list[dict[str, Any]] = [
        {"name": "a"},
        {"name": "b", "init": {"weight": {"name": "normal", "std": 1000.0}}},
    ]
    deep = {"family": "mlp", "depth": 16, "width": 16, "activation": "relu"}
    held = {"fine_tuning": {"layers": 1, "thaw": 3}}
    running = race(model=deep, optimizer=OPTIMIZERS["adam"], lanes=lanes, remedies=held)
    alone = race(model=deep, optimizer=OPTIMIZERS["adam"], lanes=lanes[:1], remedies=held)
    for _ in zip(running, alone, strict=True):
        pass
    assert list(running.diverged) == [1]
    for mine, wanted in zip(numbers(running, 0), numbers(alone, 0), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-2, atol=1e-3)
