"""Activations against formulas written out here, and what they say about themselves."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import special

from initviz.catalog.index import catalogue
from initviz.catalog.parts import ActivationPart

Numbers = NDArray[np.float64]

# Klambauer et al. 2017, section 2
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

FORMULAS: dict[str, Callable[[Numbers], Numbers]] = {
    "identity": lambda x: x,
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "relu": lambda x: np.where(x > 0, x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(x)),
    "gelu": lambda x: x * special.ndtr(x),
    "silu": lambda x: x * special.expit(x),
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_sigmoid": lambda x: np.clip((x + 3) / 6, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "hard_swish": lambda x: x * np.clip((x + 3) / 6, 0, 1),
}


def activation(key: str) -> ActivationPart:
    part = catalogue().get("activation", key)
    assert isinstance(part, ActivationPart)
    return part


def with_slope(part: ActivationPart) -> list[torch.Tensor]:
    """Return -2 through the activation with a slope of 0.3, as an activation layer hands it on."""
    choice = catalogue().get("layer", "activation").choose(function=part.key, slope=0.3)
    x = torch.tensor(-2.0, dtype=torch.float64)
    return [part.function(choice)(x), part.module(choice)(x)]


PARTS = [part for part in catalogue().parts("activation") if isinstance(part, ActivationPart)]


@pytest.mark.parametrize("key", [part.key for part in PARTS])
def test_is_its_formula(key: str) -> None:
    x = np.concatenate([np.linspace(-9, 9, 2001), [0.0, 1e-12, -1e-12]])
    part = activation(key)
    assert part.function(part.choose())(torch.from_numpy(x)).numpy() == pytest.approx(
        FORMULAS[key](x), abs=1e-12
    )


def test_slope_reaches_leaky_relu_and_elu_alone() -> None:
    for result in with_slope(activation("leaky_relu")):
        assert result.item() == pytest.approx(-0.6)
    for result in with_slope(activation("elu")):
        assert result.item() == pytest.approx(0.3 * math.expm1(-2))
    for part in PARTS:
        if part.key not in ("leaky_relu", "elu"):
            plain = part.function(part.choose())(torch.tensor(-2.0, dtype=torch.float64))
            assert all(torch.equal(result, plain) for result in with_slope(part))


def derivative(part: ActivationPart, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    x = x.clone().requires_grad_()
    y = part.function(part.choose())(x)
    if not y.requires_grad:
        y = y + 0 * x
    (slope,) = torch.autograd.grad(y.sum(), x)
    return y.detach(), slope


@pytest.mark.parametrize("part", [part for part in PARTS if part.saturation], ids=lambda part: part.key)
def test_saturated_means_that_nineteen_twentieths_of_the_slope_are_gone(part: ActivationPart) -> None:
    assert part.saturation is not None
    low, high = part.saturation
    y, slope = derivative(part, torch.linspace(-30, 30, 200_001, dtype=torch.float64))
    inside = (y > low) & (y < high)
    least, most = slope.max() * 0.05 * (1 - 1e-3), slope.max() * 0.05 * (1 + 1e-3)
    outside = ~inside & (y != 0) if part.dead_below else ~inside
    assert outside.any()
    assert (slope[outside] <= most).all()
    live = inside & (y > 0) if part.dead_below else inside
    assert (slope[live] >= least).all()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.key)
def test_a_bounded_function_says_where_it_saturates(part: ActivationPart) -> None:
    y, _ = derivative(part, torch.tensor([-1e6, 1e6], dtype=torch.float64))
    bounded_above = y[1] < 100
    assert (part.saturation is not None) == bool(bounded_above)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.key)
def test_dead_below_means_that_an_output_of_zero_passes_no_gradient(part: ActivationPart) -> None:
    x = torch.linspace(-9, 9, 18_001, dtype=torch.float64)
    x[9000] = 0.0
    y, slope = derivative(part, x)
    always_blocks = bool((slope[y == 0] == 0).all())
    assert part.dead_below == ((y == 0).sum() > 1 and always_blocks)


def test_texts_tell_the_truth() -> None:
    sigmoid, slope = derivative(activation("sigmoid"), torch.linspace(-5, 5, 1001, dtype=torch.float64))
    assert slope.max().item() == pytest.approx(0.25)
    assert sigmoid.mean().item() == pytest.approx(0.5)
    assert derivative(activation("softplus"), torch.zeros(1))[0].item() == pytest.approx(0.69, abs=0.004)
    normal = torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert derivative(activation("relu"), normal)[0].square().mean().item() == pytest.approx(0.5, abs=0.01)
    selu = derivative(activation("selu"), normal)[0]
    assert (selu.mean().item(), selu.var().item()) == pytest.approx((0.0, 1.0), abs=0.01)
