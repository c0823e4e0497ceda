"""What a study tries is what Optuna tries when it is run directly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.limits import Limits
from initviz.sweep import worker
from initviz.sweep.racing import Finish
from initviz.sweep.reading import read_study
from initviz.sweep.records import Standing
from initviz.sweep.results import list_trials
from initviz.sweep.storage import find_place, quiet_optuna
from initviz.sweep.study import Study
from initviz.sweep.worker import run_study
from tests.sweep.conftest import study_document

FIELDS: list[dict[str, Any]] = [
    {"path": "init.weight.name", "choices": ["he_normal", "xavier_normal", "zeros"]},
    {"path": "model.depth", "low": 1, "high": 9, "step": 2},
    {"path": "optimizer.lr", "low": 1e-4, "high": 1.0, "log": True},
]


@pytest.fixture(autouse=True)
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Score trials without training; each score follows from the trial's place in its race."""

    def score(study: Study, document: dict[str, Any], *others: object) -> list[Finish]:
        return [Finish("complete", float(lane["name"].split(".")[0])) for lane in document["lanes"]]

    monkeypatch.setattr(worker, "train_trials", score)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    level = optuna.logging.get_verbosity()
    quiet_optuna()
    yield
    optuna.logging.set_verbosity(level)


def tried(path: Path, trials: int, **changes: Any) -> list[dict[str, Any]]:
    study = read_study(study_document(trials=trials, **changes), catalogue(), Limits())
    place = find_place(str(path))
    run_study(study, place, catalogue(), Limits(), lambda standing: True)
    return [dict(record.values) for record in list_trials(study, place).trials]


def test_random_is_optunas_even_when_it_is_resumed(tmp_path: Path) -> None:
    direct = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=7))

    def objective(trial: optuna.Trial) -> float:
        trial.suggest_categorical("init.weight.name", FIELDS[0]["choices"])
        trial.suggest_int("model.depth", 1, 9, step=2)
        return trial.suggest_float("optimizer.lr", 1e-4, 1.0, log=True)

    direct.optimize(objective, n_trials=20)
    changes = {"sampler": "random", "fields": FIELDS, "seed": 7, "batch": 3}
    assert len(tried(tmp_path / "a", 8, **changes)) == 8
    assert tried(tmp_path / "a", 20, **changes) == [trial.params for trial in direct.trials]


@pytest.mark.parametrize("trials", [15, 6])
def test_a_grid_is_optunas(tmp_path: Path, trials: int) -> None:
    space = {"init.weight.name": FIELDS[0]["choices"], "model.depth": [1, 3, 5, 7, 9]}
    direct = optuna.create_study(sampler=optuna.samplers.GridSampler(space, seed=3))

    def objective(trial: optuna.Trial) -> float:
        trial.suggest_int("model.depth", 1, 9, step=2)
        trial.suggest_categorical("init.weight.name", space["init.weight.name"])
        return 0.0

    direct.optimize(objective, n_trials=trials)
    found = tried(tmp_path / "a", trials, fields=FIELDS[:2], seed=3, batch=4)
    assert found == [trial.params for trial in direct.trials]
    assert len(found) == trials


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_a_sampler_that_learns_tries_nothing_twice_when_it_is_resumed(tmp_path: Path, sampler: str) -> None:
    changes = {"sampler": sampler, "fields": FIELDS, "batch": 4}
    first = tried(tmp_path / "a", 12, **changes)
    found = tried(tmp_path / "a", 18, **changes)
    assert found[:12] == first
    assert len({tuple(trial.values()) for trial in found}) == 18


def test_another_study_of_the_same_name_is_refused(tmp_path: Path) -> None:
    tried(tmp_path / "a", 2)
    with pytest.raises(Exception, match="another study called 'small'"):
        tried(tmp_path / "a", 2, seed=9)


def test_ending_gives_trials_back(tmp_path: Path) -> None:
    study = read_study(study_document(), catalogue(), Limits())
    place = find_place(str(tmp_path / "a"))
    heard: list[Standing] = []

    def tell(standing: Standing) -> bool:
        heard.append(standing)
        return len(heard) < 2

    run_study(study, place, catalogue(), Limits(), tell)
    assert heard
    assert "running" not in heard[-1].counts
    run_study(study, place, catalogue(), Limits(), lambda standing: True)
    counted = list_trials(study, place).counted
    assert [record.state for record in counted] == ["complete"] * 6
