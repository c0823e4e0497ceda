"""The line above a plot: its name, its choices, what to look for, and a menu."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt, Slot
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QToolTip, QWidget

from initviz.views import lettering
from initviz.views.palette import LIGHT, Theme

ACTIONS = ("png", "svg", "csv", "copy")


class _Title(QLabel):
    """A text that gives way: it takes the room there is and ends in an ellipsis."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("viewTitle")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._title = ""
        self._pixels = LIGHT.base_px

    def set_title(self, title: str, pixels: int) -> None:
        self._title, self._pixels = title, pixels
        self.setToolTip(title)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        self.setText(lettering.elide(self._title, max(40.0, self.width() - 8.0), self._pixels, bold=True))


class ViewHead(QWidget):
    """A dock may take it as its title bar.

    Attributes:
        controls: Row for a view's own choices.
        menu: Opened by the last button.
        actions: The menu's entries: ``png``, ``svg``, ``csv`` and ``copy``.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("viewHead")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._title = _Title()
        self.controls = QHBoxLayout()
        self.controls.setSpacing(2)
        self._help = QToolButton()
        self._help.setText("?")
        self._help.clicked.connect(self._show_help)
        self._menu_button = QToolButton()
        self._menu_button.setText("⋯")
        self._menu_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self._menu_button.setMenu(self.menu)
        self.entries: dict[str, QAction] = {name: QAction(self) for name in ACTIONS}
        self.menu.addActions(list(self.entries.values()))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 2)
        row.setSpacing(2)
        row.addWidget(self._title, 1)
        row.addLayout(self.controls)
        row.addWidget(self._help)
        row.addWidget(self._menu_button)

    def sizeHint(self) -> QSize:
        # A dock gives its title bar this much, and lets it cover the plot where its minimum is more.
        return super().sizeHint().expandedTo(self.minimumSize())

    def set_texts(self, title: str, sentence: str, theme: Theme) -> None:
        """Set the view's name and its sentence, and every other text in the language that now holds."""
        self._title.set_title(title, theme.base_px)
        self._help.setToolTip(f"<p>{sentence}</p>")
        self._help.setAccessibleName(self.tr("What to look for"))
        self._help.setAccessibleDescription(sentence)
        self._menu_button.setToolTip(self.tr("Save or copy this view"))
        self._menu_button.setAccessibleName(self.tr("Save or copy this view"))
        self.entries["png"].setText(self.tr("Save as picture (PNG)…"))
        self.entries["svg"].setText(self.tr("Save as drawing (SVG)…"))
        self.entries["csv"].setText(self.tr("Save numbers (CSV)…"))
        self.entries["copy"].setText(self.tr("Copy picture"))

    def set_theme(self, theme: Theme) -> None:
        """Take a theme's colours and sizes."""
        # A sheet that is set a second time before the first took effect would never take effect.
        self.ensurePolished()
        # The same height whichever choices a view has at the moment, so that plots do not jump.
        self.setMinimumHeight(round(2.6 * theme.base_px))
        self.setStyleSheet(
            f"#viewHead {{ background: {theme.surface}; }}"
            f"QLabel#viewTitle {{ color: {theme.text}; font-size: {theme.base_px}px; font-weight: 700;"
            " background: transparent; }"
            f"QToolButton {{ color: {theme.muted}; background: transparent; border: 1px solid transparent;"
            f" border-radius: 4px; padding: 2px 6px; font-size: {theme.small_px}px; }}"
            f"QToolButton:hover {{ color: {theme.text}; border-color: {theme.border}; }}"
            f"QToolButton:focus {{ color: {theme.text}; border-color: {theme.accent}; }}"
            "QToolButton::menu-indicator { image: none; width: 0; }"
        )

    @Slot()
    def _show_help(self) -> None:
        corner = self._help.mapToGlobal(QPoint(0, self._help.height()))
        QToolTip.showText(corner, self._help.toolTip(), self._help)
