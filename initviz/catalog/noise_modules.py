"""Plain ``torch.nn`` modules of the layers that leave out a random part, where torch itself has none."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class DropConnectLinear(nn.Linear):
    """A dense layer with some of its weights at 0 in training, the same ones for the whole batch.

    Those kept are divided by the share kept, so that the mean weight, which is used in evaluation, is the weight.

    Args:
        in_features: Inputs.
        out_features: Units.
        rate: Probability with which a weight is left out.
        bias: Whether there is a bias, of which nothing is left out.
    References:
        Wan et al. 2013, Proc. ICML 30, 1058-1066.
    """

    def __init__(self, in_features: int, out_features: int, rate: float, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias)
        self.rate = rate

    def forward(self, input: Tensor) -> Tensor:
        """Return ``(B, out_features)`` for an input ``(B, in_features)``."""
        weight = functional.dropout(self.weight, self.rate, self.training)
        return functional.linear(input, weight, self.bias)
