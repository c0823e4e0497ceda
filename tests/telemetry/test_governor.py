"""The governor keeps the rate while frames are cheap and the budget when they are dear."""

from __future__ import annotations

import pytest

from initviz.telemetry.governor import LONGEST_S, MOST_SHARE, RECENT, Governor


def train(
    governor: Governor,
    step_s: float,
    frame_s: float,
    seconds: float,
    wait_s: float = 0.0,
    start_s: float = 0.0,
) -> tuple[float, float, int]:
    """Run a loop on a made-up clock; return frames a second, the share frames took, and the number of steps."""
    now, frames, steps, looking = start_s, 0, 0, 0.0
    while now < start_s + seconds:
        steps += 1
        if governor.due(now):
            now += frame_s
            looking += frame_s
            frames += 1
            governor.spent(frame_s, step_s)
        now += step_s + wait_s
    return frames / (now - start_s), looking / (now - start_s), steps


@pytest.mark.parametrize("step_s", [3e-4, 1e-3, 5e-3])
def test_cheap_frames_come_at_the_rate_asked_for(step_s: float) -> None:
    rate, share, _ = train(Governor(), step_s, 3e-4, 10.0)
    assert 25.0 < rate < 31.0
    assert share < 0.01


@pytest.mark.parametrize("frame_s", [2e-3, 1e-2, 5e-2])
@pytest.mark.parametrize("step_s", [1e-3, 1e-2])
def test_dear_frames_stay_within_the_budget(step_s: float, frame_s: float) -> None:
    governor = Governor()
    train(governor, step_s, frame_s, 1.0)
    rate, share, _ = train(governor, step_s, frame_s, 100.0, start_s=1000.0)
    assert 0.015 < share <= 0.0205 + frame_s / 100.0  # the first of the hundred seconds has one
    assert rate < 30


@pytest.mark.parametrize(("frame_s", "gap_s"), [(0.1, LONGEST_S), (0.3, LONGEST_S), (0.6, 6.0), (3.0, 30.0)])
def test_the_picture_does_not_grow_old(frame_s: float, gap_s: float) -> None:
    """Very dear frames come after some seconds all the same, and take a tenth of the time at most."""
    governor = Governor()
    train(governor, 0.2, frame_s, 10 * gap_s)
    rate, share, _ = train(governor, 0.2, frame_s, 30 * gap_s, start_s=10_000.0)
    assert rate == pytest.approx(1 / gap_s, rel=0.15)
    assert share < 1.1 * MOST_SHARE


def test_another_budget_and_rate() -> None:
    governor = Governor(hz=10, budget=0.1)
    train(governor, 1e-3, 0.05, 2.0)
    rate, share, _ = train(governor, 1e-3, 0.05, 50.0, start_s=1000.0)
    assert share == pytest.approx(0.1, rel=0.1)
    assert rate == pytest.approx(2.0, rel=0.1)
    rate, _, _ = train(Governor(hz=10), 1e-3, 1e-4, 10.0)
    assert rate == pytest.approx(10, rel=0.03)


def test_the_first_step_is_looked_at() -> None:
    assert Governor().due(0.0)
    assert Governor().due(12345.6)


def test_one_slow_frame_changes_little() -> None:
    governor = Governor()
    for place in range(10):
        governor.spent(3e-4, 1e-3)
        if place == 5:
            governor.spent(2.0, 1e-3)
            assert governor.gap_s == pytest.approx(1 / 30)
    assert governor.gap_s == pytest.approx(1 / 30)


def test_now_and_then_a_dearer_frame_is_paid_for() -> None:
    governor = Governor(budget=0.03)
    looking, now, frames = 0.0, 0.0, 0
    while now < 100:
        if governor.due(now):
            cost = 0.006 if frames % 4 else 0.012
            frames += 1
            governor.spent(cost, 1e-3)
            now += cost
            looking += cost
        now += 1e-3
    assert looking / now == pytest.approx(0.03, rel=0.05)


def test_frames_that_become_dear_and_cheap_again() -> None:
    governor = Governor(budget=0.03)
    for _ in range(RECENT):
        governor.spent(3e-4, 1e-3)
    for _ in range(RECENT):
        governor.spent(0.03, 1e-3)
    assert governor.gap_s == pytest.approx(1.0)
    for _ in range(RECENT):
        governor.spent(3e-4, 1e-3)
    assert governor.gap_s == pytest.approx(1 / 30)


def test_the_first_frames_do_not_make_a_person_wait() -> None:
    governor = Governor(budget=0.03)
    governor.spent(0.06, 1e-3)
    assert governor.gap_s == pytest.approx(0.2)
    governor.spent(0.06, 1e-3)
    assert governor.gap_s == pytest.approx(0.2)
    governor.spent(0.06, 1e-3)
    assert governor.gap_s == pytest.approx(2.0)


@pytest.mark.parametrize("steps_per_s", [1, 5, 10])
def test_every_step_is_shown_while_training_is_slowed_down(steps_per_s: int) -> None:
    frame_s, step_s = 0.02, 1e-3
    governor = Governor()
    rate, _, steps = train(governor, step_s, frame_s, 20.0, wait_s=1 / steps_per_s - step_s - frame_s)
    assert rate == pytest.approx(steps_per_s, rel=0.02)
    assert steps == pytest.approx(20 * steps_per_s, abs=2)
