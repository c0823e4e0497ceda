import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from initviz.experiment.fields import BATCH_SIZE, SEED, VALIDATION
from initviz.experiment.parameters import FloatParameter
from initviz.experiment.text import Text
from initviz.ui.number_text import (
    format_bytes,
    format_number,
    format_three,
    parse_float,
    parse_floats,
    parse_int,
    range_text,
)

NOTHING = Text("", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01, "0.01"),
        (1e-5, "1e-5"),
        (2.5e-7, "2.5e-7"),
        (0.0001, "0.0001"),
        (1.0, "1"),
        (2000, "2000"),
        (1e6, "1e6"),
        (2.5e7, "2.5e7"),
        (123456789.0, "123456789"),
        (-3.5, "-3.5"),
        (0.0, "0"),
    ],
)
def test_numbers_are_short_and_exact(value: float, text: str) -> None:
    assert format_number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_shown_reads_as_the_same_number(value: float) -> None:
    assert parse_float(format_number(value)) == value


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_whole_numbers_read_back(value: int) -> None:
    assert parse_int(format_number(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0,01", 0.01),
        ("2,000", 2000.0),
        ("\uff10．\uff15", 0.5),
        ("−3", -3.0),
        (" 1e-5 ", 1e-5),
        ("1\u2009000", 1000.0),
        ("abc", None),
        ("", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_numbers_as_people_type_them(text: str, value: float | None) -> None:
    assert parse_float(text) == value


def test_whole_numbers_as_people_type_them() -> None:
    assert parse_int("2e3") == 2000
    assert parse_int("\uff12\uff10") == 20
    assert parse_int("2.5") is None


def test_lists_of_numbers() -> None:
    assert parse_floats("0.9, 0.999") == (0.9, 0.999)
    assert parse_floats("[0.9；0.999]") == (0.9, 0.999)
    assert parse_floats("0.9、0.999") == (0.9, 0.999)
    assert parse_floats("0.9 x") is None


def test_ranges_read_like_inequalities() -> None:
    assert range_text(VALIDATION) == "0 ≤ x ≤ 0.9"
    assert range_text(BATCH_SIZE) == "x ≥ 1"
    assert range_text(SEED) == "x ≥ 0"
    assert range_text(FloatParameter("a", NOTHING, 0.0, NOTHING)) == ""
    half_open = FloatParameter(
        "a", NOTHING, 0.5, NOTHING, minimum=0, maximum=1, open_minimum=True, open_maximum=True
    )
    assert range_text(half_open) == "0 < x < 1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.302585, "2.30"),
        (0.0123, "0.0123"),
        (0.99951, "1.00"),
        (123.4, "123"),
        (1e-30, "1.0e-30"),
        (0.0, "0"),
        (math.nan, "–"),
    ],
)
def test_measured_numbers_have_three_digits(value: float, text: str) -> None:
    assert format_three(value) == text


def test_memory_is_in_decimal_units() -> None:
    assert format_bytes(98_304) == "98.3 kB"
    assert format_bytes(3_480_000) == "3.48 MB"
    assert format_bytes(999_600) == "1 MB"
