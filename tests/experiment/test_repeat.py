"""A lane that is repeated over seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from initviz.experiment.toml import dumps
from initviz.experiment.values import Experiment
from tests.experiment.conftest import Read, Refuse

THREE: dict[str, Any] = {
    "seed": 4,
    "lanes": [
        {"name": "He", "repeat": 3},
        {"name": "Xavier", "color": 5, "init": {"weight": {"name": "xavier_normal"}}},
        {"name": "own", "repeat": 2, "seed": 30},
    ],
}


@pytest.fixture
def three(read: Read) -> Experiment:
    return read(THREE)


def test_every_seed_is_a_lane_of_its_own(three: Experiment) -> None:
    assert [(lane.name, lane.recipe.seed) for lane in three.lanes] == [
        ("He · 4", 4),
        ("He · 5", 5),
        ("He · 6", 6),
        ("Xavier", 4),
        ("own · 30", 30),
        ("own · 31", 31),
    ]
    assert [(lane.group, lane.member) for lane in three.lanes] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1),
    ]  # fmt: skip
    assert [lane.color for lane in three.lanes] == [0, 0, 0, 5, 2, 2]
    assert [lane.title for lane in three.lanes] == ["He"] * 3 + ["Xavier"] + ["own"] * 2


def test_members_differ_in_their_seed_alone(three: Experiment) -> None:
    recipes = [replace(lane.recipe, seed=0) for lane in three.lanes[:3]]
    assert recipes[0] == recipes[1] == recipes[2]


def test_groups_and_the_lanes_as_they_are_written(three: Experiment) -> None:
    assert three.groups == (range(3), range(3, 4), range(4, 6))
    assert [lane.name for lane in three.written_lanes] == ["He", "Xavier", "own"]
    assert [lane.recipe.seed for lane in three.written_lanes] == [4, 4, 30]


def test_once_is_as_if_nothing_were_written(read: Read) -> None:
    once = read({"lanes": [{"name": "He", "repeat": 1}]})
    assert once.lanes == read({"lanes": [{"name": "He"}]}).lanes
    assert once.lanes[0].name == "He"


def test_the_document_keeps_the_lane_as_it_is_written(three: Experiment, read: Read) -> None:
    assert three.document == THREE
    assert "repeat = 3" in dumps(three.document)
    assert read(three.document) == three


@pytest.mark.parametrize("repeat", [0, -1, 2.5, "3", True, 2**40])
def test_what_is_no_number_of_seeds_is_refused_where_it_stands(refuse: Refuse, repeat: Any) -> None:
    assert refuse({"lanes": [{"repeat": 2}, {"repeat": repeat}]}).path == "lanes[1].repeat"


def test_every_seed_counts_as_a_network(read: Read, refuse: Refuse) -> None:
    lanes = [{"name": "a", "repeat": 4}, {"name": "b", "repeat": 3}]
    assert len(read({"lanes": lanes}, networks=7).lanes) == 7
    error = refuse({"lanes": lanes}, networks=6)
    assert error.path == "lanes[1].repeat"
    assert "7 networks (each seed of a lane is one) is above the limit of 6" in error.reason.en
    assert "每个种子算一个" in error.reason.zh


def test_a_million_seeds_are_refused_before_they_are_made(refuse: Refuse) -> None:
    assert refuse({"lanes": [{"repeat": 2**31 - 1}]}).path == "lanes[0].repeat"


def test_seeds_do_not_run_past_their_bound(refuse: Refuse) -> None:
    assert refuse({"seed": 2**53 - 1, "lanes": [{"repeat": 3}]}).path == "lanes[0].repeat"


def test_no_other_lane_has_the_name_of_a_member(refuse: Refuse) -> None:
    error = refuse({"lanes": [{"name": "He", "repeat": 2}, {"name": "He · 1"}]})
    assert (error.path, "He · 1" in error.reason.en) == ("lanes[1].name", True)
    error = refuse({"lanes": [{"name": "He · 1"}, {"name": "He", "repeat": 2}]})
    assert error.path == "lanes[1].name"


def test_an_error_names_the_lane_as_it_is_written(refuse: Refuse) -> None:
    wrong = {"name": "wrong", "model": {"layers": [{"kind": "conv2d", "channels": 4, "kernel": 99}]}}
    lanes = [{"name": "many", "repeat": 5}, wrong]
    assert refuse({"data": {"name": "moons"}, "lanes": lanes}).path.startswith("lanes[1]")


def from_lane(source: str, **more: Any) -> dict[str, Any]:
    return {"init": {"weight": {"name": "from_weights", "source": f"lane:{source}"}}, **more}


def test_a_lane_can_start_from_one_that_is_repeated(read: Read) -> None:
    experiment = read({"lanes": [{"name": "He", "repeat": 2}, from_lane("He", name="copy", repeat=2)]})
    assert len(experiment.lanes) == 4
    one = read({"lanes": [{"name": "He", "repeat": 2}, from_lane("He · 1", name="copy")]})
    assert len(one.lanes) == 3


def test_a_source_that_there_is_not_is_refused_at_the_lane_as_it_is_written(refuse: Refuse) -> None:
    error = refuse({"lanes": [{"name": "start", "repeat": 4}, from_lane("stat", name="copy")]})
    assert error.path == "lanes[1].init.weight.source"
    assert "Did you mean 'start'" in error.reason.en


def test_no_seed_starts_from_itself(refuse: Refuse) -> None:
    error = refuse({"lanes": [{"name": "He", "repeat": 2}, from_lane("copy", name="copy", repeat=2)]})
    assert error.path == "lanes[1].init.weight.source"
    assert "cannot start from itself" in error.reason.en
