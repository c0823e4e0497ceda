"""How a lane fares, in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from initviz.telemetry.history import RunHistory
from initviz.views.numbers import whole


def diverged_at(history: RunHistory | None, lane: int) -> int | None:
    """Return the step at which a lane diverged, or None."""
    frame = history.frame if history is not None else None
    return frame.lanes[lane].diverged_at if frame is not None else None


def status_text(history: RunHistory | None, lane: int) -> str:
    """Return how a lane fares, in the person's language; empty before the first frame.

    One of "just started", "learning", "stalled" and "diverged at step N".
    """
    frame = history.frame if history is not None else None
    if frame is None:
        return ""
    state = frame.lanes[lane]
    if state.diverged_at is not None:
        text = QCoreApplication.translate("View", "diverged at step {step}")
        return text.format(step=whole(state.diverged_at))
    if not state.judged:
        return QCoreApplication.translate("View", "just started")
    if state.outcome == "stalled":
        return QCoreApplication.translate("View", "stalled")
    return QCoreApplication.translate("View", "learning")
