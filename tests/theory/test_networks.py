"""Predictions of networks of every kind that theory covers, and of those that it does not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.blueprint import blueprint
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.theory.predict import predict
from initviz.theory.wave import InputSignal
from tests.theory.networks import Table, deviations, document, measured, mlp, predicted

# Known networks


def test_he_keeps_and_xavier_halves() -> None:
    told = predicted(mlp("relu", 30), {"name": "he_normal"})
    np.testing.assert_allclose(told.preactivation_q[1:-1], told.preactivation_q[0], rtol=1e-6)
    np.testing.assert_allclose(told.chi[1:-1], 1.0, rtol=1e-6)
    assert (told.phase, told.activation) == ("critical", "relu")
    assert told.critical_sigma_w == pytest.approx(math.sqrt(2), rel=1e-6)
    told = predicted(mlp("relu", 30), {"name": "xavier_normal"})
    assert told.preactivation_q[29] / told.preactivation_q[1] == pytest.approx(2.0**-28, rel=1e-6)
    assert told.grad_preactivation_q[0] / told.grad_preactivation_q[29] == pytest.approx(2.0**-29, rel=1e-6)
    assert told.phase == "ordered"


def test_tanh_at_five_thirds() -> None:
    told = predicted(mlp("tanh", 30), {"name": "xavier_normal", "gain": 5 / 3})
    assert told.q_star == pytest.approx(1.178, abs=5e-4)
    assert told.chi_star == pytest.approx(1.210, abs=5e-4)
    assert told.preactivation_q[25] == pytest.approx(told.q_star, rel=1e-3)
    assert told.chi[25] == pytest.approx(told.chi_star, rel=1e-3)
    assert told.phase == "chaotic"
    assert not told.preactivation_q.flags.writeable


def test_widths_that_differ_keep_one_direction_alone() -> None:
    """He et al. 2015, after eq. 14."""
    layers = [
        layer for n in (96, 48, 24) for layer in ({"kind": "dense", "units": n}, {"kind": "activation"})
    ]
    told = predicted({"layers": layers}, {"name": "he_normal"})
    np.testing.assert_allclose(told.preactivation_q[:3], told.preactivation_q[0], rtol=1e-6)
    np.testing.assert_allclose(told.chi[1:3], 0.5, rtol=1e-6)
    told = predicted({"layers": layers}, {"name": "he_normal", "mode": "fan_out"})
    np.testing.assert_allclose(told.chi[1:3], 1.0, rtol=1e-6)
    assert told.phase is None


def test_correlations_follow_the_arc_cosine_kernel() -> None:
    told = predicted(mlp("relu", 3), {"name": "he_normal"})
    c = 0.0
    for layer in range(4):
        assert told.correlation[layer] == pytest.approx(c, abs=1e-5)
        c = (math.sqrt(1 - c * c) + (math.pi - math.acos(c)) * c) / math.pi


def test_examples_of_different_length_go_different_ways() -> None:
    """tanh shrinks the long ones more: the mean over both is not that of the mean."""
    made = read_document(document(mlp("tanh", 2), {"name": "xavier_normal"}), catalogue(), Limits())
    plan = blueprint(made.base, made.data, catalogue(), Limits())
    both = predict(plan, catalogue(), InputSignal(q=(0.2, 1.8)))
    apart = [predict(plan, catalogue(), InputSignal(q=(q,))).preactivation_q for q in (0.2, 1.8)]
    np.testing.assert_allclose(both.preactivation_q, np.mean(apart, axis=0), rtol=1e-6)
    assert both.preactivation_q[1] < predict(plan, catalogue(), InputSignal()).preactivation_q[1]


NETWORKS: dict[str, tuple[Table, Table]] = {
    "plain residual": ({"family": "resnet_mlp", "blocks": 4}, {"name": "he_normal"}),
    "pre-activation": (
        {"family": "resnet_mlp", "blocks": 4, "order": "pre_activation"},
        {"name": "he_normal"},
    ),
    "scaled branches": (
        {"family": "resnet_mlp", "blocks": 4, "scale": "inverse_sqrt"},
        {"name": "he_normal"},
    ),
    "skipinit": ({"family": "resnet_mlp", "blocks": 4}, {"name": "skipinit"}),
    "layer normalization": (mlp("relu", normalization="layer_norm"), {"name": "he_normal"}),
    "RMS normalization": (mlp("tanh", normalization="rms_norm"), {"name": "xavier_normal"}),
    "normalized after": (
        mlp("relu", normalization="layer_norm", normalization_place="after"),
        {"name": "he_normal"},
    ),
    "batch normalization": (mlp("relu", normalization="batch_norm"), {"name": "he_normal"}),
    "DropConnect": (mlp("relu", drop_connect=0.3), {"name": "he_normal"}),
    "dropout": (mlp("relu", dropout=0.3), {"name": "he_normal"}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_other_networks(name: str) -> None:
    model, weight = NETWORKS[name]
    told, q, g = measured(document(model, weight, lanes=6))
    assert told.not_covered is None
    assert deviations(q, told.preactivation_q, told.q_spread).max() < 4
    some = told.grad_preactivation_q > 0
    some[-1] = False
    off = deviations(g[:, some], told.grad_preactivation_q[some], told.grad_q_spread[some])
    assert off.max() < 4
    zero = told.grad_preactivation_q == 0
    assert (g[:, zero] == 0).all()


def test_batch_normalization_before_relu_explodes_backward_by_pi_over_pi_minus_one() -> None:
    """Yang et al. 2019: 1.21 a layer for the gradient, 1.21² = pi / (pi - 1) for its mean square."""
    made = document(mlp("relu", 20, 2000, normalization="batch_norm"), {"name": "he_normal"})
    plan = blueprint(
        (read := read_document(made, catalogue(), Limits())).base, read.data, catalogue(), Limits()
    )
    told = predict(plan, catalogue(), InputSignal(examples=4096))
    np.testing.assert_allclose(told.chi[5:19], math.pi / (math.pi - 1), rtol=0.01)
    np.testing.assert_allclose(
        told.preactivation_q[1:-1], 1.0, rtol=1e-4
    )  # sigma_w² / 2 times a signal of size 1


def conv(activation: str = "tanh", **more: object) -> list[Table]:
    return [{"kind": "conv", "channels": 24, **more}, {"kind": "activation", "function": activation}]


def test_zeros_around_an_image_are_counted_exactly() -> None:
    """A constant image of 8 x 8: corners have 4 of 9 taps inside, edges 6; (22/24)² of all taps are inside."""
    model: Table = {"layers": [*conv("relu"), *conv("relu"), {"kind": "flatten"}]}
    made = document(model, {"name": "he_normal"}, data={"name": "digits"})
    read = read_document(made, catalogue(), Limits())
    told = predict(blueprint(read.base, read.data, catalogue(), Limits()), catalogue(), InputSignal())
    share = (22 / 24) ** 2
    assert told.preactivation_q[0] == pytest.approx(2 * share)
    rows = np.array([2.0, *[3.0] * 6, 2.0]) / 3
    once = np.outer(rows, rows)
    padded = np.pad(once, 1)
    twice = np.sum([padded[i : i + 8, j : j + 8] for i in range(3) for j in range(3)], axis=0) / 9
    assert told.preactivation_q[1] == pytest.approx(2 * float(twice.mean()))


@pytest.mark.parametrize("strides", [(1, 1), (2, 1)])
def test_convolutions(strides: tuple[int, int]) -> None:
    model: Table = {
        "layers": [*conv(stride=strides[0]), *conv(stride=strides[1], padding=0), {"kind": "flatten"}]
    }
    told, q, g = measured(document(model, {"name": "he_normal"}, lanes=6, data={"name": "digits"}))
    assert told.not_covered is None
    assert deviations(q, told.preactivation_q, told.q_spread).max() < 4
    assert deviations(g[:, :-1], told.grad_preactivation_q[:-1], told.grad_q_spread[:-1]).max() < 4


# What theory does not cover


@pytest.mark.parametrize(
    ("model", "weight", "known", "said"),
    [
        (mlp("relu"), {"name": "ones"}, [], "Ones"),
        (mlp("relu"), {"name": "normal", "mean": 0.1}, [], "Normal"),
        (mlp("relu"), {"name": "identity"}, [], "Identity"),
        (mlp("tanh", tied=True), {"name": "xavier_normal"}, [0, 1], "dense_3"),
        (mlp("tanh", normalization="batch_norm"), {"name": "xavier_normal"}, [0], "batch normalization"),
        (
            {"family": "resnet_mlp", "blocks": 3, "order": "post_activation"},
            {"name": "he_normal"},
            [0, 1, 2],
            "residual_1",
        ),
    ],
    ids=["ones", "shifted", "identity", "tied", "batch norm", "post-activation"],
)
def test_what_is_not_covered_is_said_and_not_drawn(
    model: Table, weight: Table, known: list[int], said: str
) -> None:
    told = predicted(model, weight)
    assert np.flatnonzero(~np.isnan(told.preactivation_q[:4])).tolist()[: len(known)] == known
    assert told.not_covered is not None
    assert said in told.not_covered.en
    assert told.not_covered.zh.endswith("。")
    assert told.phase is None
    assert np.isnan(told.q_spread[np.isnan(told.preactivation_q)]).all()


def test_beyond_pooling_gradients_of_relu_are_known_again() -> None:
    """How large the signal is makes no difference to ReLU's slope."""
    model: Table = {
        "layers": [
            *conv("relu"),
            {"kind": "max_pool"},
            {"kind": "flatten"},
            {"kind": "dense"},
            {"kind": "activation"},
        ]
    }
    told = predicted(model, {"name": "he_normal"}, data={"name": "digits"})
    assert np.isnan(told.preactivation_q[1:]).all()
    assert told.grad_preactivation_q[1:].tolist() == pytest.approx([10 * 2 / 64 / 2, 1.0])
    assert np.isnan(told.grad_preactivation_q[0])
    assert told.not_covered is not None
    assert "max_pool_1" in told.not_covered.en


def test_symbols_and_recurrence_are_not_covered() -> None:
    told = predicted(
        {"family": "transformer", "width": 8, "heads": 2, "blocks": 1},
        {"name": "he_normal"},
        data={"name": "text"},
    )
    assert told.not_covered is not None
    assert np.isnan(told.preactivation_q[:-1]).all()
    assert told.preactivation_q[-1] == pytest.approx(2.0)  # the last layer normalization sets everything anew


@pytest.mark.parametrize("std", [1e3, 1e-9])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_signals_that_leave_the_range_of_numbers(activation: str, std: float) -> None:
    told = predicted(mlp(activation, 150), {"name": "normal", "std": std})
    assert told.not_covered is None
    assert not np.isnan(told.preactivation_q).any()
    assert told.phase == ("chaotic" if std > 1 else "ordered")
