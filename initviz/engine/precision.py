"""Training with products in fewer digits: which devices can, and how a loss is scaled so that gradients survive."""

from __future__ import annotations

import warnings
from typing import Literal

import torch

from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Text

TYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def check_precision(
    name: Literal["bfloat16", "float16"], device: torch.device, dtype: torch.dtype, path: str
) -> torch.dtype:
    """Return the type that products are to be computed in.

    Args:
        name: Of the type.
        device: Where the network trains.
        dtype: Of its weights.
        path: Where this was chosen, for the message.
    Raises:
        ExperimentError: The device has no products of this type, or the weights are double.
    """
    if dtype is torch.float64:
        raise ExperimentError(
            Text(
                "mixed precision works on single-precision weights. Set dtype to float32, or switch it off.",
                "混合精度只适用于单精度权重。请把 dtype 设为 float32，或关闭混合精度。",
            ),
            path,
        )
    if not _can(TYPES[name], device):
        raise ExperimentError(
            Text(
                f"the device '{device}' cannot compute in {name}. Choose the other type, another device, or switch it "
                "off.",
                f"设备“{device}”不支持 {name} 计算。请选择另一种类型、另一个设备，或关闭混合精度。",
            ),
            path,
        )
    return TYPES[name]


def _can(dtype: torch.dtype, device: torch.device) -> bool:
    """Say whether a product is really computed in a type: a device that cannot only warns, and computes in full."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.autocast(device.type, dtype):
                one = torch.ones(2, 2, device=device)
                return (one @ one).dtype == dtype
        except RuntimeError:
            return False


class LossScale:
    """A factor that lifts small gradients into the range of half precision; it grows until one overflows.

    Attributes:
        value: The factor.
        skipped: Updates left out because a gradient overflowed.
    """

    GROWTH, BACKOFF, INTERVAL, FIRST = 2.0, 0.5, 2000, 65536.0

    def __init__(self) -> None:
        self.value = self.FIRST
        self.skipped = 0
        self._calm = 0

    def update(self, is_finite: bool) -> None:
        """Take in whether all gradients of a step were finite, as ``torch.amp.GradScaler`` does."""
        if not is_finite:
            self.value *= self.BACKOFF
            self.skipped += 1
            self._calm = 0
            return
        self._calm += 1
        if self._calm == self.INTERVAL:
            self.value *= self.GROWTH
            self._calm = 0
