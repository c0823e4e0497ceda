"""How a lane fares, in words."""

from __future__ import annotations

import math

from PySide6.QtCore import QCoreApplication

from initviz.telemetry.history import RunHistory
from initviz.views.numbers import whole


def diverged_at(history: RunHistory | None, lane: int) -> int | None:
    """Return the step at which a lane diverged, or None."""
    return history.lanes[lane].diverged_at if history is not None and history.lanes else None


def stopped_at(history: RunHistory | None, lane: int) -> int | None:
    """Return the step at which early stopping ended a lane, or None."""
    return history.lanes[lane].stopped_at if history is not None and history.lanes else None


def status_text(history: RunHistory | None, lane: int) -> str:
    """Return how a lane fares, in the person's language; empty before the first step.

    One of "just started", "learning", "stalled", "worse than a constant", "stopped at step N" and "diverged at
    step N".
    """
    if history is None or not history.lanes:
        return ""
    state = history.lanes[lane]
    if state.diverged_at is not None:
        text = QCoreApplication.translate("View", "diverged at step {step}")
        return text.format(step=whole(state.diverged_at))
    if state.stopped_at is not None:
        text = QCoreApplication.translate("View", "stopped at step {step}")
        return text.format(step=whole(state.stopped_at))
    if math.isnan(state.initial_loss):
        return ""  # only its start has been looked at
    if not state.judged:
        return QCoreApplication.translate("View", "just started")
    if state.outcome == "stalled":
        return QCoreApplication.translate("View", "stalled")
    if state.is_worse:
        return QCoreApplication.translate("View", "worse than a constant")
    return QCoreApplication.translate("View", "learning")
