"""Every random initializer against its paper's formula, which is written out here a second time.

Each test draws at least 10,000 numbers from a fixed seed and asks at significance 1e-4 whether they can come from the
distribution that the paper gives: mean by a z test, variance by a chi-square test for normal numbers and by a z test
with the distribution's own fourth moment for the rest, shape by Kolmogorov and Smirnov's test. Seeds are fixed, so the
outcome is, too. Errors of a twentieth, which a wrong fan or a forgotten correction exceeds by far, are shown to fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from initviz.catalog.index import catalogue
from initviz.catalog.parts import InitContext, InitializerPart

SIGNIFICANCE = 1e-4
SHAPES = [(256, 96), (80, 400), (48, 24, 3, 3)]

Numbers = NDArray[np.float64]
Spread = Callable[[int, int], float]
Values = dict[str, Any]


def context_for(shape: tuple[int, ...], **place: Any) -> InitContext:
    places = math.prod(shape[2:])
    return InitContext(shape=shape, fan_in=shape[1] * places, fan_out=shape[0] * places, **place)


def draw(key: str, values: Values, context: InitContext, seed: int = 11) -> torch.Tensor:
    part = catalogue().get("initializer", key)
    assert isinstance(part, InitializerPart)
    tensor = torch.full(context.shape, math.nan, dtype=torch.float64)
    part.draw(tensor, part.choose(**values), context, torch.Generator().manual_seed(seed))
    return tensor


def target(key: str, values: Values, context: InitContext) -> float | None:
    part = catalogue().get("initializer", key)
    assert isinstance(part, InitializerPart)
    return part.target_std(part.choose(**values), context)


def gain(key: str, values: Values, context: InitContext) -> float | None:
    part = catalogue().get("initializer", key)
    assert isinstance(part, InitializerPart)
    return part.gain(part.choose(**values), context)


def doubt(sample: Numbers, distribution: Any) -> list[str]:
    """Return what speaks against ``sample`` coming from ``distribution``, a frozen one of SciPy's."""
    mean, variance, excess = (float(x) for x in distribution.stats(moments="mvk"))
    n = sample.size
    found: list[str] = []

    z = (sample.mean() - mean) / math.sqrt(variance / n)
    if 2 * stats.norm.sf(abs(z)) < SIGNIFICANCE:
        found.append(f"mean: z = {z:.1f}")

    ratio = ((sample - sample.mean()) ** 2).sum() / variance
    if distribution.dist.name == "norm":
        p = 2 * min(stats.chi2.cdf(ratio, n - 1), stats.chi2.sf(ratio, n - 1))
    else:
        p = 2 * stats.norm.sf(abs(ratio / (n - 1) - 1) / math.sqrt((excess + 2) / n))
    if p < SIGNIFICANCE:
        found.append(f"variance: {ratio / (n - 1):.4f} of what it should be")

    if stats.kstest(sample, distribution.cdf).pvalue < SIGNIFICANCE:
        found.append("shape")
    return found


def normal(std: float, mean: float = 0.0) -> Any:
    return stats.norm(mean, std)


def uniform(std: float, mean: float = 0.0) -> Any:
    """Return U(mean - b, mean + b) whose standard deviation, b / sqrt(3), is ``std``."""
    bound = math.sqrt(3) * std
    return stats.uniform(mean - bound, 2 * bound)


def truncated(std: float, mean: float = 0.0) -> Any:
    """Return a normal distribution cut at two of its standard deviations, scaled so that ``std`` is what is left."""
    return stats.truncnorm(-2, 2, loc=mean, scale=std / 0.87962566103423978)


KINDS: dict[str, Callable[[float], Any]] = {
    "normal": normal, "uniform": uniform, "truncated_normal": truncated
}  # fmt: skip


def inverse_root(scale: float, fan: Callable[[int, int], float]) -> Spread:
    return lambda fan_in, fan_out: math.sqrt(scale / fan(fan_in, fan_out))


def fan_in(inputs: int, outputs: int) -> float:
    return inputs


