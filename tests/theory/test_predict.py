"""Predictions of whole networks, against what is measured in networks that are drawn."""

from __future__ import annotations

import math
import time
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from initviz.catalog.index import catalogue
from initviz.catalog.parts import InitializerPart
from initviz.engine.race import Race
from initviz.experiment.blueprint import blueprint
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.telemetry.foretelling import input_signal, predictions
from initviz.telemetry.monitor import Monitor, run_info
from initviz.telemetry.probe import probe
from initviz.theory.predict import predict
from initviz.theory.prediction import Prediction
from initviz.theory.wave import InputSignal, log_variance

Floats = NDArray[np.float64]
Table = dict[str, object]

GAUSSIAN: Table = {"name": "gaussian", "dim": 48, "classes": 4, "samples": 300, "standardize": False}


def document(model: Table, weight: Table, bias: Table | None = None, lanes: int = 1, **more: object) -> Table:
    return {
        "device": "cpu",
        "dtype": "float64",
        "data": GAUSSIAN,
        "model": model,
        "init": {"weight": weight, "bias": bias or {"name": "zeros"}},
        "lanes": [{"name": str(lane), "seed": lane} for lane in range(lanes)],
        **more,
    }


def mlp(activation: str, depth: int = 6, width: int = 64, **more: object) -> Table:
    return {"family": "mlp", "depth": depth, "width": width, "activation": activation, **more}


def predicted(model: Table, weight: Table, data: Table = GAUSSIAN) -> Prediction:
    made = read_document(document(model, weight, data=data), catalogue(), Limits())
    plan = blueprint(made.base, made.data, catalogue(), Limits())
    return predict(plan, catalogue(), InputSignal())


def measured(made: Table) -> tuple[Prediction, Floats, Floats]:
    """Return the prediction, E[z²] and E[(dC/dz)²] over that of the output layer, ``(lanes, L)``."""
    race = Race(read_document(made, catalogue(), Limits()), catalogue(), Limits())
    inputs, _ = race.data.batch(0)
    told = predictions(race, input_signal(inputs))[0]
    facts = probe(race)
    q = np.array([[layer.preactivation_q for layer in lane.layers] for lane in facts])
    g = np.array([[layer.grad_preactivation_q for layer in lane.layers] for lane in facts])
    return told, q, g / np.where(g[:, -1:] > 0, g[:, -1:], np.nan)


def deviations(found: Floats, expected: Floats, spread: Floats) -> Floats:
    """Return by how many spreads logarithms are off, from the median of a variable whose mean is expected.

    The logarithm of a mean square that keeps its expectation while it scatters by ``spread`` lies half the variance
    below it in the middle; where every layer pulls it back it does not. Either will do.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.log(found / expected)
        least = np.minimum(np.abs(off), np.abs(off + np.square(spread) / 2))
        between = (off < 0) & (off > -np.square(spread) / 2)
        off_by = np.where(between, 0.0, least) / spread
    return np.where((found == expected) | (least < 1e-6), 0.0, off_by)


# Any activation and any start, at random


def _value(draw: st.DrawFn, key: str) -> object:
    choices: dict[str, st.SearchStrategy[object]] = {
        "mode": st.sampled_from(["fan_in", "fan_out"]),
        "distribution": st.sampled_from(["normal", "truncated_normal", "uniform"]),
        "gain": st.floats(0.5, 2.0),
        "scale": st.floats(0.3, 3.0),
        "slope": st.floats(0.0, 0.5),
        "sparsity": st.floats(0.1, 0.7),
        "std": st.floats(0.03, 0.3),
    }
    return draw(choices[key])


CENTRED = [
    part.key
    for part in catalogue().parts("initializer")
    if isinstance(part, InitializerPart)
    and part.centred(part.choose())
    and not part.loads
    and part.key != "fixup"
]
"""Every start with a defined variance; fixup's output layer, which starts at 0, has no gradient to compare with."""


