"""Lookahead, SWA and EMA are those of ``pytorch_optimizer`` and ``torch.optim.swa_utils``."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pytorch_optimizer import Lookahead
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn

from initviz.experiment.errors import ExperimentError
from tests.engine.oracle import Document, network, race
from tests.engine.remedies.plain_rules import (
    DIGITS,
    IMAGES,
    THREE,
    PlainLane,
    check_lanes,
    made_rule,
    plan_of,
    row_of,
)

OPTIMIZERS: list[Document] = [
    {"name": "sgd", "lr": 0.1, "momentum": 0.9},
    {"name": "adam", "lr": 0.01},
    {"name": "lamb", "lr": 0.01},
    {"name": "muon"},
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda table: str(table["name"]))
def test_lookahead_goes_around_any_optimizer(optimizer: Document) -> None:
    running = race(DIGITS, optimizer=optimizer, lanes=THREE, remedies={"lookahead": {"k": 3, "alpha": 0.4}})

    class Slow:
        """The same around an optimizer that ``Lookahead`` cannot look into."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner
            self.lookahead = Lookahead(
                torch.optim.SGD(inner.param_groups[0]["params"], lr=0.0), k=3, alpha=0.4
            )

        def step(self) -> None:
            self.inner.step()
            self.lookahead.step()

    wrap = Slow if optimizer["name"] == "muon" else lambda inner: Lookahead(inner, k=3, alpha=0.4)
    check_lanes(running, wrap=wrap)


@pytest.mark.parametrize("model", [DIGITS["model"], IMAGES], ids=["mlp", "conv"])
@pytest.mark.parametrize("decay", [0.0, 0.9, 0.99])
def test_ema_is_that_of_torch(decay: float, model: Document) -> None:
    running = race(DIGITS, model=model, lanes=THREE, remedies={"ema": {"decay": decay}})
    assert running.groups[0].rules.averaged() is None
    averages: dict[int, AveragedModel] = {}
    forget = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]

    def update(lane: PlainLane) -> None:
        averages.setdefault(id(lane), AveragedModel(lane.network, multi_avg_fn=forget)).update_parameters(
            lane.network
        )

    plain = check_lanes(running, after=update)
    found = running.groups[0].rules.averaged()
    assert found is not None
    for row, lane in zip(found, plain, strict=True):
        assert torch.allclose(row, row_of(averages[id(lane)].module, running), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("anneal", [0, 2])
@pytest.mark.parametrize("every", [1, 2])
def test_swa_is_that_of_torch(anneal: int, every: int) -> None:
    """Its rate, and the mean of the weights at the ends of epochs from the start on."""
    data = {"name": "iris", "batch_size": 40, "validation": 0.2}
    steps, start, epoch = 60, 21, 3
    document = {**DIGITS, "data": data, "steps": steps}
    values = {"start": start / steps, "rate": 0.3, "anneal": anneal, "every": every}
    running = race(document, lanes=THREE, remedies={"swa": values})
    assert running.data.steps_per_epoch == epoch
    averages: dict[int, AveragedModel] = {}
    schedules: dict[int, SWALR] = {}
    rates: list[float] = []

    def go_over(lane: PlainLane) -> None:
        if lane.steps == start:
            schedules[id(lane)] = SWALR(
                lane.optimizer, swa_lr=0.03, anneal_epochs=anneal * epoch, anneal_strategy="cos"
            )
        if lane is plain[0]:
            rates.append(lane.optimizer.param_groups[0]["lr"])

    def update(lane: PlainLane) -> None:
        since = lane.steps - start + 1
        if since > 0:
            schedules[id(lane)].step()
            if since % (every * epoch) == 0:
                averages.setdefault(id(lane), AveragedModel(lane.network)).update_parameters(lane.network)

    plain = [PlainLane(running, lane, before=go_over, after=update) for lane in range(3)]
    for step in range(steps):
        wanted = [lane.step() for lane in plain]
        state = next(running)
        assert state.loss.tolist() == pytest.approx(wanted, rel=1e-9)
        assert state.lr[0] == pytest.approx(rates[step], rel=1e-12)
    found = running.groups[0].rules.averaged()
    assert found is not None
    for row, lane in zip(found, plain, strict=True):
        assert int(averages[id(lane)].n_averaged) == (steps - start) // (every * epoch)
        assert torch.allclose(row, row_of(averages[id(lane)].module, running), rtol=1e-9, atol=1e-12)


def test_swa_takes_the_weights_as_the_step_left_them() -> None:
    """Lookahead changes weights after SWA was told of them; the mean must be of what remains."""
    remedies = {"swa": {"start": 0.5, "rate": 1.0}, "lookahead": {"k": 1, "alpha": 0.5}}
    running = race({**DIGITS, "steps": 90}, remedies=remedies)
    for _ in running:
        pass
    group = running.groups[0]
    found = group.rules.averaged()
    assert found is not None
    epoch = running.data.steps_per_epoch
    assert 45 + epoch <= 90 < 45 + 2 * epoch, "one set of weights is the mean"
    again = race({**DIGITS, "steps": 90}, remedies=remedies)
    for _ in range(45 + epoch):
        next(again)
    assert torch.equal(found, again.groups[0].flat)


@pytest.mark.parametrize("key", ["swa", "ema"])
def test_averaging_changes_no_weights(key: str) -> None:
    values = {"swa": {"start": 0.5, "rate": 1.0}, "ema": {}}[key]
    bare, averaged = race(DIGITS, lanes=THREE), race(DIGITS, lanes=THREE, remedies={key: values or True})
    for one, other in zip(bare, averaged, strict=True):
        assert torch.equal(one.loss, other.loss)
    assert torch.equal(bare.groups[0].flat, averaged.groups[0].flat)


def test_a_short_run_has_an_average_at_its_end() -> None:
    running = race({**DIGITS, "steps": 5}, remedies={"swa": {"start": 0.5}})
    for _ in running:
        pass
    found = running.groups[0].rules.averaged()
    assert found is not None
    assert torch.equal(found, running.groups[0].flat)


def test_averaged_weights_are_scored_as_the_plain_network_with_them() -> None:
    running = race(DIGITS, lanes=THREE, remedies={"ema": {"decay": 0.8}})
    for _ in running:
        pass
    group = running.groups[0]
    averaged = group.rules.averaged()
    outputs = group.averaged_outputs()
    assert averaged is not None
    assert outputs is not None
    inputs = running.data.validation_inputs
    found = outputs(inputs)
    raw = group.flat.clone()
    group.flat.copy_(averaged)
    for lane in range(3):
        plain: nn.Module = network(running, lane)
        assert torch.allclose(found[lane], plain(inputs), rtol=1e-10)
    group.flat.copy_(raw)
    assert not torch.allclose(found, group.outputs(inputs), rtol=1e-3)


def test_one_set_of_averages_at_a_time() -> None:
    with pytest.raises(ExperimentError, match=r"^remedies\.swa: "):
        race(DIGITS, remedies={"swa": True, "ema": True})
    race(DIGITS, lanes=[{"name": "a", "remedies": {"swa": True}}, {"name": "b", "remedies": {"ema": True}}])


def test_lookahead_with_no_way_stays_where_it_began() -> None:
    plan = plan_of(((2, 2), "weight"))
    rule = made_rule("lookahead", plan, k=2, alpha=0.0)
    flat = torch.ones(2, 4)
    for step in range(4):
        rule.gradient(step, flat, torch.zeros_like(flat))
        flat += 1.0
        rule.updated(step, flat)
        assert bool((flat == 1.0).all()) == (step % 2 == 1)
