"""What is known of signals in wide networks at their start, told by ``initviz probe``.

Conventions: width n, a batch of standard normal inputs, q = E[z²] of a layer's pre-activations. In a network of
width n the q of a ReLU layer fluctuates by a variance of 5/n of its square about its expectation, independently of
the layers before: relu(z)² of a normal z has mean q/2 and variance 5q²/4. So ln q does a random walk.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from tests.reference.plain import told

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]


def probe(
    path: Path,
    activation: str,
    weight: str,
    *,
    depth: int,
    width: int = 256,
    lanes: int = 1,
    dtype: str = "float64",
    bias: str = '{ name = "zeros" }',
    batch: int = 64,
) -> dict[str, Floats]:
    """Return fields of the hidden layers, ``(lanes, depth)``; every lane has a seed of its own."""
    path = path / "experiment.toml"
    path.write_text(
        f"""
        device = "cpu"
        dtype = "{dtype}"
        data = {{ name = "gaussian", dim = {width}, classes = 10, samples = {batch + 100}, standardize = false }}
        model = {{ family = "mlp", depth = {depth}, width = {width}, activation = "{activation}" }}
        init = {{ weight = {weight}, bias = {bias} }}
        """
        + "".join(f'[[lanes]]\nname = "{lane}"\nseed = {lane}\n' for lane in range(lanes)),
        encoding="utf-8",
    )
    found: list[dict[str, Any]] = told("probe", path, "--batch", batch, "--json")["lanes"]
    fields = [key for key, value in found[0]["layers"][0].items() if isinstance(value, float)]
    return {
        field: np.array([[layer[field] for layer in lane["layers"][:depth]] for lane in found])
        for field in fields
    }


def check_walk(logs: Floats, layers: int, width: int) -> None:
    """Check that logarithms of growth over so many ReLU layers, one a seed, are a walk of variance 5/n a layer.

    The batch averages a little of the fluctuation out, so its size is bounded from above only.
    """
    variance = layers * 5 / width
    seeds = len(logs)
    # A logarithm's mean lies half its variance below that of the mean. Four deviations of the mean of all seeds.
    assert abs(logs.mean() + variance / 2) < 4 * math.sqrt(variance / seeds) + variance / 2
    # The sum of squares is chi-squared; 1 + 4 sqrt(2 / seeds) is beyond its 99.9th percentile.
    assert logs.var() < variance * (1 + 4 * math.sqrt(2 / seeds))
    assert (np.abs(logs + variance / 2) < 4.5 * math.sqrt(variance) + variance / 2).all()


@pytest.mark.parametrize(
    ("weight", "factor"),
    [
        ('{ name = "he_normal" }', 1.0),
        ('{ name = "he_uniform" }', 1.0),
        ('{ name = "xavier_normal" }', 0.5),
        ('{ name = "xavier_uniform" }', 0.5),
        ('{ name = "lecun_normal" }', 0.5),
        ('{ name = "pytorch_default" }', 1 / 6),
    ],
    ids=lambda value: value.split('"')[1] if isinstance(value, str) else "",
)
def test_a_relu_layer_multiplies_forward_and_backward_by_half_of_c_squared(
    tmp_path: Path, weight: str, factor: float
) -> None:
    """He et al. 2015, eqs. 10 and 14: n Var[w] / 2 a layer; thirty layers of Xavier leave 2^-29."""
    width, depth = 256, 30
    found = probe(tmp_path, "relu", weight, depth=depth, width=width, lanes=8)
    q, back = found["preactivation_q"], found["grad_preactivation_q"]
    growth = factor ** (depth - 1)
    check_walk(np.log(q[:, -1] / q[:, 0] / growth), depth - 1, width)
    check_walk(np.log(back[:, 0] / back[:, -1] / growth), depth - 1, width)
    if factor == 0.5:
        ratio = np.exp(np.log(q[:, -1] / q[:, 0]).mean())
        assert abs(math.log2(ratio) + 29) < 1


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_leaky_relu_multiplies_by_one_plus_slope_squared(tmp_path: Path, slope: float) -> None:
    """He et al. 2015, section 2.2: gain² = 2 / (1 + a²)."""
    width, depth = 256, 20
    path = tmp_path / "leaky.toml"
    dense = f'{{ kind = "dense", units = {width} }}'
    block = f'{dense}, {{ kind = "activation", function = "leaky_relu", slope = {slope} }},'
    path.write_text(
        f"""
        device = "cpu"
        data = {{ name = "gaussian", dim = {width}, samples = 200 }}
        model.layers = [{block * depth}]
        init.weight = {{ name = "he_normal", slope = {slope} }}
        """
        + "".join(f'[[lanes]]\nname = "{lane}"\nseed = {lane}\n' for lane in range(8)),
        encoding="utf-8",
    )
    lanes = told("probe", path, "--json")["lanes"]
    q = np.array([[layer["preactivation_q"] for layer in lane["layers"][:depth]] for lane in lanes])
    check_walk(np.log(q[:, -1] / q[:, 0]), depth - 1, width)


def test_he_keeps_one_direction_where_widths_differ(tmp_path: Path) -> None:
    """He et al. 2015, after eq. 14: fan-in keeps the signal, and the gradient is multiplied by n_out / n_in a layer."""
    path = tmp_path / "funnel.toml"
    widths = [1024, 512, 256]
    layers = "".join(f'{{ kind = "dense", units = {n} }}, {{ kind = "activation" }},' for n in widths)
    path.write_text(
        f"""
        device = "cpu"
        data = {{ name = "gaussian", dim = 1024, samples = 200 }}
        model.layers = [{layers}]
        [[lanes]]
        name = "fan_in"
        [[lanes]]
        name = "fan_out"
        init.weight = {{ name = "he_normal", mode = "fan_out" }}
        """,
        encoding="utf-8",
    )
    by_in, by_out = told("probe", path, "--json")["lanes"]
    q_in, q_out = ([layer["preactivation_q"] for layer in lane["layers"]] for lane in (by_in, by_out))
    back_in, back_out = (
        [layer["grad_preactivation_q"] for layer in lane["layers"]] for lane in (by_in, by_out)
    )
    spread = 4.5 * math.sqrt(2 * 5 / 256)
    # From the first to the third layer: forward as in equal widths, or times n_in / n_out twice; backward likewise.
    assert abs(math.log(q_in[2] / q_in[0])) < spread
    assert abs(math.log(q_out[2] / q_out[0] / (1024 / 512) / (512 / 256))) < spread
    assert abs(math.log(back_in[0] / back_in[2] / (512 / 1024 * 256 / 512))) < spread
    assert abs(math.log(back_out[0] / back_out[2])) < spread


# Smooth activations: the recursion q' = c² E[phi(sqrt(q) x)²] and chi = c² E[phi'(sqrt(q) x)²], x standard normal

NODES, WEIGHTS = hermegauss(101)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def mean_square(function: Function, q: float) -> float:
    return float(WEIGHTS @ np.square(function(math.sqrt(q) * NODES)))


def tanh_slope(x: Floats) -> Floats:
    return 1 / np.square(np.cosh(x))


def test_tanh_is_critical_at_one(tmp_path: Path) -> None:
    """Poole et al. 2016, Schoenholz et al. 2017: without biases c = 1 is critical: q falls as 1/l, not by a factor."""
    width, depth = 256, 50
    found = probe(tmp_path, "tanh", '{ name = "xavier_normal" }', depth=depth, width=width, lanes=6)
    q = 1.0
    wanted = []
    for _ in range(depth):
        wanted.append(q)
        q = mean_square(np.tanh, q)
    logs = np.log(found["preactivation_q"] / np.array(wanted))
    # At most the noise of ReLU layers.
    assert np.abs(logs.mean(axis=0)).max() < 4.5 * math.sqrt(5 * depth / width / 6)
    assert wanted[-1] == pytest.approx(1 / (2 * depth), rel=0.1)
    assert q > 1e-3
    # chi -> 1: the gradient of the first layer is within a small power of the depth of that of the last.
    back = found["grad_preactivation_q"]
    assert (np.abs(np.log(back[:, 0] / back[:, -1])) < math.log(depth) + 2).all()


def test_tanh_at_five_thirds_is_chaotic(tmp_path: Path) -> None:
    """Glorot's gain 5/3 for tanh: q* = 1.178 and chi = 1.210, so that gradients grow by a fifth a layer."""
    c = 5 / 3
    q = 1.0
    for _ in range(1000):
        q = c**2 * mean_square(np.tanh, q)
    chi = c**2 * mean_square(tanh_slope, q)
    assert q == pytest.approx(1.178, abs=5e-4)
    assert chi == pytest.approx(1.210, abs=5e-4)

    width, depth = 256, 40
    found = probe(
        tmp_path,
        "tanh",
        '{ name = "xavier_normal", gain = 1.6666666666666667 }',
        depth=depth,
        width=width,
        lanes=6,
    )
    settled = found["preactivation_q"][:, 10:]
    # Every layer pulls q back to its fixed point, so the fluctuations of the layers do not add up.
    assert settled.mean() == pytest.approx(q, rel=4 * math.sqrt(5 / width))
    back = found["grad_preactivation_q"][:, 5:35]
    growth = np.log(back[:, 0] / back[:, -1]) / 29
    assert growth.mean() == pytest.approx(math.log(chi), abs=4 * math.sqrt(5 / width / 29 / 6))


