"""The benchmarks are there, measure what they say, and print one JSON line each."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch

from tests.benchmarks import __main__ as program
from tests.benchmarks import nets
from tests.benchmarks.measure import Benchmark, Result, interleaved, seconds
from tests.parts_at_work import document_with, parts_at_work

ENGINE_ROWS = {
    "engine/moons": "<= 0.75",
    "engine/digits": "<= 0.95",
    "engine/cnn8": "<= 0.95",
    "lanes/moons-8": ">= 5.0",
    "lanes/moons-16": ">= 6.5",
    "lanes/digits-8": ">= 1.3",
    "lanes/cnn8-8": ">= 1.6",
}


class Watch:
    """A clock that work sets forward."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, *durations: float) -> Callable[[], None]:
        """Return work that takes these durations, the last one from then on."""
        left = list(durations)

        def run() -> None:
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return run


def test_the_ratio_is_the_median_of_pairs() -> None:
    watch = Watch()
    over, under = watch.work(100.0, 2.0, 9.0, 4.0), watch.work(100.0, 1.0)
    result = interleaved(over, under, runs=3, clock=watch, figures=lambda a, b: {"over_s": a, "under_s": b})
    assert (result.ratio, result.runs, result.minimum, result.maximum) == (4.0, 3, 2.0, 9.0)
    assert result.figures == {"over_s": 4.0, "under_s": 1.0}
    assert seconds(watch.work(3.0), watch) == 3.0


def test_a_row_says_whether_its_bar_is_met() -> None:
    low = Benchmark("a/b", "this / that", 0.5, at_least=False, run=lambda: Result(0.4, 3, 0.3, 0.6))
    assert low.line(low.run()) == {
        "name": "a/b",
        "ratio": 0.4,
        "what": "this / that",
        "runs": 3,
        "min": 0.3,
        "max": 0.6,
        "bar": "<= 0.5",
        "met": True,
    }
    high = Benchmark("a/b", "this / that", 0.5, at_least=True, run=lambda: Result(0.4, 3, 0.3, 0.6))
    assert high.line(high.run())["met"] is False


def test_rows_are_found_in_every_module(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row.name: row for row in program.find()}
    assert len(rows) == len(program.find())
    bars = {name: rows[name].line(Result(1.0, 1, 1.0, 1.0))["bar"] for name in ENGINE_ROWS}
    assert bars == ENGINE_ROWS
    assert program.main(["--list", "engine/m", "lanes/"]) == 0
    assert set(capsys.readouterr().out.split()) >= {"engine/moons", "lanes/moons-8"}
    assert program.main(["no such row"]) == 2


def test_a_row_that_fails_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> Result:
        raise ValueError("no")

    rows = [
        Benchmark("x/bad", "", 1.0, at_least=True, run=fail),
        Benchmark("x/good", "", 1.0, at_least=True, run=lambda: Result(2.0, 1, 2.0, 2.0)),
    ]
    monkeypatch.setattr(program, "find", lambda: rows)
    assert program.main([]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {"name": "x/bad", "error": "ValueError: no"}
    assert lines[1]["ratio"] == 2.0


@pytest.mark.parametrize("net", nets.NETS, ids=lambda net: net.name)
def test_both_loops_and_the_engine_train_the_same_network(net: nets.Net) -> None:
    race = net.race(2)
    sizes = [
        sum(parameter.numel() for parameter in net.module().parameters()),
        race.blueprints[0].num_parameters,
    ]
    assert sizes[0] == sizes[1]
    nets.run_race(race, 2)
    assert race.step == 2
    for loop in (nets.TutorialLoop, nets.PlainLoop):
        run = loop(net, race.data.inputs, race.data.targets)
        run.run(1)
        first = run.loss
        run.run(12)
        assert 0.0 < run.loss < first + 0.5
    assert torch.isfinite(next(race).loss).all()


def test_every_part_has_an_experiment_to_be_measured_in() -> None:
    for part in parts_at_work():
        assert document_with(part), part.key
