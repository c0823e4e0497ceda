"""Trials that share a race: pruning, seeds, and trials that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.sweep import worker
from initviz.sweep.experiments import race_document
from initviz.sweep.racing import Finish, train_trials
from initviz.sweep.reading import read_study
from initviz.sweep.results import list_trials
from initviz.sweep.storage import find_place
from initviz.sweep.study import Study
from initviz.sweep.worker import run_study
from tests.engine.oracle import race
from tests.sweep.conftest import study_document

RATES = [0.003, 0.01, 0.03]


def study(**changes: Any) -> Study:
    fields = [{"path": "optimizer.lr", "choices": RATES}]
    return read_study(study_document(**{"fields": fields, "score": "last", **changes}), catalogue(), Limits())


class Judge:
    """Ends one trial at one report, and remembers every score."""

    def __init__(self, ended: tuple[int, int] | None = None) -> None:
        self.ended = ended
        self.scores: dict[int, list[float]] = {}
        self.fractions: list[float] = []

    def judge(self, trial: int, report: int, score: float) -> bool:
        self.scores.setdefault(trial, []).append(score)
        return (trial, report) != self.ended

    def go_on(self, fraction: float) -> bool:
        self.fractions.append(fraction)
        return True


def train(searched: Study, judge: Judge) -> list[Finish]:
    trials = [(number, {"optimizer.lr": rate}) for number, rate in enumerate(RATES)]
    document = race_document(searched, trials, catalogue())
    return train_trials(searched, document, catalogue(), Limits(), judge)


def test_a_trial_that_is_given_up_ends_there_and_changes_no_other() -> None:
    whole, pruned = Judge(), Judge((1, 4))
    undisturbed, ends = train(study(), whole), train(study(), pruned)
    assert [end.how for end in ends] == ["complete", "pruned", "complete"]
    assert [ends[0], ends[2]] == [undisturbed[0], undisturbed[2]]  # to the last bit
    assert pruned.scores[1] == whole.scores[1][:4]
    assert ends[1].value == whole.scores[1][3]
    assert len(whole.scores[1]) == 20
    assert pruned.fractions == sorted(pruned.fractions)
    assert pruned.fractions[-1] == 1.0


def test_a_race_ends_when_all_its_trials_are_given_up() -> None:
    class Severe(Judge):
        def judge(self, trial: int, report: int, score: float) -> bool:
            return super().judge(trial, report, score) and report < 3

    judge = Severe()
    assert [end.how for end in train(study(), judge)] == ["pruned"] * 3
    assert judge.fractions[-1] == pytest.approx(3 / 20)


def test_a_trial_of_several_seeds_scores_their_mean(tmp_path: Path) -> None:
    searched = study(seeds=3)
    place = find_place(str(tmp_path / "kept"))
    run_study(searched, place, catalogue(), Limits(), lambda standing: True)
    for record in list_trials(searched, place).trials:
        alone = []
        for seed in (0, 1, 2):
            document = {
                **study_document()["experiment"],
                "optimizer": {"name": "adam", "lr": record.values["optimizer.lr"]},
            }
            running = race(document, seed=0, lanes=[{"name": "a", "seed": seed}])
            for _ in running:
                pass
            alone.append(float(running.evaluate()[0][0]))
        assert len(set(alone)) == 3
        assert record.value == pytest.approx(np.mean(alone), rel=1e-4)


def test_the_median_rule_gives_up_what_is_worse_than_half(tmp_path: Path) -> None:
    searched = study(
        fields=[{"path": "optimizer.lr", "choices": [0.03, 0.02, 0.01, 0.015, 1e-5, 1e-6]}],
        pruner={"name": "median", "warmup": 3, "startup": 3},
        batch=2,
        sampler="grid",
    )
    place = find_place(str(tmp_path / "kept"))
    run_study(searched, place, catalogue(), Limits(), lambda standing: True)
    trials = {record.values["optimizer.lr"]: record for record in list_trials(searched, place).trials}
    complete = [record for record in trials.values() if record.state == "complete"]
    pruned = [record for record in trials.values() if record.state == "pruned"]
    assert len(complete) + len(pruned) == 6
    assert pruned
    assert trials[0.03].state == "complete"
    for record in pruned:
        last, score = record.scores[-1]
        assert last > 3  # after its warmup
        assert record.value == pytest.approx(score)
        peers = [
            min(value for report, value in other.scores if report <= last)
            for other in complete
            if other.number < record.number
        ]
        own = min(value for _, value in record.scores)
        assert own > np.median(peers)


def test_one_trial_that_cannot_be_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raced: list[int] = []

    def train_most(searched: Study, document: dict[str, Any], *others: Any) -> list[Finish]:
        raced.append(len(document["lanes"]))
        if "0.02" in json.dumps(document["lanes"]):
            raise ExperimentError(Text("too large.", "太大。"), "model")
        return train_trials(searched, document, *others)

    monkeypatch.setattr(worker, "train_trials", train_most)
    searched = study(fields=[{"path": "optimizer.lr", "choices": [0.005, 0.01, 0.02, 0.03, 0.04]}])
    place = find_place(str(tmp_path / "kept"))
    end = run_study(searched, place, catalogue(), Limits(), lambda standing: True)
    trials = {record.values["optimizer.lr"]: record for record in list_trials(searched, place).trials}
    assert {rate: record.state for rate, record in trials.items() if rate != 0.02} == dict.fromkeys(
        (0.005, 0.01, 0.03, 0.04), "complete"
    )
    bad = trials[0.02]
    assert (bad.state, bad.value) == ("failed", None)
    assert bad.reason is not None
    assert "too large." in bad.reason.en
    assert "太大。" in bad.reason.zh
    assert end.counts == {"complete": 4, "failed": 1}
    assert raced[0] == 5  # all at once first, then in halves
    assert 1 in raced
