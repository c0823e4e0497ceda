"""The gradient of a layer that does not tell its own."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from initviz.catalog.parts import Attachable, LaneForward, Now, Observer, Saved

TIME_AXIS = -2
"""Axis of the time steps in a sequence."""


class AutogradForm:
    """A layer whose backward pass autograd finds, within that layer alone.

    Args:
        run: Its forward pass.
        precision: Type that products are computed in, or None for that of the tensors.
    """

    def __init__(self, run: LaneForward, precision: torch.dtype | None = None) -> None:
        self._run = run
        self._precision = precision
        self._steps: list[int | None] = []
        self._inner_grads: list[Tensor] = []

    def attach(self, now: Now, buffers: Sequence[Tensor]) -> None:
        """See ``Attachable``."""
        if isinstance(self._run, Attachable):
            self._run.attach(now, buffers)

    def plain(self, x: Tensor, tensors: Sequence[Tensor]) -> Tensor:
        """Return the output, with all that autograd notes on the way from ``x`` to it."""
        return self._run(x, tensors, None)

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """See ``LaneForm``."""
        return self.forward_observed(x, tensors, None)

    def forward_observed(
        self, x: Tensor, tensors: Sequence[Tensor], observe: Observer | None
    ) -> tuple[Tensor, Saved]:
        """Do as ``forward`` does, and show the observer the output of each weight but the last."""
        inside: list[Tensor | Sequence[Tensor]] = []

        def note(preactivation: Tensor | Sequence[Tensor], activation: Tensor | Sequence[Tensor]) -> None:
            inside.append(preactivation)
            if observe is not None:
                observe(preactivation, activation)

        with torch.enable_grad(), self._autocast(x):
            source = x.detach().requires_grad_()
            leaves = [tensor.detach().requires_grad_() for tensor in tensors]
            y = self._run(source, leaves, None if observe is None else note)
        self._steps = [None if isinstance(value, Tensor) else len(value) for value in inside]
        flat = [step for value in inside for step in ([value] if isinstance(value, Tensor) else value)]
        return y.detach(), (y, source, *leaves, *flat)

    def _autocast(self, x: Tensor) -> contextlib.AbstractContextManager[object]:
        if self._precision is None:
            return contextlib.nullcontext()
        return torch.autocast(x.device.type, self._precision)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        y, *sources = saved
        if not wants_input:
            sources = sources[1:]
        # A tensor that this pass did not use gets zeros.
        whole = list(
            torch.autograd.grad(y, sources, grad.to(y.dtype), materialize_grads=True) if sources else ()
        )
        before = whole.pop(0) if wants_input else None
        if grads:
            torch._foreach_copy_(list(grads), whole[: len(grads)])
        self._inner_grads = self._by_weight(whole[len(grads) :])
        return before

    def _by_weight(self, found: list[Tensor]) -> list[Tensor]:
        """Return one gradient a weight: those of a recurrent layer's steps are laid side by side."""
        left = iter(found)
        return [
            next(left) if steps is None else torch.stack(list(itertools.islice(left, steps)), TIME_AXIS)
            for steps in self._steps
        ]

    def take_inner_grads(self) -> list[Tensor]:
        """Return dC/d(preactivation) of each weight but the last, if the pass forward was observed."""
        found, self._inner_grads = self._inner_grads, []
        return found
