"""How a lane differs from the experiment."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from initviz.experiment.values import Recipe
from tests.experiment.conftest import Read, Refuse

BASE: dict[str, Any] = {
    "seed": 5,
    "model": {"family": "mlp", "depth": 3, "width": 7, "activation": "tanh"},
    "init": {"weight": {"name": "normal", "mean": 0.5, "std": 0.3}, "bias": {"name": "ones"}},
    "optimizer": {"name": "adam", "lr": 0.02, "betas": [0.5, 0.6]},
    "schedule": {"name": "step", "gamma": 0.3},
}


@pytest.fixture
def lane(read: Read) -> Any:
    def lane(**differences: Any) -> tuple[Recipe, Recipe]:
        """Return the base's recipe and that of a lane with the differences."""
        experiment = read({**BASE, "lanes": [differences]})
        return experiment.base, experiment.lanes[0].recipe

    return lane


def test_a_lane_without_differences_is_the_base(lane: Any) -> None:
    base, recipe = lane()
    assert recipe == base


def test_keys_without_a_name_change_only_themselves(lane: Any) -> None:
    base, recipe = lane(optimizer={"lr": 0.1}, model={"depth": 9}, init={"weight": {"std": 0.7}})
    assert recipe.optimizer.name == "adam"
    assert recipe.optimizer.number("lr") == 0.1
    assert recipe.optimizer.numbers("betas") == (0.5, 0.6)
    assert recipe.model.family.values[:3] == (("depth", 9), ("width", 7), ("activation", "tanh"))
    assert recipe.model.family.values[3:] == base.model.family.values[3:]
    assert (recipe.init.weight.number("std"), recipe.init.weight.number("mean")) == (0.7, 0.5)
    assert recipe.init.bias == base.init.bias
    assert recipe.schedule == base.schedule


def test_the_same_name_changes_only_what_it_gives(lane: Any) -> None:
    _, recipe = lane(optimizer={"name": "adam", "lr": 0.1}, init={"weight": {"name": "normal", "std": 0.7}})
    assert recipe.optimizer.numbers("betas") == (0.5, 0.6)
    assert recipe.init.weight.number("mean") == 0.5


def test_an_alias_is_the_same_name(read: Read) -> None:
    spelled = [("he_normal", "kaiming_normal"), ("kaiming_normal", "he_normal"), ("kaiming_normal",) * 2]
    for base, own in spelled:
        document = {
            "init": {"weight": {"name": base, "mode": "fan_out", "slope": 0.3}, "bias": {"name": "zeros"}},
            "lanes": [{"init": {"weight": {"name": own, "slope": 0.1}}}],
        }
        weight = read(document).lanes[0].recipe.init.weight
        assert (weight.name, weight["mode"], weight["slope"]) == ("he_normal", "fan_out", 0.1)
    bias = {
        "init": {"bias": {"name": "gaussian", "std": 0.2}},
        "lanes": [{"init": {"bias": {"name": "normal"}}}],
    }
    assert read(bias).lanes[0].recipe.init.bias["std"] == 0.2


def test_another_name_replaces_the_whole_table(lane: Any) -> None:
    base, recipe = lane(
        optimizer={"name": "adamw"},
        init={"weight": {"name": "truncated_normal", "std": 0.7}},
        schedule={"name": "cosine"},
    )
    assert recipe.optimizer.name == "adamw"
    assert recipe.optimizer.numbers("betas") == (0.9, 0.999)
    assert recipe.init.weight.number("mean") == 0.0
    assert recipe.init.bias == base.init.bias
    assert recipe.schedule.name == "cosine"


def test_another_family_replaces_the_model(lane: Any) -> None:
    _, recipe = lane(model={"family": "cnn", "blocks": 1})
    assert recipe.model.family.name == "cnn"
    assert recipe.model.family["activation"] == "relu", "the family's own default, not the base's tanh"


