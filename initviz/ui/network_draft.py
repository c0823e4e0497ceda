"""A list of layers that cannot be trained yet, kept while the last one that can runs on."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QUndoCommand

from initviz.experiment.edit import Table

Show = Callable[["Draft | None"], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """Layers as they were left.

    Attributes:
        lane: Name of the lane whose network it is to be; None for that of all lanes.
        model: Its layers, and whose weights the output layer shares; not to be changed.
    """

    lane: str | None
    model: Table

    def copy(self) -> Table:
        """Return a copy of the model to edit."""
        return copy.deepcopy(self.model)


class DraftStep(QUndoCommand):
    """One edit of a draft, so that undo knows it like any other.

    Args:
        show: Takes the draft that counts.
        before: The draft before the edit, or None where the network could be trained.
        after: The draft after it, or None where it can be trained.
        label: What the person did.
    """

    def __init__(self, show: Show, before: Draft | None, after: Draft | None, label: str) -> None:
        super().__init__(label)
        self._show = show
        self._before = before
        self._after = after

    def redo(self) -> None:
        """Do it."""
        self._show(self._after)

    def undo(self) -> None:
        """Take it back."""
        self._show(self._before)
