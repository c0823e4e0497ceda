"""The gradient of a layer that does not tell its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from initviz.catalog.parts import LaneForward, Observer, Saved


class AutogradForm:
    """A layer whose backward pass autograd finds, within that layer alone.

    Args:
        run: Its forward pass.
    """

    def __init__(self, run: LaneForward) -> None:
        self._run = run
        self._inner_grads: list[Tensor] = []

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """See ``LaneForm``."""
        return self.forward_observed(x, tensors, None)

    def forward_observed(
        self, x: Tensor, tensors: Sequence[Tensor], observe: Observer | None
    ) -> tuple[Tensor, Saved]:
        """Do as ``forward`` does, and show the observer the output of each weight but the last."""
        inside: list[Tensor] = []

        def note(preactivation: Tensor, activation: Tensor) -> None:
            inside.append(preactivation)
            if observe is not None:
                observe(preactivation, activation)

        with torch.enable_grad():
            source = x.detach().requires_grad_()
            leaves = [tensor.detach().requires_grad_() for tensor in tensors]
            y = self._run(source, leaves, None if observe is None else note)
        return y.detach(), (y, source, *leaves, *inside)

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
        found = torch.autograd.grad(y, sources if wants_input else sources[1:], grad)
        before = found[0] if wants_input else None
        rest = found[1:] if wants_input else found
        if grads:
            torch._foreach_copy_(list(grads), list(rest[: len(grads)]))
        self._inner_grads = list(rest[len(grads) :])
        return before

    def take_inner_grads(self) -> list[Tensor]:
        """Return dC/d(preactivation) of each weight but the last, if the pass forward was observed."""
        found, self._inner_grads = self._inner_grads, []
        return found
