"""Whatever is wrong with a study is said at its place, before anything is built; a trial is a run of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.sweep.reading import read_study
from initviz.sweep.results import document_of, list_trials
from initviz.sweep.storage import find_place
from initviz.sweep.worker import run_study
from tests.sweep.conftest import study_document


def field(**keys: Any) -> dict[str, Any]:
    return {"fields": [keys]}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"trails": 3}, "trails"),
        ({"sampler": "annealing"}, "sampler"),
        ({"trials": 0}, "trials"),
        ({"objective": "loss"}, "objective"),
        ({"pruner": {"name": "median", "warm": 1}}, "pruner.warm"),
        ({"schema": 9}, "schema"),
        ({"fields": []}, "fields"),
        ({"experiment": 3}, "experiment"),
        ({"experiment": "missing.toml"}, "missing.toml"),
        ({"experiment": {"stepz": 3}}, "experiment.stepz"),
        ({"experiment": {"lanes": [{"name": "a"}, {"name": "b"}]}}, "experiment.lanes"),
        (field(path="init.weight.name", choices=["he_normal", "he_norm"]), "fields[0]"),
        (field(path="optimiser.lr", low=0.1, high=1.0), "fields[0].path"),
        (field(path="optimizer.lr", low=0.1, high=1.0), "fields[0]"),  # a grid without an end
        (field(path="optimizer.lr", choices=[0.1, -0.1]), "fields[0]"),
        (field(path="model.depth", low=1, high=10_000_000), "fields"),
        (field(path="model.depth", low=3, high=1), "fields[0].high"),
        (field(path="model.depth", low=1, high=4, step=2), "fields[0].step"),
        (field(path="model.depth", choices=[1, 1]), "fields[0].choices[1]"),
        (field(path="model.depth", choices=[1], low=2), "fields[0].low"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(changes: dict[str, Any], place: str, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        read_study(study_document(**changes), catalogue(), Limits(), tmp_path)
    assert place in caught.value.path


def test_a_trial_is_the_same_as_its_experiment_run_alone(tmp_path: Path) -> None:
    changes = {"objective": "val_loss", "score": "last"}
    study = read_study(study_document(**changes), catalogue(), Limits())
    place = find_place(str(tmp_path / "a"))
    run_study(study, place, catalogue(), Limits(), lambda standing: True)
    for record in list_trials(study, place).trials:
        document = document_of(study, record, catalogue())
        race = Race(read_document(document, catalogue(), Limits()), catalogue(), Limits())
        for _ in race:
            pass
        assert record.value == pytest.approx(float(race.evaluate()[0][0]), rel=1e-4)


def test_a_lane_that_diverges_is_told_as_such(tmp_path: Path) -> None:
    changes = field(path="optimizer", choices=[{"name": "sgd", "lr": 1e-2}, {"name": "sgd", "lr": 1e6}])
    document = study_document(**changes)
    document["experiment"]["model"]["activation"] = "identity"
    document["experiment"]["data"] = {"name": "wave", "batch_size": 32}
    study = read_study(document, catalogue(), Limits())
    place = find_place(str(tmp_path / "a"))
    run_study(study, place, catalogue(), Limits(), lambda standing: True)
    states = {str(r.values["optimizer"]): r for r in list_trials(study, place).trials}
    assert states["sgd lr=0.01"].state == "complete"
    bad = states["sgd lr=1000000.0"]
    assert (bad.state, bad.value) == ("diverged", None)
    assert bad.diverged_at is not None