def test_layers_replace_a_family_and_a_family_layers(read: Read) -> None:
    layers = [{"kind": "flatten"}, {"kind": "dense", "units": 3}]
    to_layers = read({"model": {"depth": 3}, "lanes": [{"model": {"layers": layers}}]}).lanes[0].recipe.model
    assert to_layers.family is None
    assert [spec.layer.name for spec in to_layers.layers] == ["flatten", "dense"]
    document = {"model": {"layers": layers}, "lanes": [{"model": {"family": "mlp", "depth": 2}}]}
    to_family = read(document).lanes[0].recipe.model
    assert to_family.layers == ()
    assert to_family.family is not None
    assert to_family.family["depth"] == 2
    shorter = read({"model": {"layers": layers}, "lanes": [{"model": {"layers": layers[:1]}}]})
    assert len(shorter.lanes[0].recipe.model.layers) == 1


def test_a_lane_may_have_its_own_seed(lane: Any) -> None:
    base, recipe = lane(seed=9)
    assert recipe == dataclasses.replace(base, seed=9)


def test_lanes_do_not_touch_one_another(read: Read) -> None:
    lanes = [{"name": "a", "optimizer": {"lr": 0.5}}, {"name": "b"}, {"name": "c", "optimizer": {"lr": 0.25}}]
    experiment = read({**BASE, "lanes": lanes})
    assert [lane.recipe.optimizer.number("lr") for lane in experiment.lanes] == [0.5, 0.02, 0.25]
    assert experiment.base.optimizer.number("lr") == 0.02


def test_names_and_colours(read: Read) -> None:
    experiment = read({"lanes": [{}, {"name": "Mine", "color": 15}, {}]})
    assert [(lane.name, lane.color) for lane in experiment.lanes] == [
        ("lane 1", 0),
        ("Mine", 15),
        ("lane 3", 2),
    ]
    assert [lane.color for lane in read({"lanes": [{}] * 18}, lanes=18).lanes] == [*range(16), 0, 1]


@pytest.mark.parametrize(
    ("lanes", "path", "words"),
    [
        ([{"name": "a"}, {"name": "a"}], "lanes[1].name", "two lanes are called 'a'"),
        ([{}, {"color": 16}], "lanes[1].color", "0 to 15"),
        ([{"color": -1}], "lanes[0].color", "0 to 15"),
        ([{"color": True}], "lanes[0].color", "0 to 15"),
        ([{"steps": 3}], "lanes[0].steps", "all lanes share this"),
        ([{"data": {"name": "iris"}}], "lanes[0].data", "all lanes share this"),
        ([{"lanes": []}], "lanes[0].lanes", "all lanes share this"),
        ([{"optimiser": {}}], "lanes[0].optimiser", "Did you mean 'optimizer'"),
        ([3], "lanes[0]", "expected a table"),
        ({"name": "a"}, "lanes", "[[lanes]]"),
        ([{"init": {"weight": {"gain": 2}}}], "lanes[0].init.weight.gain", "there is no 'gain'"),
        ([{"init": {"weight": {"name": "xaver_normal"}}}], "lanes[0].init.weight.name", "'xavier_normal'"),
        ([{"optimizer": 3}], "lanes[0].optimizer", "expected a table"),
        ([{"seed": "x"}], "lanes[0].seed", "a whole number"),
        ([{}, {"model": {"depth": 0}}], "lanes[1].model.depth", "1 to 200"),
        ([{"model": {"layers": [], "depth": 3}}], "lanes[0].model.depth", "not both"),
        (
            [{"model": {"layers": [{"kind": "conv"}, {"kind": "dense"}]}}],
            "lanes[0].model.layers[1]",
            "flatten",
        ),
        ([{"model": {"family": "cnn", "width": 3}}], "lanes[0].model.width", "there is no 'width'"),
    ],
)
def test_what_a_lane_cannot_be(refuse: Refuse, lanes: object, path: str, words: str) -> None:
    error = refuse({"lanes": lanes})
    assert error.path == path
    assert words in error.reason.en
