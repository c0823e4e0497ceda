"""What a stack of plots over the steps shows: curves, dashed lines, rings and names."""

from __future__ import annotations

from dataclasses import dataclass

from initviz.telemetry.frame import Floats
from initviz.views.axes import Axis
from initviz.views.end_labels import EndLabel


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One line of one lane.

    Attributes:
        lane: Its lane.
        steps: ``(n,)``.
        values: ``(n,)`` in data units; NaN where there is nothing.
        thick: Draw twice as thick as a thin line.
        faint: Draw it lighter, behind another of the same lane.
        low: ``(n,)`` lower edge of a band around it, or None.
        high: ``(n,)`` upper edge of the band, or None.
        points: Mark each point, because there are few.
        hollow: Draw two thin lines with nothing between, to tell it from another of the same lane.
        seeds: Whether the line is the mean of several seeds and the band what lies around it, not the scatter of
            single batches; then the cross-hair tells the band too.
    """

    lane: int
    steps: Floats
    values: Floats
    thick: bool = False
    faint: bool = False
    low: Floats | None = None
    high: Floats | None = None
    points: bool = False
    hollow: bool = False
    seeds: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A ring around a point of a lane's line, or a cross where one of its seeds diverged.

    Attributes:
        lane: Its lane.
        step: Where.
        value: How high, in data units.
        died: A cross.
    """

    lane: int
    step: float
    value: float
    died: bool = False


@dataclass(frozen=True, slots=True)
class Guide:
    """A dashed horizontal line with a name.

    Attributes:
        value: Where, in data units.
        text: What it means.
    """

    value: float
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One plot of the stack.

    Attributes:
        caption: Name and unit of the vertical axis.
        note: Explains the lines, in a few words.
        axis: Its range.
        curves: In painting order.
        labels: At the ends of the lines.
        guides: Dashed lines.
        weight: Share of the height, relative to the other panels.
        values: What the numbers of the cross-hair are, where a lane has several.
        marks: Rings around points.
    """

    caption: str
    note: str
    axis: Axis
    curves: tuple[Curve, ...]
    labels: tuple[EndLabel, ...] = ()
    guides: tuple[Guide, ...] = ()
    weight: float = 1.0
    values: str = ""
    marks: tuple[Mark, ...] = ()
