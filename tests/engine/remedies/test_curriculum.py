"""Curricula: which examples are in use when, by what difficulty, and that lanes train on just these."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from initviz.catalog.index import catalogue
from initviz.catalog.remedies.curriculum import by_margin, pacing
from initviz.catalog.remedy_part import RemedyPart, TrainingExamples
from initviz.engine.curriculum import ranks
from initviz.engine.data import Batches
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.values import Choice
from tests.engine.oracle import Document
from tests.engine.remedies.side_by_side import CURVE, DIGITS, MOONS, STEPS, check_against_plain, three_lanes

NOISY: Document = {**DIGITS, "label_noise": 0.4}
UNTIL_THE_END: Document = {"start_share": 0.25, "full_at": 1.0}


def chosen(**values: float | str | bool) -> Choice:
    part = catalogue().get("remedy", "curriculum")
    assert isinstance(part, RemedyPart)
    return part.choose(**values)


def served(running: Race) -> Batches:
    return running.groups[0].data


def rows(inputs: torch.Tensor) -> set[bytes]:
    return {row.numpy().tobytes() for row in inputs}


@pytest.mark.parametrize(
    ("kind", "middle"),
    [
        ("linear", 0.6),
        ("root", math.sqrt((0.04 + 1.0) / 2)),
        ("exponential", math.sqrt(0.2)),
        ("step", 0.2 + 0.8 / 4),
    ],
)
def test_the_share_grows_from_the_start_to_all_as_it_is_told(kind: str, middle: float) -> None:
    share = pacing(chosen(pacing=kind, start_share=0.2, full_at=0.8, jumps=4))
    assert share(0.0) == pytest.approx(0.2)
    assert share(0.4 - 1e-12 if kind == "step" else 0.4) == pytest.approx(middle)
    assert share(0.8) == share(1.0) == 1.0
    found = [share(x / 100) for x in range(101)]
    assert found == sorted(found)


def test_the_share_grows_in_as_many_steps_as_asked_for() -> None:
    share = pacing(chosen(pacing="step", start_share=0.1, full_at=1.0, jumps=3))
    assert {round(share(x / 1000), 6) for x in range(1001)} == {0.1, 0.4, 0.7, 1.0}


def test_the_margin_is_that_of_the_linear_model() -> None:
    random = np.random.default_rng(0)
    targets = np.arange(90) % 3
    inputs = random.normal(size=(90, 2, 3)) + targets[:, None, None]
    nothing = np.zeros(0)
    found = by_margin(
        TrainingExamples(inputs=inputs, targets=targets, wrong=nothing.astype(bool), teacher_losses=nothing)
    )
    scores = (
        LogisticRegression(max_iter=100)
        .fit(inputs.reshape(90, 6), targets)
        .decision_function(inputs.reshape(90, 6))
    )
    for place in range(90):
        own = scores[place, targets[place]]
        assert found[place] == pytest.approx(max(np.delete(scores[place], targets[place])) - own)
    two = by_margin(
        TrainingExamples(
            inputs=inputs,
            targets=(targets > 0).astype(np.int64),
            wrong=nothing.astype(bool),
            teacher_losses=nothing,
        )
    )
    model = LogisticRegression(max_iter=100).fit(inputs.reshape(90, 6), targets > 0)
    signed = np.where(targets > 0, -1, 1) * model.decision_function(inputs.reshape(90, 6))
    assert two == pytest.approx(signed)


def test_every_class_has_the_same_share_in_use() -> None:
    random = np.random.default_rng(0)
    classes = random.permutation(np.repeat([0, 1, 2], [100, 50, 10]))
    difficulty = random.normal(size=160) + classes
    places = ranks(difficulty, classes)
    for count in (32, 80, 128):
        for name, size in ((0, 100), (1, 50), (2, 10)):
            used = places[classes == name] < count
            assert abs(used.sum() - size * count / 160) <= 1
            own = difficulty[classes == name]
            assert own[used].max() < own[~used].min(), "the easiest of each"
    plain = ranks(difficulty, None)
    assert (difficulty[np.argsort(plain)] == np.sort(difficulty)).all()


def test_a_batch_is_of_the_easiest_in_use_and_as_large_as_ever() -> None:
    running = three_lanes(NOISY, {"curriculum": {"difficulty": "label_noise", **UNTIL_THE_END}})
    data, plain = served(running), running.data
    right, wrong = rows(plain.inputs[~plain.wrong]), rows(plain.inputs[plain.wrong])
    assert plain.wrong.mean() == pytest.approx(0.4, abs=0.01)
    seen = 0
    for step in range(STEPS):
        inputs, targets = data.batch(step)
        assert len(inputs) == len(targets) == 32
        among = rows(inputs)
        share = data.share_in_use(step)
        assert share == pytest.approx(0.25 + 0.75 * step / STEPS, abs=1e-3)
        if share is not None and share < 0.59:
            assert among <= right
        seen += len(among & wrong)
    assert seen > 0, "wrong labels come in the end"


def test_hard_examples_first_turns_the_order_round() -> None:
    running = three_lanes(
        NOISY, {"curriculum": {"difficulty": "label_noise", "hard_first": True, **UNTIL_THE_END}}
    )
    wrong = rows(running.data.inputs[running.data.wrong])
    assert rows(served(running).batch(0)[0]) <= wrong


def test_all_examples_in_use_have_their_turn() -> None:
    running = three_lanes(
        {**DIGITS, "batch_size": 100},
        {"curriculum": {"start_share": 0.3, "pacing": "step", "jumps": 1, "full_at": 1.0}},
    )
    data = served(running)
    found = set().union(*(rows(data.batch(step)[0]) for step in range(5)))
    assert len(found) == round(0.3 * data.num_training)


def test_once_all_are_in_use_the_batches_are_those_of_lanes_without() -> None:
    running = three_lanes(DIGITS, {"curriculum": {"full_at": 0.5}})
    data = served(running)
    for step in range(STEPS):
        same = torch.equal(data.batch(step)[0], running.data.batch(step)[0])
        assert same == (step >= STEPS // 2)


def test_the_seed_and_the_step_alone_decide_a_batch() -> None:
    remedies = {"curriculum": True, "weighted_sampling": True}
    first, again = (served(three_lanes({**DIGITS, "imbalance": 5.0}, remedies)) for _ in range(2))
    forward = [first.batch(step)[0] for step in range(STEPS)]
    for step in reversed(range(STEPS)):
        assert torch.equal(again.batch(step)[0], forward[step])


def test_averages_are_renewed_with_all_examples() -> None:
    running = three_lanes(DIGITS, {"curriculum": True})
    inputs = torch.cat(served(running).epoch_inputs())
    assert rows(inputs) == rows(running.data.inputs)


REMEDIES: dict[str, Document] = {
    "margin": {"curriculum": True},
    "hard": {"curriculum": {"hard_first": True, "by_class": False, "pacing": "root"}},
    "noise": {"curriculum": {"difficulty": "label_noise", "pacing": "exponential"}},
    "sampled": {"curriculum": {"pacing": "step"}, "weighted_sampling": True, "augment_noise": True},
    "oversampled": {"curriculum": True, "oversample": True},
}


@pytest.mark.parametrize("data", [DIGITS, MOONS], ids=["digits", "moons"])
@pytest.mark.parametrize("remedies", REMEDIES.values(), ids=REMEDIES)
def test_a_race_trains_as_plain_networks_on_the_same_batches(data: Document, remedies: Document) -> None:
    check_against_plain(three_lanes({**data, "label_noise": 0.2, "imbalance": 3.0}, remedies))


def test_the_share_in_use_is_shown_for_lanes_with_a_curriculum_alone() -> None:
    lanes = [{"name": "with"}, {"name": "without", "remedies": {"curriculum": False}}]
    running = three_lanes(DIGITS, {"curriculum": {"start_share": 0.5, "full_at": 1.0}}, lanes=lanes)
    assert [info.key for info in running.gauge_infos] == ["share_in_use"]
    shares = []
    for _ in running:
        share, nothing = running.gauges()["share_in_use"]
        assert math.isnan(nothing)
        shares.append(share)
    assert shares == pytest.approx([0.5 + 0.5 * step / STEPS for step in range(STEPS)], abs=1e-3)


WRONG = [
    (CURVE, {}, "one class each", "difficulty"),
    (DIGITS, {"difficulty": "label_noise"}, "known to be wrong", "difficulty"),
    (DIGITS, {"difficulty": "teacher_loss"}, "no stage called 'teacher'", "teacher"),
    (DIGITS, {"difficulty": "teacher_loss", "teacher": "teacher"}, "expected stage:NAME", "teacher"),
]


@pytest.mark.parametrize(("data", "values", "words", "key"), WRONG)
def test_a_curriculum_with_nothing_to_go_by_is_refused(
    data: Document, values: Document, words: str, key: str
) -> None:
    with pytest.raises(ExperimentError, match=words) as caught:
        read_document({"data": data, "remedies": {"curriculum": values}}, catalogue(), Limits())
    assert caught.value.path == f"remedies.curriculum.{key}"


def test_nobody_knows_which_made_example_is_wrong() -> None:
    remedies = {"curriculum": {"difficulty": "label_noise"}, "oversample": True}
    with pytest.raises(ExperimentError, match="nobody knows"):
        read_document({"data": NOISY, "remedies": remedies}, catalogue(), Limits())
