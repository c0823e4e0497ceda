"""A race of four lanes against four runs one after another, for every part that does something at every step."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.catalogue import Part
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from tests.benchmarks.measure import Benchmark, Result, interleaved
from tests.parts_at_work import document_with, parts_at_work

LANES = 4
STEPS = 6


def _race(document: dict[str, Any], seeds: range) -> Race:
    lanes = [{"name": f"lane {seed}", "seed": seed} for seed in seeds]
    whole = {**document, "dtype": "float32", "steps": 10_000_000, "lanes": lanes}
    return Race(read_document(whole, catalogue(), Limits()), catalogue(), Limits())


def _run(races: list[Race]) -> None:
    for race in races:
        for _ in range(STEPS):
            next(race)


def _measure(part: Part) -> Result:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    document = document_with(part)
    together = [_race(document, range(LANES))]
    alone = [_race(document, range(seed, seed + 1)) for seed in range(LANES)]
    return interleaved(partial(_run, alone), partial(_run, together), runs=3)


BENCHMARKS = tuple(
    Benchmark(
        name=f"together/{part.kind}/{part.key}",
        what=f"time of a step: {LANES} runs one after another / one race of {LANES} lanes",
        bar=1.0,
        at_least=True,
        run=partial(_measure, part),
    )
    for part in parts_at_work()
)
