"""Predictions for made-up runs: what a lane's signal does, with a scatter that grows with depth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from initviz.experiment.text import Text
from initviz.telemetry import synthetic
from initviz.telemetry.frame import RunInfo
from initviz.telemetry.history import RunHistory
from initviz.theory.prediction import Phase, Prediction
from tests.views.conftest import Run

SIGMAS: tuple[tuple[float, float], ...] = ((0.0, 0.0), (0.7, 0.1), (1.0, 0.05), (1.5, 0.2), (2.2, 0.3))
"""sigma_w and sigma_b of the made-up lanes, as far as the phase diagram is concerned."""


def prediction(
    factor: float,
    layers: int,
    *,
    first: float = 0.7,
    sigma: tuple[float, float] = (1.0, 0.0),
    activation: str = "tanh",
    known: int | None = None,
    not_covered: Text | None = None,
    xi_c: float = math.nan,
) -> Prediction:
    """Return a prediction in which the mean square changes by ``factor`` a layer, forward and backward.

    Args:
        factor: What a layer multiplies by.
        layers: L.
        first: Mean square before the first layer.
        sigma: sigma_w and sigma_b.
        activation: Key of the activation.
        known: Layers that theory covers, from the input; all by default.
        not_covered: What it says of the rest.
        xi_c: Depth scale.
    """
    depth = np.arange(1, layers + 1, dtype=np.float64)
    covered = depth <= (layers if known is None else known)
    with np.errstate(over="ignore"):
        q = np.where(covered, first * factor**depth, np.nan)
        grad = factor ** (layers - depth)
    if not covered.all():
        grad = np.full(layers, np.nan)
    phase: Phase = "ordered" if factor < 1 else "critical" if factor == 1 else "chaotic"
    arrays = [q, grad, 0.1 * np.sqrt(depth), 0.1 * np.sqrt(layers - depth), np.ones(layers)]
    arrays += [np.full(layers, value) for value in (*sigma, factor)]
    for array in arrays:
        array.flags.writeable = False
    return Prediction(
        *arrays,
        q_star=0.5,
        c_star=1.0,
        chi_star=factor,
        xi_q=3.0,
        xi_c=xi_c,
        phase=phase,
        activation=activation,
        critical_sigma_w=1.0,
        not_covered=not_covered,
    )


def foretold(info: RunInfo, activation: str = "tanh") -> RunInfo:
    """Return a made-up run whose lanes have predictions that are true of it."""
    lanes = tuple(
        replace(
            lane,
            prediction=prediction(
                synthetic.FACTORS[synthetic.story(place)],
                len(lane.layers),
                sigma=SIGMAS[synthetic.story(place)],
                activation=activation,
            ),
        )
        for place, lane in enumerate(info.lanes)
    )
    return replace(info, lanes=lanes)


def foretold_run(lanes: int = 4, layers: int = 13, steps: int = 300, activation: str = "tanh") -> Run:
    """Return such a run after ``steps`` steps; before the first look where there are none."""
    info = foretold(synthetic.run_info(lanes, layers), activation)
    run = Run(info, RunHistory(info))
    if steps:
        run.history.add_frame(synthetic.frame(info, 0))
        run.go_on(steps)
    return run
