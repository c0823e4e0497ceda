"""Why pre-activations are normal: what a unit adds up to at growing fan-in, from three kinds of weights."""

from __future__ import annotations

import math
import time

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSlider, QWidget

from initviz.theory.central_limit import EDGE, FAN_INS, LAWS, NUM_UNITS, WeightLaw, unit_sums
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import plot as plots
from initviz.views.axes import Axis
from initviz.views.base import View
from initviz.views.ink import Ink
from initviz.views.numbers import significant, whole
from initviz.views.palette import Theme
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row
from initviz.views.sum_cells import Cell, bars, bell, distance_text

STEPS_A_DECADE = 40
FIRST_STEP, LAST_STEP = -40, 24
"""Of the slider: sigma_w from 0.1 to 4, in steps of 6 %; the middle step is 1."""
_COLUMNS = (FAN_INS, (1, 4, 16, 64), (1, 4, 64), (1, 16), (16,))
_NARROWEST = 92.0
_LOWEST = 44.0
_GAP = 12.0
_HIGHEST = 1.25
"""Upper end of a plot, as a multiple of the peak of the widest normal curve that its axis is meant for."""
APART_S = 1.5
"""Moves of the slider in quicker succession are one."""
TELL_MS = 50
"""A slider that is moved asks for another start at most this often."""
_HELD_S = 3.0
"""So long after the slider was moved, what a run says of its start is taken for older news."""


def value_of(step: int) -> float:
    """Return sigma_w at a place of the slider."""
    return float(10.0 ** (step / STEPS_A_DECADE))


def step_of(sigma_w: float) -> int:
    """Return the place of the slider nearest to a sigma_w above 0."""
    return int(np.clip(round(STEPS_A_DECADE * math.log10(sigma_w)), FIRST_STEP, LAST_STEP))


