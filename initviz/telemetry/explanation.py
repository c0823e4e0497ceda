"""Why a lane fares as it does: what was measured at its start, what theory says of it, and what has become of it.

Nothing here depends on which initializer was chosen: only what was measured and foretold counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from initviz.telemetry.frame import Floats, Frame, LaneInfo, LaneState, RunInfo
from initviz.theory.prediction import Phase, Prediction

Start = Literal[
    "overflows",
    "silent",
    "waits",
    "copies",
    "fades",
    "grows",
    "signal fades",
    "signal grows",
    "dead",
    "saturated",
    "level",
]
Fate = Literal["diverged", "stopped", "worse", "stalled", "early", "learns", "still"]

FADED = 1e-2
"""Share of a mean square, from one end of the network to the other, below which it has faded."""
GROWN = 1e2
MOST = 0.5
"""Share of units, or of values, from which a layer counts as saturated, or made of copies."""
MOST_DEAD = 0.8
"""Share of units from which a layer counts as dead. Deep in a healthy ReLU network all examples look alike, and half of
the units are zero for each of them."""
MIN_LAYERS = 2
"""With more measured layers than this, the hidden ones alone are compared: the output layer has another width."""
CLOSE = 4.0
"""So many expected spreads may lie between what is measured and what is foretold."""
LEAST_SPREAD = 0.02
"""Of the logarithm: what is measured on one batch is not known better than this."""


@dataclass(frozen=True, slots=True)
class Travel:
    """What becomes of a mean square between two ends of a network.

    Attributes:
        total: At the far end, as a multiple of where it set out.
        factor: The same a layer: the geometric mean.
        layers: Layers on the way.
        foretold: What theory says of ``total``; NaN where it says nothing.
        is_foretold: Whether both agree within the expected spread; True where theory says nothing.
    """

    total: float
    factor: float
    layers: int
    foretold: float
    is_foretold: bool

    @property
    def foretold_factor(self) -> float:
        """What theory says of ``factor``."""
        return float(np.exp(np.log(self.foretold) / self.layers)) if self.foretold > 0 else np.nan


@dataclass(frozen=True, slots=True)
class Side:
    """Where the repeated hidden layer lies in the phase diagram.

    Attributes:
        phase: On which side of the critical line.
        sigma_w: sqrt(fan_in * Var w).
        critical: Where the line is.
        xi_c: Layers over which two different inputs become alike, or grow apart.
    """

    phase: Phase
    sigma_w: float
    critical: float
    xi_c: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say of a lane.

    Attributes:
        lane: Its index.
        start: What is most telling about its start; None before anything was measured.
        layer: Name of the layer that shows it; empty where all do.
        share: Share of units concerned, for copies, dead and saturated ones.
        share_now: The same by now, for copies.
        forward: What becomes of the signal from the first hidden layer to the last (to the output, of a single one);
            None where it cannot be told.
        backward: What becomes of the gradient from the last hidden layer to the first; None where there is only one.
        side: Where it lies in the phase diagram; None where theory does not say.
        activation: Key of the repeated layer's activation; empty where layers differ.
        is_covered: Whether theory says anything of it.
        fate: What has become of it.
        step: Of the fate: when it diverged or was stopped, else the updates made.
        loss: Mean training loss of late.
        initial_loss: Loss on the first batch.
        constant_loss: Of the best constant answer.
        died: Name of the layer in which the most units have died since the start; empty where none has many.
        died_share: Share of that layer's units that are dead by now.
    """

    lane: int
    start: Start | None
    layer: str = ""
    share: float = np.nan
    share_now: float = np.nan
    forward: Travel | None = None
    backward: Travel | None = None
    side: Side | None = None
    activation: str = ""
    is_covered: bool = False
    fate: Fate = "still"
    step: int = 0
    loss: float = np.nan
    initial_loss: float = np.nan
    constant_loss: float = np.nan
    died: str = ""
    died_share: float = np.nan


def explain(
    info: RunInfo,
    lane: int,
    first: Frame | None,
    latest: Frame | None,
    state: LaneState | None,
) -> Explanation:
    """Return what there is to say of a lane.

    Args:
        info: The run.
        lane: Index of the lane.
        first: The first look at the run, before or at its first update; None before there was one.
        latest: The latest look.
        state: How the lane fares, or None.
    """
    shown = info.lanes[lane]
    told = shown.prediction
    found = Explanation(
        lane,
        None,
        side=_side(told),
        activation=told.activation if told is not None else "",
        is_covered=told is not None and told.not_covered is None,
        constant_loss=info.constant_loss,
    )
    if first is not None:
        found = _with_start(found, shown, first, told)
    return _with_fate(found, shown, first, latest, state)


def _side(told: Prediction | None) -> Side | None:
    if told is None or told.phase is None:
        return None
    hidden = told.sigma_w[:-1] if len(told.sigma_w) > 1 else told.sigma_w
    sigma = float(np.median(hidden))
    return Side(told.phase, sigma, told.critical_sigma_w, told.xi_c) if np.isfinite(sigma) else None


