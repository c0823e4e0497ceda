"""Every trial of a study as one line across its fields, ending at its score."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views.axes import Axis
from initviz.views.ink import Ink
from initviz.views.plot import Plot, axis_height, caption_height
from initviz.views.study_view import StudyView, field_axis, field_coordinate, field_ticks, objective_title

_SIDE = 12.0


class StudyParallelView(StudyView):
    """Parallel coordinates: an axis a field, the score on the right; the best trial thick."""

    KEY = "study_parallel"

    def title(self) -> str:
        return self.tr("Parallel coordinates")

    def sentence(self) -> str:
        return self.tr(
            "A line is a trial: follow the strong ones, which are the best, and see through which value of each"
            " field they all pass; where they spread, the field matters little."
        )

    def draw(self, ink: Ink, area: QRectF) -> None:
        assert self.study is not None
        theme = self.theme
        count = len(self.study.fields) + 1
        size = theme.small_px
        top = area.top() + caption_height(theme) + 4
        bottom = area.bottom() - axis_height(theme) / 2 - 4
        score = self.score_axis()
        rooms = area.width() - 2 * _SIDE - 8.0 * size
        step = rooms / max(1, count - 1)
        left = area.left() + _SIDE + 2.5 * size
        places = [left + step * index for index in range(count)]
        axes = [*(field_axis(self.study, index) for index in range(count - 1)), score]
        columns = [
            Plot(QRectF(x, top, 1.0, max(20.0, bottom - top)), Axis(0, 1), axis)
            for x, axis in zip(places, axes, strict=True)
        ]
        self._draw_trials(ink, columns)
        for index, column in enumerate(columns):
            x = round(column.rect.left()) + 0.5
            ink.line(x, column.rect.top(), x, column.rect.bottom(), theme.axis)
            last = index == count - 1
            room = (step if not last else 5.5 * size) - 14
            ticks = column.y_ticks(theme) if last else field_ticks(self, index, column, room, vertical=True)
            for tick in ticks:
                y = float(column.py(np.array(tick.at)))
                if tick.label and column.rect.top() - 1 <= y <= column.rect.bottom() + 1:
                    ink.line(x - 3, round(y) + 0.5, x + 3, round(y) + 0.5, theme.axis)
                    ink.text(x + 7, y, tick.label, theme.text, size, halo=True)
            name = objective_title(self.study) if last else self.field_name(self.study.fields[index].path)
            align = inks.LEFT if index == 0 else inks.RIGHT if last else inks.CENTER
            where = area.left() + _SIDE if index == 0 else area.right() - _SIDE if last else x
            most = max(30.0, step - 10) if count > 2 else area.width() / 2
            ink.text(
                where,
                area.top() + caption_height(theme) / 2,
                lettering.elide(name, most, size, True),
                theme.text,
                size,
                align,
                bold=True,
            )

    def _draw_trials(self, ink: Ink, columns: list[Plot]) -> None:
        assert self.study is not None
        x = np.array([column.rect.left() for column in columns])
        for trial in self.painting():
            along = [field_coordinate(self.study, index, trial) for index in range(len(columns) - 1)]
            along.append(float(columns[-1].y.coordinates(np.array(float(trial.value or 0.0)))))
            y = np.array(
                [float(column.py_inside(np.array(at))) for column, at in zip(columns, along, strict=True)]
            )
            marked = self.is_marked(trial)
            width = self.theme.line_width + (2 if marked else 0)
            dash = () if trial.state == "complete" else (3.0, 3.0)
            ink.curve(x, y, self.color_of(trial), width, dash, 255 if marked else 190)
            for across, down in zip(x.tolist(), y.tolist(), strict=True):
                if np.isfinite(down):
                    self.spots.append((QPointF(across, down), trial))
                    if marked:
                        ink.marker("circle", across, down, self.color_of(trial), 4.0 * self.theme.unit)
