"""Schedules are what ``torch.optim.lr_scheduler`` makes of the same numbers; warmup comes before any."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from initviz.catalog.index import catalogue
from initviz.catalog.parts import SchedulePart
from initviz.catalog.remedy_part import GroupPlan, RemedyPart
from initviz.experiment.errors import ExperimentError
from initviz.experiment.values import Choice
from tests.engine.oracle import SCHEDULES, Document, race

STEPS = 300
LR = 0.3

CASES: list[dict[str, Any]] = [
    {"name": "constant"},
    {"name": "step", "step_size": 40, "gamma": 0.3},
    {"name": "multi_step", "milestones": (0.2, 0.5, 0.5, 0.9), "gamma": 0.4},
    {"name": "multi_step", "milestones": (0.7, 0.1)},
    {"name": "exponential", "gamma": 0.98},
    {"name": "polynomial"},
    {"name": "polynomial", "power": 2.5},
    {"name": "polynomial", "power": 0.5},
    {"name": "cosine"},
    {"name": "cosine", "final_factor": 0.1},
    {"name": "warm_restarts", "t_0": 30, "t_mult": 1},
    {"name": "warm_restarts", "t_0": 20, "t_mult": 2, "final_factor": 0.05},
    {"name": "warm_restarts", "t_0": 1, "t_mult": 3},
    {"name": "cyclic", "steps_up": 25},
    {"name": "cyclic", "steps_up": 25, "steps_down": 10, "low_factor": 0.0},
    {"name": "cyclic", "steps_up": 7, "steps_down": 30, "mode": "triangular2"},
    {"name": "cyclic", "steps_up": 20, "mode": "exp_range", "gamma": 0.99},
    {"name": "one_cycle"},
    {
        "name": "one_cycle",
        "anneal": "linear",
        "pct_start": 0.45,
        "div_factor": 10.0,
        "final_div_factor": 50.0,
    },
    {"name": "range_test"},
    {"name": "range_test", "growth": "linear", "start_factor": 0.01, "end_factor": 10.0},
    {"name": "reduce_on_plateau"},
]


def chosen(kind: str, name: str, **values: Any) -> tuple[Any, Choice]:
    part = catalogue().get(kind, name)
    return part, part.choose(**values)


def optimizer() -> SGD:
    return SGD([torch.zeros(1, requires_grad=True)], lr=LR, momentum=0.0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(str(value) for value in case.values()))
def test_factor_is_that_of_torch(case: dict[str, Any]) -> None:
    part, choice = chosen("schedule", **case)
    factor = part.factor(choice, STEPS)
    plain = optimizer()
    schedule = SCHEDULES[part.key](plain, choice, STEPS)
    found, wanted = [], []
    for step in range(STEPS):
        found.append(LR * factor(step))
        wanted.append(float(plain.param_groups[0]["lr"]))
        plain.step()
        schedule.step()
    assert found == pytest.approx(wanted, rel=1e-12, abs=1e-15)
    assert len(set(wanted)) > 1 or part.key in ("constant", "reduce_on_plateau")


def test_every_schedule_is_compared() -> None:
    keys = {part.key for part in catalogue().parts("schedule")}
    assert keys == set(SCHEDULES) == {case["name"] for case in CASES}


def test_polynomial_ends_at_its_end() -> None:
    part, choice = chosen("schedule", "polynomial", final_factor=0.25, power=3.0)
    bare = part.factor(part.choose(power=3.0), STEPS)
    factor = part.factor(choice, STEPS)
    for step in range(STEPS + 1):
        assert factor(step) == pytest.approx(0.25 + 0.75 * bare(step), rel=1e-14)
    assert factor(STEPS) == 0.25


@pytest.mark.parametrize("key", [part.key for part in catalogue().parts("schedule")])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_runs_have_rates_too(key: str, steps: int) -> None:
    part, choice = chosen("schedule", key)
    factor = part.factor(choice, steps)
    assert all(0.0 <= factor(step) <= 100.0 for step in range(steps + 2))


def test_a_range_must_rise() -> None:
    part, choice = chosen("schedule", "range_test", start_factor=1.0, end_factor=1.0)
    assert part.problem(choice) is not None
    assert part.problem(part.choose()) is None


# Reduce on plateau


@pytest.mark.parametrize(
    "values",
    [
        {"patience": 3, "gamma": 0.5},
        {"patience": 0, "gamma": 0.5, "threshold": 0.1, "min_factor": 0.05},
        {"patience": 2, "gamma": 0.3, "cooldown": 4, "metric": "training_loss"},
        {"patience": 1, "gamma": 0.9, "threshold": 0.0, "cooldown": 1},
    ],
    ids=str,
)
def test_plateau_is_that_of_torch(values: dict[str, Any]) -> None:
    part, choice = chosen("schedule", "reduce_on_plateau", **values)
    assert isinstance(part, SchedulePart)
    assert part.reaction is not None
    assert not part.previews
    mine = part.reaction(choice)
    plain = optimizer()
    schedule = lr_scheduler.ReduceLROnPlateau(
        plain,
        factor=choice.number("gamma"),
        patience=choice.integer("patience"),
        threshold=choice.number("threshold"),
        cooldown=choice.integer("cooldown"),
        min_lr=LR * choice.number("min_factor"),
        eps=0.0,
    )
    generator = torch.Generator().manual_seed(1)
    noise = torch.rand(STEPS, generator=generator, dtype=torch.float64)
    losses = [2.0 * math.exp(-epoch / 30) + 0.05 * float(noise[epoch]) for epoch in range(STEPS)]
    losses[50] = math.nan
    follows_training = choice.string("metric") == "training_loss"
    for loss in losses:
        mine.hear(loss if follows_training else 7.0, 7.0 if follows_training else loss)
        schedule.step(loss)
        assert LR * mine.factor == pytest.approx(plain.param_groups[0]["lr"], rel=1e-12)
    assert mine.factor < 1.0


DIGITS: Document = {
    "dtype": "float64",
    "steps": 60,
    "data": {"name": "digits", "batch_size": 128},
    "model": {"family": "mlp", "depth": 2, "width": 8, "activation": "tanh"},
    "optimizer": {"name": "sgd", "lr": 0.01},
}


def test_a_lane_on_a_plateau_slows_down_alone() -> None:
    lanes: list[Document] = [
        {"name": "learns"},
        {"name": "cannot", "init": {"weight": {"name": "zeros"}}},
    ]
    schedule = {"name": "reduce_on_plateau", "patience": 1, "threshold": 0.05, "gamma": 0.5}
    running = race(DIGITS, schedule=schedule, lanes=lanes)
    rates = [state.lr for state in running]
    assert rates[0] == (0.01, 0.01)
    assert rates[-1][0] == 0.01
    assert rates[-1][1] < 0.01


def test_a_plateau_of_the_validation_loss_needs_examples_held_back() -> None:
    data = {**DIGITS["data"], "validation": 0.0}
    with pytest.raises(ExperimentError, match=r"^schedule\.metric: "):
        race(DIGITS, data=data, schedule={"name": "reduce_on_plateau"})
    race(DIGITS, data=data, schedule={"name": "reduce_on_plateau", "metric": "training_loss"})


# Warmup


def plan(**changes: Any) -> GroupPlan:
    values: dict[str, Any] = {
        "num_lanes": 1,
        "size": 1,
        "tensors": (),
        "total_steps": STEPS,
        "steps_per_epoch": 10,
        "lr": LR,
    }
    return GroupPlan(**(values | changes))


@pytest.mark.parametrize("case", CASES[1:10], ids=lambda case: "-".join(str(v) for v in case.values()))
def test_linear_warmup_before_a_schedule_is_both_of_torch(case: dict[str, Any]) -> None:
    part, choice = chosen("schedule", **case)
    warmup, values = chosen("remedy", "warmup", warmup_steps=80, start_factor=0.05)
    rule = warmup.rule(values, plan())
    factor = part.factor(choice, STEPS)
    rising, falling = optimizer(), optimizer()
    schedules = [
        lr_scheduler.LinearLR(rising, start_factor=0.05, total_iters=80),
        SCHEDULES[part.key](falling, choice, STEPS),
    ]
    for step in range(STEPS):
        wanted = rising.param_groups[0]["lr"] * falling.param_groups[0]["lr"] / LR
        assert LR * rule.rate(step, factor(step)) == pytest.approx(wanted, rel=1e-12)
        for each, schedule in zip((rising, falling), schedules, strict=True):
            each.step()
            schedule.step()


def test_exponential_warmup_grows_by_one_factor() -> None:
    warmup, choice = chosen("remedy", "warmup", warmup_steps=50, start_factor=0.01, growth="exponential")
    rule = warmup.rule(choice, plan())
    plain = optimizer()
    plain.param_groups[0]["lr"] *= 0.01
    schedule = lr_scheduler.ExponentialLR(plain, 100.0 ** (1 / 50))
    for step in range(51):
        assert LR * rule.rate(step, 1.0) == pytest.approx(plain.param_groups[0]["lr"], rel=1e-12)
        plain.step()
        schedule.step()
    assert rule.rate(50, 1.0) == rule.rate(299, 1.0) == 1.0


def test_no_warmup_of_a_measurement() -> None:
    with pytest.raises(ExperimentError, match=r"^remedies\.warmup: "):
        race(DIGITS, schedule={"name": "range_test"}, remedies={"warmup": True})


def test_warmup_is_a_remedy_of_the_training_loop() -> None:
    running = race(DIGITS, remedies={"warmup": {"warmup_steps": 20, "start_factor": 0.1}})
    rates = [state.lr[0] for state in running]
    assert rates[:20] == pytest.approx([0.01 * (0.1 + 0.9 * step / 20) for step in range(20)])
    assert set(rates[20:]) == {0.01}
    assert isinstance(catalogue().get("remedy", "warmup"), RemedyPart)
