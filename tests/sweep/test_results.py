"""What is told of a study in the end: which field decides, and a table for other programs."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import optuna
import pytest
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from initviz.catalog.index import catalogue
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.sweep.reading import read_study
from initviz.sweep.records import TrialRecord
from initviz.sweep.results import Results, csv_text, importances, rank, write_csv
from initviz.sweep.storage import quiet_optuna
from initviz.sweep.study import Scalar, Study
from tests.sweep.conftest import study_document


@pytest.fixture(autouse=True)
def quiet() -> None:
    quiet_optuna()


def study() -> Study:
    fields = [
        {"path": "optimizer.lr", "low": 1e-4, "high": 1.0, "log": True},
        {"path": "model.depth", "low": 1, "high": 9},
        {"path": "init.weight.name", "choices": ["he_normal", "zeros"]},
    ]
    return read_study(study_document(sampler="random", fields=fields, trials=60), catalogue(), Limits())


def direct(trials: int) -> optuna.Study:
    """Return a study of Optuna's own whose score is decided by the learning rate alone."""
    found = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("optimizer.lr", 1e-4, 1.0, log=True)
        trial.suggest_int("model.depth", 1, 9)
        trial.suggest_categorical("init.weight.name", ["he_normal", "zeros"])
        return (math.log10(rate) + 2) ** 2

    found.optimize(objective, n_trials=trials)
    return found


def records_of(found: optuna.Study) -> tuple[TrialRecord, ...]:
    return tuple(TrialRecord(t.number, "complete", t.value, dict(t.params)) for t in found.trials)


def test_the_field_that_decides_is_found_as_optuna_finds_it() -> None:
    found = direct(60)
    shares = importances(Results(study(), records_of(found)))
    assert shares == pytest.approx(get_param_importances(found, evaluator=PedAnovaImportanceEvaluator()))
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["optimizer.lr"] > 0.8
    assert next(iter(shares)) == "optimizer.lr"


def test_too_few_or_equal_trials_say_nothing() -> None:
    assert importances(Results(study(), records_of(direct(7)))) == {}
    same = tuple(
        TrialRecord(record.number, "complete", 1.0, record.values) for record in records_of(direct(12))
    )
    assert importances(Results(study(), same)) == {}


VALUES: dict[str, Scalar] = {"optimizer.lr": 0.1, "model.depth": 3, "init.weight.name": "zeros"}
TRIALS = (
    TrialRecord(0, "complete", 0.25, VALUES, seconds=1.5),
    TrialRecord(1, "diverged", None, {**VALUES, "optimizer.lr": 0.9}, diverged_at=17),
    TrialRecord(
        2, "failed", None, {"optimizer.lr": 0.5}, reason=Text('too "large", by far\nhere', "太大，远超")
    ),
    TrialRecord(3, "complete", 1 / 3, VALUES, repeats=2),
    TrialRecord(4, "pruned", 0.1, VALUES),
)


def test_every_trial_is_a_row_that_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    write_csv(Results(study(), TRIALS), path)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["number"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert list(rows[0]) == [
        "number", "state", "value", "optimizer.lr", "model.depth", "init.weight.name",
        "diverged_at", "seconds", "repeats", "reason",
    ]  # fmt: skip
    assert float(rows[3]["value"]) == 1 / 3
    assert (rows[1]["value"], rows[1]["diverged_at"]) == ("", "17")
    assert rows[2]["reason"] == 'too "large", by far\nhere'
    assert rows[2]["model.depth"] == ""
    assert rows[3]["repeats"] == "2"


def test_truth_values_are_written_as_in_the_file() -> None:
    fields = [{"path": "optimizer.nesterov", "choices": [True, False]}]
    document = study_document(fields=fields)
    document["experiment"]["optimizer"] = {"name": "sgd", "lr": 0.1, "momentum": 0.9}
    searched = read_study(document, catalogue(), Limits())
    row = csv_text(Results(searched, (TrialRecord(0, "complete", 1.0, {"optimizer.nesterov": True}),)))
    assert row.splitlines()[1].startswith("0,complete,1.0,true,")


def test_a_file_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "place" / "taken"
    folder.mkdir(parents=True)
    with pytest.raises(ExperimentError, match="cannot be written"):
        write_csv(Results(study(), TRIALS), folder)
    assert list(folder.parent.iterdir()) == [folder]
    assert list(folder.iterdir()) == []


def test_the_best_complete_trial_comes_first() -> None:
    assert [record.number for record in rank(TRIALS, maximizes=False)] == [0, 3, 1, 2, 4]
    assert [record.number for record in rank(TRIALS, maximizes=True)] == [3, 0, 1, 2, 4]
