"""How a ratio is measured: pairs in turn, in one process, and the median of their ratios."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Clock = Callable[[], float]
Figures = Mapping[str, float | int | str]


@dataclass(frozen=True)
class Result:
    """What a benchmark found.

    Attributes:
        ratio: The median.
        runs: Pairs measured.
        minimum: Smallest ratio of a pair.
        maximum: Largest.
        figures: Absolute numbers to print beside it.
    """

    ratio: float
    runs: int
    minimum: float
    maximum: float
    figures: Figures = field(default_factory=dict)


@dataclass(frozen=True)
class Benchmark:
    """A row.

    Attributes:
        name: Such as ``engine/moons``.
        what: What is divided by what.
        bar: The ratio to reach.
        at_least: True where larger is better.
        run: Measures it.
    """

    name: str
    what: str
    bar: float
    at_least: bool
    run: Callable[[], Result]

    def line(self, result: Result) -> dict[str, object]:
        """Return the row that is printed."""
        met = result.ratio >= self.bar if self.at_least else result.ratio <= self.bar
        return {
            "name": self.name,
            "ratio": round(result.ratio, 4),
            "what": self.what,
            "runs": result.runs,
            "min": round(result.minimum, 4),
            "max": round(result.maximum, 4),
            "bar": f"{'>=' if self.at_least else '<='} {self.bar}",
            "met": met,
            **result.figures,
        }


def seconds(work: Callable[[], object], clock: Clock = time.thread_time) -> float:
    """Return how long ``work`` takes, garbage collection kept out of it.

    Args:
        work: What is timed.
        clock: ``time.thread_time`` counts the processor time of this thread, which other programs on the machine
            disturb least; it is the wall time where one thread computes and nothing else runs.
    """
    gc.collect()
    gc.disable()
    try:
        start = clock()
        work()
        return clock() - start
    finally:
        gc.enable()


def interleaved(
    over: Callable[[], object],
    under: Callable[[], object],
    runs: int = 11,
    clock: Clock = time.thread_time,
    figures: Callable[[float, float], Figures] = lambda over_s, under_s: {},
) -> Result:
    """Time two pieces of work in turn and return the median ratio ``over / under``.

    Each is run once untimed first.

    Args:
        over: The numerator.
        under: The denominator.
        runs: Pairs.
        clock: See ``seconds``.
        figures: From both median durations in seconds to numbers that are printed beside the ratio.
    """
    over()
    under()
    pairs = []
    for run in range(runs):
        if run % 2:
            below = seconds(under, clock)
            above = seconds(over, clock)
        else:
            above = seconds(over, clock)
            below = seconds(under, clock)
        pairs.append((above, below))
    ratios = [above / below for above, below in pairs]
    medians = (statistics.median(above for above, _ in pairs), statistics.median(below for _, below in pairs))
    return Result(statistics.median(ratios), runs, min(ratios), max(ratios), figures(*medians))
