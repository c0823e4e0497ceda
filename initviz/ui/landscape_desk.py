"""Lets the training thread work out the loss landscape that a plot asks for, and brings it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from initviz.telemetry.landscape import Landscape, LandscapeRequest
from initviz.ui.playback import Playback
from initviz.worker.landscape_errand import LandscapeErrand
from initviz.worker.messages import ErrandDone, ErrandFailed, ErrandProgress, ErrandReport

if TYPE_CHECKING:
    from initviz.views.base import View
    from initviz.views.landscape import LandscapeView

KEY = "landscape"


class LandscapeDesk(QObject):
    """One landscape is worked out at a time; training goes on.

    Args:
        playback: What plays.
        parent: The main window.
    """

    failed = Signal(object)
    """It could not be worked out; a ``Text``."""

    def __init__(self, playback: Playback, parent: QObject) -> None:
        super().__init__(parent)
        self._playback = playback
        self._view: LandscapeView | None = None
        self._number: int | None = None
        playback.errand_told.connect(self._hear)

    @Slot(object)
    def take_view(self, view: View) -> None:
        """Serve a plot that was just made, if it is the one."""
        if view.KEY != KEY:
            return
        from initviz.views.landscape import LandscapeView  # pyqtgraph: not before the window can be painted

        assert isinstance(view, LandscapeView)
        self._view = view
        view.requested.connect(self._begin)
        view.cancelled.connect(self._cancel)

    @Slot(object)
    def _begin(self, request: LandscapeRequest) -> None:
        if self._number is None:
            self._show(0.0)
            self._number = self._playback.run_errand(LandscapeErrand(request))

    @Slot()
    def _cancel(self) -> None:
        if self._number is not None:
            self._playback.cancel_errand(self._number)

    @Slot(object)
    def _hear(self, report: ErrandReport) -> None:
        if report.number != self._number:
            return
        if isinstance(report, ErrandProgress):
            self._show(report.fraction)
            return
        self._number = None
        self._show(None)
        if isinstance(report, ErrandFailed):
            self.failed.emit(report.text)
        elif isinstance(report, ErrandDone) and isinstance(report.result, Landscape):
            self._keep(report.result)

    def _keep(self, found: Landscape) -> None:
        history = self._playback.history
        if history is not None and history.info.run_id == found.run_id:
            history.landscape = found
            if self._view is not None:
                self._view.refresh()

    def _show(self, fraction: float | None) -> None:
        if self._view is not None:
            self._view.set_progress(fraction)
