"""Colours of magnitudes."""

from __future__ import annotations

import numpy as np
import pytest

from initviz.views.magnitude import (
    EXPLODED,
    EXPLODED_CODE,
    FIRST_CODE,
    HIGH_DECADES,
    LOW_DECADES,
    UNKNOWN_CODE,
    VANISHED,
    VANISHED_CODE,
    diverging,
    magnitude_codes,
    magnitude_table,
    peaks,
    sequential,
    share_codes,
    share_table,
)
from initviz.views.palette import DARK, LIGHT, Theme, luminance, rgb


def test_the_thresholds_are_the_ends_of_the_scale() -> None:
    assert np.log10([VANISHED, EXPLODED]) == pytest.approx([LOW_DECADES, HIGH_DECADES])


def test_what_is_out_of_range_has_a_code_of_its_own() -> None:
    decades = np.array([np.nan, -np.inf, -8.01, -8.0, -2.5, 3.0, 3.01, np.inf], dtype=np.float32)
    codes = magnitude_codes(decades)
    assert codes.tolist()[:3] == [UNKNOWN_CODE, VANISHED_CODE, VANISHED_CODE]
    assert codes.tolist()[3:6] == [FIRST_CODE, FIRST_CODE + 126, 255]
    assert codes.tolist()[6:] == [EXPLODED_CODE, EXPLODED_CODE]


def test_the_map_is_even_and_monotone_in_lightness() -> None:
    light = [luminance("#" + "".join(f"{c:02x}" for c in color)) ** (1 / 3) for color in sequential(64)]
    steps = np.diff(light)
    assert (steps > 0).all()
    assert steps.max() < 4 * steps.mean()


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_flat_colors_are_not_in_the_map(look: Theme) -> None:
    table = magnitude_table(look)
    assert len(set(table[:FIRST_CODE].tolist())) == 3
    colors = sequential(253).astype(int)
    for name in ("vanished", "exploded", "unknown"):
        nearest = np.abs(colors - np.array(rgb(getattr(look, name)))).sum(axis=1).min()
        assert nearest > 60, name


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_nothing_is_the_surface_and_more_is_further_from_it(look: Theme) -> None:
    table = share_table(look)
    assert table[FIRST_CODE] & 0xFFFFFF == int(look.surface[1:], 16)
    contrast = [abs(luminance(f"#{int(c) & 0xFFFFFF:06x}") - luminance(look.surface)) for c in table[20::40]]
    assert (np.diff(contrast) > 0).all()


def test_shares_show_thin_tails() -> None:
    codes = share_codes(np.array([0, 0.01, 1, np.nan]), 1.0)
    assert codes[0] == FIRST_CODE
    assert codes[1] > FIRST_CODE + 20
    assert codes[2] == 255
    assert codes[3] == UNKNOWN_CODE


def test_the_diverging_map_has_a_neutral_middle() -> None:
    colors = diverging(LIGHT).astype(int)
    assert colors[127].tolist() == list(rgb(LIGHT.unknown))
    spread = colors.max(axis=1) - colors.min(axis=1)
    assert spread[127] < 10
    assert spread[0] > 100
    assert spread[-1] > 100
    assert colors[0, 2] > colors[0, 0]  # blue
    assert colors[-1, 0] > colors[-1, 2]  # orange


def test_peaks_keep_the_largest_of_every_place() -> None:
    values = np.zeros((2, 103))
    values[1, 57] = 7
    values[0, :] = np.nan
    reduced = peaks(values, 1, 10)
    assert reduced.shape[1] <= 10
    assert np.isnan(reduced[0]).all()
    assert reduced[1].max() == 7
    assert peaks(values, 1, 103) is values
