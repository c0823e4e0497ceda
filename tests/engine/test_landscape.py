"""Losses around the weights are those of plain networks with moved weights, and training never notices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from initviz.engine.landscape import Survey, directions
from initviz.engine.race import Race
from initviz.engine.seeding import generator
from tests.engine.oracle import LOSSES, network, race

Document = dict[str, Any]

DIGITS: Document = {
    "data": {"name": "digits", "batch_size": 64},
    "model": {"family": "mlp", "depth": 3, "width": 16},
    "optimizer": {"name": "sgd", "lr": 0.05},
    "steps": 40,
    "lanes": [{"name": "one", "seed": 1}, {"name": "two", "init": {"weight": {"name": "xavier_normal"}}}],
}


def survey(running: Race, along: list[float], across: list[float], **changes: Any) -> NDArray[np.float64]:
    """Return losses ``(K, M, N)``."""
    given = {"examples": 10_000, "seed": 5, **changes}
    slices = Survey(running, np.array(along), np.array(across), **given).slices()
    while True:
        try:
            fraction = next(slices)
        except StopIteration as end:
            assert fraction == 1.0
            found: NDArray[np.float64] = end.value
            return found


def plain_losses(
    running: Race, lane: int, along: list[float], across: list[float], seed: int
) -> NDArray[np.float64]:
    """Return losses ``(M, N)`` of a plain network whose parameters are moved one after another."""
    group = next(group for group in running.groups if lane in group.lanes)
    module = network(running, lane)
    _copy_buffers(running, lane, module)
    module.eval()
    drawn = torch.randn(2, group.layout.size, generator=generator(seed, "landscape"), dtype=torch.float64)
    start = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    moves: dict[str, list[Tensor]] = {}
    for slot in group.layout.slots:
        name = f"{slot.stage}.{slot.spec.name}"
        if name not in start or slot.spec.role != "weight":
            continue
        moves[name] = []
        for draw in drawn:
            move = draw[slot.offset : slot.stop].view(slot.spec.shape).clone()
            for unit in range(len(move)):  # a filter at a time
                move[unit] *= start[name][unit].double().norm() / move[unit].norm()
            moves[name].append(move)
    parameters = dict(module.named_parameters())
    found = np.empty((len(across), len(along)))
    for row, second in enumerate(across):
        for column, first in enumerate(along):
            with torch.no_grad():
                for name, (one, other) in moves.items():
                    moved = start[name].double() + first * one + second * other
                    parameters[name].copy_(moved)
                outputs = module(running.data.inputs)
                found[row, column] = LOSSES[running.data.info.task](outputs, running.data.targets)
    return found


def _copy_buffers(running: Race, lane: int, module: nn.Module) -> None:
    group = next(group for group in running.groups if lane in group.lanes)
    held, offset = dict(module.named_buffers()), 0
    row = group.buffers[group.lanes.index(lane)]
    for stage in group.blueprint.stages:
        for spec in stage.buffers:
            held[f"{stage.index}.{spec.name}"].copy_(row[offset : offset + spec.size].view(spec.shape))
            offset += spec.size


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": {"family": "mlp", "depth": 3, "width": 16, "normalization": "batch_norm"}},
        {"model": {"family": "mlp", "depth": 5, "width": 16, "tied": True}},
        {"model": {"family": "resnet", "stages": 2, "blocks": 1, "channels": 4}},
        {"data": {"name": "moons", "batch_size": 32}},
        {"data": {"name": "wave", "batch_size": 32}},
        {"data": {"name": "adding", "length": 6}, "model": {"family": "recurrent", "width": 8}},
        {"lanes": [{"name": "one"}, {"name": "two", "model": {"depth": 2}}]},
        {"lanes": [{"name": "alone"}]},
    ],
)
def test_it_is_the_loss_of_plain_networks_with_moved_weights(changes: Document) -> None:
    running = race({**DIGITS, "dtype": "float64", **changes})
    for _ in range(7):
        next(running)
    along, across = [-1.0, -0.25, 0.0, 0.7], [-0.5, 0.0, 1.0]
    found = survey(running, along, across)
    for lane in range(running.num_lanes):
        wanted = plain_losses(running, lane, along, across, seed=5)
        np.testing.assert_allclose(found[lane], wanted, rtol=1e-9)
    assert np.ptp(found) > 1e-3


def test_a_direction_is_as_long_as_each_filter() -> None:
    running = race(DIGITS, model={"family": "resnet", "stages": 2, "blocks": 1, "channels": 4})
    group = running.groups[0]
    found = directions(group.layout, group.flat, 2, seed=0)
    moved = 0
    for slot in group.layout.slots:
        for lane in range(group.num_lanes):
            weight = group.flat[lane, slot.offset : slot.stop].view(slot.spec.shape)
            for direction in found:
                own = direction[lane, slot.offset : slot.stop].view(slot.spec.shape)
                if slot.spec.role != "weight":  # biases, and what normalizations learn
                    assert not own.any()
                    continue
                for filter_, move in zip(weight, own, strict=True):
                    assert move.norm().item() == pytest.approx(filter_.norm().item(), rel=1e-5)
                    moved += 1
    assert moved > 50
    assert not torch.equal(found[0], found[1])


def test_a_filter_by_hand() -> None:
    """The unit of weights 3 and 4 is moved by 5 in all, whatever was drawn for it."""
    running = race({**DIGITS, "data": {"name": "moons"}, "lanes": [{"name": "one"}]})
    group = running.groups[0]
    first = group.layout.measured[0]
    group.flat[0, first.offset : first.offset + 2] = torch.tensor([3.0, 4.0])
    drawn = torch.randn(1, group.layout.size, generator=generator(9, "landscape"), dtype=torch.float64)
    a, b = drawn[0, first.offset : first.offset + 2].tolist()
    found = directions(group.layout, group.flat, 1, seed=9)[0, 0, first.offset : first.offset + 2]
    length = (a * a + b * b) ** 0.5
    assert found.tolist() == pytest.approx([5 * a / length, 5 * b / length])


def test_zeros_are_not_moved() -> None:
    running = race(DIGITS, init={"weight": {"name": "zeros"}}, lanes=[{"name": "zeros"}])
    found = survey(running, [-1.0, 0.0, 1.0], [0.0])
    assert found[0, 0].tolist() == [found[0, 0, 1]] * 3
    assert found[0, 0, 1] == pytest.approx(np.log(10), rel=1e-5)


def test_the_picture_does_not_know_how_layers_are_scaled() -> None:
    """Ten times one layer and a tenth of the next is the same function of a ReLU network, and the same picture."""
    document = {**DIGITS, "dtype": "float64", "model": {**DIGITS["model"], "activation": "relu"}}
    running = race(document, lanes=[{"name": "one"}])
    along, across = [-1.0, -0.5, 0.0, 0.5, 1.0], [-1.0, 0.0, 1.0]
    before = survey(running, along, across)
    group = running.groups[0]
    views = {
        f"{slot.stage}.{slot.spec.name}": view
        for slot, view in zip(group.layout.slots, group.layout.views(group.flat), strict=True)
    }
    first, second = (group.blueprint.stages[slot.stage].index for slot in group.layout.measured[:2])
    with torch.no_grad():
        views[f"{first}.weight"].mul_(10)
        views[f"{first}.bias"].mul_(10)
        views[f"{second}.weight"].div_(10)
    np.testing.assert_allclose(survey(running, along, across), before, rtol=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": {"family": "mlp", "depth": 3, "width": 16, "normalization": "batch_norm"}},
        {
            "model": {"family": "mlp", "depth": 3, "width": 16, "dropout": 0.3},
            "optimizer": {"name": "adam", "lr": 0.01},
        },
    ],
)
def test_training_beside_it_is_the_same_to_the_last_bit(changes: Document) -> None:
    document = {**DIGITS, **changes}
    alone, beside = race(document), race(document)
    everywhere = torch.get_rng_state()
    slices = None
    results = []
    for step in range(40):
        if step % 20 == 3:
            slices = Survey(beside, np.linspace(-1, 1, 5), np.linspace(-1, 1, 5), 200, 0).slices()
        for _ in range(2):
            if slices is not None:
                try:
                    next(slices)
                except StopIteration as end:
                    results.append(end.value)
                    slices = None
        assert torch.equal(next(alone).loss, next(beside).loss)
    assert len(results) >= 1
    for one, other in zip(alone.groups, beside.groups, strict=True):
        assert torch.equal(one.flat, other.flat)
        assert torch.equal(one.buffers, other.buffers)
        assert torch.equal(one.grad, other.grad)
    assert torch.equal(torch.get_rng_state(), everywhere)
    np.testing.assert_array_equal(alone.evaluate()[0], beside.evaluate()[0])


def test_it_belongs_to_the_moment_when_it_was_begun() -> None:
    running = race(DIGITS)
    next(running)
    line = np.linspace(-1, 1, 101)
    at_once = survey(running, line.tolist(), [0.0])
    slices = Survey(running, line, np.zeros(1), 10_000, 5).slices()
    while True:
        try:
            next(slices)
        except StopIteration as end:
            np.testing.assert_array_equal(end.value, at_once)
            break
        next(running)
    assert running.step > 2
    assert (survey(running, [0.0], [0.0])[:, 0, 0] != at_once[:, 0, 50]).all()


def test_a_seed_gives_the_same_picture_and_another_seed_another() -> None:
    running = race(DIGITS)
    few: dict[str, Any] = {"examples": 100}
    one = survey(running, [0.0, 1.0], [0.0], seed=1, **few)
    np.testing.assert_array_equal(survey(running, [0.0, 1.0], [0.0], seed=1, **few), one)
    other = survey(running, [0.0, 1.0], [0.0], seed=2, **few)
    assert (other != one).all()
    assert Survey(running, np.zeros(1), np.zeros(1), 100, 1).examples == 100
    assert Survey(running, np.zeros(1), np.zeros(1), 10**6, 1).examples == len(running.data.inputs)


def test_the_middle_is_the_loss_on_the_training_examples() -> None:
    running = race({**DIGITS, "dtype": "float64"})
    for _ in range(5):
        next(running)
    found = survey(running, [0.0], [0.0])[:, 0, 0]
    for lane, outputs in enumerate(running.predict(running.data.inputs)):
        wanted = nn.functional.cross_entropy(outputs, running.data.targets)
        assert found[lane] == pytest.approx(wanted.item(), rel=1e-9)


def test_a_diverged_lane_has_no_picture_and_disturbs_no_other() -> None:
    lanes = [{"name": "fine", "optimizer": {"lr": 1e-3}}, {"name": "broken", "optimizer": {"lr": 1e6}}]
    running = race(
        DIGITS,
        data={"name": "wave", "batch_size": 32},
        model={"family": "mlp", "depth": 3, "width": 16, "activation": "identity"},
        lanes=lanes,
    )
    for _ in range(30):
        next(running)
    assert list(running.diverged) == [1]
    found = survey(running, [-1.0, 0.0, 1.0], [0.0])
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[0]).all()
