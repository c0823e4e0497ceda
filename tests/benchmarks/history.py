"""How much memory a long run's history takes."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

from initviz.telemetry import synthetic
from initviz.telemetry.frame import Frame
from initviz.telemetry.history import RunHistory
from tests.benchmarks.measure import Benchmark, Result

STEPS, FRAMES, STRETCH = 100_000, 18_000, 100
KEPT = 600
"""Frames that are really kept; what all would take follows, since every frame takes as much."""
INFO = synthetic.run_info(num_lanes=4, num_layers=13, total_steps=STEPS)


def _grown(work: Callable[[], object]) -> float:
    """Return by how many bytes the memory in use grew while what ``work`` returned is alive."""
    gc.collect()
    tracemalloc.start()
    try:
        result = work()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0]
        del result
        return float(grown)
    finally:
        tracemalloc.stop()


def _history() -> RunHistory:
    history = RunHistory(INFO)
    frame = synthetic.frame(INFO, 0)
    stretches = [synthetic.scalars(INFO, first, STRETCH) for first in range(0, 10 * STRETCH, STRETCH)]
    shown = 0
    for first in range(0, STEPS, STRETCH):
        part = stretches[first // STRETCH % len(stretches)]
        history.append(replace(part, steps=part.steps - part.steps[0] + first))
        while shown * STEPS < (first + STRETCH) * FRAMES:
            history.add_frame(replace(frame, step=shown * STEPS // FRAMES))
            shown += 1
    history.loss()
    history.grad_norm_map()
    return history


def _kept() -> list[Frame]:
    packed = pickle.dumps(synthetic.frame(INFO, 0))
    return [pickle.loads(packed) for _ in range(KEPT)]


def _measure() -> Result:
    history = _grown(_history)
    kept = _grown(_kept) * FRAMES / KEPT
    ratio = history / kept
    return Result(
        ratio, 1, ratio, ratio, {"history_mb": round(history / 1e6, 1), "frames_mb": round(kept / 1e6, 1)}
    )


BENCHMARKS = (
    Benchmark(
        name="memory/history",
        what="growth over 100,000 steps and 18,000 frames / with every frame kept as NumPy arrays",
        bar=0.06,
        at_least=False,
        run=_measure,
    ),
)
