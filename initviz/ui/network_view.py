"""The list of layers on the screen: what stands around it, and what can be done to its rows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QContextMenuEvent, QFont, QFontMetrics, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from initviz.experiment.catalogue import Catalogue, Part
from initviz.ui.icons import set_icons
from initviz.ui.lane_text import part_title
from initviz.ui.language import current_language
from initviz.ui.network_list import NetworkListDelegate, NetworkListModel, head_words, small
from initviz.ui.network_survey import SurveyedLayer
from initviz.ui.number_text import format_bytes, format_count
from initviz.ui.reorder import ReorderList
from initviz.views.palette import Theme

SHOWN_ROWS = 8
SHOWN_WHILE_EDITED = 6


class ColumnHeads(QWidget):
    """Names of the columns of numbers.

    Args:
        model: The rows below.
        rows: The list that shows them; the columns end where its rows do.
        parent: Qt parent.
    """

    def __init__(self, model: NetworkListModel, rows: ReorderList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._rows = rows
        rows.verticalScrollBar().rangeChanged.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(100, QFontMetrics(small(self.font())).height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = small(self.font())
        painter.setFont(font)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        right = self._rows.viewport().width() - self.fontMetrics().height() // 2 - 1
        widths = self._model.widths(QFontMetrics(font), self._rows.viewport().width())
        flags = int(Qt.AlignmentFlag.AlignRight.value) | int(Qt.AlignmentFlag.AlignVCenter.value)
        for word, width in zip(reversed(head_words()), reversed(widths), strict=True):
            if width:
                painter.drawText(right - width, 0, width, self.height(), flags, word)
            right -= width
        painter.end()


class NetworkView(QWidget):
    """Shows layers and reports what a person wants done to them.

    Args:
        catalogue: What can be added.
        parent: Qt parent.
    """

    add_requested = Signal(str)
    duplicate_requested = Signal(int)
    remove_requested = Signal(int)
    move_requested = Signal(int, int)
    selected = Signal(int)

    def __init__(self, catalogue: Catalogue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._editable = False
        self.heading = QLabel()
        self.heading.setObjectName("fieldTitle")
        self.add_button = self._button()
        self.add_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.add_button)
        self.menu.triggered.connect(self._add)
        self.add_button.setMenu(self.menu)
        self.duplicate_button = self._button()
        self.duplicate_button.clicked.connect(self._duplicate)
        self.remove_button = self._button()
        self.remove_button.clicked.connect(self._remove)
        self.model = NetworkListModel(catalogue, self)
        self.list = ReorderList()
        self.heads = ColumnHeads(self.model, self.list)
        self.list.setObjectName("layerList")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setModel(self.model)
        self.delegate = NetworkListDelegate(self.list)
        self.list.setItemDelegate(self.delegate)
        self.list.moved.connect(self.move_requested)
        self.list.removal_requested.connect(self._remove)
        self.list.duplication_requested.connect(self._duplicate)
        self.list.insertion_requested.connect(self._open_menu)
        self.list.selectionModel().currentChanged.connect(self._select)
        self.total = QLabel()
        self.total.setObjectName("facts")
        self.total.setWordWrap(True)
        top = QHBoxLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.setSpacing(2)
        top.addWidget(self.heading, 1)
        for button in (self.add_button, self.duplicate_button, self.remove_button):
            top.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(top)
        column.addWidget(self.heads)
        column.addWidget(self.list)
        column.addWidget(self.total)
        self.retranslate()

    def _button(self) -> QToolButton:
        button = QToolButton()
        button.setObjectName("panelButton")
        button.setAutoRaise(True)
        return button

    @property
    def current_row(self) -> int:
        """Row that is edited, -1 where there is none."""
        return self.list.current_row()

    def show_rows(self, rows: Sequence[SurveyedLayer], editable: bool) -> None:
        """Show layers.

        Args:
            rows: From input to output.
            editable: Whether they may be moved, added and removed.
        """
        current = self.current_row
        self._editable = editable
        self.model.set_rows(rows, editable)
        if editable and self.current_row < 0 and rows:
            self.select(min(max(current, 0), len(rows) - 1))
        for button in (self.add_button, self.duplicate_button, self.remove_button):
            button.setVisible(editable)
        self._enable()
        self._show_total()
        self.heads.update()
        self._fit()

    def select(self, row: int) -> None:
        """Edit another row, and bring it into sight."""
        index = self.model.index(row)
        self.list.setCurrentIndex(index)
        self.list.scrollTo(index)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours and sizes of another theme."""
        set_icons(
            {"add": self.add_button, "duplicate": self.duplicate_button, "remove": self.remove_button}, theme
        )
        self.delegate.error = theme.error
        self.list.viewport().update()
        self._fit()

    def retranslate(self) -> None:
        """Say everything in the current language."""
        language = current_language()
        self.heading.setText(self.tr("Layers"))
        self.list.setAccessibleName(self.tr("Layers"))
        self.add_button.setToolTip(self.tr("Add a layer below the chosen one (Insert)"))
        self.add_button.setAccessibleName(self.tr("Add layer"))
        self.duplicate_button.setToolTip(self.tr("Duplicate the chosen layer (Ctrl+D)"))
        self.duplicate_button.setAccessibleName(self.tr("Duplicate layer"))
        self.remove_button.setToolTip(self.tr("Remove the chosen layer (Delete)"))
        self.remove_button.setAccessibleName(self.tr("Remove layer"))
        self.menu.clear()
        self.menu.setToolTipsVisible(True)
        for group, parts in self._grouped().items():
            if group:
                heading = self.menu.addAction(group)
                heading.setEnabled(False)
                font = QFont(self.menu.font())
                font.setBold(True)
                heading.setFont(font)
            for part in parts:
                action = self.menu.addAction(part_title(part))
                action.setData(part.key)
                action.setToolTip(part.summary.in_language(language))
        self._show_total()
        self.heads.update()
        self.list.viewport().update()

    def _grouped(self) -> dict[str, list[Part]]:
        """Return the kinds of layers below the headings that they stand under, in the catalogue's order."""
        found: dict[str, list[Part]] = {}
        for part in self._catalogue.parts("layer"):
            found.setdefault(part.group.in_language(current_language()), []).append(part)
        return found

    def _show_total(self) -> None:
        rows = self.model.rows
        known = all(row.output_shape is not None for row in rows)
        parameters = format_count(sum(row.num_parameters for row in rows))
        memory = format_bytes(sum(row.memory for row in rows))
        self.total.setText(
            self.tr("{layers} layers · {parameters} parameters · {memory}").format(
                layers=format_count(len(rows)), parameters=parameters, memory=memory
            )
            if known
            else self.tr("{layers} layers that do not fit together").format(layers=format_count(len(rows)))
        )

    def _fit(self) -> None:
        rows = self.model.rowCount()
        shown = SHOWN_WHILE_EDITED if self._editable else SHOWN_ROWS
        height = sum(self.list.sizeHintForRow(row) for row in range(min(rows, shown)))
        wrong = [row for row in range(rows) if self.model.rows[row].problem is not None]
        for row in wrong:
            if row >= shown:
                height += self.list.sizeHintForRow(row) - self.list.sizeHintForRow(0)
        self.list.setFixedHeight(max(height + 2, 24))
        self.list.scheduleDelayedItemsLayout()

    def _enable(self) -> None:
        row = self.current_row
        layer = 0 <= row < self.model.rowCount() - 1
        self.duplicate_button.setEnabled(layer)
        self.remove_button.setEnabled(layer)

    @Slot(QModelIndex, QModelIndex)
    def _select(self, current: QModelIndex, before: QModelIndex) -> None:
        self._enable()
        self.selected.emit(current.row())

    @Slot(QAction)
    def _add(self, action: QAction) -> None:
        self.add_requested.emit(str(action.data()))

    @Slot()
    def _open_menu(self) -> None:
        if self._editable:
            self.add_button.showMenu()

    @Slot()
    def _duplicate(self) -> None:
        if self._editable and 0 <= self.current_row < self.model.rowCount() - 1:
            self.duplicate_requested.emit(self.current_row)

    @Slot()
    def _remove(self) -> None:
        if self._editable and 0 <= self.current_row < self.model.rowCount() - 1:
            self.remove_requested.emit(self.current_row)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not self._editable:
            return
        point = self.list.viewport().mapFromGlobal(event.globalPos())
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.list.currentIndex() if keyboard else self.list.indexAt(point)
        if index.isValid():
            self.list.setCurrentIndex(index)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.tr("Add layer…") + "\tIns", self._open_menu)
        duplicate = menu.addAction(self.tr("Duplicate") + "\tCtrl+D", self._duplicate)
        remove = menu.addAction(self.tr("Remove") + "\tDel", self._remove)
        duplicate.setEnabled(self.duplicate_button.isEnabled())
        remove.setEnabled(self.remove_button.isEnabled())
        where = self.list.visualRect(index).center() if keyboard else point
        menu.popup(self.list.viewport().mapToGlobal(QPoint(where)))
        event.accept()

    def resizeEvent(self, event: object) -> None:
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()
