"""Changes to documents: each gives a new one and never touches the old."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from initviz.experiment.edit import get_value, remove_value, set_value

DOCUMENT: dict[str, Any] = {
    "seed": 1,
    "init": {"weight": {"name": "normal", "std": 0.1}},
    "lanes": [{"name": "a"}, {"name": "b", "init": {"weight": {"std": 0.2}}}, {"name": "c"}],
    "model": {"layers": [{"kind": "flatten"}, {"kind": "dense"}]},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed", 1),
        ("init.weight.std", 0.1),
        ("lanes[1].init.weight.std", 0.2),
        ("lanes[2]", {"name": "c"}),
        ("lanes[3]", "default"),
        ("lanes[0].init.weight.std", "default"),
        ("seed.x", "default"),
        ("seed[0]", "default"),
        ("lanes.name", "default"),
        ("init[0]", "default"),
    ],
)
def test_get(path: str, value: object) -> None:
    assert get_value(DOCUMENT, path, "default") == value


def test_what_was_got_is_a_copy() -> None:
    document = copy.deepcopy(DOCUMENT)
    lanes = get_value(document, "lanes")
    assert isinstance(lanes, list)
    lanes[0]["name"] = "z"
    assert document == DOCUMENT


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed", 2),
        ("name", "new"),
        ("init.weight.std", 0.5),
        ("init.bias.name", "ones"),
        ("optimizer.lr", 0.5),
        ("lanes[0].init.weight.std", 0.7),
        ("lanes[1].init.weight", {"name": "zeros"}),
        ("lanes[2]", {"name": "d"}),
        ("model.layers[1].units", 3),
    ],
)
def test_set(path: str, value: object) -> None:
    changed = set_value(DOCUMENT, path, value)
    assert get_value(changed, path) == value
    back = get_value(DOCUMENT, path, MISSING)
    if back is not MISSING:
        assert set_value(changed, path, back) == DOCUMENT


MISSING = "missing"


def test_set_makes_only_what_is_on_the_way() -> None:
    assert set_value({"a": 1}, "b.c.d", 2) == {"a": 1, "b": {"c": {"d": 2}}}


@pytest.mark.parametrize(
    "path", ["lanes[3]", "lanes[3].name", "seed.x", "lanes.x", "seed[0]", "init[0].x", "lanes.x.y"]
)
def test_set_where_there_is_no_place(path: str) -> None:
    before = copy.deepcopy(DOCUMENT)
    with pytest.raises(LookupError):
        set_value(DOCUMENT, path, 1)
    assert before == DOCUMENT


@pytest.mark.parametrize("path", ["", "..", "[]"])
def test_no_path_is_an_error(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        set_value(DOCUMENT, path, 1)


def test_remove() -> None:
    assert "seed" not in remove_value(DOCUMENT, "seed")
    assert remove_value(DOCUMENT, "init.weight.std")["init"] == {"weight": {"name": "normal"}}
    assert remove_value(DOCUMENT, "lanes[1]")["lanes"] == [{"name": "a"}, {"name": "c"}]
    assert remove_value(DOCUMENT, "lanes[1].init")["lanes"][1] == {"name": "b"}  # type: ignore[index]


@pytest.mark.parametrize(
    "path", ["x", "x.y", "lanes[3]", "lanes[3].name", "lanes.name", "seed.x", "init[0]", "seed[0]"]
)
def test_remove_where_there_is_nothing(path: str) -> None:
    assert remove_value(DOCUMENT, path) == DOCUMENT


CHANGES: list[Callable[[Any, Any], Any]] = [
    lambda document, item: set_value(document, "lanes[1].init.weight.std", item),
    lambda document, item: set_value(document, "new.place", item),
    lambda document, item: set_value(document, "lanes[0]", item),
    lambda document, item: remove_value(document, "lanes[1].init.weight.std"),
    lambda document, item: remove_value(document, "lanes[1]"),
]


def scramble(value: Any) -> None:
    """Change every table and list within ``value``."""
    for inner in list(value.values()) if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            scramble(inner)
    if isinstance(value, dict):
        value["scrambled"] = True
    else:
        value.append("scrambled")


@given(
    st.sampled_from(CHANGES),
    st.dictionaries(st.text(max_size=3), st.lists(st.integers(), max_size=2), max_size=2),
)
def test_old_document_new_document_and_item_share_nothing(
    change: Callable[[Any, Any], Any], item: dict[str, list[int]]
) -> None:
    document, given = copy.deepcopy(DOCUMENT), copy.deepcopy(item)
    changed = change(document, given)
    assert document == DOCUMENT
    assert given == item
    assert changed != DOCUMENT
    kept = copy.deepcopy(changed)
    scramble(document)
    scramble(given)
    assert changed == kept
