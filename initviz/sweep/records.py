"""What a storage knows of a study's trials, as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from initviz.experiment.text import Text
from initviz.sweep.study import Scalar

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

State = Literal["complete", "pruned", "diverged", "failed", "lost", "running", "waiting"]

OUTCOME, REASON, DIVERGED_AT, SECONDS, SURPLUS = "outcome", "reason", "diverged_at", "seconds", "surplus"
"""What we note of a trial beside what Optuna does."""
_FIRST = "failed_trial"
"""Where Optuna keeps which trial another one repeats."""

STATE_TITLES: dict[State, Text] = {
    "complete": Text("complete", "完成"),
    "pruned": Text("pruned", "已剪枝"),
    "diverged": Text("diverged", "发散"),
    "failed": Text("failed", "失败"),
    "lost": Text("lost", "丢失"),
    "running": Text("running", "进行中"),
    "waiting": Text("waiting", "等待中"),
}


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One trial.

    Attributes:
        number: Its number in the study.
        state: ``complete``, ``pruned`` (given up as hopeless), ``diverged``, ``failed`` (with a reason), ``lost`` (its
            worker died or was ended, see ``is_repeated``), ``running`` or ``waiting``.
        value: What came of it; of a pruned trial, what it had come to; None where there is none.
        values: Of every field's path what was tried, as the study labels it.
        scores: ``(n, score)``: the n-th of the study's reports, as far as they were kept.
        repeats: Number of the trial that this one repeats because it was lost, or None.
        is_repeated: Whether another trial repeats this one, so that it does not count.
        diverged_at: Step at which the loss was no number any more, or None.
        reason: Why it failed, or None.
        seconds: How long it took, its share of a race; None where that is unknown.
    """

    number: int
    state: State
    value: float | None
    values: Mapping[str, Scalar]
    scores: tuple[tuple[int, float], ...] = ()
    repeats: int | None = None
    is_repeated: bool = False
    diverged_at: int | None = None
    reason: Text | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a study is.

    Attributes:
        target: Trials in all.
        counts: Trials a state, those that are repeated left out.
        fraction: Share of the work that is done, running trials of this worker counted in part.
        best: The best complete trial, or None.
        here: Trials that this worker trains now.
        is_waiting: Whether this worker waits for the trials of others.
    """

    target: int
    counts: Mapping[State, int] = field(default_factory=dict)
    fraction: float = 0.0
    best: TrialRecord | None = None
    here: int = 0
    is_waiting: bool = False

    @property
    def finished(self) -> int:
        """Trials that are through, in whatever way."""
        return sum(n for state, n in self.counts.items() if state not in ("running", "waiting"))


def is_surplus(trial: FrozenTrial) -> bool:
    """Say whether a trial was asked for by two workers at once, so that one of them was too many."""
    return bool(trial.user_attrs.get(SURPLUS))


def first_number(trial: FrozenTrial) -> int:
    """Return the number of the trial that this one repeats, or its own."""
    return int(trial.system_attrs.get(_FIRST, trial.number))


def is_repeat(trial: FrozenTrial) -> bool:
    """Say whether a trial repeats one that was lost."""
    return _FIRST in trial.system_attrs


def records(trials: Iterable[FrozenTrial]) -> list[TrialRecord]:
    """Return all trials in order of their numbers, without those that were too many."""
    kept = [trial for trial in trials if not is_surplus(trial)]
    latest: dict[int, int] = {}
    for trial in kept:
        first = first_number(trial)
        latest[first] = max(latest.get(first, -1), trial.number)
    return [_record(trial, latest[first_number(trial)] != trial.number) for trial in kept]


def _record(trial: FrozenTrial, has_successor: bool) -> TrialRecord:
    state = _state(trial)
    value = trial.values[0] if trial.values and state != "failed" else None
    reason = trial.user_attrs.get(REASON) if state == "failed" else None
    return TrialRecord(
        number=trial.number,
        state=state,
        value=None if value is None or math.isnan(value) else float(value),
        values=dict(trial.params),
        scores=tuple(sorted(trial.intermediate_values.items())),
        repeats=first_number(trial) if is_repeat(trial) else None,
        is_repeated=has_successor,
        diverged_at=trial.user_attrs.get(DIVERGED_AT) if state == "diverged" else None,
        reason=Text(reason["en"], reason["zh"]) if isinstance(reason, dict) else None,
        seconds=trial.user_attrs.get(SECONDS),
    )


def _state(trial: FrozenTrial) -> State:
    name = trial.state.name
    if name == "PRUNED":
        return "diverged" if trial.user_attrs.get(OUTCOME) == "diverged" else "pruned"
    if name == "FAIL":
        return "failed" if trial.user_attrs.get(OUTCOME) == "failed" else "lost"
    states: dict[str, State] = {"COMPLETE": "complete", "RUNNING": "running", "WAITING": "waiting"}
    return states[name]


def count_states(found: Sequence[TrialRecord]) -> dict[State, int]:
    """Return how many trials there are in each state, those that are repeated left out."""
    counts: dict[State, int] = {}
    for record in found:
        if not record.is_repeated:
            counts[record.state] = counts.get(record.state, 0) + 1
    return counts


def best_record(found: Iterable[TrialRecord], maximizes: bool) -> TrialRecord | None:
    """Return the best complete trial, the first of equals, or None."""
    sign = -1.0 if maximizes else 1.0
    complete = [(sign * r.value, r.number, r) for r in found if r.state == "complete" and r.value is not None]
    return min(complete)[2] if complete else None
