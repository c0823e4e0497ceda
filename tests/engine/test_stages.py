"""Stages before the lanes: trained once, kept, skipped or called off, and what lanes start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from initviz.catalog.index import catalogue
from initviz.engine import stage_cache
from initviz.engine.race import Race
from initviz.engine.stage_progress import Answer, StageProgress
from initviz.engine.stages import CancelledError, StageResult, prepare
from initviz.engine.weights import Weights, lane_weights, write_weights
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.values import Experiment

DOCUMENT: dict[str, Any] = {
    "steps": 25,
    "device": "cpu",
    "dtype": "float64",
    "data": {"name": "digits", "batch_size": 32},
    "model": {"family": "mlp", "depth": 2, "width": 8, "activation": "relu"},
    "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.0},
    "init": {"weight": {"name": "from_weights", "source": "stage:first", "output": False}},
    "stages": [{"name": "first", "steps": 40, "seed": 3}],
    "lanes": [{"name": "loaded"}],
}


def read(**changes: Any) -> Experiment:
    return read_document({**DOCUMENT, **changes}, catalogue(), Limits())


def prepared(
    experiment: Experiment, answer: Answer = Answer.GO_ON
) -> tuple[StageResult, list[StageProgress]]:
    heard: list[StageProgress] = []

    def listen(progress: StageProgress) -> Answer:
        heard.append(progress)
        return answer if progress.step > 0 else Answer.GO_ON

    return prepare(experiment, catalogue(), Limits(), listener=listen)["first"], heard


def test_a_stage_is_its_experiment_trained_alone_and_is_kept() -> None:
    experiment = read()
    result, heard = prepared(experiment)
    alone = Race(experiment.stages[0].experiment, catalogue(), Limits())
    for _ in alone:
        pass
    assert result.weights.digest() == lane_weights(alone, 0).digest()
    assert (heard[0].step, heard[-1].step, result.from_cache) == (0, 40, False)
    again, heard = prepared(experiment)
    assert again.from_cache
    assert [progress.step for progress in heard] == [40]
    assert again.weights.digest() == result.weights.digest()
    assert again.validation_accuracy == result.validation_accuracy


def test_a_damaged_file_is_trained_anew() -> None:
    experiment = read()
    result, _ = prepared(experiment)
    (path,) = stage_cache.folder().iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    again, _ = prepared(experiment)
    assert not again.from_cache
    assert again.weights.digest() == result.weights.digest()
    assert prepared(experiment)[0].from_cache


def test_other_steps_are_another_stage() -> None:
    prepared(read())
    assert not prepared(read(stages=[{"name": "first", "steps": 41, "seed": 3}]))[0].from_cache


def test_other_weights_in_the_file_that_it_starts_from_are_another_stage(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    start = {"weight": {"name": "from_weights", "source": str(path)}}
    stages = [{"name": "first", "steps": 5, "init": start}]
    weights = prepared(read())[0].weights
    write_weights(path, weights, {})
    first, _ = prepared(read(stages=stages))
    assert prepared(read(stages=stages))[0].from_cache
    write_weights(path, Weights({name: 2.0 * tensor for name, tensor in weights}), {})
    again, _ = prepared(read(stages=stages))
    assert not again.from_cache
    assert again.weights.digest() != first.weights.digest()


def test_skipping_keeps_the_weights_so_far_and_calling_off_builds_nothing() -> None:
    experiment = read(stages=[{"name": "first", "steps": 100_000}])
    skipped, _ = prepared(experiment, Answer.SKIP)
    assert 0 < skipped.step < 100_000
    assert not stage_cache.folder().exists()
    with pytest.raises(CancelledError):
        prepared(experiment, Answer.CANCEL)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("stage:fist", "Did you mean 'first'"),
        ("lane:nobody", "no lane called 'nobody'"),
        ("lane:loaded", "cannot start from itself"),
    ],
)
def test_a_source_that_is_not_there_is_named_where_it_stands(source: str, words: str) -> None:
    with pytest.raises(ExperimentError, match=words) as caught:
        read(init={"weight": {"name": "from_weights", "source": source}})
    assert caught.value.path == "init.weight.source"


def test_lanes_that_wait_for_one_another_are_refused() -> None:
    lanes = [
        {"name": "a", "init": {"weight": {"source": "lane:b"}}},
        {"name": "b", "init": {"weight": {"source": "lane:a"}}},
    ]
    with pytest.raises(ExperimentError, match="wait for one another: a, b"):
        read(lanes=lanes)
