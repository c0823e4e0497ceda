"""The plane behind the points of a phase diagram: tinted regions, contours of the depth scale, the critical line."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QRectF

from initviz.catalog.parts import Curve
from initviz.telemetry.frame import Floats
from initviz.theory.phase_map import PhaseMap, segments_of
from initviz.views import ink as inks
from initviz.views import lettering
from initviz.views.ink import Ink
from initviz.views.magnitude import Codes, Table
from initviz.views.numbers import plain
from initviz.views.palette import Theme, mix, readable, rgb
from initviz.views.plot import Plot

DEPTHS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Depth scales that have a contour, in layers."""
_FIRST_NAMED = (5.0, 2.0, 10.0, 1.0, 20.0, 50.0)
_ORDERED, _CHAOTIC = 0.62, 0.26
"""Share of the flat colours of vanished and exploded in the tint farthest from the critical line."""
_NEAREST = 0.12
_EDGE = 1e-9


def _bounds() -> Floats:
    rates = 1 / np.array(DEPTHS)
    return np.concatenate((-np.sort(rates)[::-1], [0.0], np.sort(rates)))


_BOUNDS = _bounds()


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """The lines of a map, in its own units, as pieces ``(n, 4)``.

    Attributes:
        critical: Where chi passes 1.
        depths: Where xi_c is one of ``DEPTHS``, on both sides.
        signed: ``(R, C)`` 1 / xi_c, negative on the ordered side, of the rows and columns that are known; NaN where
            q grows without bound.
        filled: ``(R, C)`` the same, with ln chi there.
        sigma_w: ``(C,)``.
        sigma_b: ``(R,)``.
        unbounded: Whether q grows without bound in most of the chaotic region.
    """

    critical: Floats
    depths: Floats
    signed: Floats
    filled: Floats
    sigma_w: Floats
    sigma_b: Floats
    unbounded: bool


@functools.lru_cache(maxsize=12)
def phase_map(curve: Curve, width: float, height: float, keep: float) -> PhaseMap:
    """Return the map of an activation, begun once and kept; whoever shows it works on it."""
    return PhaseMap(curve, width, height, keep)


@functools.lru_cache(maxsize=64)
def _contour(plane: PhaseMap, stride: int, level: float) -> Floats:
    """Return one contour of 1 / xi_c, which is negative on the ordered side."""
    rate, log_chi = plane.rate[::stride, ::stride], plane.log_chi[::stride, ::stride]
    signed = np.where(log_chi > 0, rate, -rate)
    return segments_of(signed, level, plane.sigma_w[::stride], plane.sigma_b[::stride])


def draft(plane: PhaseMap, stride: int) -> Iterator[bool]:
    """Find the contours of a map one at a time, so that drawing it finds them all there."""
    for level in _BOUNDS:
        _contour(plane, stride, float(level))
        yield True


@functools.lru_cache(maxsize=16)
def contours(plane: PhaseMap, stride: int) -> Contours | None:
    """Return the lines of a map as far as it is known, every ``stride``-th row; None where it is not yet."""
    log_chi, rate = plane.log_chi[::stride, ::stride], plane.rate[::stride, ::stride]
    if np.isnan(log_chi).any():
        return None
    bounded = plane.bounded[::stride, ::stride]
    sigma_w, sigma_b = plane.sigma_w[::stride], plane.sigma_b[::stride]
    side = np.where(log_chi > 0, 1.0, -1.0)
    signed = side * rate
    pieces = [_contour(plane, stride, float(level)) for level in _BOUNDS if level]
    chaotic = log_chi > 0
    # Just above 0: where chi is 1 everywhere along a border, as with a bias of 0, nothing is crossed.
    critical = segments_of(log_chi, _EDGE, sigma_w, sigma_b)
    if plane.finished and (np.diff(chaotic.astype(np.int8), axis=1) != 0).sum(axis=1).max() == 1:
        line = np.stack((plane.critical, plane.sigma_b), axis=1)
        critical = np.concatenate((line[:-1], line[1:]), axis=1)
        critical = critical[np.isfinite(critical).all(axis=1)]
    return Contours(
        critical=critical,
        depths=np.concatenate(pieces),
        signed=signed,
        filled=np.where(bounded, signed, np.maximum(log_chi, 0.0)),
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        unbounded=bool(chaotic.any()) and float((chaotic & ~bounded).sum() / chaotic.sum()) > 0.5,
    )


