"""Penalties and decoupled decay: what torch.optim and autograd make of them, and how they differ."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import AdamW

from tests.engine.oracle import Document, race
from tests.engine.remedies.plain_rules import (
    DIGITS,
    IMAGES,
    THREE,
    PlainLane,
    check_lanes,
    made_rule,
    plan_of,
)

STRENGTH = 0.02


def l1(network: nn.Module) -> Tensor:
    total = [p.abs().sum() for name, p in network.named_parameters() if name.endswith("weight")]
    return STRENGTH * torch.stack(total).sum()


def l2(network: nn.Module) -> Tensor:
    total = [p.square().sum() for name, p in network.named_parameters() if name.endswith("weight")]
    return 0.5 * STRENGTH * torch.stack(total).sum()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("model", [DIGITS["model"], IMAGES], ids=["mlp", "conv"])
@pytest.mark.parametrize(("key", "penalty"), [("l1", l1), ("l2", l2)])
def test_a_penalty_is_a_term_of_the_loss(key: str, penalty: Any, model: Document, optimizer: str) -> None:
    running = race(
        DIGITS,
        model=model,
        lanes=THREE,
        optimizer={"name": optimizer, "lr": 0.01},
        remedies={key: {"strength": STRENGTH}},
    )
    next(running)
    assert running.groups[0].rules.gauges()[f"{key}_penalty"].tolist() == pytest.approx(
        [penalty(PlainLane(running, lane).network).item() for lane in range(3)]
    )
    running = race(
        DIGITS,
        model=model,
        lanes=THREE,
        optimizer={"name": optimizer, "lr": 0.01},
        remedies={key: {"strength": STRENGTH}},
    )
    check_lanes(running, penalty=penalty)


@pytest.mark.parametrize("schedule", ["constant", "step"])
def test_decoupled_decay_makes_adam_into_adamw(schedule: str) -> None:
    document = {
        **DIGITS,
        "optimizer": {"name": "adam", "lr": 0.01},
        "schedule": {"name": schedule, **({"step_size": 7, "gamma": 0.5} if schedule == "step" else {})},
        "lanes": THREE,
        "remedies": {"decoupled_decay": {"strength": 5.0}},
    }
    running = race(document)
    plain = [PlainLane(running, lane) for lane in range(3)]
    optimizers = [
        AdamW(
            [
                {"params": lane.weights, "weight_decay": 5.0},
                {"params": [p for p in lane.network.parameters() if p.ndim == 1], "weight_decay": 0.0},
            ],
            lr=0.01,
        )
        for lane in plain
    ]
    for step in range(20):
        wanted = []
        for lane, optimizer in zip(plain, optimizers, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = 0.01 * (0.5 ** (step // 7) if schedule == "step" else 1.0)
            lane.wrapped = optimizer
            wanted.append(lane.step())
        assert next(running).loss.tolist() == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "lion", "lamb"])
def test_decoupled_decay_goes_with_any_optimizer(optimizer: str) -> None:
    running = race(
        DIGITS,
        lanes=THREE,
        optimizer={"name": optimizer, "lr": 0.01},
        remedies={"decoupled_decay": {"strength": STRENGTH}},
    )

    def keep(lane: PlainLane) -> None:
        kept[id(lane)] = [weight.detach().clone() for weight in lane.weights]

    def shrink(lane: PlainLane) -> None:
        with torch.no_grad():
            for weight, old in zip(lane.weights, kept[id(lane)], strict=True):
                weight.sub_(0.01 * STRENGTH * old)

    kept: dict[int, list[Tensor]] = {}
    check_lanes(running, before=keep, after=shrink)


def after_steps(optimizer: Document, remedies: Document, steps: int) -> Tensor:
    running = race(DIGITS, optimizer=optimizer, remedies=remedies)
    for _ in range(steps):
        next(running)
    return running.groups[0].flat


L2, DECOUPLED = {"l2": {"strength": 0.1}}, {"decoupled_decay": {"strength": 0.1}}


def test_l2_and_decoupled_decay_are_the_same_step_of_plain_sgd_and_not_of_adam() -> None:
    sgd = {"name": "sgd", "lr": 0.05, "momentum": 0.0}
    assert torch.allclose(after_steps(sgd, L2, 10), after_steps(sgd, DECOUPLED, 10), rtol=1e-12, atol=1e-15)
    assert not torch.allclose(after_steps(sgd, L2, 10), after_steps(sgd, {}, 10), rtol=1e-3)
    adam = {"name": "adam", "lr": 0.05}
    assert not torch.allclose(after_steps(adam, L2, 10), after_steps(adam, DECOUPLED, 10), rtol=0.1)


def test_l2_and_decoupled_decay_part_with_momentum() -> None:
    sgd = {"name": "sgd", "lr": 0.05, "momentum": 0.9}
    assert torch.allclose(after_steps(sgd, L2, 1), after_steps(sgd, DECOUPLED, 1), rtol=1e-12, atol=1e-15)
    assert not torch.allclose(after_steps(sgd, L2, 5), after_steps(sgd, DECOUPLED, 5), rtol=1e-3)


@pytest.mark.parametrize(("optimizer", "key"), [("adamw", "decoupled_decay"), ("sgd", "l2")])
def test_they_are_what_weight_decay_of_the_optimizer_does_to_weights(optimizer: str, key: str) -> None:
    own = {"name": optimizer, "lr": 0.05, "weight_decay": 0.1}
    beside = {"name": optimizer, "lr": 0.05, "weight_decay": 0.0}
    running = race(DIGITS, optimizer=own, init={"weight": {"name": "xavier_normal"}})
    layout = running.groups[0].layout
    next(running)
    mine = race(
        DIGITS,
        optimizer=beside,
        remedies={key: {"strength": 0.1}},
        init={"weight": {"name": "xavier_normal"}},
    )
    next(mine)
    assert torch.allclose(
        running.groups[0].flat[:, : layout.num_weights],
        mine.groups[0].flat[:, : layout.num_weights],
        rtol=1e-10,
        atol=1e-14,
    )


def test_l1_makes_useless_weights_zero_and_l2_does_not() -> None:
    plan = plan_of(((3, 4), "weight"), ((3,), "bias"))
    near = {}
    for key in ("l1", "l2"):
        rule = made_rule(key, plan, strength=0.1)
        flat = torch.full((2, plan.size), 0.5, dtype=torch.float64)
        for step in range(200):
            grad = torch.zeros_like(flat)
            rule.gradient(step, flat, grad)
            flat -= 0.1 * grad
        assert torch.equal(flat[:, 12:], torch.full((2, 3), 0.5, dtype=torch.float64)), "biases are spared"
        near[key] = float(flat[:, :12].abs().max())
    assert near["l1"] <= 0.01 + 1e-12
    assert near["l2"] == pytest.approx(0.5 * 0.99**200)


@pytest.mark.parametrize("key", ["l1", "l2"])
def test_shared_weights_are_penalized_once(key: str) -> None:
    plan = plan_of(((2, 2), "weight"), ((2, 2), "weight"), ((2,), "bias"), shared=1)
    rule = made_rule(key, plan, strength=1.0)
    flat = torch.full((2, plan.size), 3.0, dtype=torch.float64)
    grad = torch.zeros_like(flat)
    rule.gradient(0, flat, grad)
    assert (grad[:, :4] == (1.0 if key == "l1" else 3.0)).all()
    assert not grad[:, 4:].any()
    assert rule.gauges()[f"{key}_penalty"].tolist() == [12.0 if key == "l1" else 18.0] * 2


def test_shared_weights_decay_alike() -> None:
    plan = plan_of(((2, 2), "weight"), ((2, 2), "weight"), ((2,), "bias"), shared=1)
    rule = made_rule("decoupled_decay", plan, strength=1.0)
    flat = torch.full((2, plan.size), 3.0, dtype=torch.float64)
    assert rule.rate(0, 0.5) == 0.5
    rule.gradient(0, flat, torch.zeros_like(flat))
    rule.updated(0, flat)
    assert torch.equal(flat[:, :4], flat[:, 4:8])
    assert flat[0, 0] == pytest.approx(3.0 * (1 - 0.1 * 0.5))
    assert (flat[:, 8:] == 3.0).all()


def test_decay_follows_the_rate_of_averaging() -> None:
    """SWA has a rate of its own, which decay must know."""
    document = {**DIGITS, "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.0}}
    remedies = {"swa": {"start": 0.0, "rate": 0.25}, "decoupled_decay": {"strength": 1.0}}
    slow = {**document, "optimizer": {"name": "sgd", "lr": 0.025, "momentum": 0.0}}
    running, plain = race(document, remedies=remedies), race(slow, remedies={"l2": {"strength": 1.0}})
    for _ in range(5):
        assert next(running).loss.tolist() == pytest.approx(next(plain).loss.tolist(), rel=1e-10)
