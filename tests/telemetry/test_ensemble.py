"""Lanes that answer together, against NumPy and SciPy written out example by example."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax

from initviz.telemetry import synthetic
from initviz.telemetry.answering import ask
from initviz.telemetry.ensemble import FEWEST_KEPT, KEPT_BYTES, MOST_KEPT, Answers, AnswersKept, ensemble
from initviz.telemetry.history import RunHistory
from initviz.telemetry.monitor import Monitor
from tests.telemetry.races import DIGITS, DOCUMENTS, LANES, MOONS, race


def made_up(lanes: int = 4, examples: int = 50, classes: int = 5, step: int = 7) -> Answers:
    rng = np.random.default_rng(3)
    outputs = rng.normal(0, 2, (lanes, examples, classes))
    targets = rng.integers(0, classes, examples)
    outputs[:, np.arange(examples), targets] += 1.0
    return Answers(step, "classification", outputs, targets)


def check(answers: Answers, members: list[int], probabilities: np.ndarray, logits: np.ndarray) -> None:
    """Compare with sums over single examples; probabilities and logits are ``(M, N, C)`` of the members."""
    found = ensemble(answers, members)
    assert found is not None
    assert found.members == tuple(members)
    examples = range(len(answers.targets))
    target = answers.targets.tolist()
    mean = np.mean(probabilities, axis=0)
    by_logits = softmax(np.mean(logits, axis=0), axis=1)
    choices = [[int(np.argmax(one[n])) for one in probabilities] for n in examples]
    assert found.probabilities_loss == pytest.approx(-np.mean([np.log(mean[n, target[n]]) for n in examples]))
    assert found.logits_loss == pytest.approx(-np.mean([np.log(by_logits[n, target[n]]) for n in examples]))
    assert found.probabilities_accuracy == np.mean([mean[n].argmax() == target[n] for n in examples])
    assert found.logits_accuracy == np.mean([by_logits[n].argmax() == target[n] for n in examples])
    most = [max(sorted(Counter(each)), key=Counter(each).__getitem__) for each in choices]
    assert found.vote_accuracy == np.mean([most[n] == target[n] for n in examples])
    own = [np.mean([each[m] == target[n] for n, each in enumerate(choices)]) for m in range(len(members))]
    losses = [-np.mean([np.log(one[n, target[n]]) for n in examples]) for one in probabilities]
    assert found.mean_accuracy == pytest.approx(np.mean(own))
    assert found.best_accuracy == max(own)
    assert found.mean_loss == pytest.approx(np.mean(losses))
    assert found.best_loss == pytest.approx(min(losses))
    for i in range(len(members)):
        for j in range(len(members)):
            assert found.disagreement[i, j] == np.mean([each[i] != each[j] for each in choices])


@pytest.mark.parametrize("members", [[0, 1], [1, 3], [0, 1, 2, 3]])
def test_classes_are_averaged_and_voted_on(members: list[int]) -> None:
    answers = made_up()
    logits = answers.outputs[members]
    check(answers, members, softmax(logits, axis=2), logits)


def test_a_single_logit_stands_for_two_classes() -> None:
    rng = np.random.default_rng(5)
    outputs = rng.normal(0.5, 2, (3, 60, 1))
    answers = Answers(1, "binary", outputs, rng.integers(0, 2, 60))
    probability = expit(outputs)
    both = np.concatenate((1 - probability, probability), axis=2)
    check(answers, [0, 1, 2], both, np.concatenate((np.zeros_like(outputs), outputs), axis=2))


def test_predictions_of_a_regression_are_averaged() -> None:
    rng = np.random.default_rng(6)
    outputs, targets = rng.normal(size=(3, 40, 2)), rng.normal(size=(40, 2))
    found = ensemble(Answers(1, "regression", outputs, targets))
    assert found is not None
    assert found.probabilities_loss == found.logits_loss
    assert found.probabilities_loss == pytest.approx(np.mean((outputs.mean(0) - targets) ** 2))
    assert found.mean_loss == pytest.approx(np.mean((outputs - targets) ** 2))
    assert found.best_loss == pytest.approx(min(np.mean((one - targets) ** 2) for one in outputs))
    assert found.disagreement[0, 2] == pytest.approx(np.sqrt(np.mean((outputs[0] - outputs[2]) ** 2)))
    assert np.isnan([found.vote_accuracy, found.mean_accuracy, found.best_accuracy]).all()


def test_huge_logits_give_finite_losses() -> None:
    answers = Answers(1, "classification", np.array([[[2000.0, 0.0]], [[0.0, 2000.0]]]), np.array([0]))
    found = ensemble(answers)
    assert found is not None
    assert found.probabilities_loss == pytest.approx(np.log(2))
    assert found.mean_loss == pytest.approx(1000.0)


def test_a_lane_that_diverged_is_no_member() -> None:
    answers = made_up()
    outputs = answers.outputs.copy()
    outputs[1, 3] = np.nan
    found = ensemble(replace(answers, outputs=outputs))
    assert found is not None
    assert found.members == (0, 2, 3)
    assert ensemble(replace(answers, outputs=outputs), [0, 1]) is None
    assert ensemble(answers, [2]) is None


@pytest.mark.parametrize("name", ["moons", "digits", "mixed", "text"])
def test_a_race_is_asked_about_all_examples_held_back(name: str) -> None:
    monitor = Monitor(race(DOCUMENTS[name], steps=30), 1)
    for _ in range(30):
        monitor.advance()
    scores, found = monitor.validate(), monitor.ensemble()
    assert found is not None
    assert found.members == tuple(range(len(scores.loss)))
    assert found.mean_loss == pytest.approx(float(scores.loss.mean()), rel=1e-5)
    assert found.best_accuracy == pytest.approx(float(scores.accuracy.max()))
    assert found.mean_accuracy == pytest.approx(float(scores.accuracy.mean()))


def test_a_frame_tells_the_answers_and_the_run_is_not_touched() -> None:
    watched, plain = race(DIGITS, lanes=LANES, steps=20), race(DIGITS, lanes=LANES, steps=20)
    monitor = Monitor(watched, 1)
    for _ in range(20):
        monitor.advance(want_frame=True)
        next(plain)
    answers = monitor.frame().answers
    assert answers is not None
    assert answers.step == 20
    assert answers.complete
    expected = np.stack([one.numpy() for one in plain.predict(plain.data.validation_inputs)])
    np.testing.assert_array_equal(answers.outputs, expected)
    np.testing.assert_array_equal(answers.targets, plain.data.validation_targets.numpy())
    assert not answers.outputs.flags.writeable


def test_a_large_part_held_back_is_thinned_out_evenly() -> None:
    small = race(DIGITS, lanes=LANES)
    whole, thin = ask(small), ask(small, most=40 * 10 * len(LANES))
    assert whole is not None
    assert thin is not None
    assert not thin.complete
    assert 30 < len(thin.targets) <= 40
    every = -(-len(whole.targets) // 40)
    np.testing.assert_array_equal(thin.targets, whole.targets[::every])


@pytest.mark.parametrize(
    "document",
    [{**MOONS, "lanes": LANES[:1]}, {**MOONS, "lanes": LANES, "data": {"name": "moons", "validation": 0.0}}],
    ids=["one lane", "nothing held back"],
)
def test_without_others_or_examples_there_is_no_ensemble(document: dict[str, Any]) -> None:
    monitor = Monitor(race(document, steps=2), 1)
    monitor.advance(want_frame=True)
    assert monitor.ensemble() is None
    assert monitor.frame(complete=True).answers is None


def test_answers_are_kept_in_bounded_memory_over_the_whole_run() -> None:
    kept = AnswersKept()
    small = made_up()
    for step in range(0, 30_000, 7):
        kept.append(replace(small, step=step))
        assert len(kept) <= MOST_KEPT
    steps = [answers.step for answers in kept]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 29_995)
    assert len(steps) > MOST_KEPT / 3
    assert np.diff(steps).max() < 30_000 / MOST_KEPT * 4
    kept.append(replace(small, step=5))
    assert kept.latest is not None
    assert kept.latest.step == 29_995


def test_large_answers_are_kept_the_more_rarely() -> None:
    kept = AnswersKept()
    outputs = np.zeros((2, KEPT_BYTES // 8 // 2 // 10 // 20, 10))
    for step in range(200):
        kept.append(Answers(step, "classification", outputs, np.zeros(outputs.shape[1], np.int64)))
        assert len(kept) <= max(FEWEST_KEPT, 20)
    assert len(kept) >= FEWEST_KEPT


def test_the_history_keeps_what_frames_bring() -> None:
    info = synthetic.run_info(4, 3)
    history = RunHistory(info)
    for step in (0, 50, 50, 100):
        history.add_frame(synthetic.frame(info, step))
    assert [answers.step for answers in history.answers] == [0, 50, 100]
