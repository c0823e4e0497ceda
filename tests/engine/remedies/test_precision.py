"""Products in sixteen bits, against ``torch.autocast`` and ``torch.amp.GradScaler``."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from initviz.engine.precision import LossScale
from initviz.experiment.errors import ExperimentError
from tests.engine.oracle import Document, network, race

STEPS = 20
DIGITS: Document = {
    "dtype": "float32",
    "steps": STEPS,
    "data": {"name": "digits", "batch_size": 32},
    "init": {"weight": {"name": "he_normal"}},
    "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.9},
    "lanes": [{"name": "a"}, {"name": "b", "seed": 7}, {"name": "c", "seed": 8}],
}
MLP = {"family": "mlp", "depth": 3, "width": 32, "activation": "relu"}
CNN = {"family": "cnn", "channels": 6, "blocks": 2}
NORM = {"family": "mlp", "depth": 2, "width": 32, "activation": "relu", "normalization": "batch_norm"}


def plain_losses(running: Any, lane: int, dtype: torch.dtype, scaled: bool) -> list[float]:
    """Train a lane's network plainly under autocast; return the loss of every step."""
    plain = network(running, lane)
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.02, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", enabled=scaled)
    losses = []
    for step in range(STEPS):
        inputs, targets = running.data.batch(step)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype):
            outputs = plain(inputs)
        loss = nn.functional.cross_entropy(outputs.float(), targets)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("model", [MLP, CNN, NORM], ids=["mlp", "cnn", "batch norm"])
@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_training_is_that_of_autocast(name: str, model: Document) -> None:
    running = race(DIGITS, model=model, remedies={"mixed_precision": {"type": name}})
    dtype = getattr(torch, name)
    wanted = [plain_losses(running, lane, dtype, name == "float16") for lane in range(3)]
    full = race(DIGITS, model=model)
    found, exact = [], []
    for _ in range(STEPS):
        found.append(next(running).loss.tolist())
        exact.append(next(full).loss.tolist())
    ours, theirs = torch.tensor(found), torch.tensor(wanted).T
    # Lanes add up in another order than a single network, and a sum that falls on the other side of a rounding step
    # differs by one such step: the two runs drift apart far more slowly than either does from full precision.
    away = (torch.tensor(exact) - theirs).abs().max()
    assert away > 0, "nothing was computed in sixteen bits"
    torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0.02)
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-3, atol=1e-3)


def test_the_scale_follows_torch() -> None:
    ours = LossScale()
    theirs = torch.amp.GradScaler("cpu")
    weight = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    theirs.scale(torch.zeros(1))
    for step in range(4100):
        is_finite = step not in (3, 4, 50)
        weight.grad = torch.full((1,), 1.0 if is_finite else torch.inf)
        theirs.step(optimizer)
        theirs.update()
        ours.update(is_finite)
        assert ours.value == theirs.get_scale(), step
    assert ours.skipped == 3


def test_gradients_that_became_zero_are_counted() -> None:
    """A start so small that half precision loses gradients which single precision has."""
    tiny = {"weight": {"name": "normal", "std": 0.01}}
    for name, least in (("float16", 0.2), ("bfloat16", 0.0)):
        running = race(
            DIGITS,
            model={**MLP, "depth": 6},
            init=tiny,
            remedies={"mixed_precision": {"type": name}},
        )
        running.observe = True
        next(running)
        share = running.gauges()["underflowed"]
        assert (share >= least).all()
        assert (share <= 1.0).all()
        if name == "bfloat16":
            assert (share < 0.01).all(), "its range is that of single precision"


def test_double_precision_is_refused_where_it_was_chosen() -> None:
    with pytest.raises(ExperimentError) as refusal:
        race(DIGITS, dtype="float64", model=MLP, remedies={"mixed_precision": True})
    assert refusal.value.path == "remedies.mixed_precision"


def test_a_device_without_it_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("initviz.engine.precision._can", lambda dtype, device: False)
    with pytest.raises(ExperimentError) as refusal:
        race(DIGITS, model=MLP, remedies={"mixed_precision": {"type": "float16"}})
    assert "float16" in refusal.value.text.en
    assert refusal.value.path == "remedies.mixed_precision"
