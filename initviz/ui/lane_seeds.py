"""The menu that says with how many seeds a lane is trained."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

OFFERED = (1, 2, 3, 5, 8)
"""Numbers of seeds that the menu offers beside the present one."""


class SeedsMenu(QMenu):
    """Offers some numbers of seeds, and any other.

    Args:
        current: How many seeds the lane has.
        room: How many more networks can race.
        parent: What the menu belongs to.

    Signals:
        chosen: The person picked a number.
        other_wanted: The person wants to say a number.
    """

    chosen = Signal(int)
    other_wanted = Signal()

    def __init__(self, current: int, room: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        most = current + max(0, room)
        self.setTitle(self.tr("Seeds"))
        self.setToolTipsVisible(True)
        group = QActionGroup(self)
        for number in sorted({*OFFERED, current}):
            once = self.tr("1 seed: a single draw")
            action = QAction(once if number == 1 else self.tr("{count} seeds").format(count=number), self)
            action.setCheckable(True)
            action.setChecked(number == current)
            action.setEnabled(number <= most)
            action.setData(number)
            action.setToolTip(
                self.tr(
                    "Train the lane once a seed and draw their mean and a band, so that no single draw misleads"
                )
                if number <= most
                else self.tr("More networks than can race: each seed of a lane counts as one")
            )
            group.addAction(action)
            self.addAction(action)
        self.addSeparator()
        self.addAction(self.tr("Another number…")).triggered.connect(self.other_wanted)
        group.triggered.connect(self._pick)

    @Slot(QAction)
    def _pick(self, action: QAction) -> None:
        self.chosen.emit(int(action.data()))


def seeds_dialog(current: int, most: int, parent: QWidget) -> QInputDialog:
    """Return a dialog that asks for a number of seeds; ``intValueSelected`` tells it.

    Args:
        current: What it begins with.
        most: The largest that is allowed.
        parent: The window that it belongs to.
    """
    dialog = QInputDialog(parent)
    dialog.setObjectName("seedsDialog")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(QCoreApplication.translate("SeedsMenu", "Seeds"))
    said = QCoreApplication.translate("SeedsMenu", "Number of seeds, 1 to {most}")
    dialog.setLabelText(said.format(most=most))
    dialog.setInputMode(QInputDialog.InputMode.IntInput)
    dialog.setIntRange(1, most)
    dialog.setIntValue(current)
    return dialog
