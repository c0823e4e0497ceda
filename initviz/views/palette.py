"""Colours, type sizes and line styles of both themes. Knows no Qt, so that everything may read it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Literal

ThemeName = Literal["light", "dark"]
Marker = Literal["circle", "square", "triangle", "diamond", "wedge", "cross", "star", "hexagon"]

MARKERS: tuple[Marker, ...] = ("circle", "square", "triangle", "diamond", "wedge", "cross", "star", "hexagon")
SOLID: tuple[float, ...] = ()
DASHED: tuple[float, ...] = (7.0, 4.0)

MAX_LANES = 16
GRAPHIC_CONTRAST = 3.0
TEXT_CONTRAST = 4.5
PRESENTER_SCALE = 1.6

# The hues of Okabe and Ito's set in this order: blue, vermillion, green, purple, orange, sky, yellow, black; lightness
# moved until each passes 3:1 and the first four stay apart under deuteranopia, protanopia and in grey. The second
# eight are neighbours of the first in hue; they are dashed too.
_LANES_LIGHT = (
    ("#0760ba", "#d95f02", "#01855c", "#84246f", "#98661e", "#3c8bb6", "#8c8815", "#2f2f2f"),
    ("#3a2fa0", "#b23a3a", "#1f4d12", "#5b3a70", "#6a3312", "#004c75", "#586e30", "#857c72"),
)
_LANES_DARK = (
    ("#2fa0f7", "#dd5410", "#5fd09c", "#c672ac", "#ffbc65", "#b0d7fe", "#e6e23f", "#eaeaea"),
    ("#0088ab", "#c94452", "#3b852f", "#ffa6be", "#fce89e", "#7684b4", "#8d7d00", "#867d71"),
)


@dataclass(frozen=True, slots=True)
class LaneStyle:
    """How one lane is drawn, everywhere.

    Attributes:
        color: Of lines, bars and frames; at least 3:1 against the theme's backgrounds.
        ink: The same hue for text, at least 4.5:1.
        dash: Lengths of stroke and gap in pixels; empty for a solid line.
        marker: Shape of its points.
    """

    color: str
    ink: str
    dash: tuple[float, ...]
    marker: Marker


@dataclass(frozen=True, slots=True)
class Theme:
    """Everything that decides how the program looks. Colours are ``#rrggbb``, lengths logical pixels.

    Attributes:
        name: ``light`` or ``dark``.
        background: Of the window.
        surface: Of plots, cards and fields.
        raised: Of controls, tool tips and read-outs.
        border: Between surfaces.
        text: Main text.
        muted: Secondary text; still 4.5:1.
        axis: Axis lines and ticks.
        grid: Grid lines.
        accent: Selection and keyboard focus, the one colour of the chrome.
        error: Text of a failure.
        vanished: Flat colour of magnitudes below the healthy range.
        exploded: Flat colour of magnitudes above it.
        unknown: Flat colour where there is no number.
        lanes: The styles, ``MAX_LANES`` of them.
        small_px: Type size of ticks and notes.
        base_px: Type size of text.
        section_px: Type size of section headings.
        headline_px: Type size of headlines.
        line_width: Of a thin curve; thick ones have twice that.
        presenter: Large type and thick lines, for the last row of a hall.
    """

    name: ThemeName
    background: str
    surface: str
    raised: str
    border: str
    text: str
    muted: str
    axis: str
    grid: str
    accent: str
    error: str
    vanished: str
    exploded: str
    unknown: str
    lanes: tuple[LaneStyle, ...]
    small_px: int = 11
    base_px: int = 13
    section_px: int = 16
    headline_px: int = 22
    line_width: float = 1.0
    presenter: bool = False

    @property
    def unit(self) -> float:
        """By how much markers and the gaps beside them are larger than at the ordinary type size."""
        return self.small_px / 11

    def lane(self, index: int) -> LaneStyle:
        """Return the style with the palette index of a ``LaneInfo``; any whole number is accepted."""
        return self.lanes[index % len(self.lanes)]


def rgb(color: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of ``#rrggbb``."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def mix(color: str, other: str, share: float) -> str:
    """Return ``color`` with a share (0 to 1) of ``other`` in it, mixed channel by channel."""
    channels = (round(a + (b - a) * share) for a, b in zip(rgb(color), rgb(other), strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def luminance(color: str) -> float:
    """Return the relative luminance, 0 to 1, as defined by WCAG 2.2."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in rgb(color))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(color: str, other: str) -> float:
    """Return the contrast ratio, 1 to 21, as defined by WCAG 2.2."""
    bright, dark = sorted((luminance(color), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def readable(color: str, backgrounds: tuple[str, ...], ratio: float = TEXT_CONTRAST) -> str:
    """Move a colour towards black or white only as far as its contrast with every background needs."""
    goal = "#000000" if luminance(backgrounds[0]) > 0.2 else "#ffffff"
    candidates = (mix(color, goal, step / 50) for step in range(51))
    return next((c for c in candidates if all(contrast(c, b) >= ratio for b in backgrounds)), goal)


def _styles(rows: tuple[tuple[str, ...], ...], surface: str, background: str) -> tuple[LaneStyle, ...]:
    return tuple(
        LaneStyle(
            color=color,
            ink=readable(color, (surface, background)),
            dash=dash,
            marker=marker,
        )
        for colors, dash in zip(rows, (SOLID, DASHED), strict=True)
        for color, marker in zip(colors, MARKERS, strict=True)
    )


_LIGHT = Theme(
    name="light",
    background="#f5f6f8",
    surface="#ffffff",
    raised="#ffffff",
    border="#dfe2e7",
    text="#1b1f24",
    muted="#5c6470",
    axis="#9aa1ac",
    grid="#eceef1",
    accent="#2f6fde",
    error="#b3261e",
    vanished="#c3c7ce",
    exploded="#e0213a",
    unknown="#f1f2f4",
    lanes=_styles(_LANES_LIGHT, "#ffffff", "#f5f6f8"),
)

_DARK = Theme(
    name="dark",
    background="#101318",
    surface="#181c22",
    raised="#222831",
    border="#2c333d",
    text="#e6e9ee",
    muted="#9aa4b2",
    axis="#5d6775",
    grid="#242a33",
    accent="#6ea8ff",
    error="#ff8a80",
    vanished="#555d69",
    exploded="#ff4d5e",
    unknown="#20252d",
    lanes=_styles(_LANES_DARK, "#181c22", "#101318"),
)


@functools.cache
def theme(name: ThemeName, presenter: bool = False) -> Theme:
    """Return a theme; in presenter mode type is 1.6 times as large and lines are 3 px thick."""
    chosen = _LIGHT if name == "light" else _DARK
    if not presenter:
        return chosen
    return replace(
        chosen,
        small_px=round(chosen.small_px * PRESENTER_SCALE),
        base_px=round(chosen.base_px * PRESENTER_SCALE),
        section_px=round(chosen.section_px * PRESENTER_SCALE),
        headline_px=round(chosen.headline_px * PRESENTER_SCALE),
        line_width=3.0,
        presenter=True,
    )


LIGHT = theme("light")
DARK = theme("dark")
