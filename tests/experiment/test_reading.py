"""Documents that are right: what they come to mean."""

from __future__ import annotations

import copy
import dataclasses
import tomllib
from typing import Any

import pytest

from initviz.experiment.fields import TOP_LEVEL_KEYS
from initviz.experiment.values import Experiment
from tests.experiment.conftest import Read

WRITTEN_OUT = """
schema = 1
name = "Twelve ReLU layers"
seed = 0
device = "auto"
dtype = "float32"
steps = 2000
[data]
name = "digits"
batch_size = 128
standardize = true
[model]
family = "mlp"
depth = 12
width = 64
activation = "relu"
[init]
weight = { name = "he_normal" }
bias = { name = "zeros" }
[optimizer]
name = "sgd"
lr = 0.05
momentum = 0.9
[schedule]
name = "constant"
[[lanes]]
name = "Xavier"
init.weight = { name = "xavier_normal" }
"""


def test_the_file_of_the_manual(read: Read) -> None:
    experiment = read(tomllib.loads(WRITTEN_OUT))
    assert experiment.name == "Twelve ReLU layers"
    assert (experiment.seed, experiment.device, experiment.dtype, experiment.steps) == (
        0,
        "auto",
        "float32",
        2000,
    )
    assert experiment.data.dataset.name == "digits"
    assert (experiment.data.batch_size, experiment.data.standardize) == (128, True)
    assert experiment.base.model.family is not None
    values = dict(experiment.base.model.family.values)
    assert values.items() >= {"depth": 12, "width": 64, "activation": "relu"}.items()
    assert experiment.base.init.weight.name == "he_normal"
    assert experiment.base.init.bias.name == "zeros"
    assert experiment.base.optimizer.number("lr") == 0.05
    assert experiment.base.schedule.name == "constant"
    (lane,) = experiment.lanes
    assert lane.name == "Xavier"
    assert lane.recipe == dataclasses.replace(
        experiment.base, init=dataclasses.replace(experiment.base.init, weight=lane.recipe.init.weight)
    )
    assert lane.recipe.init.weight.name == "xavier_normal"


def test_nothing_at_all_is_the_default_experiment(read: Read) -> None:
    experiment = read({})
    assert experiment == read({"schema": 1})
    assert experiment.data.dataset.name == "digits"
    assert experiment.data.validation == 0.2
    assert experiment.base.init.weight.name == "he_normal"
    assert [(lane.name, lane.color, lane.recipe) for lane in experiment.lanes] == [
        ("He (Kaiming) normal", 0, experiment.base)
    ]


DEFAULTS: dict[str, Any] = {
    "schema": 1,
    "name": "Untitled",
    "seed": 0,
    "device": "auto",
    "dtype": "float32",
    "steps": 2000,
    "data": {"name": "digits", "batch_size": 128, "standardize": True, "validation": 0.2},
    "model": {"family": "mlp", "depth": 12, "width": 64, "activation": "relu"},
    "init": {
        "weight": {"name": "he_normal", "mode": "fan_in", "slope": 0.0},
        "bias": {"name": "zeros"},
    },
    "optimizer": {"name": "sgd"},
    "schedule": {"name": "constant"},
    "remedies": {},
    "stages": [],
    "lanes": [],
}


@pytest.mark.parametrize("key", TOP_LEVEL_KEYS)
def test_what_is_left_out_has_its_default(read: Read, key: str) -> None:
    assert read({key: DEFAULTS[key]}) == read({})


@pytest.mark.parametrize("key", ["batch_size", "standardize", "validation", "name"])
def test_a_data_table_may_leave_keys_out(read: Read, key: str) -> None:
    assert read({"data": {key: DEFAULTS["data"][key]}}) == read({})


