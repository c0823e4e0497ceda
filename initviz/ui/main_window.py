"""The window: transport on top, controls on the left, plots in the middle, the lesson on the right."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMainWindow, QSplitter, QVBoxLayout, QWidget

from initviz.ui.actions import Actions
from initviz.ui.appearance import Appearance
from initviz.ui.controls import NARROWEST, WIDTH, Controls
from initviz.ui.dashboard import Dashboard
from initviz.ui.files import FileDesk, dropped_file
from initviz.ui.help_desk import HelpDesk
from initviz.ui.landscape_desk import LandscapeDesk
from initviz.ui.lane_keys import LaneKeys
from initviz.ui.language import LanguageSwitch, current_language
from initviz.ui.lesson_column import LessonColumn
from initviz.ui.memory import WindowMemory
from initviz.ui.menus import Menus
from initviz.ui.message_bar import MessageBar
from initviz.ui.playback import Playback
from initviz.ui.plot_keys import PlotKeys
from initviz.ui.scenarios import title_of
from initviz.ui.screens import bring_back
from initviz.ui.session import Session
from initviz.ui.settings import Settings
from initviz.ui.stage_strip import StageStrip
from initviz.ui.sweep_desk import SweepDesk
from initviz.ui.tab_order import move_focus
from initviz.ui.theme import ThemeSwitch
from initviz.ui.transport import Transport
from initviz.ui.weights_desk import WeightsDesk
from initviz.views.index import LAYOUTS

GAP = 8
NUMBERS_EVERY = 3
"""Numbers that change with every frame cannot be read."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the window is built on; all of it is made by ``initviz.app``."""

    session: Session
    playback: Playback
    theme: ThemeSwitch
    language: LanguageSwitch
    settings: Settings


