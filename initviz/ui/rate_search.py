"""Finding a learning rate: a short run in which it rises, and back to the experiment with the one that was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from initviz.catalog.remedy_part import RemedyPart
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.edit import Table, get_value, remove_value, set_value
from initviz.experiment.files import with_whole_paths
from initviz.telemetry.history import RunHistory
from initviz.telemetry.range_test import rate_curve
from initviz.ui.number_text import format_three
from initviz.ui.overrides import place
from initviz.ui.planned_rate import changes_rate, planned_rate, range_test
from initviz.ui.scope import Scope
from initviz.ui.session import Origin

TEST_STEPS = 400


@dataclass(frozen=True, slots=True)
class _Before:
    """The experiment that a rate is looked for, and what its test is called."""

    document: Table
    origin: Origin
    test: str


class RateSearch(QObject):
    """Opens the test of an experiment, reads a suggestion off its run, and takes it home.

    Args:
        scope: The document being edited, and whose part of it.
        parent: Qt parent.
    """

    begun = Signal()
    """A test has just been opened."""
    ended = Signal()
    """The experiment is back."""

    def __init__(self, scope: Scope, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scope = scope
        self._session = scope.session
        self._before: _Before | None = None

    @property
    def is_possible(self) -> bool:
        """True where the catalogue has a schedule that tests rates."""
        return range_test(self._session.catalogue) is not None

    @property
    def is_test(self) -> bool:
        """True while the lane that is shown tests learning rates."""
        session = self._session
        return planned_rate(self._scope.recipe, session.experiment, session.catalogue).rises

    @property
    def has_experiment(self) -> bool:
        """True where the test was opened from an experiment that is still known."""
        return self._before is not None and self._before.test == self._session.experiment.name

    def suggestion(self, history: RunHistory | None) -> float | None:
        """Return the rate at which the loss of the lane in focus falls fastest, or None while it is not known.

        Args:
            history: Of the run on the screen.
        """
        groups, group = history.info.groups if history is not None else (), self._scope.focus_lane
        if history is None or group >= len(groups):
            return None
        lane = groups[group][0]
        if not history.info.lanes[lane].tests_rates:
            return None
        curve = rate_curve(history.lr().values[:, lane], history.loss().values[:, lane])
        return None if curve is None else curve.suggestion

    @Slot()
    def begin(self) -> None:
        """Open the test of the present experiment; undo closes it."""
        session = self._session
        part = range_test(session.catalogue)
        if part is None:
            return
        name = self.tr("Range test: {name}").format(name=session.experiment.name)[:200]
        document, origin = session.document, session.origin
        test = document_of_test(document, session.catalogue, part.key, name)
        test = with_whole_paths(test, session.catalogue, origin.folder)
        label = self.tr("Find a learning rate")
        before = _Before(document, origin, name)
        if session.open_document(test, label, Origin(), is_saved=False):
            self._before = before
            self.begun.emit()

    def use(self, rate: float) -> None:
        """Put a learning rate into the experiment that it was looked for, and go back to that."""
        rate = float(f"{rate:.2g}")
        label = self.tr("Use the learning rate {rate}").format(rate=format_three(rate))
        session = self._session
        if self._before is None or not self.has_experiment:
            document = remove_value(session.document, self._scope.place("schedule"))
            self._scope.apply(set_value(document, self._rate_path(document), rate), label)
            return
        before = self._before
        document = set_value(before.document, self._rate_path(before.document), rate)
        if session.open_document(document, label, before.origin, is_saved=False):
            self.ended.emit()

    @Slot()
    def go_back(self) -> None:
        """Go back to the experiment as it was."""
        before = self._before
        if before is not None and self.has_experiment:
            label = self.tr("Go back to the experiment")
            if self._session.open_document(before.document, label, before.origin, is_saved=False):
                self.ended.emit()

    def _rate_path(self, document: Mapping[str, object]) -> str:
        """Return where the learning rate of the lane in focus stands."""
        own = place(self._scope.focus_lane, "optimizer")
        table = get_value(document, own)
        has_own = isinstance(table, dict) and ("lr" in table or "name" in table)
        lanes = document.get("lanes")
        single = self._scope.is_single and isinstance(lanes, list) and bool(lanes)
        return f"{own}.lr" if single or has_own else "optimizer.lr"


def document_of_test(document: Mapping[str, object], catalogue: Catalogue, key: str, name: str) -> Table:
    """Return the document of an experiment's test of learning rates.

    All lanes take the schedule that rises. Whatever else changes the rate, or ends a lane early, is left away.

    Args:
        document: Of the experiment.
        catalogue: What it names.
        key: The schedule.
        name: Title of the test.
    """
    result = set_value(document, "schedule", {"name": key})
    result = set_value(result, "name", name)
    result = set_value(result, "steps", TEST_STEPS)
    in_the_way = [
        word
        for part in catalogue.parts("remedy")
        if changes_rate(part) or (isinstance(part, RemedyPart) and part.stopping is not None)
        for word in (part.key, *part.aliases)
    ]
    lanes = document.get("lanes")
    for lane in (None, *range(len(lanes) if isinstance(lanes, list) else 0)):
        if lane is not None:
            result = remove_value(result, place(lane, "schedule"))
        for word in in_the_way:
            result = remove_value(result, place(lane, f"remedies.{word}"))
    return result
