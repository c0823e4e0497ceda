"""Bounds that a file cannot get past, and how a person raises them."""

from __future__ import annotations

import dataclasses
import time
import tracemalloc
from typing import Any

import pytest

from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from tests.experiment.conftest import Read, Refuse

# A document that exceeds each limit, a limit that admits it, and where the message points.
OVER: dict[str, tuple[dict[str, Any], int, str]] = {
    "lanes": ({"lanes": [{}] * 17}, 17, "lanes"),
    "networks": ({"lanes": [{"repeat": 65}]}, 65, "lanes[0].repeat"),
    "layers": ({"model": {"layers": [{"kind": "flatten"}] * 1024}}, 1025, "model"),
    "width": (
        {"model": {"layers": [{"kind": "flatten"}, {"kind": "dense", "units": 8193}]}},
        8193,
        "model.layers[1]",
    ),
    "batch_size": ({"data": {"batch_size": 65_537}}, 65_537, "data.batch_size"),
    "steps": ({"steps": 100_000_001}, 100_000_001, "steps"),
    "parameters": ({"model": {"depth": 3, "width": 8000}}, 200_000_000, "model"),
}


@pytest.mark.parametrize("name", OVER)
def test_a_limit_names_itself_and_the_variable_that_raises_it(read: Read, refuse: Refuse, name: str) -> None:
    document, enough, path = OVER[name]
    error = refuse(document)
    assert error.path == path
    assert f"above the limit of {getattr(Limits(), name):,}" in error.reason.en
    assert f"INITVIZ_MAX_{name.upper()}" in error.reason.en
    assert f"INITVIZ_MAX_{name.upper()}" in error.reason.zh
    read(document, **{name: enough, "memory_gb": 1000})


def test_every_limit_is_tried_here() -> None:
    of_files = {"file_mb", "data_mb", "columns"}  # tried where files are read
    assert {*OVER, "memory_gb", *of_files} == {field.name for field in dataclasses.fields(Limits)}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"model": {"depth": 10, "width": 2000}, "lanes": [{}] * 8}, ""),
        ({"data": {"batch_size": 65_000}, "model": {"depth": 100, "width": 512}}, ""),
        ({"data": {"name": "gaussian", "dim": 1000, "samples": 1_000_000}}, "data"),
    ],
)
def test_memory_is_estimated_before_any_is_taken(
    read: Read, refuse: Refuse, document: Any, path: str
) -> None:
    read({})
    tracemalloc.start()
    try:
        before = time.perf_counter()
        error = refuse(document)
        taken = time.perf_counter() - before
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.path == path
    assert "INITVIZ_MAX_MEMORY_GB" in error.reason.en
    assert "GB of memory" in error.reason.en
    assert peak < 5_000_000
    assert taken < 5
    read(document, memory_gb=100)


def test_memory_counts_every_lane_and_the_precision(read: Read, refuse: Refuse) -> None:
    document: dict[str, Any] = {"model": {"depth": 10, "width": 1500}}
    read(document)
    refuse({**document, "lanes": [{} for _ in range(16)]})
    refuse({**document, "lanes": [{"seed": k} for k in range(16)]})
    lanes: list[dict[str, Any]] = [{}] * 7
    read({**document, "lanes": lanes})
    refuse({**document, "lanes": lanes, "dtype": "float64"})


def test_a_huge_network_is_refused_at_once(refuse: Refuse) -> None:
    before = time.perf_counter()
    refuse({"model": {"layers": [{"kind": "flatten"}] + [{"kind": "dense", "units": 1_000_000}] * 1000}})
    refuse({"model": {"family": "resnet_mlp", "blocks": 200, "width": 1_000_000}})
    assert time.perf_counter() - before < 5


def test_at_the_limit_is_allowed() -> None:
    Limits().check("lanes", 16, Text("lanes", "赛道"), "")
    with pytest.raises(ExperimentError):
        Limits().check("lanes", 17, Text("lanes", "赛道"), "")


@pytest.mark.parametrize("field", dataclasses.fields(Limits), ids=lambda field: field.name)
def test_the_environment_raises_a_limit(field: Any) -> None:
    raised = Limits.from_environment({f"INITVIZ_MAX_{field.name.upper()}": " 123456 ", "HOME": "/x"})
    assert raised == dataclasses.replace(Limits(), **{field.name: 123_456})
    assert Limits.from_environment({}) == Limits()


@pytest.mark.parametrize("value", ["", "0", "-3", "1.5", "many", "1e9", "9" * 16, "9" * 5000, "\x1b[31m"])
def test_nonsense_in_the_environment_is_refused(value: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        Limits.from_environment({"INITVIZ_MAX_LANES": value})
    assert caught.value.path == "INITVIZ_MAX_LANES"
    assert "a whole number above 0" in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
