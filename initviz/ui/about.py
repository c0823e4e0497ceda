"""What the program stands on: versions and licences; and the map of its keys."""

from __future__ import annotations

import platform
from importlib import metadata

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

import initviz
from initviz.ui.actions import Actions
from initviz.ui.icons import pixmap
from initviz.ui.language import without_mnemonic

PACKAGES = {
    "torch": "BSD-3-Clause",
    "PySide6-Essentials": "LGPL-3.0-only",
    "pyqtgraph": "MIT",
    "numpy": "BSD-3-Clause",
    "scikit-learn": "BSD-3-Clause",
    "imbalanced-learn": "MIT",
    "scipy": "BSD-3-Clause",
    "pyarrow": "Apache-2.0",
    "ziamath": "MIT",
    "platformdirs": "MIT",
    "tomli-w": "MIT",
}
"""Each package's main licence; what it contains of others is in THIRD_PARTY_NOTICES.md."""


def package_rows() -> list[tuple[str, str, str]]:
    """Return name, version and licence of every package that is used; a package that is missing is left out."""
    rows = [("Python", platform.python_version(), "PSF-2.0")]
    for name, licence in PACKAGES.items():
        try:
            rows.append((name, metadata.version(name), licence))
        except metadata.PackageNotFoundError:
            continue
    return rows


class AboutDialog(QDialog):
    """Versions and licences.

    Args:
        color: Of writing, for the picture.
        parent: The window.
    """

    def __init__(self, color: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("About InitViz"))
        picture = QLabel()
        picture.setPixmap(pixmap("initviz", color, 64, self.devicePixelRatioF()))
        name = QLabel(f"InitViz {initviz.__version__}")
        name.setObjectName("headline")
        what = QLabel(
            self.tr("See live why the way a neural network's weights start decides whether it learns.")
        )
        what.setWordWrap(True)
        rights = QLabel(self.tr("Free software under the MIT licence. It stands on:"))
        rights.setObjectName("quiet")
        table = QGridLayout()
        table.setHorizontalSpacing(24)
        table.setVerticalSpacing(4)
        for row, cells in enumerate(package_rows()):
            for column, said in enumerate(cells):
                label = QLabel(said)
                if column:
                    label.setObjectName("quiet")
                table.addWidget(label, row, column)
        table.setColumnStretch(2, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        title = QVBoxLayout()
        title.setSpacing(4)
        title.addWidget(name)
        title.addWidget(what)
        top = QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(title, 1)
        column_box = QVBoxLayout(self)
        column_box.setContentsMargins(24, 24, 24, 16)
        column_box.setSpacing(16)
        column_box.addLayout(top)
        column_box.addWidget(rights)
        column_box.addLayout(table)
        column_box.addWidget(buttons)
        self.setMinimumWidth(520)


class KeyboardMap(QDialog):
    """Every key and what it does.

    Args:
        actions: The window's actions.
        parent: The window.
    """

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Keyboard map"))
        halves = QHBoxLayout()
        halves.setSpacing(40)
        groups = actions.listed()
        for part in (groups[:2], groups[2:3], groups[3:]):
            column = QVBoxLayout()
            column.setSpacing(8)
            for title, members in part:
                heading = QLabel(title)
                heading.setObjectName("section")
                column.addWidget(heading)
                table = QGridLayout()
                table.setHorizontalSpacing(16)
                table.setVerticalSpacing(6)
                for row, action in enumerate(members):
                    table.addLayout(_keycaps(action), row, 0)
                    table.addWidget(QLabel(without_mnemonic(action.text())), row, 1)
                table.setColumnStretch(1, 1)
                column.addLayout(table)
                column.addSpacing(8)
            column.addStretch(1)
            halves.addLayout(column)
        hint = QLabel(
            self.tr("The tab key walks through all buttons and fields; Alt and a letter open the menus.")
        )
        hint.setObjectName("quiet")
        hint.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column_box = QVBoxLayout(self)
        column_box.setContentsMargins(24, 24, 24, 16)
        column_box.setSpacing(16)
        column_box.addLayout(halves)
        column_box.addWidget(hint)
        column_box.addWidget(buttons)


def _keycaps(action: QAction) -> QHBoxLayout:
    """Return the keys of an action, each in a frame of its own."""
    row = QHBoxLayout()
    row.setSpacing(4)
    for shortcut in action.shortcuts():
        cap = QLabel(shortcut.toString(QKeySequence.SequenceFormat.NativeText))
        cap.setObjectName("key")
        row.addWidget(cap)
    row.addStretch(1)
    return row
