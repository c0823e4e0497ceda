"""How alike and how idle units are, against brute force in NumPy."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from initviz.resources import resource
from initviz.telemetry.frame import Frame
from initviz.telemetry.monitor import Monitor
from initviz.telemetry.spectra import Floats
from initviz.telemetry.symmetry import MOST_UNITS, TOLERANCE, likeness
from initviz.telemetry.units import ACTIVITY_BINS, LOOKS_BACK
from tests.telemetry.races import CONVOLUTIONAL, DIGITS, DOCUMENTS, LANES, race, with_model


def brute_force(units: Floats) -> tuple[float, int, float, float]:
    """Return copies, different units, mean |cos| and mean cos of a layer's units ``(O, n)``, pair by pair."""
    copied, seen, cosines = set(), [], []
    for a, b in combinations(range(len(units)), 2):
        u, v = units[a], units[b]
        longer = max(np.linalg.norm(u), np.linalg.norm(v))
        if np.linalg.norm(u - v) <= TOLERANCE * longer:
            copied |= {a, b}
        if np.linalg.norm(u) > 0 and np.linalg.norm(v) > 0:
            cosines.append(u @ v / np.linalg.norm(u) / np.linalg.norm(v))
    for a in range(len(units)):
        if not any(
            np.linalg.norm(units[a] - units[b])
            <= TOLERANCE * max(np.linalg.norm(units[a]), np.linalg.norm(units[b]))
            for b in range(a)
        ):
            seen.append(a)
    mean = float(np.mean(cosines)) if cosines else float("nan")
    absolute = float(np.mean(np.abs(cosines))) if cosines else float("nan")
    return len(copied) / len(units), len(seen), absolute, mean


def test_likeness_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(3)
    layers = rng.standard_normal((5, 7, 4))
    layers[1, 3] = layers[1, 0]  # a copy
    layers[1, 5] = layers[1, 0] * (1 + 3e-7)  # a copy that was rounded otherwise
    layers[2, 2] = -layers[2, 1]  # the opposite is no copy
    layers[2, 4] = 2 * layers[2, 1]  # nor is a multiple
    layers[3, :3] = 0  # zeros are copies of each other, and have no direction
    layers[4] = 0
    found = likeness(torch.from_numpy(layers))
    for lane, units in enumerate(layers):
        copies, different, absolute, mean = brute_force(units)
        assert found.copies[lane] == pytest.approx(copies)
        assert found.num_different[lane] == different
        assert found.cosine[lane] == pytest.approx(absolute, nan_ok=True)
        assert found.signed_cosine[lane] == pytest.approx(mean, nan_ok=True)
    assert found.copies.tolist() == pytest.approx([0, 3 / 7, 0, 3 / 7, 1])
    assert np.isnan(found.cosine[4])


