"""Dropout and DropConnect: whose noise, how much, and that evaluation has none."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from initviz.catalog.index import catalogue
from initviz.catalog.parts import Attachable, LaneForm, TorchLayerPart
from initviz.experiment.values import Shape
from tests.catalog.fake_now import FakeNow

FLAT, SEQUENCE, IMAGE = (6,), (5, 6), (4, 3, 2)
SEEDS = (11, 5, 8)
RATE = 0.4
BATCH = 7


def part(kind: str) -> TorchLayerPart:
    found = catalogue().get("layer", kind)
    assert isinstance(found, TorchLayerPart)
    return found


def form(kind: str, shape: Shape, now: FakeNow, **values: Any) -> LaneForm:
    build = part(kind).lanes
    assert build is not None
    made = build(part(kind).choose(**values), shape, len(now.seeds))
    assert isinstance(made, LaneForm)
    assert isinstance(made, Attachable)
    made.attach(now, ())
    return made


def mask(seed: int, shape: Shape, rate: float = RATE) -> Tensor:
    """Return a lane's factors as torch draws them: those by which its own dropout multiplies."""
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(seed)
        return functional.dropout(torch.ones(shape, dtype=torch.float64), rate)


def joined(each: list[Tensor]) -> Tensor:
    return torch.cat(each, 1) if each[0].dim() == 4 else torch.stack(each)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shared", [False, True], ids=["own input", "shared input"])
@pytest.mark.parametrize("shape", [FLAT, SEQUENCE, IMAGE])
def test_dropout_draws_each_lane_from_its_own_generator(shape: Shape, shared: bool) -> None:
    xs = [draw(BATCH, *shape) + lane * (not shared) for lane in range(3)]
    wanted = [mask(seed, (BATCH, *shape)) for seed in SEEDS]
    layer = form("dropout", shape, FakeNow(SEEDS), rate=RATE)
    y, saved = layer.forward(xs[0] if shared else joined(xs), ())
    assert torch.equal(y, joined([x * m for x, m in zip(xs, wanted, strict=True)]))
    grad = draw(*y.shape, seed=1)
    assert torch.equal(layer.backward(grad, saved, (), (), True), grad * joined(wanted))  # type: ignore[arg-type]
    for x, m, seed in zip(xs, wanted, SEEDS, strict=True):
        alone = form("dropout", shape, FakeNow((seed,)), rate=RATE)
        assert torch.equal(alone.forward(x, ())[0], x * m)


def test_the_same_numbers_drop_out_in_single_precision() -> None:
    x = draw(BATCH, 6)
    double, single = (
        form("dropout", FLAT, FakeNow((3,)), rate=RATE).forward(one, ())[0] for one in (x, x.float())
    )
    assert torch.equal(double == 0, single == 0)
    assert single.dtype == torch.float32


@pytest.mark.parametrize(("training", "rate"), [(False, 0.5), (True, 0.0)])
@pytest.mark.parametrize("kind", ["dropout", "drop_connect"])
def test_evaluation_and_a_rate_of_zero_leave_everything_in(kind: str, training: bool, rate: float) -> None:
    now = FakeNow(SEEDS, training=training)
    values = {"rate": rate, **({"units": 4} if kind == "drop_connect" else {})}
    layer = form(kind, FLAT, now, **values)
    x, weight, bias = draw(3, BATCH, 6), draw(3, 4, 6), draw(3, 4)
    before = [one.get_state() for one in now.drawn]
    tensors = (weight, bias) if kind == "drop_connect" else ()
    y, saved = layer.forward(x, tensors)
    wanted = torch.baddbmm(bias.unsqueeze(1), x, weight.mT) if tensors else x
    assert torch.equal(y, wanted)
    grads = tuple(torch.empty_like(tensor) for tensor in tensors)
    back = layer.backward(torch.ones_like(y), saved, tensors, grads, True)
    assert back is not None
    assert back.shape == x.shape
    assert all(torch.equal(a, b.get_state()) for a, b in zip(before, now.drawn, strict=True))


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("shared", [False, True], ids=["own input", "shared input"])
def test_drop_connect_drops_weights_and_not_activations(lanes: int, shared: bool, has_bias: bool) -> None:
    xs = [draw(BATCH, 6) + lane * (not shared) for lane in range(lanes)]
    weights, biases = draw(lanes, 4, 6), draw(lanes, 4)
    grads = [torch.full_like(weights, torch.nan), torch.full_like(biases, torch.nan)]
    grad = draw(lanes, BATCH, 4)
    layer = form("drop_connect", FLAT, FakeNow(SEEDS[:lanes]), units=4, rate=RATE, bias=has_bias)
    tensors, own_grads = [weights, biases][: 1 + has_bias], grads[: 1 + has_bias]
    x, back = torch.stack(xs), grad
    if lanes == 1:
        tensors, own_grads = [t[0] for t in tensors], [g[0] for g in own_grads]
        x, back = x[0], grad[0]
    elif shared:
        x = xs[0]
    y, saved = layer.forward(x, tensors)
    before = layer.backward(back, saved, tensors, own_grads, True)
    assert before is not None
    for lane in range(lanes):
        leaf = [
            xs[lane].clone().requires_grad_(),
            weights[lane].clone().requires_grad_(),
            biases[lane].clone().requires_grad_(),
        ]
        out = functional.linear(leaf[0], leaf[1] * mask(SEEDS[lane], (4, 6)), leaf[2] if has_bias else None)
        found = torch.autograd.grad(out, leaf[: 2 + has_bias], grad[lane])
        assert torch.allclose(y[lane] if lanes > 1 else y, out, rtol=1e-12)
        assert torch.allclose(before[lane] if lanes > 1 else before, found[0], rtol=1e-12)
        assert torch.allclose(grads[0][lane], found[1], rtol=1e-12)
        assert not has_bias or torch.allclose(grads[1][lane], found[2], rtol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_the_plain_forms_are_torchs_own(training: bool) -> None:
    x = draw(BATCH, 6)
    module = part("drop_connect").module(part("drop_connect").choose(units=4, rate=RATE), FLAT).double()
    module.train(training)
    with torch.random.fork_rng():
        state = torch.get_rng_state()
        found = module(x)
        torch.set_rng_state(state)
        weight = functional.dropout(module.get_parameter("weight"), RATE, training)
    assert torch.equal(found, functional.linear(x, weight, module.get_parameter("bias")))


def test_dropout_keeps_the_mean_and_multiplies_the_mean_square_by_one_over_keep() -> None:
    x = torch.ones(400_000, 1, dtype=torch.float64)
    for rate in (0.2, 0.5, 0.8):
        y, _ = form("dropout", (1,), FakeNow((0,)), rate=rate).forward(x, ())
        assert y.mean().item() == pytest.approx(1.0, abs=0.01)
        assert y.square().mean().item() == pytest.approx(1 / (1 - rate), rel=0.02)


def test_drop_connect_multiplies_the_variance_of_a_sum_by_one_over_keep() -> None:
    units = 400
    x, weight = draw(64, units), draw(units, units, seed=1) / math.sqrt(units)
    plain = functional.linear(x, weight).var().item()
    layer = form("drop_connect", (units,), FakeNow((0,)), units=units, rate=0.5, bias=False)
    assert layer.forward(x, (weight,))[0].var().item() == pytest.approx(2 * plain, rel=0.05)
