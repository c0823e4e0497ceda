"""What a run in which the learning rate rises all the time tells: the rate at which the loss falls fastest.

Without torch, so that the window and the command line can both ask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from initviz.telemetry.frame import Floats

LEAST_RISE = 10.0
"""Last rate over the first from which a rising rate counts as a test of rates."""
PROBES = 64
FEWEST_POINTS = 5
"""Below so many steps nothing is smoothed or suggested."""
POINTS = 200
"""Points of the smoothed curve, evenly spaced in log rate."""
REACH_SHARE = 0.04
"""Half the width of the moving mean, as a share of the decades tested."""
LEAST_FALL = 0.02
"""A loss that never falls by this share of what it was says nothing."""
BLOWN_UP = 2.0
"""The curve ends where the smoothed loss exceeds its first by so many times: from there on it only explodes."""


def rises_throughout(factor: Callable[[int], float], total_steps: int) -> bool:
    """Say whether a schedule rises during the whole run, at least tenfold.

    Args:
        factor: From a step to the multiplier of the learning rate.
        total_steps: Updates in the whole run.
    """
    if total_steps < 2:
        return False
    steps = np.unique(np.linspace(0, total_steps - 1, PROBES).round().astype(int))
    values = np.array([factor(step) for step in steps.tolist()])
    positive = values[values > 0]
    # Schedules that rise from exactly nothing only warm up.
    return bool(
        len(positive) == len(values) and (np.diff(values) > 0).all() and values[-1] >= LEAST_RISE * values[0]
    )


@dataclass(frozen=True, slots=True, eq=False)
class RateCurve:
    """One lane's loss against the learning rate.

    Attributes:
        rates: ``(n,)`` rising.
        loss: ``(n,)`` smoothed.
        suggestion: Rate at the steepest fall before the least loss, or None where the loss does not fall.
        suggested_loss: Smoothed loss there; NaN without a suggestion.
    """

    rates: Floats
    loss: Floats
    suggestion: float | None
    suggested_loss: float


def rate_curve(rates: Floats, losses: Floats) -> RateCurve | None:
    """Smooth one lane's losses over the rates, and find the rate at which they fall fastest.

    The suggestion is the rate of the steepest fall of the smoothed loss per decade, before its minimum, as in Smith
    2017 (arXiv:1506.01186, section 3.3) a rate is read off where the curve falls, not where it is lowest.

    Args:
        rates: ``(S,)`` learning rate of each step.
        losses: ``(S,)`` training loss of the same.
    Returns:
        The curve, or None without a step or where the rate falls. The first few steps are told as they are.
    """
    known = np.isfinite(rates) & np.isfinite(losses) & (rates > 0)
    rates, losses = rates[known], losses[known]
    if not len(rates) or (np.diff(rates) < 0).any():
        return None
    if len(rates) < FEWEST_POINTS or rates[-1] <= rates[0]:
        return RateCurve(rates, losses, None, float("nan"))
    decades = np.log10(rates)
    places = np.linspace(decades[0], decades[-1], min(POINTS, len(rates)))
    smoothed = _smoothed(decades, losses, places)
    end = _until_blown_up(smoothed)
    places, smoothed = places[:end], smoothed[:end]
    place = _steepest(places, smoothed)
    return RateCurve(
        10.0**places,
        smoothed,
        None if place is None else float(10.0 ** places[place]),
        float("nan") if place is None else float(smoothed[place]),
    )


def _smoothed(decades: Floats, losses: Floats, places: Floats) -> Floats:
    """Return the mean loss within reach of each place: of its logarithm, so that an explosion does not spread."""
    reach = REACH_SHARE * (decades[-1] - decades[0])
    starts = np.minimum(np.searchsorted(decades, places - reach, side="left"), len(losses) - 1)
    stops = np.maximum(np.searchsorted(decades, places + reach, side="right"), starts + 1)
    in_logs = bool((losses > 0).all())
    values = np.log(losses) if in_logs else losses
    means = np.array(
        [values[start:stop].mean() for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]
    )
    return np.exp(means) if in_logs else means


def _until_blown_up(smoothed: Floats) -> int:
    """Return how many points to keep: none after the loss has exceeded its first by far."""
    over = np.flatnonzero(smoothed > BLOWN_UP * abs(smoothed[0]))
    return int(over[0]) if len(over) and over[0] >= FEWEST_POINTS else len(smoothed)


def _steepest(places: Floats, smoothed: Floats) -> int | None:
    least = int(np.argmin(smoothed))
    before = smoothed[: least + 1]
    if least < 1 or float(before.max()) - float(smoothed[least]) < LEAST_FALL * abs(float(before.max())):
        return None
    # Over as wide a stretch as was averaged, so that noise does not count as a fall.
    reach = max(1, round(REACH_SHARE * len(places)))
    numbers = np.arange(least + 1)
    low, high = np.maximum(numbers - reach, 0), np.minimum(numbers + reach, len(places) - 1)
    slope = (smoothed[high] - smoothed[low]) / (places[high] - places[low])
    return int(np.argmin(slope))