def _with_start(found: Explanation, lane: LaneInfo, first: Frame, told: Prediction | None) -> Explanation:
    """Add what the first look shows."""
    count = len(lane.layers)
    signal, place = first.signal, found.lane
    q, g = signal.preactivation_q[place, :count], signal.grad_preactivation_q[place, :count]
    starts_at_zero = count > 1 and lane.drawn_stds[-1] == 0 and q[-1] == 0
    inside = slice(0, count - 1 if count > MIN_LAYERS else count)
    forward = _travel(
        q[inside], told.preactivation_q[inside] if told is not None else None, _spread(told, "q_spread")
    )
    backward = None
    if not starts_at_zero and count > MIN_LAYERS:
        backward = _travel(
            g[inside][::-1],
            told.grad_preactivation_q[inside][::-1] if told is not None else None,
            _spread(told, "grad_q_spread"),
        )
    found = replace(found, forward=forward, backward=backward)
    if not np.isfinite(q).all():
        return replace(found, start="overflows", layer=lane.layers[int(np.argmin(np.isfinite(q)))])
    silent = _silent_from(lane.layers[:-1], q[:-1])
    if silent:
        return replace(found, start="silent", layer=silent)
    worst, share = _worst(np.where(q > 0, signal.identical_fraction[place, :count], np.nan))
    if share >= MOST:
        return replace(found, start="copies", layer=lane.layers[worst], share=share)
    if starts_at_zero:
        return replace(found, start="waits", layer=lane.layers[-1])
    worst, share = _worst(signal.dead_fraction[place, :count])
    if share >= MOST_DEAD:
        return replace(found, start="dead", layer=lane.layers[worst], share=share)
    kind = _kind_of(forward, backward)
    if kind is not None:
        return replace(found, start=kind)
    worst, share = _worst(signal.saturated_fraction[place, :count])
    if share >= MOST:
        return replace(found, start="saturated", layer=lane.layers[worst], share=share)
    return replace(found, start="level")


def _silent_from(hidden: tuple[str, ...], q: Floats) -> str:
    """Return the hidden layer from which on no signal flows; empty where it flows to the end.

    The last weight of a residual branch may be zero on purpose: the signal goes round it.
    """
    alive = np.flatnonzero(q != 0)
    first = int(alive[-1]) + 1 if len(alive) else 0
    silent = len(hidden) - first
    is_branch = silent == 1 and "." in hidden[first]
    return hidden[first] if silent and not is_branch else ""


def _spread(told: Prediction | None, key: str) -> float:
    """Return the largest spread of a prediction's logarithm."""
    values = np.zeros(0) if told is None else np.asarray(getattr(told, key))
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else 0.0


def _travel(measured: Floats, told: Floats | None, spread: float) -> Travel | None:
    """Compare the two ends of a mean square, in the order in which it travels."""
    if len(measured) < 2 or not np.isfinite(measured[[0, -1]]).all() or not measured[0] > 0:
        return None
    layers = len(measured) - 1
    total = float(measured[-1] / measured[0])
    factor = total ** (1 / layers) if total > 0 else 0.0
    foretold = np.nan
    if told is not None and len(told) == len(measured) and told[0] > 0 and np.isfinite(told[-1]):
        foretold = float(told[-1] / told[0])
    if not foretold > 0 or not total > 0:
        return Travel(total, factor, layers, foretold, bool(np.isnan(foretold)))
    apart = abs(np.log(total) - np.log(foretold))
    return Travel(total, factor, layers, foretold, bool(apart <= CLOSE * max(spread, LEAST_SPREAD)))


def _worst(shares: Floats) -> tuple[int, float]:
    """Return the layer with the largest share, and that share; 0 where there is none."""
    if not np.isfinite(shares).any():
        return 0, 0.0
    worst = int(np.nanargmax(shares))
    return worst, float(shares[worst])


def _kind_of(forward: Travel | None, backward: Travel | None) -> Start | None:
    back = backward.total if backward is not None else 1.0
    ahead = forward.total if forward is not None else 1.0
    if back < FADED:
        return "fades"
    if back > GROWN:
        return "grows"
    if ahead < FADED:
        return "signal fades"
    return "signal grows" if ahead > GROWN else None


def _with_fate(
    found: Explanation, lane: LaneInfo, first: Frame | None, latest: Frame | None, state: LaneState | None
) -> Explanation:
    """Add what has become of the lane."""
    if state is None or latest is None or (latest.step == 0 and not state.judged):
        return found
    fate: Fate = "learns"
    step = latest.step
    if state.outcome == "diverged":
        fate, step = "diverged", state.diverged_at if state.diverged_at is not None else step
    elif state.stopped_at is not None:
        fate, step = "stopped", state.stopped_at
    elif state.is_worse:
        fate = "worse"
    elif state.outcome == "stalled":
        fate = "stalled"
    elif not state.judged:
        fate = "early"
    found = replace(found, fate=fate, step=step, loss=state.train_loss, initial_loss=state.initial_loss)
    if fate == "diverged":
        return replace(found, layer=state.bad_layer or "") if found.start in (None, "level") else found
    if first is None:
        return found
    count = len(lane.layers)
    if found.start == "copies":
        place = lane.layers.index(found.layer)
        found = replace(found, share_now=float(latest.signal.identical_fraction[found.lane, place]))
    now = latest.signal.dead_fraction[found.lane, :count]
    rise = now - first.signal.dead_fraction[found.lane, :count]
    worst, share = _worst(np.where(rise > 0.1, now, np.nan))
    return replace(found, died=lane.layers[worst], died_share=share) if share >= MOST_DEAD else found
