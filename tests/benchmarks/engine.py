"""One lane without telemetry against the plain loop."""

from __future__ import annotations

from functools import partial

import torch

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from tests.benchmarks.measure import Benchmark, Figures, Result, interleaved
from tests.benchmarks.nets import CNN8, DIGITS, ENDLESS, MOONS, Net, PlainLoop, run_race

DEEP_STEPS = 12


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


def _measure_denormals() -> Result:
    """A signal that vanishes must not run into numbers that the processor is slow with."""
    torch.set_num_threads(1)
    deep: dict[str, object] = {
        "device": "cpu",
        "steps": ENDLESS,
        "data": {"name": "digits", "batch_size": 128},
        "model": {"family": "mlp", "depth": 100, "width": 64, "activation": "relu"},
        "optimizer": {"name": "sgd", "lr": 1e-3},
    }
    runs = []
    for start in ({"name": "he_normal"}, {"name": "normal", "std": 0.01}):
        experiment = read_document({**deep, "init": {"weight": start}}, catalogue(), Limits())
        runs.append(partial(run_race, Race(experiment, catalogue(), Limits()), DEEP_STEPS))

    def figures(he: float, small: float) -> Figures:
        return {
            "he_us_per_step": round(1e6 * he / DEEP_STEPS, 1),
            "small_us_per_step": round(1e6 * small / DEEP_STEPS, 1),
        }

    return interleaved(runs[0], runs[1], runs=15, figures=figures)


BENCHMARKS = tuple(
    Benchmark(
        name=f"engine/{net.name}",
        what="time of a step: our engine, one lane, no telemetry / plain loop with fused Adam",
        bar=bar,
        at_least=False,
        run=partial(_measure, net),
    )
    for net, bar in ((MOONS, 0.75), (DIGITS, 0.95), (CNN8, 0.95))
) + (
    Benchmark(
        name="engine/denormals",
        what="training rate of 100 layers: from N(0, 0.01^2) / from He",
        bar=0.667,
        at_least=True,
        run=_measure_denormals,
    ),
)
