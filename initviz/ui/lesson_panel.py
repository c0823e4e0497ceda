"""What the scenario teaches, with the formula of the selected start and what it drew."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFont, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from initviz.telemetry.frame import RunInfo
from initviz.telemetry.history import RunHistory
from initviz.ui.formula import FormulaView
from initviz.ui.icons import icon
from initviz.ui.language import current_language
from initviz.ui.number_text import format_three
from initviz.ui.scenarios import lesson
from initviz.ui.session import Session
from initviz.ui.why_text import WhyText
from initviz.views.palette import Theme

SHOWN_LAYERS = 3
LINE_HEIGHT_PERCENT = 116


class LessonPanel(QFrame):
    """The right column.

    Args:
        session: Whose lane in focus is explained.
        parent: Qt parent.
    """

    fold_asked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._session = session
        self._info: RunInfo | None = None
        self._history: RunHistory | None = None
        self._section_px = 16
        self._swatch_colors: tuple[str, ...] = ()
        self._heading = QLabel()
        self._heading.setObjectName("section")
        self._fold = QToolButton()
        self._fold.setAutoRaise(True)
        self._fold.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._fold.clicked.connect(self.fold_asked)
        self._text = QTextBrowser()
        self._text.setObjectName("lesson")
        self._text.setOpenExternalLinks(True)
        self._text.document().setDocumentMargin(0)
        self._text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._lane = QLabel()
        self._lane.setObjectName("strong")
        self._lane.setWordWrap(True)
        self._start = QLabel()
        self._start.setObjectName("quiet")
        self._start.setWordWrap(True)
        self.why = WhyText()
        self.formula = FormulaView()
        self._table = QGridLayout()
        self._table.setHorizontalSpacing(16)
        self._table.setVerticalSpacing(4)
        self._cells = [[QLabel() for _ in range(3)] for _ in range(SHOWN_LAYERS + 1)]
        self._lay_out()
        session.experiment_changed.connect(self._show_start)
        session.focus_changed.connect(self._show_start)
        session.origin_changed.connect(self._show_lesson)
        self._retranslate()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(0)
        top.addWidget(self._heading, 1)
        top.addWidget(self._fold)
        rule = QFrame()
        rule.setObjectName("rule")
        for row, cells in enumerate(self._cells):
            for column, cell in enumerate(cells):
                cell.setObjectName("quiet" if row == 0 else "number" if column else "plain")
                if column:
                    cell.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self._table.addWidget(cell, row, column)
        self._table.setColumnStretch(0, 1)
        column_box = QVBoxLayout(self)
        column_box.setContentsMargins(16, 8, 8, 16)
        column_box.setSpacing(8)
        column_box.addLayout(top)
        inner = QVBoxLayout()
        inner.setContentsMargins(0, 0, 8, 0)
        inner.setSpacing(8)
        inner.addWidget(self._text, 1)
        inner.addWidget(rule)
        inner.addWidget(self._lane)
        inner.addWidget(self._start)
        inner.addWidget(self.why)
        inner.addWidget(self.formula)
        inner.addLayout(self._table)
        column_box.addLayout(inner, 1)

    def set_run(self, info: RunInfo | None, history: RunHistory | None) -> None:
        """Show what another run has drawn, and what becomes of it."""
        self._info, self._history = info, history
        self._show_start()

    def set_theme(self, theme: Theme) -> None:
        """Look otherwise."""
        self._section_px = theme.section_px
        self._swatch_colors = tuple(style.ink for style in theme.lanes)
        self._fold.setIcon(icon("chevron-right", theme.muted))
        edge = round(16 * theme.base_px / 13)
        self._fold.setIconSize(QSize(edge, edge))
        self._show_lesson()
        self._show_start()

    def text(self) -> str:
        """Return the lesson as it reads."""
        return self._text.toPlainText()

    def _show_lesson(self) -> None:
        key = self._session.origin.scenario
        written = lesson(key, current_language()) if key else ""
        if not written:
            written = self.tr(
                "## Your own experiment\n\nPress the space bar and compare the lanes. Scenarios with a lesson "
                "are in the menu at the top left."
            )
        self._text.setFont(self.font())
        self._text.setMarkdown(written)
        self._set_type()

    def _set_type(self) -> None:
        """Give headings and paragraphs our sizes; Markdown brings its own."""
        document = self._text.document()
        document.setDefaultFont(self.font())
        cursor = QTextCursor(document)
        block = document.begin()
        first = True
        while block.isValid():
            level = block.blockFormat().headingLevel()
            layout = QTextBlockFormat()
            layout.setLineHeight(
                LINE_HEIGHT_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
            )
            layout.setTopMargin(0 if first else 12 if level else 0)
            layout.setBottomMargin(4 if level else 8)
            cursor.setPosition(block.position())
            cursor.mergeBlockFormat(layout)
            if level:
                cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
                letters = QTextCharFormat()
                letters.setProperty(QTextCharFormat.Property.FontSizeAdjustment, 0)
                font = QFont(self.font())
                font.setPixelSize(self._section_px if level <= 1 else self.font().pixelSize())
                font.setWeight(QFont.Weight.Bold)
                letters.setFont(font, QTextCharFormat.FontPropertiesInheritanceBehavior.FontPropertiesAll)
                cursor.mergeCharFormat(letters)
            first = False
            block = block.next()

    def _show_start(self) -> None:
        experiment = self._session.experiment
        written = experiment.written_lanes
        index = min(self._session.focus_lane, len(written) - 1)
        lane = written[index]
        part = self._session.catalogue.get("initializer", lane.recipe.init.weight.name)
        self._lane.setText(lane.name)
        if self._swatch_colors:
            color = self._swatch_colors[lane.color % len(self._swatch_colors)]
            self._lane.setStyleSheet(f"color: {color}; font-weight: 700;")
        title = part.title.in_language(current_language())
        self._start.setText(title)
        self._start.setVisible(title.casefold() != lane.name.casefold())
        self.formula.set_formula(part.formula)
        firsts = self._info.firsts if self._info is not None else ()
        info = firsts[index] if index < len(firsts) else None
        if info is not None and info.title != lane.name:
            info = None  # of a run that an edit is about to replace
        self.why.show_lane(self._history if info is not None else None, index)
        layers = _telling_layers(len(info.layers)) if info is not None else ()
        for row, cells in enumerate(self._cells):
            shown = 0 < row <= len(layers) or (row == 0 and bool(layers))
            for cell in cells:
                cell.setVisible(shown)
            if row and shown and info is not None:
                layer = layers[row - 1]
                cells[0].setText(info.layers[layer].replace("_", " "))
                cells[1].setText(_std(info.target_stds[layer]))
                cells[2].setText(_std(info.drawn_stds[layer]))

    def _retranslate(self) -> None:
        self._heading.setText(self.tr("Lesson"))
        self._fold.setToolTip(self.tr("Fold the lesson (F4)"))
        self._fold.setAccessibleName(self.tr("Fold the lesson"))
        self._text.setAccessibleName(self.tr("Lesson"))
        for cell, said, tip in zip(
            self._cells[0],
            (self.tr("Layer"), self.tr("std aimed at"), self.tr("std drawn")),
            (
                self.tr("Layers with weights, from the input"),
                self.tr("Standard deviation that the formula gives for this layer"),
                self.tr("Standard deviation of the numbers that were drawn"),
            ),
            strict=True,
        ):
            cell.setText(said)
            cell.setToolTip(tip)
        self._show_lesson()
        self._show_start()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)


def _telling_layers(count: int) -> tuple[int, ...]:
    """Return the first two layers, whose fans differ, and the last: as many as there are."""
    return tuple(range(count)) if count <= SHOWN_LAYERS else (0, 1, count - 1)


def _std(value: float) -> str:
    return "–" if math.isnan(value) else format_three(value)
