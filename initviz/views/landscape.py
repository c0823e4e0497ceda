"""The loss around every lane's weights: a map along two random directions, or a curve along one."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QProgressBar, QToolButton, QVBoxLayout, QWidget

from initviz.telemetry.landscape import (
    COLUMNS,
    LINE_POINTS,
    REACHES,
    RESOLUTIONS,
    Landscape,
    LandscapeRequest,
)
from initviz.views import lettering
from initviz.views import multiples as cells
from initviz.views import plot as plots
from initviz.views.axes import Axis, nice_step
from initviz.views.base import View
from initviz.views.choice_button import ChoiceButton
from initviz.views.color_bar import draw_value_bar, value_bar_width
from initviz.views.contours import between, contour
from initviz.views.end_labels import EndLabel, draw_end_labels, label_room
from initviz.views.ink import Ink
from initviz.views.landscape_numbers import decades_of, place_text, range_of
from initviz.views.magnitude import EXPLODED_CODE, magnitude_codes, magnitude_table
from initviz.views.multiples import Cell, Multiples
from initviz.views.numbers import plain, significant, whole
from initviz.views.palette import Theme
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row

LINE = "line"
"""Key of the choice of a single direction, beside the numbers of points."""
_PARTS = 1000
_CONTOURS = 14
_FINER = 8
"""Pixels of a map between two points that were evaluated."""
_REACH_FROM = 28.0
"""Width of the canvas, in multiples of the type, from which the head has room for the reach too."""
_BAR_FROM = 260.0
_CAPTION_FROM = 170.0
_LIGHT_FROM = 0.55
"""Share of the colours from which lines drawn over them are dark."""


class LandscapeView(View):
    """One map a lane, or all lanes in one plot; worked out when asked for, while training goes on.

    Signals:
        requested: The person wants losses; a ``LandscapeRequest``.
        cancelled: The person does not want them any more.
    """

    KEY = "landscape"

    requested = Signal(object)
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._multiples: Multiples | None = None
        self._plot: Plot | None = None
        self._fraction: float | None = None
        self.points_button, self.reach_button = ChoiceButton(self), ChoiceButton(self)
        self.compute_button = QToolButton(self)
        self.compute_entry = QAction(self)
        for button in (self.points_button, self.reach_button, self.compute_button):
            self.controls.addWidget(button)
        first = self.menu.actions()[0]
        self.menu.insertAction(first, self.compute_entry)
        self.menu.insertSeparator(first)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, _PARTS)
        self.bar.setTextVisible(False)
        self.bar.hide()
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(1, self.bar)
        self._fill_choices(str(RESOLUTIONS[1]), str(1.0))
        self.compute_button.clicked.connect(self.compute)
        self.canvas.resized.connect(self._fit)
        self.compute_entry.triggered.connect(self.compute)
        self._fit()

    # Words

    def title(self) -> str:
        return self.tr("Loss landscape")

    def sentence(self) -> str:
        return self.tr(
            "How the loss changes when every filter is moved at random by up to its own length: a wide bowl around the"
            " mark is easy to train in, a flat plain gives no direction, and walls throw a step back."
        )

    def invitation(self) -> str:
        if self._fraction is not None:
            return self.tr("Working it out…\nThe loss around the weights of every lane appears here.")
        return self.tr(
            "Press “Compute” above, before or after you press space to play.\nThe loss around the weights of every"
            " lane appears here; training goes on meanwhile."
        )

    def retranslate(self) -> None:
        self._fill_choices(self.points_button.current, self.reach_button.current)
        self.reach_button.describe(self.tr("How far to move, in lengths of each filter"))
        self.points_button.describe(self.tr("How finely to look along two directions, or along one alone"))
        self.bar.setAccessibleName(self.tr("Progress of the loss landscape"))
        self._say_compute()
        super().retranslate()

    def _fill_choices(self, points: str, reach: str) -> None:
        planes = [(str(side), f"{side} × {side}") for side in RESOLUTIONS]
        self.points_button.set_alternatives([*planes, (LINE, self.tr("line"))], points)
        self.reach_button.set_alternatives([(str(far), f"±{plain(far)}") for far in REACHES], reach)

    def _say_compute(self) -> None:
        computing = self._fraction is not None
        word = self.tr("Cancel") if computing else self.tr("Compute")
        tip = (
            self.tr("Give it up; training is not touched")
            if computing
            else self.tr("Work out the loss around the weights as they are now; training goes on")
        )
        self.compute_button.setText(word)
        self.compute_entry.setText(word)
        self.compute_button.setToolTip(tip)
        self.compute_button.setAccessibleName(word)

    # What a person does

    def request(self) -> LandscapeRequest:
        """Return what the choices ask for."""
        points, reach = self.points_button.current, float(self.reach_button.current)
        if points == LINE:
            return LandscapeRequest(False, reach, LINE_POINTS)
        return LandscapeRequest(True, reach, int(points))

    @Slot()
    def compute(self) -> None:
        """Ask for the losses around the weights, or give up what is being worked out."""
        if self._fraction is not None:
            self.cancelled.emit()
        elif self.info is not None:
            self.requested.emit(self.request())

    # What the window says

    def set_progress(self, fraction: float | None) -> None:
        """Show how far the work is, 0 to 1, or None where nothing is being worked out."""
        began = (fraction is None) != (self._fraction is None)
        self._fraction = fraction
        self.bar.setVisible(fraction is not None)
        if fraction is not None:
            self.bar.setValue(round(_PARTS * fraction))
        if began:
            self._say_compute()
            self._fit()
            if not self.has_data():
                self.redraw()

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        if hasattr(self, "bar"):
            self._fit()

    def set_run(self, info: object, history: object) -> None:
        super().set_run(info, history)  # type: ignore[arg-type]
        self._fit()

    @Slot()
    def _fit(self) -> None:
        # In a narrow dock the title counts for more; a dock that floats has room for all.
        self.reach_button.setVisible(self.canvas.width() >= _REACH_FROM * self.theme.base_px)
        self.bar.setFixedHeight(round(6 * self.theme.unit))
        self.compute_button.setEnabled(self.info is not None)
        self.compute_entry.setEnabled(self.info is not None)

    # What is shown

    def has_data(self) -> bool:
        return self.found() is not None

    def found(self) -> Landscape | None:
        """Return what was worked out last in this run."""
        return self.history.landscape if self.history is not None else None

    def version(self) -> int:
        found = self.found()
        return hash((found.step, id(found))) if found is not None else -1

    def forget(self) -> None:
        self._multiples = self._plot = None

    def cells(self) -> tuple[Cell, ...]:
        """Return the small maps as they were last drawn."""
        return self._multiples.cells if self._multiples is not None else ()

    def draw(self, ink: Ink, area: QRectF) -> None:
        found = self.found()
        assert found is not None
        ink.fill(area, self.theme.surface)
        room = QRectF(area)
        if area.height() > _CAPTION_FROM * self.theme.unit:
            size = self.theme.small_px
            words = self.tr("training loss of {examples} examples, weights of step {step}").format(
                examples=whole(found.examples), step=whole(found.step)
            )
            words = lettering.elide(words, area.width() - 16, size)
            ink.text(area.left() + 8, area.top() + 4 + size / 2, words, self.theme.muted, size)
            room.setTop(area.top() + size + 8)
        if found.is_plane:
            self._draw_maps(ink, room, found)
        else:
            self._draw_line(ink, room, found)

    def _note(self, lane: int) -> str:
        found = self.found()
        value = math.nan if found is None else found.at_center(lane)
        return significant(value) if math.isfinite(value) else ""

    # Two directions

    def _draw_maps(self, ink: Ink, area: QRectF, found: Landscape) -> None:
        scale = range_of(found, self.shown_lanes())
        bar = value_bar_width(self.theme, scale, area.height() / 2) + 10 if area.width() >= _BAR_FROM else 0.0
        maps = area.adjusted(0, 0, -bar - 4, -4)
        axis = Axis(float(found.along[0]), float(found.along[-1]))
        multiples = cells.arrange(self, maps, axis, axis, 1.0, square=True)
        margin = min(cell.plot.rect.left() for cell in multiples.cells) - maps.left()
        multiples = cells.centered(multiples, maps, margin)
        if ink.painter.device() is self.canvas.image:
            self._multiples, self._plot = multiples, None
        cells.draw_numbers(self, ink, multiples, self.tr("direction 1"))
        for cell in multiples.cells:
            self._draw_map(ink, cell, found, scale)
        cells.draw_names(self, ink, multiples, self._note)
        if bar:
            top = multiples.cells[0].plot.rect.top()
            bottom = multiples.cells[-1].plot.rect.bottom()
            right = max(cell.plot.rect.right() for cell in multiples.cells)
            left = min(right + 12.0, area.right() - bar + 2)
            height = min(bottom - top, 220.0 * self.theme.small_px / 11)
            draw_value_bar(ink, QRectF(left, top, bar, height), scale)

    def _draw_map(self, ink: Ink, cell: Cell, found: Landscape, scale: Axis) -> None:
        rect, style = cell.plot.rect, self.lane_style(cell.lane)
        decades = decades_of(found.loss[cell.lane])
        if np.isnan(decades).all():
            ink.fill(rect, self.theme.unknown)
            ink.death(rect.center().x(), rect.center().y(), style.color, 8.0)
            return
        fine = between(decades, _FINER)
        codes = magnitude_codes(np.clip(fine, scale.low, scale.high), scale.low, scale.high)
        codes[np.isposinf(fine)] = EXPLODED_CODE
        ink.picture(rect, codes[::-1], magnitude_table(self.theme))
        step = nice_step(scale.high - scale.low, _CONTOURS)
        ink.clip(rect)
        for number in range(math.ceil(scale.low / step), math.floor(scale.high / step) + 1):
            level = number * step
            pieces = contour(decades, level)
            across, up = rect.width() / (decades.shape[1] - 1), rect.height() / (decades.shape[0] - 1)
            pieces[:, 0::2] = rect.left() + pieces[:, 0::2] * across
            pieces[:, 1::2] = rect.bottom() - pieces[:, 1::2] * up
            share = (level - scale.low) / (scale.high - scale.low)
            ink.segments(pieces, "#000000" if share > _LIGHT_FROM else "#ffffff", 1.0, 120)
        ink.clip(None)
        center = rect.center()
        ink.marker(style.marker, center.x(), center.y(), style.color, 4.5 * self.theme.unit)

    # One direction

    def _draw_line(self, ink: Ink, area: QRectF, found: Landscape) -> None:
        theme = self.theme
        y = range_of(found, self.shown_lanes())
        labels = [EndLabel(lane, 0, 0.0, self._note(lane)) for lane in self.shown_lanes()]
        right = label_room(self, labels, area.width())
        caption, below = plots.caption_height(theme), plots.axis_height(theme)
        height = max(20.0, area.height() - caption - below - 6)
        left = plots.axis_width(y, height, theme) + 4
        rect = QRectF(
            area.left() + left,
            area.top() + caption,
            max(30.0, area.width() - left - max(12.0, right)),
            height,
        )
        plot = Plot(rect, Axis(float(found.along[0]), float(found.along[-1])), y)
        if ink.painter.device() is self.canvas.image:
            self._multiples, self._plot = None, plot
        plots.draw_backdrop(ink, plot, self.tr("training loss"), self.tr("direction 1"))
        middle = float(plot.px(np.zeros(1))[0])
        ink.line(middle, rect.top(), middle, rect.bottom(), theme.axis, dashed=True)
        ends = []
        ink.clip(rect.adjusted(0, -1, 0, 1))
        for lane in self.painting_order():
            style = self.lane_style(lane)
            pixels = plot.py(decades_of(found.loss[lane, 0]))
            width = theme.line_width + (1 if lane == self.focus_lane else 0)
            ink.curve(plot.px(found.along), pixels, style.color, width, style.dash)
            known = np.flatnonzero(np.isfinite(pixels))
            if len(known):
                last = known[-1]
                place = QPointF(
                    float(plot.px(found.along)[last]),
                    float(plot.py_inside(decades_of(found.loss[lane, 0]))[last]),
                )
                ends.append((EndLabel(lane, 0, 0.0, self._note(lane)), place))
        ink.clip(None)
        for lane in self.painting_order():
            here = float(plot.py_inside(decades_of(np.array(found.at_center(lane)))))
            if math.isfinite(here):
                style = self.lane_style(lane)
                ink.marker(style.marker, middle, here, style.color, 4.0 * theme.unit)
        draw_end_labels(self, ink, rect, ends, area.right())

    # Numbers

    def read_out(self, place: QPointF) -> Readout | None:
        found = self.found()
        if found is None:
            return None
        cell = self._multiples.at(place) if self._multiples is not None else None
        plot = cell.plot if cell is not None else self._plot
        if plot is None or found.is_plane != (cell is not None):
            return None
        across = (place.x() - plot.rect.left()) / plot.rect.width()
        up = (plot.rect.bottom() - place.y()) / plot.rect.height() if found.is_plane else 0.0
        if not (0 <= across <= 1 and 0 <= up <= 1):
            return None
        rows, columns = found.loss.shape[1:]
        row, column = round(up * (rows - 1)), round(across * (columns - 1))
        told = tuple(
            ReadoutRow(lane, self.lane_name(lane), significant(float(found.loss[lane, row, column])))
            for lane in self.shown_lanes()
        )
        x = float(plot.px(found.along)[column])
        y = float(plot.py(found.across)[row]) if found.is_plane else None
        return Readout(plot.rect, place_text(found, row, column), told, x=x, y=y)

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [list(COLUMNS)]
        found = self.found()
        if found is not None:
            rows += found.rows([lane.name for lane in self.info.lanes])
        return rows
