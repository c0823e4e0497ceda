"""The steps of an LSTM with their own way back: autograd's bookkeeping of every gate would cost more than the gates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

TIME = -3
"""Axis of the steps in ``(.., T, B, F)``."""


def _product(lanes: bool) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return torch.baddbmm if lanes else torch.addmm


def run_steps(given: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Run every step, from a state and a memory of zeros.

    Args:
        given: ``(.., T, B, 4 H)`` what the input adds to the gates: input, forget, cell, output.
        weight: ``(.., 4 H, H)`` recurrent weight.
    Returns:
        States ``(.., T, B, H)``, gates ``(.., T, B, 4 H)`` after their functions, and memories ``(.., T, B, H)``.
    """
    product, turned = _product(given.dim() > -TIME), weight.mT
    units = weight.shape[-1]
    gates = given.clone()
    states, cells = (given.new_empty((*given.shape[:-1], units)) for _ in range(2))
    state: Tensor | None = None
    cell: Tensor | None = None
    for gate, next_state, next_cell in zip(
        gates.unbind(TIME), states.unbind(TIME), cells.unbind(TIME), strict=True
    ):
        if state is not None:
            gate.copy_(product(gate, state, turned))
        taken, kept, candidate, shown = torch.split(gate, units, -1)
        gate[..., : 2 * units].sigmoid_()
        candidate.tanh_()
        shown.sigmoid_()
        torch.mul(taken, candidate, out=next_cell)
        if cell is not None:
            next_cell.addcmul_(kept, cell)
        torch.mul(shown, next_cell.tanh(), out=next_state)
        state, cell = next_state, next_cell
    return states, gates, cells


def _before(values: Tensor) -> Tensor:
    """Return the same a step later, zeros first."""
    return torch.cat((torch.zeros_like(values[..., :1, :, :]), values[..., :-1, :, :]), TIME)


def back_through_steps(
    grad: Tensor, weight: Tensor, states: Tensor, gates: Tensor, cells: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """Return the gradient of what is given, ``(.., T, B, 4 H)``, and that of every state, ``(.., B, H)`` a step.

    All that does not depend on what comes back through time is worked out for all steps at once.

    Args:
        grad: dC/dh of every step, by way of the layer's output alone.
        weight: As for ``run_steps``.
        states: From ``run_steps``.
        gates: From ``run_steps``.
        cells: From ``run_steps``.
    """
    product, units = _product(grad.dim() > -TIME), weight.shape[-1]
    taken, kept, candidate, shown = torch.split(gates, units, -1)
    squashed = cells.tanh()
    to_cell = shown * (1 - squashed.square())
    slopes = gates * (1 - gates)
    slopes[..., 2 * units : 3 * units] = taken * (1 - candidate.square())
    slopes[..., :units] *= candidate
    slopes[..., units : 2 * units] *= _before(cells)
    slopes[..., 3 * units :] *= squashed
    by_gate = torch.empty_like(gates)
    back: Tensor | None = None
    from_cell: Tensor | None = None
    found: list[Tensor] = []
    columns = [value.unbind(TIME) for value in (grad, to_cell, kept, slopes, by_gate)]
    for by_state, reach, keep, slope, by_sums in reversed(list(zip(*columns, strict=True))):
        whole = by_state if back is None else product(by_state, back, weight)
        by_cell = whole * reach if from_cell is None else torch.addcmul(from_cell, whole, reach)
        three = (*by_cell.shape[:-1], 3, units)
        torch.mul(
            slope[..., : 3 * units].view(three),
            by_cell.unsqueeze(-2),
            out=by_sums[..., : 3 * units].view(three),
        )
        torch.mul(slope[..., 3 * units :], whole, out=by_sums[..., 3 * units :])
        back, from_cell = by_sums, by_cell * keep
        found.append(whole)
    return by_gate, found[::-1]


class LstmSteps(torch.autograd.Function):
    """States of an LSTM ``(.., T, B, H)``."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, weight: Tensor) -> Tensor:
        """Return the states; see ``run_steps`` for the arguments."""
        used = weight.to(given.dtype)
        states, gates, cells = run_steps(given, used)
        ctx.save_for_backward(used, states, gates, cells)
        ctx.weight_dtype = weight.dtype
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of what is given and of the weight."""
        weight, states, gates, cells = ctx.saved_tensors
        by_gate, _ = back_through_steps(grad, weight, states, gates, cells)
        by_weight = torch.matmul(by_gate.flatten(-3, -2).mT, _before(states).flatten(-3, -2))
        return by_gate, by_weight.to(ctx.weight_dtype)


class Watched(torch.autograd.Function):
    """States ``(.., T, B, H)`` as they are, whose way back also finds the gradient of every step through time.

    The further arguments stand for the states, one a step ``(.., B, H)``: their gradient is dC/dh of that step. What
    flows back to the states themselves is left as it is, so that a step that is watched trains as any other.
    """

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, gates: Tensor, cells: Tensor, *seen: Tensor
    ) -> Tensor:
        """Return ``states``; see ``run_steps`` for the arguments."""
        ctx.save_for_backward(weight.to(gates.dtype), states, gates, cells)
        return states.view_as(states)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the states, and of each step."""
        _, found = back_through_steps(grad, *ctx.saved_tensors)
        return grad, None, None, None, *found
