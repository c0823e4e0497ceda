"""Learning, stalled or diverged: as a person would call it, and as it is defined."""

from __future__ import annotations

import numpy as np
import pytest

from initviz.telemetry.frame import LaneState
from initviz.telemetry.ledger import Ledger
from initviz.telemetry.outcome import FEWEST_STEPS, MOST_STEPS, Outcomes
from tests.telemetry.races import DIGITS, race

CONSTANT = 2.0


def follow(
    losses: np.ndarray,
    epoch: int = 10,
    total: int = 10_000,
    cut: int = 7,
    sizes: np.ndarray | None = None,
    diverged: dict[int, tuple[int, str]] | None = None,
) -> tuple[LaneState, ...]:
    """Return the states after losses ``(S, K)`` that arrive ``cut`` at a time."""
    outcomes = Outcomes(losses.shape[1], epoch, CONSTANT, total)
    sizes = np.ones(len(losses)) if sizes is None else sizes
    for first in range(0, len(losses), cut):
        part = slice(first, first + cut)
        outcomes.note(np.arange(first, first + len(losses[part])), losses[part], sizes[part])
    return outcomes.states(diverged or {})


def constant(*values: float, steps: int = 200) -> np.ndarray:
    return np.tile(np.array(values, dtype=np.float64), (steps, 1))


def test_stalled_is_within_two_per_cent_of_the_constant_loss() -> None:
    values = (2.0, 1.961, 2.039, 1.959, 0.1)
    outcomes = [state.outcome for state in follow(constant(*values))]
    assert outcomes == ["stalled", "stalled", "stalled", "ok", "ok"]


def test_a_lane_above_the_constant_loss_is_not_stalled_but_told_apart_from_one_that_falls() -> None:
    steps = np.arange(200.0)
    losses = np.stack([np.full(200, 5.0), 100 * 0.99**steps, 5 + 0.01 * steps, np.full(200, 2.02)], axis=1)
    states = follow(losses)
    assert [state.outcome for state in states] == ["ok", "ok", "ok", "stalled"]
    assert [state.is_worse for state in states] == [True, False, True, False]


def test_every_lane_is_weighed_by_its_own_batches() -> None:
    """One lane sees more examples in a batch than another, whose last batch of an epoch is a small one."""
    random = np.random.default_rng(0)
    losses = random.uniform(0.5, 1.5, (40, 2))
    sizes = np.stack([np.tile([8.0, 8.0, 8.0, 8.0, 2.0], 8), np.full(40, 32.0)], axis=1)
    states = follow(losses, epoch=5, sizes=sizes)
    for lane in range(2):
        wanted = np.average(losses[-5:, lane], weights=sizes[-5:, lane])
        assert states[lane].train_loss == pytest.approx(wanted, rel=1e-12)
        means = [np.average(losses[i : i + 5, lane], weights=sizes[i : i + 5, lane]) for i in range(36)]
        firsts = [np.average(losses[:i, lane], weights=sizes[:i, lane]) for i in range(1, 5)]
        assert states[lane].best_loss == pytest.approx(min(means + firsts), rel=1e-12)


def test_the_batches_of_a_rebalanced_lane_are_its_own() -> None:
    lanes = [{"name": "all"}, {"name": "few", "remedies": {"undersample": True}}]
    data = {"name": "digits", "batch_size": 128, "imbalance": 20.0}
    running = race({**DIGITS, "data": data, "lanes": lanes, "steps": 60})
    own = [group.data for group in running.groups]
    assert own[0].num_training != own[1].num_training
    ledger = Ledger(running)
    for state in running:
        if ledger.note(state):
            break
    settled = ledger.settle()
    assert settled is not None
    for lane, served in enumerate(own):
        wanted = [len(served.batch(step)[1]) for step in settled[0].steps.tolist()]
        assert settled[1][:, lane].tolist() == wanted
    assert (settled[1][:, 0] != settled[1][:, 1]).any()


@pytest.mark.parametrize("cut", [1, 7, 10, 64, 500])
@pytest.mark.parametrize("first_nan", [100, 101])
def test_a_stopped_lane_is_not_diverged_and_keeps_its_loss(cut: int, first_nan: int) -> None:
    """Lane 1 is stopped at step 100: whether its last loss is that of step 99 or 100, it is not taken for broken."""
    steps = np.arange(200.0)
    losses = np.stack([np.full(200, 1.0), 3 - steps / 100, np.full(200, 2.0)], axis=1)
    losses[first_nan:, 1] = np.nan
    outcomes = Outcomes(3, 10, CONSTANT, 10_000)
    for first in range(0, 200, cut):
        part = losses[first : first + cut]
        # The race says so as soon as it has happened.
        stopped = {1: (100, 60)} if first + len(part) > 100 else {}
        outcomes.note(np.arange(first, first + len(part)), part, np.ones(len(part)), stopped)
    states = outcomes.states({}, {1: (100, 60)})
    assert [state.outcome for state in states] == ["ok", "stopped", "stalled"]
    assert [state.stopped_at for state in states] == [None, 100, None]
    assert [state.best_step for state in states] == [None, 60, None]
    assert states[1].diverged_at is None
    assert states[1].judged
    assert states[1].train_loss == pytest.approx(losses[first_nan - 10 : first_nan, 1].mean())
    assert states[1].best_loss == pytest.approx(losses[first_nan - 10 : first_nan, 1].mean())


