"""Stages before the lanes: trained once, kept, skipped or called off, and what lanes start from."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from initviz.catalog.index import catalogue
from initviz.engine import stage_cache
from initviz.engine.race import Race
from initviz.engine.stages import Answer, CancelledError, StageProgress, StageResult, prepare
from initviz.engine.weights import lane_weights
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


def test_skipping_keeps_the_weights_so_far_and_calling_off_builds_nothing() -> None:
    experiment = read(stages=[{"name": "first", "steps": 100_000}])
    skipped, _ = prepared(experiment, Answer.SKIP)
    assert 0 < skipped.step < 100_000
    assert not stage_cache.folder().exists()
    with pytest.raises(CancelledError):
        prepared(experiment, Answer.CANCEL)


def test_transfer_is_plain_fine_tuning_to_the_last_place() -> None:
    experiment = read()
    race = Race(experiment, catalogue(), Limits())
    assert race.match_reports[0].loaded == (
        "dense_1.weight",
        "dense_1.bias",
        "dense_2.weight",
        "dense_2.bias",
    )
    start = dict(lane_weights(race, 0))
    learned = dict(race.stages["first"].weights)
    assert all(torch.equal(start[name], learned[name]) for name in race.match_reports[0].loaded)
    assert not torch.equal(start["output.weight"], learned["output.weight"])
    plain = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 10)
    ).double()
    with torch.no_grad():
        for parameter, tensor in zip(plain.parameters(), start.values(), strict=True):
            parameter.copy_(tensor)
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.05)
    for step in range(25):
        inputs, targets = race.data.batch(step)
        optimizer.zero_grad()
        torch.autograd.backward(nn.functional.cross_entropy(plain(inputs), targets))
        optimizer.step()
        next(race)
    for parameter, tensor in zip(plain.parameters(), dict(lane_weights(race, 0)).values(), strict=True):
        torch.testing.assert_close(parameter.detach(), tensor, rtol=0, atol=1e-15)


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


def test_frozen_layers_do_not_move_by_a_bit_until_the_thaw() -> None:
    optimizer = {"name": "adam", "lr": 0.01}
    race = Race(
        read(optimizer=optimizer, remedies={"fine_tuning": {"layers": 1, "thaw": 10, "rate": 0.5}}),
        catalogue(),
        Limits(),
    )
    before = dict(lane_weights(race, 0))
    for _ in range(10):
        next(race)
    after = dict(lane_weights(race, 0))
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert moved == ["dense_2.weight", "dense_2.bias", "output.weight", "output.bias"]
    next(race)
    assert not torch.equal(dict(lane_weights(race, 0))["dense_1.weight"], before["dense_1.weight"])
