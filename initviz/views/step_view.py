"""Curves over the steps of a run: what the views of loss, update ratio and learning rate have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats
from initviz.telemetry.series import Series
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views import plot as plots
from initviz.views.axes import Axis, growing_end
from initviz.views.base import View
from initviz.views.end_labels import draw_end_labels, label_room
from initviz.views.ink import Ink
from initviz.views.numbers import whole
from initviz.views.palette import mix
from initviz.views.panels import Curve, Guide, Panel
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.reduction import ColumnReducer, Columns, Raster

MAX_COLUMNS = 1500
_SCATTER_ALPHA, _SEEDS_ALPHA = 38, 62
_STEPPED = 5.0
"""Distance between points in pixels from which a band of columns would look like stairs."""


@dataclass(slots=True)
class _Layout:
    plots: list[Plot] = field(default_factory=list)
    panels: tuple[Panel, ...] = ()


class StepView(View):
    """A stack of plots over a common axis of steps, with labels at the ends of the lines.

    Ctrl and the wheel zoom the steps, dragging moves them, a double click shows the whole run again.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.window_of_steps: tuple[float, float] | None = None
        self._layout = _Layout()
        self._guides_right = False
        self._reducers: dict[str, ColumnReducer] = {}
        self._whole_run = QAction(self)
        self._whole_run.triggered.connect(self.show_whole_run)
        self.menu.insertAction(self.menu.actions()[0], self._whole_run)
        self.menu.insertSeparator(self.menu.actions()[1])
        self.canvas.zoomed.connect(self._zoom)
        self.canvas.dragged.connect(self._drag)
        self.canvas.reset_wanted.connect(self.show_whole_run)

    def panels(self, raster: Raster, height: float) -> tuple[Panel, ...]:
        """Return what to draw.

        Args:
            raster: The steps shown, and the columns of pixels there are.
            height: Height of the canvas, for a choice of how many plots fit.
        """
        raise NotImplementedError

    def value_text(self, panel: int, value: float) -> str:
        """Return a value as the cross-hair shows it."""
        raise NotImplementedError

    def band_text(self, panel: int, curves: list[Curve], step: float) -> str:
        """Return what the cross-hair says of the band of seeds around a lane's line; empty where there is none."""
        return ""

    def forget(self) -> None:
        self.window_of_steps = None
        self._reducers = {}

    def reduced(self, name: str, series: Series, raster: Raster) -> Columns:
        """Return a series of the history reduced to columns.

        Args:
            name: Tells the series of a view apart.
            series: ``(S, K)``.
            raster: The columns.
        """
        return self._reducers.setdefault(name, ColumnReducer()).reduce(series, raster)

    def plots(self) -> list[Plot]:
        """Return the plots as they were last drawn, from top to bottom."""
        return list(self._layout.plots)

    def panels_shown(self) -> tuple[Panel, ...]:
        """Return what the plots show."""
        return self._layout.panels

    def steps_shown(self) -> tuple[float, float]:
        """Return the steps at both ends of the axis."""
        if self.window_of_steps is not None:
            return self.window_of_steps
        if self.history is None or self.info is None:
            return 0.0, 1.0
        return 0.0, float(growing_end(self.history.last_step, self.info.total_steps))

    def draw(self, ink: Ink, area: QRectF) -> None:
        first, last = self.steps_shown()
        columns = int(min(MAX_COLUMNS, max(8, (area.width() - 60) / 2)))
        panels = self.panels(Raster(first, last, columns), area.height())
        layout = self._arrange(panels, area, Axis(first, last))
        if ink.painter.device() is self.canvas.image:
            self._layout = layout
        # The name of a dashed line stands where the curves are not.
        self._guides_right = self.history is not None and self.history.last_step < first + 0.4 * (
            last - first
        )
        key = (self._guides_right, *self._keys(layout))
        self.backdrop(ink, key, lambda target: self._draw_backdrop(target, area, layout))
        for plot, panel in _pairs(layout):
            self._draw_curves(ink, plot, panel)
            self._draw_labels(ink, plot, panel, area)

    @staticmethod
    def _keys(layout: _Layout) -> list[object]:
        return [(plot.key, panel.caption, panel.note, panel.guides) for plot, panel in _pairs(layout)]

    def _arrange(self, panels: tuple[Panel, ...], area: QRectF, x: Axis) -> _Layout:
        theme = self.theme
        captions = plots.caption_height(theme)
        bottom = plots.axis_height(theme)
        room = area.height() - bottom - len(panels) * (captions + 6) - 4
        weights = sum(panel.weight for panel in panels)
        left = max(plots.axis_width(panel.axis, room * panel.weight / weights, theme) for panel in panels)
        right = label_room(self, [label for panel in panels for label in panel.labels], area.width())
        layout = _Layout(panels=panels)
        top = area.top() + 2
        for panel in panels:
            height = max(20.0, room * panel.weight / weights)
            rect = QRectF(
                area.left() + left + 4, top + captions, max(40.0, area.width() - left - right - 8), height
            )
            layout.plots.append(Plot(rect, x, panel.axis))
            top += captions + height + 6
        return layout

    def _draw_backdrop(self, ink: Ink, area: QRectF, layout: _Layout) -> None:
        ink.fill(area, self.theme.surface)
        for place, (plot, panel) in enumerate(_pairs(layout)):
            is_last = place == len(layout.panels) - 1
            title = self.tr("step") if is_last else ""
            plots.draw_backdrop(ink, plot, panel.caption, title, note=panel.note)
            for guide in panel.guides:
                self._draw_guide(ink, plot, guide)

    def _draw_guide(self, ink: Ink, plot: Plot, guide: Guide) -> None:
        coordinate = plot.y.coordinates(np.array(guide.value))
        y = float(plot.py(coordinate))
        rect = plot.rect
        if not rect.top() <= y <= rect.bottom():
            return
        ink.line(rect.left(), round(y) + 0.5, rect.right(), round(y) + 0.5, self.theme.muted, dashed=True)
        size = self.theme.small_px
        above = y - 4 - size / 2
        text_y = above if above - size / 2 > rect.top() else y + 5 + size / 2
        if lettering.text_width(guide.text, size) > 0.62 * rect.width():
            return
        if self._guides_right:
            ink.text(rect.right() - 4, text_y, guide.text, self.theme.muted, size, inks.RIGHT)
        else:
            ink.text(rect.left() + 8, text_y, guide.text, self.theme.muted, size)

    def _draw_curves(self, ink: Ink, plot: Plot, panel: Panel) -> None:
        width = self.theme.line_width
        ink.clip(plot.rect.adjusted(0, -2, 2, 2))
        for curve in panel.curves:
            if curve.low is not None and curve.high is not None:
                self._draw_band(ink, plot, curve)
        for curve, x, y in _pixels(plot, panel.curves):
            style = self.lane_style(curve.lane)
            color = mix(style.color, self.theme.surface, 0.45) if curve.faint else style.color
            size = width + 1 if curve.thick else 0.67 * width if curve.faint else width
            ink.curve(x, y, color, size + 2 if curve.hollow else size, style.dash)
            if curve.hollow:
                ink.curve(x, y, self.theme.surface, size)
            if curve.points:
                ink.dots(x, y, style.color, 3 + 2 * width)
        self._draw_overflow(ink, plot, panel)
        for mark in panel.marks:
            left = float(plot.px(np.array(mark.step)))
            up = float(plot.py_inside(plot.y.coordinates(np.array(mark.value))))
            if not np.isfinite(up):
                continue
            color, radius = self.lane_style(mark.lane).color, 5.0 * self.theme.unit
            if mark.died:
                ink.death(left, up, color)
            else:
                ink.marker("circle", left, up, color, radius, hollow=True)
        ink.clip(None)

    def _draw_band(self, ink: Ink, plot: Plot, curve: Curve) -> None:
        assert curve.low is not None
        assert curve.high is not None
        x = plot.px(curve.steps)
        low = plot.py(plot.y.coordinates(curve.low))
        high = plot.py(plot.y.coordinates(curve.high))
        good = np.isfinite(low) & np.isfinite(high)
        alpha = _SEEDS_ALPHA if curve.seeds else _SCATTER_ALPHA
        if good.sum() > 1:
            x, low, high, color = x[good], low[good], high[good], self.lane_style(curve.lane).color
            if x[-1] - x[0] > _STEPPED * len(x):
                outline_y = np.concatenate((high, low[::-1]))
                ink.area(np.concatenate((x, x[::-1])), outline_y, color, alpha)
            else:
                ink.band(x, low, high, color, alpha)

    def _draw_overflow(self, ink: Ink, plot: Plot, panel: Panel) -> None:
        """Mark at the edge where a line or its band leaves the range: a spike must be seen, not guessed."""
        dead = {label.lane for label in panel.labels if label.died}
        top = plot.y.value(plot.y.high + 1e-9)
        for curve in panel.curves:
            peaks = curve.values if curve.high is None else curve.high
            over = peaks > top
            if curve.lane in dead or not over.any():
                continue
            starts = np.flatnonzero(np.diff(over.astype(np.int8), prepend=0) == 1)
            for place in plot.px(curve.steps[starts])[:40].tolist():
                color = self.lane_style(curve.lane).color
                ink.marker("triangle", place, plot.rect.top() + 4, color, 3.0)

    def _draw_labels(self, ink: Ink, plot: Plot, panel: Panel, area: QRectF) -> None:
        heights = plot.y.coordinates(np.array([label.value for label in panel.labels]))
        y = plot.py_inside(np.where(np.isnan(heights), plot.y.high, heights)).tolist()
        x = plot.px(np.array([label.step for label in panel.labels])).tolist()
        places = [QPointF(*place) for place in zip(x, y, strict=True)]
        guides = plot.py(plot.y.coordinates(np.array([guide.value for guide in panel.guides]))).tolist()
        pairs = list(zip(panel.labels, places, strict=True))
        draw_end_labels(self, ink, plot.rect, pairs, area.right(), guides)

    # Cross-hair and zoom

    def read_out(self, place: QPointF) -> Readout | None:
        found = next(
            (
                index
                for index, plot in enumerate(self._layout.plots)
                if plot.rect.adjusted(-6, -16, 6, 16).contains(place)
            ),
            None,
        )
        if found is None:
            return None
        plot, panel = self._layout.plots[found], self._layout.panels[found]
        share = min(1.0, max(0.0, (place.x() - plot.rect.left()) / plot.rect.width()))
        wanted = plot.x.low + share * (plot.x.high - plot.x.low)
        curves = [curve for curve in panel.curves if len(curve.steps)]
        steps = {_nearest(curve.steps, wanted) for curve in curves}
        if not steps:
            return None
        step = min(steps, key=lambda candidate: abs(candidate - wanted))
        rows = []
        for lane in self.shown_lanes():
            values, point = self._values_at(plot, [c for c in curves if c.lane == lane], step)
            if point is not None:
                text = " / ".join(self.value_text(found, value) for value in values)
                text += self.band_text(found, [c for c in curves if c.lane == lane], step)
                rows.append(ReadoutRow(lane, self.lane_name(lane), text, point))
        rows.sort(key=lambda row: row.at.y() if row.at is not None else 0.0)
        heading = self.tr("step {step}").format(step=whole(round(step)))
        if panel.values:
            heading += f"   {panel.values}"
        return Readout(plot.rect, heading, tuple(rows), x=float(plot.px(np.array(step))))

    def _values_at(self, plot: Plot, curves: list[Curve], step: float) -> tuple[list[float], QPointF | None]:
        """Return the value of each of a lane's curves at a step, and the place of the last one."""
        values, point = [], None
        for curve in curves:
            index = int(np.argmin(np.abs(curve.steps - step)))
            value = float(curve.values[index])
            reached = abs(curve.steps[index] - step) <= self._tolerance(curve)
            values.append(value if reached else float("nan"))
            if reached and not np.isnan(value):
                y = float(plot.py_inside(plot.y.coordinates(np.array(value))))
                point = QPointF(float(plot.px(curve.steps[index])), y)
        return values, point

    @staticmethod
    def _tolerance(curve: Curve) -> float:
        return float(np.max(np.diff(curve.steps))) if len(curve.steps) > 1 else 1.0

    @Slot()
    def show_whole_run(self) -> None:
        """Show all steps again."""
        if self.window_of_steps is not None:
            self.window_of_steps = None
            self.redraw()

    @Slot(QPointF, float)
    def _zoom(self, place: QPointF, notches: float) -> None:
        if not self._layout.plots or self.history is None or self.info is None:
            return
        plot = self._layout.plots[0]
        first, last = self.steps_shown()
        share = min(1.0, max(0.0, (place.x() - plot.rect.left()) / plot.rect.width()))
        center = first + share * (last - first)
        span = max(10.0, (last - first) * 0.8**notches)
        self._look_at(center - share * span, center + (1 - share) * span)

    @Slot(QPointF)
    def _drag(self, distance: QPointF) -> None:
        if self.window_of_steps is None or not self._layout.plots:
            return
        first, last = self.window_of_steps
        shift = -distance.x() / self._layout.plots[0].rect.width() * (last - first)
        self._look_at(first + shift, last + shift)

    def _look_at(self, first: float, last: float) -> None:
        assert self.history is not None
        assert self.info is not None
        end = float(growing_end(self.history.last_step, self.info.total_steps))
        span = last - first
        if span >= end:
            self.window_of_steps = None
        else:
            first = min(max(0.0, first), end - span)
            self.window_of_steps = (first, first + span)
        self.redraw()

    def retranslate(self) -> None:
        super().retranslate()
        self._whole_run.setText(self.tr("Show the whole run"))
        self._whole_run.setToolTip(self.tr("Ctrl and the wheel zoom, dragging moves, a double click resets"))


def _pixels(plot: Plot, curves: tuple[Curve, ...]) -> Iterator[tuple[Curve, Floats, Floats]]:
    """Yield each curve with its pixels; those that share their steps are worked out together."""
    groups: dict[int, list[Curve]] = {}
    for curve in curves:
        groups.setdefault(id(curve.steps), []).append(curve)
    places: dict[int, tuple[Floats, Floats]] = {}
    for group in groups.values():
        x = plot.px(group[0].steps)
        y = plot.py(plot.y.coordinates(np.stack([curve.values for curve in group])))
        places.update((id(curve), (x, row)) for curve, row in zip(group, y, strict=True))
    for curve in curves:
        yield (curve, *places[id(curve)])


def _pairs(layout: _Layout) -> list[tuple[Plot, Panel]]:
    return list(zip(layout.plots, layout.panels, strict=True))


def _nearest(steps: Floats, wanted: float) -> float:
    return float(steps[int(np.argmin(np.abs(steps - wanted)))])
