"""The document being edited: every change passes the same checks as a file, and can be undone."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.document import read_document
from initviz.experiment.edit import Table, remove_value, set_value
from initviz.experiment.errors import ExperimentError
from initviz.experiment.fields import REPEAT
from initviz.experiment.lanes import NUM_COLORS
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.experiment.values import Experiment
from initviz.ui.scenarios import scenario

MERGE_WITHIN_S = 1.5
UNDO_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the document came from.

    Attributes:
        path: Its file, or None where it was never saved.
        scenario: Key of the scenario it was opened from, or empty.
    """

    path: Path | None = None
    scenario: str = ""

    @property
    def folder(self) -> Path | None:
        """What names of files in the document are relative to; None where the document has no file."""
        if self.path is not None:
            return self.path.parent
        entry = scenario(self.scenario) if self.scenario else None
        return entry.path.parent if entry is not None else None


@dataclass(frozen=True, slots=True)
class Content:
    """A document with the experiment that it describes."""

    document: Table
    experiment: Experiment


class Session(QObject):
    """Holds the last valid experiment and lets it be edited.

    An impossible edit changes nothing and is answered by ``rejected``. Every method that edits returns
    whether the edit was accepted.

    Args:
        document: What is edited first.
        catalogue: What may be chosen.
        limits: Bounds on sizes.
        origin: Where the first document came from.
        parent: Qt parent.
    Raises:
        ExperimentError: ``document`` itself is impossible.
    """

    experiment_changed = Signal()
    origin_changed = Signal()
    focus_changed = Signal()
    hidden_changed = Signal()
    rejected = Signal(object, str)  # Text, path

    def __init__(
        self,
        document: Mapping[str, object],
        catalogue: Catalogue,
        limits: Limits,
        origin: Origin | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.catalogue = catalogue
        self.limits = limits
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(UNDO_LIMIT)
        self._origin = origin or Origin()
        self._content = self._read(document)
        self._focus_lane = 0
        self._hidden_lanes: frozenset[int] = frozenset()

    # What is edited

    @property
    def document(self) -> Table:
        """A copy of the tables; change it and hand it to ``apply``."""
        return copy.deepcopy(self._content.document)

    @property
    def experiment(self) -> Experiment:
        """The last valid experiment."""
        return self._content.experiment

    @property
    def origin(self) -> Origin:
        """Where the document came from."""
        return self._origin

    @property
    def is_modified(self) -> bool:
        """True where the document differs from what was opened or saved last."""
        return not self.undo_stack.isClean()

    # Editing

    def apply(
        self, document: Mapping[str, object], label: str, merge: str = "", lasting: bool = False
    ) -> bool:
        """Take ``document`` as the new one, or reject it and change nothing.

        Args:
            document: All tables.
            label: What the person did, in the window's language, for the undo menu.
            merge: Edits in quick succession with one such key become one undo step; empty never merges.
            lasting: True where they do however long it takes, as while something is dragged.
        """
        try:
            content = self._read(document)
        except ExperimentError as error:
            self.rejected.emit(error.reason, error.path)
            return False
        if content.document == self._content.document:
            return True
        self.undo_stack.push(_Edit(self, self._content, content, label, merge, lasting=lasting))
        return True

    def edit(self, path: str, value: object, label: str, merge: str = "") -> bool:
        """Set what stands at a dotted path such as ``lanes[1].init.weight``; None removes it."""
        try:
            edited = (
                remove_value(self._content.document, path)
                if value is None
                else set_value(self._content.document, path, value)
            )
        except (KeyError, IndexError):
            self.rejected.emit(
                Text("there is no such place in the experiment.", "实验中没有这个位置。"), path
            )
            return False
        return self.apply(edited, label, merge or path)

    def open_document(
        self,
        document: Mapping[str, object],
        label: str,
        origin: Origin | None = None,
        *,
        is_saved: bool = True,
    ) -> bool:
        """Put another document in place of this one; undo brings the old one back.

        Args:
            document: All tables.
            label: What the person did, in the window's language, for the undo menu.
            origin: Where it came from.
            is_saved: False where it lies nowhere as it is, so that closing the window asks about it.
        """
        after = origin if origin is not None else Origin()
        try:
            content = self._read(document, after)
        except ExperimentError as error:
            self.rejected.emit(error.reason, error.path)
            return False
        self.undo_stack.push(_Edit(self, self._content, content, label, "", (self._origin, after)))
        if is_saved:
            self.undo_stack.setClean()
        return True

    def mark_saved(self, path: Path) -> None:
        """Note that the document now lies in ``path``."""
        self.undo_stack.setClean()
        self._set_origin(replace(self._origin, path=path))

    # Lanes

    @property
    def focus_lane(self) -> int:
        """Index of the lane that is edited and drawn in front."""
        return self._focus_lane

    def set_focus_lane(self, lane: int) -> None:
        """Bring a lane to the front."""
        lane = max(0, min(lane, len(self.experiment.written_lanes) - 1))
        if lane != self._focus_lane:
            self._focus_lane = lane
            self.focus_changed.emit()

    @property
    def hidden_lanes(self) -> frozenset[int]:
        """Indices of the lanes that are trained but not drawn."""
        return self._hidden_lanes

    def set_lane_hidden(self, lane: int, hidden: bool) -> None:
        """Draw a lane or not; this is no edit of the experiment."""
        lanes = self._hidden_lanes | {lane} if hidden else self._hidden_lanes - {lane}
        self._set_hidden(lanes)

    def add_lane(self) -> bool:
        """Add a lane that trains as the base experiment says."""
        lanes = self.explicit_lanes()
        table: Table = {
            "name": self._free_name(self.tr("Lane {number}"), lanes, len(lanes) + 1),
            "color": _free_color(lanes),
        }
        lanes.append(table)
        return self._apply_lanes(lanes, self.tr("Add lane"), focus=len(lanes) - 1)

    def duplicate_lane(self, index: int) -> bool:
        """Add a copy of a lane below it."""
        lanes = self.explicit_lanes()
        table = copy.deepcopy(lanes[index])
        table["name"] = self._free_name(f"{table['name']} {{number}}", lanes, 2)
        table["color"] = _free_color(lanes)
        lanes.insert(index + 1, table)
        return self._apply_lanes(lanes, self.tr("Duplicate lane"), focus=index + 1)

    def remove_lane(self, index: int) -> bool:
        """Remove a lane; the last one stays."""
        lanes = self.explicit_lanes()
        if len(lanes) == 1:
            self.rejected.emit(
                Text(
                    "an experiment needs one lane at least. Change this one instead.",
                    "实验至少需要一条赛道。请改为修改这一条。",
                ),
                "lanes",
            )
            return False
        del lanes[index]
        hidden = frozenset(i - (i > index) for i in self._hidden_lanes if i != index)
        focus = self._focus_lane - (self._focus_lane > index)
        accepted = self._apply_lanes(lanes, self.tr("Remove lane"), focus=focus)
        if accepted:
            self._set_hidden(hidden)
        return accepted

    def move_lane(self, source: int, target: int) -> bool:
        """Put a lane in another place."""
        lanes = self.explicit_lanes()
        lanes.insert(target, lanes.pop(source))
        return self._apply_lanes(lanes, self.tr("Move lane"), focus=target)

    def rename_lane(self, index: int, name: str) -> bool:
        """Call a lane something else."""
        lanes = self.explicit_lanes()
        lanes[index]["name"] = name
        return self._apply_lanes(lanes, self.tr("Rename lane"))

    def recolor_lane(self, index: int, color: int) -> bool:
        """Give a lane another of the palette's colours."""
        lanes = self.explicit_lanes()
        lanes[index]["color"] = color
        return self._apply_lanes(lanes, self.tr("Recolour lane"))

    def repeat_lane(self, index: int, times: int) -> bool:
        """Train a lane with so many seeds, one after another."""
        lanes = self.explicit_lanes()
        if times == 1:
            lanes[index].pop(REPEAT.key, None)
        else:
            lanes[index][REPEAT.key] = times
        return self._apply_lanes(lanes, self.tr("Set number of seeds"), merge=f"lanes[{index}].{REPEAT.key}")

    def explicit_lanes(self) -> list[Table]:
        """A copy of the lanes' tables with every name and colour written out, so that a move keeps the rest."""
        written = self._content.document.get("lanes")
        tables: list[Table] = copy.deepcopy(written) if isinstance(written, list) and written else [{}]
        for table, lane in zip(tables, self.experiment.written_lanes, strict=True):
            table["name"] = lane.name
            table["color"] = lane.color
        return tables

    def _apply_lanes(self, lanes: list[Table], label: str, focus: int | None = None, merge: str = "") -> bool:
        document = self.document
        document["lanes"] = lanes
        accepted = self.apply(document, label, merge)
        if accepted and focus is not None:
            self.set_focus_lane(focus)
        return accepted

    @staticmethod
    def _free_name(template: str, lanes: list[Table], number: int) -> str:
        taken = {lane["name"] for lane in lanes}
        while template.format(number=number) in taken:
            number += 1
        return template.format(number=number)

    # Used by the undo commands

    def _read(self, document: Mapping[str, object], origin: Origin | None = None) -> Content:
        folder = (origin or self._origin).folder
        experiment = read_document(document, self.catalogue, self.limits, folder)
        return Content(copy.deepcopy(dict(document)), experiment)

    def _set_content(self, content: Content) -> None:
        self._content = content
        last = len(content.experiment.written_lanes) - 1
        self.experiment_changed.emit()
        self._set_hidden(frozenset(lane for lane in self._hidden_lanes if lane <= last))
        self.set_focus_lane(min(self._focus_lane, last))

    def _set_origin(self, origin: Origin) -> None:
        if origin != self._origin:
            self._origin = origin
            self.origin_changed.emit()

    def _set_hidden(self, lanes: frozenset[int]) -> None:
        if lanes != self._hidden_lanes:
            self._hidden_lanes = lanes
            self.hidden_changed.emit()


def _free_color(lanes: list[Table]) -> int:
    taken = {lane["color"] for lane in lanes}
    free = (color for color in range(NUM_COLORS) if color not in taken)
    return next(free, len(lanes) % NUM_COLORS)


class _Edit(QUndoCommand):
    """One accepted edit."""

    def __init__(
        self,
        session: Session,
        before: Content,
        after: Content,
        label: str,
        merge: str,
        origins: tuple[Origin, Origin] | None = None,
        lasting: bool = False,
    ) -> None:
        super().__init__(label)
        self._session = session
        self._before = before
        self._after = after
        self._merge = merge
        self._origins = origins
        self._within_s = math.inf if lasting else MERGE_WITHIN_S
        self._made_at = time.monotonic()

    def id(self) -> int:
        """Only commands with one id are offered for merging."""
        return 1 if self._merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take in the edit that follows where it continues this one."""
        if (
            not isinstance(other, _Edit)
            or other._merge != self._merge
            or other._made_at - self._made_at > self._within_s
        ):
            return False
        self._after = other._after
        self.setText(other.text())
        self._made_at = other._made_at
        return True

    def redo(self) -> None:
        """Do it."""
        if self._origins is not None:
            self._session._set_origin(self._origins[1])
        self._session._set_content(self._after)

    def undo(self) -> None:
        """Take it back."""
        if self._origins is not None:
            self._session._set_origin(self._origins[0])
        self._session._set_content(self._before)