def test_a_small_tanh_network_shrinks_gradients_by_c_squared(tmp_path: Path) -> None:
    """In the ordered phase q vanishes and tanh is linear: chi = c²."""
    width, depth = 256, 30
    found = probe(
        tmp_path, "tanh", '{ name = "xavier_normal", gain = 0.8 }', depth=depth, width=width, lanes=6
    )
    back = found["grad_preactivation_q"]
    growth = np.log(back[:, 10] / back[:, 28]) / 18
    assert growth.mean() == pytest.approx(math.log(0.64), abs=4 * math.sqrt(5 / width / 18 / 6))


def test_selu_keeps_mean_zero_and_variance_one_for_fifty_layers(tmp_path: Path) -> None:
    """Klambauer et al. 2017, theorem 1: mean 0 and variance 1 attract, from LeCun normal."""
    width, depth = 512, 50
    found = probe(tmp_path, "selu", '{ name = "lecun_normal" }', depth=depth, width=width, lanes=2)
    assert np.abs(found["activation_mean"]).max() < 0.15
    assert np.abs(found["activation_var"] - 1).max() < 0.35
    assert found["activation_var"].mean() == pytest.approx(1.0, abs=0.08)
    assert found["activation_mean"].mean() == pytest.approx(0.0, abs=0.03)


