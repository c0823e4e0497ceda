"""What the menu and the keys do to the lane in focus."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot

from initviz.ui.actions import Actions
from initviz.ui.session import Session


class LaneKeys(QObject):
    """Carries out the actions on lanes.

    Args:
        session: Where the lanes are.
        actions: The window's actions.
    """

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__(actions)
        self._session = session
        for action, slot in (
            (actions.add_lane, self._add),
            (actions.duplicate_lane, self._duplicate),
            (actions.remove_lane, self._remove),
            (actions.lane_up, self._move_up),
            (actions.lane_down, self._move_down),
            (actions.more_seeds, self._more_seeds),
            (actions.fewer_seeds, self._fewer_seeds),
            (actions.next_lane, self._focus_next),
            (actions.previous_lane, self._focus_previous),
        ):
            action.triggered.connect(slot)

    @Slot()
    def _add(self) -> None:
        self._session.add_lane()

    @Slot()
    def _duplicate(self) -> None:
        self._session.duplicate_lane(self._session.focus_lane)

    @Slot()
    def _remove(self) -> None:
        self._session.remove_lane(self._session.focus_lane)

    @Slot()
    def _move_up(self) -> None:
        self._move(-1)

    @Slot()
    def _move_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        target = self._session.focus_lane + by
        if 0 <= target < len(self._session.experiment.written_lanes):
            self._session.move_lane(self._session.focus_lane, target)

    @Slot()
    def _more_seeds(self) -> None:
        self._repeat(1)

    @Slot()
    def _fewer_seeds(self) -> None:
        self._repeat(-1)

    def _repeat(self, by: int) -> None:
        lane = self._session.focus_lane
        times = len(self._session.experiment.groups[lane]) + by
        if times >= 1:
            self._session.repeat_lane(lane, times)

    @Slot()
    def _focus_next(self) -> None:
        self._focus(1)

    @Slot()
    def _focus_previous(self) -> None:
        self._focus(-1)

    def _focus(self, by: int) -> None:
        lanes = len(self._session.experiment.written_lanes)
        self._session.set_focus_lane((self._session.focus_lane + by) % lanes)
