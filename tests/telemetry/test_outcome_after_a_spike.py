import numpy as np
import pytest

from initviz.telemetry.frame import Scalars
from initviz.telemetry.outcome import Outcomes


def test_small_losses_after_a_huge_one_are_averaged_truly() -> None:
    """A start far too large: losses of 1e24, then the network is dead and its loss constant."""
    outcomes = Outcomes(1, steps_per_epoch=10, constant_loss=0.7, total_steps=100)
    rng = np.random.default_rng(0)
    loss = np.concatenate(([1e8, 1e24, 3e20], 0.7 + 0.001 * rng.standard_normal(97)))[:, None]
    none = np.zeros((100, 1, 1), dtype=np.float32)
    for first in range(0, 100, 20):
        part = slice(first, first + 20)
        steps = np.arange(100)[part]
        outcomes.note(
            Scalars(steps, loss[part], loss[part], loss[part], none[part], none[part], none[part]),
            np.ones(20),
        )
    (state,) = outcomes.states({})
    assert state.train_loss == pytest.approx(loss[-10:].mean(), rel=1e-12)
    # Means of ten from the thirteenth step on are free of the spike.
    means = [loss[stop - 10 : stop].mean() for stop in range(13, 101)]
    assert state.best_loss == pytest.approx(min(means), rel=1e-6)
    assert state.outcome == "stalled"
