"""A strip below the transport that shows an earlier stage while it is trained, and lets it be skipped."""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from initviz.experiment.text import Text
from initviz.ui.number_text import format_count
from initviz.ui.playback import Playback
from initviz.ui.speed import Meter
from initviz.ui.stage_curve import StageCurve
from initviz.views.palette import Theme
from initviz.worker.messages import StageProgress

PARTS = 1000
RATE_WINDOW_S = 4.0
TITLE_WIDTH = 190
QUIET_S = 10.0
"""That a stage was taken from an earlier run is not said again within this time, as while a slider is dragged."""


class StageStrip(QFrame):
    """Shows the stage that is being trained: its name, how far it is, how it learns; hidden otherwise.

    Args:
        playback: Tells of stages.
        parent: Qt parent.
    """

    told = Signal(object)
    """Something that a person may want to know; a ``Text``."""

    def __init__(self, playback: Playback, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stageStrip")
        self._playback = playback
        self._shown: StageProgress | None = None
        self._cached: list[str] = []
        self._told: tuple[str, ...] = ()
        self._told_s = -math.inf
        self._skipping = False
        self._meter = Meter(RATE_WINDOW_S)
        self.name = QLabel()
        self.name.setObjectName("strong")
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.role = QLabel()
        self.role.setObjectName("quiet")
        self.progress = QLabel()
        self.rest = QLabel()
        self.rest.setObjectName("quiet")
        self.rest.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.bar = QProgressBar()
        self.bar.setRange(0, PARTS)
        self.bar.setTextVisible(False)
        self.curve = StageCurve()
        self.skip_button = self._button()
        self.skip_button.clicked.connect(self._skip)
        self.cancel_button = self._button()
        self.cancel_button.clicked.connect(playback.cancel_stages)
        self._lay_out()
        playback.stage_told.connect(self._follow)
        playback.state_changed.connect(self._follow_state)
        playback.run_changed.connect(self._tell_cached)
        self._retranslate()
        self.hide()

    @staticmethod
    def _button() -> QPushButton:
        button = QPushButton()
        # A click leaves the focus where it is, so that the space bar still plays.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _lay_out(self) -> None:
        title = QVBoxLayout()
        title.setSpacing(2)
        title.addWidget(self.name)
        title.addWidget(self.role)
        texts = QHBoxLayout()
        texts.setSpacing(8)
        texts.addWidget(self.progress, 1)
        texts.addWidget(self.rest)
        middle = QVBoxLayout()
        middle.setSpacing(4)
        middle.addStretch(1)
        middle.addLayout(texts)
        middle.addWidget(self.bar)
        middle.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(16)
        row.addLayout(title)
        row.addLayout(middle, 1)
        row.addWidget(self.curve, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.skip_button)
        row.addSpacing(-8)
        row.addWidget(self.cancel_button)

    def set_look(self, theme: Theme, factor: float) -> None:
        """Take the colours and sizes of another theme."""
        self.bar.setFixedHeight(round(6 * factor))
        self.bar.setMinimumWidth(round(120 * factor))
        self.name.setMaximumWidth(round(TITLE_WIDTH * factor))
        self.curve.set_look(theme, factor)

    # What the run says

    @Slot(object)
    def _follow(self, progress: StageProgress) -> None:
        if progress.from_cache:
            self._cached.append(progress.name)
        if progress.from_cache or progress.total == 0:
            return
        before = self._shown
        same = before is not None and (before.name, before.index, before.total) == (
            progress.name,
            progress.index,
            progress.total,
        )
        if not same or before is None or progress.step < before.step:
            self._meter.forget()
            self._skipping = False
            self.curve.begin(progress.total)
        self._shown = progress
        self._meter.note(time.perf_counter(), progress.step)
        self.curve.add(progress.step, progress.loss, progress.validation_loss)
        self._say()
        self.show()

    @Slot(str)
    def _follow_state(self, state: str) -> None:
        if state != "loading":
            self._cached = self._cached if state == "ready" else []
            self._shown = None
            self.hide()

    @Slot()
    def _tell_cached(self) -> None:
        """Say which stages needed no training, unless that was said a moment ago."""
        names, self._cached = tuple(dict.fromkeys(self._cached)), []
        now_s = time.monotonic()
        if not names or (names == self._told and now_s - self._told_s < QUIET_S):
            return
        self._told, self._told_s = names, now_s
        self.told.emit(
            Text(f"{', '.join(names)}: taken from the last run", f"{'、'.join(names)}：沿用上次训练的结果")
        )

    # What a person does

    @Slot()
    def _skip(self) -> None:
        self._skipping = True
        self._playback.skip_stage()
        self._say()

    # Texts

    def _say(self) -> None:
        shown = self._shown
        if shown is None:
            return
        metrics = self.name.fontMetrics()
        self.name.setText(
            metrics.elidedText(shown.name, Qt.TextElideMode.ElideRight, self.name.maximumWidth())
        )
        self.name.setToolTip(shown.name)
        role = self.tr("Teacher") if shown.role == "teacher" else self.tr("Pretraining")
        place = self.tr("stage {number} of {count}").format(number=shown.index + 1, count=shown.count)
        self.role.setText(f"{role} · {place}")
        self.bar.setValue(round(PARTS * shown.step / shown.total))
        self.progress.setText(self._progress_text(shown))
        self.rest.setText(self._rest_text(shown))
        self.skip_button.setEnabled(not self._skipping)
        spoken = f"{shown.name}, {self.role.text()}, {self.progress.text()}"
        self.bar.setAccessibleDescription(spoken)
        self.setAccessibleDescription(spoken)

    def _progress_text(self, shown: StageProgress) -> str:
        if self._skipping:
            return self.tr("skipping…")
        if shown.step == 0:
            return self.tr("loading its data…")
        said = self.tr("step {step} of {total}").format(
            step=format_count(shown.step), total=format_count(shown.total)
        )
        if math.isfinite(shown.validation_accuracy):
            percent = f"{100 * shown.validation_accuracy:.1f}"
            said += " · " + self.tr("validation accuracy {percent} %").format(percent=percent)
        return said

    def _rest_text(self, shown: StageProgress) -> str:
        rate = self._meter.steps_per_s
        if rate <= 0 or self._skipping:
            return ""
        minutes, seconds = divmod(math.ceil((shown.total - shown.step) / rate), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        return self.tr("{time} left").format(time=clock)

    def _retranslate(self) -> None:
        self.setAccessibleName(self.tr("Stage before the lanes"))
        self.bar.setAccessibleName(self.tr("Progress of the stage"))
        self.bar.setToolTip(self.tr("How much of the stage is done; the lanes start when all stages are"))
        self.curve.set_names(self.tr("training loss"), self.tr("validation loss"))
        self.curve.setAccessibleName(self.tr("Loss of the stage"))
        self.curve.setToolTip(
            self.tr(
                "Loss by step on a logarithmic axis: thin on the batches, thick on the examples held back"
            )
        )
        self.skip_button.setText(self.tr("Skip"))
        self.skip_button.setToolTip(
            self.tr(
                "Go on with the weights that the stage has by now. They are not kept: a reset trains it whole."
            )
        )
        self.skip_button.setAccessibleName(self.tr("Skip the rest of this stage"))
        self.cancel_button.setText(self.tr("Cancel"))
        self.cancel_button.setToolTip(
            self.tr("Start no lane. Stages that are done are kept; play or reset trains this one again.")
        )
        self.cancel_button.setAccessibleName(self.tr("Cancel the stages"))
        self._say()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)
