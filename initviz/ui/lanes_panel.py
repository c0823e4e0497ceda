"""The lanes: which networks race, how each fares, and which one is in focus."""

from __future__ import annotations

import html

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
)
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from initviz.experiment.text import Text
from initviz.telemetry.frame import LaneState
from initviz.telemetry.history import RunHistory
from initviz.ui.icons import set_icons
from initviz.ui.lane_cards import LaneCard, LaneCardDelegate, LaneCardModel
from initviz.ui.lane_figures import LaneFigures, lane_figures
from initviz.ui.lane_list import ColorButton, LaneList
from initviz.ui.lane_seeds import SeedsMenu, seeds_dialog
from initviz.ui.lane_text import difference_text
from initviz.ui.number_text import format_three
from initviz.ui.scope import Scope
from initviz.views.palette import Theme

REFRESH_MS = 200
"""Numbers that change faster cannot be read."""


class LanesPanel(QWidget):
    """Cards of all lanes, with everything that can be done to a lane.

    Args:
        scope: The document being edited, and the lane colours.
        parent: Qt parent.
    """

    menu_opened = Signal(QMenu, int)
    """The menu of a lane is about to be shown, so that others can add to it; the menu, and the lane's row."""

    def __init__(self, scope: Scope, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scope = scope
        self._session = scope.session
        self._states: tuple[LaneState, ...] = ()
        self._history: RunHistory | None = None
        self._names: tuple[tuple[str, str], ...] = ()
        self._problem: Text | None = None
        self.heading = QLabel()
        self.heading.setObjectName("section")
        self.count = QLabel()
        self.count.setObjectName("quiet")
        self.add_button = self._button(self._add)
        self.duplicate_button = self._button(self._duplicate)
        self.remove_button = self._button(self._remove)
        self.model = LaneCardModel(self)
        self.model.renamed.connect(self._rename)
        self.list = LaneList()
        self.list.setObjectName("laneList")
        self.list.setModel(self.model)
        self.list.setItemDelegate(LaneCardDelegate(self.list))
        self.list.dot_pressed.connect(self.choose_color)
        self.list.eye_pressed.connect(self.toggle_hidden)
        self.list.tip_requested.connect(self._show_tip)
        self.list.moved.connect(self._move)
        self.list.removal_requested.connect(self._remove)
        self.list.insertion_requested.connect(self._add)
        self.list.duplication_requested.connect(self._duplicate)
        self.list.selectionModel().currentChanged.connect(self._focus)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.message = QLabel()
        self.message.setObjectName("fieldProblem")
        self.message.setWordWrap(True)
        self.message.hide()
        top = QHBoxLayout()
        top.setContentsMargins(12, 6, 6, 2)
        top.setSpacing(2)
        top.addWidget(self.heading)
        top.addSpacing(6)
        top.addWidget(self.count)
        top.addStretch(1)
        for button in (self.add_button, self.duplicate_button, self.remove_button):
            top.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(2)
        column.addLayout(top)
        column.addWidget(self.list, 1)
        column.addWidget(self.message)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._show_cards)
        self._scope.changed.connect(self._refresh)
        self._session.hidden_changed.connect(self._show_cards)
        self._retranslate()

    def _button(self, pressed: object) -> QToolButton:
        button = QToolButton()
        button.setObjectName("panelButton")
        button.setAutoRaise(True)
        button.clicked.connect(pressed)
        return button

    # For the shell

    def update_lanes(self, states: tuple[LaneState, ...], history: RunHistory | None) -> None:
        """Show how the lanes fare; cheap, since cards are painted at most five times a second.

        Args:
            states: A state a lane, or none while there is no run.
            history: What the sparklines are drawn from.
        """
        outcomes = [state.outcome for state in states]
        news = outcomes != [state.outcome for state in self._states] or history is not self._history
        self._states = states
        self._history = history
        if news:
            self._timer.stop()
            self._show_cards()
        elif not self._timer.isActive():
            self._timer.start()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours and sizes of another theme."""
        self._scope.set_theme(theme)
        set_icons(
            {"add": self.add_button, "duplicate": self.duplicate_button, "remove": self.remove_button}, theme
        )

    def wanted_height(self) -> int:
        """Return the height at which every card is seen."""
        layout = self.layout()
        around = layout.sizeHint().height() - self.list.sizeHint().height() if layout is not None else 0
        return around + self.model.rowCount() * self.list.sizeHintForRow(0) + 2

    # What a person does

    @Slot()
    def _add(self) -> None:
        if self.add_button.isEnabled():
            self._say(self._try("add"))

    @Slot()
    def _duplicate(self) -> None:
        if self.duplicate_button.isEnabled():
            self._say(self._try("duplicate"))

    @Slot()
    def _remove(self) -> None:
        if self.model.rowCount() > 1:
            self._say(self._try("remove"))

    @Slot(int, int)
    def _move(self, source: int, target: int) -> None:
        self._say(None if self._session.move_lane(source, target) else self._scope.last_refusal)

    @Slot(int, str)
    def _rename(self, row: int, name: str) -> None:
        self._say(None if self._session.rename_lane(row, name) else self._scope.last_refusal)

    @Slot()
    def rename_current(self) -> None:
        """Let the name of the lane in focus be edited."""
        self.list.edit(self.list.currentIndex())

    @Slot(int)
    def toggle_hidden(self, row: int) -> None:
        """Draw a lane's curves, or not."""
        self._session.set_lane_hidden(row, row not in self._session.hidden_lanes)

    @Slot(int)
    def choose_color(self, row: int) -> None:
        """Offer the colours that a lane can have."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._add_colors(menu, row)
        box = self.list.visualRect(self.model.index(row))
        menu.popup(self.list.viewport().mapToGlobal(box.bottomLeft() + QPoint(8, 0)))

    def _add_colors(self, menu: QMenu, row: int) -> None:
        holder = QWidget(menu)
        grid = QGridLayout(holder)
        grid.setContentsMargins(8, 8, 8, 8)
        grid.setSpacing(4)
        current = self._session.experiment.written_lanes[row].color
        for color, style in enumerate(self._scope.theme.lanes):
            button = ColorButton(style.color, color == current, holder)
            button.setObjectName(f"laneColor{color}")
            button.setToolTip(self.tr("Colour {number}").format(number=color + 1))
            button.setProperty("lane", row)
            button.setProperty("color", color)
            button.clicked.connect(self._recolor)
            button.clicked.connect(menu.close)
            grid.addWidget(button, color // 8, color % 8)
        action = QWidgetAction(menu)
        action.setDefaultWidget(holder)
        menu.addAction(action)

    @Slot()
    def _recolor(self) -> None:
        button = self.sender()
        if button is not None:
            self._session.recolor_lane(int(button.property("lane")), int(button.property("color")))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        point = self.list.viewport().mapFromGlobal(event.globalPos())
        index = self.list.currentIndex() if keyboard else self.list.indexAt(point)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if index.isValid():
            self.list.setCurrentIndex(index)
            self._fill_menu(menu, index.row())
            menu.addSeparator()
        add = menu.addAction(self.tr("Add lane") + "\tIns", self._add)
        add.setEnabled(self.add_button.isEnabled())
        where = self.list.visualRect(index).center() if keyboard else point
        menu.popup(self.list.viewport().mapToGlobal(where))
        event.accept()

    def _fill_menu(self, menu: QMenu, row: int) -> None:
        menu.addAction(self.tr("Rename") + "\tF2", self.rename_current)
        hidden = row in self._session.hidden_lanes
        toggle = QAction(self.tr("Show its curves") if hidden else self.tr("Hide its curves"), menu)
        toggle.triggered.connect(self._toggle_current)
        menu.addAction(toggle)
        colors = menu.addMenu(self.tr("Colour"))
        self._add_colors(colors, row)
        seeds = SeedsMenu(len(self._session.experiment.groups[row]), self._room, menu)
        seeds.chosen.connect(self._repeat_current)
        seeds.other_wanted.connect(self._ask_seeds)
        menu.addMenu(seeds)
        self.menu_opened.emit(menu, row)
        menu.addSeparator()
        duplicate = menu.addAction(self.tr("Duplicate") + "\tCtrl+D", self._duplicate)
        duplicate.setEnabled(self.duplicate_button.isEnabled())
        remove = menu.addAction(self.tr("Remove") + "\tDel", self._remove)
        remove.setEnabled(self.remove_button.isEnabled())

    @Slot(int)
    def _repeat_current(self, times: int) -> None:
        accepted = self._session.repeat_lane(self.list.current_row(), times)
        self._say(None if accepted else self._scope.last_refusal)

    @Slot()
    def _ask_seeds(self) -> None:
        current = len(self._session.experiment.groups[self.list.current_row()])
        dialog = seeds_dialog(current, current + self._room, self)
        dialog.intValueSelected.connect(self._repeat_current)
        dialog.open()

    @Slot()
    def _toggle_current(self) -> None:
        self.toggle_hidden(self.list.current_row())

    # What is shown

    @property
    def _room(self) -> int:
        """How many more networks can race."""
        return max(0, self._session.limits.networks - len(self._session.experiment.lanes))

    def tooltip(self, row: int, zone: str) -> str:
        """Return what the pointer shows over a piece of a card."""
        if not 0 <= row < len(self.model.cards):
            return ""
        card = self.model.cards[row]
        if zone == "dot":
            return self.tr("Choose another colour")
        if zone == "eye":
            return self.tr("Show its curves") if card.hidden else self.tr("Hide its curves")
        status = f"{card.status_words} · {card.status_detail}" if card.status_detail else card.status_words
        lines = [f"<b>{html.escape(card.name)}</b>"]
        if card.difference.casefold() != card.name.casefold():
            lines.append(html.escape(card.difference))
        lines.append(status)
        if card.loss and card.num_seeds > 1:
            said = self.tr("Training loss, mean of {count} seeds: {loss}")
            lines.append(said.format(count=card.num_seeds, loss=card.loss))
        elif card.loss:
            lines.append(self.tr("Training loss: {loss}").format(loss=card.loss))
        lines.append(self.tr("Double click or F2 renames, drag or Alt+arrow moves."))
        lines.append(self.tr("Ctrl+] adds a seed, Ctrl+[ takes one away."))
        return "<br>".join(lines)

    @Slot(int, str, QPoint)
    def _show_tip(self, row: int, zone: str, place: QPoint) -> None:
        QToolTip.showText(place, self.tooltip(row, zone), self.list)

    def _try(self, what: str) -> Text | None:
        row = max(self.list.current_row(), 0)
        if what == "add":
            accepted = self._session.add_lane()
        elif what == "duplicate":
            accepted = self._session.duplicate_lane(row)
        else:
            accepted = self._session.remove_lane(row)
        return None if accepted else self._scope.last_refusal

    def _say(self, problem: Text | None) -> None:
        self._problem = problem
        said = self._scope.sentence(problem)
        self.message.setText(said)
        self.message.setVisible(bool(said))
        self.updateGeometry()

    @Slot(QModelIndex, QModelIndex)
    def _focus(self, current: QModelIndex, before: QModelIndex) -> None:
        if current.isValid():
            self._session.set_focus_lane(current.row())

    @Slot()
    def _refresh(self) -> None:
        self._names = ()
        self._show_cards()
        row = self._scope.focus_lane
        if self.list.current_row() != row and row < self.model.rowCount():
            selection = self.list.selectionModel()
            selection.setCurrentIndex(self.model.index(row), QItemSelectionModel.SelectionFlag.ClearAndSelect)
        experiment, most = self._session.experiment, self._session.limits.lanes
        count, room = len(experiment.groups), self._room
        self.count.setText(self.tr("{count} of {most}").format(count=count, most=most))
        self.count.setToolTip(
            self.tr(
                "Lanes that race, of the most that can; with their seeds, {count} networks of {most}"
            ).format(count=len(experiment.lanes), most=self._session.limits.networks)
        )
        full = self.tr("{most} lanes are the most that can race.").format(most=most)
        can_add = count < most and room > 0
        can_duplicate = count < most and len(experiment.groups[row]) <= room
        self.add_button.setEnabled(can_add)
        self.duplicate_button.setEnabled(can_duplicate)
        self.remove_button.setEnabled(self.model.rowCount() > 1)
        self.add_button.setToolTip(self.tr("Add a lane (Insert)") if can_add else full)
        self.duplicate_button.setToolTip(
            self.tr("Duplicate the lane in focus (Ctrl+D)") if can_duplicate else full
        )
        self.remove_button.setToolTip(
            self.tr("Remove the lane in focus (Delete)")
            if self.model.rowCount() > 1
            else self.tr("One lane at least must stay.")
        )
        self.updateGeometry()

    @Slot()
    def _show_cards(self) -> None:
        experiment = self._session.experiment
        if not self._names:
            self._names = tuple(
                (lane.name, difference_text(experiment, lane, self._session.catalogue))
                for lane in experiment.written_lanes
            )
        figures = lane_figures(self._states, self._history)
        cards: list[LaneCard] = []
        for row, (name, difference) in enumerate(self._names):
            known = figures.get(name, LaneFigures())
            cards.append(
                LaneCard(
                    name=name,
                    color=self._scope.color(row),
                    difference=difference,
                    status=known.status,
                    status_words=known.words,
                    status_detail=known.detail,
                    loss=format_three(known.loss) if known.has_begun else "",
                    spark=known.spark,
                    hidden=row in self._session.hidden_lanes,
                    num_seeds=len(experiment.groups[row]),
                )
            )
        self.model.set_cards(cards)

    def _retranslate(self) -> None:
        self.heading.setText(self.tr("Lanes"))
        self.list.setAccessibleName(self.tr("Lanes"))
        self.add_button.setAccessibleName(self.tr("Add lane"))
        self.duplicate_button.setAccessibleName(self.tr("Duplicate lane"))
        self.remove_button.setAccessibleName(self.tr("Remove lane"))
        self._say(self._problem)
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)
