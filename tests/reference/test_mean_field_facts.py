"""What theory says of wide networks, held to closed forms, to papers, and to networks of finite width.

Conventions: width n, W ~ N(0, c^2 / n), q = E[z^2] of pre-activations. In a network of width n the q of a ReLU layer
fluctuates by 5/n of its square (see ``test_signal_facts``), that of a linear one by 2/n, of a bounded one by less.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from initviz.theory.mean_field import c_map, chi_at, critical_sigma_w, mean_field, q_map
from tests.reference.starts import Floats, curve, measured, plain, race_at_start

SLOPE = 0.3
HOMOGENEOUS = [
    # He et al. 2015, arXiv:1502.01852, section 2.2, eqs. 9 to 15.
    ("identity", {}, 1.0, 2.0),
    ("relu", {}, 0.5, 5.0),
    ("leaky_relu", {"slope": SLOPE}, (1 + SLOPE**2) / 2, 5.0),
]


@pytest.mark.parametrize("c", [0.8, 1.0, math.sqrt(2)])
@pytest.mark.parametrize(("key", "values", "share", "noise"), HOMOGENEOUS)
def test_linear_relu_and_leaky_layers_multiply_by_c_squared_times_a_constant(
    key: str, values: dict[str, float], share: float, noise: float, c: float
) -> None:
    """Linear c^2, ReLU c^2 / 2, leaky ReLU (1 + a^2) c^2 / 2: forward and backward, in theory and in networks."""
    activation = curve(key, **values)
    for q in (1e-6, 0.3, 1.0, 1e4):
        assert q_map(activation, c, 0.0, q) == pytest.approx(share * c**2 * q, rel=1e-9)
        assert chi_at(activation, c, q) == pytest.approx(share * c**2, rel=1e-9)

    width, depth, lanes = 128, 16, 8
    layer = {"kind": "activation", "function": key, **values}
    race = race_at_start(
        {"layers": [{"kind": "dense", "units": width}, layer] * depth},
        {"weight": {"name": "normal", "std": c / math.sqrt(width)}},
        lanes=lanes,
        data={"name": "gaussian", "dim": width, "samples": 164, "standardize": False},
    )
    wanted = (depth - 1) * math.log(share * c**2)
    variance = (depth - 1) * noise / width
    for name, last, first in (("preactivation_q", -1, 0), ("grad_preactivation_q", 0, -1)):
        found = measured(race, name)
        growth = np.log(found[:, last] / found[:, first])
        # The logarithm of a walk lies half its variance below the logarithm of its mean, or less in a batch.
        assert growth.mean() == pytest.approx(wanted, abs=4 * math.sqrt(variance / lanes) + variance / 2)


def test_tanh_is_critical_at_one_and_chaotic_at_five_thirds() -> None:
    """Poole et al. 2016, Schoenholz et al. 2017; 5/3 is the gain that PyTorch's manual gives for tanh."""
    tanh = curve("tanh")
    assert critical_sigma_w(tanh, 0.0) == pytest.approx(1.0, abs=1e-6)
    assert mean_field(tanh, 1.0, 0.0).phase == "critical"
    assert mean_field(tanh, 1.0, 0.0).q_star == pytest.approx(0.0, abs=1e-6)
    chaotic = mean_field(tanh, 5 / 3, 0.0)
    assert chaotic.phase == "chaotic"
    assert chaotic.q_star == pytest.approx(1.178, abs=5e-4)
    assert chaotic.chi == pytest.approx(1.210, abs=5e-4)
    # Without biases two examples become independent; with any they keep some likeness.
    assert chaotic.c_star == pytest.approx(0.0, abs=1e-9)
    assert 0 < mean_field(tanh, 5 / 3, 0.3).c_star < 1
    assert mean_field(tanh, 0.9, 0.3).c_star == pytest.approx(1.0)


@pytest.mark.parametrize(("sigma_b_squared", "sigma_w_squared"), [(2.01e-5, 1.05), (0.05, 1.76)])
def test_points_of_the_critical_line_of_tanh(sigma_b_squared: float, sigma_w_squared: float) -> None:
    """The first is where Pennington et al. 2017, arXiv:1711.04735, train 200 layers; three digits are given there.

    The second is where the line crosses the variance 0.05 of the figures of Schoenholz et al. 2017, arXiv:1611.01232.
    """
    tanh = curve("tanh")
    sigma_b = math.sqrt(sigma_b_squared)
    critical = critical_sigma_w(tanh, sigma_b)
    assert critical**2 == pytest.approx(sigma_w_squared, abs=5e-3)
    assert mean_field(tanh, critical - 0.02, sigma_b).phase == "ordered"
    assert mean_field(tanh, critical + 0.02, sigma_b).phase == "chaotic"


def test_selu_stands_still_at_mean_zero_and_variance_one() -> None:
    """Klambauer et al. 2017, arXiv:1706.02515, eqs. 3 to 5; both moments by adaptive quadrature."""
    selu = curve("selu")
    field = mean_field(selu, 1.0, 0.0)
    assert field.q_star == pytest.approx(1.0, abs=1e-6)
    mean, square = (
        quad(lambda x, p=power: float(selu.value(np.array([x]))[0]) ** p * norm.pdf(x), -12, 12, points=[0])[
            0
        ]
        for power in (1, 2)
    )
    assert mean == pytest.approx(0.0, abs=1e-7)
    assert square == pytest.approx(1.0, abs=1e-7)
    # It attracts: the map's slope is below 1 (the paper's theorem 1).
    assert abs(q_map(selu, 1.0, 0.0, 1.1) - 1) < 0.1
    assert abs(q_map(selu, 1.0, 0.0, 0.9) - 1) < 0.1


