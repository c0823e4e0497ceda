"""Moments of what flows through the layers, in double precision whatever the magnitude of the signal."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from initviz.engine.state import GroupState
from initviz.telemetry.frame import Floats
from initviz.telemetry.norms import RANGES, quick_norm, robust_norm

CANCELLED = 1e-3
"""Where a variance is less than this share of the mean square, subtracting the squared mean has cost digits."""
STACKED = 32_768
"""Layers of one shape with at most so many values are measured together: fewer calls are worth the copy."""


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
    z_blocks = _blocks(before, can_die)
    a_blocks = _blocks(after, can_die)
    g_blocks = _blocks(flow.grads, can_die)
    z_sum = [_sum(block.values) for block in z_blocks]
    a_sum, dead = zip(*(_sum_and_dead(block) for block in a_blocks), strict=True)
    norms = _norms([block.values for block in (*z_blocks, *a_blocks, *g_blocks)])
    layers = len(before)
    # One conversion for everything that was measured.
    sums, a_sums, deaths = (
        torch.cat([*z_sum, *a_sum, *dead]).double().cpu().numpy().reshape(3, layers, -1).transpose(0, 2, 1)
    )
    z_norm, a_norm, g_norm = norms.reshape(3, layers, -1).transpose(0, 2, 1)
    count = np.array([z[0].numel() for z in before], dtype=np.float64)
    a_count = np.array([a[0].numel() for a in after], dtype=np.float64)
    a_mean = a_sums / a_count
    with np.errstate(over="ignore", under="ignore"):
        a_q = np.square(a_norm) / a_count
        return Moments(
            preactivation_mean=sums / count,
            preactivation_q=np.square(z_norm) / count,
            activation_mean=a_mean,
            activation_var=_variance(after, a_mean, a_q),
            grad_preactivation_q=np.square(g_norm * batch) / count,
            dead_fraction=deaths,
        )


@dataclass(frozen=True, slots=True)
class _Block:
    """Adjacent layers that are measured together.

    Attributes:
        values: ``(M, K, B, *units)``.
        can_die: Whether their units can.
    """

    values: Tensor
    can_die: bool


def _blocks(signals: Sequence[Tensor], can_die: Sequence[bool]) -> list[_Block]:
    blocks = []
    keys = [(signal.shape, mortal) for signal, mortal in zip(signals, can_die, strict=True)]
    for (shape, mortal), places in itertools.groupby(range(len(keys)), key=keys.__getitem__):
        members = [signals[place] for place in places]
        if len(members) > 1 and shape.numel() <= STACKED:
            blocks.append(_Block(torch.stack(members), mortal))
        else:
            blocks.extend(_Block(member.unsqueeze(0), mortal) for member in members)
    return blocks


def _sum(values: Tensor) -> Tensor:
    """Return the sum of each layer and lane ``(M, K)``."""
    if values.is_contiguous():
        return values.flatten(2).sum(2)
    return values.sum((*range(2, values.dim()),))


def _sum_and_dead(block: _Block) -> tuple[Tensor, Tensor]:
    """Return the sum of each layer and lane, and the share of units that add up to 0, ``(M, K)`` each.

    A function under which units can die never gives a negative number, so a sum of 0 means that all are.
    """
    values = block.values
    if not block.can_die:
        total = _sum(values)
        return total, torch.full_like(total, torch.nan)
    each = values.sum((2, *range(4, values.dim())))  # over batch and positions: (M, K, U)
    return each.sum(2), (each == 0).to(each.dtype).mean(2)


def _norm(values: Tensor) -> Tensor:
    """Return the L2 norm of each layer and lane ``(M, K)``, of squares that may vanish or overflow."""
    if values.is_contiguous():
        return quick_norm(values.flatten(2))
    # Adjacent numbers first: many times faster than over all axes at once.
    return quick_norm(quick_norm(values.flatten(3)))


def _norms(blocks: Sequence[Tensor]) -> Floats:
    """Return the L2 norm of each layer and lane of all blocks ``(sum(M), K)``, right for any magnitude."""
    if blocks[0].device.type != "cpu":
        norms: Floats = torch.cat([robust_norm(block.flatten(2)) for block in blocks]).double().cpu().numpy()
        return norms
    norms = torch.cat([_norm(block) for block in blocks]).double().numpy()
    bounds = RANGES[blocks[0].dtype]
    for wrong, scale in ((norms < bounds.low, bounds.scale), (norms > bounds.high, 1 / bounds.scale)):
        if wrong.any():
            members = [member for block in blocks for member in block.unbind(0)]
            layers, lanes = np.nonzero(wrong)
            parts = [members[layer][lane] for layer, lane in zip(layers, lanes, strict=True)]
            scaled = torch._foreach_mul(parts, scale)
            again = [quick_norm(part.reshape(-1)) for part in scaled]
            norms[layers, lanes] = torch.stack(again).double().numpy() / scale
    return norms


def _variance(signals: Sequence[Tensor], mean: Floats, q: Floats) -> Floats:
    """Return the variance over batch and units, with care where the mean dwarfs it."""
    with np.errstate(invalid="ignore"):  # an exploded layer has no variance: NaN
        var = np.maximum(q - np.square(mean), 0.0)
        doubtful = (var < CANCELLED * q) & np.isfinite(q)
    for lane, layer in zip(*np.nonzero(doubtful), strict=True):
        part = signals[layer][lane]
        rest = part - float(mean[lane, layer])
        norm = float(_norms([rest[None, None]])[0, 0])
        var[lane, layer] = max((norm * norm - float(rest.sum()) ** 2 / part.numel()) / part.numel(), 0.0)
    return var