@st.composite
def experiments(draw: st.DrawFn) -> Table:
    """An experiment with any activation and any start whose weights have a variance."""
    name = draw(st.sampled_from(CENTRED))
    part = catalogue().get("initializer", name)
    keys = [one.key for one in part.parameters]
    weight: Table = {"name": name}
    if name == "uniform":
        bound = draw(st.floats(0.05, 0.5))
        weight |= {"low": -bound, "high": bound}
    weight |= {
        key: _value(draw, key)
        for key in keys
        if key in ("mode", "distribution", "gain", "scale", "slope", "sparsity", "std")
    }
    bias: Table = draw(
        st.sampled_from(
            [
                {"name": "zeros"},
                {"name": "normal", "std": 0.2},
                {"name": "uniform", "low": -0.3, "high": 0.3},
                {"name": "pytorch_default"},
                {"name": "constant", "value": 0.1},
            ]
        )
    )
    if name == "lsuv":  # it sets the size of what the bias has already been added to
        bias = {"name": "zeros"}
    activation = draw(st.sampled_from([part.key for part in catalogue().parts("activation")]))
    if draw(st.booleans()):
        model = mlp(activation, draw(st.integers(1, 8)), draw(st.sampled_from([48, 64, 96])))
        if draw(st.booleans()):
            model["dropout"] = draw(st.sampled_from([0.1, 0.3]))
    else:
        widths = draw(st.lists(st.sampled_from([40, 64, 100]), min_size=1, max_size=5))
        layers = [
            layer
            for width in widths
            for layer in ({"kind": "dense", "units": width}, {"kind": "activation", "function": activation})
        ]
        model = {"layers": layers}
    return document(model, weight, bias, lanes=2)


