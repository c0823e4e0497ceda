"""The trials of a study in the order in which they were made, and the best score so far."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from initviz.views import ink as inks
from initviz.views import plot as plots
from initviz.views.axes import Axis
from initviz.views.ink import Ink
from initviz.views.plot import Plot
from initviz.views.study_view import StudyView, objective_title

_MARGIN = 10.0


class StudyHistoryView(StudyView):
    """A dot a trial, hollow where it was pruned, and a line for the best so far."""

    KEY = "study_history"

    def title(self) -> str:
        return self.tr("History")

    def sentence(self) -> str:
        return self.tr(
            "A dot is a trial, a ring one that was given up early, a cross one that broke; the line is the best so"
            " far: where it lies flat for long, more trials bring little."
        )

    def draw(self, ink: Ink, area: QRectF) -> None:
        assert self.study is not None
        plot = self._arrange(area)
        theme = self.theme
        plots.draw_backdrop(ink, plot, objective_title(self.study), self.tr("trial"))
        ink.clip(plot.rect.adjusted(-8, -8, 8, 8))
        self._draw_best(ink, plot)
        for trial in self.painting():
            x = float(plot.px(np.array(float(trial.number))))
            y = float(plot.py_inside(plot.y.coordinates(np.array([trial.value])))[0])
            marked = self.is_marked(trial)
            radius = (5.5 if marked else 3.2) * theme.unit
            hollow = trial.state != "complete"
            ink.marker("circle", x, y, self.color_of(trial), radius, hollow)
            if marked:
                ink.text(
                    x,
                    y - radius - 8,
                    str(trial.number),
                    theme.text,
                    bold=True,
                    halo=True,
                    align=inks.CENTER,
                )
            self.spots.append((QPointF(x, y), trial))
        ink.clip(None)
        for trial in self.trials:
            if trial.state in ("diverged", "failed") and not trial.is_repeated:
                x = float(plot.px(np.array(float(trial.number))))
                ink.death(x, plot.rect.top() + 4, theme.exploded, 3.0)

    def _draw_best(self, ink: Ink, plot: Plot) -> None:
        assert self.study is not None
        complete = [trial for trial in self.scored() if trial.state == "complete"]
        if not complete:
            return
        values = np.array([trial.value for trial in complete], dtype=np.float64)
        best = (np.maximum if self.study.maximizes else np.minimum).accumulate(values)
        numbers = np.array([trial.number for trial in complete], dtype=np.float64)
        x = np.repeat(np.append(numbers, max(numbers[-1], float(self.trials[-1].number))), 2)[1:-1]
        y = np.repeat(best, 2)
        pixels = plot.py_inside(plot.y.coordinates(y))
        ink.curve(plot.px(x), pixels, self.theme.text, self.theme.line_width + 1)

    def _arrange(self, area: QRectF) -> Plot:
        theme = self.theme
        y = self.score_axis()
        last = max(self.study.trials if self.study is not None else 1, self.trials[-1].number + 1, 2)
        x = Axis(-0.5, float(last) - 0.5)
        caption, below = plots.caption_height(theme), plots.axis_height(theme)
        height = max(20.0, area.height() - caption - below - _MARGIN)
        left = plots.axis_width(y, height, theme) + 4
        return Plot(
            QRectF(area.left() + left, area.top() + 2 + caption, max(40.0, area.width() - left - 14), height),
            x,
            y,
        )
