"""Lanes with rules at work against plain networks that do the same by other means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from initviz.catalog.index import catalogue
from initviz.catalog.remedy_part import GroupPlan, RemedyPart, Rule, TensorPlace
from initviz.engine.race import Race
from tests.engine.oracle import LOSSES, OPTIMIZERS, Document, network

DIGITS: Document = {
    "dtype": "float64",
    "steps": 20,
    "data": {"name": "digits", "batch_size": 32},
    "model": {"family": "mlp", "depth": 3, "width": 16, "activation": "tanh"},
    "init": {"weight": {"name": "xavier_normal"}, "bias": {"name": "normal", "std": 0.1}},
    "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9},
}
IMAGES: Document = {
    "layers": [
        {"kind": "conv", "channels": 3},
        {"kind": "activation", "function": "tanh"},
        {"kind": "flatten"},
        {"kind": "dense", "units": 8},
        {"kind": "activation", "function": "tanh"},
    ]
}
THREE: list[Document] = [
    {"name": "a"},
    {"name": "b", "seed": 7},
    {"name": "c", "init": {"weight": {"name": "normal", "std": 0.7}}},
]

Penalty = Callable[[nn.Module], Tensor]
Hook = Callable[["PlainLane"], None]


def nothing(lane: PlainLane) -> None:
    """Do nothing."""


class PlainLane:
    """A lane trained by a plain loop.

    Args:
        running: The race, before its first step.
        lane: Which of its lanes.
        penalty: What is added to the loss, or None.
        before: What is done to the gradients before the update.
        after: What is done after it.
        wrap: What is made of the optimizer.
    """

    def __init__(
        self,
        running: Race,
        lane: int,
        penalty: Penalty | None = None,
        before: Hook = nothing,
        after: Hook = nothing,
        wrap: Callable[[Optimizer], Any] = lambda optimizer: optimizer,
    ) -> None:
        recipe = running.experiment.lanes[lane].recipe
        self.running = running
        self.network = network(running, lane)
        self.optimizer = OPTIMIZERS[recipe.optimizer.name](list(self.network.parameters()), recipe.optimizer)
        self.wrapped = wrap(self.optimizer)
        self.steps = 0
        self._penalty, self._before, self._after = penalty, before, after
        self._loss = LOSSES[running.data.info.task]

    @property
    def weights(self) -> list[nn.Parameter]:
        """All weights, no biases."""
        return [value for name, value in self.network.named_parameters() if name.endswith("weight")]

    def step(self) -> float:
        """Make an update and return the loss before, without the penalty."""
        inputs, targets = self.running.data.batch(self.steps)
        self.optimizer.zero_grad()
        loss = self._loss(self.network(inputs), targets)
        whole = loss if self._penalty is None else loss + self._penalty(self.network)
        whole.backward()  # type: ignore[no-untyped-call]
        self._before(self)
        self.wrapped.step()
        self._after(self)
        self.steps += 1
        return loss.item()


def check_lanes(running: Race, tolerance: float = 1e-9, steps: int = 20, **hooks: Any) -> list[PlainLane]:
    """Train all lanes together and each plainly, compare the losses of every step, and return the plain ones."""
    plain = [PlainLane(running, lane, **hooks) for lane in range(running.num_lanes)]
    losses = []
    for step in range(steps):
        wanted = [lane.step() for lane in plain]
        found = next(running).loss.tolist()
        for ours, theirs in zip(found, wanted, strict=True):
            assert abs(ours - theirs) <= tolerance * max(1.0, abs(theirs)), (step, ours, theirs)
        losses.append(found)
    assert losses[0] != losses[-1]
    return plain


def row_of(plain: nn.Module, running: Race) -> Tensor:
    """Return a plain network's parameters as a row of the flat buffer."""
    group = running.groups[0]
    row = torch.full((group.layout.size,), torch.nan, dtype=group.flat.dtype)
    found = dict(plain.named_parameters())
    for slot, view in zip(group.layout.slots, group.layout.views(row), strict=True):
        view.copy_(found[f"{slot.stage}.{slot.spec.name}"].detach())
    return row


def made_rule(key: str, plan: GroupPlan, **values: Any) -> Rule:
    """Return a remedy's rule on its own."""
    part = catalogue().get("remedy", key)
    assert isinstance(part, RemedyPart)
    assert part.rule is not None
    rule = part.rule(part.choose(**values), plan)
    assert set(rule.gauges()) <= {gauge.key for gauge in part.gauges}
    return rule


def plan_of(*places: tuple[tuple[int, ...], str], shared: int = -1, lanes: int = 2) -> GroupPlan:
    """Return the plan of tensors of some shapes and roles, side by side; the last belongs to the output layer."""
    tensors: list[TensorPlace] = []
    end = 0
    for index, (shape, role) in enumerate(places):
        tensors.append(
            TensorPlace(
                name=f"t{index}.{role}",
                offset=end,
                shape=shape,
                role=role,
                is_output=index == len(places) - 1,
                is_shared=index == shared,
            )
        )
        end += tensors[-1].size
    return GroupPlan(
        num_lanes=lanes, size=end, tensors=tuple(tensors), total_steps=100, steps_per_epoch=10, lr=0.1
    )