@pytest.mark.parametrize(
    ("document", "same"),
    [
        ({"init": {"weight": {"name": "kaiming_normal"}}}, {"init": {"weight": {"name": "he_normal"}}}),
        ({"init": {"weight": {"name": "glorot_uniform"}}}, {"init": {"weight": {"name": "xavier_uniform"}}}),
        ({"init": {"weight": {"name": "dirac"}}}, {"init": {"weight": {"name": "identity"}}}),
        ({"model": {"activation": "swish"}}, {"model": {"activation": "silu"}}),
        (
            {"model": {"layers": [{"kind": "flatten"}, {"kind": "activation", "function": "swish"}]}},
            {"model": {"layers": [{"kind": "flatten"}, {"kind": "activation", "function": "silu"}]}},
        ),
        (
            {"lanes": [{"init": {"weight": {"name": "kaiming_uniform"}}}]},
            {"lanes": [{"init": {"weight": {"name": "he_uniform"}}}]},
        ),
    ],
)
def test_aliases_become_keys(read: Read, document: dict[str, Any], same: dict[str, Any]) -> None:
    assert read(document) == read(same)


def test_whole_numbers_are_numbers(read: Read) -> None:
    lr = read({"optimizer": {"lr": 1}}).base.optimizer["lr"]
    assert lr == 1.0
    assert isinstance(lr, float)


def test_every_field_has_a_meaning(read: Read) -> None:
    """Two documents that differ in one field never become equal experiments."""
    others: list[dict[str, Any]] = [
        {},
        {"name": "Other"},
        {"seed": 1},
        {"device": "cuda:3"},
        {"dtype": "float64"},
        {"steps": 7},
        {"data": {"name": "wine"}},
        {"data": {"batch_size": 7}},
        {"data": {"standardize": False}},
        {"data": {"validation": 0.5}},
        {"data": {"name": "moons"}},
        {"data": {"name": "moons", "noise": 0.3}},
        {"model": {"depth": 3}},
        {"model": {"layers": [{"kind": "flatten"}]}},
        {"model": {"layers": [{"kind": "flatten"}, {"kind": "dense", "units": 3}]}},
        {"model": {"layers": [{"kind": "flatten"}, {"kind": "dense", "init": {"bias": {"name": "ones"}}}]}},
        {"init": {"weight": {"name": "zeros"}}},
        {"init": {"bias": {"name": "ones"}}},
        {"optimizer": {"name": "adam"}},
        {"optimizer": {"momentum": 0.5}},
        {"schedule": {"name": "cosine"}},
        {"lanes": [{"name": "a"}]},
        {"lanes": [{"name": "a", "color": 3}]},
        {"lanes": [{"name": "a", "seed": 3}]},
        {"lanes": [{"name": "a"}, {"name": "b"}]},
    ]
    experiments = [read(document) for document in others]
    for index, experiment in enumerate(experiments):
        assert [other == experiment for other in experiments].count(True) == 1, others[index]
    assert len({hash(experiment) for experiment in experiments}) == len(experiments)


def test_layers_keep_their_own_starts(read: Read) -> None:
    layers = [
        {"kind": "flatten"},
        {"kind": "dense", "units": 5, "init": {"weight": {"name": "normal", "std": 0.5}}},
        {"kind": "dense", "units": 4, "init": {"bias": {"name": "constant", "value": 2}}},
    ]
    first, second, third = read({"model": {"layers": layers}}).base.model.layers
    assert (first.weight, first.bias, second.bias, third.weight) == (None,) * 4
    assert second.weight is not None
    assert third.bias is not None
    assert (second.weight.name, second.weight.number("std"), second.weight.number("mean")) == (
        "normal",
        0.5,
        0.0,
    )
    assert third.bias.number("value") == 2.0


def test_reading_leaves_the_document_alone_and_keeps_a_copy(read: Read) -> None:
    document: dict[str, Any] = {"lanes": [{"init": {"weight": {"name": "zeros"}}}], "data": {"batch_size": 3}}
    before = copy.deepcopy(document)
    experiment = read(document)
    assert document == before
    assert experiment.document == before
    document["data"]["batch_size"] = 4
    lanes = experiment.document["lanes"]
    assert isinstance(lanes, list)
    lanes.append({})
    assert experiment.document == before


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:12"])
def test_devices(read: Read, device: str) -> None:
    assert read({"device": device}).device == device


def test_experiments_are_frozen(read: Read) -> None:
    experiment = read({})
    for value in (
        experiment,
        experiment.base,
        experiment.data,
        experiment.lanes[0],
        experiment.base.optimizer,
    ):
        field = dataclasses.fields(value)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, None)
    assert isinstance(experiment, Experiment)
