"""A list to choose a catalogue part from, in groups, each entry with its summary."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QStandardItem, QStandardItemModel, QWheelEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy, QStyledItemDelegate, QWidget

from initviz.experiment.catalogue import Part
from initviz.ui.language import current_language

KEY_ROLE = int(Qt.ItemDataRole.UserRole)


class CalmCombo(QComboBox):
    """A combo box that a scroll wheel passing over it does not change, and that shrinks to a narrow column."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(5)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMaxVisibleItems(24)
        self.setItemDelegate(QStyledItemDelegate(self))  # the one that the style sheet speaks to
        self.activated.connect(self._report)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def showPopup(self) -> None:
        # The list may be wider than the column, so that no title is cut.
        width = self.view().sizeHintForColumn(0) + 40
        self.view().setMinimumWidth(max(self.width(), width))
        super().showPopup()

    def _report(self, index: int) -> None:
        key = self.itemData(index, KEY_ROLE)
        if isinstance(key, str):
            self.chosen.emit(key)

    def current_key(self) -> str:
        """Return the key of the entry that is shown; empty where there is none."""
        key = self.currentData(KEY_ROLE)
        return key if isinstance(key, str) else ""

    def show_key(self, key: str) -> None:
        """Show an entry without reporting it."""
        index = self.findData(key, KEY_ROLE)
        if index != self.currentIndex():
            self.setCurrentIndex(index)
        tip = self.itemData(index, Qt.ItemDataRole.ToolTipRole)
        self.setToolTip(tip if isinstance(tip, str) else "")

    def fill(self, entries: Sequence[tuple[str, str, str]]) -> None:
        """Show other entries.

        Args:
            entries: Key, title and tooltip; one with an empty key is the heading of what follows.
        """
        shown = self.current_key()
        model = QStandardItemModel(self)
        for key, title, tip in entries:
            item = QStandardItem(title)
            if key:
                item.setData(key, KEY_ROLE)
                item.setToolTip(tip)
            else:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
                font = QFont(self.font())
                font.setBold(True)
                item.setFont(font)
                item.setSizeHint(QSize(0, self.fontMetrics().height() + 10))
            model.appendRow(item)
        self.setModel(model)  # the model before it was this one's child, so Qt deletes it
        self.setCurrentIndex(-1)
        if shown:
            self.show_key(shown)


class PartCombo(CalmCombo):
    """Chooses one of some parts.

    Args:
        parts: What can be chosen, in order.
        parent: Qt parent.
    """

    def __init__(self, parts: Sequence[Part], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts = tuple(parts)
        self._first: tuple[str, str, str] | None = None
        self.retranslate()

    def set_first(self, key: str, title: str, tip: str) -> None:
        """Put an entry that is no part on top, such as "as the network", in the current language."""
        self._first = (key, title, tip)
        self.retranslate()

    def retranslate(self) -> None:
        """Say everything in the current language."""
        language = current_language()
        entries: list[tuple[str, str, str]] = []
        if self._first is not None:
            entries.append(self._first)
        heading = ""
        for part in self._parts:
            group = part.group.in_language(language)
            if group != heading:
                heading = group
                entries.append(("", group, ""))
            entries.append((part.key, part.title.in_language(language), part.summary.in_language(language)))
        self.fill(entries)
