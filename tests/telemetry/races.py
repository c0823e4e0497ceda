"""Small races for the tests."""

from __future__ import annotations

from typing import Any

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.telemetry.frame import Frame, Histogram, Scalars
from initviz.telemetry.monitor import Monitor

MOONS = {
    "device": "cpu",
    "steps": 300,
    "data": {"name": "moons", "batch_size": 64},
    "model": {"family": "mlp", "depth": 2, "width": 16, "activation": "relu"},
    "optimizer": {"name": "adam", "lr": 0.01},
}
DIGITS = {
    "device": "cpu",
    "steps": 300,
    "data": {"name": "digits", "batch_size": 128},
    "model": {"family": "mlp", "depth": 4, "width": 64, "activation": "relu"},
    "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9},
}
STARTS = ("zeros", "small", "xavier", "he")
LANES = [
    {"name": "zeros", "init": {"weight": {"name": "zeros"}}},
    {"name": "small", "init": {"weight": {"name": "normal", "std": 0.01}}},
    {"name": "xavier", "init": {"weight": {"name": "xavier_normal"}}},
    {"name": "he", "init": {"weight": {"name": "he_normal"}}},
]
CONVOLUTIONAL = {
    "device": "cpu",
    "steps": 300,
    "data": {"name": "digits", "batch_size": 128},
    "model": {
        "layers": [
            {"kind": "conv", "channels": 8},
            {"kind": "activation", "function": "tanh"},
            {"kind": "max_pool"},
            {"kind": "conv", "channels": 6},
            {"kind": "activation"},
            {"kind": "flatten"},
        ]
    },
    "optimizer": {"name": "adam", "lr": 0.003},
}
TEXT = {
    "device": "cpu",
    "steps": 300,
    "data": {"name": "text", "length": 8, "batch_size": 16},
    "model": {"family": "transformer", "width": 8, "heads": 2, "blocks": 1},
    "optimizer": {"name": "adam", "lr": 0.003},
}


MIXED = [
    {"name": "deep", "model": {"depth": 6}},
    *LANES[2:],
    {"name": "adam", "optimizer": {"name": "adam", "lr": 0.002}},
]
DOCUMENTS = {
    "moons": {**MOONS, "lanes": LANES},
    "digits": {**DIGITS, "lanes": LANES},
    "convolutional": {**CONVOLUTIONAL, "lanes": LANES[1:]},
    "mixed": {**DIGITS, "lanes": MIXED},
    "double": {**MOONS, "dtype": "float64", "lanes": LANES},
    "alone": MOONS,
    "text": {**TEXT, "lanes": LANES},
}


def race(document: dict[str, Any], **changes: Any) -> Race:
    """Return a race of a document with some top-level tables changed."""
    experiment = read_document({**document, **changes}, catalogue(), Limits())
    return Race(experiment, catalogue(), Limits())


def with_model(document: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Return a document whose model has other values."""
    return {**document, "model": {**document["model"], **values}}


def collected(monitor: Monitor, steps: int, every: int = 0) -> tuple[Scalars, list[Frame]]:
    """Advance; return all scalars, and the frame of every so many steps."""
    frames = []
    for step in range(steps):
        want = bool(every) and step % every == 0
        monitor.advance(want)
        if want:
            frames.append(monitor.frame(complete=True))
    scalars = monitor.take_scalars()
    assert scalars is not None
    return scalars, frames


def segment(histogram: Histogram, lane: int, layer: int) -> int:
    """Return how many values a segment holds."""
    parts = (histogram.below, histogram.above, histogram.not_finite)
    return int(histogram.counts[lane, layer].sum() + sum(part[lane, layer] for part in parts))
