"""The networks that speed is measured on, as experiments and written plainly, and the loops compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits

LR = 1e-3
ENDLESS = 10**8

Table = dict[str, Any]


@dataclass(frozen=True)
class Net:
    """A network to measure.

    Attributes:
        name: As in the rows.
        data: The experiment's table.
        model: The experiment's table.
        module: The same network in plain ``torch.nn``.
        loss: Its mean loss.
        steps: Steps that take about a fifth of a second.
    """

    name: str
    data: Table
    model: Table
    module: Callable[[], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    steps: int

    def document(self, lanes: int = 1) -> Table:
        """Return an experiment of this network with lanes that differ in their seed."""
        return {
            "device": "cpu",
            "steps": ENDLESS,
            "data": self.data,
            "model": self.model,
            "optimizer": {"name": "adam", "lr": LR},
            "lanes": [{"name": f"lane {lane}", "seed": lane} for lane in range(lanes)],
        }

    def race(self, lanes: int = 1) -> Race:
        """Return the engine's form."""
        return Race(read_document(self.document(lanes), catalogue(), Limits()), catalogue(), Limits())


def _perceptron(inputs: int, width: int, depth: int, outputs: int) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        layers: list[nn.Module] = [nn.Flatten()] if inputs == 64 else []
        for before in (inputs, *[width] * (depth - 1)):
            layers += [nn.Linear(before, width), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(width, outputs))

    return build


def _convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def _binary(outputs: Tensor, targets: Tensor) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(outputs.squeeze(-1), targets)


def _mlp(depth: int, width: int) -> Table:
    return {"family": "mlp", "depth": depth, "width": width, "activation": "relu"}


MOONS = Net("moons", {"name": "moons", "batch_size": 64}, _mlp(2, 32), _perceptron(2, 32, 2, 1), _binary, 600)
DIGITS = Net(
    "digits",
    {"name": "digits", "batch_size": 128},
    _mlp(8, 128),
    _perceptron(64, 128, 8, 10),
    nn.functional.cross_entropy,
    100,
)
CNN8 = Net(
    "cnn8",
    {"name": "digits", "batch_size": 128},
    {
        "layers": [
            {"kind": "conv", "channels": 8},
            {"kind": "activation"},
            {"kind": "max_pool"},
            {"kind": "conv", "channels": 16},
            {"kind": "activation"},
            {"kind": "max_pool"},
            {"kind": "flatten"},
        ]
    },
    _convolutional,
    nn.functional.cross_entropy,
    100,
)
DEEP20 = Net(
    "deep20",
    {"name": "gaussian", "dim": 784, "classes": 10, "batch_size": 128},
    _mlp(20, 256),
    _perceptron(784, 256, 20, 10),
    nn.functional.cross_entropy,
    12,
)
NETS = (MOONS, DIGITS, CNN8, DEEP20)


class TutorialLoop:
    """The loop that tutorials teach: ``DataLoader``, the optimizer's defaults, ``loss.item()`` at each step.

    Args:
        net: What to train.
        inputs: ``(S, *shape)``.
        targets: ``(S,)``.
    """

    def __init__(self, net: Net, inputs: Tensor, targets: Tensor) -> None:
        self.loss = 0.0
        self._net = net
        self._module = net.module()
        self._optimizer = torch.optim.Adam(self._module.parameters(), lr=LR)
        self._loader = DataLoader(
            TensorDataset(inputs, targets), batch_size=net.data["batch_size"], shuffle=True
        )
        self._batches = self._endless()

    def _endless(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from self._loader

    def run(self, steps: int) -> None:
        """Make some updates."""
        for _ in range(steps):
            inputs, targets = next(self._batches)
            self._optimizer.zero_grad()
            loss = self._net.loss(self._module(inputs), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self.loss = loss.item()


class PlainLoop:
    """The same with the tensors preloaded and indexed, and fused Adam.

    Args:
        net: What to train.
        inputs: ``(S, *shape)``.
        targets: ``(S,)``.
    """

    def __init__(self, net: Net, inputs: Tensor, targets: Tensor) -> None:
        self.loss = 0.0
        self._net = net
        self._module = net.module()
        self._optimizer = torch.optim.Adam(self._module.parameters(), lr=LR, fused=True)
        self._inputs = inputs
        self._targets = targets
        self._batches = self._endless()

    def _endless(self) -> Iterator[Tensor]:
        while True:
            yield from torch.randperm(len(self._inputs)).split(self._net.data["batch_size"])  # type: ignore[no-untyped-call]

    def run(self, steps: int) -> None:
        """Make some updates."""
        for _ in range(steps):
            chosen = next(self._batches)
            inputs, targets = self._inputs[chosen], self._targets[chosen]
            self._optimizer.zero_grad()
            loss = self._net.loss(self._module(inputs), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self.loss = loss.item()


def run_race(race: Race, steps: int) -> None:
    """Make some updates of a race."""
    for _ in range(steps):
        next(race)
