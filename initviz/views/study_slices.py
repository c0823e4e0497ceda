"""The score of every trial against each field: a small plot a field."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from initviz.sweep.study import Choices
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import plot as plots
from initviz.views.axes import Axis
from initviz.views.ink import Ink
from initviz.views.plot import Plot
from initviz.views.study_view import StudyView, field_axis, field_coordinate, field_ticks, objective_title

_GAP = 16.0
_SPREAD = 0.22
"""Trials of one choice are spread over this share of its place, so that they do not hide one another."""


class StudySlicesView(StudyView):
    """Small plots side by side, all with the same axis of scores."""

    KEY = "study_slices"

    def title(self) -> str:
        return self.tr("Slices")

    def sentence(self) -> str:
        return self.tr(
            "The score against one field at a time: a clear slope or step means that this field decides, a cloud"
            " without shape that it does not."
        )

    def draw(self, ink: Ink, area: QRectF) -> None:
        assert self.study is not None
        theme = self.theme
        score = self.score_axis()
        count = len(self.study.fields)
        across = max(1, min(count, int(area.width() / (15.0 * theme.small_px))))
        down = math.ceil(count / across)
        caption, below = plots.caption_height(theme), plots.axis_height(theme)
        height = max(24.0, area.height() / down - 2 * below - caption - 8)
        left = plots.axis_width(score, height, theme) + 4
        width = max(40.0, (area.width() - left - 12 - _GAP * (across - 1)) / across)
        for index in range(count):
            row, column = divmod(index, across)
            rect = QRectF(
                area.left() + left + column * (width + _GAP),
                area.top() + 2 + caption + row * area.height() / down,
                width,
                height,
            )
            plot = Plot(rect, field_axis(self.study, index), score)
            self._draw_slice(ink, index, self._padded(plot), first=column == 0)

    @staticmethod
    def _padded(plot: Plot) -> Plot:
        room = 0.03 * (plot.x.high - plot.x.low)
        return Plot(plot.rect, Axis(plot.x.low - room, plot.x.high + room, plot.x.log), plot.y)

    def _draw_slice(self, ink: Ink, index: int, plot: Plot, first: bool) -> None:
        assert self.study is not None
        theme, rect = self.theme, plot.rect
        size = theme.small_px
        plots.draw_backdrop(ink, plot, objective_title(self.study) if first else "", bare=not first)
        if not first:
            for tick in plot.y_ticks(theme):
                y = round(float(plot.py(np.array(tick.at)))) + 0.5
                if tick.label and rect.top() - 1 <= y <= rect.bottom() + 1:
                    ink.line(rect.left(), y, rect.right(), y, theme.grid)
        field = self.study.fields[index]
        choices = isinstance(field.space, Choices)
        room = (
            rect.width() / len(field.space.labels) - 4 if isinstance(field.space, Choices) else rect.width()
        )
        baseline = rect.bottom() + 6 + size / 2
        for tick in field_ticks(self, index, plot, max(14.0, room), vertical=False):
            x = float(plot.px(np.array(tick.at)))
            if not tick.label or not rect.left() - 1 <= x <= rect.right() + 1:
                continue
            ink.line(round(x) + 0.5, rect.bottom(), round(x) + 0.5, rect.bottom() + 3, theme.axis)
            half = lettering.text_width(tick.label, size) / 2
            ink.text(
                min(max(x, rect.left() + half - 8), rect.right() - half + 8),
                baseline,
                tick.label,
                theme.muted,
                size,
                inks.CENTER,
            )
        name = lettering.elide(self.field_name(field.path), rect.width(), size, True)
        ink.text(rect.center().x(), baseline + size + 3, name, theme.text, size, inks.CENTER, bold=True)
        for trial in self.painting():
            at = field_coordinate(self.study, index, trial)
            if not math.isfinite(at):
                continue
            if choices:  # always the same place for a trial
                at += _SPREAD * (2 * ((trial.number * 0.618034) % 1.0) - 1)
            x = float(plot.px(np.array(at)))
            y = float(plot.py_inside(plot.y.coordinates(np.array(float(trial.value or 0.0)))))
            radius = (5.0 if self.is_marked(trial) else 2.8) * theme.unit
            ink.marker("circle", x, y, self.color_of(trial), radius, trial.state != "complete")
            self.spots.append((QPointF(x, y), trial))
