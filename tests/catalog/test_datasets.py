"""The data sets: real ones as scikit-learn has them, made-up ones as their formulas say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn import datasets

from initviz.catalog.index import catalogue
from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.values import DataInfo, Task


def load(key: str, seed: int = 0, **values: Any) -> Examples:
    part = catalogue().get("dataset", key)
    assert isinstance(part, LoadableDatasetPart)
    return part.load(part.choose(**values), seed)


def describe(key: str, **values: Any) -> DataInfo:
    part = catalogue().get("dataset", key)
    assert isinstance(part, LoadableDatasetPart)
    return part.describe(part.choose(**values))


# real


@pytest.mark.parametrize("key", ["wine", "breast_cancer", "iris"])
def test_tables_are_the_real_ones(key: str) -> None:
    bunch = getattr(datasets, f"load_{key}")()
    examples = load(key)
    assert np.array_equal(examples.inputs, bunch.data)
    assert np.array_equal(examples.targets, bunch.target)
    assert examples.class_names == tuple(bunch.target_names)


def test_digits_are_the_real_ones_from_0_to_1() -> None:
    bunch = datasets.load_digits()
    examples = load("digits")
    assert np.array_equal(examples.inputs[:, 0] * 16, bunch.images)
    assert np.array_equal(examples.targets, bunch.target)
    assert examples.class_names == tuple("0123456789")
    assert (examples.inputs.min(), examples.inputs.max()) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("asked", "digits"),
    [("0-4", [0, 1, 2, 3, 4]), ("9, 5-8", [5, 6, 7, 8, 9]), ([7, 1], [1, 7]), ("", list(range(10)))],
)
def test_some_digits_are_those_of_the_whole_in_its_order(asked: object, digits: list[int]) -> None:
    part = catalogue().get("dataset", "digits")
    classes = part.parameter("classes").check(asked, "data.classes")
    bunch = datasets.load_digits()
    wanted = np.isin(bunch.target, digits)
    examples, said = load("digits", classes=classes), describe("digits", classes=classes)
    assert np.array_equal(examples.inputs[:, 0] * 16, bunch.images[wanted])
    assert np.array_equal(np.array(digits)[examples.targets], bunch.target[wanted])
    assert examples.class_names == tuple(map(str, digits))
    assert said.num_samples == wanted.sum()
    assert (said.task, said.num_outputs) == (
        ("binary", 1) if len(digits) == 2 else ("classification", len(digits))
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("3", "at least 2 classes"),
        ("0-10", "10 is outside the range 0 to 9"),
        ("0-4;7", "classes such as 0-4"),
        ("-1", "classes such as 0-4"),
        ("0-999999999999", "classes such as 0-4"),
        ([0, True], "expected a text"),
        (["0"], "expected a text"),
        (7, "expected a text"),
    ],
)
def test_digits_that_there_are_not_are_refused_in_words(asked: object, words: str) -> None:
    document = {"data": {"name": "digits", "classes": asked}}
    with pytest.raises(ExperimentError, match=words) as caught:
        read_document(document, catalogue(), Limits())
    assert caught.value.path == "data.classes"


def test_real_data_do_not_depend_on_the_seed() -> None:
    assert np.array_equal(load("iris", 1).inputs, load("iris", 2).inputs)


# points

POINTS = ["moons", "circles", "spirals", "xor"]


@pytest.mark.parametrize("key", POINTS)
@pytest.mark.parametrize("samples", [8, 501])
def test_points_are_shared_evenly_and_mixed(key: str, samples: int) -> None:
    assert describe(key, samples=samples) == DataInfo((2,), "binary", 1, samples)
    targets = load(key, samples=samples).targets
    assert len(targets) == samples
    assert abs(int((targets == 0).sum()) - int((targets == 1).sum())) <= 1
    assert 0 < (np.diff(targets) == 0).sum() < samples - 1, "neither sorted nor alternating"


@pytest.mark.parametrize("key", [*POINTS, "gaussian"])
def test_another_seed_gives_other_examples(key: str) -> None:
    assert not np.array_equal(load(key, 1).inputs, load(key, 2).inputs)


@pytest.mark.parametrize("key", POINTS)
def test_noise_is_normal_with_the_deviation_asked_for(key: str) -> None:
    clean, noisy = (load(key, 3, samples=4000, noise=noise) for noise in (0.0, 0.25))
    assert np.array_equal(clean.targets, noisy.targets)
    scatter = (noisy.inputs - clean.inputs).ravel()
    assert stats.kstest(scatter, stats.norm(0, 0.25).cdf).pvalue > 1e-4


def polar(points: Any) -> tuple[Any, Any]:
    return np.hypot(points[:, 0], points[:, 1]), np.arctan2(points[:, 1], points[:, 0])


def test_moons_lie_on_two_half_circles() -> None:
    examples = load("moons", noise=0.0)
    upper, lower = (examples.inputs[examples.targets == k] for k in (0, 1))
    radius, angle = polar(upper)
    assert radius == pytest.approx(1.0)
    assert angle.min() >= 0
    radius, angle = polar(lower - [1.0, 0.5])
    assert radius == pytest.approx(1.0)
    assert angle.max() <= 0
    assert stats.kstest(-angle, stats.uniform(0, np.pi).cdf).pvalue > 1e-4


def test_circles_have_their_radii() -> None:
    examples = load("circles", noise=0.0, factor=0.3)
    radius, angle = polar(examples.inputs)
    assert radius == pytest.approx(np.where(examples.targets == 1, 0.3, 1.0))
    assert stats.kstest(angle, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-4


@pytest.mark.parametrize("turns", [0.5, 1.5, 3.0])
def test_spirals_wind_as_often_as_asked(turns: float) -> None:
    examples = load("spirals", noise=0.0, turns=turns)
    radius, angle = polar(examples.inputs)
    expected = 2 * np.pi * turns * radius + np.pi * examples.targets
    assert np.cos(angle - expected) == pytest.approx(1.0)
    assert radius.max() <= 1.0
    assert stats.kstest(radius**2, stats.uniform(0, 1).cdf).pvalue > 1e-4


def test_xor_is_the_product_of_signs() -> None:
    examples = load("xor", noise=0.0)
    assert np.array_equal(examples.targets == 1, examples.inputs.prod(axis=1) < 0)
    assert np.abs(examples.inputs).max() <= 1.0
    for column in examples.inputs.T:
        assert stats.kstest(column, stats.uniform(-1, 2).cdf).pvalue > 1e-4


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_blobs_are_round_normal_clouds_on_a_circle(classes: int) -> None:
    task: Task = "binary" if classes == 2 else "classification"
    info = DataInfo((2,), task, 1 if classes == 2 else classes, 4001)
    assert describe("blobs", samples=4001, classes=classes) == info
    examples = load("blobs", samples=4001, classes=classes, noise=0.3)
    counts = np.bincount(examples.targets, minlength=classes)
    assert counts.max() - counts.min() <= 1
    angle = 2 * np.pi * examples.targets / classes
    rest = examples.inputs - np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert stats.kstest(rest.ravel(), stats.norm(0, 0.3).cdf).pvalue > 1e-4
    assert abs(np.corrcoef(rest.T)[0, 1]) < 6 / np.sqrt(4001)


@pytest.mark.parametrize("waves", [0.5, 2.0])
def test_the_curve_is_a_sine(waves: float) -> None:
    assert describe("wave", samples=3000) == DataInfo((1,), "regression", 1, 3000)
    examples = load("wave", samples=3000, waves=waves, noise=0.2)
    x = examples.inputs[:, 0]
    assert stats.kstest(x, stats.uniform(-1, 2).cdf).pvalue > 1e-4
    assert examples.class_names == ()
    rest = examples.targets[:, 0] - np.sin(np.pi * waves * x)
    assert stats.kstest(rest, stats.norm(0, 0.2).cdf).pvalue > 1e-4
    assert np.abs(load("wave", samples=100, waves=waves, noise=0.0).targets).max() <= 1.0
    assert not np.array_equal(x, load("wave", 1, samples=3000).inputs[:, 0])


# a linear teacher


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_gaussian_describes_itself(classes: int) -> None:
    info = describe("gaussian", dim=5, classes=classes, samples=300)
    task: Task = "binary" if classes == 2 else "classification"
    assert info == DataInfo((5,), task, 1 if classes == 2 else classes, 300)
    examples = load("gaussian", dim=5, classes=classes, samples=300)
    assert examples.inputs.shape == (300, 5)
    assert set(examples.targets.tolist()) <= set(range(classes))


def test_gaussian_inputs_are_standard_normal() -> None:
    inputs = load("gaussian", dim=30, samples=2000).inputs
    assert stats.kstest(inputs.ravel(), stats.norm.cdf).pvalue > 1e-4
    correlations = np.corrcoef(inputs.T) - np.eye(30)
    assert np.abs(correlations).max() < 6 / np.sqrt(2000)


@pytest.mark.parametrize("classes", [2, 4])
def test_gaussian_labels_follow_one_linear_rule_whatever_the_seed(classes: int) -> None:
    """A linear rule that fits two seeds' examples together without an error exists: a linear program finds it."""
    parts = [load("gaussian", seed, dim=4, classes=classes, samples=200) for seed in (1, 2)]
    inputs = np.concatenate([part.inputs for part in parts])
    targets = np.concatenate([part.targets for part in parts])
    rows = []
    for x, k in zip(inputs, targets, strict=True):
        for other in range(classes):
            if other != k:
                row = np.zeros((classes, 4))
                row[k], row[other] = -x, x
                rows.append(row.ravel())
    found = optimize.linprog(
        np.zeros(4 * classes), A_ub=np.array(rows), b_ub=-np.ones(len(rows)), bounds=(None, None)
    )
    assert found.status == 0, found.message
    shuffled = np.random.default_rng(0).permutation(len(rows))[: len(rows) // 2]
    spoiled = np.array(rows)
    spoiled[shuffled] *= -1
    refused = optimize.linprog(
        np.zeros(4 * classes), A_ub=spoiled, b_ub=-np.ones(len(rows)), bounds=(None, None)
    )
    assert refused.status == 2, "random labels have no linear rule"