def fan_out(inputs: int, outputs: int) -> float:
    return outputs


def fan_avg(inputs: int, outputs: int) -> float:
    return (inputs + outputs) / 2


FANS = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": fan_avg}


def cases() -> list[Any]:
    """Return (key, parameters, standard deviation from the fans, distribution)."""
    rows: list[tuple[str, Values, Spread, Callable[[float], Any]]] = [
        # Glorot and Bengio 2010, equations 12 and 16: Var = 2 / (n_in + n_out), bound sqrt(6 / (n_in + n_out))
        ("xavier_normal", {}, inverse_root(1.0, fan_avg), normal),
        ("xavier_normal", {"gain": 5 / 3}, inverse_root(25 / 9, fan_avg), normal),
        ("xavier_uniform", {}, inverse_root(1.0, fan_avg), uniform),
        ("xavier_uniform", {"gain": 0.5}, inverse_root(0.25, fan_avg), uniform),
        # LeCun et al. 1998: standard deviation 1 / sqrt(n_in)
        ("lecun_normal", {}, inverse_root(1.0, fan_in), normal),
        ("lecun_uniform", {}, inverse_root(1.0, fan_in), uniform),
        # torch.nn.Linear and Conv2d: U(-1 / sqrt(n_in), 1 / sqrt(n_in)), so Var = 1 / (3 n_in)
        ("pytorch_default", {}, inverse_root(1 / 3, fan_in), uniform),
        ("skipinit", {}, inverse_root(2.0, fan_in), normal),
        ("rezero", {}, inverse_root(2.0, fan_in), normal),
        ("fixup", {}, inverse_root(2.0, fan_in), normal),
        # widths that the person sets
        ("normal", {"std": 0.3}, lambda i, o: 0.3, normal),
        ("normal", {"std": 1e-5}, lambda i, o: 1e-5, normal),
        ("normal", {"std": 0.3, "mean": -2.0}, lambda i, o: 0.3, lambda std: normal(std, -2.0)),
        ("truncated_normal", {"std": 0.3}, lambda i, o: 0.3, truncated),
        ("truncated_normal", {"std": 0.3, "mean": 1.5}, lambda i, o: 0.3, lambda std: truncated(std, 1.5)),
        (
            "uniform",
            {"low": -0.2, "high": 0.6},
            lambda i, o: 0.8 / math.sqrt(12),
            lambda std: uniform(std, 0.2),
        ),
    ]
    for mode in ("fan_in", "fan_out"):
        for slope in (0.0, 0.2):
            # He et al. 2015, equations 10, 14 and 15: n (1 + a^2) Var / 2 = 1
            spread = inverse_root(2 / (1 + slope**2), FANS[mode])
            rows.append(("he_normal", {"mode": mode, "slope": slope}, spread, normal))
            rows.append(("he_uniform", {"mode": mode, "slope": slope}, spread, uniform))
    for mode, fan in FANS.items():
        for kind, distribution in KINDS.items():
            values = {"mode": mode, "distribution": kind, "scale": 1.7}
            rows.append(("variance_scaling", values, inverse_root(1.7, fan), distribution))
    return [
        pytest.param(*row, id=f"{row[0]}-{'-'.join(str(v)[:5] for v in row[1].values())}") for row in rows
    ]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
@pytest.mark.parametrize(("key", "values", "spread", "distribution"), cases())
def test_numbers_come_from_the_papers_distribution(
    key: str, values: Values, spread: Spread, distribution: Callable[[float], Any], shape: tuple[int, ...]
) -> None:
    places = math.prod(shape[2:])
    std = spread(shape[1] * places, shape[0] * places)
    context = context_for(shape)
    assert target(key, values, context) == pytest.approx(std, rel=1e-12)
    sample = draw(key, values, context).flatten().numpy()
    assert sample.size >= 10_000
    assert doubt(sample, distribution(std)) == []


