"""The thread that searches for the window: it tells how far it is, ends when asked, and says what is wrong."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from initviz.catalog.index import catalogue
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.sweep import worker
from initviz.sweep.racing import train_trials
from initviz.sweep.reading import read_study
from initviz.sweep.results import list_trials
from initviz.sweep.storage import find_place
from initviz.sweep.study import Study
from initviz.worker.sweep_thread import Searched, StudyOpened, Sweeper, standing_of
from tests.sweep.conftest import study_document

LONG_MS = 60_000


def study(steps: int = 60, **changes: object) -> Study:
    document = study_document(batch=2, **changes)
    document["experiment"]["steps"] = steps
    return read_study(document, catalogue(), Limits())


class Heard:
    """Keeps what a sweeper says."""

    def __init__(self, sweeper: Sweeper) -> None:
        self.searched: list[Searched] = []
        self.failures: list[Text] = []
        self.states: list[str] = []
        self.opened: list[StudyOpened] = []
        sweeper.searched.connect(self.searched.append)
        sweeper.failed.connect(self.failures.append)
        sweeper.state_changed.connect(self.states.append)
        sweeper.study_opened.connect(self.opened.append)


def wait(qtbot: QtBot, sweeper: Sweeper) -> None:
    qtbot.waitUntil(lambda: sweeper.state == "idle", timeout=LONG_MS)


def test_it_tells_how_far_it_is_until_the_end(qtbot: QtBot, tmp_path: Path) -> None:
    sweeper = Sweeper(catalogue(), Limits())
    heard = Heard(sweeper)
    sweeper.search(study(), str(tmp_path / "kept"))
    assert sweeper.state == "searching"
    sweeper.search(study(), str(tmp_path / "other"))  # one at a time
    wait(qtbot, sweeper)
    assert heard.failures == []
    assert heard.states == ["searching", "idle"]
    fractions = [said.standing.fraction for said in heard.searched]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert [said.is_end for said in heard.searched[:-1]] == [False] * (len(heard.searched) - 1)
    end = heard.searched[-1]
    assert end.is_end
    assert [trial.state for trial in end.trials] == ["complete"] * 6
    assert not (tmp_path / "other").exists()
    assert sweeper.shutdown()


def test_it_ends_when_asked_and_the_study_goes_on(qtbot: QtBot, tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    sweeper = Sweeper(catalogue(), Limits())
    heard = Heard(sweeper)
    sweeper.search(study(20_000), kept)
    qtbot.waitUntil(lambda: any(said.standing.here for said in heard.searched), timeout=LONG_MS)
    start_s = time.monotonic()
    sweeper.stop()
    assert sweeper.state == "stopping"
    wait(qtbot, sweeper)
    assert time.monotonic() - start_s < 2
    assert "running" not in heard.searched[-1].standing.counts
    sweeper.open_study("small", kept)
    qtbot.waitUntil(lambda: bool(heard.opened), timeout=LONG_MS)
    opened = heard.opened[0]
    assert opened.study.experiment["steps"] == 20_000
    standing = standing_of(opened.study, opened.trials)
    assert standing.finished < 6
    wait(qtbot, sweeper)
    assert sweeper.shutdown()
    assert heard.failures == []


def test_a_trial_that_fails_is_told_and_the_others_go_on(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def train_most(searched: Study, document: dict[str, object], *others: object) -> object:
        if "zeros" in str(document["lanes"]):
            raise ExperimentError(Text("no zeros.", "不许全零。"), "init")
        return train_trials(searched, document, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "train_trials", train_most)
    sweeper = Sweeper(catalogue(), Limits())
    heard = Heard(sweeper)
    sweeper.search(study(), str(tmp_path / "kept"))
    wait(qtbot, sweeper)
    states = sorted(trial.state for trial in heard.searched[-1].trials)
    assert states == ["complete"] * 4 + ["failed"] * 2
    assert heard.failures == []
    assert sweeper.shutdown()


def test_a_fault_is_told_without_a_trace(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*given: object) -> object:
        raise RuntimeError("out of order")

    monkeypatch.setattr(worker, "train_trials", break_down)
    sweeper = Sweeper(catalogue(), Limits())
    heard = Heard(sweeper)
    sweeper.search(study(), str(tmp_path / "kept"))
    wait(qtbot, sweeper)
    assert len(heard.failures) == 1
    assert "a fault in the program" in heard.failures[0].en
    assert "out of order" in caplog.text
    assert "Traceback" not in heard.failures[0].en
    trials = list_trials(study(), find_place(str(tmp_path / "kept"))).counted
    assert {trial.state for trial in trials} == {"waiting"}  # given back for the next time
    assert sweeper.shutdown()


def test_nothing_starts_after_the_end(qtbot: QtBot, tmp_path: Path) -> None:
    sweeper = Sweeper(catalogue(), Limits())
    assert sweeper.shutdown()
    sweeper.search(study(), str(tmp_path / "kept"))
    assert sweeper.state == "idle"
    assert not (tmp_path / "kept").exists()
