"""Predictions for made-up runs: what a lane's signal does, with a scatter that grows with depth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from initviz.experiment.text import Text
from initviz.telemetry import synthetic
from initviz.telemetry.frame import Floats, Frame, RunInfo
from initviz.telemetry.histogram import frozen
from initviz.theory.prediction import Phase, Prediction

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
    sigma_w, sigma_b = sigma
    return Prediction(
        preactivation_q=frozen(q),
        grad_preactivation_q=frozen(grad),
        q_spread=frozen(0.1 * np.sqrt(depth)),
        grad_q_spread=frozen(0.1 * np.sqrt(layers - depth)),
        correlation=frozen(np.ones(layers)),
        sigma_w=frozen(np.full(layers, sigma_w)),
        sigma_b=frozen(np.full(layers, sigma_b)),
        chi=frozen(np.full(layers, factor)),
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


def sigma(lane: int) -> tuple[float, float]:
    """Return sigma_w and sigma_b of a made-up lane."""
    sigma_w, sigma_b = SIGMAS[synthetic.story(lane)]
    return sigma_w + 0.15 * (lane // len(SIGMAS)), sigma_b + 0.12 * (lane // len(SIGMAS))


def foretold(info: RunInfo, activation: str = "tanh") -> RunInfo:
    """Return a made-up run whose lanes have predictions that are true of it."""
    lanes = tuple(
        replace(
            lane,
            prediction=prediction(
                synthetic.FACTORS[synthetic.story(place)],
                len(lane.layers),
                sigma=sigma(place),
                activation=activation,
                xi_c=6.0,
            ),
        )
        for place, lane in enumerate(info.lanes)
    )
    return replace(info, lanes=lanes)


def uneven(info: RunInfo) -> RunInfo:
    """Return a made-up run in which every lane is deeper than the one before, the first as deep as they were."""
    lanes = tuple(
        replace(
            lane,
            layers=(*(f"dense_{layer}" for layer in range(1, info.num_layers + place)), "output"),
            target_stds=lane.target_stds[:1] * (info.num_layers + place),
            drawn_stds=lane.drawn_stds[:1] * (info.num_layers + place),
        )
        for place, lane in enumerate(info.lanes)
    )
    return replace(info, lanes=lanes)


def ending(info: RunInfo, frame: Frame) -> Frame:
    """Return a frame in which every lane's signal ends with its own last layer."""
    beyond = np.array(
        [[place >= len(lane.layers) for place in range(info.num_layers)] for lane in info.lanes]
    )
    if not beyond.any():
        return frame

    def cut(values: Floats) -> Floats:
        return np.where(beyond, np.nan, values)

    signal = frame.signal
    short = replace(
        signal,
        preactivation_mean=cut(signal.preactivation_mean),
        preactivation_q=cut(signal.preactivation_q),
        activation_mean=cut(signal.activation_mean),
        activation_var=cut(signal.activation_var),
        grad_preactivation_q=cut(signal.grad_preactivation_q),
    )
    return replace(frame, signal=short)
