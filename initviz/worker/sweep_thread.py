"""Works on a study in a thread of its own, and tells the window how far it is."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, assert_never

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import InitVizError
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.sweep.credentials import hide
from initviz.sweep.records import Standing, TrialRecord, best_record, count_states, records
from initviz.sweep.storage import Place, close_storage, find_place, open_storage, storage_failures
from initviz.sweep.study import Study
from initviz.worker.failures import failure_text
from initviz.worker.trainer import STACK_BYTES
from initviz.worker.workshop import flush_denormals_here

SweepState = Literal["idle", "listing", "searching", "stopping"]

STOP_TIMEOUT_MS = 2000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Search:
    """Work on a study until its trials are through; one that is kept under its name goes on.

    Attributes:
        study: What is searched.
        storage: Where it is kept as the person wrote it, or None for the usual file.
    """

    study: Study
    storage: str | None


@dataclass(frozen=True, slots=True)
class ListStudies:
    """Look for the studies that are kept somewhere."""

    storage: str | None


@dataclass(frozen=True, slots=True)
class OpenStudy:
    """Read a study that is kept, with its trials, and train nothing."""

    name: str
    storage: str | None


Job = Search | ListStudies | OpenStudy


@dataclass(frozen=True, slots=True)
class Searched:
    """How far a study is, with every trial; ``is_end`` where the work has ended."""

    standing: Standing
    trials: tuple[TrialRecord, ...]
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class StudiesFound:
    """Names of the studies that are kept."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StudyOpened:
    """A study that is kept."""

    study: Study
    trials: tuple[TrialRecord, ...]


@dataclass(frozen=True, slots=True)
class SweepFailed:
    """A job cannot be done or go on."""

    text: Text


Report = Searched | StudiesFound | StudyOpened | SweepFailed


class _JobThread(QThread):
    """Does one job. It has no parent: Qt ends the process when a running thread is destroyed with its parent."""

    reported = Signal(object)

    def __init__(self, job: Job, catalogue: Catalogue, limits: Limits) -> None:
        super().__init__()
        self.setObjectName("sweep")
        self.setStackSize(STACK_BYTES)
        self._job, self._catalogue, self._limits = job, catalogue, limits
        self._ended = threading.Event()

    def end(self) -> None:
        """Ask for the end in good order; called in any thread."""
        self._ended.set()

    def run(self) -> None:
        """Do the job; no exception leaves."""
        try:
            self._do(self._job)
        except InitVizError as error:
            logger.warning("a search failed: %s", error)
            self.reported.emit(SweepFailed(failure_text(error)))
        except Exception as error:  # noqa: BLE001 - said and logged, but without passwords
            details = hide(traceback.format_exc(), self._job.storage or "")
            logger.error("a search failed on %s\n%s", type(error).__name__, details)
            self.reported.emit(SweepFailed(_fault(error)))

    def _do(self, job: Job) -> None:
        place = find_place(job.storage)
        match job:
            case Search(study, _):
                self._search(study, place)
            case ListStudies():
                self.reported.emit(StudiesFound(_names(place)))
            case OpenStudy(name, _):
                self._open(name, place)
            case _:
                assert_never(job)

    def _search(self, study: Study, place: Place) -> None:
        import torch  # noqa: F401 - so that the setting below has an effect

        from initviz.sweep.worker import run_study

        flush_denormals_here()
        storage = open_storage(place)
        try:
            reader = _Reader(study.name, storage, place)
            finished = -1

            def tell(standing: Standing) -> bool:
                nonlocal finished
                if standing.finished != finished:
                    finished = standing.finished
                    reader.read()
                self.reported.emit(Searched(standing, reader.trials))
                return not self._ended.is_set()

            standing = run_study(study, place, self._catalogue, self._limits, tell)
            reader.read()
            self.reported.emit(Searched(standing, reader.trials, is_end=True))
        finally:
            close_storage(storage)

    def _open(self, name: str, place: Place) -> None:
        from initviz.sweep.reading import read_study
        from initviz.sweep.worker import DOCUMENT

        storage = open_storage(place)
        try:
            with storage_failures(place):
                held = _held(name, storage)
                written = None if held is None else held.user_attrs.get(DOCUMENT)
            if held is None or not isinstance(written, str):
                raise InitVizError(
                    Text(
                        f"'{name}' is not a study of InitViz, or it is gone. Choose another.",
                        f"“{name}”不是 InitViz 的搜索，或者已不存在。请另选一个。",
                    )
                )
            document = json.loads(written)
            study = read_study(document, self._catalogue, self._limits)
            with storage_failures(place):
                trials = tuple(records(held.get_trials(deepcopy=False)))
        finally:
            close_storage(storage)
        self.reported.emit(StudyOpened(study, trials))


