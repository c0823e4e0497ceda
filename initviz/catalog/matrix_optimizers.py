"""Update rules that look at a whole matrix, so that a lane's tensors must be separate ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.optim import AdamW, Muon, Optimizer


class MuonBesideAdamW(Optimizer):
    """Muon for the hidden layers' matrices, AdamW for the rest.

    It has one group, whose ``lr`` is Muon's; the other rate keeps its ratio to it, so that a schedule moves both.

    Args:
        tensors: Of one lane, without shared ones. Kernels are matrices ``(O, I * places)``.
        hidden: Which of them are matrices of hidden layers. AdamW updates the others: the output layer's weight,
            embeddings, and everything with fewer than two axes.
        lr: Of Muon.
        adamw_lr: Of AdamW.
        momentum: Of Muon.
        nesterov: Whether Muon looks ahead.
        ns_steps: Newton-Schulz iterations.
        weight_decay: Decoupled decay of both.
    """

    def __init__(
        self,
        tensors: list[Tensor],
        hidden: Sequence[bool],
        *,
        lr: float,
        adamw_lr: float,
        momentum: float,
        nesterov: bool,
        ns_steps: int,
        weight_decay: float,
    ) -> None:
        super().__init__(tensors, {"lr": lr})
        marked = list(zip(tensors, hidden, strict=True))
        mine = [tensor for tensor, is_hidden in marked if is_hidden]
        rest = [tensor for tensor, is_hidden in marked if not is_hidden]
        # Views of the same numbers: torch's Muon takes nothing but matrices.
        self._matrices = [(tensor, tensor.detach().view(len(tensor), -1)) for tensor in mine]
        self._rate, self._adamw_rate = lr, adamw_lr
        self._muon = (
            Muon(
                [matrix for _, matrix in self._matrices],
                lr=lr,
                momentum=momentum,
                nesterov=nesterov,
                ns_steps=ns_steps,
                weight_decay=weight_decay,
            )
            if mine
            else None
        )
        self._adamw = AdamW(rest, lr=adamw_lr, weight_decay=weight_decay) if rest else None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Make an update; ``closure`` is not called."""
        rate = float(self.param_groups[0]["lr"])
        if self._muon is not None:
            for tensor, matrix in self._matrices:
                matrix.grad = None if tensor.grad is None else tensor.grad.view(matrix.shape)
            self._muon.param_groups[0]["lr"] = rate
            self._muon.step()  # type: ignore[no-untyped-call]
        if self._adamw is not None:
            share = rate / self._rate if self._rate else 1.0
            self._adamw.param_groups[0]["lr"] = self._adamw_rate * share
            self._adamw.step()