class WhyNormalView(View):
    """A row a distribution of weights, a column a fan-in; a slider for the standard deviation of them all.

    Moving it asks that the lane in focus start with that sigma_w, the standard deviation of the weights times the root
    of the fan-in (``start_moved``), and that its biases stay.
    """

    KEY = "why_normal"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells: tuple[Cell, ...] = ()
        self._moved_at_s = -math.inf
        self._move_number = 0
        self._tell_later = QTimer(self)
        self._tell_later.setSingleShot(True)
        self._tell_later.setInterval(TELL_MS)
        self._tell_later.timeout.connect(self._ask_for_start)
        self._number = QLabel()
        self._number.setObjectName("viewNote")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(FIRST_STEP, LAST_STEP)
        self.slider.setPageStep(6)
        self.slider.setValue(0)
        self.slider.valueChanged.connect(self._move)
        self.controls.addWidget(self._number)
        self.controls.addWidget(self.slider)
        self._fit_controls()

    # What it says

    def title(self) -> str:
        return self.tr("Why normal")

    def sentence(self) -> str:
        return self.tr(
            "Whatever the weights are drawn from, a unit that adds up many of them comes out normal: only their"
            " standard deviation is left to choose. Move it, and watch the signal from layer to layer."
        )

    def invitation(self) -> str:
        return self.sentence()

    def law_name(self, law: WeightLaw) -> str:
        """Return what a distribution of weights is called."""
        return {
            "two_point": self.tr("Two-point weights"),
            "uniform": self.tr("Uniform weights"),
            "normal": self.tr("Normal weights"),
        }[law]

    def _formula(self, law: WeightLaw) -> str:
        return {
            "two_point": "w = ±σ/√n",
            "uniform": "w ~ U(−√3, √3) · σ/√n",
            "normal": "w ~ N(0, σ²/n)",
        }[law]

    def retranslate(self) -> None:
        super().retranslate()
        text = self.tr(
            "Standard deviation of the weights times the root of the fan-in: σ of the pre-activations. The lane in"
            " focus starts with it. Arrow keys move it."
        )
        self.slider.setToolTip(f"<p>{text}</p>")
        self.slider.setAccessibleName(self.tr("Standard deviation σ"))
        self.slider.setAccessibleDescription(text)
        self._tell()

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self._fit_controls()

    # The slider

    @property
    def sigma_w(self) -> float:
        """The standard deviation shown."""
        return value_of(self.slider.value())

    def show_sigma_w(self, sigma_w: float) -> None:
        """Show another standard deviation without asking for it; what is no size is passed over."""
        if not (math.isfinite(sigma_w) and sigma_w > 0):
            return
        self.slider.blockSignals(True)
        self.slider.setValue(step_of(sigma_w))
        self.slider.blockSignals(False)
        self._tell()
        self.redraw()

    @Slot(int)
    def _move(self, step: int) -> None:
        now_s = time.monotonic()
        if now_s - self._moved_at_s > APART_S:
            self._move_number -= 1  # below 0, so that no move of another view is continued
        self._moved_at_s = now_s
        self._tell()
        self.redraw()
        if not self._tell_later.isActive():
            self._tell_later.start()

    @Slot()
    def _ask_for_start(self) -> None:
        if self.info is not None:
            groups = enumerate(self.info.groups)
            group = next((place for place, own in groups if self.focus_lane in own), self.focus_lane)
            self.start_moved.emit(group, self.sigma_w, math.nan, self._move_number)

    def _tell(self) -> None:
        self._number.setText(f"σ = {significant(self.sigma_w)}")

    def _fit_controls(self) -> None:
        theme = self.theme
        self._number.setStyleSheet(
            f"color: {theme.text}; font-size: {theme.base_px}px; background: transparent;"
        )
        self._number.setFixedWidth(math.ceil(lettering.text_width("σ = 0.000 ", theme.base_px)) + 4)
        # The name of the view keeps some room, however narrow it is.
        self.slider.setFixedWidth(round(min(130 * theme.unit, max(48.0, 0.19 * self.width()))))
        self._tell()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_controls()

    def forget(self) -> None:
        self._follow_start()

    def set_focus_lane(self, lane: int) -> None:
        super().set_focus_lane(lane)
        self._follow_start()

    def _follow_start(self) -> None:
        """Show the standard deviation that the lane in focus starts with, where theory knows it."""
        if self.info is None or time.monotonic() - self._moved_at_s < _HELD_S:
            return
        said = self.info.lanes[self.focus_lane].prediction if self.focus_lane < len(self.info.lanes) else None
        if said is None:
            return
        hidden = said.sigma_w[1:-1] if len(said.sigma_w) > 2 else said.sigma_w[:1]
        hidden = hidden[np.isfinite(hidden)]
        if len(hidden):
            self.show_sigma_w(float(np.median(hidden)))

    # It shows something without any run, and whichever lanes are hidden

    def _draw_all(self, ink: Ink, area: QRectF) -> None:
        self._lane_places.clear()
        self.draw(ink, area)

    def _readout(self) -> Readout | None:
        place = self.canvas.cursor_at
        return None if place is None else self.read_out(place)

    # Drawing

    def version(self) -> int:
        return self.slider.value()

    def has_data(self) -> bool:
        return True

    def cells(self) -> tuple[Cell, ...]:
        """Return the small plots as they were last drawn."""
        return self._cells

    def draw(self, ink: Ink, area: QRectF) -> None:
        theme = self.theme
        ink.fill(area, theme.surface)
        cells = self._arrange(area)
        if ink.painter.device() is self.canvas.image:
            self._cells = cells
        color = self.lane_style(self.focus_lane).color if self.info is not None else theme.muted
        for cell in cells:
            self._draw_cell(ink, cell, color)
        self._draw_rows(ink, area, cells)
        foot = area.bottom() - 2 - theme.small_px / 2
        if self._has_foot(area):
            text = lettering.elide(self._foot_text(area.width() - 16), area.width() - 16, theme.small_px)
            ink.text(area.left() + 8, foot, text, theme.muted, theme.small_px)

    def _foot_text(self, room: float) -> str:
        texts = (
            self.tr(
                "D: largest distance from the normal distribution function (Kolmogorov and Smirnov). It falls like"
                " 0.40/√n for two-point weights, like 0.03/n for uniform ones."
            ),
            self.tr("D: largest distance from the normal distribution function"),
            self.tr("D: distance from normal"),
        )
        size = self.theme.small_px
        return next((text for text in texts if lettering.text_width(text, size) <= room), texts[-1])

    def _has_foot(self, area: QRectF) -> bool:
        return area.height() >= 18 * self.theme.small_px

    def _has_headings(self, area: QRectF) -> bool:
        return area.height() >= 30 * self.theme.small_px

    def _arrange(self, area: QRectF) -> tuple[Cell, ...]:
        theme = self.theme
        caption = plots.caption_height(theme)
        heading = caption + 4.0 if self._has_headings(area) else 0.0
        foot = caption if self._has_foot(area) else 0.0
        below = plots.axis_height(theme)
        laws = LAWS
        while len(laws) > 1 and (area.height() - below - foot) / len(laws) < caption + heading + _LOWEST:
            laws = laws[1:] if len(laws) == 2 else (LAWS[0], LAWS[2])
        wide = area.width() - 20
        columns = next(
            (own for own in _COLUMNS if wide / len(own) - _GAP >= _NARROWEST * theme.unit), _COLUMNS[-1]
        )
        reach = math.sqrt(2) ** math.ceil(2 * math.log2(self.sigma_w) - 1e-9)
        x = Axis(-EDGE * reach, EDGE * reach)
        # The narrowest curve on this axis is narrower than the reach by the root of 2, and higher.
        y = Axis(0.0, _HIGHEST * math.sqrt(2) * float(bell(np.zeros(1))[0]) / reach)
        width = max(30.0, (wide - _GAP * (len(columns) - 1)) / len(columns))
        room = (area.height() - below - foot - 4) / len(laws)
        height = max(16.0, room - caption - heading)
        cells = []
        for row, law in enumerate(laws):
            for place, fan_in in enumerate(columns):
                rect = QRectF(
                    area.left() + 10 + place * (width + _GAP),
                    area.top() + row * room + caption + heading,
                    width,
                    height,
                )
                cells.append(Cell(unit_sums(law, fan_in), Plot(rect, x, y), place == 0, row == len(laws) - 1))
        return tuple(cells)

    def _draw_cell(self, ink: Ink, cell: Cell, color: str) -> None:
        theme, plot, sums, sigma = self.theme, cell.plot, cell.sums, self.sigma_w
        rect = plot.rect
        bottom = round(rect.bottom()) + 0.5
        ink.clip(rect.adjusted(0, -1, 0, 1))
        middle = round(float(plot.px(np.zeros(1))[0])) + 0.5
        ink.line(middle, rect.top(), middle, bottom, theme.grid)
        ink.bars(bars(plot, sums, sigma), color, 110 if theme.name == "light" else 150)
        # The normal curve with the mean and the deviation of these units
        z = np.linspace(plot.x.low, plot.x.high, max(40, int(rect.width() / 2)))
        deviation = sigma * sums.std
        fitted = bell((z - sigma * sums.mean) / deviation) / deviation
        ink.curve(plot.px(z), plot.py(fitted), theme.text, theme.line_width)
        ink.clip(None)
        ink.line(rect.left(), bottom, rect.right(), bottom, theme.axis)

    def _draw_rows(self, ink: Ink, area: QRectF, cells: tuple[Cell, ...]) -> None:
        theme = self.theme
        size = theme.small_px
        has_headings = self._has_headings(area)
        for cell in cells:
            rect, sums = cell.plot.rect, cell.sums
            y = rect.top() - 4 - size / 2
            if cell.is_first and has_headings:
                above = y - plots.caption_height(theme)
                name = self.law_name(sums.law)
                width = ink.text(rect.left(), above, name, theme.text, size, bold=True)
                formula = self._formula(sums.law)
                if rect.left() + width + 10 + lettering.text_width(formula, size) <= area.right():
                    ink.text(rect.left() + width + 10, above, formula, theme.muted, size)
            fan_in = f"n = {whole(sums.fan_in)}"
            if cell.is_first and not has_headings:
                named = f"{self.law_name(sums.law)}, {fan_in}"
                fan_in = lettering.elide(named, rect.width(), size, bold=True)
            used = ink.text(rect.left(), y, fan_in, theme.text, size, bold=not has_headings and cell.is_first)
            for digits in (2, 1):
                distance = f"D {distance_text(sums.exact_distance, digits)}"
                if used + 8 + lettering.text_width(distance, size) <= rect.width():
                    ink.text(rect.right(), y, distance, theme.muted, size, inks.RIGHT)
                    break
            if cell.is_last_row:
                self._draw_axis(ink, cell)

    def _draw_axis(self, ink: Ink, cell: Cell) -> None:
        theme, rect = self.theme, cell.plot.rect
        baseline = rect.bottom() + 6 + theme.small_px / 2
        for tick in cell.plot.x.ticks(4 if rect.width() < 130 * theme.unit else 5):
            x = float(cell.plot.px(np.array(tick.at)))
            half = lettering.text_width(tick.label, theme.small_px) / 2
            if rect.left() <= x <= rect.right():
                x = min(max(x, rect.left() + half), rect.right() - half)
                ink.text(x, baseline, tick.label, theme.muted, theme.small_px, inks.CENTER)

    # Numbers

    def read_out(self, place: QPointF) -> Readout | None:
        cell = next((c for c in self._cells if c.plot.rect.adjusted(-4, -20, 4, 4).contains(place)), None)
        if cell is None:
            return None
        sums, rect = cell.sums, cell.plot.rect
        share = min(1.0, max(0.0, (place.x() - rect.left()) / rect.width()))
        z = cell.plot.x.low + share * (cell.plot.x.high - cell.plot.x.low)
        rows = (
            ReadoutRow(None, self.tr("distance from normal"), distance_text(sums.exact_distance)),
            ReadoutRow(
                None,
                self.tr("of these {count} units").format(count=whole(NUM_UNITS)),
                distance_text(sums.distance),
            ),
            ReadoutRow(None, self.tr("their deviation"), significant(sums.std * self.sigma_w)),
            ReadoutRow(None, "z", significant(z)),
        )
        heading = f"{self.law_name(sums.law)}, n = {whole(sums.fan_in)}"
        return Readout(rect, heading, rows, x=place.x())

    def table(self) -> list[Row]:
        rows: list[Row] = [
            ["weights", "fan_in", "sigma_w", "fitted_mean", "fitted_std", "ks_distance", "ks_of_units"]
        ]
        for law in LAWS:
            for fan_in in FAN_INS:
                sums = unit_sums(law, fan_in)
                rows.append(
                    [
                        law,
                        fan_in,
                        self.sigma_w,
                        self.sigma_w * sums.mean,
                        self.sigma_w * sums.std,
                        sums.exact_distance,
                        sums.distance,
                    ]
                )
        return rows
