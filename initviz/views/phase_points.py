"""The lanes in a phase diagram: where each stands, and where its name fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from initviz.catalog.index import catalogue
from initviz.catalog.parts import ActivationPart, Curve
from initviz.telemetry.frame import LaneInfo, RunInfo
from initviz.theory.prediction import Prediction
from initviz.views import lettering
from initviz.views.ink import Ink
from initviz.views.plot import Plot
from initviz.views.saving import Row

if TYPE_CHECKING:
    from initviz.views.base import View

_SIDES = ((1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1))
_RINGS = 5


@dataclass(frozen=True, slots=True)
class Start:
    """Where a lane's hidden layers start.

    Attributes:
        activation: Key of their activation.
        sigma_w: sqrt(fan_in * Var w).
        sigma_b: Standard deviation of the biases.
        keep: Share of the activations that dropout keeps.
    """

    activation: str
    sigma_w: float
    sigma_b: float
    keep: float = 1.0

    @property
    def kind(self) -> tuple[str, float]:
        """What a diagram is drawn for."""
        return self.activation, self.keep


def start_of(lane: LaneInfo) -> Start | None:
    """Return where a lane starts; None where its hidden layers differ, or theory does not cover them."""
    told = lane.prediction
    if told is None or not told.activation or told.phase is None:
        return None
    layers = len(told.sigma_w)
    # One of the layers that are repeated: neither the first, which the data feed, nor the output layer, where it can.
    place = min(max(1, (layers - 1) // 2), max(0, layers - 2))
    sigma_w, sigma_b = float(told.sigma_w[place]), float(told.sigma_b[place])
    if not (math.isfinite(sigma_w) and math.isfinite(sigma_b)):
        return None
    return Start(told.activation, sigma_w, sigma_b, told.keep)


def activation_part(key: str) -> ActivationPart:
    """Return an activation of the catalogue."""
    part = catalogue().get("activation", key)
    if not isinstance(part, ActivationPart):
        raise TypeError(f"{part.key} is not an activation")
    return part


def curve_of(told: Prediction) -> Curve:
    """Return the activation that a prediction speaks of."""
    part = activation_part(told.activation)
    return part.curve(part.choose())


def extents(starts: Sequence[Start], critical: float) -> tuple[float, float]:
    """Return how far the axes of sigma_w and sigma_b reach: past the critical line, and past every lane that is near.

    Args:
        starts: Of the lanes that are shown.
        critical: sigma_w of the critical line, or NaN.
    """
    middle = critical if math.isfinite(critical) and critical > 0 else 1.0
    wide = max([1.9 * middle, *(1.1 * start.sigma_w for start in starts if start.sigma_w < 4 * middle)])
    high = max([0.5, *(1.1 * start.sigma_b for start in starts if start.sigma_b < 4 * middle)])
    return _rounded(max(3.0, wide)), _rounded(max(1.0, high))


def _rounded(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value * (1 - 1e-9))


def place_names(
    points: Sequence[QPointF],
    sizes: Sequence[tuple[float, float]],
    field: QRectF,
    gap: float,
    written: Sequence[QRectF] = (),
) -> list[QRectF | None]:
    """Return where the name of each point goes, beside it or a little farther; None where there is no room.

    Args:
        points: In the order in which they choose.
        sizes: Width and height of each name.
        field: Where names may stand.
        gap: Between a point's middle and its name.
        written: Where something else is written already.
    """
    taken = [*written]
    taken += [QRectF(point.x() - gap + 2, point.y() - gap + 2, 2 * gap - 4, 2 * gap - 4) for point in points]
    placed: list[QRectF | None] = []
    for point, (width, height) in zip(points, sizes, strict=True):
        found = None
        for ring in range(_RINGS):
            for side, up in _SIDES:
                left = point.x() + gap if side > 0 else point.x() - gap - width
                lift = (up * (0.7 + ring) - (1 if ring and not up else 0) * ring) * (height + 2)
                box = QRectF(left, point.y() - height / 2 + lift, width, height)
                if field.contains(box) and not any(box.intersects(other) for other in taken):
                    found = box
                    break
            if found is not None:
                break
        if found is not None:
            taken.append(found)
        placed.append(found)
    return placed


def snapped(value: float, line: float | None, reach: float) -> float:
    """Return ``line`` where ``value`` lies within ``reach`` of it, else ``value``."""
    return line if line is not None and abs(value - line) <= reach else value


def rounded(value: float, reach: float) -> float:
    """Return a value without digits that no pixel tells apart."""
    digits = max(0, -math.floor(math.log10(max(reach, 1e-9))) + 1)
    return float(np.round(value, digits))


def draw_points(
    view: View,
    ink: Ink,
    plot: Plot,
    starts: dict[int, Start],
    points: dict[int, QPointF],
    kind: tuple[str, float],
    depth: str,
    written: Sequence[QRectF],
) -> None:
    """Draw every lane's point and its name; the one in focus has a ring around it.

    Args:
        view: Knows names and styles; it is told where the names stand.
        ink: Where to.
        plot: The data rectangle.
        starts: Where the lanes start.
        points: Where that is in pixels.
        kind: What the diagram is drawn for; a lane of another kind is hollow.
        depth: What is said beside the name of the lane in focus.
        written: Where something is written already.
    """
    theme, unit, size = view.theme, view.theme.unit, view.theme.small_px
    order = sorted(starts, key=lambda lane: lane != view.focus_lane)
    first: dict[Start, int] = {}
    for lane in order:
        first.setdefault(starts[lane], lane)
    # Where many start from one point, as in a study of depth, one name stands for all.
    others = {lane: sum(starts[other] == starts[lane] for other in order) - 1 for lane in first.values()}
    order = [*first.values()]
    names = {lane: view.lane_name(lane) + (f" +{others[lane]}" if others[lane] else "") for lane in order}
    sizes = []
    for lane in order:
        width = lettering.text_width(names[lane], size, bold=True)
        if lane == view.focus_lane and depth:
            width += 6 + lettering.text_width(depth, size)
        sizes.append((width, size + 4.0))
    field = plot.rect.adjusted(2, 2, -2, -1)
    boxes = place_names([points[lane] for lane in order], sizes, field, 11 * unit, written)
    for lane, box in reversed(list(zip(order, boxes, strict=True))):
        style, x, y = view.lane_style(lane), points[lane].x(), points[lane].y()
        focused = lane == view.focus_lane
        radius = (6.5 if focused else 5.0) * unit
        if focused:
            ink.marker("circle", x, y, theme.text, radius + 3.5 * unit, hollow=True)
        ink.marker(style.marker, x, y, style.color, radius, hollow=starts[lane].kind != kind)
        if starts[lane].sigma_w > plot.x.high:  # beyond the axis: arrow heads say that it goes on
            ink.segments(np.array([[x - 4, y - 5, x + 4, y], [x - 4, y + 5, x + 4, y]]), theme.text, 2.0)
        if starts[lane].sigma_b > plot.y.high:
            ink.segments(np.array([[x - 5, y + 4, x, y - 4], [x + 5, y + 4, x, y - 4]]), theme.text, 2.0)
        if box is None:
            view.mark_lane(QRectF(x - radius, y - radius, 2 * radius, 2 * radius), lane)
            continue
        middle = box.center().y()
        if abs(middle - y) > box.height():
            end = box.left() if box.left() > x else box.right()
            ink.segments(np.array([[x, y, end, middle]]), style.color, 1.0, 150)
        ink.fill(box.adjusted(-2, 0, 2, 0), theme.surface, 200)
        width = ink.text(box.left(), middle, names[lane], style.ink, size, bold=True)
        if focused and depth:
            ink.text(box.left() + width + 6, middle, depth, theme.text, size)
        view.mark_lane(box, lane)


def rows_of(info: RunInfo) -> list[Row]:
    """Return a row a lane, headings first: where it starts, and what theory says of that."""
    rows: list[Row] = [
        [
            "lane",
            "activation",
            "sigma_w",
            "sigma_b",
            "phase",
            "chi",
            "xi_c",
            "xi_q",
            "critical_sigma_w",
            "note",
        ]
    ]
    for lane in info.lanes:
        start, told = start_of(lane), lane.prediction
        gap = told.not_covered.en if told is not None and told.not_covered is not None else ""
        if start is None or told is None:
            rows.append([lane.name, *[""] * 8, gap])
            continue
        numbers = (told.chi_star, told.xi_c, told.xi_q, told.critical_sigma_w)
        rows.append(
            [lane.name, start.activation, start.sigma_w, start.sigma_b, told.phase or "", *numbers, gap]
        )
    return rows
