"""The activations as NumPy functions with their slopes, for theory, which must not wait for torch."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from initviz.catalog.activations import ELU_ALPHA, LEAKY_SLOPE, SELU_ALPHA, SELU_SCALE, slope_of
from initviz.catalog.parts import Curve
from initviz.experiment.values import Choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


def fixed(curve: Curve) -> Callable[[Choice], Curve]:
    """Return what gives one curve whatever the choice."""
    return lambda choice: curve


@functools.lru_cache(maxsize=256)
def leaky(slope: float) -> Curve:
    """Return x above 0 and ``slope`` x below."""
    return Curve(
        value=lambda x: np.where(x > 0, x, slope * x),
        slope=lambda x: np.where(x > 0, 1.0, slope),
        corners=(0.0,),
    )


@functools.lru_cache(maxsize=256)
def exponential(alpha: float, scale: float = 1.0) -> Curve:
    """Return ``scale`` times x above 0 and ``alpha`` (e^x - 1) below."""
    return Curve(
        value=lambda x: scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
        slope=lambda x: scale * np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0))),
        corners=(0.0,),
    )


def _sigmoid(x: Numbers) -> Numbers:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, small) / (1 + small))


def _sigmoid_slope(x: Numbers) -> Numbers:
    small = np.exp(-np.abs(x))
    return np.asarray(small / np.square(1 + small))


def _tanh_slope(x: Numbers) -> Numbers:
    small = np.exp(-2 * np.abs(x))  # 1 - tanh(x)^2 would lose its digits far out
    return np.asarray(4 * small / np.square(1 + small))


def _normal_share(x: Numbers) -> Numbers:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def _gelu_slope(x: Numbers) -> Numbers:
    return _normal_share(x) + x * np.exp(-np.square(x) / 2) / math.sqrt(2 * math.pi)


def _silu_slope(x: Numbers) -> Numbers:
    return _sigmoid(x) + x * _sigmoid_slope(x)


def _softplus(x: Numbers) -> Numbers:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _within(low: float, high: float, slope: float) -> Callable[[Numbers], Numbers]:
    return lambda x: np.where((x > low) & (x < high), slope, 0.0)


def _hard_swish(x: Numbers) -> Numbers:
    return x * np.clip((x + 3) / 6, 0, 1)


def _hard_swish_slope(x: Numbers) -> Numbers:
    return np.where(x > 3, 1.0, np.where(x > -3, (2 * x + 3) / 6, 0.0))


IDENTITY = fixed(Curve(value=lambda x: x, slope=np.ones_like))
SIGMOID = fixed(Curve(value=_sigmoid, slope=_sigmoid_slope))
TANH = fixed(Curve(value=np.tanh, slope=_tanh_slope))
RELU = fixed(leaky(0.0))
SELU = fixed(exponential(SELU_ALPHA, SELU_SCALE))
GELU = fixed(Curve(value=lambda x: x * _normal_share(x), slope=_gelu_slope))
SILU = fixed(Curve(value=lambda x: x * _sigmoid(x), slope=_silu_slope))
SOFTPLUS = fixed(Curve(value=_softplus, slope=_sigmoid))
SOFTSIGN = fixed(
    Curve(value=lambda x: x / (1 + np.abs(x)), slope=lambda x: 1 / np.square(1 + np.abs(x)), corners=(0.0,))
)
RELU6 = fixed(Curve(value=lambda x: np.clip(x, 0, 6), slope=_within(0, 6, 1.0), corners=(0.0, 6.0)))
HARD_SIGMOID = fixed(
    Curve(value=lambda x: np.clip((x + 3) / 6, 0, 1), slope=_within(-3, 3, 1 / 6), corners=(-3.0, 3.0))
)
HARD_TANH = fixed(Curve(value=lambda x: np.clip(x, -1, 1), slope=_within(-1, 1, 1.0), corners=(-1.0, 1.0)))
HARD_SWISH = fixed(Curve(value=_hard_swish, slope=_hard_swish_slope, corners=(-3.0, 3.0)))


def leaky_relu(choice: Choice) -> Curve:
    """Return leaky ReLU with the choice's slope."""
    return leaky(slope_of(choice, LEAKY_SLOPE))


def elu(choice: Choice) -> Curve:
    """Return ELU with the choice's alpha."""
    return exponential(slope_of(choice, ELU_ALPHA))