@functools.lru_cache(maxsize=4)
def tints(theme: Theme) -> Table:
    """Return the colours of the bands between contours, from the most ordered to the most chaotic."""
    bands = len(DEPTHS) + 1
    shades = []
    for place in range(2 * bands):
        ordered = place < bands
        away = (bands - 1 - place if ordered else place - bands) / (bands - 1)
        most, color = (_ORDERED, theme.vanished) if ordered else (_CHAOTIC, theme.exploded)
        shades.append(mix(theme.surface, color, most * (_NEAREST + (1 - _NEAREST) * away)))
    return np.array([0xFF000000 | (r << 16) | (g << 8) | b for r, g, b in map(rgb, shades)], dtype=np.uint32)


def tint_codes(lines: Contours, x: Floats, y: Floats) -> Codes:
    """Return which band each place of a grid lies in.

    Args:
        lines: Of the map.
        x: ``(W,)`` sigma_w.
        y: ``(H,)`` sigma_b.
    """
    left, across = _between(lines.sigma_w, x)
    below, up = _between(lines.sigma_b, y)
    rows = (1 - up)[:, None] * lines.filled[below] + up[:, None] * lines.filled[below + 1]
    field = (1 - across) * rows[:, left] + across * rows[:, left + 1]
    return np.searchsorted(_BOUNDS, field).astype(np.uint8)


def _between(places: Floats, wanted: Floats) -> tuple[NDArray[np.int64], Floats]:
    left = np.clip(np.searchsorted(places, wanted) - 1, 0, len(places) - 2)
    return left, np.clip((wanted - places[left]) / (places[left + 1] - places[left]), 0.0, 1.0)


def value_at(plane: PhaseMap, sigma_w: float, sigma_b: float) -> tuple[float, float] | None:
    """Return chi and xi_c at a place between those that are known; None while nothing is.

    Where the signal grows without bound xi_c is NaN.
    """
    stride = min(plane.stride, len(plane.sigma_b) - 1)
    lines = contours(plane, stride)
    if lines is None:
        return None
    column, across = _between(lines.sigma_w, np.array([sigma_w]))
    row, up = _between(lines.sigma_b, np.array([sigma_b]))
    share = np.array([[1 - up[0]], [up[0]]]) * np.array([[1 - across[0], across[0]]])
    block = np.ix_([row[0] * stride, (row[0] + 1) * stride], [column[0] * stride, (column[0] + 1) * stride])
    chi = math.exp(float((share * plane.log_chi[block]).sum()))
    if not plane.bounded[block].all():
        return chi, math.nan
    rate = abs(float((share * lines.signed[np.ix_([row[0], row[0] + 1], [column[0], column[0] + 1])]).sum()))
    return chi, 1 / rate if rate > 0 else math.inf


def critical_at(plane: PhaseMap, sigma_b: float) -> float | None:
    """Return the smallest sigma_w on the critical line at a height, or None where it is not crossed there."""
    lines = contours(plane, min(plane.stride, len(plane.sigma_b) - 1))
    if lines is None or not len(lines.critical):
        return None
    first, second = lines.critical[:, :2], lines.critical[:, 2:]
    low, high = np.minimum(first[:, 1], second[:, 1]), np.maximum(first[:, 1], second[:, 1])
    met = (low <= sigma_b + _EDGE) & (sigma_b - _EDGE <= high)
    if not met.any():
        return None
    rise = second[met, 1] - first[met, 1]
    share = np.where(np.abs(rise) > _EDGE, (sigma_b - first[met, 1]) / np.where(rise == 0, 1.0, rise), 0.5)
    return float((first[met, 0] + np.clip(share, 0, 1) * (second[met, 0] - first[met, 0])).min())


