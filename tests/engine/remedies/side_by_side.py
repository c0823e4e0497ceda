"""Three lanes with remedies for the data or the loss, and the same three trained alone in plain ``torch.nn``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from initviz.engine.race import Race
from tests.engine.oracle import Document, PlainRun, network, race

STEPS = 20
TOLERANCE = 1e-9
Loss = Callable[[Tensor, Tensor], Tensor]

LANES: list[Document] = [
    {"name": "a"},
    {"name": "b", "seed": 7},
    {"name": "c", "init": {"weight": {"name": "normal", "std": 0.3}}},
]
DIGITS: Document = {"name": "digits", "batch_size": 32}
MOONS: Document = {"name": "moons", "samples": 200, "batch_size": 32}
CURVE: Document = {"name": "wave", "samples": 200, "batch_size": 32}


def three_lanes(data: Document, remedies: Document, **changes: Any) -> Race:
    """Return a race in double precision whose lanes share some remedies."""
    return race(
        {
            "dtype": "float64",
            "steps": STEPS,
            "data": data,
            "model": {"family": "mlp", "depth": 2, "width": 12, "activation": "tanh"},
            "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9},
            "remedies": remedies,
            "lanes": LANES,
            **changes,
        }
    )


def check_against_plain(running: Race, loss: Loss | None = None) -> None:
    """Train to the end and compare every lane's weights with those of the same network trained alone.

    Args:
        running: A race before its first step.
        loss: What the plain networks are trained on; the usual loss where None.
    """
    alone = [PlainRun(running, lane) for lane in range(running.num_lanes)]
    before = [[p.detach().clone() for p in run.parameters] for run in alone]
    for run in alone:
        run._loss = loss or run._loss
        for step in range(STEPS):
            run.step(step)
    for _ in running:
        pass
    for lane, run in enumerate(alone):
        for first, mine, plain in zip(
            before[lane], network(running, lane).parameters(), run.parameters, strict=True
        ):
            assert not torch.equal(first, plain), "it has learned"
            torch.testing.assert_close(mine, plain, rtol=TOLERANCE, atol=TOLERANCE)
