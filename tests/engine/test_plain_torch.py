"""A lane is the same network trained plainly in torch: loss by loss, for every part of the catalogue."""

from __future__ import annotations

import pytest
import torch

from initviz.catalog.index import catalogue
from initviz.experiment.errors import ExperimentError
from tests.engine.oracle import OPTIMIZERS, SCHEDULES, Document, check_against_plain, race

STEPS = 100
DENSE, CONVOLUTIONAL = 1e-12, 1e-9

DIGITS: Document = {
    "dtype": "float64",
    "steps": STEPS,
    "data": {"name": "digits", "batch_size": 16, "standardize": False},
    "init": {"weight": {"name": "he_normal"}, "bias": {"name": "normal", "std": 0.1}},
    "optimizer": {"name": "sgd", "lr": 0.005, "momentum": 0.9},
}
MLP = {"family": "mlp", "depth": 3, "width": 16, "activation": "tanh"}
CALM = {"name": "sgd", "lr": 0.001, "momentum": 0.9}
"""Slow enough for what passes on large numbers, or doubles them at random."""
THREE = [
    {"name": "a"},
    {"name": "b", "seed": 7},
    {"name": "c", "init": {"weight": {"name": "xavier_uniform"}}},
]
RATES = {"sgd": 0.05, "adam": 0.003, "adamw": 0.003, "rmsprop": 0.001, "adagrad": 0.02, "adadelta": 1.0}
SHORT: dict[str, Document] = {
    "step": {"step_size": 20, "gamma": 0.5},
    "warm_restarts": {"t_0": 15},
    "cyclic": {"steps_up": 10},
    "range_test": {"end_factor": 1.0},
}
OPTIMIZER_KEYS = [part.key for part in catalogue().parts("optimizer")]
SCHEDULE_KEYS = [part.key for part in catalogue().parts("schedule")]
PAIRS = [
    (optimizer, schedule)
    for optimizer in OPTIMIZER_KEYS
    for schedule in SCHEDULE_KEYS
    if optimizer in ("sgd", "adam") or schedule in ("constant", "step")
]


@pytest.mark.parametrize(("optimizer", "schedule"), PAIRS)
def test_every_optimizer_and_every_schedule(optimizer: str, schedule: str) -> None:
    assert optimizer in OPTIMIZERS, "tell the tests how torch.optim does this"
    assert schedule in SCHEDULES, "tell the tests how torch.optim.lr_scheduler does this"
    running = race(
        DIGITS,
        model=MLP,
        optimizer={"name": optimizer, "lr": RATES.get(optimizer, 0.001)},
        schedule={"name": schedule, **SHORT.get(schedule, {})},
    )
    check_against_plain(running, STEPS, DENSE)


@pytest.mark.parametrize(
    "optimizer",
    [
        {"name": "sgd", "lr": 0.05, "momentum": 0.0},
        {"name": "sgd", "lr": 0.02, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01},
        {"name": "adam", "lr": 0.003, "betas": [0.8, 0.99], "eps": 1e-6, "weight_decay": 0.01},
        {"name": "adamw", "lr": 0.003, "weight_decay": 0.1},
        {"name": "rmsprop", "lr": 0.001, "momentum": 0.5, "centered": True, "weight_decay": 0.01},
        {"name": "adagrad", "lr": 0.02, "lr_decay": 0.01, "weight_decay": 0.01},
    ],
    ids=lambda table: f"{table['name']}-{len(table)}",
)
def test_every_setting_of_an_optimizer(optimizer: Document) -> None:
    check_against_plain(race(DIGITS, model=MLP, optimizer=optimizer, lanes=THREE), STEPS, DENSE)


def lists_with(kind: str) -> list[list[Document]]:
    """Return networks that hold a kind of layer, with its defaults, wherever it can stand."""
    layer: Document = {"kind": kind}
    flatten: Document = {"kind": "flatten"}
    dense: Document = {"kind": "dense", "units": 10}
    after: Document = {"kind": "activation", "function": "softplus"}
    convolutions: list[Document] = [{"kind": "conv", "channels": channels} for channels in (3, 4)]
    return [
        [layer, after, flatten, dense, after],
        [flatten, layer, after, dense, after],
        [convolutions[0], layer, after, convolutions[1], flatten, dense, after],
        [flatten, dense, after, layer, dense, after],
    ]


