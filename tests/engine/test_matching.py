"""What of a source goes into a network, from stages, lanes and files, and what is said of the rest."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.engine.weights import Weights, lane_weights, save_weights, write_weights
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.files import with_whole_paths
from initviz.experiment.limits import Limits
from tests.engine.remedies.test_transfer import DOCUMENT, numbers, race

NORMED: dict[str, Any] = {
    "layers": [
        {"kind": "flatten"},
        {"kind": "dense", "units": 8},
        {"kind": "batch_norm"},
        {"kind": "activation", "function": "relu"},
    ]
}


def stage_of(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "first", "steps": 10, **changes}]


def test_the_report_says_what_was_loaded_what_not_and_why() -> None:
    running = race(
        model={"family": "mlp", "depth": 3, "width": 16, "activation": "relu"},
        stages=stage_of(model={"family": "mlp", "depth": 2, "width": 16, "activation": "relu"}),
        init={"weight": {"name": "from_weights", "source": "stage:first"}},
        data={"name": "digits", "classes": "0-4"},
    )
    report = running.match_reports[0]
    assert report.loaded == (
        *("dense_1.weight", "dense_1.bias", "dense_2.weight", "dense_2.bias"),
        *("output.weight", "output.bias"),
    )
    assert {one.name: one.reason.en for one in report.skipped} == {
        "dense_3.weight": "not in the source",
        "dense_3.bias": "not in the source",
    }
    assert report.summary().en.startswith("6 tensors loaded from stage:first; not loaded: dense_3.weight")


def test_all_but_the_output_layer_is_what_the_stage_learned() -> None:
    running = race()
    learned, start = dict(running.stages["first"].weights), dict(lane_weights(running, 0))
    assert running.match_reports[0].loaded == tuple(name for name in start if not name.startswith("output"))
    same = {name for name in start if torch.equal(start[name], learned[name])}
    assert {name for name in start if name.startswith("dense")} <= same
    assert "output.weight" not in same
    whole = race(init={"weight": {"name": "from_weights", "source": "stage:first"}})
    assert torch.equal(dict(lane_weights(whole, 0))["output.weight"], learned["output.weight"])


def test_a_layer_of_another_shape_is_drawn_and_said_to_be() -> None:
    layers = [
        {"kind": "flatten"},
        {"kind": "dense", "units": 16},
        {"kind": "activation", "function": "relu"},
        {"kind": "dense", "units": 24},
    ]
    running = race(stages=stage_of(model={"layers": layers}))
    report = running.match_reports[0]
    assert report.loaded == ("dense_1.weight", "dense_1.bias")
    reasons = {one.name: one.reason.en for one in report.skipped}
    assert reasons["dense_2.weight"] == "24 × 16 in the source, 16 × 16 here"
    fresh = race(init={"weight": {"name": "he_normal"}}, stages=[])
    assert torch.equal(numbers(running, 0)[2], numbers(fresh, 0)[2])
    assert not torch.equal(numbers(running, 0)[0], numbers(fresh, 0)[0])


def test_a_source_that_fits_nowhere_is_refused() -> None:
    with pytest.raises(ExperimentError, match="nothing in stage:first fits this network") as caught:
        race(
            model={"layers": [{"kind": "conv", "channels": 3}, {"kind": "flatten"}]},
            stages=stage_of(model={"family": "mlp", "depth": 1, "width": 8}),
        )
    assert "5 tensors" not in caught.value.reason.en


def test_running_means_come_along() -> None:
    running = race(model=NORMED, stages=stage_of())
    report = running.match_reports[0]
    assert {"batch_norm_1.running_mean", "batch_norm_1.running_var", "batch_norm_1.weight"} <= set(
        report.loaded
    )
    learned = dict(running.stages["first"].weights)
    mine = dict(lane_weights(running, 0))
    for name in ("batch_norm_1.running_mean", "batch_norm_1.running_var"):
        assert torch.equal(mine[name], learned[name])
        assert not torch.equal(mine[name], torch.full_like(mine[name], float(name.endswith("var"))))


def test_a_lane_starts_where_another_one_does() -> None:
    lanes = [
        {"name": "a", "init": {"weight": {"name": "he_normal"}}},
        {"name": "b", "seed": 9, "init": {"weight": {"name": "from_weights", "source": "lane:a"}}},
    ]
    running = race(lanes=lanes, stages=[], init={"weight": {"name": "he_normal"}})
    assert all(torch.equal(a, b) for a, b in zip(numbers(running, 0), numbers(running, 1), strict=True))


def trained() -> Race:
    running = race(init={"weight": {"name": "he_normal"}}, stages=[])
    for _ in range(10):
        next(running)
    return running


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_file_is_a_source_to_the_bit(suffix: str, tmp_path: Path) -> None:
    source = trained()
    path = tmp_path / f"a{suffix}"
    if suffix == ".pt":
        torch.save(dict(lane_weights(source, 0)), path)
    else:
        save_weights(path, source, 0)
    running = race(init={"weight": {"name": "from_weights", "source": str(path)}}, stages=[])
    assert all(torch.equal(a, b) for a, b in zip(numbers(source, 0), numbers(running, 0), strict=True))


def test_a_stage_may_come_from_a_file(tmp_path: Path) -> None:
    source = trained()
    save_weights(tmp_path / "a.safetensors", source, 0)
    document = {**DOCUMENT, "stages": [{"name": "first", "weights": "a.safetensors"}]}
    experiment = read_document(document, catalogue(), Limits(), tmp_path)
    running = Race(experiment, catalogue(), Limits())
    assert (running.stages["first"].step, running.stages["first"].from_cache) == (0, False)
    assert all(
        torch.equal(a, b) for a, b in zip(numbers(source, 0)[:4], numbers(running, 0)[:4], strict=True)
    )


def test_a_stage_whose_file_is_of_another_network_is_refused_with_its_place(tmp_path: Path) -> None:
    write_weights(tmp_path / "a.safetensors", Weights({"dense_1.weight": torch.ones(3, 3)}), {})
    stages = [{"name": "first", "weights": str(tmp_path / "a.safetensors")}]
    with pytest.raises(ExperimentError, match="not those of the network") as caught:
        race(stages=stages)
    assert caught.value.path.startswith("stages[0].weights")


LISTED: dict[str, Any] = {
    "layers": [
        {"kind": "flatten"},
        {
            "kind": "dense",
            "units": 16,
            "init": {"weight": {"name": "from_weights", "source": "a.safetensors"}},
        },
        {"kind": "activation", "function": "relu"},
        {"kind": "dense", "units": 16},
    ]
}


def test_a_single_layers_file_is_looked_for_beside_the_document(tmp_path: Path) -> None:
    source = trained()
    save_weights(tmp_path / "a.safetensors", source, 0)
    for changes in ({"model": LISTED}, {"lanes": [{"name": "a", "model": LISTED}]}):
        document = {**DOCUMENT, "stages": [], "init": {"weight": {"name": "he_normal"}}, **changes}
        running = Race(read_document(document, catalogue(), Limits(), tmp_path), catalogue(), Limits())
        assert running.match_reports[0].loaded == ("dense_1.weight", "dense_1.bias")
        assert torch.equal(numbers(running, 0)[0], numbers(source, 0)[0])


def test_every_file_of_an_experiment_is_named_by_its_whole_path(tmp_path: Path) -> None:
    document: dict[str, Any] = {
        "data": {"name": "csv", "path": "table.csv"},
        "init": {"weight": {"name": "from_weights", "source": "a.safetensors"}, "bias": {"name": "zeros"}},
        "model": LISTED,
        "stages": [
            {"name": "first", "weights": "b.pt", "model": LISTED, "data": {"path": "other.csv"}},
            {"name": "second", "init": {"weight": {"source": "stage:first"}}},
        ],
        "lanes": [
            {"name": "a", "init": {"weight": {"source": "c.pt"}}},
            {"name": "b", "init": {"weight": {"source": "lane:a"}}, "model": LISTED},
            {"name": "c", "init": {"weight": {"name": "normal"}}},
        ],
    }
    before = copy.deepcopy(document)
    whole: Any = with_whole_paths(document, catalogue(), tmp_path)
    assert document == before

    def listed(model: Any) -> str:
        return str(model["layers"][1]["init"]["weight"]["source"])

    assert [
        whole["data"]["path"],
        whole["init"]["weight"]["source"],
        listed(whole["model"]),
        whole["stages"][0]["weights"],
        whole["stages"][0]["data"]["path"],
        listed(whole["stages"][0]["model"]),
        whole["lanes"][0]["init"]["weight"]["source"],
        listed(whole["lanes"][1]["model"]),
    ] == [
        str(tmp_path / name)
        for name in (
            *("table.csv", "a.safetensors", "a.safetensors", "b.pt", "other.csv"),
            *("a.safetensors", "c.pt", "a.safetensors"),
        )
    ]
    assert whole["stages"][1] == document["stages"][1]
    assert whole["lanes"][1]["init"] == document["lanes"][1]["init"]
    assert whole["lanes"][2] == document["lanes"][2]
    assert with_whole_paths(whole, catalogue(), tmp_path / "elsewhere") == whole