def test_magnitude_does_not_matter_and_what_is_not_finite_is_not_known() -> None:
    units = torch.randn(1, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    plain, tiny, huge = (likeness(units * scale) for scale in (1.0, 1e-200, 1e200))
    assert tiny.cosine == pytest.approx(plain.cosine)
    assert huge.cosine == pytest.approx(plain.cosine)
    assert np.isnan(likeness(torch.full((1, 3, 2), torch.inf, dtype=torch.float64)).copies).all()


def test_random_units_have_about_the_cosine_that_is_told() -> None:
    units = torch.randn(1, 200, 400, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = likeness(units)
    assert found.cosine[0] == pytest.approx(np.sqrt(2 / (np.pi * 400)), rel=0.03)
    assert abs(found.signed_cosine[0]) < 0.005


def test_a_very_wide_layer_is_compared_by_some_of_its_units() -> None:
    units = torch.ones(1, 3 * MOST_UNITS, 2, dtype=torch.float64)
    assert likeness(units).num_different.tolist() == [1]


def last_frame(monitor: Monitor, steps: int) -> Frame:
    for _ in range(steps):
        monitor.advance()
    monitor.advance(True)
    return monitor.frame()


@pytest.mark.parametrize("name", ["digits", "convolutional", "mixed"])
def test_a_frame_tells_of_weights_and_gradients(name: str) -> None:
    running = race(DOCUMENTS[name])
    monitor = Monitor(running, 1)
    for _ in range(3):
        monitor.advance()
    before = [group.flat.clone() for group in running.groups]
    monitor.advance(True)
    sameness = monitor.frame().sameness
    assert sameness is not None
    assert sameness.step == 3
    for group, rows in zip(running.groups, before, strict=True):
        for place, lane in enumerate(group.lanes):
            for layer, slot in enumerate(group.layout.measured):
                cut = slice(slot.offset, slot.stop)
                if layer == len(group.layout.measured) - 1:
                    assert np.isnan(sameness.copies[lane, layer])
                    assert sameness.num_units[lane, layer] == 0
                    continue
                units = rows[place, cut].view(slot.spec.shape[0], -1).double().numpy()
                copies, different, absolute, mean = brute_force(units)
                slopes = group.grad[place, cut].view(slot.spec.shape[0], -1).double().numpy()
                assert sameness.copies[lane, layer] == pytest.approx(copies)
                assert sameness.num_different[lane, layer] == different
                assert sameness.num_units[lane, layer] == len(units)
                assert sameness.cosine[lane, layer] == pytest.approx(absolute, nan_ok=True)
                assert sameness.signed_cosine[lane, layer] == pytest.approx(mean, nan_ok=True)
                assert sameness.grad_copies[lane, layer] == pytest.approx(brute_force(slopes)[0])


def scenario(key: str) -> Race:
    path = Path(str(resource("scenarios", f"{key}.toml")))
    return Race(load_experiment(path, catalogue(), Limits()), catalogue(), Limits())


def test_zeros_and_constants_stay_copies_and_noise_does_not() -> None:
    frame = last_frame(Monitor(scenario("zeros_and_symmetry"), 1), 300)
    sameness, spectra = frame.sameness, frame.spectra
    assert sameness is not None
    assert spectra is not None
    assert sameness.num_different[:, :2].tolist() == [[1, 1], [1, 1], [32, 32], [32, 32]]
    assert sameness.copies[:, :2].tolist() == [[1, 1], [1, 1], [0, 0], [0, 0]]
    assert sameness.grad_copies[:2, :2].tolist() == [[1, 1], [1, 1]]
    assert np.isnan(sameness.cosine[0, :2]).all()  # zeros have no direction
    assert sameness.cosine[1, :2] == pytest.approx(1)
    assert (sameness.cosine[3, :2] < 0.3).all()
    assert spectra.weights.effective_rank[1, :2] == pytest.approx(1, abs=1e-5)
    assert spectra.weights.effective_rank[0, :2].tolist() == [0, 0]
    assert (spectra.weights.effective_rank[3, :2] > 16).all()


def test_rounding_alone_is_not_taken_for_a_difference() -> None:
    """In a layer of five units, equal units come to differ in the last digit: the exact share tells, copies do not."""
    lanes = [{"name": "equal", "init": {"weight": {"name": "constant", "value": 0.1}}}, LANES[2]]
    document = with_model(DIGITS, width=5, depth=2)
    frame = last_frame(Monitor(race(document, lanes=lanes), 1), 150)
    assert frame.sameness is not None
    assert frame.sameness.copies[0, :2].tolist() == [1, 1]
    assert frame.sameness.num_different[0, :2].tolist() == [1, 1]


def test_a_lane_that_diverged_is_not_known() -> None:
    lanes = [{"name": "wild", "optimizer": {"name": "sgd", "lr": 1e6}}, LANES[2]]
    frame = last_frame(Monitor(race(with_model(DIGITS, activation="relu6"), lanes=lanes), 1), 120)
    if frame.lanes[0].outcome != "diverged":
        frame = last_frame(Monitor(race(with_model(DIGITS, activation="identity"), lanes=lanes), 1), 120)
    assert frame.lanes[0].outcome == "diverged"
    assert frame.sameness is not None
    assert np.isnan(frame.sameness.copies[0]).all()
    assert frame.sameness.num_units[0].tolist() == [0] * 5
    assert frame.activity is not None
    assert np.isnan(frame.activity.idle[0]).all()


DYING = [
    {
        "name": "dying",
        "init": {"weight": {"name": "he_normal"}, "bias": {"name": "constant", "value": -3.0}},
    },
    LANES[3],
]


@pytest.mark.parametrize(
    "document",
    [{**DIGITS, "lanes": DYING}, with_model({**DIGITS, "lanes": DYING}, activation="tanh"), CONVOLUTIONAL],
    ids=["relu", "tanh", "images"],
)
def test_activity_is_that_of_every_unit(document: dict[str, object]) -> None:
    running, other = race(document), race(document)
    monitor = Monitor(running, 1)
    monitor.advance(True)
    activity = monitor.frame().activity
    assert activity is not None
    other.observe = True
    state = next(other)
    for group in state.groups:
        for layer, measured in enumerate(group.group.network.measured):
            for place, lane in enumerate(group.group.lanes):
                values = group.activations[layer][place].double().numpy()
                by_unit = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
                if measured.activation == "relu":
                    active = (by_unit != 0).mean(axis=1)
                elif measured.activation == "tanh":
                    part = catalogue().get("activation", "tanh")
                    end = float(part.saturation[1])  # type: ignore[attr-defined]
                    active = (np.abs(by_unit) < end).mean(axis=1)
                else:
                    assert np.isnan(activity.idle[lane, layer])
                    assert np.isnan(activity.shares[lane, layer]).all()
                    continue
                assert activity.idle[lane, layer] == pytest.approx((active == 0).mean())
                edges = np.arange(ACTIVITY_BINS + 1) / ACTIVITY_BINS
                for place_of_bin in range(ACTIVITY_BINS):
                    low, high = edges[place_of_bin : place_of_bin + 2]
                    share = ((active > low + 1e-9) & (active <= high + 1e-9)).mean()
                    assert activity.shares[lane, layer, place_of_bin] == pytest.approx(share)
                total = activity.shares[lane, layer].sum() + activity.idle[lane, layer]
                assert total == pytest.approx(1)


def test_the_share_for_a_batch_is_the_one_of_the_signal() -> None:
    frame = last_frame(Monitor(race({**DIGITS, "lanes": DYING}), 1), 0)
    assert frame.activity is not None
    np.testing.assert_allclose(frame.activity.idle, frame.signal.dead_fraction)
    assert (frame.activity.idle[0, :-1] > 0.2).all()


def test_only_what_is_idle_in_every_look_is_idle_for_long() -> None:
    now = [0.0]
    running, other = race({**DIGITS, "lanes": DYING}), race({**DIGITS, "lanes": DYING})
    monitor = Monitor(running, 1, clock=lambda: now[0])
    idle: list[list[Floats]] = []
    other.observe = True
    for step in range(LOOKS_BACK + 4):
        now[0] += 10
        monitor.advance(True)
        (state,) = next(other).groups
        idle.append(
            [(own == 0).all(1).numpy() for own in state.activations[:-1]]  # (K, U) a layer
        )
        activity = monitor.frame().activity
        assert activity is not None
        back = min(step + 1, LOOKS_BACK)
        assert activity.num_looks == back
        assert activity.since_step == step + 1 - back
        for layer in range(len(idle[0])):
            always = np.all([look[layer] for look in idle[-back:]], axis=0)
            np.testing.assert_allclose(activity.idle_for_long[:, layer], always.mean(axis=1))
    assert activity is not None
    assert (activity.idle_for_long[:, :-1] <= activity.idle[:, :-1] + 1e-12).all()
    assert (activity.idle_for_long[:, :-1] < activity.idle[:, :-1]).any()