class MainWindow(QMainWindow):
    """Puts the parts together and lets the actions reach them.

    Args:
        parts: What it is built on.
    """

    first_painted = Signal()
    """The window has been drawn for the first time."""
    left = Signal()
    """The window has been closed for good."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setAcceptDrops(True)
        self.parts = parts
        self._memory = WindowMemory(parts.settings)
        self._painted = False
        self._leaving = False
        self._closing = False
        self._factor = 1.0
        self._ticks = 0
        self.stopped = True
        self.actions_ = Actions(self)
        for number, key in enumerate(LAYOUTS, start=1):
            self.actions_.add_layout(key, number)
        self.actions_.retranslate()
        self.menus = Menus(self.menuBar(), self.actions_)
        self.transport = Transport(self.actions_)
        self.stage_strip = StageStrip(parts.playback)
        self.message_bar = MessageBar()
        self.controls = Controls(parts.session)
        self.dashboard = Dashboard(parts.theme.theme)
        self.lesson = LessonColumn(parts.session, self.actions_.lesson)
        self.files = FileDesk(parts.session, parts.settings, self)
        self.weights_desk = WeightsDesk(parts.playback, parts.session, parts.settings, self)
        self.plot_keys = PlotKeys(self.dashboard, parts.session, self.actions_, self.menus)
        self.lane_keys = LaneKeys(parts.session, self.actions_)
        self.appearance = Appearance(parts.theme, parts.language, self.actions_, self)
        self.help_desk = HelpDesk(parts.theme, self.actions_, self)
        self.sweep_desk = SweepDesk(parts.session, parts.theme, self.actions_, self)
        self.landscape_desk = LandscapeDesk(parts.playback, self)
        self._lay_out()
        self._connect_actions()
        self._connect_parts()
        self._restore()
        self.setFocus()  # else Qt would give the keyboard, and a ring, to the first button

    def _lay_out(self) -> None:
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(GAP)
        self.splitter.setChildrenCollapsible(False)
        for widget in (self.controls, self.dashboard, self.lesson):
            self.splitter.addWidget(widget)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(2, 0)
        self._set_widths(1.0)
        ground = QWidget()
        ground.setObjectName("ground")
        ground_column = QVBoxLayout(ground)
        ground_column.setContentsMargins(GAP, GAP, GAP, GAP)
        ground_column.addWidget(self.splitter)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.transport)
        column.addWidget(self.stage_strip)
        column.addWidget(self.message_bar)
        column.addWidget(ground, 1)
        self.setCentralWidget(whole)
        self.setMinimumSize(1024, 600)

    def _set_widths(self, factor: float) -> None:
        self.controls.setMinimumWidth(round(NARROWEST * factor))
        self._divide(round(WIDTH * factor))

    @Slot()
    def _share_width(self) -> None:
        self._divide(self.splitter.sizes()[0])

    def _divide(self, left: int) -> None:
        """Give the controls ``left`` pixels, the lesson the width that it wants, and the plots the rest."""
        right = self.lesson.wanted_width()
        if not self.isVisible():
            # A splitter shares out the width that it has; before it is shown it has some other.
            self.splitter.resize(self.width() - 2 * GAP, self.splitter.height())
        rest = self.width() - 2 * GAP - left - right - 2 * GAP
        self.splitter.setSizes([left, max(1, rest), right])

    def _connect_actions(self) -> None:
        do, session, playback = self.actions_, self.parts.session, self.parts.playback
        for action, slot in (
            (do.new, self.files.new),
            (do.open, self.files.ask_and_open),
            (do.save, self.files.save),
            (do.save_as, self.files.ask_and_save),
            (do.clear_recent, self.files.clear_recent),
            (do.quit, self.close),
            (do.undo, session.undo_stack.undo),
            (do.redo, session.undo_stack.redo),
            (do.play, playback.toggle),
            (do.step, playback.step_once),
            (do.reset, playback.reset),
            (do.slower, self._slower),
            (do.faster, self._faster),
            (do.controls, self._show_controls),
        ):
            action.triggered.connect(slot)

    def _connect_parts(self) -> None:
        session, playback, transport = self.parts.session, self.parts.playback, self.transport
        session.experiment_changed.connect(self._show_document)
        session.origin_changed.connect(self._show_document)
        session.focus_changed.connect(self._show_focus)
        session.hidden_changed.connect(self._show_hidden)
        session.rejected.connect(self.message_bar.refuse)
        session.undo_stack.undoTextChanged.connect(self._name_undo)
        session.undo_stack.redoTextChanged.connect(self._name_undo)
        session.undo_stack.cleanChanged.connect(self._show_document)
        session.experiment_changed.connect(self._forget_refusal)
        playback.run_changed.connect(self._show_run)
        playback.names_changed.connect(self._show_run)
        playback.state_changed.connect(self._show_state)
        playback.loading.connect(transport.show_loading)
        playback.failed.connect(self.message_bar.fail)
        playback.cancelled.connect(self.message_bar.tell)
        self.stage_strip.told.connect(self.message_bar.tell)
        playback.ticked.connect(self._refresh)
        playback.devices_found.connect(transport.set_devices)
        transport.scenario_chosen.connect(self.files.open_scenario)
        transport.device_chosen.connect(self._choose_device)
        transport.speed_changed.connect(playback.set_speed)
        self.files.told.connect(self.message_bar.tell)
        self.files.refused.connect(self.message_bar.refuse)
        self.controls.lanes.menu_opened.connect(self.weights_desk.add_to_menu)
        self.controls.lanes.menu_opened.connect(self.plot_keys.depths.add_to_menu)
        self.weights_desk.told.connect(self.message_bar.tell)
        self.weights_desk.refused.connect(self.message_bar.refuse)
        self.files.recent_changed.connect(self._list_recent)
        self.controls.rate_search_begun.connect(self.plot_keys.show_rate_test)
        self.controls.rate_search_ended.connect(self.plot_keys.end_rate_test)
        self.dashboard.failed.connect(self.message_bar.fail)
        self.dashboard.view_made.connect(self.landscape_desk.take_view)
        self.landscape_desk.failed.connect(self.message_bar.fail)
        self.plot_keys.told.connect(self.message_bar.tell)
        self.help_desk.told.connect(self.message_bar.tell)
        self.help_desk.refused.connect(self.message_bar.refuse)
        self.lesson.folded.connect(self._share_width)
        self.menus.recent_chosen.connect(self.files.open_name)
        self.parts.theme.changed.connect(self._show_theme)
        screens = QGuiApplication.instance()
        if isinstance(screens, QGuiApplication):
            screens.screenRemoved.connect(self._screen_removed)

    def _restore(self) -> None:
        self._memory.restore(self, self.plot_keys.is_flat())
        self._show_theme()
        self._list_recent()
        self.plot_keys.list_plots()
        self._name_undo()
        self._show_document()
        self._show_controls()
        self._set_widths(self.parts.theme.factor)
        self._memory.restore_columns(self.splitter)
        self._give_room()

    # What the parts say

    @Slot()
    def _show_document(self) -> None:
        session = self.parts.session
        experiment = session.experiment
        path = session.origin.path
        self.transport.set_title(session.origin.scenario, experiment.name)
        self.transport.show_device(experiment.device)
        self._name_window()
        self.setWindowModified(session.is_modified)
        self.setWindowFilePath(str(path) if path is not None else "")
        self.dashboard.suit(self.plot_keys.is_flat())

    def _name_window(self) -> None:
        session = self.parts.session
        path = session.origin.path
        name = title_of(session.origin.scenario, session.experiment.name, current_language())
        self.setWindowTitle(f"{path.name if path is not None else name}[*] – InitViz")

    @Slot()
    def _show_run(self) -> None:
        playback = self.parts.playback
        self.dashboard.set_run(playback.info, playback.history)
        self._show_focus()
        self._show_hidden()
        self.lesson.panel.set_run(playback.info, playback.history)
        self.controls.set_info(playback.info)
        self._refresh(True)

    @Slot(str)
    def _show_state(self, state: str) -> None:
        playing = self.parts.playback.is_playing
        self.transport.show_playing(playing)
        self.actions_.step.setEnabled(state in ("ready", "paused"))
        self.actions_.reset.setEnabled(state != "empty")
        if state in ("failed", "cancelled"):
            self.transport.show_stopped(state == "cancelled")
        elif state == "ready" and self.message_bar.tone == "failed":
            self.message_bar.close_message()
        self.show_progress()

    @Slot(bool)
    def _refresh(self, fresh: bool) -> None:
        self.parts.playback.set_watching(self.dashboard.refresh(fresh))
        if not fresh:
            return
        self.controls.show_run(self.parts.playback.history)
        self.lesson.panel.why.follow()
        self._ticks += 1
        if self.parts.playback.state != "playing" or self._ticks % NUMBERS_EVERY == 0:
            self.show_progress()

    def show_progress(self) -> None:
        """Show how far the run is."""
        playback = self.parts.playback
        history = playback.history
        if playback.state in ("empty", "loading", "failed", "cancelled") or history is None:
            return
        self.transport.show_run(history.last_step + 1, history.info.total_steps, playback.steps_per_s)

    @Slot()
    def _show_focus(self) -> None:
        # While an edit waits for its run, the plots show lanes that the document may no longer have.
        if self.parts.playback.is_current:
            self.dashboard.set_focus_lane(self.parts.session.focus_lane)

    @Slot()
    def _show_hidden(self) -> None:
        if self.parts.playback.is_current:
            self.dashboard.set_hidden_lanes(self.parts.session.hidden_lanes)

    @Slot()
    def _forget_refusal(self) -> None:
        if self.message_bar.tone == "refused":
            self.message_bar.close_message()

    @Slot()
    def _name_undo(self) -> None:
        stack = self.parts.session.undo_stack
        self.actions_.say_undo(stack.undoText(), stack.redoText())
        self.actions_.undo.setEnabled(stack.canUndo())
        self.actions_.redo.setEnabled(stack.canRedo())

    @Slot()
    def _list_recent(self) -> None:
        self.menus.fill_recent(self.parts.settings.recent_files())

    # Run

    @Slot()
    def _slower(self) -> None:
        self.transport.set_speed_position(self.transport.speed.value() - 1)

    @Slot()
    def _faster(self) -> None:
        self.transport.set_speed_position(self.transport.speed.value() + 1)

    @Slot(str)
    def _choose_device(self, key: str) -> None:
        if key != self.parts.session.experiment.device:
            self.parts.session.edit("device", key, self.tr("choice of device"))
        self.transport.show_device(self.parts.session.experiment.device)

    # View

    @Slot()
    def _show_controls(self) -> None:
        self.controls.setVisible(self.actions_.controls.isChecked())

    @Slot()
    def _show_theme(self) -> None:
        switch = self.parts.theme
        colors, theme, factor = switch.chrome, switch.theme, switch.factor
        self.transport.set_colors(colors.text, colors.inverse, colors.muted)
        self.transport.set_factor(factor)
        self.stage_strip.set_look(theme, factor)
        self.message_bar.set_color(colors.text)
        self.controls.set_theme(theme, colors.muted, factor)
        self.dashboard.set_theme(theme, colors.muted, factor)
        self.lesson.set_theme(theme, colors, factor)
        if factor != self._factor:
            self._factor = factor
            self._set_widths(factor)
            self._give_room()

    def _give_room(self) -> None:
        self.lesson.set_room(self.width() / self.parts.theme.factor)

    # Events

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        elif event.type() == QEvent.Type.WindowStateChange:
            self.transport.show_full_screen()
        super().changeEvent(event)

    def _retranslate(self) -> None:
        self.actions_.retranslate()
        self.actions_.say_playing(self.parts.playback.is_playing)
        self.menus.retranslate()
        self._name_undo()
        self._name_window()
        self._list_recent()
        self.plot_keys.list_plots()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._give_room()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            # What is loaded next must not hold up the rest of this picture.
            QTimer.singleShot(0, self.first_painted.emit)

    def focusNextPrevChild(self, forward: bool) -> bool:
        return move_focus(self, forward)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            if self.message_bar.isVisible():
                self.message_bar.close_message()
            else:
                self.appearance.leave_full_screen()
            event.accept()
            return
        super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_file(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = dropped_file(event.mimeData())
        if path is not None:
            event.acceptProposedAction()
            self.files.open_name(str(path))

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._leaving:
            self._closing = True
            self.files.guard(self.leave)
            self._closing = False
            if not self._leaving:
                event.ignore()
                return
        if self.actions_.presenter.isChecked():
            self.appearance.set_presenter(False)
        self._memory.save(self)
        self.hide()
        searched = self.sweep_desk.stop()
        self.stopped = self.parts.playback.stop() and searched
        event.accept()
        self.left.emit()

    @Slot()
    def leave(self) -> None:
        """Close without asking about changes."""
        self._leaving = True
        if not self._closing:
            self.close()

    @Slot()
    def _screen_removed(self) -> None:
        # Qt moves windows only after it has told everybody.
        QTimer.singleShot(0, self.bring_back)

    @Slot()
    def bring_back(self) -> None:
        """Move the window, and every plot that floats, to a screen that is there."""
        bring_back([self, *(dock for dock in self.dashboard.docks.values() if dock.isFloating())])
