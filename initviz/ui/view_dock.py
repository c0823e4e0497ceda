"""A plot in a frame of its own that can be moved, floated and closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from initviz.ui.icons import icon

if TYPE_CHECKING:
    from initviz.views.base import View

SUFFIXES = (".png", ".svg", ".csv")


class ViewDock(QDockWidget):
    """Holds one view, which is made when it is first looked at.

    Args:
        key: The view's key.
        make_view: Makes the view with a parent.
        parent: The dashboard.
    """

    used = Signal(str)
    save_asked = Signal(str, str)  # key, suffix
    view_made = Signal(str)

    def __init__(self, key: str, make_view: Callable[[QWidget], View], parent: QWidget) -> None:
        super().__init__(parent)
        self.key = key
        self.setObjectName(f"view:{key}")
        self._make_view = make_view
        self._view: View | None = None
        self._color = "#000000"
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable
            | QDockWidget.DockWidgetFeature.DockWidgetFloatable
            | QDockWidget.DockWidgetFeature.DockWidgetClosable
        )
        self._title = QLabel()
        self._title.setObjectName("dockTitle")
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._question = self._button(self._explain)
        self._export = self._button(None)
        self._export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self._export)
        for suffix in SUFFIXES:
            menu.addAction(suffix.removeprefix(".").upper()).setData(suffix)
        menu.triggered.connect(self._ask_to_save)
        self._export.setMenu(menu)
        self._float = self._button(self._toggle_floating)
        self._close = self._button(self.close)
        self._bar = QFrame()
        self._bar.setObjectName("dockBar")
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(12, 4, 4, 0)
        row.setSpacing(0)
        row.addWidget(self._title, 1)
        for button in (self._question, self._export, self._float, self._close):
            row.addWidget(button)
        self.setTitleBarWidget(self._bar)
        self._body = QFrame()
        self._body.setObjectName("dockBody")
        self._column = QVBoxLayout(self._body)
        self._column.setContentsMargins(8, 0, 8, 8)
        self.setWidget(self._body)
        self.set_factor(1.0)
        self._retranslate()

    def _button(self, clicked: Callable[[], object] | None) -> QToolButton:
        button = QToolButton()
        button.setObjectName("dockButton")
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if clicked is not None:
            button.clicked.connect(clicked)
        return button

    @property
    def view(self) -> View | None:
        """The view, or None while nobody has looked."""
        return self._view

    def ensure_view(self) -> View:
        """Return the view, made now if need be."""
        if self._view is None:
            self._view = self._make_view(self._body)
            self._column.addWidget(self._view)
            self._view.show()
            self._retranslate()
            self.view_made.emit(self.key)
        return self._view

    def is_seen(self) -> bool:
        """Say whether any of the plot is on the screen: not closed, not below a tab, not minimized."""
        return (
            self._body.isVisible()
            and not self.window().isMinimized()
            and not self._body.visibleRegion().isEmpty()
        )

    def set_title(self, title: str) -> None:
        """Name the plot before it is made."""
        self.setWindowTitle(title)
        self._title.setText(title)
        self._retranslate()

    def set_color(self, color: str) -> None:
        """Draw the icons in the theme's colour of writing."""
        self._color = color
        self._question.setIcon(icon("question", color))
        self._export.setIcon(icon("export", color))
        self._float.setIcon(icon("float", color))
        self._close.setIcon(icon("close", color))

    def set_factor(self, factor: float) -> None:
        """Make the title bar larger by ``factor``."""
        for button in (self._question, self._export, self._float, self._close):
            button.setIconSize(QSize(round(14 * factor), round(14 * factor)))

    def save_view(self) -> None:
        """Offer the formats of the export menu, for the keyboard."""
        self._export.showMenu()

    @Slot()
    def _explain(self) -> None:
        sentence = self._view.sentence() if self._view is not None else ""
        QToolTip.showText(
            self._question.mapToGlobal(self._question.rect().bottomLeft()), sentence, self._question
        )

    @Slot(object)
    def _ask_to_save(self, action: object) -> None:
        suffix = action.data()  # type: ignore[attr-defined]
        self.save_asked.emit(self.key, suffix)

    @Slot()
    def _toggle_floating(self) -> None:
        self.setFloating(not self.isFloating())

    def _retranslate(self) -> None:
        if self._view is not None:
            self.setWindowTitle(self._view.title())
            self._title.setText(self._view.title())
            self._question.setToolTip(self._view.sentence())
        title = self.windowTitle()
        self._question.setAccessibleName(self.tr("What to look for in {view}").format(view=title))
        self._export.setToolTip(self.tr("Save this plot as PNG, SVG or CSV"))
        self._export.setAccessibleName(self.tr("Save {view}").format(view=title))
        self._float.setToolTip(self.tr("Put this plot in a window of its own, or back"))
        self._float.setAccessibleName(self.tr("Float {view}").format(view=title))
        self._close.setToolTip(self.tr("Close this plot; the View menu brings it back"))
        self._close.setAccessibleName(self.tr("Close {view}").format(view=title))

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.FocusIn):
            self.used.emit(self.key)
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
