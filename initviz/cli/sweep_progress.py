"""Shows on stderr how far a study is."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TextIO

from initviz.cli.output import number
from initviz.cli.progress import BAR_COLUMNS, Progress, duration
from initviz.experiment.text import Language, Text
from initviz.sweep.records import Standing

PARTS = 1000
"""Steps of the bar."""


class SweepProgress(Progress):
    """A bar on a terminal, with the time left and the best so far; elsewhere a plain line now and then.

    Args:
        stream: Where it is shown; None shows nothing.
        language: Of the few words in it.
    """

    def __init__(self, stream: TextIO | None, language: Language) -> None:
        super().__init__(stream, PARTS, (), language)
        self._standing = Standing(1)
        self._first: tuple[float, float] | None = None

    def hear(self, standing: Standing) -> None:
        """Show how far it is, if it is time to."""
        if self._first is None and standing.here:
            self._first = (time.perf_counter(), standing.fraction)
        self._standing = standing
        self.update(round(PARTS * standing.fraction), ())

    def remaining_s(self) -> float:
        """Return how many seconds are left at the rate since this worker's first trial; infinity before."""
        if self._first is None:
            return math.inf
        elapsed_s = time.perf_counter() - self._first[0]
        done = self._standing.fraction - self._first[1]
        return elapsed_s * (1.0 - self._standing.fraction) / done if done > 0 else math.inf

    def _bar(self, step: int, losses: Sequence[float]) -> str:
        filled = BAR_COLUMNS * step // PARTS
        return f"{self._full * filled}{self._empty * (BAR_COLUMNS - filled)} {self._text(step, losses)}"

    def _text(self, step: int, losses: Sequence[float]) -> str:
        standing, left = self._standing, duration(self.remaining_s())
        words = Text(
            f"trial {standing.finished:,} of {standing.target:,}, {left} left",
            f"已完成 {standing.finished:,}/{standing.target:,} 次试验，剩余 {left}",
        )
        if standing.is_waiting:
            running = standing.counts.get("running", 0) + standing.counts.get("waiting", 0)
            words = Text(
                f"trial {standing.finished:,} of {standing.target:,}, waiting for {running} at other workers",
                f"已完成 {standing.finished:,}/{standing.target:,} 次试验，等待其他进程的 {running} 次试验",
            )
        best = standing.best
        if best is None:
            return words.in_language(self._language)
        score = number(best.value)
        said = Text(
            f"{words.en}, best {score} (trial {best.number})",
            f"{words.zh}，最佳 {score}（第 {best.number} 号）",
        )
        return said.in_language(self._language)
