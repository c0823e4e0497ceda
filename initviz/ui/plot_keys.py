"""What the menu and the keys do to the plots."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from shiboken6 import isValid

from initviz.experiment.blueprint import data_info
from initviz.experiment.text import Text
from initviz.ui.actions import Actions
from initviz.ui.dashboard import Dashboard
from initviz.ui.depth_desk import DepthDesk
from initviz.ui.menus import Menus
from initviz.ui.session import Session
from initviz.ui.start_desk import StartDesk
from initviz.views.index import VIEWS

WIDE = 0.4
"""Share of the width that a test of learning rates is shown in."""


class PlotKeys(QObject):
    """Carries out the actions on plots and keeps their menu true.

    Args:
        dashboard: Where the plots are.
        session: Whose data decide what a layout shows.
        actions: The window's actions.
        menus: The window's menus.
    """

    told = Signal(object)

    def __init__(self, dashboard: Dashboard, session: Session, actions: Actions, menus: Menus) -> None:
        super().__init__(actions)
        self._dashboard = dashboard
        self._session = session
        self._actions = actions
        self._menus = menus
        self._opened_for_test: list[str] = []
        for action in actions.layouts.values():
            action.triggered.connect(self._choose_layout)
        actions.export_view.triggered.connect(self._export)
        menus.view_chosen.connect(dashboard.show_dock)
        dashboard.docks_changed.connect(self.list_plots)
        dashboard.saved.connect(self._say_saved)
        dashboard.lane_chosen.connect(session.set_focus_lane)
        self.depths = DepthDesk(session, dashboard)
        actions.depth_study.triggered.connect(self.depths.ask)
        self.depths.made.connect(self._show_study)
        self._starts = StartDesk(session, self)
        dashboard.start_moved.connect(self._starts.move)

    def is_flat(self) -> bool:
        """Say whether the data have two inputs, so that a decision boundary can be drawn."""
        return data_info(self._session.experiment.data, self._session.catalogue).shape == (2,)

    @Slot()
    def list_plots(self) -> None:
        """Name every plot in the menu, and mark those that are shown."""
        docks = self._dashboard.docks
        if not all(isValid(dock) for dock in docks.values()):
            return  # the window is being taken down, and docks that go tell of it
        shown = {key for key, dock in docks.items() if not dock.isHidden()}
        self._menus.fill_views({key: dock.windowTitle() for key, dock in docks.items()}, shown)

    @Slot()
    def show_rate_test(self) -> None:
        """Show what a test of learning rates is seen in."""
        for declared in VIEWS:
            if declared.tests_rates:
                if self._dashboard.docks[declared.key].isHidden():
                    self._opened_for_test.append(declared.key)
                self._dashboard.show_dock(declared.key, True)
                self._dashboard.widen(declared.key, WIDE)

    @Slot()
    def end_rate_test(self) -> None:
        """Close again what was opened for the test."""
        for key in self._opened_for_test:
            self._dashboard.show_dock(key, False)
        self._opened_for_test = []

    @Slot()
    def _choose_layout(self) -> None:
        action = self.sender()
        for key, known in self._actions.layouts.items():
            if known is action:
                self._dashboard.arrange(key, self.is_flat())

    @Slot()
    def _show_study(self) -> None:
        key = next((view.key for view in VIEWS if view.studies_depth), "")
        if key and not self._dashboard.docks[key].isVisible():
            self._dashboard.show_dock(key, True)

    @Slot()
    def _export(self) -> None:
        dock = self._dashboard.in_use()
        if dock is not None:
            dock.open_menu()

    @Slot(str)
    def _say_saved(self, name: str) -> None:
        self.told.emit(Text(f"Saved as {name}.", f"已保存为 {name}。"))
