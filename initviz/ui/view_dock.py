"""A plot in a frame of its own that can be moved, floated and closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Slot
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from initviz.ui.icons import icon
from initviz.ui.tab_order import move_focus

if TYPE_CHECKING:
    from initviz.views.base import View


class ViewDock(QDockWidget):
    """Holds one view, which is made when it is first looked at. The view's head becomes the dock's title bar.

    Args:
        key: The view's key.
        make_view: Makes the view of a key with a parent.
        parent: The dashboard.
    """

    def __init__(self, key: str, make_view: Callable[[str, QWidget], View], parent: QWidget) -> None:
        super().__init__(parent)
        self.key = key
        self.setObjectName(f"view:{key}")
        self._make_view = make_view
        self._view: View | None = None
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable
            | QDockWidget.DockWidgetFeature.DockWidgetFloatable
            | QDockWidget.DockWidgetFeature.DockWidgetClosable
        )
        self.float_button = self._button(self._toggle_floating)
        self.close_button = self._button(self.close)
        self._bar = QWidget()
        self._bar.setObjectName("viewHead")
        self._bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(12, 6, 6, 2)
        row.setSpacing(2)
        row.addStretch(1)
        row.addWidget(self.float_button)
        row.addWidget(self.close_button)
        self.setTitleBarWidget(self._bar)
        self._body = QFrame()
        self._body.setObjectName("viewBody")
        self._column = QVBoxLayout(self._body)
        self._column.setContentsMargins(1, 0, 1, 6)
        self.setWidget(self._body)
        self._retranslate()

    @staticmethod
    def _button(clicked: Callable[[], object]) -> QToolButton:
        button = QToolButton()
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(clicked)
        return button

    @property
    def view(self) -> View | None:
        """The view, or None while nobody has looked."""
        return self._view

    def ensure_view(self) -> View:
        """Return the view, made now if need be."""
        if self._view is None:
            view = self._view = self._make_view(self.key, self._body)
            self._column.addWidget(view)
            view.head.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
            row = view.head.layout()
            if row is not None:
                row.addWidget(self.float_button)
                row.addWidget(self.close_button)
            self.setTitleBarWidget(view.head)
            view.head.show()
            self._bar.deleteLater()
            view.show()
            self._retranslate()
        return self._view

    def is_seen(self) -> bool:
        """Say whether any of the plot is on the screen: not closed, not below a tab, not minimized."""
        body = self._body
        return body.isVisible() and not self.window().isMinimized() and not body.visibleRegion().isEmpty()

    def set_look(self, color: str, factor: float) -> None:
        """Draw the buttons in the theme's colour and size."""
        edge = round(14 * factor)
        for button, name in ((self.float_button, "float"), (self.close_button, "close")):
            button.setIcon(icon(name, color))
            button.setIconSize(QSize(edge, edge))

    def open_menu(self) -> None:
        """Offer to save or copy the plot."""
        if self._view is not None:
            self._view.menu.popup(self._view.mapToGlobal(QPoint(16, 0)))

    @Slot()
    def _toggle_floating(self) -> None:
        self.setFloating(not self.isFloating())

    def _retranslate(self) -> None:
        if self._view is not None:
            self.setWindowTitle(self._view.title())
        title = self.windowTitle()
        self.float_button.setToolTip(self.tr("Put this plot in a window of its own, or back"))
        self.float_button.setAccessibleName(self.tr("Float {view}").format(view=title))
        self.close_button.setToolTip(self.tr("Close this plot; the View menu brings it back"))
        self.close_button.setAccessibleName(self.tr("Close {view}").format(view=title))

    def focusNextPrevChild(self, forward: bool) -> bool:
        return move_focus(self, forward) if self.isWindow() else super().focusNextPrevChild(forward)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)
