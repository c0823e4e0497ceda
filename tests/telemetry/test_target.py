"""After how many updates a loss has fallen to a mark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from initviz.telemetry.frame import Scalars
from initviz.telemetry.synthetic import run_info
from initviz.telemetry.target import TargetSteps

WINDOW = 7


def stretch(first: int, loss: np.ndarray) -> Scalars:
    steps = np.arange(first, first + len(loss))
    none = np.zeros((len(loss), loss.shape[1], 0), dtype=np.float32)
    return Scalars(steps, loss, loss, loss, none, none, none)


def told(loss: np.ndarray, target: float | None, cuts: list[int]) -> TargetSteps:
    info = replace(run_info(num_lanes=loss.shape[1]), steps_per_epoch=WINDOW, constant_loss=2.0)
    found = TargetSteps(info, target)
    for begin, end in zip([0, *cuts], [*cuts, len(loss)], strict=True):
        found.note(stretch(begin, loss[begin:end]))
    return found


def plain(losses: list[float], target: float) -> int | None:
    """The same by its definition, one step after another."""
    for step in range(len(losses)):
        window = losses[max(0, step - WINDOW + 1) : step + 1]
        if np.mean(window) <= target:
            return step
    return None


@pytest.mark.parametrize("cuts", [[], [1, 2, 3, 60], [50]])
@pytest.mark.parametrize("target", [0.3, 0.9, 5.0])
def test_steps_are_those_of_the_definition(cuts: list[int], target: float) -> None:
    rng = np.random.default_rng(1)
    falls = 2 * np.exp(-np.arange(120)[:, None] * np.array([0.03, 0.01, 0.001, 0.0]))
    loss = falls * rng.lognormal(sigma=0.4, size=falls.shape)
    expected = tuple(plain(column, target) for column in loss.T.tolist())
    assert told(loss, target, cuts).read() == expected
    assert len(set(expected)) > 1 or target == 5.0


def test_half_of_what_a_constant_has_is_the_mark_where_none_is_chosen() -> None:
    found = told(np.linspace(2, 0, 201)[:, None], None, [])
    assert found.target == 1.0
    assert found.read() == (103,)  # the mean of the steps 97 to 103 is 1.0


def test_a_lane_that_diverges_never_comes_so_far_and_troubles_no_other() -> None:
    loss = np.full((40, 3), 2.0)
    loss[10:, 0] = np.nan
    loss[10, 1] = 1e30
    loss[11:, 1:] = 0.5
    assert told(loss, 1.0, [5, 20]).read() == (None, 17, 15)
