"""Small values: texts, choices, parameters and what messages repeat."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from initviz.experiment.errors import ExperimentError, join_path, nearest, printable, shown, unknown_key
from initviz.experiment.parameters import (
    BoolParameter,
    ChoiceParameter,
    FloatParameter,
    FloatsParameter,
    IntParameter,
    PartParameter,
    check_values,
)
from initviz.experiment.text import Text
from initviz.experiment.values import Choice

T = Text("t", "题")


def test_text_by_language() -> None:
    text = Text("loss", "损失")
    assert [text.in_language(code) for code in ("en", "zh", "zh_CN", "ZH-Hans", "de", "")] == [
        "loss", "损失", "损失", "损失", "loss", "loss"
    ]  # fmt: skip
    assert str(text) == "loss"
    assert Text("{n} of {what}", "{what}：{n}").format(n=3, what=text) == Text("3 of loss", "损失：3")


def test_choice_gives_values_in_their_type() -> None:
    choice = Choice("x", (("a", 1), ("b", 2.5), ("c", True), ("d", "relu"), ("e", (0.5, 1)), ("f", None)))
    assert (choice.number("a"), choice.number("b"), choice.integer("a")) == (1.0, 2.5, 1)
    assert isinstance(choice.number("a"), float)
    assert (choice.flag("c"), choice.string("d"), choice.numbers("e"), choice["f"]) == (
        True,
        "relu",
        (0.5, 1.0),
        None,
    )
    with pytest.raises(KeyError):
        choice["g"]


@pytest.mark.parametrize(
    ("method", "wrong"),
    [("number", "cdef"), ("integer", "bcdef"), ("flag", "abdef"), ("string", "abcef"), ("numbers", "abcdf")],
)
def test_choice_refuses_another_type(method: str, wrong: str) -> None:
    choice = Choice("x", (("a", 1), ("b", 2.5), ("c", True), ("d", "relu"), ("e", (0.5, 1)), ("f", None)))
    for key in wrong:
        with pytest.raises(TypeError, match=rf"x\.{key} is not"):
            getattr(choice, method)(key)


def accepts(parameter: Any, value: object) -> bool:
    try:
        parameter.check(value, "p")
    except ExperimentError as error:
        return error.path[:1] != "p"
    return True


def test_float_bounds_open_and_closed() -> None:
    closed = FloatParameter("x", T, 0.5, T, minimum=0.0, maximum=1.0)
    assert [accepts(closed, x) for x in (0.0, 1.0, 1, -1e-300, math.nextafter(1, 2))] == [True] * 3 + [
        False
    ] * 2
    both = FloatParameter("x", T, 0.5, T, minimum=0.0, maximum=1.0, open_minimum=True, open_maximum=True)
    assert [accepts(both, x) for x in (0.0, 1.0, 1e-300, math.nextafter(1, 0))] == [False] * 2 + [True] * 2
    with pytest.raises(ExperimentError, match=r"^p: 1\.0 is outside the range >0 to <1\.$"):
        both.check(1.0, "p")
    assert not accepts(closed, 10**400)
    assert not accepts(FloatParameter("x", T, None, T), math.inf)


@pytest.mark.parametrize("parameter", [FloatParameter("x", T, None, T), IntParameter("x", T, 0, T)])
def test_only_an_optional_number_may_be_open(parameter: Any) -> None:
    assert not accepts(parameter, None)
    optional = type(parameter)("x", T, parameter.default, T, optional=True)
    assert optional.check(None, "p") is None


def test_other_parameters() -> None:
    integer = IntParameter("x", T, 1, T, minimum=1, maximum=3)
    assert [accepts(integer, x) for x in (1, 3, 0, 4, 2.0, True, "2", 10**5000)] == [True] * 2 + [False] * 6
    boolean = BoolParameter("x", T, True, T)
    assert [accepts(boolean, x) for x in (True, False, 0, 1, "true", None)] == [True] * 2 + [False] * 4
    choice = ChoiceParameter("x", T, "a", T, (("a", T), ("b", T)))
    assert [accepts(choice, x) for x in ("a", "b", "c", "A", 0, None)] == [True] * 2 + [False] * 4
    part = PartParameter("x", T, "a", T, part_kind="layer")
    assert [accepts(part, x) for x in ("anything", 0, None)] == [True, False, False]
    several = FloatsParameter(
        "x", T, (0.5,), T, minimum=0.0, maximum=1.0, open_maximum=True, maximum_length=2
    )
    assert [
        accepts(several, x) for x in ([0.0], (0.5, 0.9), [], [0.1] * 3, [1.0], [math.nan], 0.5, "ab", [None])
    ] == [True] * 2 + [False] * 7
    assert several.check([0, 0.5], "p") == (0.0, 0.5)


def test_check_values_fills_in_defaults_in_order() -> None:
    parameters = (IntParameter("a", T, 1, T), FloatParameter("b", T, 2.0, T), BoolParameter("c", T, False, T))
    assert list(check_values(parameters, {"c": True, "a": 5}, "").items()) == [
        ("a", 5),
        ("b", 2.0),
        ("c", True),
    ]
    with pytest.raises(ExperimentError, match=r"^at\.d: there is no 'd' here"):
        check_values(parameters, {"d": 1}, "at")
    with pytest.raises(ExperimentError, match=r"^at\.b: expected a number"):
        check_values(parameters, {"b": "x"}, "at")


def test_paths_are_joined() -> None:
    assert join_path("a", "b") == "a.b"
    assert join_path("a", "[3]") == "a[3]"
    assert join_path("", "b") == "b"
    assert join_path("a", "") == "a"


def test_nearest() -> None:
    assert nearest("HE_normal", ["zeros", "he_normal"]) == "he_normal"
    assert nearest("qqq", ["zeros", "he_normal"]) is None
    assert nearest("zeros" * 100_000, ["zeros"]) is None
    assert "Possible keys: —" in str(unknown_key("x", [], ""))


def test_huge_values_are_shown_short() -> None:
    assert shown("x" * 10**6) == "'" + "x" * 27 + "..." + "x" * 28 + "'"
    assert shown(2**300) == "<301 bits>"
    assert shown([10**5000]) == "<list>"
    assert shown(3) == "3"
    assert shown(0.1) == "0.1"
    assert shown("a'b") == '"a\'b"'
    deep: list[object] = []
    for _ in range(10_000):
        deep = [deep]
    assert shown(deep) == "[[[...]]]"
    assert printable("a\x1b[0m\u202e\n") == "a\\x1b[0m\\u202e\\n"
    assert printable("x" * 61) == "x" * 57 + "..."
    assert printable("x" * 60) == "x" * 60


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text() | st.binary(), lambda x: st.lists(x)))
def test_whatever_is_shown_can_be_printed(value: object) -> None:
    text = shown(value)
    assert text.isprintable()
    assert 0 < len(text) <= 60