def draw_plane(ink: Ink, plot: Plot, plane: PhaseMap) -> list[QRectF]:
    """Draw tints, contours with their numbers, the critical line, and the names of the regions.

    Returns:
        Where anything is written.
    """
    lines = contours(plane, min(plane.stride, len(plane.sigma_b) - 1))
    if lines is None:
        return []
    theme, rect = ink.theme, plot.rect
    # Down to sigma_b = 0: what is below only gives room to the points on the axis.
    floor = float(plot.py(np.array(0.0)))
    field = QRectF(rect.left(), rect.top(), rect.width(), floor - rect.top())
    across, down = max(2, round(field.width())), max(2, round(field.height()))
    x = plot.x.low + (np.arange(across) + 0.5) / across * (plot.x.high - plot.x.low)
    y = plot.y.high * (1 - (np.arange(down) + 0.5) / down)
    ink.picture(field, tint_codes(lines, x, y), tints(theme))
    ink.clip(field)
    ink.segments(_pixels(plot, lines.depths), theme.text, 1.0, 70)
    critical = _pixels(plot, lines.critical)
    ink.segments(critical, theme.surface, 5 * theme.line_width, 150)
    ink.segments(critical, theme.text, 2.5 * theme.line_width)
    ink.clip(None)
    taken = _draw_numbers(ink, plot, lines, field)
    _draw_names(ink, plot, lines, field, taken)
    return taken


def _pixels(plot: Plot, pieces: Floats) -> Floats:
    return np.stack(
        (plot.px(pieces[:, 0]), plot.py(pieces[:, 1]), plot.px(pieces[:, 2]), plot.py(pieces[:, 3])), axis=1
    )


def _crossings(field: Floats, level: float, places: Floats) -> Floats:
    """Return where a row of numbers crosses a level."""
    above = field > level
    at = np.flatnonzero((above[1:] != above[:-1]) & np.isfinite(field[1:] + field[:-1]))
    share = (level - field[at]) / (field[at + 1] - field[at])
    return np.asarray(places[at] + share * (places[at + 1] - places[at]))


def _draw_numbers(ink: Ink, plot: Plot, lines: Contours, field: QRectF) -> list[QRectF]:
    """Number the contours along the upper edge and, where they run flat, along the right one."""
    theme, size = ink.theme, ink.theme.small_px
    taken: list[QRectF] = []
    row = round(0.9 * (len(lines.sigma_b) - 1))
    column = round(0.94 * (len(lines.sigma_w) - 1))
    color = readable(theme.muted, (mix(theme.surface, theme.vanished, _ORDERED),))
    critical = QCoreApplication.translate("PhaseDiagramView", "critical")
    wanted: list[tuple[float, str, str]] = []
    first = True
    for depth in _FIRST_NAMED:
        for sign in (-1.0, 1.0):
            text = f"ξ = {plain(depth)}" if first else plain(depth)
            wanted.append((sign / depth, text, color))
        first = False
    _draw_critical(ink, plot, lines, field, critical, taken)
    done: set[float] = set()
    edges = ((lines.signed[row], True), (lines.signed[:, column], False))
    for values, is_row in edges:
        for level, text, shade in wanted:
            if level in done:
                continue
            for place in _crossings(values, level, lines.sigma_w if is_row else lines.sigma_b).tolist():
                at_x = place if is_row else float(lines.sigma_w[column])
                at_y = float(lines.sigma_b[row]) if is_row else place
                x, y = float(plot.px(np.array(at_x))), float(plot.py(np.array(at_y)))
                width = lettering.text_width(text, size)
                box = QRectF(x - width / 2 - 3, y - size / 2 - 3, width + 6, size + 6)
                apart = box.adjusted(-4, -2, 4, 2)
                if not field.contains(box) or any(apart.intersects(other) for other in taken):
                    continue
                ink.text(x, y, text, shade, size, inks.CENTER, halo=True)
                taken.append(box)
                done.add(level)
                break
    return taken


