"""What the lessons on optimizers, schedules and training remedies claim of their scenarios."""

from __future__ import annotations

from pathlib import Path

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from initviz.resources import resource

SCENARIOS = Path(str(resource("scenarios")))
MINE = (
    *("l1", "l2", "decoupled_decay"),
    *("gradient_centralization", "clip_value", "clip_norm", "agc"),
    *("lookahead", "swa", "ema"),
    *("warmup", "early_stopping", "mixed_precision"),
)


def run(key: str) -> Race:
    race = Race(
        load_experiment(SCENARIOS / f"{key}.toml", catalogue(), Limits()), catalogue(), Limits(), "cpu"
    )
    for _ in race:
        pass
    return race


def test_every_optimizer_schedule_and_remedy_here_is_in_a_scenario() -> None:
    used: set[tuple[str, str]] = set()
    for path in SCENARIOS.glob("*.toml"):
        if path.stem == "index":
            continue
        for lane in load_experiment(path, catalogue(), Limits()).lanes:
            used.add(("optimizer", lane.recipe.optimizer.name))
            used.add(("schedule", lane.recipe.schedule.name))
            used |= {("remedy", choice.name) for choice in lane.recipe.remedies}
    wanted = {(kind, part.key) for kind in ("optimizer", "schedule") for part in catalogue().parts(kind)}
    assert wanted | {("remedy", key) for key in MINE} <= used


def test_warmup_saves_an_exploding_start() -> None:
    race = run("warmup")
    assert list(race.diverged) == [0]
    assert (race.evaluate()[1][1:] > 0.8).all()


def test_lookahead_keeps_a_restless_optimizer_on_its_feet() -> None:
    _, accuracy = run("lookahead").evaluate()
    assert accuracy[0] < 0.3
    assert accuracy[1] > 0.9


def test_averaged_weights_are_better_where_raw_ones_jump() -> None:
    race = run("weight_averaging")
    raw, _ = race.evaluate()
    for group in race.groups:
        outputs = group.averaged_outputs()
        (lane,) = group.lanes
        assert (outputs is None) == (lane == 0)
        if outputs is not None:
            answers = outputs(race.data.validation_inputs)
            targets = race.data.validation_targets
            right = (answers[0].argmax(1) == targets).double().mean()
            plain = (group.outputs(race.data.validation_inputs)[0].argmax(1) == targets).double().mean()
            assert float(right) > float(plain) + 0.02
    assert raw[2] == raw[0], "EMA leaves training alone"


def test_lanes_that_stop_early_are_better_than_one_that_does_not() -> None:
    race = run("early_stopping")
    loss, accuracy = race.evaluate()
    assert (accuracy[1:] > accuracy[0] + 0.1).all()
    assert (loss[1:] < 0.7 * loss[0]).all()
