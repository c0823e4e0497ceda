"""Centralization and clipping: what torch and ``pytorch_optimizer`` do to one network's gradients, lane by lane."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pytorch_optimizer.optimizer.agc import agc
from pytorch_optimizer.optimizer.gradient_centralization import centralize_gradient
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from initviz.experiment.errors import ExperimentError
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

WILD: list[Document] = [*THREE[:2], {"name": "wild", "init": {"weight": {"name": "normal", "std": 1.5}}}]
MAX_VALUE, MAX_NORM, SHARE = 0.01, 0.5, 0.02


def centralize(lane: PlainLane) -> None:
    for weight in lane.weights:
        assert weight.grad is not None
        centralize_gradient(weight.grad)


def adapt(lane: PlainLane) -> None:
    for parameter in list(lane.network.parameters())[:-2]:
        assert parameter.grad is not None
        parameter.grad = agc(parameter, parameter.grad, agc_eps=1e-3, agc_clip_val=SHARE, eps=1e-6)


CASES: list[tuple[str, Document, Any]] = [
    ("gradient_centralization", {}, centralize),
    (
        "clip_value",
        {"max_value": MAX_VALUE},
        lambda lane: clip_grad_value_(lane.network.parameters(), MAX_VALUE),
    ),
    (
        "clip_norm",
        {"max_norm": MAX_NORM},
        lambda lane: clip_grad_norm_(lane.network.parameters(), MAX_NORM),
    ),
    ("agc", {"clipping": SHARE}, adapt),
]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("model", [DIGITS["model"], IMAGES], ids=["mlp", "conv"])
@pytest.mark.parametrize(("key", "values", "hook"), CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_three_lanes_are_three_plain_networks(
    key: str, values: Document, hook: Any, model: Document, optimizer: str
) -> None:
    running = race(
        DIGITS,
        model=model,
        lanes=WILD,
        optimizer={"name": optimizer, "lr": 0.02},
        remedies={key: values or True},
    )
    check_lanes(running, before=hook)


def test_all_together_in_their_order() -> None:
    """Penalty, centralization, clipping by value, norm, AGC: a penalty is clipped like the rest of the gradient."""
    remedies: Document = {"l2": {"strength": 0.1}, **{key: values or True for key, values, _ in CASES}}
    running = race(DIGITS, lanes=WILD, remedies=remedies)

    def all_of_them(lane: PlainLane) -> None:
        for weight in lane.weights:
            assert weight.grad is not None
            weight.grad.add_(weight.detach(), alpha=0.1)
        for _, _, hook in CASES:
            hook(lane)

    check_lanes(running, before=all_of_them)


def test_a_unit_s_gradients_sum_to_zero_and_weights_keep_their_sum() -> None:
    running = race(DIGITS, remedies={"gradient_centralization": True})
    group = running.groups[0]
    weights = [view for view in group.layout.views(group.flat) if view.ndim == 3]
    before = [weight.sum(2) for weight in weights]
    for _ in range(20):
        next(running)
    for weight, old in zip(weights, before, strict=True):
        assert torch.allclose(weight.sum(2), old, atol=1e-12)


# Which numbers count


def random(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_norm_of_shared_tensors_counts_once() -> None:
    plan = plan_of(((4, 3), "weight"), ((4, 3), "weight"), ((4,), "bias"), shared=1)
    rule = made_rule("clip_norm", plan, max_norm=1.0)
    flat, grad = random(2, plan.size), random(2, plan.size, seed=1, scale=5.0)
    own = torch.cat([grad[:, :12], grad[:, 24:]], 1)
    wanted = own / (own.norm(dim=1, keepdim=True) + 1e-6)
    rule.gradient(0, flat, grad)
    assert torch.allclose(torch.cat([grad[:, :12], grad[:, 24:]], 1), wanted, rtol=1e-12)


@pytest.mark.parametrize("key", ["clip_value", "agc"])
def test_shared_tensors_do_not_tell_whether_a_lane_was_clipped(key: str) -> None:
    plan = plan_of(((4, 3), "weight"), ((4, 3), "weight"), ((4,), "bias"), shared=1)
    rule = made_rule(key, plan)
    grad = torch.zeros(2, plan.size, dtype=torch.float64)
    grad[:, 12:24] = 100.0
    rule.gradient(0, random(2, plan.size), grad)
    (share,) = rule.gauges().values()
    assert share.tolist() == [0.0, 0.0]


def test_agc_leaves_the_output_layer_alone() -> None:
    plan = plan_of(((4, 3), "weight"), ((2, 4), "weight"))
    rule = made_rule("agc", plan)
    grad = random(2, plan.size, scale=100.0)
    before = grad.clone()
    rule.gradient(0, random(2, plan.size, seed=2), grad)
    assert torch.equal(grad[:, 12:], before[:, 12:])
    assert (grad[:, :12].abs() < before[:, :12].abs()).all()


def test_neighbours_of_one_shape_are_separate_tensors() -> None:
    """They are worked on together, and yet each unit and each bias has a length of its own."""
    plan = plan_of(((3, 3), "weight"), ((3, 3), "weight"), ((3,), "bias"), ((3,), "bias"), ((1, 3), "weight"))
    for key, tool in (("agc", agc), ("gradient_centralization", None)):
        rule = made_rule(key, plan)
        flat, grad = random(2, plan.size), random(2, plan.size, seed=1)
        wanted = grad.clone()
        for lane in range(2):
            for place in plan.tensors:
                piece = slice(place.offset, place.offset + place.size)
                mine = wanted[lane, piece].view(place.shape)
                if tool is None:
                    centralize_gradient(mine)
                elif not place.is_output:
                    mine.copy_(tool(flat[lane, piece].view(place.shape), mine))
        rule.gradient(0, flat, grad)
        assert torch.allclose(grad, wanted, rtol=1e-12, atol=1e-15)


# Lanes apart


@pytest.mark.parametrize(("key", "values"), [(key, values) for key, values, _ in CASES[1:]])
def test_a_calm_neighbour_is_left_alone_bit_for_bit(key: str, values: Document) -> None:
    """At 100 times the bound, the calm lane's gradients are never touched, whatever the wild one's are."""
    bound = {name: 100.0 * value for name, value in values.items()}
    calm: list[Document] = [{"name": "calm"}, {"name": "calm too", "seed": 3}]
    wild: Document = {"name": "wild", "init": {"weight": {"name": "normal", "std": 100.0}}}
    model = {"family": "mlp", "depth": 3, "width": 16, "activation": "relu"}
    free = race(DIGITS, model=model, lanes=[*calm, wild])
    clipped = race(DIGITS, model=model, lanes=[*calm, wild], remedies={key: bound})
    for theirs, mine in zip(free, clipped, strict=True):
        assert theirs.loss.tolist()[:2] == mine.loss.tolist()[:2]
    (share,) = clipped.groups[0].rules.gauges().values()
    assert share.tolist()[:2] == [0.0, 0.0]
    assert share[2] > 0.0


# What clipping can and cannot do


def longest_update(key: str, values: Document, std: float) -> tuple[float, float]:
    """Return the longest gradient and the longest update that a start leads to, clipped."""
    running = race(
        DIGITS,
        model={"family": "mlp", "depth": 10, "width": 16, "activation": "relu"},
        init={"weight": {"name": "normal", "std": std}},
        optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.0},
        remedies={key: values},
    )
    running.keep_before = True
    grads, updates = [], []
    for state in running:
        (group,) = state.groups
        assert group.before is not None
        grads.append(float(group.group.grad.norm()))
        updates.append(float((group.group.flat - group.before).norm()))
    return max(grads), max(updates)


def test_norm_clipping_bounds_the_update_but_cannot_revive_a_vanished_signal() -> None:
    clip = {"max_norm": MAX_NORM}
    grad, update = longest_update("clip_norm", clip, 1.0)
    assert grad == pytest.approx(MAX_NORM, rel=1e-6)
    assert update == pytest.approx(0.1 * MAX_NORM, rel=1e-6)
    running = race(
        DIGITS,
        model={"family": "mlp", "depth": 10, "width": 16, "activation": "tanh"},
        init={"weight": {"name": "normal", "std": 0.001}, "bias": {"name": "zeros"}},
        optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.0},
        remedies={"clip_norm": clip},
    )
    group = running.groups[0]
    first = group.layout.slots[0]
    before = group.flat.clone()
    for _ in range(20):
        next(running)
    piece = slice(first.offset, first.stop)
    assert float((group.flat - before)[:, piece].abs().max()) < 1e-18
    assert running.groups[0].rules.gauges()["norm_clipped"].tolist() == [0.0]


def test_a_norm_that_is_not_finite_spoils_its_own_lane_alone() -> None:
    plan = plan_of(((4, 3), "weight"), ((2, 4), "weight"))
    grad = random(2, plan.size, scale=0.01)
    before = grad.clone()
    grad[0, 5] = torch.inf
    made_rule("clip_norm", plan, max_norm=1.0).gradient(0, random(2, plan.size), grad)
    assert torch.equal(grad[1], before[1])


def test_bounds_must_be_positive() -> None:
    with pytest.raises(ExperimentError, match=r"^remedies\.clip_norm\.max_norm: "):
        race(DIGITS, remedies={"clip_norm": {"max_norm": 0.0}})