def test_glorot_and_bengio_shrink_dc_dz_and_leave_dc_dw(tmp_path: Path) -> None:
    """Glorot and Bengio 2010, section 4.2.1: from U(±1/sqrt(n)), dC/dz falls by a third a layer, dC/dw stays."""
    width, depth = 256, 10
    weight = f'{{ name = "uniform", low = {-1 / math.sqrt(width)}, high = {1 / math.sqrt(width)} }}'
    found = probe(tmp_path, "identity", weight, depth=depth, width=width, lanes=8)
    back, by_weight = found["grad_preactivation_q"], found["grad_norm"]
    # Linear layers fluctuate by 2/n: z² of a normal z has variance 2q².
    spread = 4 * math.sqrt(2 * (depth - 1) / width / 8) + 9 * 2 / width
    assert np.log(back[:, 0] / back[:, -1]).mean() == pytest.approx(9 * math.log(1 / 3), abs=spread)
    # dC/dw is the product of what came forward and what comes back: what one loses the other has gained.
    assert np.log(by_weight[:, 1] / by_weight[:, -1]).mean() == pytest.approx(0.0, abs=2 * spread)


# Signals of any size


def orthogonal(gain: float) -> str:
    return f'{{ name = "orthogonal", gain = {gain!r} }}'


@pytest.mark.parametrize(
    ("dtype", "gain", "depth", "smallest"),
    [("float32", 0.1, 31, 1e-30), ("float64", 1e-5, 21, 1e-100), ("float64", 1e-7, 21, 1e-140)],
)
def test_a_vanishing_signal_is_told_to_the_last_digit(
    tmp_path: Path, dtype: str, gain: float, depth: int, smallest: float
) -> None:
    """Orthogonal square matrices multiply the length of every signal by the gain, exactly."""
    found = probe(tmp_path, "identity", orthogonal(gain), depth=depth, width=32, dtype=dtype)
    q, back = found["preactivation_q"][0], found["grad_preactivation_q"][0]
    relative = 1e-4 if dtype == "float32" else 1e-9
    powers = gain ** (2.0 * np.arange(depth))
    assert math.sqrt(q[-1] / q[0]) == pytest.approx(smallest, rel=relative)
    np.testing.assert_allclose(q / q[0], powers, rtol=relative)
    np.testing.assert_allclose(back[::-1] / back[-1], powers, rtol=relative)
    assert (found["grad_norm"] > 0).all()
    assert (found["activation_var"] > 0).all()


def test_a_signal_below_the_smallest_normal_number_is_not_called_zero(tmp_path: Path) -> None:
    """1e-42 is a denormal number in single precision, and 1e-200 squared is one below double precision."""
    found = probe(tmp_path, "identity", orthogonal(0.01), depth=22, width=32, dtype="float32")
    q = found["preactivation_q"][0]
    assert math.sqrt(q[21] / q[0]) == pytest.approx(1e-42, rel=0.05)
    assert found["preactivation_q"][0, 21] == pytest.approx(1e-84 * q[0], rel=0.1)


def test_an_exploding_signal_is_told_to_the_largest_number(tmp_path: Path) -> None:
    found = probe(tmp_path, "identity", orthogonal(1e3), depth=12, width=32, dtype="float32")
    q = found["preactivation_q"][0]
    np.testing.assert_allclose(q / q[0], 1e6 ** np.arange(12.0), rtol=1e-4)
    assert q[-1] > 1e65
