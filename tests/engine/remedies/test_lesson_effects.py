"""What the lessons on methods of many networks claim of their scenarios, over five seeds."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from initviz.engine.race import Race
from initviz.resources import resource
from tests.engine.oracle import race

SEEDS = 5
Found = dict[str, NDArray[np.float64]]


def scenario(key: str) -> dict[str, Any]:
    return tomllib.loads(Path(str(resource("scenarios", f"{key}.toml"))).read_text("utf-8"))


def trained(document: dict[str, Any]) -> Race:
    running = race(document)
    for _ in running:
        pass
    return running


def by_lane(running: Race, scores: NDArray[np.float64]) -> Found:
    """Return every lane's score as it is written, ``(5,)`` seeds, by its name."""
    names = list(dict.fromkeys(lane.group_name or lane.name for lane in running.experiment.lanes))
    found = {name: scores[SEEDS * place : SEEDS * (place + 1)] for place, name in enumerate(names)}
    assert all(len(each) == SEEDS for each in found.values())
    return found


def accuracies(document: dict[str, Any]) -> Found:
    running = trained(document)
    return by_lane(running, running.evaluate()[1])


def changed(key: str, lane: str, **tables: Any) -> dict[str, Any]:
    """Return a scenario's document in which one lane has other tables."""
    document = copy.deepcopy(scenario(key))
    next(table for table in document["lanes"] if table["name"] == lane).update(tables)
    return document


def test_easy_first_learns_fewer_errors_by_heart_and_hard_first_more() -> None:
    found = accuracies(scenario("curriculum"))
    plain = found["All at once"]
    assert found["Easy first"].min() > plain.max()
    assert found["Easy first"].mean() > plain.mean() + 0.08
    assert found["Hard first"].max() < plain.min()


def test_without_errors_easy_first_gains_nothing_and_known_errors_gain_less_than_the_margin() -> None:
    clean = scenario("curriculum")
    clean["data"]["label_noise"] = 0.0
    found = accuracies(clean)
    assert found["All at once"].mean() > 0.97
    assert found["Easy first"].mean() < found["All at once"].mean()
    told = {"curriculum": {"difficulty": "label_noise", "start_share": 0.5, "full_at": 1.0}}
    by_margin = accuracies(scenario("curriculum"))
    by_noise = accuracies(changed("curriculum", "Easy first", remedies=told))
    assert (
        by_noise["All at once"].mean() + 0.03 < by_noise["Easy first"].mean() < by_margin["Easy first"].mean()
    )


def test_a_teacher_keeps_its_students_from_the_errors() -> None:
    found = accuracies(scenario("distillation"))
    assert found["Right teacher"].min() > 0.95
    assert found["Noisy teacher"].min() > found["Labels alone"].max() + 0.1


def test_a_start_from_an_autoencoder_gains_a_little_and_held_still_it_loses_much() -> None:
    running = trained(scenario("from_an_autoencoder"))
    losses, found = (by_lane(running, scores) for scores in running.evaluate())
    assert (losses["Pretrained"] < losses["Random"]).mean() >= 0.8
    assert losses["Pretrained"].mean() < losses["Random"].mean() - 0.02
    assert abs(found["Pretrained"].mean() - found["Random"].mean()) < 0.02
    assert found["Pretrained, held still"].max() < found["Random"].min() - 0.08


def test_what_was_learned_on_other_digits_is_no_better_than_a_good_start_and_far_better_than_a_bad_one() -> (
    None
):
    found = accuracies(scenario("transfer"))
    random, pretrained = found["Random"], found["Pretrained"]
    assert abs(random.mean() - pretrained.mean()) < 0.01
    assert pretrained.std() < random.std()
    assert found["First layer frozen"].max() < random.min() - 0.04
    small = {"weight": {"name": "normal", "std": 0.01}}
    bad = accuracies(changed("transfer", "Random", init=small))
    assert bad["Random"].max() < bad["Pretrained"].min() - 0.4


def test_with_many_units_freezing_the_first_layer_costs_nothing() -> None:
    document = scenario("transfer")
    document["model"]["width"] = 256
    found = accuracies(document)
    assert abs(found["First layer frozen"].mean() - found["Pretrained"].mean()) < 0.01


def test_thawing_makes_up_most_of_what_freezing_costs_and_a_smaller_rate_a_part() -> None:
    found = accuracies(scenario("thawing"))
    frozen, thawed, slower = found.values()
    assert (frozen + 0.02 < slower).all()
    assert (slower < thawed).all()
    free = accuracies(changed("thawing", "Frozen to the end", remedies={}))
    assert free["Frozen to the end"].mean() > thawed.mean() + 0.02


def test_an_ensemble_is_better_than_its_best_member() -> None:
    running = trained(scenario("ensemble"))
    outputs = [each.double().numpy() for each in running.predict(running.data.validation_inputs)]
    targets = running.data.validation_targets.numpy()
    loss, accuracy = running.evaluate()
    shares = np.mean([_softmax(each) for each in outputs], axis=0)
    together = (shares.argmax(1) == targets).mean()
    assert together > accuracy.max() + 0.005
    assert together > accuracy.mean() + 0.015
    assert -np.log(shares[np.arange(len(targets)), targets]).mean() < loss.min()


def _softmax(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(outputs - outputs.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True))


def test_snapshots_together_are_better_than_the_last_weights_and_neighbours_are_not() -> None:
    running = trained(scenario("snapshot_ensemble"))
    gain = _gain(running)
    assert gain.min() > 0.03
    raw = by_lane(running, running.evaluate()[1])
    np.testing.assert_array_equal(raw["Snapshots"], raw["Raw weights only"])
    often = changed("snapshot_ensemble", "Snapshots", remedies={"snapshot_ensemble": {"every": 20}})
    assert np.abs(_gain(trained(often))).max() < gain.min()


def _gain(running: Race) -> NDArray[np.float64]:
    averaged = running.evaluate_averaged()
    assert averaged is not None
    assert (averaged[0] < running.evaluate()[0] + 0.01)[SEEDS:].all()
    return by_lane(running, averaged[1] - running.evaluate()[1])["Snapshots"]


@pytest.mark.parametrize(
    "key",
    ["curriculum", "distillation", "from_an_autoencoder", "transfer", "thawing", "snapshot_ensemble"],
)
def test_each_has_a_lane_without_it_and_five_seeds_of_every_lane(key: str) -> None:
    lanes = scenario(key)["lanes"]
    assert {lane["repeat"] for lane in lanes} == {SEEDS}
    if key != "thawing":  # it compares three ways of doing the same
        assert not lanes[0].keys() & {"remedies", "init"}
