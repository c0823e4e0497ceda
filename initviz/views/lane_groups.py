"""Which lanes of a run belong together, which of them are in front, and which are left out."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from initviz.telemetry.frame import RunInfo


class LaneGroups:
    """The lanes of a view in groups: a lane as it is written, and those that it has become, one a seed.

    Attributes:
        focus: Index of the group in front; within range only once there is a run.
        hidden: Indices of the groups that are left out.
    """

    def __init__(self) -> None:
        self._info: RunInfo | None = None
        self._groups: tuple[range, ...] = ()
        self.focus = 0
        self.hidden: frozenset[int] = frozenset()

    def set_info(self, info: RunInfo | None) -> None:
        """Take the lanes of another run, or of none."""
        self._info = info
        self._groups = info.groups if info is not None else ()

    @property
    def repeat(self) -> bool:
        """True where any group has several lanes."""
        return any(len(own) > 1 for own in self._groups)

    @property
    def focus_lane(self) -> int:
        """The first lane of the group in front."""
        return self._groups[min(self.focus, len(self._groups) - 1)][0] if self._groups else self.focus

    @property
    def hidden_lanes(self) -> frozenset[int]:
        """All lanes of the groups that are left out."""
        shown = {lane for group, own in enumerate(self._groups) if group not in self.hidden for lane in own}
        return frozenset(range(self._groups[-1].stop)) - shown if self._groups else self.hidden

    def shown(self) -> list[int]:
        """Return the first lane of every group that is not left out."""
        return [own[0] for group, own in enumerate(self._groups) if group not in self.hidden]

    def members_of(self, lane: int) -> range:
        """Return the lanes of the group that a lane belongs to."""
        return next((own for own in self._groups if lane in own), range(lane, lane + 1))

    def group_of(self, lane: int) -> int:
        """Return the index of the group that a lane belongs to."""
        return next((group for group, own in enumerate(self._groups) if lane in own), lane)

    def name(self, lane: int) -> str:
        """Return what a lane is called, and which of several seeds it is."""
        if self._info is None:
            return ""
        own, shown = self.members_of(lane), self._info.lanes[lane]
        if len(own) == 1:
            return shown.title
        text = QCoreApplication.translate("View", "{lane}, seed {seed} ({number} of {count})")
        return text.format(lane=shown.title, seed=shown.seed, number=lane - own[0] + 1, count=len(own))
