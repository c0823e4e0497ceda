"""Two worker processes on a real PostgreSQL, one killed half-way: every trial is accounted for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from initviz.experiment.toml import dumps
from initviz.sweep.records import TrialRecord, records
from initviz.sweep.storage import close_storage, find_place, open_storage
from tests.sweep.conftest import PASSWORD, QUOTED, study_document

ROOT = Path(__file__).parents[2]

SLOW_STEPS = 6000
"""So that a worker is killed amid its trials, however fast the machine is."""


def worker(study: Path, url: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "initviz",
        "sweep",
        str(study),
        "--json",
        "--heartbeat",
        "4",  # a busy machine may hold a live worker up for seconds
        "--batch",
        "4",
    ]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "INITVIZ_STORAGE": url, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_trials(url: str, name: str) -> list[TrialRecord]:
    """Read the trials with Optuna itself."""
    import optuna

    storage = open_storage(find_place(url))
    try:
        if name not in {held.study_name for held in storage.get_all_studies()}:
            return []
        return records(optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False))
    finally:
        close_storage(storage)


@pytest.mark.slow
def test_a_killed_worker_loses_no_trial(postgresql: str, tmp_path: Path) -> None:
    document = study_document(name="killed")
    document["experiment"]["steps"] = SLOW_STEPS
    document["fields"][1]["choices"] = [1, 2, 3, 4]
    study = tmp_path / "study.toml"
    study.write_text(dumps(document), encoding="utf-8")
    first, second = worker(study, postgresql), worker(study, postgresql)
    try:
        last_s = time.monotonic() + 120
        while sum(trial.state == "running" for trial in read_trials(postgresql, "killed")) < 5:
            assert time.monotonic() < last_s, "no trials were begun"
            assert first.poll() is None, first.communicate()
            assert second.poll() is None, second.communicate()
            time.sleep(0.2)
        first.send_signal(signal.SIGKILL)  # amid four trials
        output, errors = second.communicate(timeout=300)
    finally:
        first.kill()
        second.kill()
        first.communicate()
    assert second.returncode == 0, errors
    told = json.loads(output)
    assert (told["finished"], told["target"]) == (12, 12)
    trials = read_trials(postgresql, "killed")
    lost = [trial for trial in trials if trial.is_repeated]
    assert lost
    assert {trial.state for trial in lost} == {"lost"}
    kept = [trial for trial in trials if not trial.is_repeated]
    assert {trial.state for trial in kept} == {"complete"}
    tried = {(trial.values["init.weight.name"], trial.values["model.depth"]) for trial in kept}
    assert len(tried) == len(kept) == 12  # every combination, once
    assert {trial.repeats for trial in kept if trial.repeats is not None} == {trial.number for trial in lost}
    for secret in (PASSWORD, QUOTED):
        assert secret not in output + errors


@pytest.mark.slow
def test_an_ended_worker_leaves_a_study_that_goes_on(tmp_path: Path) -> None:
    document = study_document(name="ended")
    document["experiment"]["steps"] = SLOW_STEPS
    study = tmp_path / "study.toml"
    study.write_text(dumps(document), encoding="utf-8")
    url = str(tmp_path / "kept.sqlite3")
    first = worker(study, url)
    last_s = time.monotonic() + 120
    while not any(trial.state == "running" for trial in read_trials(url, "ended")):
        assert time.monotonic() < last_s
        assert first.poll() is None, first.communicate()
        time.sleep(0.2)
    time.sleep(1.0)
    first.send_signal(signal.SIGINT)
    output, errors = first.communicate(timeout=60)
    assert first.returncode == 130, errors
    assert "Traceback" not in errors
    trials = read_trials(url, "ended")
    assert not any(trial.state == "running" for trial in trials)
    assert any(trial.state == "waiting" for trial in trials)
    second = worker(study, url)
    output, errors = second.communicate(timeout=200)
    assert second.returncode == 0, errors
    assert json.loads(output)["finished"] == 6
    kept = [trial for trial in read_trials(url, "ended") if not trial.is_repeated]
    assert [trial.state for trial in kept] == ["complete"] * 6
