"""What a study has found: its trials, which field matters, and the best trial as an experiment."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Text
from initviz.sweep import records
from initviz.sweep.experiments import trial_document
from initviz.sweep.records import TrialRecord, best_record
from initviz.sweep.sampling import distributions
from initviz.sweep.storage import Place, close_storage, open_storage, storage_failures
from initviz.sweep.study import Study

FEWEST_FOR_IMPORTANCE = 8
"""Complete trials with fewer than these say nothing about which field matters."""

COLUMNS = ("number", "state", "value", "diverged_at", "seconds", "repeats", "reason")


@dataclass(frozen=True, slots=True)
class Results:
    """All trials of a study.

    Attributes:
        study: What is searched.
        trials: In order of their numbers; those that another repeats are in it and marked.
    """

    study: Study
    trials: tuple[TrialRecord, ...]

    @property
    def best(self) -> TrialRecord | None:
        """The best complete trial, or None."""
        return best_record(self.trials, self.study.maximizes)

    @property
    def counted(self) -> tuple[TrialRecord, ...]:
        """The trials without those that another repeats."""
        return tuple(record for record in self.trials if not record.is_repeated)


def list_trials(study: Study, place: Place) -> Results:
    """Read all trials of a study; there are none where it was never begun.

    Raises:
        InitVizError: The storage fails.
    """
    import optuna

    storage = open_storage(place)
    try:
        with storage_failures(place):
            known = {name: held for held in storage.get_all_studies() if (name := held.study_name)}
            if study.name not in known:
                return Results(study, ())
            held = optuna.load_study(study_name=study.name, storage=storage)
            return Results(study, tuple(records.records(held.get_trials(deepcopy=False))))
    finally:
        close_storage(storage)


def importances(results: Results) -> dict[str, float]:
    """Return how much each field decides about the score, shares that sum to 1; empty where too few trials tell.

    Computed by PED-ANOVA, which compares the values of the best tenth with those of all.

    References:
        Watanabe, Bansal and Hutter 2023, arXiv:2304.10255.
    """
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    from initviz.sweep.storage import quiet_optuna

    complete = [r for r in results.trials if r.state == "complete" and r.value is not None]
    if len(complete) < FEWEST_FOR_IMPORTANCE or len({record.value for record in complete}) < 2:
        return {}
    quiet_optuna()
    spaces = distributions(results.study)
    told = optuna.create_study(direction="maximize" if results.study.maximizes else "minimize")
    for record in complete:
        trial = optuna.create_trial(params=dict(record.values), distributions=spaces, value=record.value)
        told.add_trial(trial)
    try:
        found = get_param_importances(told, evaluator=PedAnovaImportanceEvaluator())
    except (RuntimeError, ValueError):  # the values of a field are all the same, say
        return {}
    return {path: float(share) for path, share in found.items() if math.isfinite(share)}


def document_of(study: Study, record: TrialRecord, catalogue: Catalogue) -> Table:
    """Return a trial as an experiment that gives the same numbers when it is run."""
    return trial_document(study, record.number, record.values, catalogue)


def best_document(results: Results, catalogue: Catalogue) -> Table | None:
    """Return the best trial as an experiment, or None where no trial is complete."""
    return None if results.best is None else document_of(results.study, results.best, catalogue)


def csv_text(results: Results) -> str:
    """Return all trials as CSV: a row a trial, a column a field."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    paths = [field.path for field in results.study.fields]
    writer.writerow((*COLUMNS[:3], *paths, *COLUMNS[3:]))
    for record in results.trials:
        reason = "" if record.reason is None else record.reason.en
        writer.writerow(
            (
                record.number,
                record.state,
                _cell(record.value),
                *(_cell(record.values.get(path)) for path in paths),
                _cell(record.diverged_at),
                _cell(record.seconds),
                _cell(record.repeats),
                reason,
            )
        )
    return stream.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def write_csv(results: Results, path: Path) -> None:
    """Write all trials to a file; an old file stays whole until the new one is.

    Raises:
        ExperimentError: The file cannot be written.
    """
    temporary = path.parent / f".initviz-{os.getpid()}.tmp"
    try:
        temporary.write_text(csv_text(results), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ExperimentError(
            Text(
                f"the file cannot be written ({reason}); nothing was changed. Choose another folder.",
                f"无法写入文件（{reason}）；没有任何改动。请选择其他文件夹。",
            ),
            str(path),
        ) from error


def rank(trials: Sequence[TrialRecord], maximizes: bool) -> list[TrialRecord]:
    """Return the trials, the best complete ones first, then the others by number."""

    def place(record: TrialRecord) -> tuple[int, float, int]:
        if record.state != "complete" or record.value is None:
            return (1, 0.0, record.number)
        return (0, -record.value if maximizes else record.value, record.number)

    return sorted(trials, key=place)
