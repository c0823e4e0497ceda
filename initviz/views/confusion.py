"""Which class each lane takes the examples of each class for, and how many of each class it gets right."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Confusion, Floats
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import multiples as cells
from initviz.views.axes import Axis, Tick
from initviz.views.base import View
from initviz.views.ink import Ink
from initviz.views.lane_status import diverged_at, status_text
from initviz.views.magnitude import Codes, share_codes, share_table
from initviz.views.multiples import Cell, Multiples
from initviz.views.numbers import percent
from initviz.views.palette import contrast
from initviz.views.plot import Readout, ReadoutRow
from initviz.views.saving import Row

_STRIP = 0.3
"""Width of the bars beside a matrix, as a share of the matrix, and of the gap before them."""
_GAP = 0.04
_LONGEST_NAME = 9.0
"""Widest class name, in multiples of the small type."""
_LEGEND_FROM = 190.0
_MOST_NAMES = 12
"""Up to so many classes every column is named, shortened where need be."""


class ConfusionView(View):
    """One small matrix a lane: a row a true class, a column an answer; beside it, the accuracy of each class."""

    KEY = "confusion"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._multiples: Multiples | None = None

    def title(self) -> str:
        return self.tr("Confusion matrix")

    def sentence(self) -> str:
        return self.tr(
            "Each row is a true class, each column an answer: a lane that learns fills the diagonal, one that has"
            " learned nothing fills a single column, and rare classes have the shortest bars."
        )

    def invitation(self) -> str:
        if self.info is not None and self.info.task == "regression":
            return self.tr(
                "This data set has no classes to confuse.\nChoose a data set with classes, then press space."
            )
        return self.tr(
            "Press space to play.\nWhich class each lane takes for which appears here, and how many of each class it"
            " gets right."
        )

    def version(self) -> int:
        confusion = self._confusion()
        states = self.history.lanes if self.history is not None else ()
        outcomes = tuple((state.outcome, state.diverged_at) for state in states)
        return hash((confusion.step, id(confusion), outcomes)) if confusion is not None else -1

    def has_data(self) -> bool:
        return self._confusion() is not None

    def _confusion(self) -> Confusion | None:
        frame = self.history.frame if self.history is not None else None
        return frame.confusion if frame is not None else None

    def cells(self) -> tuple[Cell, ...]:
        """Return the small plots as they were last drawn."""
        return self._multiples.cells if self._multiples is not None else ()

    def class_name(self, index: int) -> str:
        """Return what a class is called."""
        names = self.info.class_names if self.info is not None else ()
        return names[index] if index < len(names) else str(index)

    def draw(self, ink: Ink, area: QRectF) -> None:
        confusion = self._confusion()
        assert confusion is not None
        count = confusion.counts.shape[1]
        strip = (_STRIP + _GAP) * count
        x, y = Axis(-0.5, count - 0.5 + strip), Axis(-0.5, count - 0.5)
        legend = self.theme.small_px + 10.0 if area.height() > _LEGEND_FROM * self.theme.unit else 0.0
        room = area.adjusted(0, legend, -4, -4)
        labels = (*self._row_ticks(count, None), Tick(-1.0, self.tr("true")))
        multiples = cells.arrange(self, room, x, y, (count + strip) / count, labels, square=True)
        margin = min(cell.plot.rect.left() for cell in multiples.cells) - room.left()
        multiples = cells.centered(multiples, room, margin)
        if ink.painter.device() is self.canvas.image:
            self._multiples = multiples
        key = (multiples.key, confusion.held_back, legend)
        self.backdrop(
            ink, key, lambda target: self._draw_backdrop(target, area, multiples, confusion, legend)
        )
        accuracy = confusion.class_accuracy()
        for cell in multiples.cells:
            self._draw_cell(ink, cell, confusion, accuracy[cell.lane])
        cells.draw_names(self, ink, multiples, self._note, framed=False)

    def _note(self, lane: int) -> str:
        if diverged_at(self.history, lane) is not None:
            return status_text(self.history, lane)
        confusion = self._confusion()
        total = int(confusion.counts[lane].sum()) if confusion is not None else 0
        return (
            percent(float(np.trace(confusion.counts[lane])) / total)
            if confusion is not None and total
            else ""
        )

    def _names(self, count: int, room: float) -> list[str]:
        size = self.theme.small_px
        return [lettering.elide(self.class_name(index), room, size) for index in range(count)]

    def _row_ticks(self, count: int, pitch: float | None) -> tuple[Tick, ...]:
        """Return the names of the true classes, from top to bottom, as many as there is room for."""
        size = self.theme.small_px
        every = 1 if pitch is None else max(1, math.ceil((size + 2) / max(pitch, 0.1)))
        names = self._names(count, _LONGEST_NAME * size)
        return tuple(Tick(float(count - 1 - row), names[row]) for row in range(0, count, every))

    def _column_ticks(self, count: int, pitch: float) -> tuple[Tick, ...]:
        size = self.theme.small_px
        widest = max(lettering.text_width(self.class_name(index), size) for index in range(count))
        if widest + 4 <= pitch:
            return tuple(Tick(float(column), self.class_name(column)) for column in range(count))
        if count <= _MOST_NAMES and pitch >= 1.6 * size:
            return tuple(
                Tick(float(column), name) for column, name in enumerate(self._names(count, pitch - 3))
            )
        every = max(1, math.ceil((min(widest, _LONGEST_NAME * size) + 6) / max(pitch, 0.1)))
        names = self._names(count, _LONGEST_NAME * size)
        return tuple(Tick(float(column), names[column]) for column in range(0, count, every))

    def _draw_backdrop(
        self, ink: Ink, area: QRectF, multiples: Multiples, confusion: Confusion, legend: float
    ) -> None:
        ink.fill(area, self.theme.surface)
        count = confusion.counts.shape[1]
        pitch = multiples.cells[0].plot.rect.height() / count
        cells.draw_numbers(
            self,
            ink,
            multiples,
            self.tr("answer"),
            self._column_ticks(count, pitch),
            self._row_ticks(count, pitch),
        )
        first = next(cell for cell in multiples.cells if cell.first_column and cell.last_row)
        rect, size = first.plot.rect, self.theme.small_px
        ink.text(
            rect.left() - 6, rect.bottom() + 6 + size / 2, self.tr("true"), self.theme.muted, size, inks.RIGHT
        )
        if legend:
            self._draw_legend(ink, area, confusion)

    def _draw_legend(self, ink: Ink, area: QRectF, confusion: Confusion) -> None:
        """Explain colour and bars in a line above the matrices; what does not fit is left out."""
        theme = self.theme
        size, y = theme.small_px, area.top() + 6 + theme.small_px / 2
        x = area.left() + 8
        x += ink.text(x, y, self.tr("share of the row: 0"), theme.muted, size) + 6
        bar = QRectF(x, y - 5, 8.0 * size, 10)
        levels = share_codes(np.linspace(0.0, 1.0, 128)[None], 1.0)
        ink.picture(bar, levels, share_table(theme))
        ink.frame(bar, theme.border)
        x = bar.right() + 6
        x += ink.text(x, y, percent(1.0), theme.muted, size) + 18
        held = self.tr("examples held back") if confusion.held_back else self.tr("training examples")
        for text in (self.tr("bars: accuracy by class"), held):
            if x + lettering.text_width(text, size) > area.right() - 8:
                return
            x += ink.text(x, y, text, theme.muted, size) + 18

    def _draw_cell(self, ink: Ink, cell: Cell, confusion: Confusion, accuracy: Floats) -> None:
        counts = confusion.counts[cell.lane]
        matrix = self._matrix(cell, len(counts))
        style = self.lane_style(cell.lane)
        if not counts.sum():
            ink.fill(matrix, self.theme.unknown)
            ink.death(matrix.center().x(), matrix.center().y(), style.color, 8.0)
        else:
            totals = counts.sum(axis=1, keepdims=True)
            shares = np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
            codes = share_codes(shares, 1.0)
            ink.picture(matrix, codes, share_table(self.theme))
            self._draw_counts(ink, matrix, counts, codes)
            self._draw_accuracies(ink, cell, matrix, accuracy)
        thick = 2.0 if cell.lane == self.focus_lane else 1.0
        ink.frame(matrix.adjusted(-thick, -thick, thick, thick), style.color, thick)

    @staticmethod
    def _matrix(cell: Cell, count: int) -> QRectF:
        rect = cell.plot.rect
        return QRectF(
            rect.left(), rect.top(), float(cell.plot.px(np.array(count - 0.5))) - rect.left(), rect.height()
        )

    def _draw_counts(self, ink: Ink, matrix: QRectF, counts: np.ndarray, codes: Codes) -> None:
        """Write the counts into the fields where they fit."""
        size, pitch = self.theme.small_px, matrix.height() / len(counts)
        widest = lettering.number_width(str(int(counts.max())), size)
        if widest + 4 > pitch or size + 3 > pitch:
            return
        table = share_table(self.theme)
        inks_for = {code: self._ink_on(int(table[code])) for code in np.unique(codes).tolist()}
        for row, column in zip(*np.nonzero(counts), strict=True):
            x = matrix.left() + (column + 0.5) * pitch
            y = matrix.top() + (row + 0.5) * pitch
            color = inks_for[int(codes[row, column])]
            ink.text(x, y, str(int(counts[row, column])), color, size, inks.CENTER)

    def _ink_on(self, packed: int) -> str:
        """Return which of text and surface is better read on a colour."""
        color = f"#{packed & 0xFFFFFF:06x}"
        return max((self.theme.text, self.theme.surface), key=lambda shade: contrast(shade, color))

    def _draw_accuracies(self, ink: Ink, cell: Cell, matrix: QRectF, accuracy: Floats) -> None:
        count, size = len(accuracy), self.theme.small_px
        pitch = matrix.height() / count
        left = matrix.right() + _GAP * matrix.width()
        room = max(4.0, cell.plot.rect.right() - left)
        height = max(1.0, pitch - max(1.0, 0.25 * pitch))
        tops = matrix.top() + np.arange(count) * pitch + (pitch - height) / 2
        known = np.nan_to_num(accuracy, nan=0.0)
        full = np.stack((np.full(count, left), tops, np.full(count, room), np.full(count, height)), axis=1)
        ink.bars(full, self.theme.grid)
        bars = full.copy()
        bars[:, 2] = known * room
        ink.bars(bars, self.lane_style(cell.lane).color)
        if size + 2 > pitch or 2 * lettering.number_width(percent(1.0), size) > 1.8 * room:
            return
        style = self.lane_style(cell.lane)
        inside = max((self.theme.text, self.theme.surface), key=lambda shade: contrast(shade, style.color))
        for row, value in enumerate(accuracy.tolist()):
            if math.isnan(value):
                continue
            text, y, end = percent(value), matrix.top() + (row + 0.5) * pitch, left + value * room
            if value > 0.5:
                ink.text(end - 4, y, text, inside, size, inks.RIGHT)
            else:
                ink.text(end + 4, y, text, self.theme.text, size)

    def read_out(self, place: QPointF) -> Readout | None:
        cell = self._multiples.at(place) if self._multiples is not None else None
        confusion = self._confusion()
        if cell is None or confusion is None or not cell.plot.rect.contains(place):
            return None
        count = confusion.counts.shape[1]
        matrix = self._matrix(cell, count)
        pitch = matrix.height() / count
        row = min(int((place.y() - matrix.top()) / pitch), count - 1)
        column = int((place.x() - matrix.left()) / pitch)
        true = self.class_name(row)
        if column >= count:
            column = row
            heading = self.tr("class {name}").format(name=true)
        else:
            heading = self.tr("true {true}, answer {answer}").format(
                true=true, answer=self.class_name(column)
            )
        rows = []
        for lane in self.shown_lanes():
            number, total = int(confusion.counts[lane, row, column]), int(confusion.counts[lane, row].sum())
            share = percent(number / total) if total else percent(float("nan"))
            text = self.tr("{number} of {total}  {share}").format(number=number, total=total, share=share)
            rows.append(ReadoutRow(lane, self.lane_name(lane), text))
        return Readout(cell.plot.rect, heading, tuple(rows), x=place.x(), y=place.y())

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [["lane", "true_class", "answer", "count", "share_of_class", "step"]]
        confusion = self._confusion()
        if confusion is None:
            return rows
        for lane, counts in zip(self.info.lanes, confusion.counts, strict=True):
            for row, numbers in enumerate(counts.tolist()):
                total = sum(numbers)
                rows += [
                    [
                        lane.name,
                        self.class_name(row),
                        self.class_name(column),
                        number,
                        number / total if total else "",
                        confusion.step,
                    ]
                    for column, number in enumerate(numbers)
                ]
        return rows
