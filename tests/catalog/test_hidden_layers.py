"""Quick forms with normalization, dropout, DropConnect and shared weights: which layers they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.blueprint import Blueprint, blueprint
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits

NORMALIZATIONS = ["batch_norm", "layer_norm", "group_norm", "rms_norm"]


def plan(family: str, data: str = "digits", **values: Any) -> Blueprint:
    document = {"data": {"name": data}, "model": {"family": family, **values}}
    experiment = read_document(document, catalogue(), Limits())
    return blueprint(experiment.base, experiment.data, catalogue(), Limits())


def kinds(plan: Blueprint) -> list[str]:
    return [stage.layer.name for stage in plan.stages]


@pytest.mark.parametrize("family", ["mlp", "cnn"])
def test_nothing_is_added_unasked(family: str) -> None:
    assert set(kinds(plan(family))) <= {"flatten", "dense", "conv", "max_pool", "activation"}
    assert all(spec.tied_to is None for stage in plan(family).stages for spec in stage.tensors)


@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_mlp_normalizes_before_or_after_the_activation(kind: str) -> None:
    before = plan("mlp", "moons", depth=2, width=6, normalization=kind)
    after = plan("mlp", "moons", depth=2, width=6, normalization=kind, normalization_place="after")
    assert kinds(before) == ["dense", kind, "activation"] * 2 + ["dense"]
    assert kinds(after) == ["dense", "activation", kind] * 2 + ["dense"]
    tensors = 6 if kind == "rms_norm" else 12
    assert before.num_parameters == plan("mlp", "moons", depth=2, width=6).num_parameters + 2 * tensors


@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_cnn_normalizes_before_it_pools(kind: str) -> None:
    network = plan("cnn", blocks=1, normalization=kind, dropout=0.25)
    assert kinds(network) == ["conv", kind, "activation", "max_pool", "dropout", "flatten", "dense"]


@pytest.mark.parametrize(
    ("width", "groups"), [(64, 8), (32, 8), (16, 4), (8, 2), (6, 1), (12, 3), (7, 1), (2, 1), (100, 5)]
)
def test_a_form_chooses_as_many_groups_as_fit(width: int, groups: int) -> None:
    network = plan("mlp", depth=1, width=width, normalization="group_norm")
    assert [s.layer["groups"] for s in network.stages if s.layer.name == "group_norm"] == [groups]


def test_mlp_ends_each_hidden_layer_with_dropout() -> None:
    network = plan("mlp", "moons", depth=2, dropout=0.3, normalization="batch_norm")
    assert kinds(network) == ["dense", "batch_norm", "activation", "dropout"] * 2 + ["dense"]
    assert {s.layer["rate"] for s in network.stages if s.layer.name == "dropout"} == {0.3}


def test_mlp_drops_weights_of_hidden_layers_alone() -> None:
    network = plan("mlp", "moons", depth=2, width=5, drop_connect=0.4)
    assert kinds(network) == ["drop_connect", "activation"] * 2 + ["dense"]
    assert network.num_parameters == plan("mlp", "moons", depth=2, width=5).num_parameters
    assert network.measured_layers == ("drop_connect_1", "drop_connect_2", "output")


@pytest.mark.parametrize(("values", "kind"), [({}, "dense"), ({"drop_connect": 0.2}, "drop_connect")])
def test_tied_layers_share_the_weight_of_the_second(values: dict[str, Any], kind: str) -> None:
    depth, width = 5, 7
    network = plan("mlp", "digits", depth=depth, width=width, tied=True, **values)
    hidden = [stage for stage in network.stages if stage.layer.name == kind][:depth]
    owners = [stage.tensors[0].tied_to for stage in hidden]
    assert owners[:2] == [None, None]
    assert {owner.stage for owner in owners[2:] if owner is not None} == {hidden[1].index}
    assert None not in owners[2:]
    assert all(stage.tensors[1].tied_to is None for stage in hidden), "biases stay their own"
    assert network.num_parameters == (64 * width + width) + (width * width) + (depth - 1) * width + (
        width * 10 + 10
    )


@pytest.mark.parametrize(
    ("model", "lanes"),
    [
        ({"family": "mlp", "normalization": "batch_norm"}, [{"name": "a"}]),
        ({"family": "cnn", "normalization": "batch_norm"}, [{"name": "a"}]),
        ({"layers": [{"kind": "flatten"}, {"kind": "batch_norm"}]}, [{"name": "a"}]),
        ({"family": "mlp"}, [{"name": "a"}, {"name": "b", "model": {"normalization": "batch_norm"}}]),
    ],
)
def test_batch_normalization_of_single_examples_is_refused_at_the_batch_size(
    model: dict[str, Any], lanes: list[dict[str, Any]]
) -> None:
    document = {"data": {"name": "digits", "batch_size": 1}, "model": model, "lanes": lanes}
    with pytest.raises(ExperimentError, match="a batch of 1 has nothing to compare") as caught:
        read_document(document, catalogue(), Limits())
    assert caught.value.path == "data.batch_size"
    read_document({**document, "data": {"name": "digits", "batch_size": 2}}, catalogue(), Limits())
