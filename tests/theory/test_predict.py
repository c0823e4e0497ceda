"""Predictions of whole networks, against what is measured in networks that are drawn."""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from initviz.catalog.index import catalogue
from initviz.catalog.parts import InitializerPart
from initviz.engine.race import Race
from initviz.experiment.blueprint import blueprint
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.telemetry.foretelling import input_signal
from initviz.telemetry.monitor import Monitor, run_info
from initviz.theory.predict import predict
from initviz.theory.prediction import Prediction
from initviz.theory.wave import InputSignal, log_variance
from tests.theory.networks import GAUSSIAN, Floats, Table, deviations, document, measured, mlp

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
