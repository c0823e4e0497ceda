"""What is drawn against depth: lanes that start alike and differ in how many hidden layers they have."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from initviz.telemetry.frame import Floats, LaneInfo, RunInfo
from initviz.telemetry.history import RunHistory
from initviz.views.numbers import plain
from initviz.views.phase_points import start_of

TRAINABLE = 6.0
"""Depth scales up to which networks can be trained, as Schoenholz et al. 2017 (arXiv:1611.01232) found."""


def depth_of(lane: LaneInfo) -> int:
    """Return the number of hidden layers with weights."""
    return len(lane.layers) - 1


@dataclass(frozen=True, slots=True)
class Family:
    """Lanes that start alike.

    Attributes:
        lanes: From the shallowest to the deepest.
        name: How they start, in symbols; empty where theory does not say.
        depth_scale: xi_c in layers; NaN where theory has none, infinite at criticality.
    """

    lanes: tuple[int, ...]
    name: str
    depth_scale: float


def families(info: RunInfo, lanes: list[int]) -> tuple[Family, ...]:
    """Return the lanes by how they start, those with the most depths first."""
    found: dict[tuple[object, ...], list[int]] = {}
    for lane in lanes:
        found.setdefault(_key(info.lanes[lane]), []).append(lane)
    made = []
    for members in found.values():
        ordered = sorted(members, key=lambda lane: depth_of(info.lanes[lane]))
        start, told = start_of(info.lanes[ordered[0]]), info.lanes[ordered[0]].prediction
        name, scale = "", math.nan
        if start is not None and told is not None:
            name = f"σ_w = {_short(start.sigma_w)}"
            name += f", σ_b = {_short(start.sigma_b)}" if start.sigma_b > 0 else ""
            scale = told.xi_c
        made.append(Family(tuple(ordered), name, scale))
    return tuple(sorted(made, key=lambda family: -len(family.lanes)))


def _short(sigma: float) -> str:
    return plain(float(f"{sigma:.3g}"))


def _key(lane: LaneInfo) -> tuple[object, ...]:
    start = start_of(lane)
    if start is not None:
        return (*start.kind, f"{start.sigma_w:.3g}", f"{start.sigma_b:.3g}")
    middle = lane.target_stds[len(lane.target_stds) // 2] if lane.target_stds else math.nan
    return ("", f"{middle:.3g}")


def differ_in_depth(info: RunInfo, lanes: list[int]) -> bool:
    """Say whether there is anything to be drawn against depth."""
    return len({depth_of(info.lanes[lane]) for lane in lanes}) > 1


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One quantity of every lane (K).

    Attributes:
        start: ``(K,)`` before the first step; NaN where that means nothing.
        now: ``(K,)``.
        foretold: ``(K,)`` what theory says of the start.
        spread: ``(K,)`` its standard deviation, of the logarithm.
    """

    start: Floats
    now: Floats
    foretold: Floats
    spread: Floats


def signal_at_the_end(info: RunInfo, history: RunHistory) -> Measured:
    """Return E[z^2] in the last hidden layer."""
    return _measured(info, history, backward=False)


def gradient_at_the_front(info: RunInfo, history: RunHistory) -> Measured:
    """Return E[(dC/dz)^2] in the first layer, as a multiple of the output layer's."""
    return _measured(info, history, backward=True)


def _measured(info: RunInfo, history: RunHistory, backward: bool) -> Measured:
    rows = np.full((4, len(info.lanes)), np.nan)
    frames = (history.first_frame or history.frame, history.frame)
    for lane, told in enumerate(info.lanes):
        last = len(told.layers) - 1
        for row, frame in enumerate(frames):
            if frame is None:
                continue
            if backward:
                grad_q = frame.signal.grad_preactivation_q[lane]
                if grad_q[last] > 0:
                    rows[row, lane] = grad_q[0] / grad_q[last]
            else:
                rows[row, lane] = frame.signal.preactivation_q[lane, max(0, last - 1)]
        said = told.prediction
        if said is not None:
            place = 0 if backward else max(0, last - 1)
            rows[2, lane] = (said.grad_preactivation_q if backward else said.preactivation_q)[place]
            rows[3, lane] = (said.grad_q_spread if backward else said.q_spread)[place]
    return Measured(*rows)


def reached(info: RunInfo, history: RunHistory) -> tuple[Floats, bool]:
    """Return how good every lane is on the training examples by now, and whether that is accuracy or loss.

    Accuracy is the mean over the last epoch, or over the steps so far.
    """
    nothing = np.full(len(info.lanes), np.nan)
    if info.task == "regression":
        losses = [state.train_loss for state in history.lanes]
        return (np.array(losses) if losses else nothing), False
    series = history.accuracy()
    if not len(series.steps):
        return nothing, True
    recent = np.asarray(series.values[series.steps > series.steps[-1] - max(1, info.steps_per_epoch)])
    known = ~np.isnan(recent)
    sums = np.where(known, recent, 0.0).sum(axis=0)
    mean = sums / np.maximum(known.sum(axis=0), 1)
    return np.where(known[-1], mean, np.nan), True
