"""Initializers that are more than a distribution: constants, identity, orthogonal, sparse, residual."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from scipy import stats
from torch.nn import functional

from initviz.catalog.index import catalogue
from initviz.catalog.parts import InitContext, InitializerPart

SIGNIFICANCE = 1e-4


def initializer(key: str) -> InitializerPart:
    part = catalogue().get("initializer", key)
    assert isinstance(part, InitializerPart)
    return part


def context_for(shape: tuple[int, ...], **place: Any) -> InitContext:
    places = math.prod(shape[2:])
    return InitContext(shape=shape, fan_in=shape[1] * places, fan_out=shape[0] * places, **place)


def draw(
    key: str, context: InitContext, *, seed: int = 4, dtype: torch.dtype = torch.float64, **values: Any
) -> torch.Tensor:
    part = initializer(key)
    tensor = torch.full(context.shape, math.nan, dtype=dtype)
    part.draw(tensor, part.choose(**values), context, torch.Generator().manual_seed(seed))
    return tensor


def target(key: str, context: InitContext, **values: Any) -> float:
    part = initializer(key)
    std = part.target_std(part.choose(**values), context)
    assert std is not None
    return std


# without chance


@pytest.mark.parametrize("shape", [(5, 3), (4, 2, 3, 3)])
@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [("zeros", {}, 0.0), ("ones", {}, 1.0), ("constant", {"value": -0.3}, -0.3)],
)
def test_constants_are_constant(
    key: str, values: dict[str, Any], expected: float, shape: tuple[int, ...]
) -> None:
    assert (draw(key, context_for(shape), **values) == expected).all()
    assert (draw(key, InitContext(shape=(6,), fan_in=3, fan_out=6), **values) == expected).all()
    assert target(key, context_for(shape), **values) == 0.0


@pytest.mark.parametrize("shape", [(5, 5), (7, 4), (4, 7)])
def test_identity_hands_inputs_on(shape: tuple[int, int]) -> None:
    weight = draw("identity", context_for(shape))
    x = torch.arange(1.0, shape[1] + 1, dtype=torch.float64)
    shared = min(shape)
    assert torch.equal((weight @ x)[:shared], x[:shared])
    assert not (weight @ x)[shared:].any()


@pytest.mark.parametrize("shape", [(3, 3, 3, 3), (3, 3, 5, 5), (5, 3, 3, 3), (3, 3, 1, 1)])
def test_dirac_leaves_an_image_as_it_is(shape: tuple[int, ...]) -> None:
    weight = draw("identity", context_for(shape))
    image = torch.randn((2, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    after = functional.conv2d(image, weight, padding=shape[2] // 2)
    assert torch.equal(after[:, :3], image)
    assert not after[:, 3:].any()


@pytest.mark.parametrize("shape", [(5, 5), (7, 4), (5, 3, 3, 3)])
def test_identity_says_its_exact_spread(shape: tuple[int, ...]) -> None:
    std = draw("identity", context_for(shape)).std(correction=0).item()
    assert target("identity", context_for(shape)) == pytest.approx(std, rel=1e-12)


# orthogonal


def excess(matrix: torch.Tensor) -> float:
    """Return the largest error in the products of a matrix's shorter side, of which it has the fewer."""
    matrix = matrix.double()
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    return float((product - torch.eye(len(product), dtype=torch.float64)).abs().max())


@pytest.mark.parametrize("key", ["orthogonal", "lsuv"])
@pytest.mark.parametrize(
    "shape", [(400, 100), (100, 400), (256, 256), (1, 9), (9, 1), (48, 24, 3, 3), (128, 3, 3, 3)]
)
def test_orthogonal_to_one_in_a_million_in_float32(key: str, shape: tuple[int, ...]) -> None:
    weight = draw(key, context_for(shape), dtype=torch.float32)
    # Rounding an exact result leaves 3e-8; factorizing in float32 would leave 3e-7 to 1.2e-6.
    assert excess(weight.flatten(1)) < 1e-7
    values = torch.linalg.svdvals(weight.flatten(1).double())
    assert values.numpy() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("shape", [(40, 10), (10, 40), (24, 24), (6, 4, 3, 3)])
