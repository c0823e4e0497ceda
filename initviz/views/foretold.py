"""What theory says of a quantity by layer: a line in each lane's colour, and the scatter to be expected as a band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLocale

from initviz.experiment.text import Text
from initviz.telemetry.frame import Floats, RunInfo
from initviz.views.ink import Ink
from initviz.views.palette import mix
from initviz.views.plot import Plot

SPREADS = 2.0
"""Half of a band's width in standard deviations: about 95 of 100 draws lie within."""
_FOCUS_ALPHA, _ALPHA = 54, 24
"""Opacity of bands: of the lane in focus, and of the others, of which many may lie one over another."""
_HALF_BAR = 4.0
"""Half of the width of a band that is one layer long, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Foretold:
    """A prediction of one quantity, for K lanes and L layers.

    Attributes:
        values: ``(K, L)``; NaN where nothing is foretold.
        low: ``(K, L)`` lower edge of the scatter.
        high: ``(K, L)`` upper edge.
    """

    values: Floats
    low: Floats
    high: Floats

    @property
    def lanes(self) -> tuple[bool, ...]:
        """Whether anything is foretold, lane by lane."""
        return tuple(not bool(np.isnan(values).all()) for values in self.values)

    def edges(self, most: float) -> tuple[Floats, Floats]:
        """Return both edges of the scatter, as far as they lie within ``most`` times the line."""
        with np.errstate(over="ignore", under="ignore"):
            return np.maximum(self.low, self.values / most), np.minimum(self.high, self.values * most)


def is_foretold(info: RunInfo | None) -> bool:
    """Say whether theory says anything of any lane."""
    return info is not None and any(
        lane.prediction is not None and not np.isnan(lane.prediction.preactivation_q).all()
        for lane in info.lanes
    )


def foretold_forward(info: RunInfo) -> Foretold:
    """Return what E[z^2] should be at the start."""
    held = [
        (lane.prediction.preactivation_q, lane.prediction.q_spread) if lane.prediction is not None else None
        for lane in info.lanes
    ]
    return _padded(held, np.ones(len(held)), info.num_layers)


def foretold_backward(info: RunInfo, start: Floats | None) -> Foretold:
    """Return what E[(dC/dz)^2] should be at the start.

    Theory says how the layers' gradients compare; how large the output layer's is depends on the loss, and is measured.

    Args:
        info: The run.
        start: ``(K, L)`` as measured, or None before that: the output layer's counts as 1 then.
    """
    held = [
        (lane.prediction.grad_preactivation_q, lane.prediction.grad_q_spread)
        if lane.prediction is not None
        else None
        for lane in info.lanes
    ]
    anchors = np.ones(len(held))
    if start is not None:
        anchors = np.array([start[index, len(lane.layers) - 1] for index, lane in enumerate(info.lanes)])
        anchors[~(np.isfinite(anchors) & (anchors > 0))] = np.nan
    return _padded(held, anchors, info.num_layers)


def _padded(held: list[tuple[Floats, Floats] | None], anchors: Floats, layers: int) -> Foretold:
    values = np.full((len(held), layers), np.nan)
    spreads = np.zeros_like(values)
    for lane, known in enumerate(held):
        if known is not None:
            values[lane, : len(known[0])] = known[0]
            spreads[lane, : len(known[1])] = np.nan_to_num(known[1])
    with np.errstate(over="ignore", under="ignore"):
        values *= anchors[:, None]
        factor = np.exp(SPREADS * spreads)
        return Foretold(values, values / factor, values * factor)


def draw_foretold(
    ink: Ink, plot: Plot, foretold: Foretold, x: Floats, lanes: list[int], colors: dict[int, str], focus: int
) -> None:
    """Draw bands, and the lines over all of them.

    Args:
        ink: Where to.
        plot: The data rectangle.
        foretold: What to draw.
        x: ``(L,)`` pixels of the layers.
        lanes: Those to draw, the last one on top.
        colors: Colour of each lane.
        focus: The lane in focus.
    """
    ink.clip(plot.rect)
    for lane in lanes:
        low, high = (plot.py(plot.y.coordinates(edge[lane])) for edge in (foretold.low, foretold.high))
        alpha = _FOCUS_ALPHA if lane == focus or len(lanes) == 1 else _ALPHA
        for run in runs_of(np.isfinite(foretold.values[lane]) & (foretold.values[lane] > 0)):
            across, bottom, top = x[run], low[run], high[run]
            if len(across) == 1:
                across = across + np.array([-_HALF_BAR, _HALF_BAR])
                bottom, top = np.repeat(bottom, 2), np.repeat(top, 2)
            ink.area(
                np.concatenate((across, across[::-1])),
                np.concatenate((top, bottom[::-1])),
                colors[lane],
                alpha,
            )
    ink.clip(None)
    for lane in lanes:
        color = mix(colors[lane], ink.theme.surface, 0.25)
        y = plot.py_inside(plot.y.coordinates(foretold.values[lane]))
        ink.curve(x, y, color, ink.theme.line_width)


def runs_of(known: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[slice]:
    """Return the stretches in which something holds."""
    edges = np.flatnonzero(np.diff(known, prepend=False, append=False))
    return [slice(a, b) for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]


def gap_text(info: RunInfo, lanes: list[int], focus: int) -> str:
    """Return what theory does not cover, in the person's language; empty where it covers all that is shown.

    Args:
        info: The run.
        lanes: Those that are shown.
        focus: The lane in focus, which is spoken of first.
    """
    gaps: list[tuple[int, Text]] = []
    for lane in sorted(lanes, key=lambda lane: lane != focus):
        prediction = info.lanes[lane].prediction
        if prediction is not None and prediction.not_covered is not None:
            gaps.append((lane, prediction.not_covered))
    if not gaps:
        return ""
    language = QLocale().name()
    lane, gap = gaps[0]
    said = gap.in_language(language)
    if len(gaps) == len(lanes) and all(other == gap for _, other in gaps):
        return said
    mark = "：" if language.startswith("zh") else ": "
    return f"{info.lanes[lane].name}{mark}{said}"
