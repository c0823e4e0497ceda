"""Plain ``torch.nn`` modules of the layers for sequences."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from initviz.catalog.sequence_shapes import NO_NORM, POST_NORM, PRE_NORM

WAVE_BASE = 10_000.0
"""Ratio of the longest wave of sinusoidal positions to the shortest, nearly."""


def waves(length: int, features: int) -> Tensor:
    """Return sinusoidal positions ``(T, F)``, float64: sines at even features and cosines at odd ones.

    The waves get longer from 2 pi positions at the first pair of features towards 20,000 pi at the last.

    Args:
        length: Positions (T).
        features: Numbers a position (F).
    References:
        Vaswani et al. 2017, arXiv:1706.03762.
    """
    place = torch.arange(length, dtype=torch.float64).unsqueeze(1)
    rate = torch.exp(torch.arange(0, features, 2, dtype=torch.float64) * (-math.log(WAVE_BASE) / features))
    table = torch.empty((length, features), dtype=torch.float64)
    table[:, 0::2] = torch.sin(place * rate)
    table[:, 1::2] = torch.cos(place * rate[: features // 2])
    return table


class TokenEmbedding(nn.Module):
    """A row of a table for every symbol; the symbols come as whole numbers in floating point.

    Args:
        vocabulary: Symbols (V).
        units: Numbers a symbol (F).
    """

    def __init__(self, vocabulary: int, units: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros((vocabulary, units)))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, T, F)`` for symbols ``(B, T)``."""
        return nn.functional.embedding(x.long(), self.weight)


class LearnedPositions(nn.Module):
    """Adds a learned row to every position.

    Args:
        length: Positions (T).
        features: Numbers a position (F).
    References:
        Gehring et al. 2017, arXiv:1705.03122.
    """

    def __init__(self, length: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros((length, features)))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, T, F)`` for ``(B, T, F)``."""
        return x + self.weight


class SinusoidalPositions(nn.Module):
    """Adds a fixed pattern of waves to every position.

    Args:
        length: Positions (T).
        features: Numbers a position (F).
    """

    def __init__(self, length: int, features: int) -> None:
        super().__init__()
        self._size = (length, features)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, T, F)`` for ``(B, T, F)``."""
        return x + waves(*self._size).to(x)


class ResidualBranch(nn.Module):
    """A branch added to its input, with layer normalization before it, after the sum, or nowhere.

    Args:
        width: Features (F).
        norm: ``pre``, ``post`` or ``none``.
    References:
        Xiong et al. 2020, arXiv:2002.04745.
    """

    def __init__(self, width: int, norm: str) -> None:
        super().__init__()
        self.place = norm
        self.norm = nn.Identity() if norm == NO_NORM else nn.LayerNorm(width)
        self.scale = nn.Parameter(torch.ones(()))

    def branch(self, x: Tensor) -> Tensor:
        """Return what the branch makes of ``(B, T, F)``."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, T, F)`` for ``(B, T, F)``."""
        y = x + self.scale * self.branch(self.norm(x) if self.place == PRE_NORM else x)
        return self.norm(y) if self.place == POST_NORM else y


class SelfAttention(ResidualBranch):
    """Every position gathers values from itself and those before it, weighed by how well keys answer its query.

    Args:
        width: Features (F).
        heads: Attentions side by side, each with F / heads features.
        norm: ``pre``, ``post`` or ``none``.
    References:
        Vaswani et al. 2017, arXiv:1706.03762.
    """

    def __init__(self, width: int, heads: int, norm: str) -> None:
        super().__init__(width, norm)
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def branch(self, x: Tensor) -> Tensor:
        """Return the attention's result for ``(B, T, F)``."""
        batch, length, width = x.shape
        query, key, value = (
            layer(x).view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        scores = query @ key.mT / math.sqrt(width // self.heads)
        later = torch.ones((length, length), dtype=torch.bool, device=x.device).triu(1)
        shares = scores.masked_fill(later, -math.inf).softmax(-1)
        mixed: Tensor = self.out((shares @ value).transpose(1, 2).flatten(2))
        return mixed


class FeedForward(ResidualBranch):
    """Two dense layers, the same at every position.

    Args:
        width: Features (F).
        hidden: Units between the two.
        activation: Function between the two.
        norm: ``pre``, ``post`` or ``none``.
    """

    def __init__(self, width: int, hidden: int, activation: nn.Module, norm: str) -> None:
        super().__init__(width, norm)
        self.up = nn.Linear(width, hidden)
        self.activation = activation
        self.down = nn.Linear(hidden, width)

    def branch(self, x: Tensor) -> Tensor:
        """Return the two layers' result for ``(B, T, F)``."""
        result: Tensor = self.down(self.activation(self.up(x)))
        return result