def test_orthogonal_to_machine_precision_in_float64(shape: tuple[int, ...]) -> None:
    assert excess(draw("orthogonal", context_for(shape)).flatten(1)) < 1e-13


@pytest.mark.parametrize("gain", [0.5, 1.0, math.sqrt(2)])
@pytest.mark.parametrize("shape", [(40, 10), (10, 40), (24, 24), (6, 4, 3, 3)])
def test_every_singular_value_is_the_gain(gain: float, shape: tuple[int, ...]) -> None:
    context = context_for(shape)
    weight = draw("orthogonal", context, gain=gain)
    assert torch.linalg.svdvals(weight.flatten(1)).numpy() == pytest.approx(gain, rel=1e-12)
    # The squares of all numbers sum to gain^2 times the rank, whatever was drawn.
    assert target("orthogonal", context, gain=gain) == pytest.approx(
        weight.square().mean().sqrt().item(), rel=1e-12
    )


def test_orthogonal_favours_no_direction() -> None:
    """Each entry of a matrix drawn uniformly from all rotations has the law of one coordinate on the sphere."""
    n, draws = 6, 4000
    context = context_for((n, n))
    generator = torch.Generator().manual_seed(9)
    part, weight = initializer("orthogonal"), torch.empty((n, n), dtype=torch.float64)
    kept = torch.empty((draws, n, n), dtype=torch.float64)
    for k in range(draws):
        part.draw(weight, part.choose(), context, generator)
        kept[k] = weight
    law = stats.beta((n - 1) / 2, (n - 1) / 2, loc=-1, scale=2)
    for row, column in ((0, 0), (0, n - 1), (n - 1, 0), (n - 1, n - 1)):
        assert stats.kstest(kept[:, row, column].numpy(), law.cdf).pvalue > SIGNIFICANCE
    turning = int((torch.linalg.det(kept) > 0).sum())
    assert stats.binomtest(turning, draws, 0.5).pvalue > SIGNIFICANCE, "as many rotations as reflections"