def test_a_lane_that_diverged_before_another_was_stopped_stays_diverged() -> None:
    losses = constant(1.0, 1.0)
    losses[50:, 0] = np.nan
    losses[80:, 1] = np.nan
    outcomes = Outcomes(2, 10, CONSTANT, 10_000)
    outcomes.note(np.arange(200), losses, np.ones(200), {1: (80, 70)})
    states = outcomes.states({0: (50, "dense_1")}, {1: (80, 70)})
    assert [(state.outcome, state.diverged_at) for state in states] == [("diverged", 50), ("stopped", None)]


def test_what_counts_is_the_recent_epoch() -> None:
    losses = constant(2.0)
    losses[150:] = 1.0
    (state,) = follow(losses)
    assert state.outcome == "ok"
    assert state.train_loss == pytest.approx(1.0)
    losses[150:] = 2.0
    losses[:150] = 1.0
    (state,) = follow(losses)
    assert state.outcome == "stalled"
    assert state.best_loss == pytest.approx(1.0)


def test_nobody_is_judged_in_the_first_epoch() -> None:
    assert follow(constant(2.0, steps=FEWEST_STEPS - 1))[0].outcome == "ok"
    assert follow(constant(2.0, steps=FEWEST_STEPS))[0].outcome == "stalled"
    assert follow(constant(2.0, steps=119), epoch=120)[0].outcome == "ok"
    assert follow(constant(2.0, steps=120), epoch=120)[0].outcome == "stalled"
    assert follow(constant(2.0, steps=MOST_STEPS), epoch=100_000)[0].outcome == "stalled"


def test_at_the_end_everybody_is_judged() -> None:
    assert follow(constant(2.0, steps=4), total=5)[0].outcome == "ok"
    assert follow(constant(2.0, steps=5), total=5)[0].outcome == "stalled"


@pytest.mark.parametrize("cut", [1, 3, 64, 500])
def test_the_mean_is_over_the_last_epoch_weighted_by_examples(cut: int) -> None:
    rng = np.random.default_rng(0)
    losses = rng.uniform(0.5, 3.0, (237, 2))
    sizes = np.where(np.arange(237) % 10 == 9, 21.0, 128.0)
    states = follow(losses, cut=cut, sizes=sizes)
    for lane, state in enumerate(states):
        wanted = np.average(losses[-10:, lane], weights=sizes[-10:])
        assert state.train_loss == pytest.approx(wanted)
        means = [
            np.average(losses[max(0, stop - 10) : stop, lane], weights=sizes[max(0, stop - 10) : stop])
            for stop in range(1, 238)
        ]
        assert state.best_loss == pytest.approx(min(means))
        assert state.initial_loss == losses[0, lane]


@pytest.mark.parametrize("cut", [1, 7, 64])
def test_divergence_is_dated_to_the_very_step(cut: int) -> None:
    losses = constant(1.0, 1.0, 1.0)
    losses[37:, 1] = np.nan
    losses[120, 2] = np.inf
    losses[121:, 2] = np.nan
    states = follow(losses, cut=cut, diverged={1: (64, "dense_2")})
    assert [state.outcome for state in states] == ["ok", "diverged", "diverged"]
    assert [state.diverged_at for state in states] == [None, 37, 120]
    assert [state.bad_layer for state in states] == [None, "dense_2", None]
    assert np.isnan(states[1].train_loss)
    assert states[1].best_loss == pytest.approx(1.0)


def test_small_losses_after_a_huge_one_are_averaged_truly() -> None:
    """A start far too large: losses of 1e24, then the network is dead and its loss constant."""
    rng = np.random.default_rng(0)
    loss = np.concatenate(([1e8, 1e24, 3e20], CONSTANT + 0.001 * rng.standard_normal(97)))[:, None]
    (state,) = follow(loss, cut=20)
    assert state.train_loss == pytest.approx(loss[-10:].mean(), rel=1e-12)
    # Means of ten from the thirteenth step on are free of the spike.
    means = [loss[stop - 10 : stop].mean() for stop in range(13, 101)]
    assert state.best_loss == pytest.approx(min(means), rel=1e-6)
    assert state.outcome == "stalled"


def test_a_loss_that_was_never_finite() -> None:
    losses = np.full((5, 1), np.nan)
    (state,) = follow(losses, diverged={0: (0, "output")})
    assert (state.outcome, state.diverged_at, state.bad_layer) == ("diverged", 0, "output")
    assert np.isnan(state.best_loss)


def test_nothing_to_beat() -> None:
    outcomes = Outcomes(1, 10, 0.0, 100)
    outcomes.note(np.arange(100), constant(0.0, steps=100), np.ones(100))
    assert outcomes.states({})[0].outcome == "ok"


def test_before_the_first_step() -> None:
    (state,) = Outcomes(1, 10, CONSTANT, 100).states({})
    assert state.outcome == "ok"
    assert state.diverged_at is None
    assert np.isnan(state.train_loss)


def test_nobody_is_said_to_learn_before_it_is_seen() -> None:
    """A lane on the dashed line is not judged in its first steps; one that has fallen learns at once."""
    follow = Outcomes(2, 10, 1.0, 1000)
    follow.note(np.arange(5), np.tile((1.0, 0.5), (5, 1)), np.ones(5))
    early, fallen = follow.states({})
    assert (early.outcome, early.judged) == ("ok", False)
    assert (fallen.outcome, fallen.judged) == ("ok", True)
    follow.note(np.arange(5, 60), np.tile((1.0, 0.5), (55, 1)), np.ones(55))
    late, _ = follow.states({})
    assert (late.outcome, late.judged) == ("stalled", True)
    broken = Outcomes(2, 10, 1.0, 1000)
    broken.note(np.arange(1), np.array([[np.nan, 1.0]]), np.ones(1))
    assert broken.states({})[0].judged
