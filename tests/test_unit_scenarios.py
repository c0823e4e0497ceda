"""The lessons on isometry and on dead units show what they say, whatever the seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from initviz.resources import resource
from initviz.telemetry.frame import Frame
from initviz.telemetry.monitor import Monitor


def race(key: str, seed: int, **lane: dict[str, Any]) -> Race:
    """Return a scenario with another seed, and a lane with other tables where they are given by its place."""
    experiment = load_experiment(resource("scenarios", f"{key}.toml"), catalogue(), Limits())
    document = experiment.document | {"seed": seed}
    return Race(read_document(document | lane, catalogue(), Limits()), catalogue(), Limits(), device="cpu")


def frames(running: Race, *steps: int) -> list[Frame]:
    """Return the frames of some steps, each with a look of its own at what is looked at seldom."""
    now = [0.0]
    monitor = Monitor(running, 1, norms=False, clock=lambda: now[0])
    found = []
    for step in range(max(steps) + 1):
        now[0] += 1000
        monitor.advance(step in steps)
        if step in steps:
            monitor.validate()
            found.append(monitor.frame(complete=True))
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_only_orthogonal_tanh_keeps_every_direction_through_forty_layers(seed: int) -> None:
    start, early = frames(race("isometry", seed), 0, 100)
    assert start.spectra is not None
    hidden = start.spectra.hidden_jacobian
    assert hidden.effective_rank[0] > 36
    assert (hidden.effective_rank[1:] < 7).all()
    assert (hidden.spread[1:] > 4).all()
    np.testing.assert_allclose(start.spectra.weights.values[0, 1:-1], 1, rtol=1e-5)  # the line at 1
    assert early.validation is not None
    accuracy = early.validation.accuracy
    assert accuracy[0] > 0.9
    assert 0.5 < accuracy[1] < 0.85
    assert (accuracy[2:] < 0.5).all()


def test_few_directions_are_lost_in_six_layers() -> None:
    _, late = frames(
        race("isometry", 0, model={"family": "mlp", "depth": 6, "width": 48, "activation": "tanh"}), 0, 150
    )
    assert late.validation is not None
    assert (late.validation.accuracy > 0.9).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_units_that_sleep_may_wake_and_a_layer_that_died_does_not(seed: int) -> None:
    looks = frames(race("dead_units", seed), 0, *range(310, 400, 10), 399)
    start, end = looks[0], looks[-1]
    assert start.activity is not None
    assert end.activity is not None
    worst = np.nanmax(start.signal.dead_fraction[:3], axis=1)
    assert worst[0] < 0.1
    assert worst[1] > 0.25
    assert worst[2] == worst[0]  # the same weights: only the step is larger
    later = np.nanmax(end.signal.dead_fraction[:3], axis=1)
    assert later[1] < 0.5 * worst[1]
    assert later[2] == 1
    assert end.activity.num_looks == 8
    long = np.nanmax(end.activity.idle_for_long, axis=1)
    assert long[2] > 0.9
    assert long[1] < 0.5 * worst[1]
    assert end.validation is not None
    accuracy = end.validation.accuracy
    assert accuracy[0] > 0.94
    assert accuracy[1] > 0.7
    assert accuracy[2] < 0.12
    assert 0.6 < accuracy[3] < 0.75
    assert end.lanes[2].outcome == "stalled"
    assert 0.65 < np.nanmean(start.signal.saturated_fraction[3]) < 0.8
