"""The left column: the lanes above, and below them what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QSplitter, QVBoxLayout, QWidget

from initviz.telemetry.frame import RunInfo
from initviz.telemetry.history import RunHistory
from initviz.ui.lanes_panel import LanesPanel
from initviz.ui.panel import Panel, ScopeSwitch
from initviz.ui.scope import Scope
from initviz.ui.sections import Sections
from initviz.ui.session import Session
from initviz.views.palette import LIGHT, Theme

if TYPE_CHECKING:
    from initviz.ui.training_panel import TrainingPanel

WIDTH = 304
NARROWEST = 264
KEYS = ("data", "network", "start", "training", "remedies")
START_SECTION = KEYS.index("start")
LAST_SECTION = len(KEYS) - 1
GAP = 8


class Controls(QWidget):
    """Everything that edits the experiment.

    Args:
        session: What is edited.
        parent: Qt parent.
    """

    rate_search_begun = Signal()
    """A test of learning rates has just been opened."""
    rate_search_ended = Signal()
    """The experiment that it was opened from is back."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._training: TrainingPanel | None = None
        self._sized_for = 0
        self._by_hand = False
        self._theme = LIGHT
        self._info: RunInfo | None = None
        self.scope = Scope(session, self)
        self.lanes = LanesPanel(self.scope)
        self._frame = QFrame()
        self._frame.setObjectName("panel")
        inner = QVBoxLayout(self._frame)
        inner.setContentsMargins(1, 1, 1, 1)
        inner.addWidget(self.lanes)
        self.scope_switch = ScopeSwitch(self.scope)
        self.sections = Sections()
        self.sections.set_top(self._framed(self.scope_switch))
        self.panels: dict[str, Panel] = {}
        for _ in KEYS:
            self.sections.add()
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setHandleWidth(GAP)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._frame)
        self.splitter.addWidget(self.sections)
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.splitter)
        self.splitter.splitterMoved.connect(self._note_hand)
        session.experiment_changed.connect(self._fit_lanes)
        self._retranslate()

    def fill(self) -> None:
        """Make the forms; the first picture of the window does not wait for them."""
        from initviz.ui.data_panel import DataPanel
        from initviz.ui.network_panel import NetworkPanel
        from initviz.ui.remedies_panel import RemediesPanel
        from initviz.ui.start_panel import StartPanel
        from initviz.ui.training_panel import TrainingPanel

        made = (
            DataPanel(self.scope),
            NetworkPanel(self.scope),
            StartPanel(self.scope),
            TrainingPanel(self.scope),
            RemediesPanel(self.scope),
        )
        training = made[KEYS.index("training")]
        if isinstance(training, TrainingPanel):
            training.search.begun.connect(self.rate_search_begun)
            training.search.ended.connect(self.rate_search_ended)
            self._training = training
        for number, (key, panel) in enumerate(zip(KEYS, made, strict=True)):
            self.panels[key] = panel
            panel.set_theme(self._theme)
            panel.set_run(self._info)
            panel.summary_changed.connect(self._summarize)
            self.sections.fill(number, panel)
        self._summarize()

    @staticmethod
    def _framed(widget: QWidget) -> QWidget:
        frame = QWidget()
        column = QVBoxLayout(frame)
        column.setContentsMargins(8, 4, 8, 4)
        column.addWidget(widget)
        return frame

    def set_theme(self, theme: Theme, color: str, factor: float) -> None:
        """Look otherwise."""
        self._theme = theme
        self.lanes.set_theme(theme)
        for panel in self.panels.values():
            panel.set_theme(theme)
        self.sections.set_color(color, factor)
        self._summarize()
        self._by_hand = False
        self._fit_lanes()

    def set_info(self, info: RunInfo | None) -> None:
        """Show what another run has drawn."""
        self._info = info
        for panel in self.panels.values():
            panel.set_run(info)

    def show_run(self, history: RunHistory | None) -> None:
        """Show on the cards how the lanes fare."""
        self.lanes.update_lanes(history.lanes if history is not None else (), history)
        if self._training is not None:
            self._training.show_history(history)

    @Slot()
    def _fit_lanes(self) -> None:
        """Give the cards the room they need when their number changes, half of the column at most."""
        count = len(self._session.experiment.written_lanes)
        if not self.isVisible() or (self._by_hand and count == self._sized_for):
            return
        self._sized_for = count
        self._by_hand = False
        whole = self.splitter.height() - GAP
        # Before an audience the cards are what is looked at, and little is edited.
        share = 0.6 if self._theme.presenter else 0.5
        wanted = min(self.lanes.wanted_height() + 2, round(share * whole))
        self.splitter.setSizes([wanted, whole - wanted])

    def _retranslate(self) -> None:
        for number, (title, tip) in enumerate(
            (
                (self.tr("Data"), self.tr("What is learned, and how it is served")),
                (self.tr("Network"), self.tr("Depth, width, activation, or every layer")),
                (self.tr("Start"), self.tr("How weights and biases are drawn")),
                (self.tr("Training"), self.tr("Optimizer, schedule, steps, precision")),
                (self.tr("Remedies"), self.tr("What makes the start matter less")),
            )
        ):
            self.sections.set_title(number, title, tip)
        self._summarize()

    @Slot()
    def _summarize(self) -> None:
        for number, panel in enumerate(self.panels.values()):
            self.sections.set_summary(number, panel.summary())

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    @Slot()
    def _note_hand(self) -> None:
        self._by_hand = True

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(0, self._fit_lanes)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_lanes()
