"""A full look at a step agrees with NumPy and torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from initviz.telemetry.frame import Histogram
from initviz.telemetry.history import QUANTITIES
from initviz.telemetry.monitor import Monitor
from tests.telemetry.races import DIGITS, DOCUMENTS, LANES, collected, race, segment, with_model


@pytest.mark.parametrize("name", DOCUMENTS)
def test_exact_histograms_are_those_of_numpy(name: str) -> None:
    running = race(DOCUMENTS[name])
    other = race(DOCUMENTS[name])
    monitor = Monitor(running, 1, exact=True)
    for _ in range(4):
        monitor.advance()
        next(other)
    for _ in range(2):  # the axes are chosen at the first look and kept at the second
        monitor.advance(True)
        frame = monitor.frame()
        before = [group.flat.clone() for group in other.groups]
        other.observe = True
        state = next(other)
        assert frame.step == state.step
        for group, own, old in zip(other.groups, state.groups, before, strict=True):
            for place, lane in enumerate(group.lanes):
                for layer, slot in enumerate(group.layout.measured):
                    cut = slice(slot.offset, slot.stop)
                    values = {
                        "weights": old[place, cut],
                        "gradients": group.grad[place, cut],
                        "updates": (group.flat - old)[place, cut],
                        "preactivations": own.preactivations[layer][place],
                        "activations": own.activations[layer][place],
                    }
                    for quantity in QUANTITIES:
                        compare(getattr(frame, quantity), values[quantity].flatten(), lane, layer)
        assert not frame.weights.sampled


def compare(histogram: Histogram, values: torch.Tensor, lane: int, layer: int) -> None:
    shown = values.abs().log10() if histogram.scale == "log10" else values
    numbers = shown.double().numpy()
    counts = np.histogram(numbers[np.isfinite(numbers)], histogram.edges)[0]
    np.testing.assert_array_equal(histogram.counts[lane, layer], counts)
    assert histogram.below[lane, layer] == (numbers < histogram.edges[0]).sum()
    assert histogram.above[lane, layer] == (numbers > histogram.edges[-1]).sum()
    assert histogram.not_finite[lane, layer] == 0


def test_sampled_histograms_stand_for_the_whole() -> None:
    document = {**DIGITS, "lanes": LANES}
    sampled, exact = Monitor(race(document), 1), Monitor(race(document), 1, exact=True)
    sums: dict[tuple[int, str], np.ndarray] = {}
    for _ in range(20):
        for number, monitor in enumerate((sampled, exact)):
            monitor.advance(True)
            frame = monitor.frame()
            for quantity in QUANTITIES:
                counts = getattr(frame, quantity).counts[3, 1].astype(float)
                key = (number, quantity)
                sums[key] = sums.get(key, 0) + counts / counts.sum()
            assert 500 <= segment(frame.weights, 0, 1) <= 1024 or number == 1
    for quantity in QUANTITIES:
        distance = np.abs(sums[0, quantity] - sums[1, quantity]).sum() / 20
        assert distance < 0.06, quantity
    assert sampled.frame().weights.sampled
    assert sampled.frame().preactivations.sampled


def test_all_lanes_fit_the_axes() -> None:
    monitor = Monitor(race({**with_model(DIGITS, depth=12), "lanes": LANES}), 1)
    _, (frame, *_) = collected(monitor, 1, every=1)
    for quantity in QUANTITIES:
        histogram: Histogram = getattr(frame, quantity)
        assert len(histogram.edges) == 65
        inside = histogram.counts.sum(-1)
        zeros = histogram.below if histogram.scale == "log10" else 0
        share = (inside + zeros)[1:] / np.array([[segment(histogram, 1, layer)] for layer in range(13)]).T
        assert (share > 0.98).all(), quantity
    assert frame.gradients.edges[0] < -20  # the small start's gradients have vanished far below the others'


def test_one_exploding_lane_does_not_squash_the_others() -> None:
    lanes = [*LANES[2:], {"name": "huge", "init": {"weight": {"name": "normal", "std": 1.0}}}]
    monitor = Monitor(race({**with_model(DIGITS, depth=8), "lanes": lanes}), 1)
    _, (frame, *_) = collected(monitor, 1, every=1)
    assert frame.preactivations.edges[-1] <= 64
    spread = (frame.preactivations.counts[1] > 0).sum(-1)  # bins that He's layers cover
    assert (spread >= 8).all()
    assert frame.preactivations.above[2].sum() > 0


@pytest.mark.parametrize("name", ["digits", "convolutional", "mixed"])
def test_signal_agrees_with_torch(name: str) -> None:
    other = race(DOCUMENTS[name])
    monitor = Monitor(race(DOCUMENTS[name]), 1, exact=True)
    for _ in range(3):
        monitor.advance()
        next(other)
    monitor.advance(True)
    other.observe = True
    state = next(other)
    signal = monitor.frame().signal
    for group in state.groups:
        batch = len(group.targets)
        for place, lane in enumerate(group.group.lanes):
            for layer, own in enumerate(group.group.network.measured):
                z = group.preactivations[layer][place].double()
                a = group.activations[layer][place].double()
                g = group.grad_preactivations[layer][place].double()
                for found, wanted in (
                    (signal.preactivation_q, (z**2).mean()),
                    (signal.activation_var, a.var(correction=0)),
                    (signal.grad_preactivation_q, ((batch * g) ** 2).mean()),
                ):
                    assert found[lane, layer] == pytest.approx(float(wanted), rel=1e-4, abs=1e-60)
                flat = a.movedim(1, 0).flatten(1)
                if own.activation == "relu":
                    dead = float((flat == 0).all(1).double().mean())
                    assert signal.dead_fraction[lane, layer] == pytest.approx(dead)
                else:
                    assert np.isnan(signal.dead_fraction[lane, layer])
                if own.activation == "tanh":
                    share = float((flat.abs() >= 0.95**0.5).double().mean())
                    assert signal.saturated_fraction[lane, layer] == pytest.approx(share)
                else:
                    assert np.isnan(signal.saturated_fraction[lane, layer])
            assert np.isnan(signal.preactivation_q[lane, len(group.group.network.measured) :]).all()


def test_symmetry_is_seen() -> None:
    monitor = Monitor(race(DOCUMENTS["digits"]), 1)
    _, frames = collected(monitor, 6, every=5)
    for frame in frames:
        identical = frame.signal.identical_fraction
        assert (identical[0, :-1] == 1).all()
        assert (identical[1:, :-1] == 0).all()
        assert np.isnan(identical[:, -1]).all()
