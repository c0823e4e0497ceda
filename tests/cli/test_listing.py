"""``initviz list``."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from initviz.catalog.index import catalogue
from tests.cli.conftest import Result

Run = Callable[..., Result]


def test_json_has_every_part(initviz: Run) -> None:
    entries = json.loads(initviz("list", "--json").out)
    assert [(entry["kind"], entry["key"]) for entry in entries] == [
        (part.kind, part.key) for part in catalogue()
    ]
    for entry in entries:
        assert {"kind", "key", "title", "parameters", "formula", "source"} <= set(entry)
        for parameter in entry["parameters"]:
            assert {"key", "type", "default", "title", "help"} <= set(parameter)
            assert parameter["type"] != "value", "a kind of parameter that the list does not know"


def test_json_tells_types_bounds_and_choices(initviz: Run) -> None:
    entries = {(entry["kind"], entry["key"]): entry for entry in json.loads(initviz("list", "--json").out)}
    normal = {p["key"]: p for p in entries["initializer", "normal"]["parameters"]}
    assert normal["std"]["type"] == "number"
    assert normal["std"]["minimum"] == 0
    he = {p["key"]: p for p in entries["initializer", "he_normal"]["parameters"]}
    assert {"fan_in", "fan_out"} <= set(he["mode"]["choices"])
    mlp = {p["key"]: p for p in entries["family", "mlp"]["parameters"]}
    assert (mlp["depth"]["type"], mlp["activation"]["type"]) == ("integer", "activation")
    adam = {p["key"]: p for p in entries["optimizer", "adam"]["parameters"]}
    assert adam["betas"]["default"] == [0.9, 0.999]
    sgd = {p["key"]: p for p in entries["optimizer", "sgd"]["parameters"]}
    assert sgd["nesterov"] | {"title": "", "help": ""} == {
        "key": "nesterov",
        "type": "boolean",
        "default": False,
        "title": "",
        "help": "",
    }


@pytest.mark.parametrize("kind", catalogue().kinds)
def test_one_kind(initviz: Run, kind: str) -> None:
    keys = [part.key for part in catalogue().parts(kind)]
    assert [entry["key"] for entry in json.loads(initviz("list", kind, "--json").out)] == keys
    lines = initviz("list", kind).out.splitlines()
    assert lines[0].startswith(kind)
    assert [line.split()[0] for line in lines[2:]] == keys


def test_it_speaks_chinese(initviz: Run) -> None:
    entries = json.loads(initviz("list", "initializer", "--json", "--lang", "zh").out)
    titles = {part.key: part.title.zh for part in catalogue().parts("initializer")}
    assert {entry["key"]: entry["title"] for entry in entries} == titles


def test_an_unknown_kind_is_answered_with_the_nearest(initviz: Run) -> None:
    result = initviz("list", "initializers")
    assert result.code == 2
    assert "Did you mean 'initializer'?" in result.err
    assert "optimizer" in result.err
