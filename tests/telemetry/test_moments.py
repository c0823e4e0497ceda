"""Moments of the signal agree with NumPy in double precision, for signals of any magnitude."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from initviz.telemetry.moments import STACKED, Flow, Moments, signal_moments
from initviz.telemetry.symmetry import identical_fractions, identical_rows
from tests.telemetry.races import CONVOLUTIONAL, DIGITS, LANES, race, with_model


def expected(flow: Flow, can_die: list[bool]) -> Moments:
    def table(values: list[list[float]]) -> np.ndarray:
        return np.array(values, dtype=np.float64).T

    def each(signals: tuple[torch.Tensor, ...]) -> list[list[np.ndarray]]:
        return [[lane.double().numpy() for lane in signal] for signal in signals]

    batch = flow.preactivations[0].shape[1]
    before, after, grads = each(flow.preactivations), each(flow.activations), each(flow.grads)
    dead = []
    for layer, mortal in zip(after, can_die, strict=True):
        row = []
        for lane in layer:
            by_unit = np.moveaxis(lane, 1, 0).reshape(lane.shape[1], -1)
            row.append(float((by_unit == 0).all(axis=1).mean()) if mortal else np.nan)
        dead.append(row)
    return Moments(
        preactivation_mean=table([[float(lane.mean()) for lane in layer] for layer in before]),
        preactivation_q=table([[float((lane**2).mean()) for lane in layer] for layer in before]),
        activation_mean=table([[float(lane.mean()) for lane in layer] for layer in after]),
        activation_var=table([[float(lane.var()) for lane in layer] for layer in after]),
        grad_preactivation_q=table(
            [[float(((batch * lane) ** 2).mean()) for lane in layer] for layer in grads]
        ),
        dead_fraction=table(dead),
    )


def check(flow: Flow, can_die: list[bool]) -> None:
    found, wanted = signal_moments(flow, can_die), expected(flow, can_die)
    scale = np.sqrt(wanted.preactivation_q)
    assert (np.abs(found.preactivation_mean - wanted.preactivation_mean) <= 1e-6 * scale).all()
    np.testing.assert_allclose(found.preactivation_q, wanted.preactivation_q, rtol=3e-5)
    root = np.sqrt(wanted.activation_var + wanted.activation_mean**2)
    assert (np.abs(found.activation_mean - wanted.activation_mean) <= 1e-6 * root).all()
    np.testing.assert_allclose(found.activation_var, wanted.activation_var, rtol=1e-3)
    np.testing.assert_allclose(found.grad_preactivation_q, wanted.grad_preactivation_q, rtol=3e-5)
    np.testing.assert_allclose(found.dead_fraction, wanted.dead_fraction, rtol=1e-6)


def flow_of(
    scales: list[float], units: tuple[int, ...] = (48,), lanes: int = 3, dtype: torch.dtype = torch.float32
) -> Flow:
    generator = torch.Generator().manual_seed(1)
    before = tuple(
        (torch.randn(lanes, 20, *units, generator=generator, dtype=torch.float64) * scale).to(dtype)
        for scale in scales
    )
    after = tuple(signal.relu() for signal in before)
    for signal in after:
        signal[1, :, 5] = 0.0  # a unit that is dead in one lane
    return Flow(before, after, tuple(0.01 * signal for signal in before))


@pytest.mark.parametrize("units", [(48,), (8, 5, 5)])
def test_moments_are_those_of_numpy(units: tuple[int, ...]) -> None:
    check(flow_of([1.0, 0.5, 3.0, 2.0], units), [True, True, False, True])


@pytest.mark.parametrize("scale", [1e-36, 1e-30, 1e-25, 1e-20, 1e-12, 1e15, 1e25, 1e30])
def test_a_signal_of_any_magnitude_is_told_truly(scale: float) -> None:
    flow = flow_of([1.0, scale, scale])
    check(flow, [True] * 3)
    q = signal_moments(flow, [True] * 3).preactivation_q
    np.testing.assert_allclose(q[:, 1], scale**2, rtol=0.2)


@pytest.mark.parametrize("scale", [1e-140, 1e-100, 1e100, 1e140])
def test_double_precision_goes_further(scale: float) -> None:
    check(flow_of([1.0, scale], dtype=torch.float64), [True, True])


def test_nothing_at_all() -> None:
    flow = flow_of([0.0, 0.0])
    found = signal_moments(flow, [True, False])
    for name in ("preactivation_mean", "preactivation_q", "activation_mean", "activation_var"):
        assert (getattr(found, name) == 0).all()
    assert (found.dead_fraction[:, 0] == 1).all()
    assert np.isnan(found.dead_fraction[:, 1]).all()


def test_variance_survives_a_mean_that_dwarfs_it() -> None:
    generator = torch.Generator().manual_seed(2)
    after = 0.5 + 1e-5 * torch.randn(2, 64, 50, generator=generator)  # a deep sigmoid network at its start
    flow = Flow((after, after), (after, after + 1.0), (after, after))
    check(flow, [False, False])


def test_layers_too_large_to_be_stacked() -> None:
    width = STACKED // 20
    check(flow_of([1.0, 2.0, 1e-30], (width,), lanes=2), [True, True, True])


def test_signals_in_the_layout_of_grouped_convolutions() -> None:
    generator = torch.Generator().manual_seed(3)
    joined = torch.randn(16, 3 * 8, 4, 4, generator=generator)
    joined[:, 8 + 2] = 0.0
    signal = joined.view(16, 3, 8, 4, 4).transpose(0, 1)
    flow = Flow((signal, signal), (signal.abs(), signal.abs()), (signal, signal))
    check(flow, [True, False])
    assert signal_moments(flow, [True, False]).dead_fraction[1, 0] == pytest.approx(1 / 8)


@pytest.mark.parametrize(
    "document",
    [DIGITS, CONVOLUTIONAL, with_model(DIGITS, activation="sigmoid")],
    ids=["relu", "conv", "sigmoid"],
)
@pytest.mark.parametrize("lanes", [1, 4])
def test_moments_of_a_race(document: dict[str, object], lanes: int) -> None:
    running = race(document, lanes=LANES[-lanes:])
    for _ in range(3):
        next(running)
    running.observe = True
    state = next(running).groups[0]
    flow = Flow.of(state)
    layers = len(flow.preactivations)
    assert layers == len(state.group.layout.measured)
    assert all(signal.shape[:2] == (lanes, 128) for signal in (*flow.preactivations, *flow.grads))
    check(flow, [layer.activation == "relu" for layer in state.group.network.measured])


# Copies of units


def test_identical_rows() -> None:
    rows = torch.randn(10, 7, generator=torch.Generator().manual_seed(4))
    assert identical_rows(rows) == 0.0
    rows[3] = rows[8]
    assert identical_rows(rows) == pytest.approx(0.2)
    rows[0] = rows[1] = rows[8]
    assert identical_rows(rows) == pytest.approx(0.4)
    rows[5], rows[6] = 0.0, -0.0
    assert identical_rows(rows) == pytest.approx(0.6)
    assert identical_rows(torch.full((5, 3), 0.25, dtype=torch.float64)) == 1.0
    wide = torch.randn(600, 5000, generator=torch.Generator().manual_seed(5))
    wide[7] = wide[411]
    assert identical_rows(wide) == pytest.approx(2 / 600)
    wide[7, 4999] += 1.0  # seen even in the last column
    assert identical_rows(wide) == 0.0
    rows[8, 6] += 1e-6
    assert identical_rows(rows) == pytest.approx(0.5)


def test_identical_units_of_a_race() -> None:
    constant = {"name": "constant", "init": {"weight": {"name": "constant", "value": 0.1}}}
    running = race(DIGITS, lanes=[*LANES, constant])
    (group,) = running.groups
    for step in range(4):
        fractions = identical_fractions(group, group.flat)
        assert np.isnan(fractions[:, -1]).all()  # the output layer has no hidden units
        hidden = fractions[:, :-1]
        assert (hidden[[1, 2, 3]] == 0).all(), step
        # Units that start alike get equal gradients and stay alike.
        assert (hidden[[0, 4]] == 1).all(), step
        next(running)
    group.flat[2, 0] = torch.nan
    assert np.isnan(identical_fractions(group, group.flat)[2, 0])
