"""Works on a study until all its trials are through: as many workers as one likes, on as many machines."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError, InitVizError
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.sweep import records
from initviz.sweep.claims import Claims, Heartbeat
from initviz.sweep.experiments import race_document, race_key, structure_key
from initviz.sweep.racing import Finish, train_trials
from initviz.sweep.records import Standing, best_record, count_states
from initviz.sweep.sampling import distributions, pruner, sampler
from initviz.sweep.storage import HEARTBEAT_S, Place, close_storage, open_storage, storage_failures
from initviz.sweep.study import Study

if TYPE_CHECKING:
    import optuna
    from optuna.trial import Trial

DOCUMENT = "initviz_study"
FINGERPRINT = "initviz_fingerprint"
TELL_S = 0.1
LOOK_S = 2.0
"""Seconds between two looks at what other workers have done."""
WAIT_S = 0.5
FILE_BATCH, SERVER_BATCH = 64, 16
"""Trials asked for at once where the sampler does not learn from them; fewer where others may want some."""
LEARNING_BATCH = {"tpe": 8, "gp": 4}

Tell = Callable[[Standing], bool]
"""Hears how far the study is, about ten times a second; False ends the work in good order."""


def run_study(
    study: Study,
    place: Place,
    catalogue: Catalogue,
    limits: Limits,
    tell: Tell,
    *,
    device: str | None = None,
    heartbeat_s: int = HEARTBEAT_S,
) -> Standing:
    """Work on a study until all its trials are through, here or at other workers, or ``tell`` ends it.

    A trial that is not finished then is given back. A study that is in the storage already is resumed.

    Args:
        study: What is searched.
        place: Where it is kept.
        catalogue: Where the parts of its experiment are declared.
        limits: Bounds on sizes.
        tell: Hears how far it is.
        device: Where to train; the experiment's by default.
        heartbeat_s: Seconds between two signs of life.
    Returns:
        How far it is.
    Raises:
        InitVizError: The storage fails, or keeps another study by that name. Finished trials are kept.
    """
    storage = open_storage(place, heartbeat_s)
    try:
        with storage_failures(place):
            beat = Heartbeat(storage, heartbeat_s)
            held = open_study(study, storage, sampler(study, beat.hold))
            with beat:
                return _Worker(study, held, place, catalogue, limits, tell, device, beat).work()
    finally:
        close_storage(storage)


def open_study(study: Study, storage: Any, chooser: Any) -> optuna.Study:
    """Return the study in a storage, made there if it is new.

    Raises:
        ExperimentError: There is another one by that name.
    """
    import optuna

    held = optuna.create_study(
        storage=storage,
        sampler=chooser,
        pruner=pruner(study),
        study_name=study.name,
        direction="maximize" if study.maximizes else "minimize",
        load_if_exists=True,
    )
    known = held.user_attrs.get(FINGERPRINT)
    mine = fingerprint(study)
    if known is None and not held.get_trials(deepcopy=False):
        held.set_user_attr(DOCUMENT, json.dumps(study.document, default=str))
        held.set_user_attr(FINGERPRINT, mine)
    elif known != mine:
        raise ExperimentError(
            Text(
                f"the storage keeps another study called '{study.name}', with other fields or another experiment. "
                "Nothing was changed. Give this one a name of its own: --name NAME.",
                f"存储中已有另一个名为“{study.name}”的搜索，其字段或实验与此不同。没有任何改动。"
                "请为本次搜索另取名称：--name 名称。",
            ),
            "name",
        )
    return held


def fingerprint(study: Study) -> str:
    """Return what is equal for studies that may go on with one another's trials."""
    document = {key: value for key, value in study.document.items() if key not in ("trials", "batch", "name")}
    words = json.dumps(document, sort_keys=True, default=str)
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest()


