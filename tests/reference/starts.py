"""Networks at their start, for tests of what is known of them: draws by seed, measurements, Jacobians."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.catalog.index import catalogue
from initviz.catalog.parts import ActivationPart, Curve
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.experiment.values import Choice
from initviz.telemetry.probe import LayerFacts, probe

Floats = NDArray[np.float64]
Table = dict[str, Any]


def race_at_start(model: Table, init: Table, *, lanes: int | Sequence[Table] = 1, **tables: Any) -> Race:
    """Return a race before its first step, in double precision, on standard normal inputs.

    Args:
        model: The network.
        init: Its start.
        lanes: How many draws, with seeds 0, 1, ...; or what differs in each lane.
        tables: Other top-level tables.
    """
    document: Table = {
        "device": "cpu",
        "dtype": "float64",
        "model": model,
        "init": init,
        "lanes": [{"name": f"seed {seed}", "seed": seed} for seed in range(lanes)]
        if isinstance(lanes, int)
        else list(lanes),
        **tables,
    }
    document.setdefault("data", gaussian(model.get("width", 64)))
    limits = Limits(lanes=max(8, len(document["lanes"])))
    return Race(read_document(document, catalogue(), limits), catalogue(), limits)


def gaussian(width: int, samples: int = 164) -> Table:
    """Return data whose inputs are standard normal, so that q = sigma_w^2 in the first layer."""
    return {"name": "gaussian", "dim": width, "samples": samples, "standardize": False}


def plain(depth: int, width: int, activation: str, **values: Any) -> Table:
    """Return a multilayer perceptron."""
    return {"family": "mlp", "depth": depth, "width": width, "activation": activation, **values}


def measured(race: Race, name: str, *, batch: int = 64, skip_output: bool = True) -> Floats:
    """Return a field of every layer's facts, ``(K, L)``, of the first examples."""
    facts = [
        [getattr(layer, name) for layer in lane.layers if not (skip_output and is_output(layer))]
        for lane in probe(race, batch)
    ]
    return np.array(facts, dtype=np.float64)


def is_output(layer: LayerFacts) -> bool:
    """Return whether a layer is the output layer."""
    return layer.name == "output"


def squared_singular_values(race: Race, lane: int, example: int = 0, first: int = 0) -> Floats:
    """Return those of the Jacobian of one lane's layers, from layer ``first`` to the last before the output layer.

    Args:
        race: At its start.
        lane: Which.
        example: Of the training inputs, at which the network is linearized.
        first: Index of the first layer that counts; the example runs through those before.
    """
    group = next(group for group in race.groups if lane in group.lanes)
    row = group.flat[[group.lanes.index(lane)]]
    alone = type(group.network)(group.blueprint, race.catalogue, 1)
    runs = alone.bind(row, torch.zeros_like(row)).plain_runs()[:-1]
    x = race.data.inputs[example : example + 1]
    for run in runs[:first]:
        x = run(x)

    def through(one: Tensor) -> Tensor:
        for run in runs[first:]:
            one = run(one)
        return one[0]

    jacobian = torch.func.jacrev(through)(x)[:, 0]
    return np.asarray(torch.linalg.svdvals(jacobian).square().numpy())


def curve(key: str, **values: float) -> Curve:
    """Return an activation of the catalogue as theory sees it."""
    part = catalogue().get("activation", key)
    assert isinstance(part, ActivationPart)
    return part.curve(Choice(key, tuple(values.items())))