@settings(
    max_examples=64, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
@given(made=experiments())
def test_prediction_and_measurement_agree_within_the_band(made: Table) -> None:
    told, q, g = measured(made)
    assert told.not_covered is None
    # Small groups scatter by a little more than the first order in 1 / n that the band is made of.
    forward = deviations(q, told.preactivation_q, told.q_spread)
    backward = deviations(g[:, :-1], told.grad_preactivation_q[:-1], told.grad_q_spread[:-1])
    assert forward.max() < 4.0, (forward, told.q_spread)
    known = told.grad_preactivation_q[:-1] > 0
    if np.isfinite(g).all():
        assert backward[:, known].max(initial=0.0) < 4.0, (backward, told.grad_q_spread)
    assert told.grad_preactivation_q[-1] == 1.0


# The band is as wide as it should be, no wider


@cache
def drawn(activation: str, weight: str) -> tuple[Prediction, Floats, Floats]:
    return measured(document(mlp(activation, 8), {"name": weight}, lanes=16))


@pytest.mark.parametrize(
    ("activation", "weight"),
    [
        ("relu", "he_normal"),
        ("relu", "he_uniform"),
        ("tanh", "xavier_normal"),
        ("identity", "xavier_normal"),
        ("gelu", "he_normal"),
        ("relu", "orthogonal"),
    ],
)
def test_the_scatter_of_many_draws_is_the_spread(activation: str, weight: str) -> None:
    """The standard deviation of 16 draws is known to about a fifth; layers are not independent of each other."""
    told, q, g = drawn(activation, weight)
    inner = slice(1, -1)
    ratio = np.log(q).std(axis=0, ddof=1)[inner] / told.q_spread[inner]
    assert 0.5 < np.exp(np.log(ratio).mean()) < 1.7, ratio
    ratio = np.log(g[:, :-1]).std(axis=0, ddof=1) / told.grad_q_spread[:-1]
    assert 0.5 < np.exp(np.log(ratio).mean()) < 1.8, ratio


def test_relu_scatters_by_five_over_n_a_layer_where_all_examples_are_alike() -> None:
    # Of two classes, with one output: the gradients of all examples have the same direction, too.
    made = read_document(
        document(mlp("relu", 40, 500), {"name": "he_normal"}, data={**GAUSSIAN, "classes": 2}),
        catalogue(),
        Limits(),
    )
    plan = blueprint(made.base, made.data, catalogue(), Limits())
    alike = InputSignal(correlation=(1.0,))
    told = predict(plan, catalogue(), alike)
    grows = np.diff(np.square(told.q_spread[:-1]))
    np.testing.assert_allclose(grows, 5 / 500, rtol=0.02)
    np.testing.assert_allclose(-np.diff(np.square(told.grad_q_spread[:-2])), 5 / 500, rtol=0.25)
    np.testing.assert_allclose(told.preactivation_q[:-1], 2.0, rtol=1e-6)


def test_orthogonal_linear_layers_do_not_scatter() -> None:
    told, q, g = drawn("identity", "orthogonal")
    np.testing.assert_allclose(
        q[:, 1:-1], np.broadcast_to(told.preactivation_q[1:-1], q[:, 1:-1].shape), rtol=0.05
    )
    np.testing.assert_allclose(g[:, 1:-2] / g[:, -2:-1], 1.0, rtol=1e-9)
    np.testing.assert_allclose(told.grad_q_spread[1:-2], told.grad_q_spread[-2], atol=1e-6)


@pytest.mark.parametrize("relative", [2.0, 1.0, 0.1, 0.004])
def test_few_degrees_of_freedom_scatter_like_log_chi_squared(relative: float) -> None:
    from scipy.special import polygamma

    assert log_variance(relative) == pytest.approx(float(polygamma(1, 1 / relative)), rel=1e-4)
    assert log_variance(0.0) == 0.0


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


# In the program


def test_a_run_carries_it_and_it_changes_nothing() -> None:
    made = document(mlp("tanh", 3), {"name": "xavier_normal"}, lanes=2)
    race = Race(read_document(made, catalogue(), Limits()), catalogue(), Limits())
    info = run_info(race, 1)
    (told, other) = (lane.prediction for lane in info.lanes)
    assert told is not None
    assert told is other  # of one network and one start, found once
    assert len(told.preactivation_q) == len(info.lanes[0].layers)
    monitor = Monitor(race, 1)
    monitor.advance(True)
    signal = monitor.frame().signal
    off = deviations(signal.preactivation_q, told.preactivation_q, told.q_spread)
    assert off.max() < 4


def test_the_signal_of_inputs() -> None:
    import torch

    x = torch.tensor([[3.0, 4.0], [-3.0, -4.0], [4.0, -3.0]])
    found = input_signal(x)
    assert found.q == pytest.approx((12.5, 12.5, 12.5))
    assert sorted(found.correlation) == pytest.approx([-1, 0, 0])
    assert found.examples == 3
    images = torch.ones(4, 2, 3, 3)
    images[..., 0] = 2.0
    places = np.reshape(input_signal(images, 16).places, (3, 3))
    np.testing.assert_allclose(places, np.array([[4.0, 1.0, 1.0]] * 3) / 2)
    assert input_signal(torch.zeros(3, 5)).q == (0.0, 0.0, 0.0)


@pytest.mark.slow
def test_two_hundred_layers_cost_less_than_fifty_milliseconds() -> None:
    """On a processor that has nothing else to do, where NumPy takes 1.5 us for the sum of eight numbers.

    The first network with an activation makes its tables.
    """
    numbers = np.ones(8)
    start = time.process_time()
    for _ in range(100_000):
        numbers.sum()
    slowness = max(1.0, (time.process_time() - start) / 100_000 / 1.5e-6)
    costs = []
    for gain in (1.0, 1.1, 1.2, 1.3):
        made = read_document(
            document(mlp("tanh", 200), {"name": "xavier_normal", "gain": gain}), catalogue(), Limits()
        )
        plan = blueprint(made.base, made.data, catalogue(), Limits())
        start = time.process_time()
        told = predict(plan, catalogue(), InputSignal())
        costs.append(time.process_time() - start)
        start = time.process_time()
        assert predict(plan, catalogue(), InputSignal()) is told
        assert time.process_time() - start < 0.02
    assert min(costs) < 0.05 * slowness, (costs, slowness)
