"""What the made-up sequences ask is what they say they ask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from initviz.catalog.datasets.mnist1d import templates
from initviz.catalog.index import catalogue
from initviz.catalog.parts import Examples, LoadableDatasetPart


def load(key: str, seed: int = 3, **values: Any) -> Examples:
    part = catalogue().get("dataset", key)
    assert isinstance(part, LoadableDatasetPart)
    return part.load(part.choose(**values), seed)


@pytest.mark.parametrize(("length", "delay", "symbols"), [(3, 5, 4), (1, 1, 2), (4, 20, 8)])
def test_the_copy_task_asks_for_what_was_shown(length: int, delay: int, symbols: int) -> None:
    examples = load("copy", length=length, delay=delay, symbols=symbols, samples=200)
    assert (examples.inputs.sum(axis=2) == 1).all(), "one symbol a step"
    codes = examples.inputs.argmax(axis=2)
    first_answer = length + delay
    assert np.array_equal(examples.targets[:, first_answer:], codes[:, :length])
    assert not examples.targets[:, :first_answer].any()
    assert set(codes[:, :length].ravel()) == set(range(1, symbols + 1))
    assert (codes[:, first_answer - 1] == symbols + 1).all(), "the mark is where the waiting ends"
    assert ((codes == symbols + 1).sum(axis=1) == 1).all()
    assert not codes[:, length : first_answer - 1].any()
    assert not codes[:, first_answer:].any(), "nothing is shown while it answers"


def test_the_adding_problem_marks_one_number_in_each_half() -> None:
    examples = load("adding", length=11, samples=3000)
    values, marks = examples.inputs[..., 0], examples.inputs[..., 1]
    assert set(marks.ravel()) == {0.0, 1.0}
    assert (marks[:, :5].sum(axis=1) == 1).all()
    assert (marks[:, 5:].sum(axis=1) == 1).all()
    assert (marks.sum(axis=0) > 0).all(), "every place is marked at times"
    assert np.allclose(examples.targets[:, 0], (values * marks).sum(axis=1))
    assert np.mean((examples.targets - 1) ** 2) == pytest.approx(1 / 6, rel=0.1)


def mnist1d(**values: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    examples = load("mnist1d", **values)
    return examples.inputs, examples.targets.astype(np.int64)


def test_mnist1d_curves_begin_at_nothing_and_are_of_one_size() -> None:
    assert not templates()[:, 0].any()
    assert np.allclose(templates().std(axis=1), 1 / 6)
    distances = np.linalg.norm(templates()[:, None] - templates()[None], axis=2)
    assert (distances[~np.eye(10, dtype=bool)] > 0.1).all()


def test_mnist1d_is_as_hard_as_its_paper_says() -> None:
    """Greydanus and Kobak 2020 report 32 % for a linear model, near chance for what sees only places."""
    inputs, targets = mnist1d()
    assert inputs.mean() == pytest.approx(0, abs=1e-12)
    assert inputs.std() == pytest.approx(1)
    assert np.bincount(targets).tolist() == [500] * 10
    linear = LogisticRegression(max_iter=500).fit(inputs[:4000], targets[:4000])
    assert 0.25 < linear.score(inputs[4000:], targets[4000:]) < 0.40


def test_mnist1d_noise_is_what_hides_the_curves() -> None:
    def nearest(noise: float) -> float:
        inputs, targets = mnist1d(noise=noise, samples=3000)
        return float(
            KNeighborsClassifier(1).fit(inputs[:2500], targets[:2500]).score(inputs[2500:], targets[2500:])
        )

    assert nearest(0.0) > nearest(1.0) + 0.1 > nearest(6.0) + 0.2


def test_mnist1d_is_the_same_as_a_list_and_as_a_sequence() -> None:
    listed, targets = mnist1d(samples=100)
    sequence, again = mnist1d(samples=100, form="sequence")
    assert sequence.shape == (100, 40, 1)
    assert np.array_equal(sequence[..., 0], listed)
    assert np.array_equal(targets, again)


def test_steps_of_a_sequence_are_standardized_alike() -> None:
    """The same weights read every step, so a mark at a fixed step must not be taken out as if it never varied."""
    from tests.engine.oracle import race

    data = race({"data": {"name": "copy", "samples": 200}, "model": {"family": "recurrent"}}).data
    assert data.mean.shape == data.scale.shape == data.info.shape
    assert (data.mean == data.mean[:1]).all()
    assert (data.scale == data.scale[:1]).all()
    mark = data.inputs[..., -1]
    assert (mark.max(dim=1).values > mark.mean(dim=1) + 1).all()