class _Reader:
    """Reads the trials of a study while another connection works on it."""

    def __init__(self, name: str, storage: Any, place: Place) -> None:
        self._name, self._storage, self._place = name, storage, place
        self.trials: tuple[TrialRecord, ...] = ()

    def read(self) -> None:
        """Take note of every trial as it is now."""
        with storage_failures(self._place):
            held = _held(self._name, self._storage)
            if held is not None:
                self.trials = tuple(records(held.get_trials(deepcopy=False)))


def _held(name: str, storage: Any) -> Any:
    """Return the study of that name, or None."""
    import optuna

    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None


def _names(place: Place) -> tuple[str, ...]:
    if not place.is_server and not Path(place.url.removeprefix("sqlite:///")).exists():
        return ()
    import optuna

    storage = open_storage(place)
    try:
        with storage_failures(place):
            return tuple(sorted(optuna.get_all_study_names(storage)))
    finally:
        close_storage(storage)


def _fault(error: Exception) -> Text:
    name = type(error).__name__
    return Text(
        f"a fault in the program ended the search ({name}). Finished trials are kept; “Start search” goes on.",
        f"程序出现故障，搜索已中止（{name}）。已完成的试验会保留；按“开始搜索”继续。",
    )


def standing_of(study: Study, trials: tuple[TrialRecord, ...]) -> Standing:
    """Return how far a study is that nobody works on here."""
    counts = count_states(trials)
    found = Standing(study.trials, counts, 0.0, best_record(trials, study.maximizes))
    return Standing(study.trials, counts, min(1.0, found.finished / study.trials), found.best)


class Sweeper(QObject):
    """Searches in a thread of its own, one job at a time. Lives in the GUI thread; so do all its signals.

    Args:
        catalogue: Where the parts of an experiment are declared.
        limits: Bounds on sizes.
        parent: Qt parent.

    Attributes:
        state: What it does.
    """

    state_changed = Signal(str)
    searched = Signal(object)
    """How far the study is; a ``Searched``, about ten times a second."""
    studies_found = Signal(object)
    """Names of the studies that are kept; a tuple."""
    study_opened = Signal(object)
    """A ``StudyOpened``."""
    failed = Signal(object)
    """A ``Text``."""

    def __init__(self, catalogue: Catalogue, limits: Limits, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: SweepState = "idle"
        self._catalogue, self._limits = catalogue, limits
        self._thread: _JobThread | None = None
        self._next: Job | None = None
        self._stopping = False

    def search(self, study: Study, storage: str | None) -> None:
        """Work on a study until its trials are through or ``stop``."""
        self._start(Search(study, storage))

    def list_studies(self, storage: str | None) -> None:
        """Look for kept studies; ``studies_found`` follows, or ``failed``."""
        self._start(ListStudies(storage))

    def open_study(self, name: str, storage: str | None) -> None:
        """Read a kept study; ``study_opened`` follows, or ``failed``."""
        self._start(OpenStudy(name, storage))

    @Slot()
    def stop(self) -> None:
        """End the search; finished trials are kept, and it can go on later."""
        if self._thread is not None and self.state == "searching":
            self._thread.end()
            self._set_state("stopping")

    @Slot()
    def shutdown(self) -> bool:
        """End for good and wait for it, two seconds at most; False where an operation still runs.

        Its trials are then given back by whoever works on the study next.
        """
        self._stopping = True
        self._next = None
        if self._thread is None or not self._thread.isRunning():
            return True
        self._thread.end()
        stopped = self._thread.wait(STOP_TIMEOUT_MS)
        if not stopped:
            logger.warning("the search still runs after %d ms", STOP_TIMEOUT_MS)
        return stopped

    def _start(self, job: Job) -> None:
        if self._stopping:
            return
        if self._thread is not None:
            if self.state == "listing":
                self._next = job
            return
        self._thread = _JobThread(job, self._catalogue, self._limits)
        self._thread.reported.connect(self._take_report, Qt.ConnectionType.QueuedConnection)
        self._thread.finished.connect(self._forget_thread, Qt.ConnectionType.QueuedConnection)
        self._thread.start()
        self._set_state("searching" if isinstance(job, Search) else "listing")

    @Slot(object)
    def _take_report(self, report: Report) -> None:
        if self._stopping:
            return
        match report:
            case Searched():
                self.searched.emit(report)
            case StudiesFound(names):
                self.studies_found.emit(names)
            case StudyOpened():
                self.study_opened.emit(report)
            case SweepFailed(text):
                self.failed.emit(text)
            case _:
                assert_never(report)

    @Slot()
    def _forget_thread(self) -> None:
        if self._thread is not None:
            self._thread.wait()
        self._thread = None
        self._set_state("idle")
        job, self._next = self._next, None
        if job is not None:
            self._start(job)

    def _set_state(self, state: SweepState) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)
