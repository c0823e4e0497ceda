"""Quick forms: which layers they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.blueprint import Blueprint, blueprint
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits


def plan(family: str, data: str = "digits", **values: Any) -> Blueprint:
    document = {"data": {"name": data}, "model": {"family": family, **values}}
    experiment = read_document(document, catalogue(), Limits())
    return blueprint(experiment.base, experiment.data, catalogue(), Limits())


def kinds(plan: Blueprint) -> list[str]:
    return [stage.layer.name for stage in plan.stages]


@pytest.mark.parametrize("depth", [1, 3, 200])
def test_mlp_is_dense_and_activation_depth_times(depth: int) -> None:
    network = plan("mlp", "moons", depth=depth, width=5, activation="tanh")
    assert kinds(network) == ["dense", "activation"] * depth + ["dense"]
    assert network.num_parameters == (2 * 5 + 5) + (depth - 1) * (5 * 5 + 5) + (5 + 1)
    assert {stage.layer["function"] for stage in network.stages if stage.layer.name == "activation"} == {
        "tanh"
    }
    assert network.measured_layers == (*(f"dense_{k}" for k in range(1, depth + 1)), "output")


def test_mlp_flattens_images() -> None:
    network = plan("mlp", "digits", depth=2, width=7)
    assert kinds(network) == ["flatten", "dense", "activation", "dense", "activation", "dense"]
    assert network.stages[0].output_shape == (64,)
    assert network.num_parameters == 64 * 7 + 7 + 7 * 7 + 7 + 7 * 10 + 10


@pytest.mark.parametrize(("depth", "place"), [(0, "model.depth"), (201, "model.depth")])
def test_mlp_has_one_to_two_hundred_hidden_layers(depth: int, place: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        plan("mlp", depth=depth)
    assert caught.value.path == place


def test_cnn_halves_the_image_while_it_is_large_enough() -> None:
    network = plan("cnn", "digits", channels=6, blocks=4, activation="relu")
    block = ["conv", "activation"]
    assert kinds(network) == [*block, "max_pool", *block, "max_pool", *block, *block, "flatten", "dense"]
    assert [s.output_shape for s in network.stages if s.layer.name == "conv"] == [
        (6, 8, 8), (6, 4, 4), (6, 2, 2), (6, 2, 2)
    ]  # fmt: skip
    assert network.num_parameters == (9 * 6 + 6) + 3 * (9 * 6 * 6 + 6) + (6 * 2 * 2 * 10 + 10)


def test_cnn_says_that_it_needs_images() -> None:
    with pytest.raises(ExperimentError, match=r"^model: layer 1 \(conv_1\): it needs an image"):
        plan("cnn", "wine")


@pytest.mark.parametrize(("data", "first"), [("digits", ["flatten"]), ("wine", [])])
def test_resnet_mlp_adds_blocks_of_two_layers(data: str, first: list[str]) -> None:
    network = plan("resnet_mlp", data, blocks=3, width=8, activation="gelu")
    assert kinds(network) == [*first, "dense", *["residual"] * 3, "dense"]
    assert {s.layer["activation"] for s in network.stages if s.layer.name == "residual"} == {"gelu"}
    inputs, outputs = {"digits": (64, 10), "wine": (13, 3)}[data]
    block = 2 * (8 * 8 + 8) + 1
    assert network.num_parameters == inputs * 8 + 8 + 3 * block + 8 * outputs + outputs
    assert network.measured_layers[1:3] == ("residual_1.1", "residual_1.2")
