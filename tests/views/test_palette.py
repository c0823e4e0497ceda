"""Lanes can be told apart by everyone, and text can be read."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from initviz.telemetry.frame import Floats
from initviz.views.palette import (
    DARK,
    GRAPHIC_CONTRAST,
    LIGHT,
    MAX_LANES,
    PRESENTER_SCALE,
    TEXT_CONTRAST,
    Theme,
    contrast,
    mix,
    readable,
    rgb,
    theme,
)

# Machado, Oliveira, Fernandes 2009, severity 1.0, for linear RGB.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
SRGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])
THEMES = pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])


def linear(color: str) -> Floats:
    share = np.array(rgb(color)) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(light: Floats) -> Floats:
    ratio = SRGB_TO_XYZ @ np.clip(light, 0, 1) / WHITE
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(first: str, second: str, eye: Floats) -> float:
    """Return CIE76 Delta E as an eye with this matrix sees it; 2.3 is just noticeable."""
    return float(np.linalg.norm(lab(eye @ linear(first)) - lab(eye @ linear(second))))


def closest(colors: list[str], eye: Floats) -> float:
    return min(difference(a, b, eye) for a, b in itertools.combinations(colors, 2))


@THEMES
def test_every_lane_has_enough_contrast(look: Theme) -> None:
    assert len(look.lanes) == MAX_LANES
    for style in look.lanes:
        for ground in (look.background, look.surface):
            assert contrast(style.color, ground) >= GRAPHIC_CONTRAST, style
            assert contrast(style.ink, ground) >= TEXT_CONTRAST, style


@THEMES
def test_texts_can_be_read(look: Theme) -> None:
    for ground in (look.background, look.surface, look.raised):
        for color in (look.text, look.muted, look.error):
            assert contrast(color, ground) >= TEXT_CONTRAST, (color, ground)


@THEMES
@pytest.mark.parametrize(
    ("eye", "four", "eight"),
    [(np.eye(3), 40, 14), (DEUTERANOPIA, 20, 7), (PROTANOPIA, 20, 7)],
    ids=["trichromat", "deuteranopia", "protanopia"],
)
def test_lanes_differ_for_every_eye(look: Theme, eye: Floats, four: float, eight: float) -> None:
    colors = [style.color for style in look.lanes]
    assert closest(colors[:4], eye) >= four
    assert closest(colors[:8], eye) >= eight


@THEMES
def test_the_first_four_differ_in_grey(look: Theme) -> None:
    greys = sorted(float(lab(linear(style.color))[0]) for style in look.lanes[:4])
    assert min(np.diff(greys)) >= 4


@THEMES
def test_line_style_and_marker_tell_all_sixteen_apart(look: Theme) -> None:
    assert len({(style.dash, style.marker) for style in look.lanes}) == MAX_LANES
    assert len({style.color for style in look.lanes}) == MAX_LANES


def test_hues_have_the_same_order_in_both_themes() -> None:
    for light, dark in zip(LIGHT.lanes[:7], DARK.lanes[:7], strict=True):
        first, second = (np.arctan2(*lab(linear(style.color))[[2, 1]]) for style in (light, dark))
        turn = np.degrees(np.abs(np.angle(np.exp(1j * (first - second)))))
        assert turn < 35, (light.color, dark.color)


@THEMES
def test_vanished_and_exploded_are_no_lane_and_differ(look: Theme) -> None:
    assert difference(look.vanished, look.exploded, np.eye(3)) > 40
    assert contrast(look.exploded, look.surface) >= GRAPHIC_CONTRAST


def test_presenter_mode_enlarges_type_and_lines() -> None:
    small, large = theme("dark"), theme("dark", presenter=True)
    assert large.base_px == round(PRESENTER_SCALE * small.base_px)
    assert large.line_width == 3
    assert large.presenter
    assert large.lanes == small.lanes


def test_any_color_index_has_a_style() -> None:
    assert LIGHT.lane(16) == LIGHT.lane(0)
    assert LIGHT.lane(-1) == LIGHT.lane(15)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_readable_changes_only_what_it_must() -> None:
    assert readable("#000000", ("#ffffff",)) == "#000000"
    moved = readable("#f0e442", ("#ffffff",))
    assert contrast(moved, "#ffffff") >= TEXT_CONTRAST
    assert contrast(mix(moved, "#f0e442", 0.1), "#ffffff") < TEXT_CONTRAST
