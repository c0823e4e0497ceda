"""The plots: docks that are arranged by layouts, filled when looked at, and drawn only while seen."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from initviz.telemetry.frame import RunInfo
from initviz.telemetry.history import RunHistory
from initviz.ui.layouts import FIRST, columns
from initviz.ui.view_dock import ViewDock
from initviz.views.index import LAYOUTS, VIEWS, create
from initviz.views.palette import Theme

if TYPE_CHECKING:
    from initviz.views.base import View

STATE_VERSION = 1
CUSTOM = ""


class Dashboard(QMainWindow):
    """Docks in a window within the window, so that they stay between the controls and the lesson.

    Args:
        theme: How plots look first.
        parent: Qt parent.
    """

    lane_chosen = Signal(int)
    start_moved = Signal(int, float, float, int)
    saved = Signal(str)
    failed = Signal(object)
    docks_changed = Signal()
    view_made = Signal(object)
    """A plot was made; its ``View``."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setObjectName("dashboard")
        self.setDockOptions(QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks)
        self._theme = theme
        self._info: RunInfo | None = None
        self._history: RunHistory | None = None
        self._focus_lane = 0
        self._hidden_lanes: frozenset[int] = frozenset()
        self._choices: dict[str, str] = {}
        self._filled = False
        self._fill_later = QTimer(self)
        self._fill_later.setInterval(0)
        self._fill_later.timeout.connect(self._fill_next)
        self._stale: set[str] = set()
        self._flat = False
        self.layout_key = CUSTOM
        self.docks: dict[str, ViewDock] = {}
        for declared in VIEWS:
            dock = ViewDock(declared.key, self._make_view, self)
            dock.hide()
            dock.visibilityChanged.connect(self._visibility_changed)
            dock.windowTitleChanged.connect(self._note_title)
            self.docks[declared.key] = dock
        self.arrange(FIRST, flat=False)

    def _make_view(self, key: str, parent: QWidget) -> View:
        view = create(key, parent)
        view.set_theme(self._theme)
        view.set_focus_lane(self._focus_lane)
        view.set_hidden_lanes(self._hidden_lanes)
        view.set_run(self._info, self._history)
        view.recall(self._choices)
        view.lane_chosen.connect(self.lane_chosen)
        view.start_moved.connect(self.start_moved)
        view.saved.connect(self.saved)
        view.failed.connect(self.failed)
        self.view_made.emit(view)
        return view

    # Arrangement

    def arrange(self, key: str, flat: bool) -> None:
        """Arrange the plots in a layout.

        Args:
            key: One of ``LAYOUTS``.
            flat: True for data with two inputs.
        """
        wanted = columns(key, flat)
        for dock in self.docks.values():
            # What is removed while it is shown would be saved, and restored, as shown.
            dock.hide()
            dock.setFloating(False)
            self.removeDockWidget(dock)
        known = [[self.docks[name] for name in column if name in self.docks] for column in wanted]
        shown = [column for column in known if column]
        for place, column in enumerate(shown):
            if place == 0:
                self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, column[0])
            else:
                self.splitDockWidget(shown[place - 1][0], column[0], Qt.Orientation.Horizontal)
        for column in shown:
            for above, below in itertools.pairwise(column):
                self.splitDockWidget(above, below, Qt.Orientation.Vertical)
        for column in shown:
            for dock in column:
                dock.show()
        self._even_out(shown)
        self.layout_key = key
        self._flat = flat

    def suit(self, flat: bool) -> None:
        """Arrange the layout anew for data with two inputs, or without, unless the person has changed it."""
        if flat == self._flat:
            return
        before = {name for column in columns(self.layout_key or FIRST, self._flat) for name in column}
        shown = {key for key, dock in self.docks.items() if not dock.isHidden()}
        if self.layout_key and shown == before:
            self.arrange(self.layout_key, flat)
        self._flat = flat

    def _even_out(self, shown: list[list[ViewDock]]) -> None:
        firsts = [column[0] for column in shown]
        self.resizeDocks(firsts, [1000] * len(firsts), Qt.Orientation.Horizontal)
        for column in shown:
            self.resizeDocks(column, [1000] * len(column), Qt.Orientation.Vertical)

    def save_arrangement(self) -> QByteArray:
        """Return where every dock is."""
        return self.saveState(STATE_VERSION)

    def restore_arrangement(self, state: QByteArray, key: str, flat: bool) -> bool:
        """Put every dock where it was; False where ``state`` is of no use.

        Args:
            state: What ``save_arrangement`` returned.
            key: The layout that it began with.
            flat: True for data with two inputs.
        """
        if state.isEmpty():
            return False
        # Docks that the arrangement does not know would float about.
        for dock in self.docks.values():
            if self.dockWidgetArea(dock) == Qt.DockWidgetArea.NoDockWidgetArea:
                self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
                dock.hide()
        if not self.restoreState(state, STATE_VERSION):
            return False
        self.layout_key = key if key in LAYOUTS else CUSTOM
        self._flat = flat
        return True

    def show_dock(self, key: str, shown: bool) -> None:
        """Show or close a plot."""
        dock = self.docks[key]
        if (
            shown
            and self.dockWidgetArea(dock) == Qt.DockWidgetArea.NoDockWidgetArea
            and not dock.isFloating()
        ):
            self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
        dock.setVisible(shown)
        if shown:
            dock.raise_()

    def widen(self, key: str, share: float) -> None:
        """Give a plot a share of the width, where it stands in a column of its own."""
        self.resizeDocks([self.docks[key]], [round(share * self.width())], Qt.Orientation.Horizontal)

    # What the plots show

    def fill(self) -> None:
        """Make the plots: those that are seen now, the others as soon as nothing else is to be done."""
        self._filled = True
        for dock in self.docks.values():
            if dock.isVisible():
                dock.ensure_view()
        self._fill_later.start()

    @Slot()
    def _fill_next(self) -> None:
        waiting = [dock for dock in self.docks.values() if dock.view is None]
        if waiting:
            waiting[0].ensure_view()
        else:
            self._fill_later.stop()
            self.docks_changed.emit()

    def seen(self) -> list[ViewDock]:
        """Return the docks of which anything is on the screen."""
        return [dock for dock in self.docks.values() if dock.is_seen()]

    def refresh(self, fresh: bool) -> bool:
        """Draw what is new in every plot that is seen.

        Args:
            fresh: True when anything was measured since the last call.
        Returns:
            Whether any plot is seen.
        """
        if fresh:
            self._stale = set(self.docks)
        seen = self.seen()
        for dock in seen:
            if dock.key in self._stale and dock.view is not None:
                dock.view.refresh()
                self._stale.discard(dock.key)
        return bool(seen)

    def set_run(self, info: RunInfo | None, history: RunHistory | None) -> None:
        """Show another run, or the same under other names."""
        self._info, self._history = info, history
        for view in self._views():
            view.set_run(info, history)
        self._stale = set(self.docks)

    def set_theme(self, theme: Theme, color: str, factor: float) -> None:
        """Look otherwise."""
        self._theme = theme
        for dock in self.docks.values():
            dock.set_look(color, factor)
        for view in self._views():
            view.set_theme(theme)
        self._stale = set(self.docks)

    def set_focus_lane(self, lane: int) -> None:
        """Bring a lane to the front."""
        self._focus_lane = lane
        for view in self._views():
            view.set_focus_lane(lane)
        self._stale = set(self.docks)

    def set_hidden_lanes(self, lanes: frozenset[int]) -> None:
        """Leave lanes out."""
        self._hidden_lanes = lanes
        for view in self._views():
            view.set_hidden_lanes(lanes)
        self._stale = set(self.docks)

    def recall(self, choices: dict[str, str]) -> None:
        """Let the plots be as the person chose them before."""
        self._choices = choices
        for view in self._views():
            view.recall(choices)

    def choices(self) -> dict[str, str]:
        """Return what the person chose on the plots, to be remembered."""
        result = dict(self._choices)
        for view in self._views():
            result.update(view.choices())
        return result

    def in_use(self) -> ViewDock | None:
        """Return the dock that has the keyboard, or the first that is seen."""
        focused = QApplication.focusWidget()
        seen = self.seen()
        holders = (dock for dock in seen if focused is not None and dock.isAncestorOf(focused))
        return next(holders, seen[0] if seen else None)

    def _views(self) -> list[View]:
        return [dock.view for dock in self.docks.values() if dock.view is not None]

    @Slot(str)
    def _note_title(self, title: str) -> None:
        self.docks_changed.emit()

    @Slot(bool)
    def _visibility_changed(self, visible: bool) -> None:
        dock = self.sender()
        if visible and self._filled and isinstance(dock, ViewDock):
            dock.ensure_view()
            self._stale.add(dock.key)
        self.docks_changed.emit()
