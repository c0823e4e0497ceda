"""Plain ``torch.nn`` modules of the layers that read step by step."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PlainRnn(nn.RNN):
    """``torch.nn.RNN`` on ``(B, T, I)`` that returns the sequence ``(B, T, H)`` alone."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Return the state after every step."""
        states: Tensor = super().forward(x)[0]
        return states


class PlainGru(nn.GRU):
    """``torch.nn.GRU`` on ``(B, T, I)`` that returns the sequence ``(B, T, H)`` alone."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Return the state after every step."""
        states: Tensor = super().forward(x)[0]
        return states


class PlainLstm(nn.LSTM):
    """``torch.nn.LSTM`` on ``(B, T, I)`` that returns the sequence ``(B, T, H)`` alone."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Return the state after every step."""
        states: Tensor = super().forward(x)[0]
        return states


class AnyRnn(nn.Module):
    """A vanilla recurrent layer of any activation; ``torch.nn.RNN`` knows tanh and ReLU alone.

    Args:
        inputs: Numbers a step (I).
        units: State (H).
        bias: Whether each weight has a bias.
        activation: Elementwise function.
    """

    def __init__(self, inputs: int, units: int, bias: bool, activation: nn.Module) -> None:
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.zeros((units, inputs)))
        self.weight_hh_l0 = nn.Parameter(torch.zeros((units, units)))
        self.bias_ih_l0 = nn.Parameter(torch.zeros(units)) if bias else None
        self.bias_hh_l0 = nn.Parameter(torch.zeros(units)) if bias else None
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, T, H)`` for ``(B, T, I)``."""
        state = x.new_zeros((len(x), len(self.weight_hh_l0)))
        states = []
        for step in x.unbind(1):
            read = nn.functional.linear(step, self.weight_ih_l0, self.bias_ih_l0)
            state = self.activation(read + nn.functional.linear(state, self.weight_hh_l0, self.bias_hh_l0))
            states.append(state)
        return torch.stack(states, 1)


class LastStep(nn.Module):
    """The last step of ``(B, T, F)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, F)``."""
        return x[:, -1]


class MeanOverTime(nn.Module):
    """The mean of the steps of ``(B, T, F)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, F)``."""
        return x.mean(1)


class Steps(nn.Module):
    """Reads images ``(B, C, H, W)`` row by row, lists ``(B, F)`` some numbers at a time.

    Args:
        size: Numbers at a time, of a list.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, T, F)``."""
        return torch.unflatten(x, 1, (-1, self.size)) if x.dim() == 2 else x.transpose(1, 2).flatten(2)
