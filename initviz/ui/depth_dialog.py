"""Asks at which depths a lane is to be trained, and says what that costs."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from initviz.ui.depth_edits import DEPTHS, read_depths

Preview = Callable[[tuple[int, ...], bool], tuple[str, bool]]
"""From depths, and whether the other lanes stay, to a sentence, and whether that can be done."""


class DepthDialog(QDialog):
    """A field for the depths, a check mark, and a line that says what comes of them.

    Args:
        name: The lane that is studied.
        most: Largest depth that its network can have.
        alone: True where there are no other lanes.
        preview: Says what comes of the depths.
        parent: The window.
    """

    chosen = Signal(object, bool)  # tuple of depths, whether the other lanes stay

    def __init__(self, name: str, most: int, alone: bool, preview: Preview, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Depth study"))
        self._preview = preview
        what = QLabel(
            self.tr(
                "Trains “{name}” at many depths at once: the same start, the same data, only more or fewer hidden"
                " layers."
            ).format(name=name)
        )
        what.setWordWrap(True)
        label = QLabel(self.tr("&Hidden layers"))
        self.field = QLineEdit(", ".join(str(depth) for depth in DEPTHS if depth <= most))
        self.field.setObjectName("depths")
        self.field.setToolTip(
            self.tr("Whole numbers from 1 to {most}, with commas between them").format(most=most)
        )
        self.field.textChanged.connect(self._show_preview)
        label.setBuddy(self.field)
        self.keep = QCheckBox(self.tr("&Keep the other lanes"))
        self.keep.setToolTip(self.tr("Otherwise they make way for the study; undo brings them back"))
        self.keep.setVisible(not alone)
        self.keep.toggled.connect(self._show_preview)
        self.said = QLabel()
        self.said.setObjectName("quiet")
        self.said.setWordWrap(True)
        self.said.setMinimumHeight(3 * self.said.fontMetrics().lineSpacing())
        self.said.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.buttons = QDialogButtonBox()
        self.begin = self.buttons.addButton(self.tr("Make the lanes"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.cancel = self.buttons.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self.begin.setDefault(True)
        self.buttons.accepted.connect(self._choose)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(8)
        column.addWidget(what)
        column.addSpacing(8)
        column.addWidget(label)
        column.addWidget(self.field)
        column.addWidget(self.keep)
        column.addWidget(self.said)
        column.addSpacing(8)
        column.addWidget(self.buttons)
        self.setMinimumWidth(440)
        self.field.selectAll()
        self._show_preview()

    @Slot()
    def _show_preview(self) -> None:
        depths = read_depths(self.field.text())
        if depths is None:
            said, possible = (
                self.tr("Write whole numbers with commas between them, such as 2, 4, 8, 16."),
                False,
            )
        else:
            said, possible = self._preview(depths, self.keep.isChecked())
        self.said.setText(said)
        self.begin.setEnabled(possible)

    @Slot()
    def _choose(self) -> None:
        depths = read_depths(self.field.text())
        if depths is not None:
            self.chosen.emit(depths, self.keep.isChecked())
        self.accept()
