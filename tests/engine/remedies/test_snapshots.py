"""Snapshots of a run that answer together, against NumPy on the weights that were seen at the ends of the cycles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax

from initviz.engine.race import Race
from initviz.experiment.errors import InitVizError
from tests.telemetry.races import DIGITS, MOONS, race

RESTARTS = {"name": "warm_restarts", "t_0": 10, "t_mult": 1}
LANES = [{"name": "a", "seed": 1}, {"name": "b", "seed": 2}]


def made(document: dict[str, Any], **values: Any) -> Race:
    return race(
        {**document, "dtype": "float64", "schedule": RESTARTS, "lanes": LANES, "steps": 40},
        remedies={"snapshot_ensemble": values or True},
    )


def outputs_at(trained: Race, steps: list[int]) -> np.ndarray:
    """Train to the end; return what the weights after these steps answer, ``(M, K, N, O)``."""
    found = []
    for state in trained:
        if state.step + 1 in steps:
            answers = trained.predict(trained.data.validation_inputs)
            found.append(np.stack([one.numpy() for one in answers]))
    return np.stack(found)


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({}, [10, 20, 30, 40]),
        ({"most": 2}, [30, 40]),
        ({"every": 15}, [15, 30]),
    ],
    ids=["every cycle", "the latest two", "every 15 steps"],
)
def test_the_mean_of_the_probabilities_is_scored(values: dict[str, int], steps: list[int]) -> None:
    trained = made(DIGITS, **values)
    probability = softmax(outputs_at(trained, steps), axis=-1).mean(axis=0)
    target = trained.data.validation_targets.numpy()
    scores = trained.evaluate_averaged()
    assert scores is not None
    expected = -np.log(probability[:, np.arange(len(target)), target]).mean(axis=1)
    np.testing.assert_allclose(scores[0], expected, rtol=1e-9)
    np.testing.assert_array_equal(scores[1], (probability.argmax(-1) == target).mean(axis=1))
    np.testing.assert_array_equal(trained.gauges()["snapshots"], [len(steps)] * 2)


def test_two_classes_with_one_logit_are_averaged_too() -> None:
    trained = made(MOONS)
    probability = expit(outputs_at(trained, [10, 20, 30, 40])[..., 0]).mean(axis=0)
    target = trained.data.validation_targets.numpy()
    scores = trained.evaluate_averaged()
    assert scores is not None
    each = target * np.log(probability) + (1 - target) * np.log1p(-probability)
    np.testing.assert_allclose(scores[0], -each.mean(axis=1), rtol=1e-9)
    np.testing.assert_array_equal(scores[1], ((probability > 0.5) == target).mean(axis=1))


def test_training_itself_is_not_touched_and_nothing_is_scored_before_the_first() -> None:
    trained = made(DIGITS)
    plain = race({**DIGITS, "dtype": "float64", "schedule": RESTARTS, "lanes": LANES, "steps": 40})
    for _ in range(10):
        next(trained)
        next(plain)
    assert trained.evaluate_averaged() is None
    for _ in range(30):
        next(trained)
        next(plain)
    np.testing.assert_array_equal(trained.evaluate(), plain.evaluate())


def test_only_one_thing_is_scored_beside_the_raw_weights() -> None:
    with pytest.raises(InitVizError, match="only one thing is scored"):
        race({**DIGITS, "lanes": LANES}, remedies={"snapshot_ensemble": True, "ema": True})