def _draw_critical(
    ink: Ink, plot: Plot, lines: Contours, field: QRectF, text: str, taken: list[QRectF]
) -> None:
    """Name the critical line near its upper end."""
    size = ink.theme.small_px
    if not len(lines.critical):
        return
    wanted = 0.9 * float(lines.sigma_b[-1])
    piece = lines.critical[np.argmin(np.abs(lines.critical[:, 1] - wanted))]
    x, y = float(plot.px(piece[0:1])[0]), float(plot.py(piece[1:2])[0])
    width = lettering.text_width(text, size, bold=True)
    box = QRectF(x - width / 2 - 3, y - size / 2 - 3, width + 6, size + 6)
    if field.contains(box):
        ink.text(x, y, text, ink.theme.text, size, inks.CENTER, bold=True, halo=True)
        taken.append(box)


def _draw_names(ink: Ink, plot: Plot, lines: Contours, field: QRectF, taken: list[QRectF]) -> None:
    """Name the regions where they are widest, the ordered one above, the chaotic one below."""
    theme = ink.theme
    named = (
        (
            lines.filled < 0,
            (0.62, 0.5, 0.75, 0.4, 0.25),
            QCoreApplication.translate("PhaseDiagramView", "ordered"),
            QCoreApplication.translate("PhaseDiagramView", "gradients vanish, examples become alike"),
            readable(theme.muted, (mix(theme.surface, theme.vanished, _ORDERED),)),
        ),
        (
            lines.filled > 0,
            (0.38, 0.3, 0.5, 0.22, 0.62),
            QCoreApplication.translate("PhaseDiagramView", "exploding")
            if lines.unbounded
            else QCoreApplication.translate("PhaseDiagramView", "chaotic"),
            QCoreApplication.translate("PhaseDiagramView", "signal and gradients grow without bound")
            if lines.unbounded
            else QCoreApplication.translate("PhaseDiagramView", "gradients explode, alike examples part"),
            readable(mix(theme.exploded, theme.text, 0.35), (mix(theme.surface, theme.exploded, _CHAOTIC),)),
        ),
    )
    large, small = theme.section_px, theme.small_px
    for mask, heights, name, meaning, color in named:
        for lines_of_text in ((name, meaning), (name,)):
            width = max(
                lettering.text_width(text, large if place == 0 else small, bold=place == 0)
                for place, text in enumerate(lines_of_text)
            )
            height = large + (small + 7.0 if len(lines_of_text) > 1 else 0.0)
            spot = _spot(plot, lines, mask, heights, width, height, field, taken)
            if spot is not None:
                break
        else:
            continue
        box = spot
        x, y = box.center().x(), box.top() + large / 2
        ink.text(x, y, name, color, large, inks.CENTER, bold=True)
        if len(lines_of_text) > 1:
            ink.text(x, y + large / 2 + 6 + small / 2, meaning, color, small, inks.CENTER)
        taken.append(box)


def _spot(
    plot: Plot,
    lines: Contours,
    mask: NDArray[np.bool_],
    heights: tuple[float, ...],
    width: float,
    height: float,
    field: QRectF,
    taken: list[QRectF],
) -> QRectF | None:
    """Return where in a region there is room for a box, the first of some heights; None where there is none."""
    for share in heights:
        row = mask[round(share * (len(mask) - 1))]
        edges = np.flatnonzero(np.diff(row, prepend=False, append=False))
        if not len(edges):
            continue
        runs = edges.reshape(-1, 2)
        first, last = runs[np.argmax(runs[:, 1] - runs[:, 0])]
        left, right = plot.px(lines.sigma_w[[first, last - 1]]).tolist()
        x, y = (left + right) / 2, float(plot.py(np.array(share * lines.sigma_b[-1])))
        box = QRectF(x - width / 2, y - height / 2, width, height)
        if right - left >= width + 16 and field.contains(box) and not any(box.intersects(o) for o in taken):
            return box
    return None
