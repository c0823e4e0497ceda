"""Why the lane in focus learns or does not, beside its formula."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from initviz.telemetry.explanation import explain
from initviz.telemetry.explanation_text import explanation_text, headline
from initviz.telemetry.history import RunHistory
from initviz.ui.language import current_language
from initviz.views.numbers import percent, significant

CALM_MS = 700
"""Words that change more often cannot be read."""


class WhyText(QWidget):
    """A headline and a sentence or two on one lane; empty, and without height, while nothing is known of it.

    Args:
        parent: Qt parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: RunHistory | None = None
        self._lane = 0
        self._said_s = 0.0
        self.headline = QLabel()
        self.headline.setObjectName("strong")
        self.headline.setWordWrap(True)
        self.sentences = QLabel()
        self.sentences.setObjectName("quiet")
        self.sentences.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.headline)
        column.addWidget(self.sentences)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._say)
        self.setVisible(False)

    def show_lane(self, history: RunHistory | None, lane: int) -> None:
        """Explain another lane, or another run, at once."""
        self._history, self._lane = history, lane
        self._say()

    def follow(self) -> None:
        """Take note that the run has gone on; what is new is said at a pace at which it can be read."""
        rest_ms = CALM_MS - round(1000 * (time.monotonic() - self._said_s))
        if rest_ms <= 0:
            self._say()
        elif not self._later.isActive():
            self._later.start(rest_ms)

    @Slot()
    def _say(self) -> None:
        self._later.stop()
        history = self._history
        known = history is not None and history.frame is not None and self._lane < len(history.info.lanes)
        if history is None or not known:
            self.setVisible(False)
            return
        state = history.lanes[self._lane] if history.lanes else None
        found = explain(history.info, self._lane, history.first_frame, history.frame, state)
        language = current_language()
        self.headline.setText(headline(found).in_language(language))
        self.sentences.setText(explanation_text(found, significant, percent).in_language(language))
        self._said_s = time.monotonic()
        self.setVisible(True)
