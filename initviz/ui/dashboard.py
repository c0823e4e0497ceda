"""The plots: docks that are arranged by layouts, filled when looked at, and drawn only while seen."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt, Signal, Slot
from PySide6.QtWidgets import QMainWindow, QWidget

from initviz.telemetry.frame import RunInfo
from initviz.telemetry.history import RunHistory
from initviz.ui.layouts import FIRST, LAYOUTS, columns
from initviz.ui.view_dock import ViewDock
from initviz.views.palette import Theme

if TYPE_CHECKING:
    from initviz.views.base import View

STATE_VERSION = 1
CUSTOM = ""


class Dashboard(QMainWindow):
    """Docks in a window within the window, so that they stay between the controls and the lesson.

    Args:
        titles: Key and title of every view, in the order of the menu.
        theme: How plots look first.
        parent: Qt parent.
    """

    lane_chosen = Signal(int)
    saved = Signal(str)
    failed = Signal(object)
    docks_changed = Signal()

    def __init__(self, titles: Mapping[str, str], theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setObjectName("dashboard")
        self.setDockOptions(QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks)
        self._theme = theme
        self._info: RunInfo | None = None
        self._history: RunHistory | None = None
        self._focus_lane = 0
        self._hidden_lanes: frozenset[int] = frozenset()
        self._filled = False
        self._stale: set[str] = set()
        self._last_used = ""
        self.layout_key = CUSTOM
        self.docks: dict[str, ViewDock] = {}
        for key, title in titles.items():
            dock = ViewDock(key, self._make_view, self)
            dock.set_title(title)
            dock.hide()
            dock.used.connect(self._note_use)
            dock.visibilityChanged.connect(self._visibility_changed)
            self.docks[key] = dock
        self.arrange(FIRST, flat=False)

    def _make_view(self, key: str, parent: QWidget) -> View:
        from initviz.views.index import create  # brings pyqtgraph, which the first picture does not wait for

        view = create(key, parent)
        view.set_theme(self._theme)
        view.set_focus_lane(self._focus_lane)
        view.set_hidden_lanes(self._hidden_lanes)
        view.set_run(self._info, self._history)
        view.lane_chosen.connect(self.lane_chosen)
        view.saved.connect(self.saved)
        view.failed.connect(self.failed)
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

    def _even_out(self, shown: list[list[ViewDock]]) -> None:
        firsts = [column[0] for column in shown]
        self.resizeDocks(firsts, [1000] * len(firsts), Qt.Orientation.Horizontal)
        for column in shown:
            self.resizeDocks(column, [1000] * len(column), Qt.Orientation.Vertical)

    def save_arrangement(self) -> QByteArray:
        """Return where every dock is."""
        return self.saveState(STATE_VERSION)

    def restore_arrangement(self, state: QByteArray, key: str) -> bool:
        """Put every dock where it was; False, with nothing changed, where ``state`` is of no use."""
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

    # What the plots show

    def fill(self) -> None:
        """Make the plots that are seen, and from now on each when it is first seen."""
        self._filled = True
        for dock in self.docks.values():
            if dock.isVisible():
                dock.ensure_view()

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

    def last_used(self) -> ViewDock | None:
        """Return the dock that was clicked last, or the first that is seen."""
        dock = self.docks.get(self._last_used)
        if dock is not None and dock.is_seen():
            return dock
        return next(iter(self.seen()), None)

    def set_titles(self, titles: Mapping[str, str]) -> None:
        """Name the plots in another language."""
        for key, title in titles.items():
            self.docks[key].set_title(title)

    def _views(self) -> list[View]:
        return [dock.view for dock in self.docks.values() if dock.view is not None]

    @Slot(str)
    def _note_use(self, key: str) -> None:
        self._last_used = key

    @Slot(bool)
    def _visibility_changed(self, visible: bool) -> None:
        dock = self.sender()
        if visible and self._filled and isinstance(dock, ViewDock):
            dock.ensure_view()
            self._stale.add(dock.key)
        self.docks_changed.emit()
