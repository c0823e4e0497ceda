"""The lesson on normal weights shows what it says, whatever the seed."""

from __future__ import annotations

import numpy as np
import pytest

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from initviz.resources import resource
from initviz.telemetry.monitor import Monitor


@pytest.mark.parametrize("seed", [0, 1])
def test_three_shapes_of_one_deviation_learn_and_half_of_it_stalls(seed: int) -> None:
    experiment = load_experiment(resource("scenarios", "why_normal.toml"), catalogue(), Limits())
    document = experiment.document | {"seed": seed}
    race = Race(read_document(document, catalogue(), Limits()), catalogue(), Limits(), device="cpu")
    hidden = np.array(race.drawn_stds)[:, 1:12]
    # 4,096 weights a layer; those of which three in four are 0 tell their deviation half as well.
    np.testing.assert_allclose(hidden[:3], 0.177, rtol=4 * 2 / np.sqrt(2 * 4096))
    np.testing.assert_allclose(hidden[3], 0.177 / 2, rtol=4 / np.sqrt(2 * 4096))
    monitor = Monitor(race, run_id=1, norms=False)
    while not monitor.finished:
        monitor.advance()
    assert [state.outcome for state in monitor.lanes] == ["ok", "ok", "ok", "stalled"]
    assert (monitor.validate().accuracy[:3] > 0.85).all()
    scalars = monitor.take_scalars()
    assert scalars is not None
    # After a few dozen steps a quarter of the loss of guessing is gone.
    assert (scalars.loss[80:100, :3].mean(axis=0) < 0.75 * np.log(10)).all()
