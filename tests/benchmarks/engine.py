"""One lane without telemetry against the plain loop."""

from __future__ import annotations

from functools import partial

import torch

from tests.benchmarks.measure import Benchmark, Figures, Result, interleaved
from tests.benchmarks.nets import CNN8, DIGITS, MOONS, Net, PlainLoop, run_race


def _measure(net: Net) -> Result:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    race = net.race()
    plain = PlainLoop(net, race.data.inputs, race.data.targets)

    def figures(ours: float, theirs: float) -> Figures:
        return {
            "us_per_step": round(1e6 * ours / net.steps, 1),
            "plain_us_per_step": round(1e6 * theirs / net.steps, 1),
        }

    return interleaved(
        partial(run_race, race, net.steps), partial(plain.run, net.steps), runs=21, figures=figures
    )


BENCHMARKS = tuple(
    Benchmark(
        name=f"engine/{net.name}",
        what="time of a step: our engine, one lane, no telemetry / plain loop with fused Adam",
        bar=bar,
        at_least=False,
        run=partial(_measure, net),
    )
    for net, bar in ((MOONS, 0.75), (DIGITS, 0.95), (CNN8, 0.95))
)
