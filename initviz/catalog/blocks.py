"""Plain ``torch.nn`` modules of the layers that torch itself has none for."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """A dense residual block with a learned branch scale: ``x + scale * (W2 act(W1 x + b1) + b2)``.

    Args:
        width: Units of input, inside and output.
        activation: Function between the two dense layers.
    References:
        He et al. 2016, arXiv:1512.03385; the scale: Bachlechner et al. 2021, arXiv:2003.04887.
    """

    def __init__(self, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.activation = activation
        self.second = nn.Linear(width, width)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, width)`` for an input ``(B, width)``."""
        branch: Tensor = self.second(self.activation(self.first(x)))
        return x + self.scale * branch