@pytest.mark.parametrize("factor", [0.95, 1.05])
@pytest.mark.parametrize("key", KINDS)
def test_a_standard_deviation_wrong_by_a_twentieth_is_noticed(factor: float, key: str) -> None:
    distribution = KINDS[key]
    values = {"low": -math.sqrt(3), "high": math.sqrt(3)} if key == "uniform" else {"std": 1.0}
    sample = draw(key, values, context_for((80, 400))).flatten().numpy()
    assert doubt(sample, distribution(1.0)) == []
    assert any("variance" in reason for reason in doubt(sample, distribution(factor)))


def test_a_wrong_shape_or_mean_is_noticed() -> None:
    sample = draw("normal", {"std": 1.0}, context_for((80, 400))).flatten().numpy()
    assert doubt(sample, uniform(1.0)) == ["shape"]
    assert any("mean" in reason for reason in doubt(sample, normal(1.0, 0.05)))


def test_shown_constant_is_the_true_one() -> None:
    assert stats.truncnorm(-2, 2).std() == pytest.approx(0.87962566103423978, rel=1e-12)
    part = catalogue().get("initializer", "truncated_normal")
    assert "0.8796" in part.formula


@pytest.mark.parametrize("seed", range(3))
def test_truncated_numbers_stay_within_two_parent_deviations(seed: int) -> None:
    sample = draw("truncated_normal", {"std": 0.5}, context_for((200, 200)), seed)
    assert sample.abs().max() <= 2 * 0.5 / 0.8796256
    assert sample.abs().max() > 1.99 * 0.5 / 0.8796256


@pytest.mark.parametrize("name", ["weight", "bias"])
@pytest.mark.parametrize("build", [lambda: torch.nn.Linear(96, 256), lambda: torch.nn.Conv2d(24, 48, 3)])
def test_default_is_what_torch_does_unasked(
    build: Callable[[], torch.nn.Linear | torch.nn.Conv2d], name: str
) -> None:
    """Torch's own layers have the same distribution as our draws; ours is tested against the formula above."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(5)
        modules = [build() for _ in range(40)]
    theirs = [getattr(module, name).detach().flatten() for module in modules]
    weight = context_for(tuple(modules[0].weight.shape))
    context = InitContext(
        shape=tuple(getattr(modules[0], name).shape), fan_in=weight.fan_in, fan_out=weight.fan_out
    )
    ours = torch.cat([draw("pytorch_default", {}, context, seed).flatten() for seed in range(40)])
    assert stats.ks_2samp(torch.cat(theirs).double().numpy(), ours.numpy()).pvalue > SIGNIFICANCE
    assert doubt(ours.numpy(), uniform(1 / math.sqrt(3 * weight.fan_in))) == []


@pytest.mark.parametrize(
    ("key", "values", "distribution"),
    [
        ("normal", {"std": 0.2}, normal(0.2)),
        ("uniform", {"low": -0.1, "high": 0.3}, stats.uniform(-0.1, 0.4)),
    ],
)
def test_biases_come_from_the_same_distribution(key: str, values: Values, distribution: Any) -> None:
    context = InitContext(shape=(20_000,), fan_in=7, fan_out=20_000)
    assert doubt(draw(key, values, context).numpy(), distribution) == []
    assert target(key, values, context) == pytest.approx(float(distribution.std()))


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("xavier_normal", {"gain": 1.5}, 1.5),
        ("xavier_uniform", {"gain": 1.5}, 1.5),
        ("he_normal", {}, math.sqrt(2)),
        ("he_uniform", {"slope": 1.0}, 1.0),
        ("lecun_normal", {}, 1.0),
        ("lecun_uniform", {}, 1.0),
        ("variance_scaling", {"scale": 4.0}, 2.0),
        ("pytorch_default", {}, math.sqrt(1 / 3)),
    ],
)
def test_gain_over_the_root_of_fan_in_is_the_target_of_a_square_layer(
    key: str, values: Values, expected: float
) -> None:
    context = context_for((50, 50))
    assert gain(key, values, context) == pytest.approx(expected)
    assert target(key, values, context) == pytest.approx(expected / math.sqrt(50))
