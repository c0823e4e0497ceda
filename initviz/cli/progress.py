"""Shows on stderr how far a run is."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TextIO

from initviz.cli.output import display_width, number, pad, shorten
from initviz.experiment.text import Language, Text

TERMINAL_INTERVAL_S = 0.1
PLAIN_INTERVAL_S = 10.0
BAR_COLUMNS = 20
RATE_MEMORY_S = 3.0
"""The rate is that of about the last three seconds, so that it follows a change and does not flicker."""


class Progress:
    """A bar on a terminal; elsewhere a plain line now and then.

    Args:
        stream: Where it is shown; None shows nothing.
        total: Steps in all.
        lanes: Names.
        language: Of the few words in it.
        title: What is said before them, or None.
    """

    def __init__(
        self,
        stream: TextIO | None,
        total: int,
        lanes: Sequence[str],
        language: Language,
        title: Text | None = None,
    ) -> None:
        self._stream = stream
        self._total = total
        self._lanes = tuple(lanes)
        self._language: Language = language
        self._title = "" if title is None else title.in_language(language)
        self._on_terminal = stream is not None and stream.isatty()
        encoding = getattr(stream, "encoding", None) or "ascii"
        self._full, self._empty = _bar_characters(encoding)
        self._shown_s = self._rated_s = time.perf_counter()
        self._rated_step = 0
        self._rate = 0.0
        self._line = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()

    def say(self, text: Text) -> None:
        """Show what is being done before the first step; on a terminal only."""
        if self._on_terminal:
            self._draw(text.in_language(self._language) + "…")

    def tell(self, text: Text) -> None:
        """Print a line that stays."""
        if self._stream is not None:
            self.clear()
            print(text.in_language(self._language), file=self._stream, flush=True)

    def start(self) -> None:
        """Start the clock: the rate is that of the steps alone, not of what had to be loaded before them."""
        self._shown_s = self._rated_s = time.perf_counter()

    def update(self, step: int, losses: Sequence[float]) -> None:
        """Show how far it is, if it is time to.

        Args:
            step: Steps made.
            losses: The latest of each lane.
        """
        now_s = time.perf_counter()
        interval_s = TERMINAL_INTERVAL_S if self._on_terminal else PLAIN_INTERVAL_S
        if self._stream is None or now_s - self._shown_s < interval_s:
            return
        self._shown_s = now_s
        self._note_rate(step, now_s)
        if self._on_terminal:
            self._draw(self._bar(step, losses))
        else:
            print(self._text(step, losses), file=self._stream, flush=True)

    def clear(self) -> None:
        """Take the bar away."""
        if self._line and self._stream is not None:
            self._stream.write("\r" + " " * display_width(self._line) + "\r")
            self._stream.flush()
            self._line = ""

    def _note_rate(self, step: int, now_s: float) -> None:
        elapsed_s = now_s - self._rated_s
        if elapsed_s <= 0:
            return
        rate = (step - self._rated_step) / elapsed_s
        share = 1 - math.exp(-elapsed_s / RATE_MEMORY_S) if self._rate else 1.0
        self._rate += share * (rate - self._rate)
        self._rated_s, self._rated_step = now_s, step

    def _draw(self, line: str) -> None:
        if self._stream is None:
            return
        columns = shutil.get_terminal_size().columns - 1
        line = shorten(line, columns)
        self._stream.write("\r" + pad(line, display_width(self._line)))
        self._stream.flush()
        self._line = line

    def _bar(self, step: int, losses: Sequence[float]) -> str:
        filled = BAR_COLUMNS * step // self._total
        return f"{self._full * filled}{self._empty * (BAR_COLUMNS - filled)} {self._text(step, losses)}"

    def _text(self, step: int, losses: Sequence[float]) -> str:
        remaining_s = (self._total - step) / self._rate if self._rate else math.inf
        words = Text(
            f"step {step:,} of {self._total:,}, {_rate(self._rate)} steps/s, {duration(remaining_s)} left",
            f"第 {step:,} 步，共 {self._total:,} 步，{_rate(self._rate)} 步/秒，剩余 {duration(remaining_s)}",
        ).in_language(self._language)
        shown = "  ".join(f"{name} {number(loss, 3)}" for name, loss in zip(self._lanes, losses, strict=True))
        comma = Text(", ", "，").in_language(self._language) if self._title else ""
        return f"{self._title}{comma}{words}  {shown}"


def _bar_characters(encoding: str) -> tuple[str, str]:
    try:
        "▓░".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "#", "."
    return "▓", "░"


def _rate(steps_per_s: float) -> str:
    return f"{steps_per_s:,.0f}" if steps_per_s >= 100 else f"{steps_per_s:.3g}"


def duration(seconds: float) -> str:
    """Return seconds as hours, minutes and seconds; a question mark where nobody knows."""
    if not math.isfinite(seconds):
        return "?"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
