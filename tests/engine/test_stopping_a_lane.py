"""A lane that somebody stops keeps its weights, and its neighbours notice nothing."""

from __future__ import annotations

import numpy as np
import torch

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits

DOCUMENT: dict[str, object] = {
    "device": "cpu",
    "dtype": "float64",
    "steps": 8,
    "data": {"name": "moons", "batch_size": 32},
    "model": {"family": "mlp", "depth": 2, "width": 8},
    "optimizer": {"name": "adam", "lr": 0.01},
    "lanes": [{"name": "a"}, {"name": "b", "seed": 1}, {"name": "c", "model": {"depth": 3}}],
}


def race() -> Race:
    return Race(read_document(DOCUMENT, catalogue(), Limits()), catalogue(), Limits())


def test_a_stopped_lane_stands_still_and_the_others_train_as_if_alone() -> None:
    stopped, free = race(), race()
    for _ in range(3):
        next(stopped)
        next(free)
    held = stopped.groups[0].flat[0].clone()
    stopped.stop(0)
    for _ in range(5):
        state = next(stopped)
        next(free)
    assert torch.equal(stopped.groups[0].flat[0], held)
    assert not torch.equal(free.groups[0].flat[0], held)
    assert torch.equal(stopped.groups[0].flat[1], free.groups[0].flat[1])
    assert torch.equal(stopped.groups[1].flat, free.groups[1].flat)
    assert state.loss.isnan().tolist() == [True, False, False]
    assert stopped.stopped == {0: (3, 3)}


def test_a_group_with_nobody_left_computes_nothing() -> None:
    stopped = race()
    next(stopped)
    stopped.stop(2)
    held = stopped.groups[1].flat.clone()
    batches = stopped.groups[1].grad.clone()
    next(stopped)
    assert torch.equal(stopped.groups[1].flat, held)
    assert torch.equal(stopped.groups[1].grad, batches)  # no backward pass wrote into it
    loss, _ = stopped.evaluate()
    assert np.isfinite(loss).all()  # what it has learned so far is scored all the same
