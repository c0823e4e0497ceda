"""How fast training may go, and how fast it goes."""

from __future__ import annotations

import pytest

from initviz.ui.speed import FASTEST, RATES, Meter, rate


def test_every_position_has_its_rate() -> None:
    """From the slowest to no bound at all, and nothing beyond either end."""
    assert [rate(position) for position in range(FASTEST + 1)] == list(RATES)
    assert rate(-3) == RATES[0]
    assert rate(FASTEST + 3) == 0


def test_the_meter_knows_nothing_at_first() -> None:
    """One look tells no rate, nor do two that lie close together."""
    meter = Meter()
    meter.note(5.0, 0)
    assert meter.steps_per_s == 0
    meter.note(5.1, 40)
    assert meter.steps_per_s == 0


def test_the_meter_follows_a_change_of_pace() -> None:
    """What is older than the window no longer counts."""
    meter = Meter(window_s=1.0)
    for tick in range(31):
        meter.note(tick / 10, 10 * tick)
    assert meter.steps_per_s == pytest.approx(100)
    for tick in range(31, 61):
        meter.note(tick / 10, 300 + (tick - 30))
    assert meter.steps_per_s == pytest.approx(10)


def test_a_rest_does_not_count() -> None:
    """After a pause of minutes the rate is that of the steps since."""
    meter = Meter()
    meter.note(0.0, 0)
    meter.note(1.0, 100)
    meter.forget()
    meter.note(600.0, 101)
    assert meter.steps_per_s == 0
    meter.note(601.0, 201)
    assert meter.steps_per_s == pytest.approx(100)


def test_one_step_a_second_is_measured_too() -> None:
    """However slow, two looks are kept; a look at the same step adds nothing."""
    meter = Meter(window_s=1.5)
    for tick in range(100):
        meter.note(tick / 30, tick // 60)
    assert meter.steps_per_s == pytest.approx(0.5)
