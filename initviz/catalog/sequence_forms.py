"""How the layers for sequences run in lanes. One lane runs without a lane axis, as plain torch does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from initviz.catalog.parts import LaneForward, Observer, Saved
from initviz.catalog.sequence_modules import waves
from initviz.catalog.sequence_shapes import NO_NORM, POST_NORM, PRE_NORM

NORM_EPS = 1e-5
"""What ``torch.nn.LayerNorm`` adds to the variance."""


class Embedding:
    """Rows of a table a lane, ``(V, F)`` each, for symbols ``(B, T)`` that all lanes share.

    Args:
        lanes: K.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return ``(K, B, T, F)``."""
        symbols = x.long()
        table = tensors[0]
        if self._lanes == 1:
            return functional.embedding(symbols, table), (symbols,)
        rows = table.index_select(1, symbols.flatten())
        return rows.view(self._lanes, *symbols.shape, table.shape[-1]), (symbols,)

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``. Symbols have no slope: the gradient of the input is 0."""
        (symbols,) = saved
        table = grads[0]
        rows = symbols.flatten()
        height, width = table.shape[-2:]
        if self._lanes > 1:
            first = torch.arange(self._lanes, device=rows.device).mul_(height)
            rows = (rows + first.unsqueeze(1)).flatten()
        # Torch's own rule adds in one fixed order on every device, which index_add_ does not.
        found: Tensor = torch.ops.aten.embedding_dense_backward.default(
            grad.reshape(-1, width), rows, self._lanes * height, -1, False
        )
        table.copy_(found.view(table.shape))
        return grad.new_zeros(symbols.shape) if wants_input else None


class LearnedPositions:
    """A learned row added to every position, ``(T, F)`` a lane.

    Args:
        lanes: K.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return ``(K, B, T, F)``."""
        return x + (tensors[0] if self._lanes == 1 else tensors[0].unsqueeze(1)), ()

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        torch.sum(grad, grad.dim() - 3, out=grads[0])
        return grad if wants_input else None


class SinusoidalPositions:
    """A fixed pattern of waves added to every position.

    Args:
        length: Positions (T).
        features: Numbers a position (F).
    """

    def __init__(self, length: int, features: int) -> None:
        self._table = waves(length, features)

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return the input with the waves added."""
        self._table = self._table.to(x)
        return x + self._table, ()

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        return grad if wants_input else None


Branch = Callable[[Tensor, Iterator[Tensor], Callable[[Tensor], Tensor], Observer | None], Tensor]
"""From rows ``(K, N, F)``, the tensors left, what lays rows out in lanes again, and the observer, to rows."""


def attention(lanes: int, length: int, heads: int, norm: str) -> LaneForward:
    """Return the lane form of causal self-attention with a residual connection.

    Args:
        lanes: K.
        length: Positions (T).
        heads: Attentions side by side.
        norm: ``pre``, ``post`` or ``none``.
    """

    def branch(
        rows: Tensor,
        tensors: Iterator[Tensor],
        laid_out: Callable[[Tensor], Tensor],
        observe: Observer | None,
    ) -> Tensor:
        def split(projected: Tensor) -> Tensor:
            seen = laid_out(projected)
            if observe is not None:
                observe(seen, seen)
            return seen.reshape(-1, length, heads, seen.shape[-1] // heads).transpose(1, 2)

        query = split(dense(rows, next(tensors), next(tensors)))
        key = split(dense(rows, next(tensors), None))
        value = split(dense(rows, next(tensors), next(tensors)))
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return dense(mixed.transpose(1, 2).reshape(rows.shape), next(tensors), next(tensors))

    return residual(lanes, norm, branch)


def feed_forward(lanes: int, norm: str, function: Callable[[Tensor], Tensor]) -> LaneForward:
    """Return the lane form of two dense layers at every position, with a residual connection.

    Args:
        lanes: K.
        norm: ``pre``, ``post`` or ``none``.
        function: Activation between the two.
    """

    def branch(
        rows: Tensor,
        tensors: Iterator[Tensor],
        laid_out: Callable[[Tensor], Tensor],
        observe: Observer | None,
    ) -> Tensor:
        before = laid_out(dense(rows, next(tensors), next(tensors)))
        after = function(before)
        if observe is not None:
            observe(before, after)
        return dense(after.reshape(*rows.shape[:-1], -1), next(tensors), next(tensors))

    return residual(lanes, norm, branch)


def residual(lanes: int, norm: str, branch: Branch) -> LaneForward:
    """Return the lane form of ``x + scale * branch(x)`` with a layer normalization; the factor is the last tensor.

    Args:
        lanes: K.
        norm: Where the normalization stands: ``pre`` the branch, ``post`` the sum, or ``none``.
        branch: What is added.
    """

    def forward(x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        *inside, scale = tensors
        affine = inside[:2]
        left = iter(inside if norm == NO_NORM else inside[2:])
        if lanes == 1:
            batch = x.shape[:-1]
            rows = x.reshape(-1, x.shape[-1])
        else:
            whole = x.expand(lanes, *x.shape) if x.dim() == 3 else x
            batch = whole.shape[:-1]
            rows = whole.reshape(lanes, -1, x.shape[-1])
            scale = scale.view(-1, 1, 1)

        def laid_out(value: Tensor) -> Tensor:
            return value.view(*batch, value.shape[-1])

        source = layer_norm(rows, *affine) if norm == PRE_NORM else rows
        y = torch.addcmul(rows, branch(source, left, laid_out, observe), scale)
        return laid_out(layer_norm(y, *affine) if norm == POST_NORM else y)

    return forward


def dense(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return ``(K, N, O)`` from rows ``(K, N, I)``, ``(K, O, I)`` and ``(K, O)``; the same without lanes."""
    if rows.dim() == 2:
        return functional.linear(rows, weight, bias)
    if bias is None:
        return torch.bmm(rows, weight.mT)
    return torch.baddbmm(bias.unsqueeze(1), rows, weight.mT)


def layer_norm(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return rows ``(K, N, F)`` with mean 0 and variance 1 each, times ``(K, F)`` plus ``(K, F)``; or without lanes."""
    if rows.dim() == 2:
        return functional.layer_norm(rows, rows.shape[-1:], weight, bias, NORM_EPS)
    plain = functional.layer_norm(rows, rows.shape[-1:], eps=NORM_EPS)
    return torch.addcmul(bias.unsqueeze(1), plain, weight.unsqueeze(1))
