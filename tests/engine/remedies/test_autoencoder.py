"""Autoencoders: layers, tied weights counted once, and training against plain torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from initviz.catalog.families.autoencoder import encoder_widths
from initviz.engine.layout import view_of
from initviz.engine.race import Race
from initviz.experiment.errors import ExperimentError
from tests.engine.oracle import Document, check_against_plain, race

STEPS, TOLERANCE = 20, 1e-9
OPTIMIZERS: dict[str, Document] = {
    "sgd": {"name": "sgd", "lr": 0.05, "momentum": 0.9},
    "adam": {"name": "adam", "lr": 0.003},
}
PROOF: Document = {
    "dtype": "float64",
    "steps": STEPS,
    "data": {"name": "digits", "batch_size": 16, "reconstruct": True},
    "model": {"family": "autoencoder", "depth": 3, "width": 20, "bottleneck": 5, "tied": True},
    "init": {"weight": {"name": "xavier_normal"}, "bias": {"name": "normal", "std": 0.1}},
    "optimizer": OPTIMIZERS["sgd"],
}
THREE: list[Document] = [
    {"name": "a"},
    {"name": "b", "seed": 7},
    {"name": "c", "init": {"weight": {"name": "orthogonal"}}},
]


class Tied(nn.Module):
    """An autoencoder whose decoder is its encoder turned, written without the program's layers.

    Args:
        weights: Of the encoder, ``(O, I)`` each.
        biases: Of encoder and decoder, in order.
    """

    def __init__(self, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> None:
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(weight.clone()) for weight in weights])
        self.biases = nn.ParameterList([nn.Parameter(bias.clone()) for bias in biases])

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        depth = len(self.weights)
        for place in range(2 * depth):
            weight = self.weights[place] if place < depth else self.weights[2 * depth - 1 - place].t()
            x = functional.linear(x, weight, self.biases[place])
            if place not in (depth - 1, 2 * depth - 1):
                x = torch.tanh(x)
        return x


def tensors(running: Race, lane: int, role: str) -> list[Tensor]:
    """Return a lane's tensors of a role, in the order of the layers."""
    group = running.groups[0]
    row = group.flat[lane]
    return [view_of(row, slot) for slot in group.layout.slots if slot.spec.role == role]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("name", "depth"), [("digits", 3), ("digits", 1), ("wine", 2)])
def test_a_tied_one_trains_as_three_plain_ones(name: str, depth: int, optimizer: str) -> None:
    document = {
        **PROOF,
        "data": {"name": name, "batch_size": 16, "reconstruct": True},
        "model": {**PROOF["model"], "depth": depth},
        "optimizer": OPTIMIZERS[optimizer],
    }
    running = race(document, lanes=THREE)
    plain = [
        Tied(tensors(running, lane, "weight")[:depth], tensors(running, lane, "bias")) for lane in range(3)
    ]
    trainers: list[Any] = [
        torch.optim.SGD(one.parameters(), lr=0.05, momentum=0.9)
        if optimizer == "sgd"
        else torch.optim.Adam(one.parameters(), lr=0.003)
        for one in plain
    ]
    numbers = sum(parameter.numel() for parameter in plain[0].parameters())
    assert running.blueprints[0].num_parameters == numbers, "a shared weight counts once"
    losses = []
    for step in range(STEPS):
        inputs, _ = running.data.batch(step)
        wanted = []
        for one, trainer in zip(plain, trainers, strict=True):
            trainer.zero_grad()
            loss = functional.mse_loss(one(inputs), inputs.flatten(1))
            loss.backward()  # type: ignore[no-untyped-call]
            trainer.step()
            wanted.append(loss.item())
        found = next(running).loss
        torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64), rtol=0, atol=TOLERANCE)
        losses.append(wanted)
    assert losses[-1] != losses[0]
    for lane, one in enumerate(plain):
        own = tensors(running, lane, "weight")
        for place, weight in enumerate(one.weights):
            torch.testing.assert_close(own[place], weight.detach(), rtol=0, atol=TOLERANCE)
            mirror = own[2 * depth - 1 - place]
            assert torch.equal(mirror, own[place].t()), "the decoder repeats the encoder to the last bit"


@pytest.mark.parametrize("name", ["digits", "wine"])
def test_an_untied_one_trains_as_three_plain_ones(name: str) -> None:
    document = {
        **PROOF,
        "data": {"name": name, "batch_size": 16, "reconstruct": True},
        "model": {**PROOF["model"], "tied": False},
    }
    running = race(document, lanes=THREE)
    check_against_plain(running, STEPS, TOLERANCE)


@pytest.mark.parametrize("tied", [False, True])
def test_its_layers_narrow_and_widen_again(tied: bool) -> None:
    running = race(PROOF, model={**PROOF["model"], "tied": tied})
    stages = [stage for stage in running.blueprints[0].stages if stage.layer.name == "dense"]
    assert [stage.output_shape for stage in stages] == [(20,), (10,), (5,), (10,), (20,), (64,)]
    weights = 64 * 20 + 20 * 10 + 10 * 5
    biases = 20 + 10 + 5 + 10 + 20 + 64
    assert running.blueprints[0].num_parameters == weights * (1 if tied else 2) + biases
    shared = [spec.tied_to is not None for stage in stages for spec in stage.tensors if spec.role == "weight"]
    assert shared == [False] * 3 + [tied] * 3
    kinds = [stage.layer.name for stage in running.blueprints[0].stages]
    layer = ["dense", "activation"]
    assert kinds == ["flatten", *layer, *layer, "dense", *layer, *layer, "dense"]


def test_widths_are_a_geometric_series() -> None:
    assert encoder_widths(64, 4, 5) == (64, 32, 16, 8, 4)
    assert encoder_widths(64, 4, 1) == (4,)
    assert encoder_widths(4, 64, 3) == (4, 16, 64)
    assert all(width >= 1 for width in encoder_widths(1, 1, 100))


@pytest.mark.parametrize("tied", [False, True])
def test_one_that_is_to_learn_labels_is_refused_in_words(tied: bool) -> None:
    document = {
        **PROOF,
        "data": {"name": "digits", "batch_size": 16},
        "model": {**PROOF["model"], "tied": tied},
    }
    with pytest.raises(ExperimentError, match="gives back its inputs") as caught:
        race(document)
    assert caught.value.path == "data.reconstruct"


def test_one_layer_without_activation_finds_what_principal_components_do() -> None:
    """A linear autoencoder cannot beat the principal components of the same number, and comes near them."""
    document = {
        **PROOF,
        "steps": 1500,
        "data": {"name": "wine", "batch_size": 256, "reconstruct": True, "validation": 0.0},
        "model": {**PROOF["model"], "depth": 1, "bottleneck": 3},
        "optimizer": {"name": "adam", "lr": 0.01},
    }
    running = race(document)
    for state in running:
        loss = float(state.loss)
    inputs = running.data.inputs
    spectrum = torch.linalg.svdvals(inputs - inputs.mean(0))
    best = float(spectrum[3:].square().sum() / inputs.numel())
    assert best <= loss < 1.01 * best
