"""Torch's optimizers without the bookkeeping of a step, which costs more than the update of a small network.

Each makes its first step as torch does, which also makes its state; after that it calls the same kernel directly. No
hooks run. Numbers and state are torch's, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adagrad, Adam, AdamW

Closure = Callable[[], float] | None
Group = dict[str, Any]


def _gradients(parameters: list[Tensor]) -> list[Tensor]:
    found = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if len(found) != len(parameters):
        raise ValueError("every parameter needs a gradient")
    return found


class FlatSGD(SGD):
    """SGD by its fused kernel."""

    @torch.no_grad()
    def step(self, closure: Closure = None) -> None:  # type: ignore[override]
        """Make an update; ``closure`` is not called."""
        group: Group
        for group in self.param_groups:
            parameters: list[Tensor] = group["params"]
            buffers = [self.state[parameter].get("momentum_buffer") for parameter in parameters]
            uses_momentum = group["momentum"] != 0
            if uses_momentum and any(buffer is None for buffer in buffers):
                super().step()
                return
            torch._fused_sgd_(
                parameters,
                _gradients(parameters),
                buffers if uses_momentum else [],
                weight_decay=group["weight_decay"],
                momentum=group["momentum"],
                lr=group["lr"],
                dampening=group["dampening"],
                nesterov=group["nesterov"],
                maximize=False,
                is_first_step=False,
            )


def _adam_step(optimizer: Adam, kernel: Callable[..., None]) -> bool:
    """Make an update with one of Adam's kernels; False where there is no state yet."""
    group: Group
    for group in optimizer.param_groups:
        parameters: list[Tensor] = group["params"]
        states = [optimizer.state[parameter] for parameter in parameters]
        if not all(states):
            return False
        steps = [state["step"] for state in states]
        first, second = group["betas"]
        torch._foreach_add_(steps, 1)
        kernel(
            parameters,
            _gradients(parameters),
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            steps,
            lr=group["lr"],
            beta1=first,
            beta2=second,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )
    return True


class FlatAdam(Adam):
    """Adam by its fused kernel."""

    @torch.no_grad()
    def step(self, closure: Closure = None) -> None:  # type: ignore[override]
        """Make an update; ``closure`` is not called."""
        if not _adam_step(self, torch._fused_adam_):
            super().step()


class FlatAdamW(AdamW):
    """AdamW by its fused kernel."""

    @torch.no_grad()
    def step(self, closure: Closure = None) -> None:  # type: ignore[override]
        """Make an update; ``closure`` is not called."""
        if not _adam_step(self, torch._fused_adamw_):
            super().step()


class FlatAdagrad(Adagrad):
    """Adagrad by its fused kernel."""

    @torch.no_grad()
    def step(self, closure: Closure = None) -> None:  # type: ignore[override]
        """Make an update; ``closure`` is not called."""
        group: Group
        for group in self.param_groups:
            parameters: list[Tensor] = group["params"]
            states = [self.state[parameter] for parameter in parameters]
            steps = [state["step"] for state in states]
            torch._foreach_add_(steps, 1)
            torch._fused_adagrad_(
                parameters,
                _gradients(parameters),
                [state["sum"] for state in states],
                steps,
                lr=group["lr"],
                lr_decay=group["lr_decay"],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                maximize=False,
            )


for _optimizer in (FlatSGD, FlatAdam, FlatAdamW, FlatAdagrad):
    # Torch wraps the step of a class in its profiler's hooks unless it finds this mark.
    vars(_optimizer)["step"].hooked = True