class _Worker:
    def __init__(
        self,
        study: Study,
        held: optuna.Study,
        place: Place,
        catalogue: Catalogue,
        limits: Limits,
        tell: Tell,
        device: str | None,
        beat: Heartbeat,
    ) -> None:
        self._study, self._held = study, held
        self._catalogue, self._limits, self._device = catalogue, limits, device
        self._claims = Claims(held, distributions(study), study.trials)
        self._batch = study.batch or LEARNING_BATCH.get(
            study.sampler, SERVER_BATCH if place.is_server else FILE_BATCH
        )
        self._tell = tell
        self._beat = beat
        self._wanted = True
        self._standing = Standing(study.trials)
        self._looked_s = self._told_s = -math.inf
        self._racing = 0

    def work(self) -> Standing:
        """See ``run_study``."""
        self.look()
        while self.hear(0.0, force=True):
            claimed = self._claims.claim(self._batch)
            if claimed:
                self._train(claimed)
                self._beat.release_all()
                continue
            self.look()
            if not self._standing.counts.get("running") and not self._standing.counts.get("waiting"):
                break
            self._standing = replace(self._standing, is_waiting=True)
            self.hear(0.0, force=True)
            time.sleep(WAIT_S)
        self.look()
        self._tell(self._standing)
        return self._standing

    def look(self) -> None:
        """Read how far the study is."""
        found = records.records(self._claims.trials())
        counts = count_states(found)
        standing = Standing(self._study.trials, counts, 0.0, best_record(found, self._study.maximizes))
        share = min(1.0, standing.finished / self._study.trials)
        self._standing = replace(standing, fraction=share)
        self._looked_s = time.perf_counter()

    def hear(self, fraction: float, force: bool = False) -> bool:
        """Tell how far it is, now and then, and return whether to go on.

        Args:
            fraction: Share of the race at work that is done.
            force: Whether to tell at any rate.
        """
        now_s = time.perf_counter()
        if not self._wanted or (not force and now_s - self._told_s < TELL_S):
            return self._wanted
        if now_s - self._looked_s > LOOK_S:
            self.look()
        self._told_s = now_s
        done = min(
            1.0, self._standing.finished / self._study.trials + fraction * self._racing / self._study.trials
        )
        self._wanted = self._tell(replace(self._standing, fraction=done, here=self._racing))
        return self._wanted

    def _train(self, claimed: Sequence[Trial]) -> None:
        for group in self._races(claimed):
            if self._wanted:
                self._race(group)
            else:
                for trial in group:
                    with self._unless_taken():
                        self._claims.give_back(trial)

    def _races(self, claimed: Sequence[Trial]) -> list[list[Trial]]:
        """Return the trials in groups of what may be one race, those of like structure together."""
        study, most = self._study, max(1, self._limits.lanes // self._study.seeds)
        keys = {
            trial.number: (race_key(study, trial.params), structure_key(study, trial.params), trial.number)
            for trial in claimed
        }
        groups: list[list[Trial]] = []
        for trial in sorted(claimed, key=lambda trial: keys[trial.number]):
            same = groups and keys[groups[-1][0].number][0] == keys[trial.number][0]
            if same and len(groups[-1]) < most:
                groups[-1].append(trial)
            else:
                groups.append([trial])
        return groups

    def _race(self, group: list[Trial]) -> None:
        study = self._study
        start_s = time.perf_counter()
        self._racing = len(group)
        ended: set[int] = set()

        def finish(place: int, end: Finish) -> None:
            if place not in ended:
                ended.add(place)
                self._finish(group[place], end, (time.perf_counter() - start_s) / len(group))

        try:
            pairs = [(trial.number, trial.params) for trial in group]
            document = race_document(study, pairs, self._catalogue, self._device)
            referee = _Referee(self, group, finish, prunes=study.pruner.name != "none")
            ends = train_trials(study, document, self._catalogue, self._limits, referee)
            for place, end in enumerate(ends):
                finish(place, end)
        except InitVizError as error:
            left = [trial for place, trial in enumerate(group) if place not in ended]
            if len(group) > 1:  # one of them may be what cannot be, or all together are too large
                half = (len(left) + 1) // 2
                for part in (left[:half], left[half:]):
                    if part:
                        self._race(part)
            else:
                for trial in left:
                    self._fail(trial, error.text)
        except BaseException:
            for place, trial in enumerate(group):
                if place not in ended:
                    with self._unless_taken():
                        self._claims.give_back(trial)
            raise
        finally:
            self._racing = 0
        self.look()

    def _finish(self, trial: Trial, end: Finish, seconds: float) -> None:
        from optuna.trial import TrialState

        with self._unless_taken():
            if end.how == "interrupted":
                self._claims.give_back(trial)
                return
            trial.set_user_attr(records.OUTCOME, end.how)
            trial.set_user_attr(records.SECONDS, round(seconds, 3))
            if end.how == "complete":
                self._held.tell(trial, end.value)
                return
            if end.diverged_at is not None:
                trial.set_user_attr(records.DIVERGED_AT, end.diverged_at)
            self._held.tell(trial, state=TrialState.PRUNED)

    def _fail(self, trial: Trial, reason: Text) -> None:
        from optuna.trial import TrialState

        with self._unless_taken():
            trial.set_user_attr(records.OUTCOME, "failed")
            trial.set_user_attr(records.REASON, {"en": reason.en, "zh": reason.zh})
            self._held.tell(trial, state=TrialState.FAIL)

    @contextmanager
    def _unless_taken(self) -> Iterator[None]:
        """Let go of a trial that another worker took for lost meanwhile: it is repeated there."""
        from optuna.exceptions import UpdateFinishedTrialError

        try:
            yield
        except UpdateFinishedTrialError:
            pass
        except ValueError as error:
            if "Cannot tell" not in str(error):
                raise


class _Referee:
    """Passes the scores of a race on to Optuna, and its answers back."""

    def __init__(
        self, worker: _Worker, group: Sequence[Trial], finish: Callable[[int, Finish], None], prunes: bool
    ) -> None:
        self._worker, self._group, self._finish, self._prunes = worker, group, finish, prunes

    def judge(self, trial: int, report: int, score: float) -> bool:
        """See ``Referee``."""
        from optuna.exceptions import UpdateFinishedTrialError

        if not self._prunes:
            return True
        try:
            self._group[trial].report(score, report)
            return not self._group[trial].should_prune()
        except UpdateFinishedTrialError:
            return False  # another worker took it for lost

    def go_on(self, fraction: float) -> bool:
        """See ``Referee``."""
        return self._worker.hear(fraction)
