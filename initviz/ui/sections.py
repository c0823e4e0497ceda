"""Forms under headings that open and close, one at a time."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from initviz.ui.icons import icon


class SectionHeader(QPushButton):
    """A heading; while its section is closed it also says in a few words what is chosen there."""

    def __init__(self) -> None:
        super().__init__()
        self._summary = ""
        self._color = "#808080"
        self.setObjectName("sectionHeader")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_summary(self, summary: str, color: str) -> None:
        """Say what is chosen, in the colour of quiet writing."""
        self._summary, self._color = summary, color
        self.setAccessibleDescription(summary)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._summary or self.isChecked():
            return
        painter = QPainter(self)
        font = QFont(self.font())
        font.setWeight(QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(QColor(self._color))
        taken = self.iconSize().width() + self.fontMetrics().horizontalAdvance(self.text()) + 32
        room = self.rect().adjusted(taken, 0, -12, 0)
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(self._summary, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.end()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what it opens."""

    header: SectionHeader
    body: QScrollArea


class Sections(QFrame):
    """A column of headings; the open one takes the room that is left.

    Args:
        parent: Qt parent.
    """

    opened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._sections: list[Section] = []
        self._color = "#000000"
        self._edge = 14
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(1, 4, 1, 4)
        self._column.setSpacing(0)
        self._column.addStretch(0)

    def set_top(self, widget: QWidget) -> None:
        """Put something above the headings."""
        self._column.insertWidget(0, widget)

    def add(self) -> int:
        """Add a section at the bottom, closed and empty; return its number."""
        number = len(self._sections)
        header = SectionHeader()
        header.setProperty("number", number)
        header.clicked.connect(self._header_clicked)
        body = QScrollArea()
        body.setWidgetResizable(True)
        body.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body.viewport().setAutoFillBackground(False)
        body.hide()
        self._sections.append(Section(header, body))
        place = self._column.count() - 1
        self._column.insertWidget(place, header)
        self._column.insertWidget(place + 1, body, 1)
        return number

    def fill(self, number: int, content: QWidget) -> None:
        """Put something into a section."""
        content.setAutoFillBackground(False)
        self._sections[number].body.setWidget(content)
        content.setAutoFillBackground(False)  # the area has just set it

    def set_title(self, number: int, title: str, tip: str) -> None:
        """Name a section."""
        header = self._sections[number].header
        header.setText(title)
        header.setToolTip(tip)
        header.setAccessibleName(title)

    def set_summary(self, number: int, summary: str) -> None:
        """Say in a section's heading what is chosen there."""
        self._sections[number].header.set_summary(summary, self._color)

    def open_section(self, number: int) -> None:
        """Open one section and close the rest; -1 closes all."""
        for place, section in enumerate(self._sections):
            section.header.setChecked(place == number)
            section.body.setVisible(place == number)
        self._column.setStretch(self._column.count() - 1, 0 if number >= 0 else 1)
        self._draw_icons()
        self.opened.emit(number)

    def open_number(self) -> int:
        """Return the open section, -1 where all are closed."""
        return next((n for n, section in enumerate(self._sections) if section.header.isChecked()), -1)

    def header(self, number: int) -> SectionHeader:
        """Return a section's heading."""
        return self._sections[number].header

    def set_color(self, color: str, factor: float) -> None:
        """Draw the icons in the theme's colour and size."""
        self._color = color
        self._edge = round(14 * factor)
        self._draw_icons()

    def _draw_icons(self) -> None:
        for section in self._sections:
            name = "chevron-down" if section.header.isChecked() else "chevron-right"
            section.header.setIcon(icon(name, self._color))
            section.header.setIconSize(QSize(self._edge, self._edge))

    @Slot()
    def _header_clicked(self) -> None:
        header = self.sender()
        if isinstance(header, SectionHeader):
            self.open_section(header.property("number") if header.isChecked() else -1)
