"""Moments of what flows through the layers, in double precision whatever the magnitude of the signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from initviz.engine.state import GroupState
from initviz.telemetry.frame import Floats
from initviz.telemetry.norms import RANGES, is_zero, quick_norm, robust_norm

CANCELLED = 1e-3
"""Where a variance is less than this share of the mean square, subtracting the squared mean has cost digits."""
STACKED = 32_768
"""Signals of one shape with at most so many values are measured together: fewer calls are worth the copy."""
BLOCK = 131_072
"""So many values together at most, so that they stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Of a group; each ``(K, L)``. See ``frame.Signal``."""

    preactivation_mean: Floats
    preactivation_q: Floats
    activation_mean: Floats
    activation_var: Floats
    grad_preactivation_q: Floats
    dead_fraction: Floats


@dataclass(frozen=True, slots=True)
class Flow:
    """What flowed through the measured layers of a group in an observed step, ``(K, B, *units)`` a layer each.

    Attributes:
        preactivations: Forward, before the activations.
        activations: Forward, after them.
        grads: Backward: dC/dz, C the mean loss of the batch.
    """

    preactivations: tuple[Tensor, ...]
    activations: tuple[Tensor, ...]
    grads: tuple[Tensor, ...]

    @classmethod
    def of(cls, state: GroupState) -> Flow:
        """Return what an observed step kept."""
        return cls(state.preactivations, state.activations, state.grad_preactivations)


def signal_moments(flow: Flow, can_die: Sequence[bool]) -> Moments:
    """Measure an observed step.

    Args:
        flow: What it kept.
        can_die: For each measured layer, whether a unit that is 0 for a whole batch passes no gradient.
    """
    before, after = flow.preactivations, flow.activations
    batch = before[0].shape[1]
    layers = len(before)
    totals = _measured((*before, *after, *flow.grads))
    count = np.array([z[0].numel() for z in before], dtype=np.float64)
    a_count = np.array([a[0].numel() for a in after], dtype=np.float64)
    z_norm, a_norm, g_norm = (totals.norm[place * layers : (place + 1) * layers].T for place in range(3))
    z_mean = totals.sum[:layers].T / count
    a_mean = totals.sum[layers : 2 * layers].T / a_count
    # A function under which units can die never gives a negative number, so a sum of 0 means that all are.
    dead = np.where(can_die, totals.zero_units[layers : 2 * layers].T, np.nan)
    with np.errstate(over="ignore", under="ignore"):
        a_q = np.square(a_norm) / a_count
        return Moments(
            preactivation_mean=z_mean,
            preactivation_q=np.square(z_norm) / count,
            activation_mean=a_mean,
            activation_var=_variance(after, a_mean, a_q),
            grad_preactivation_q=np.square(g_norm * batch) / count,
            dead_fraction=dead,
        )


@dataclass(frozen=True, slots=True)
class _Totals:
    """Of some signals, each ``(M, K)``.

    Attributes:
        norm: L2 norm, right for any magnitude.
        sum: Sum.
        zero_units: Share of units or channels whose sum over batch and positions is 0.
    """

    norm: Floats
    sum: Floats
    zero_units: Floats


def _measured(signals: Sequence[Tensor]) -> _Totals:
    """Measure signals ``(K, B, *units)``, those of one shape together."""
    blocks = _blocks(signals)
    norms = torch.cat([_norm(values) for _, values in blocks]).double().cpu().numpy()
    # Over batch and positions, (M, K, U); units are then summed up for all blocks of the same width together.
    by_unit = [values.sum((2, *range(4, values.dim()))) for _, values in blocks]
    order, columns = [], []
    for width in {each.shape[2] for each in by_unit}:
        some = [place for place, each in enumerate(by_unit) if each.shape[2] == width]
        each = torch.cat([by_unit[place] for place in some])
        columns.append(torch.stack((each.sum(2), (each == 0).to(each.dtype).mean(2))))
        order += [member for place in some for member in blocks[place][0]]
    table = np.empty((2, len(signals), signals[0].shape[0]))
    table[:, order] = torch.cat(columns, dim=1).double().cpu().numpy()
    norm = np.empty_like(table[0])
    first = 0
    for members, values in blocks:
        own = norms[first : first + len(members)]
        first += len(members)
        if values.device.type == "cpu":
            _mend(own, values)
        norm[members] = own
    return _Totals(norm, *table)


def _blocks(signals: Sequence[Tensor]) -> list[tuple[list[int], Tensor]]:
    """Return which signals are measured together, and them as ``(M, K, B, *units)``."""
    by_shape: dict[torch.Size, list[int]] = {}
    for place, signal in enumerate(signals):
        by_shape.setdefault(signal.shape, []).append(place)
    blocks = []
    for shape, places in by_shape.items():
        room = max(1, BLOCK // shape.numel()) if shape.numel() <= STACKED else 1
        for first in range(0, len(places), room):
            members = places[first : first + room]
            values = (
                torch.stack([signals[place] for place in members])
                if len(members) > 1
                else signals[members[0]].unsqueeze(0)
            )
            blocks.append((members, values))
    return blocks


def _norm(values: Tensor) -> Tensor:
    """Return the L2 norm of ``(M, K, B, *units)`` over all but the first two axes.

    On the processor, of squares that may vanish or overflow.
    """
    if values.device.type != "cpu":
        return robust_norm(values.flatten(2))
    if values.is_contiguous():
        return quick_norm(values.flatten(2))
    # Adjacent numbers first: many times faster than over all axes at once.
    return quick_norm(quick_norm(values.flatten(3)))


def _mend(norms: Floats, values: Tensor) -> None:
    """Measure norms ``(M, K)`` of ``(M, K, B, *units)`` again, in place, if squares left the range of numbers."""
    bounds = RANGES[values.dtype]
    for wrong, scale in ((norms < bounds.low, bounds.scale), (norms > bounds.high, 1 / bounds.scale)):
        if not wrong.any():
            continue
        for lane in np.flatnonzero(wrong.any(axis=0)).tolist():
            own = values[:, lane]
            if not is_zero(own):
                again = quick_norm((own * scale).flatten(1)).double().numpy() / scale
                np.copyto(norms[:, lane], again, where=wrong[:, lane])


def _variance(signals: Sequence[Tensor], mean: Floats, q: Floats) -> Floats:
    """Return the variance over batch and units, with care where the mean dwarfs it."""
    with np.errstate(invalid="ignore"):  # an exploded layer has no variance: NaN
        var = np.maximum(q - np.square(mean), 0.0)
        doubtful = (var < CANCELLED * q) & np.isfinite(q)
    for lane, layer in zip(*np.nonzero(doubtful), strict=True):
        part = signals[layer][lane]
        rest = part - float(mean[lane, layer])
        norm = float(_measured([rest[None]]).norm[0, 0])
        var[lane, layer] = max((norm * norm - float(rest.sum()) ** 2 / part.numel()) / part.numel(), 0.0)
    return var
