"""Numbers as they stand in a plot."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from initviz.views.numbers import MINUS, percent, plain, power_of_ten, significant, whole


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2.302585, "2.30"),
        (0.0123456, "0.0123"),
        (0.00123456, "0.00123"),
        (0.000999, "9.99×10⁻⁴"),
        (1.0e-7, "1.00×10⁻⁷"),
        (123.456, "123"),
        (99.96, "100"),
        (1234.5, "1230"),
        (45678.0, "45\u2009700"),
        (1.234e9, "1.23×10⁹"),
        (-0.5, f"{MINUS}0.500"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, f"{MINUS}∞"),
        (5e-324, "4.94×10⁻³²⁴"),
    ],
)
def test_three_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


@given(st.floats(1e-300, 1e300))
def test_the_text_is_within_half_a_digit_of_the_value(value: float) -> None:
    text = significant(value).replace("\u2009", "")
    superscripts = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    match = re.fullmatch(r"([\d.]+)(?:×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", text)
    assert match is not None
    power = (match[2] or "").translate(superscripts) or "0"
    assert float(f"{match[1]}e{power}") == pytest.approx(value, rel=0.0051)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1240, "1240"), (12_345, "12\u2009345"), (-1_000_000, "−1\u2009000\u2009000")],
)
def test_thousands(value: int, text: str) -> None:
    assert whole(value) == text


def test_per_cent() -> None:
    assert percent(0) == "0\u2009%"
    assert percent(0.0213) == "2.1\u2009%"
    assert percent(0.971) == "97\u2009%"
    assert percent(math.nan) == "–"


def test_plain_and_powers() -> None:
    assert plain(0.2) == "0.2"
    assert plain(1e6) == "10⁶"
    assert plain(-2.5e-9) == "−2.5×10⁻⁹"
    assert power_of_ten(-30) == "10⁻³⁰"
