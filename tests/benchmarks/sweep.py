"""A study of 64 trials in one process, against the same trials as separate runs one after another."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from initviz.catalog.index import catalogue
from initviz.experiment.files import save_document
from initviz.experiment.limits import Limits
from initviz.resources import resource
from initviz.sweep.reading import load_study
from initviz.sweep.records import TrialRecord
from initviz.sweep.results import document_of, list_trials
from initviz.sweep.storage import find_place
from tests.benchmarks.measure import Benchmark, Result

LONGEST_S = 40.0
"""Separate runs are begun for so long; where the machine is too slow for all of them, the rest is taken to last as
long as those that were timed, which ``runs_timed`` then tells."""


def _timed(*words: str) -> float:
    start_s = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "initviz", *words]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start_s


def _measure() -> Result:
    path = resource("studies", "start_by_depth.toml")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = str(folder / "kept.sqlite3")
        sweep_s = _timed("sweep", str(path), "--storage", kept)
        study = load_study(path, catalogue(), Limits())
        trials = list_trials(study, find_place(kept)).trials
        begun_s = time.perf_counter()
        separate: list[float] = []
        for record in sorted(trials, key=_spread):
            if separate and time.perf_counter() - begun_s > LONGEST_S:
                break
            file = folder / f"{record.number}.toml"
            save_document(document_of(study, record, catalogue()), file)
            separate.append(_timed("run", str(file)))
    one_s = sum(separate) / len(separate)
    ratio = one_s * len(trials) / sweep_s
    return Result(
        ratio,
        1,
        ratio,
        ratio,
        {
            "trials": len(trials),
            "sweep_s": round(sweep_s, 2),
            "separate_s": round(one_s * len(trials), 2),
            "runs_timed": len(separate),
        },
    )


def _spread(record: TrialRecord) -> float:
    """Return a place that spreads trials evenly, however many of them are taken."""
    return (record.number * 0.618034) % 1.0


BENCHMARKS = (
    Benchmark(
        name="sweep/digits",
        what="wall time of 64 trials, eight starts by eight depths on digits:"
        " separate runs of the command line one after another / one study",
        bar=3.0,
        at_least=True,
        run=_measure,
    ),
)
