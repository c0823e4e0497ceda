"""A look at the start before any update."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.experiment.values import Experiment
from initviz.telemetry import monitor as monitors
from initviz.telemetry.frame import Frame
from initviz.telemetry.history import QUANTITIES, Quantity, RunHistory
from initviz.telemetry.monitor import Monitor

SEEN: tuple[Quantity, ...] = ("weights", "preactivations", "activations", "gradients")


def experiment(**changes: object) -> Experiment:
    """Return lanes of three groups, with noise, running means and a batch that is not the plain one."""
    document: dict[str, object] = {
        "name": "rest",
        "device": "cpu",
        "steps": 20,
        "data": {"name": "moons", "batch_size": 32},
        "model": {"family": "mlp", "depth": 3, "width": 16, "activation": "relu"},
        "lanes": [
            {"name": "He"},
            {"name": "normed", "model": {"normalization": "batch_norm", "dropout": 0.3}},
            {"name": "mixed", "optimizer": {"name": "adam"}, "remedies": {"mixup": {}}},
        ],
    }
    return read_document(document | changes, catalogue(), Limits())


def race(made: Experiment | None = None) -> Race:
    return Race(experiment() if made is None else made, catalogue(), Limits())


def test_training_is_the_same_to_the_bit_and_so_is_the_first_frame() -> None:
    plain, looked = race(), race()
    plainly, looking = Monitor(plain, 1), Monitor(looked, 1)
    looking.look_at_rest()
    looking.frame()
    frames: list[list[Frame]] = [[], []]
    for step in range(20):
        for place, one in enumerate((plainly, looking)):
            one.advance(step % 5 == 0)
            if step % 5 == 0:
                frames[place].append(one.frame())
    for group, other_group in zip(plain.groups, looked.groups, strict=True):
        assert group.flat.equal(other_group.flat)
        assert group.buffers.equal(other_group.buffers)
    expected, found = plainly.take_scalars(), looking.take_scalars()
    assert expected is not None
    assert found is not None
    np.testing.assert_array_equal(found.loss, expected.loss)
    np.testing.assert_array_equal(found.grad_norm, expected.grad_norm)
    for frame, other in zip(*frames, strict=True):
        for quantity in QUANTITIES:
            np.testing.assert_array_equal(getattr(frame, quantity).counts, getattr(other, quantity).counts)
            np.testing.assert_array_equal(getattr(frame, quantity).edges, getattr(other, quantity).edges)


def test_it_sees_what_the_first_update_sees_and_that_nothing_has_moved() -> None:
    watched = Monitor(race(), 1)
    watched.look_at_rest()
    rest = watched.frame()
    assert rest.at_rest
    assert rest.step == 0
    assert watched.step == 0
    assert watched.take_scalars() is None
    watched.advance(True)
    first = watched.frame()
    assert not first.at_rest
    for quantity in SEEN:
        np.testing.assert_array_equal(getattr(rest, quantity).counts, getattr(first, quantity).counts)
        np.testing.assert_array_equal(getattr(rest, quantity).edges, getattr(first, quantity).edges)
    for name in ("preactivation_q", "activation_var", "grad_preactivation_q", "identical_fraction"):
        np.testing.assert_array_equal(getattr(rest.signal, name), getattr(first.signal, name))
    assert not rest.updates.counts.any()
    assert not rest.updates.below.any()
    assert first.updates.counts.any()


def test_small_networks_show_their_answers_at_rest_and_dear_looks_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Monitor(race(), 1)
    monkeypatch.setattr(monitors, "REST_S", 60.0)
    watched.look_at_rest()
    frame = watched.frame()
    assert frame.boundary is not None
    assert frame.confusion is not None
    assert frame.answers is not None
    assert frame.confusion.step == 0
    assert frame.confusion.counts[0].sum() == len(watched.race.data.validation_inputs)
    monkeypatch.setattr(monitors, "REST_S", 0.0)
    dear = Monitor(race(), 1)
    dear.look_at_rest()
    frame = dear.frame()
    assert frame.boundary is None
    assert frame.confusion is None
    assert frame.answers is None
    assert frame.weights.counts.any()


def test_a_vanished_signal_is_looked_at_as_quickly_as_it_is_trained_on() -> None:
    """Denormal numbers, which slow a processor down two hundred times, are taken for zero as in a step."""
    tiny = {"weight": {"name": "normal", "std": 1e-20}}
    made = experiment(
        lanes=[{"name": "tiny", "init": tiny}], model={"family": "mlp", "depth": 4, "width": 16}
    )
    watched = Monitor(race(made), 1)
    watched.look_at_rest()
    signal = watched.frame().signal.preactivation_q
    assert signal[0, 0] > 0
    assert signal[0, -1] == 0.0


def test_the_history_takes_the_look_at_rest_for_the_start() -> None:
    watched = Monitor(race(), 1)
    history = RunHistory(watched.info)
    watched.look_at_rest()
    rest = watched.frame()
    history.add_frame(rest)
    assert history.frame is history.first_frame is rest
    assert history.last_step == -1
    for quantity in SEEN:
        assert history.histogram_map(quantity, 0, 0) is not None
    assert history.histogram_map("updates", 0, 0) is None
    watched.advance(True)
    first = watched.frame()
    history.add_frame(first)
    assert history.frame is history.first_frame is first
    weights, updates = (history.histogram_map(quantity, 0, 0) for quantity in ("weights", "updates"))
    assert weights is not None
    assert updates is not None
    assert weights.step_edges.tolist() == updates.step_edges.tolist()
    np.testing.assert_allclose(weights.share.sum(axis=0), 1.0)  # not counted twice
    history.add_frame(replace(first, at_rest=True))
    assert history.first_frame is first


def test_without_a_frame_of_step_0_the_look_at_rest_stays_the_start() -> None:
    """Of the frames that gather while the window is busy, only the latest arrives."""
    watched = Monitor(race(), 1)
    history = RunHistory(watched.info)
    watched.look_at_rest()
    rest = watched.frame()
    history.add_frame(rest)
    for _ in range(5):
        watched.advance(True)
    history.add_frame(watched.frame())
    assert history.first_frame is rest
    assert history.histogram_map("updates", 0, 0) is not None


def test_what_takes_longer_is_done_in_slices_and_then_told() -> None:
    """The singular values at rest are those of a look at the first step; training is not touched meanwhile."""
    watched, plain = Monitor(race(), 1), Monitor(race(), 1)
    watched.look_at_rest()
    assert watched.frame().spectra is None
    assert sum(1 for _ in watched.complete_rest()) >= 1
    spectra = watched.frame().spectra
    assert spectra is not None
    assert spectra.step == 0
    plain.advance(True)
    expected = plain.frame(complete=True).spectra
    assert expected is not None
    np.testing.assert_array_equal(spectra.weights.values, expected.weights.values)
    watched.advance(True)
    assert watched.race.groups[0].flat.equal(plain.race.groups[0].flat)
    assert list(watched.complete_rest()) == [], "an update has been made"