def sequence_lists_with(kind: str) -> list[tuple[Document, list[Document]]]:
    """Return data and networks that hold a kind of layer which reads a sequence."""
    layer: Document = {"kind": kind}
    dense: Document = {"kind": "dense", "units": 8}
    after: Document = {"kind": "activation", "function": "softplus"}
    last: Document = {"kind": "last_step"}
    adding = {"name": "adding", "length": 6, "samples": 100, "batch_size": 16}
    copying = {"name": "copy", "length": 2, "delay": 3, "samples": 100, "batch_size": 16}
    text = {"name": "text", "length": 8, "batch_size": 16}
    return [
        (adding, [dense, layer, after]),
        (adding, [dense, layer, after, layer, last, after]),
        (copying, [dense, after, layer]),
        (text, [layer, after, dense]),
    ]


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("kind", [part.key for part in catalogue().parts("layer")])
def test_every_kind_of_layer(kind: str, lanes: int) -> None:
    tried = 0
    lists = [*((DIGITS["data"], layers) for layers in lists_with(kind)), *sequence_lists_with(kind)]
    for data, layers in lists:
        try:
            running = race(DIGITS, data=data, model={"layers": layers}, optimizer=CALM, lanes=THREE[:lanes])
        except ExperimentError:
            continue
        tried += 1
        has_conv = any(layer["kind"] == "conv" for layer in layers)
        check_against_plain(running, STEPS, CONVOLUTIONAL if has_conv else DENSE)
    assert tried


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("function", [part.key for part in catalogue().parts("activation")])
def test_every_activation(function: str, lanes: int) -> None:
    model = {"family": "mlp", "depth": 2, "width": 12, "activation": function}
    check_against_plain(race(DIGITS, model=model, lanes=THREE[:lanes]), STEPS, DENSE)


@pytest.mark.parametrize("function", ["leaky_relu", "elu"])
def test_slope_of_an_activation(function: str) -> None:
    layers = [
        {"kind": "flatten"},
        {"kind": "dense", "units": 12},
        {"kind": "activation", "function": function, "slope": 0.3},
    ]
    check_against_plain(race(DIGITS, model={"layers": layers}), STEPS, DENSE)


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize(
    "layer",
    [
        {"kind": "conv", "channels": 5, "kernel": 4, "stride": 2, "padding": 0, "bias": False},
        {"kind": "conv", "channels": 1, "kernel": 1, "stride": 1, "padding": 2},
        {"kind": "conv", "channels": 4, "kernel": 5, "stride": 3, "padding": 2},
        {"kind": "max_pool", "size": 3},
        {"kind": "avg_pool", "size": 3},
    ],
    ids=str,
)
def test_settings_of_image_layers(layer: Document, lanes: int) -> None:
    layers = [
        {"kind": "conv", "channels": 3},
        {"kind": "activation", "function": "tanh"},
        layer,
        {"kind": "conv", "channels": 2, "kernel": 1, "padding": 0},
        {"kind": "activation", "function": "tanh"},
        {"kind": "flatten"},
    ]
    check_against_plain(race(DIGITS, model={"layers": layers}, lanes=THREE[:lanes]), STEPS, CONVOLUTIONAL)


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("name", ["moons", "gaussian"])
def test_binary_and_other_tasks(name: str, lanes: int) -> None:
    running = race(DIGITS, data={"name": name, "batch_size": 32}, model=MLP, lanes=THREE[:lanes])
    check_against_plain(running, STEPS, DENSE)


def test_dense_without_bias() -> None:
    layers = [
        {"kind": "flatten"},
        {"kind": "dense", "units": 9, "bias": False},
        {"kind": "activation", "function": "tanh"},
    ]
    check_against_plain(race(DIGITS, model={"layers": layers}, lanes=THREE), STEPS, DENSE)


def test_single_precision_to_its_rounding() -> None:
    running = race(DIGITS, dtype="float32", model=MLP, lanes=THREE)
    check_against_plain(running, STEPS, 2e-4)
    assert running.groups[0].flat.dtype == torch.float32


def test_lanes_in_several_groups() -> None:
    lanes = [
        {"name": "narrow", "model": {"width": 8}},
        {"name": "adam", "optimizer": {"name": "adam", "lr": 0.003}},
        {"name": "same as the first", "model": {"width": 8}, "seed": 3},
        {"name": "schedule", "schedule": {"name": "exponential", "gamma": 0.99}},
    ]
    running = race(DIGITS, model=MLP, lanes=lanes)
    assert [group.lanes for group in running.groups] == [(0, 2), (1,), (3,)]
    check_against_plain(running, STEPS, DENSE)