def test_relu_brings_all_examples_together_slowly() -> None:
    """Cho and Saul 2009: from He the correlation becomes (sqrt(1 - c^2) + c (pi - arccos c)) / pi."""
    relu = curve("relu")
    for c in (-0.9, -0.2, 0.0, 0.4, 0.95):
        wanted = (math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / math.pi
        assert c_map(relu, math.sqrt(2), 0.0, 1.0, c) == pytest.approx(wanted, abs=1e-8)
    field = mean_field(relu, math.sqrt(2), 0.0)
    assert (field.phase, field.c_star) == ("critical", 1.0)
    assert math.isinf(field.xi_c)


# Depth scales


def correlations(sigma_w: float, sigma_b: float, depth: int, width: int, lanes: int) -> Floats:
    """Return the mean correlation of pairs of examples in every layer, ``(depth,)``, averaged over draws."""
    race = race_at_start(
        plain(depth, width, "tanh"),
        {
            "weight": {"name": "xavier_normal", "gain": sigma_w},
            "bias": {"name": "normal", "std": sigma_b},
        },
        lanes=lanes,
    )
    batch = 24
    state = race.look(race.data.inputs[:batch], race.data.targets[:batch])
    (group,) = state.groups
    found = []
    pairs = ~torch.eye(batch, dtype=torch.bool)
    for z in group.preactivations[:depth]:
        products = z @ z.transpose(1, 2)
        sizes = products.diagonal(dim1=1, dim2=2).sqrt()
        found.append((products / sizes[:, :, None] / sizes[:, None, :])[:, pairs].mean().item())
    return np.array(found)


@pytest.mark.parametrize(("sigma_w_squared", "layers"), [(1.0, 18), (1.3, 30), (3.5, 30)])
def test_two_examples_near_their_correlation_within_the_depth_scale(
    sigma_w_squared: float, layers: int
) -> None:
    """Schoenholz et al. 2017, section 3.1 and figure 2: |c - c*| falls as exp(-depth / xi_c); here sigma_b^2 = 0.05.

    In the ordered phase both go to 1, so that what is left fluctuates in proportion to itself, by the square root of
    5/n a layer at most. In the chaotic one c* lies below 1, and the c of a pair fluctuates by 1/n^(1/2) a layer.
    """
    width, lanes, sigma_b = 200, 6, math.sqrt(0.05)
    sigma_w = math.sqrt(sigma_w_squared)
    field = mean_field(curve("tanh"), sigma_w, sigma_b)
    found = correlations(sigma_w, sigma_b, layers, width, lanes)
    if field.phase == "ordered":
        assert field.c_star == pytest.approx(1.0)
        half = layers // 2
        fall = math.log((1 - found[half]) / (1 - found[-1])) / (layers - 1 - half)
        noise = math.sqrt(5 / width / (layers - 1 - half) / lanes)
        assert fall == pytest.approx(1 / field.xi_c, abs=3 * noise + 0.03 / field.xi_c)
    else:
        assert 0 < field.c_star < 1
        # From inputs that have nothing in common but the bias, along theory's map.
        tanh, q = curve("tanh"), sigma_w**2 + sigma_b**2
        path = [sigma_b**2 / q]
        for _ in range(layers - 1):
            path.append(c_map(tanh, sigma_w, sigma_b, q, path[-1]))
            q = q_map(tanh, sigma_w, sigma_b, q)
        # One pair's deviation, as if the pairs of a draw were all the same one; the next layers forget it by `slope`.
        noise = 1 / math.sqrt(width * lanes * (1 - field.slope**2))
        np.testing.assert_allclose(found, path, atol=noise)
        assert path[-1] == pytest.approx(field.c_star, rel=2 * math.exp(-layers / field.xi_c))


@pytest.mark.parametrize("sigma_w_squared", [1.0, 1.76, 3.0])
def test_gradients_vanish_below_the_critical_line_and_explode_above_it(sigma_w_squared: float) -> None:
    """Schoenholz et al. 2017, section 4: the gradient's mean square changes by chi a layer; sigma_b^2 = 0.05."""
    width, lanes, depth, sigma_b = 200, 6, 40, math.sqrt(0.05)
    sigma_w = math.sqrt(sigma_w_squared)
    field = mean_field(curve("tanh"), sigma_w, sigma_b)
    race = race_at_start(
        plain(depth, width, "tanh"),
        {
            "weight": {"name": "xavier_normal", "gain": sigma_w},
            "bias": {"name": "normal", "std": sigma_b},
        },
        lanes=lanes,
    )
    back = measured(race, "grad_preactivation_q")[:, 10:38]
    growth = np.log(back[:, 0] / back[:, -1]) / 27
    assert growth.mean() == pytest.approx(math.log(field.chi), abs=4 * math.sqrt(5 / width / 27 / lanes))
