"""How much of the gradient reaches each step of a sequence: in a recurrent network, time is depth."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtWidgets import QWidget

from initviz.telemetry.frame import Floats, Frame
from initviz.views import plot as plots
from initviz.views.axes import Axis, SteadyRange
from initviz.views.base import View
from initviz.views.end_labels import EndLabel, draw_end_labels, label_room
from initviz.views.ink import Ink
from initviz.views.numbers import significant
from initviz.views.palette import mix
from initviz.views.plot import Plot, Readout, ReadoutRow
from initviz.views.saving import Row

_DECADES = (-45.0, 40.0)
_LEAST_HEIGHT = 7.0
"""Height of a plot, in multiples of the small type, below which fewer layers are shown."""
_DOTS_FROM = 7.0
"""Distance between time steps in pixels from which points are drawn."""


class TimeGradientView(View):
    """Gradient norm by time step, from the last one back to the first: pale at the start, strong now."""

    KEY = "time_gradient"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ranges: dict[str, SteadyRange] = {}
        self._layout: list[tuple[str, Plot]] = []

    def title(self) -> str:
        return self.tr("Gradient through time")

    def sentence(self) -> str:
        return self.tr(
            "Time is depth: a line that falls on its way back to the first step has a gradient that vanishes, so what"
            " came early is not learned; one that climbs explodes."
        )

    def invitation(self) -> str:
        if self.info is not None and not self.info.recurrent_layers:
            return self.tr(
                "This network has no recurrent layer, so there is no time to look back through.\nChoose a recurrent"
                " network and a data set of sequences, then press space."
            )
        return self.tr(
            "Press space to play.\nHow much of the gradient reaches each step of the sequence appears here, from the"
            " last one back to the first."
        )

    def version(self) -> int:
        return self.frame_version()

    def has_data(self) -> bool:
        frame = self._frame()
        return frame is not None and len(frame.time_gradients) > 0

    def _frame(self) -> Frame | None:
        return self.history.frame if self.history is not None else None

    def forget(self) -> None:
        self._ranges = {}

    def plots(self) -> list[Plot]:
        """Return the plots as they were last drawn, one a layer."""
        return [plot for _, plot in self._layout]

    def _norms(self, layer: str, frame: Frame | None) -> Floats | None:
        """Return ``(K, T)`` norms of a layer, the last time step first."""
        found = next((one for one in frame.time_gradients if one.layer == layer), None) if frame else None
        return None if found is None else found.norms[:, ::-1]

    def _layers(self) -> list[str]:
        frame = self._frame()
        return [one.layer for one in frame.time_gradients] if frame is not None else []

    def _start(self, layer: str) -> Floats | None:
        first = self.history.first_frame if self.history is not None else None
        return self._norms(layer, first)

    def draw(self, ink: Ink, area: QRectF) -> None:
        layout = self._arrange(area)
        if ink.painter.device() is self.canvas.image:
            self._layout = layout
        assert self.history is not None
        key = (id(self.history.first_frame), *((layer, plot.key) for layer, plot in layout))
        self.backdrop(ink, key, lambda target: self._draw_backdrop(target, area, layout))
        for layer, plot in layout:
            self._draw_now(ink, layer, plot, area)

    def _arrange(self, area: QRectF) -> list[tuple[str, Plot]]:
        theme = self.theme
        captions, below = plots.caption_height(theme), plots.axis_height(theme)
        layers = self._layers()
        most = max(1, int((area.height() - below) / (captions + _LEAST_HEIGHT * theme.small_px)))
        layers = layers[:most]
        height = max(20.0, (area.height() - below - 4) / len(layers) - captions - 6)
        axes = [self._axis(layer) for layer in layers]
        left = max(plots.axis_width(axis, height, theme) for axis in axes) + 4
        right = label_room(self, [EndLabel(lane, 0, 0, "0") for lane in self.shown_lanes()], area.width())
        layout, top = [], area.top() + 2
        for layer, axis in zip(layers, axes, strict=True):
            norms = self._norms(layer, self._frame())
            assert norms is not None
            rect = QRectF(
                area.left() + left, top + captions, max(40.0, area.width() - left - right - 8), height
            )
            layout.append((layer, Plot(rect, Axis(-0.5, max(1, norms.shape[1]) - 0.5), axis)))
            top += captions + height + 6
        return layout

    def _axis(self, layer: str) -> Axis:
        held = self._ranges.setdefault(layer, SteadyRange(log=True, least=1.0))
        parts = [self._start(layer), self._norms(layer, self._frame())]
        lanes = self.shown_lanes()
        values = np.concatenate([part[lanes].ravel() for part in parts if part is not None])
        values = values[np.isfinite(values) & (values > 0)]
        if not len(values):
            return held.fit(-1.0, 1.0)
        decades = np.clip(np.log10(values), *_DECADES)
        low, high = float(decades.min()), float(decades.max())
        spare = 0.1 + 0.03 * (high - low)
        return held.fit(low - spare, high + spare)

    def _draw_backdrop(self, ink: Ink, area: QRectF, layout: list[tuple[str, Plot]]) -> None:
        ink.fill(area, self.theme.surface)
        caption = self.tr("{layer}: gradient norm ‖∂C/∂h‖, L2")
        for place, (layer, plot) in enumerate(layout):
            last = place == len(layout) - 1
            plots.draw_backdrop(
                ink,
                plot,
                plots.fitting((caption.format(layer=layer), layer), plot.rect, self.theme),
                self.tr("time steps back from the last") if last else "",
                note=self.tr("pale: at the start") if place == 0 else "",
            )
            start = self._start(layer)
            if start is None:
                continue
            x = plot.px(np.arange(start.shape[1], dtype=np.float64))
            for lane in self.painting_order():
                color = mix(self.lane_style(lane).color, self.theme.surface, 0.5)
                y = plot.py_inside(plot.y.coordinates(start[lane]))
                ink.curve(x, y, color, self.theme.line_width)

    def _draw_now(self, ink: Ink, layer: str, plot: Plot, area: QRectF) -> None:
        norms = self._norms(layer, self._frame())
        assert norms is not None
        x = plot.px(np.arange(norms.shape[1], dtype=np.float64))
        spacing = plot.rect.width() / max(1, norms.shape[1])
        width = self.theme.line_width
        places = []
        for lane in self.painting_order():
            style = self.lane_style(lane)
            y = plot.py_inside(plot.y.coordinates(norms[lane]))
            ink.curve(x, y, style.color, width + 1 if lane == self.focus_lane else width, style.dash)
            if spacing >= _DOTS_FROM:
                ink.dots(x, y, style.color, min(4.5, spacing / 2) + 2 * (width - 1))
            known = np.flatnonzero(np.isfinite(y))
            if len(known):
                end = int(known[-1])
                label = EndLabel(lane, float(end), 0.0, significant(float(norms[lane, end])))
                places.append((label, QPointF(float(x[end]), float(y[end]))))
        places.sort(key=lambda pair: pair[0].lane)
        draw_end_labels(self, ink, plot.rect, places, area.right())

    def read_out(self, place: QPointF) -> Readout | None:
        found = next(
            (pair for pair in self._layout if pair[1].rect.adjusted(-8, -16, 8, 16).contains(place)), None
        )
        if found is None:
            return None
        layer, plot = found
        norms = self._norms(layer, self._frame())
        if norms is None:
            return None
        start = self._start(layer)
        count = norms.shape[1]
        share = (place.x() - plot.rect.left()) / plot.rect.width()
        back = int(np.clip(round(plot.x.low + share * (plot.x.high - plot.x.low)), 0, count - 1))
        x = float(plot.px(np.array(float(back))))
        rows = []
        for lane in self.shown_lanes():
            now = float(norms[lane, back])
            y = float(plot.py_inside(plot.y.coordinates(np.array(now))))
            before = "" if start is None else f"{significant(float(start[lane, back]))} → "
            point = None if np.isnan(y) else QPointF(x, y)
            rows.append(ReadoutRow(lane, self.lane_name(lane), before + significant(now), point))
        heading = self.tr("{layer}, time step {step} of {count}").format(
            layer=layer, step=count - back, count=count
        )
        return Readout(plot.rect, heading, tuple(rows), x=x)

    def table(self) -> list[Row]:
        assert self.info is not None
        rows: list[Row] = [["lane", "layer", "when", "step", "time_step", "grad_norm"]]
        if self.history is None:
            return rows
        for when, frame in (("start", self.history.first_frame), ("now", self.history.frame)):
            for found in frame.time_gradients if frame is not None else ():
                for lane, norms in zip(self.info.lanes, found.norms.tolist(), strict=True):
                    rows += [
                        [lane.name, found.layer, when, frame.step if frame else "", place + 1, norm]
                        for place, norm in enumerate(norms)
                    ]
        return rows
