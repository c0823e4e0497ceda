"""Documents that are wrong: each is answered with the place, what is wrong, and what would be right."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.catalogue import Part
from initviz.experiment.errors import ExperimentError
from tests.experiment.conftest import Read, Refuse


def nested(path: str, value: object) -> dict[str, Any]:
    """Return the document with ``value`` at a dotted path."""
    for key in reversed(path.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


TYPOS = [
    ("sede", 1, "seed"),
    ("optimiser", {"name": "sgd"}, "optimizer"),
    ("data.btach_size", 3, "batch_size"),
    ("data.standardise", True, "standardize"),
    ("model.deepth", 3, "depth"),
    ("init.wieght", {"name": "zeros"}, "weight"),
    ("init.weight.sloep", 0.1, "slope"),
    ("init.bias", {"name": "constant", "valeu": 1}, "value"),
    ("optimizer.momemtum", 0.5, "momentum"),
    ("schedule", {"name": "step", "gama": 0.5}, "gamma"),
    ("data", {"name": "moons", "nosie": 0.5}, "noise"),
]


@pytest.mark.parametrize(("path", "value", "right"), TYPOS, ids=[path for path, _, _ in TYPOS])
def test_a_typo_in_a_key_names_place_and_nearest(
    refuse: Refuse, path: str, value: object, right: str
) -> None:
    error = refuse(nested(path, value))
    wrong = error.path.rsplit(".", 1)[-1]
    assert error.path.startswith(path)
    assert f"there is no '{wrong}' here. Did you mean '{right}'?" in error.reason.en
    assert f"这里没有“{wrong}”。您是否想写“{right}”？" in error.reason.zh


NAMES = [
    ("init.weight", {"name": "he_norml"}, "init.weight.name", "he_normal"),
    ("init.bias", {"name": "zeroes"}, "init.bias.name", "zeros"),
    ("optimizer", {"name": "adamm"}, "optimizer.name", "adam"),
    ("schedule", {"name": "cosinus"}, "schedule.name", "cosine"),
    ("data", {"name": "digit"}, "data.name", "digits"),
    ("model", {"family": "mpl"}, "model.family", "mlp"),
    ("model.activation", "rleu", "model.activation", "relu"),
    ("model.layers", [{"kind": "flatten"}, {"kind": "dens"}], "model.layers[1].kind", "dense"),
    ("model.layers", [{"kind": "activation", "function": "tahn"}], "model.layers[0].function", "tanh"),
    ("model.layers", [{"kind": "flatten", "untis": 3}], "model.layers[0].untis", None),
    (
        "model.layers",
        [{"kind": "dense", "init": {"weight": {"name": "orthogonl"}}}],
        "model.layers[0].init.weight.name",
        "orthogonal",
    ),
    ("model.layers", [{"kind": "dense", "init": {"wieght": {}}}], "model.layers[0].init.wieght", "weight"),
]


@pytest.mark.parametrize(("at", "value", "path", "right"), NAMES, ids=[row[2] for row in NAMES])
def test_a_typo_in_a_name_names_place_and_nearest(
    refuse: Refuse, at: str, value: object, path: str, right: str | None
) -> None:
    error = refuse(nested(at, value))
    assert error.path == path
    assert "there is no '" in error.reason.en
    assert right is None or f"Did you mean '{right}'?" in error.reason.en


def test_what_is_like_nothing_gets_the_list(refuse: Refuse) -> None:
    error = refuse({"zzzzzz": 1})
    assert "Did you mean" not in error.reason.en
    for key in ("seed", "model", "lanes"):
        assert key in error.reason.en
        assert key in error.reason.zh


TYPES = [
    ("name", 3, "1 to 200 characters"),
    ("name", "", "1 to 200 characters"),
    ("name", "   ", "1 to 200 characters"),
    ("name", "x" * 201, "1 to 200 characters"),
    ("name", "a\nb", "printable"),
    ("name", "a\u202eb", "printable"),
    ("seed", 1.0, "a whole number, but found 1.0"),
    ("seed", True, "a whole number, but found True"),
    ("seed", "0", "a whole number, but found '0'"),
    ("seed", -1, "outside the range 0 to"),
    ("steps", 0, "outside the range 1 to"),
    ("steps", [1], "a whole number, but found [1]"),
    ("device", 0, "auto, cpu, cuda, cuda:N or mps"),
    ("device", "gpu", "but found 'gpu'"),
    ("device", "cuda:\uff11", "auto, cpu, cuda, cuda:N or mps"),
    ("device", "cuda:-1", "auto, cpu, cuda, cuda:N or mps"),
    ("dtype", "float16", "float32, float64"),
    ("dtype", 32, "one of float32, float64"),
    ("schema", 2, "not 2. A newer InitViz"),
    ("schema", "1", "not '1'"),
    ("schema", True, "not True"),
    ("data", 3, "a table of keys"),
    ("data", [], "a table of keys"),
    ("data.name", 3, "a name in quotes"),
    ("data.batch_size", 0, "1 to 2147483648"),
    ("data.standardize", 1, "true or false, but found 1"),
    ("data.validation", 0.95, "0 to 0.9"),
    ("model", "mlp", "a table of keys"),
    ("model.family", 3, "a name in quotes"),
    ("model.width", 2.5, "a whole number, but found 2.5"),
    ("model.activation", 3, "a name, but found 3"),
    ("model.layers", {"kind": "dense"}, "a list of layers"),
    ("init.weight", "he_normal", "a table of keys"),
    ("init.weight.slope", "steep", "a number, but found 'steep'"),
    ("init.weight.slope", True, "a number, but found True"),
    ("init.weight.slope", float("nan"), "a finite number, but found nan"),
    ("init.weight.slope", float("inf"), "a finite number, but found inf"),
    ("init.weight.slope", -1e-9, "outside the range 0 to"),
    ("init.weight.mode", "fan_avg", "Possible keys: fan_in, fan_out"),
    ("optimizer.lr", None, "a number, but found None"),
    ("optimizer.lr", datetime.date(2020, 1, 1), "a number, but found datetime.date(2020, 1, 1)"),
    ("schedule", 1.5, "a table of keys"),
    ("lanes", 3, "[[lanes]]"),
]


@pytest.mark.parametrize(("path", "value", "words"), TYPES, ids=[f"{row[0]}={row[1]!r:.20}" for row in TYPES])
def test_a_wrong_type_or_range_says_what_is_expected(
    refuse: Refuse, path: str, value: object, words: str
) -> None:
    error = refuse(nested(path, value))
    assert error.path == path
    assert words in error.reason.en


@pytest.mark.parametrize(
    ("betas", "path", "words"),
    [
        (0.9, "optimizer.betas", "a list of numbers"),
        ([0.9], "optimizer.betas", "outside the range 2 to 2"),
        ([0.9, 0.9, 0.9], "optimizer.betas", "outside the range 2 to 2"),
        ([0.9, 1.0], "optimizer.betas[1]", "0 to <1"),
        (["x", 0.9], "optimizer.betas[0]", "a number"),
    ],
)
def test_a_list_of_numbers_names_the_wrong_one(refuse: Refuse, betas: object, path: str, words: str) -> None:
    error = refuse({"optimizer": {"name": "adam", "betas": betas}})
    assert error.path == path
    assert words in error.reason.en


@pytest.mark.parametrize(
    ("document", "path", "words"),
    [
        ({"model": {"family": "mlp", "layers": []}}, "model.family", "not both"),
        ({"model": {"layers": [], "depth": 3}}, "model.depth", "not both"),
        ({"model": {"layers": [{"units": 3}]}}, "model.layers[0]", "the key 'kind' is missing"),
        ({"model": {"layers": [3]}}, "model.layers[0]", "a table of keys"),
        ({"init": {"bias": {"name": "orthogonal"}}}, "init.bias", "cannot start a bias"),
        (
            {"model": {"layers": [{"kind": "dense", "init": {"bias": {"name": "he_normal"}}}]}},
            "model.layers[0].init.bias",
            "cannot start a bias",
        ),
        (
            {"init": {"weight": {"name": "uniform", "low": 1.0, "high": 0.0}}},
            "init.weight",
            "'low' is above 'high'. Exchange the two.",
        ),
    ],
)
def test_what_does_not_go_together(refuse: Refuse, document: dict[str, Any], path: str, words: str) -> None:
    error = refuse(document)
    assert error.path == path
    assert words in error.reason.en


IMPOSSIBLE = [
    ("wine", [{"kind": "conv"}], 0, "layer 1 (conv_1): it needs an image"),
    ("digits", [{"kind": "dense"}], 0, "layer 1 (dense_1): it needs a list of numbers"),
    ("digits", [{"kind": "conv", "kernel": 9, "padding": 0}], 0, "layer 1 (conv_1): its kernel of 9 x 9"),
    (
        "digits",
        [{"kind": "max_pool"}, {"kind": "conv"}, {"kind": "max_pool", "size": 5}],
        2,
        "layer 3 (max_pool_2): its window of 5 x 5 is larger than the image of 4 x 4",
    ),
    ("digits", [{"kind": "flatten"}, {"kind": "dense"}, {"kind": "avg_pool"}], 2, "layer 3 (avg_pool_1)"),
    ("digits", [{"kind": "conv"}, {"kind": "residual"}], 1, "layer 2 (residual_1)"),
]


@pytest.mark.parametrize(
    ("data", "layers", "index", "words"), IMPOSSIBLE, ids=[row[3][:18] for row in IMPOSSIBLE]
)
def test_an_impossible_layer_is_named_with_the_reason(
    refuse: Refuse, data: str, layers: list[dict[str, Any]], index: int, words: str
) -> None:
    error = refuse({"data": {"name": data}, "model": {"layers": layers}})
    assert error.path == f"model.layers[{index}]"
    assert words in error.reason.en
    assert f"第 {index + 1} 层" in error.reason.zh
    assert isinstance(error.__cause__, Exception)


def test_an_output_layer_that_finds_an_image_is_named(refuse: Refuse) -> None:
    error = refuse({"model": {"layers": [{"kind": "conv"}]}})
    assert error.path == "model"
    assert "layer 2 (output): it needs a list of numbers" in error.reason.en
    assert "Add a flatten layer" in error.reason.en


def parts() -> list[Part]:
    return [part for part in catalogue() if part.kind in ("initializer", "optimizer", "schedule", "dataset")]


@pytest.mark.parametrize("part", parts(), ids=lambda part: f"{part.kind}-{part.key}")
def test_every_parameter_of_every_part_is_checked_where_it_stands(
    read: Read, refuse: Refuse, part: Part
) -> None:
    place = {"initializer": "init.weight", "dataset": "data"}.get(part.kind, part.kind)
    # It takes all data, sequences with an answer at every position too.
    model = {"model": {"family": "transformer"}}
    read({**model, **nested(place, {"name": part.key})})
    error = refuse({**model, **nested(place, {"name": part.key, "no_such_key": 1})})
    assert error.path == f"{place}.no_such_key"
    for parameter in part.parameters:
        error = refuse(nested(place, {"name": part.key, parameter.key: {"a": 1}}))
        assert error.path == f"{place}.{parameter.key}"


def test_an_error_can_be_seen_from_further_out(refuse: Refuse) -> None:
    inner = refuse({"seed": -1})
    outer = inner.below("trials[3]")
    assert isinstance(outer, ExperimentError)
    assert outer.path == "trials[3].seed"
    assert str(outer) == f"trials[3].seed: {inner.reason.en}"
    assert outer.text.zh == f"trials[3].seed：{inner.reason.zh}"
