"""Which trials a worker takes on, and how none is lost: heartbeats, returns, repeats."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from initviz.sweep import records
from initviz.sweep.sampling import Distributions
from initviz.sweep.storage import MOST_RETRIES

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial, Trial

logger = logging.getLogger(__name__)


class Heartbeat:
    """Tells the storage, as long as the block lasts, that the trials held here are being worked on.

    Args:
        storage: Optuna's, with heartbeats.
        interval_s: Seconds between two signs of life.
    """

    def __init__(self, storage: Any, interval_s: float) -> None:
        self._storage = storage
        self._interval_s = interval_s
        self._held: set[int] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="sweep-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def hold(self, trial_id: int) -> None:
        """Begin with a trial; the first sign of life is there when this returns."""
        self._storage.record_heartbeat(trial_id)
        with self._lock:
            self._held.add(trial_id)

    def release_all(self) -> None:
        """End with all trials held so far."""
        with self._lock:
            self._held.clear()

    def _beat(self) -> None:
        while not self._ended.wait(self._interval_s):
            with self._lock:
                held = sorted(self._held)
            try:
                for trial_id in held:
                    self._storage.record_heartbeat(trial_id)
                self._storage.remove_session()
            except Exception as error:  # noqa: BLE001 - whatever is wrong, the training thread meets it and says it
                logger.debug("no heartbeat: %s", type(error).__name__)


class Claims:
    """Takes trials of a study on and gives them back.

    Args:
        study: Optuna's.
        spaces: What every field may be.
        target: Trials in all.
    """

    def __init__(self, study: optuna.Study, spaces: Distributions, target: int) -> None:
        self._study = study
        self._spaces = spaces
        self._target = target

    def trials(self) -> list[FrozenTrial]:
        """Return every trial, as it is now."""
        return self._study.get_trials(deepcopy=False)

    def revive(self) -> None:
        """Return the trials of workers that have died, so that somebody takes them on again."""
        from optuna.storages import fail_stale_trials

        fail_stale_trials(self._study)

    def claim(self, most: int) -> list[Trial]:
        """Take up to ``most`` trials on: first those that were given back, then new ones while some are left."""
        self.revive()
        claimed: list[Trial] = []
        while len(claimed) < most:
            trials = self.trials()
            is_waiting = any(trial.state.name == "WAITING" for trial in trials)
            if not is_waiting and len(_originals(trials)) >= self._target:
                break
            trial = self._study.ask(self._spaces)
            if self._is_too_many(trial):
                self._drop(trial)
                break
            claimed.append(trial)
        return claimed

    def _is_too_many(self, trial: Trial) -> bool:
        trials = self.trials()
        mine = next(other for other in trials if other.number == trial.number)
        if records.is_repeat(mine):
            return False
        return sum(other.number < mine.number for other in _originals(trials)) >= self._target

    def _drop(self, trial: Trial) -> None:
        from optuna.trial import TrialState

        trial.set_user_attr(records.SURPLUS, True)
        self._study.tell(trial, state=TrialState.FAIL)

    def give_back(self, trial: Trial) -> None:
        """Put a trial that was not finished into the queue again."""
        from optuna.storages import RetryHeartbeatStaleTrialCallback
        from optuna.trial import TrialState

        frozen = self._study.tell(trial, state=TrialState.FAIL)
        RetryHeartbeatStaleTrialCallback(max_retry=MOST_RETRIES)(self._study, frozen)


def _originals(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in trials if not records.is_repeat(trial) and not records.is_surplus(trial)]
