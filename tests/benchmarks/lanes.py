"""One race of K lanes, per-lane norms of every layer at every step, against K plain runs one after another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from initviz.telemetry.monitor import Monitor
from tests.benchmarks.measure import Benchmark, Figures, Result, interleaved
from tests.benchmarks.nets import CNN8, DIGITS, MOONS, Net, PlainLoop


def run_with_norms(monitor: Monitor, steps: int) -> None:
    """Make some updates, and take the norms as the worker does."""
    for _ in range(steps):
        monitor.advance()
    monitor.take_scalars()


def _measure(net: Net, lanes: int) -> Result:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    race = net.race(lanes)
    monitor = Monitor(race, run_id=1)
    plain = [PlainLoop(net, race.data.inputs, race.data.targets) for _ in range(lanes)]
    steps = max(12, net.steps // 4)

    def one_after_another() -> None:
        for loop in plain:
            loop.run(steps)

    def figures(theirs: float, ours: float) -> Figures:
        return {
            "us_per_step": round(1e6 * ours / steps, 1),
            "plain_us_per_lane_step": round(1e6 * theirs / steps / lanes, 1),
        }

    together: Callable[[], None] = partial(run_with_norms, monitor, steps)
    return interleaved(one_after_another, together, runs=15, figures=figures)


BENCHMARKS = tuple(
    Benchmark(
        name=f"lanes/{net.name}-{lanes}",
        what=f"time of a step: {lanes} plain runs one after another / one race of {lanes} lanes with per-lane norms",
        bar=bar,
        at_least=True,
        run=partial(_measure, net, lanes),
    )
    for net, lanes, bar in ((MOONS, 8, 5.0), (MOONS, 16, 6.5), (DIGITS, 8, 1.3), (CNN8, 8, 1.6))
)
