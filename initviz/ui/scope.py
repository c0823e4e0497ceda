"""Whose part of the experiment is edited: that of all lanes, or that of the lane in focus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal, Slot

from initviz.experiment.catalogue import Part
from initviz.experiment.edit import Table
from initviz.experiment.text import Text
from initviz.experiment.values import Lane, Recipe
from initviz.ui.form_row import Mark
from initviz.ui.language import current_language
from initviz.ui.overrides import differing_lanes, has_own, inherit, place
from initviz.ui.session import Session
from initviz.views.palette import LIGHT, Theme


class Scope(QObject):
    """Tells the panels what they show and passes their edits on.

    Args:
        session: The document being edited.
        parent: Qt parent.
    """

    changed = Signal()
    """Whatever a panel shows may be different now: the experiment, the lane, or the colours."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._single = False
        self._theme = LIGHT
        self._refusals: list[tuple[Text, str]] = []
        self._document = session.document
        session.experiment_changed.connect(self._take_document)
        session.focus_changed.connect(self._follow)
        session.rejected.connect(self._note_refusal)

    # What is shown

    @property
    def written(self) -> Mapping[str, object]:
        """The tables as they are, without a copy: only to look at."""
        return self._document

    @property
    def is_single(self) -> bool:
        """True where only the lane in focus is edited."""
        return self._single

    @property
    def lane(self) -> int | None:
        """The lane that is edited, or None for all."""
        return self.focus_lane if self._single else None

    @property
    def focus_lane(self) -> int:
        """The lane in focus; within range even while lanes are being removed."""
        return min(self.session.focus_lane, len(self.session.experiment.written_lanes) - 1)

    @property
    def focused(self) -> Lane:
        """The lane in focus itself."""
        return self.session.experiment.written_lanes[self.focus_lane]

    @property
    def recipe(self) -> Recipe:
        """What is shown: the recipe of all lanes, or of the one that is edited."""
        return self.focused.recipe if self._single else self.session.experiment.base

    def set_single(self, single: bool) -> None:
        """Edit only the lane in focus, or all."""
        if single != self._single:
            self._single = single
            self.changed.emit()

    @property
    def theme(self) -> Theme:
        """Colours of the lanes and of everything else."""
        return self._theme

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of another theme."""
        if theme is not self._theme:
            self._theme = theme
            self.changed.emit()

    def color(self, lane: int) -> str:
        """Return a lane's colour, as CSS writes it."""
        return self._theme.lane(self.session.experiment.written_lanes[lane].color).color

    def marks(self, path: str) -> tuple[Mark, ...]:
        """Return the lanes that differ at ``path``: any of them, or only the one that is edited."""
        lanes = self.session.experiment.written_lanes
        found: Sequence[int] = differing_lanes(self._document, path)
        if self._single:
            found = [lane for lane in found if lane == self.focus_lane]
        return tuple(Mark(lane, lanes[lane].name, self.color(lane)) for lane in found if lane < len(lanes))

    def place(self, path: str) -> str:
        """Return where a field of what is edited stands in the document."""
        return place(self.lane, path)

    # Editing

    @property
    def document(self) -> Table:
        """The tables to edit, a copy; where one lane is edited, with that lane written out."""
        document = self.session.document
        if self._single and not document.get("lanes"):
            document["lanes"] = self.session.explicit_lanes()
        return document

    def apply(self, document: Mapping[str, object], label: str, merge: str = "") -> Text | None:
        """Hand an edited document to the session.

        Returns:
            None where it was accepted, otherwise why not.
        """
        self._refusals.clear()
        if self.session.apply(document, label, merge):
            return None
        return self.last_refusal

    @property
    def refused_path(self) -> str:
        """Where in the document that was which the session did not accept; empty for the whole."""
        return self._refusals[-1][1] if self._refusals else ""

    @property
    def last_refusal(self) -> Text | None:
        """Why the session did not accept the last edit that it refused."""
        if not self._refusals:
            return None
        reason, path = self._refusals[-1]
        where = Text(f"{path}: {reason.en}", f"{path}：{reason.zh}") if path.startswith("lanes[") else reason
        return Text(f"{where.en} Nothing was changed.", f"{where.zh}没有任何改动。")

    @staticmethod
    def sentence(text: Text | None) -> str:
        """Return a message in the current language, beginning like a sentence; empty for none."""
        said = text.in_language(current_language()) if text is not None else ""
        return said[:1].upper() + said[1:]

    def inherit(self, lanes: Sequence[int], path: str, label: str) -> Text | None:
        """Make lanes the same as all others at ``path`` again; see ``apply`` for what is returned."""
        document = self.session.document
        for lane in lanes:
            if has_own(document, lane, path):
                document = inherit(document, lane, path)
        return self.apply(document, label)

    def label(self, english: str) -> str:
        """Complete an undo label: which lane it was about, where it was about one only."""
        if not self._single:
            return english
        return self.tr("{edit} ({lane})").format(edit=english, lane=self.focused.name)

    def part(self, kind: str, key: str) -> Part:
        """Return a catalogue part."""
        return self.session.catalogue.get(kind, key)

    @Slot()
    def _take_document(self) -> None:
        self._document = self.session.document
        self.changed.emit()

    @Slot()
    def _follow(self) -> None:
        self.changed.emit()

    @Slot(object, str)
    def _note_refusal(self, text: Text, path: str) -> None:
        self._refusals.append((text, path))
