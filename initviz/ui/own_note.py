"""Says which lanes have something of their own, and offers to end that."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from initviz.experiment.text import Text
from initviz.ui.form_row import GUTTER, Mark, names_of
from initviz.ui.overrides import names_own
from initviz.ui.scope import Scope


class LinkLabel(QLabel):
    """Quiet text that wraps, with links that the keyboard reaches."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("quiet")
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.setContentsMargins(GUTTER, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            # Else the key that came here would mark no link, and the next one would.
            self.focusNextPrevChild(event.reason() == Qt.FocusReason.TabFocusReason)


class OwnNote(LinkLabel):
    """A line below a choice that not all lanes share; hidden where they do.

    Args:
        scope: Whose choice is shown.
        path: Where it stands, such as ``init.weight``.
        parent: Qt parent.
    """

    def __init__(self, scope: Scope, path: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scope = scope
        self._path = path
        self.linkActivated.connect(self._inherit)
        self.hide()

    def own_lanes(self) -> tuple[Mark, ...]:
        """Return the lanes that chose for themselves: any of them, or only the one that is edited."""
        marks = self._scope.marks(self._path)
        if self._scope.is_single:
            return marks
        document = self._scope.written
        return tuple(mark for mark in marks if names_own(document, mark.lane, self._path))

    def refresh(self) -> None:
        """Show what the session now holds, in the current language."""
        marks = self.own_lanes()
        self.setVisible(bool(marks))
        if not marks:
            return
        dots = "".join(f'<span style="color:{mark.color}">●</span>' for mark in marks)
        if self._scope.is_single:
            said = self.tr("Only this lane.")
            link = self.tr("Same as all again")
        else:
            count = len(self._scope.session.experiment.written_lanes)
            said = self.tr("%n of {count} lanes differ.", "", len(marks)).format(count=count)
            link = self.tr("Same for all")
        self.setText(f'{dots} {said} <a href="same">{link}</a>')
        self.setToolTip(names_of(marks))

    @Slot()
    def _inherit(self) -> Text | None:
        lanes = [mark.lane for mark in self.own_lanes()]
        return self._scope.inherit(lanes, self._path, self.tr("Make lanes the same again"))
