"""Experiments for the tests of predictions: what theory says of them, and what is measured in networks drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.blueprint import blueprint
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.telemetry.foretelling import input_signal, predictions
from initviz.telemetry.probe import probe
from initviz.theory.predict import predict
from initviz.theory.prediction import Prediction
from initviz.theory.wave import InputSignal

Floats = NDArray[np.float64]
Table = dict[str, object]

GAUSSIAN: Table = {"name": "gaussian", "dim": 48, "classes": 4, "samples": 300, "standardize": False}


def document(model: Table, weight: Table, bias: Table | None = None, lanes: int = 1, **more: object) -> Table:
    return {
        "device": "cpu",
        "dtype": "float64",
        "data": GAUSSIAN,
        "model": model,
        "init": {"weight": weight, "bias": bias or {"name": "zeros"}},
        "lanes": [{"name": str(lane), "seed": lane} for lane in range(lanes)],
        **more,
    }


def mlp(activation: str, depth: int = 6, width: int = 64, **more: object) -> Table:
    return {"family": "mlp", "depth": depth, "width": width, "activation": activation, **more}


def predicted(model: Table, weight: Table, data: Table = GAUSSIAN) -> Prediction:
    made = read_document(document(model, weight, data=data), catalogue(), Limits())
    plan = blueprint(made.base, made.data, catalogue(), Limits())
    return predict(plan, catalogue(), InputSignal())


def measured(made: Table) -> tuple[Prediction, Floats, Floats]:
    """Return the prediction, E[z²] and E[(dC/dz)²] over that of the output layer, ``(lanes, L)``."""
    race = Race(read_document(made, catalogue(), Limits()), catalogue(), Limits())
    inputs, _ = race.data.batch(0)
    told = predictions(race, input_signal(inputs))[0]
    facts = probe(race)
    q = np.array([[layer.preactivation_q for layer in lane.layers] for lane in facts])
    g = np.array([[layer.grad_preactivation_q for layer in lane.layers] for lane in facts])
    return told, q, g / np.where(g[:, -1:] > 0, g[:, -1:], np.nan)


def deviations(found: Floats, expected: Floats, spread: Floats) -> Floats:
    """Return by how many spreads logarithms are off, from the median of a variable whose mean is expected.

    The logarithm of a mean square that keeps its expectation while it scatters by ``spread`` lies half the variance
    below it in the middle; where every layer pulls it back it does not. Either will do.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.log(found / expected)
        least = np.minimum(np.abs(off), np.abs(off + np.square(spread) / 2))
        between = (off < 0) & (off > -np.square(spread) / 2)
        off_by = np.where(between, 0.0, least) / spread
    return np.where((found == expected) | (least < 1e-6), 0.0, off_by)
