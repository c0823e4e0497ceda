"""Networks worked out to the last shape, without a number being allocated."""

from __future__ import annotations

from typing import Any

import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.blueprint import Blueprint, blueprint
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from tests.experiment.conftest import Read


@pytest.fixture
def plan(read: Read) -> Any:
    def plan(document: dict[str, Any]) -> list[Blueprint]:
        experiment = read(document)
        return [blueprint(lane.recipe, experiment.data, catalogue(), Limits()) for lane in experiment.lanes]

    return plan


LAYERS = [
    {"kind": "conv", "channels": 4, "kernel": 3, "stride": 2, "padding": 0},
    {"kind": "activation", "function": "tanh"},
    {"kind": "conv", "channels": 5, "bias": False},
    {"kind": "max_pool", "size": 3},
    {"kind": "flatten"},
    {"kind": "dense", "units": 6},
    {"kind": "residual"},
]


def test_shapes_names_and_parameters(plan: Any) -> None:
    (network,) = plan({"model": {"layers": LAYERS}})
    assert [(s.index, s.name, s.input_shape, s.output_shape, s.num_parameters) for s in network.stages] == [
        (0, "conv_1", (1, 8, 8), (4, 3, 3), 4 * 9 + 4),
        (1, "activation_1", (4, 3, 3), (4, 3, 3), 0),
        (2, "conv_2", (4, 3, 3), (5, 3, 3), 5 * 4 * 9),
        (3, "max_pool_1", (5, 3, 3), (5, 1, 1), 0),
        (4, "flatten_1", (5, 1, 1), (5,), 0),
        (5, "dense_1", (5,), (6,), 36),
        (6, "residual_1", (6,), (6,), 2 * (36 + 6) + 1),
        (7, "output", (6,), (10,), 70),
    ]
    assert network.num_parameters == sum(stage.num_parameters for stage in network.stages)
    assert network.measured_layers == (
        "conv_1",
        "conv_2",
        "dense_1",
        "residual_1.1",
        "residual_1.2",
        "output",
    )
    assert (network.data.task, network.data.num_outputs) == ("classification", 10)


@pytest.mark.parametrize(
    ("data", "outputs"), [("moons", 1), ("breast_cancer", 1), ("iris", 3), ("digits", 10)]
)
def test_the_output_layer_fits_the_data(plan: Any, data: str, outputs: int) -> None:
    (network,) = plan({"data": {"name": data}})
    assert network.stages[-1].output_shape == (outputs,)
    assert network.stages[-1].layer.name == "dense"


def test_no_hidden_layer_is_a_network_too(plan: Any) -> None:
    (network,) = plan({"data": {"name": "iris"}, "model": {"layers": []}})
    assert [stage.name for stage in network.stages] == ["output"]
    assert network.num_parameters == 4 * 3 + 3


def test_a_layer_starts_as_itself_or_as_the_network_says(plan: Any) -> None:
    layers = [
        {"kind": "dense", "init": {"weight": {"name": "zeros"}}},
        {"kind": "dense", "init": {"bias": {"name": "ones"}}},
    ]
    document = {"data": {"name": "iris"}, "init": {"bias": {"name": "normal"}}, "model": {"layers": layers}}
    (network,) = plan(document)
    assert [(s.weight.name, s.bias.name) for s in network.stages] == [
        ("zeros", "normal"),
        ("he_normal", "ones"),
        ("he_normal", "normal"),
    ]


def test_networks_that_differ_only_in_their_start_have_one_structure(plan: Any) -> None:
    networks = plan({
        "lanes": [
            {},
            {"seed": 3, "init": {"weight": {"name": "zeros"}}},
            {"optimizer": {"name": "adam"}},
            {"model": {"width": 65}},
            {"model": {"activation": "tanh"}},
            {"model": {"depth": 11}},
        ]
    })  # fmt: skip
    first = networks[0].structure
    assert [network.structure == first for network in networks] == [True, True, True, False, False, False]
    assert len({network.structure for network in networks}) == 4


def test_memory_grows_with_batch_and_precision(plan: Any) -> None:
    (network,) = plan({"data": {"name": "iris"}, "model": {"depth": 2, "width": 10}})
    parameters, activations = 50 + 110 + 33, 4 * 10 + 3
    assert network.memory_bytes(0, 4) == 4 * 5 * parameters
    assert network.memory_bytes(8, 4) - network.memory_bytes(7, 4) == 4 * 3 * activations
    assert network.memory_bytes(8, 8) == 2 * network.memory_bytes(8, 4)


def test_memory_counts_what_attention_weighs(plan: Any) -> None:
    """The weights of every head, a position a position, outgrow all else in a long sequence."""
    sizes = []
    for heads in (1, 4):
        (network,) = plan({
            "data": {"name": "text", "length": 64},
            "model": {"family": "transformer", "width": 8, "heads": heads, "blocks": 2},
        })  # fmt: skip
        sizes.append(network.memory_bytes(16, 4))
    assert sizes[1] - sizes[0] == 4 * 3 * 16 * 2 * (4 - 1) * 64**2


def test_attention_over_too_long_a_sequence_is_refused_before_it_is_built(plan: Any) -> None:
    with pytest.raises(ExperimentError, match="GB of memory"):
        plan({
            "data": {"name": "text", "length": 256, "batch_size": 4096},
            "model": {"family": "transformer", "width": 16, "heads": 16, "blocks": 4},
        })  # fmt: skip
