"""Numbers, tables and the progress bar."""

from __future__ import annotations

import io
import json
import math

import pytest

from initviz.cli import progress as progress_module
from initviz.cli.output import Json, display_width, finite, number, pad, percent, print_json, shorten, table
from initviz.cli.progress import Progress


class Terminal(io.StringIO):
    """A terminal that remembers what was written to it."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    @property
    def screen(self) -> str:
        """What a person sees: carriage returns overwrite."""
        line: list[str] = []
        place = 0
        for character in self.getvalue():
            if character == "\r":
                place = 0
            else:
                line[place : place + 1] = character
                place += 1
        return "".join(line)


def test_json_holds_no_number_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    value: dict[str, Json] = {
        "a": [1.5, math.nan, -math.inf],
        "b": {"c": math.inf, "d": "nan"},
        "e": (True, None, 3),
    }
    assert finite(value) == {"a": [1.5, None, None], "b": {"c": None, "d": "nan"}, "e": [True, None, 3]}
    print_json(value)
    assert json.loads(capsys.readouterr().out) == finite(value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (2.302585, "2.303"),
        (12.3456, "12.35"),
        (99999.4, "99999"),
        (123456.0, "1.235e+05"),
        (0.00123456, "0.001235"),
        (1.2e-30, "1.200e-30"),
        (-0.5, "-0.5000"),
        (math.nan, "—"),
        (None, "—"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers_have_four_significant_digits(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_shares_are_percent() -> None:
    assert [percent(value) for value in (0.1234, 1.0, math.nan, None)] == ["12.3 %", "100.0 %", "—", "—"]


def test_chinese_characters_take_two_columns() -> None:
    assert display_width("损失 a") == 6
    assert pad("损失", 6) == "损失  "
    assert pad("损失", 6, right=True) == "  损失"
    assert shorten("损失损失", 5) == "损失…"
    assert display_width(shorten("损失损失", 6)) <= 6
    assert shorten("abc", 3) == "abc"


def test_columns_of_a_table_are_aligned() -> None:
    lines = table(["名称", "x"], [["a", "1.5"], ["赛道", "10"]]).splitlines()
    assert lines == ["名称    x", "────  ───", "a     1.5", "赛道   10"]
    assert len({display_width(line) for line in lines}) == 1


@pytest.fixture
def every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show every update, on the clock of the test."""
    monkeypatch.setattr(progress_module, "TERMINAL_INTERVAL_S", 0.0)
    monkeypatch.setattr(progress_module, "PLAIN_INTERVAL_S", 0.0)


class Clock:
    """Seconds that pass only when the test says so."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def perf_counter(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, every_time: None) -> Clock:
    clock = Clock()
    monkeypatch.setattr("initviz.cli.progress.time", clock)
    return clock


def test_a_terminal_gets_a_bar_that_goes_away(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with Progress(stream, 1000, ["zeros", "He"], "en") as progress:
        clock.now_s += 2.0
        progress.update(250, [2.3026, 0.5])
        assert stream.screen.startswith("▓▓▓▓▓░░░░░░░░░░░░░░░ step 250 of 1,000, 125 steps/s, 0:06 left")
        assert "zeros 2.30  He 0.500" in stream.screen
        clock.now_s += 2.0
        progress.update(1000, [2.3026, math.nan])
        assert stream.screen.startswith("▓" * 20)
        assert "He —" in stream.screen
        assert "\n" not in stream.getvalue()
    assert stream.screen.strip() == ""


def test_loading_is_not_counted_as_training(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with Progress(stream, 1000, ["a"], "en") as progress:
        clock.now_s += 5.0  # torch is imported
        progress.start()
        clock.now_s += 1.0
        progress.update(100, [1.0])
        assert "step 100 of 1,000, 100 steps/s, 0:09 left" in stream.screen


def test_the_bar_never_wraps(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    progress = Progress(stream, 10, [f"赛道 {place}" for place in range(16)], "zh")
    clock.now_s += 1.0
    progress.update(5, [1.0] * 16)
    assert display_width(stream.screen.rstrip()) <= 59
    assert "第 5 步，共 10 步" in stream.screen


def test_an_old_terminal_gets_plain_characters(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")

    class Old(Terminal):
        encoding = "ascii"

    stream = Old()
    progress = Progress(stream, 10, ["a"], "en")
    clock.now_s += 1.0
    progress.update(5, [1.0])
    assert stream.screen.startswith("##########..........")
    assert stream.getvalue().isascii()


def test_elsewhere_plain_lines_are_written(clock: Clock) -> None:
    stream = io.StringIO()
    with Progress(stream, 100, ["a"], "en") as progress:
        clock.now_s += 10.0
        progress.update(10, [1.0])
        clock.now_s += 10.0
        progress.update(20, [0.9])
    assert stream.getvalue() == (
        "step 10 of 100, 1 steps/s, 1:30 left  a 1.00\nstep 20 of 100, 1 steps/s, 1:20 left  a 0.900\n"
    )


def test_a_short_run_writes_no_plain_line() -> None:
    stream = io.StringIO()
    with Progress(stream, 100, ["a"], "en") as progress:
        for step in range(100):
            progress.update(step, [1.0])
    assert stream.getvalue() == ""


def test_without_a_stream_nothing_happens(every_time: None) -> None:
    with Progress(None, 100, ["a"], "en") as progress:
        progress.update(10, [1.0])