@pytest.mark.parametrize("shape", [(8, 8, 3, 3), (12, 8, 3, 3), (8, 8, 5, 5), (8, 8, 1, 1)])
def test_delta_orthogonal_convolution_keeps_lengths(shape: tuple[int, ...]) -> None:
    weight = draw("delta_orthogonal", context_for(shape), gain=1.3)
    image = torch.randn((2, shape[1], 9, 9), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    after = functional.conv2d(image, weight, padding=shape[2] // 2)
    assert after.norm().item() == pytest.approx(1.3 * image.norm().item(), rel=1e-12)
    plain = draw("orthogonal", context_for(shape), gain=1.3)
    if shape[2] > 1:
        kept = functional.conv2d(image, plain, padding=shape[2] // 2).norm() / image.norm()
        assert abs(kept.item() / 1.3 - 1) > 1e-3, "a flattened orthogonal kernel does not keep them"


@pytest.mark.parametrize("shape", [(8, 8, 3, 3), (4, 8, 3, 3), (6, 6), (6, 9)])
def test_delta_orthogonal_has_one_matrix_in_the_middle(shape: tuple[int, ...]) -> None:
    context = context_for(shape)
    weight = draw("delta_orthogonal", context, gain=2.0)
    middle = weight[:, :, shape[2] // 2, shape[3] // 2] if len(shape) > 2 else weight
    assert excess(middle / 2.0) < 1e-13
    assert weight.square().sum().item() == pytest.approx(middle.square().sum().item(), rel=1e-14)
    rms = weight.square().mean().sqrt().item()
    assert target("delta_orthogonal", context, gain=2.0) == pytest.approx(rms, rel=1e-12)


def test_lsuv_leaves_the_rest_to_the_data() -> None:
    part = initializer("lsuv")
    assert part.data_driven
    assert part.target_std(part.choose(), context_for((4, 4))) is None
    assert [
        p.key for p in catalogue().parts("initializer") if isinstance(p, InitializerPart) and p.data_driven
    ] == ["lsuv"]


# sparse


@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("shape", [(50, 40), (7, 30), (16, 4, 3, 3)])
def test_sparse_has_its_zeros_in_every_column(sparsity: float, shape: tuple[int, ...]) -> None:
    weight = draw("sparse", context_for(shape), sparsity=sparsity, std=0.5)
    zeros = (weight.flatten(1) == 0).sum(dim=0)
    assert (zeros == math.ceil(sparsity * shape[0])).all()


def test_sparse_draws_the_rest_from_a_normal_distribution() -> None:
    context = context_for((200, 500))
    weight = draw("sparse", context, sparsity=0.8, std=0.5)
    kept = weight[weight != 0]
    assert stats.kstest(kept.numpy(), stats.norm(0, 0.5).cdf).pvalue > SIGNIFICANCE
    ratio = (kept.square().sum() / 0.25).item()
    assert 2 * min(stats.chi2.cdf(ratio, len(kept)), stats.chi2.sf(ratio, len(kept))) > SIGNIFICANCE
    expected = 0.5 * math.sqrt(0.2)
    assert target("sparse", context, sparsity=0.8, std=0.5) == pytest.approx(expected, rel=1e-12)
    assert weight.std().item() == pytest.approx(expected, rel=0.02)


def test_sparse_puts_its_zeros_anywhere() -> None:
    zeros = (draw("sparse", context_for((20, 4000)), sparsity=0.5) == 0).sum(dim=1)
    # Without putting back, each row's count is less scattered than chi-square assumes, by (1 - 1/2) (20/19).
    statistic = ((zeros - 2000.0) ** 2 / (4000 * 0.5 * 0.5)).sum().item() * 19 / 20
    assert SIGNIFICANCE < stats.chi2.sf(statistic, 19) < 1 - SIGNIFICANCE


# residual branches


def factor(**place: Any) -> float:
    context = context_for((30, 20), **place)
    return target("fixup", context) / math.sqrt(2 / 20)


def test_fixup_scales_as_the_paper_says() -> None:
    """Zhang et al. 2019, rules 1 and 2: L^(-1/(2m-2)) inside a branch, 0 at its end and at the network's."""
    assert factor() == pytest.approx(1.0)
    for branches, depth in ((1, 2), (16, 2), (9, 3), (54, 2), (16, 5)):
        expected = branches ** (-1 / (2 * depth - 2))
        assert factor(branch="inner", branch_depth=depth, num_branches=branches) == pytest.approx(expected)
        assert factor(branch="last", branch_depth=depth, num_branches=branches) == 0.0
    assert factor(is_output=True) == 0.0
    assert factor(branch="inner", branch_depth=2, num_branches=16) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({}, 1.0),
        ({"branch": "inner", "branch_depth": 2, "num_branches": 16}, 0.25),
        ({"branch": "last", "branch_depth": 2, "num_branches": 16}, 0.0),
        ({"is_output": True}, 0.0),
    ],
)
def test_fixup_draws_what_it_aims_at(place: dict[str, Any], expected: float) -> None:
    context = context_for((200, 100), **place)
    weight = draw("fixup", context)
    if expected == 0.0:
        assert not weight.any()
        return
    law = stats.norm(0, expected * math.sqrt(2 / 100))
    assert stats.kstest(weight.flatten().numpy(), law.cdf).pvalue > SIGNIFICANCE
    assert target("fixup", context) == pytest.approx(law.std())


def test_skipinit_and_rezero_close_the_branches_and_nobody_else_does() -> None:
    parts = [part for part in catalogue().parts("initializer") if isinstance(part, InitializerPart)]
    assert {part.key for part in parts if part.branch_scale == 0.0} == {"skipinit", "rezero"}
    assert {part.branch_scale for part in parts} == {0.0, 1.0}
