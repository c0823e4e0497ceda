"""Over- and under-sampling, SMOTE and weighted sampling: as imbalanced-learn's, within the laws of chance."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from numpy.typing import NDArray
from scipy import stats

from initviz.catalog.index import catalogue
from initviz.catalog.remedy_part import RemedyPart
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from tests.engine.oracle import Document
from tests.engine.remedies.side_by_side import CURVE, DIGITS, MOONS, check_against_plain, three_lanes

SEED = 3
TARGETS = np.random.default_rng(SEED).permutation(np.repeat([0, 1, 2, 3], [120, 60, 30, 8]))
INPUTS = np.random.default_rng(SEED).normal(size=(len(TARGETS), 2, 3, 4)) + TARGETS[:, None, None, None]

Part = tuple[NDArray[np.float64], NDArray[np.int64]]


def part(key: str) -> RemedyPart:
    found = catalogue().get("remedy", key)
    assert isinstance(found, RemedyPart)
    return found


def rebalanced(key: str, seed: int = SEED, **values: float) -> Part:
    remedy = part(key)
    assert remedy.rebalance is not None
    before = INPUTS.copy(), TARGETS.copy()
    result = remedy.rebalance(remedy.choose(**values), INPUTS, TARGETS, np.random.default_rng(seed))
    assert np.array_equal(before[0], INPUTS)
    assert np.array_equal(before[1], TARGETS)
    return result


def counts(targets: NDArray[np.int64]) -> dict[int, int]:
    return dict(Counter(targets.tolist()))


def rows(inputs: NDArray[np.float64], targets: NDArray[np.int64]) -> Counter[bytes]:
    return Counter(x.tobytes() + bytes([y]) for x, y in zip(inputs, targets.tolist(), strict=True))


FLAT = INPUTS.reshape(len(INPUTS), -1)


def test_oversampling_makes_the_shares_that_imbalanced_learn_makes() -> None:
    inputs, targets = rebalanced("oversample")
    _, wanted = RandomOverSampler(random_state=0).fit_resample(FLAT, TARGETS)
    assert counts(targets) == counts(wanted)
    before, after = rows(INPUTS, TARGETS), rows(inputs, targets)
    assert set(after) == set(before), "only copies"
    assert all(after[row] >= count for row, count in before.items()), "nothing is lost"


def test_undersampling_makes_the_shares_that_imbalanced_learn_makes() -> None:
    inputs, targets = rebalanced("undersample")
    _, wanted = RandomUnderSampler(random_state=0).fit_resample(FLAT, TARGETS)
    assert counts(targets) == counts(wanted)
    before, after = rows(INPUTS, TARGETS), rows(inputs, targets)
    assert all(after[row] <= before[row] for row in after), "nothing twice"


@pytest.mark.parametrize("ratio", [0.1, 0.25, 0.5, 1.0])
def test_the_ratio_says_how_even(ratio: float) -> None:
    least = round(ratio * 120)
    assert counts(rebalanced("oversample", ratio=ratio)[1]) == {
        0: 120,
        1: max(60, least),
        2: max(30, least),
        3: max(8, least),
    }
    most = round(8 / ratio)
    assert counts(rebalanced("undersample", ratio=ratio)[1]) == {
        0: min(120, most),
        1: min(60, most),
        2: min(30, most),
        3: 8,
    }


@pytest.mark.parametrize("ratio", [0.5, 1.0])
def test_smote_is_that_of_imbalanced_learn(ratio: float) -> None:
    inputs, targets = rebalanced("smote", ratio=ratio, neighbours=4)
    state = int(np.random.default_rng(SEED).integers(2**31))
    strategy = {name: max(count, round(ratio * 120)) for name, count in counts(TARGETS).items()}
    sampler = SMOTE(sampling_strategy=strategy, k_neighbors=4, random_state=state)
    wanted, marks = sampler.fit_resample(FLAT, TARGETS)
    assert np.array_equal(inputs.reshape(len(inputs), -1), wanted)
    assert np.array_equal(targets, marks)
    assert inputs.shape[1:] == INPUTS.shape[1:]


def test_what_smote_makes_lies_between_two_of_a_class() -> None:
    inputs, targets = rebalanced("smote", neighbours=2)
    made = inputs[len(INPUTS) :].reshape(-1, FLAT.shape[1])
    for x, y in zip(made[::7], targets[len(INPUTS) :: 7], strict=True):
        own = FLAT[y == TARGETS]
        a, b = own[:, None], own[None]
        along = ((x - a) * (b - a)).sum(-1) / np.maximum(((b - a) ** 2).sum(-1), 1e-12)
        gap = np.abs(a + np.clip(along, 0, 1)[..., None] * (b - a) - x).max(-1)
        assert gap.min() < 1e-9


@pytest.mark.parametrize("key", ["oversample", "undersample", "smote"])
def test_the_random_source_alone_decides(key: str) -> None:
    state = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002 - to see that nobody uses it
    first, again, other = (rebalanced(key, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(state, np.random.get_state()[1])  # type: ignore[index]  # noqa: NPY002


def test_an_even_part_stays_as_it_is() -> None:
    even = np.arange(40) % 4
    for key in ("oversample", "undersample", "smote"):
        remedy = part(key)
        assert remedy.rebalance is not None
        inputs, targets = remedy.rebalance(
            remedy.choose(), INPUTS[:40], even.astype(np.int64), np.random.default_rng(0)
        )
        assert np.array_equal(inputs, INPUTS[:40])
        assert np.array_equal(targets, even)


def test_weights_make_every_class_as_likely_as_the_other() -> None:
    remedy = part("weighted_sampling")
    assert remedy.sampling is not None
    weights = remedy.sampling(remedy.choose(), TARGETS)
    shares = np.bincount(TARGETS, weights)
    assert shares == pytest.approx(shares[0])
    assert weights[TARGETS == 3][0] / weights[TARGETS == 0][0] == pytest.approx(120 / 8)
    flat = remedy.sampling(remedy.choose(power=0.0), TARGETS)
    assert flat == pytest.approx(np.ones(len(TARGETS)))


@pytest.mark.parametrize(("power", "even"), [(1.0, True), (0.0, False)])
def test_a_race_draws_the_classes_with_these_shares(power: float, even: bool) -> None:
    running = three_lanes({**DIGITS, "imbalance": 20.0}, {"weighted_sampling": {"power": power}})
    data = running.groups[0].data
    drawn = torch.cat([data.batch(step)[1] for step in range(40 * data.steps_per_epoch)])
    found = torch.bincount(drawn, minlength=10).numpy()
    have = torch.bincount(running.data.targets, minlength=10).double().numpy()
    wanted = np.full(10, found.sum() / 10) if even else have / have.sum() * found.sum()
    other = have / have.sum() * found.sum() if even else np.full(10, found.sum() / 10)
    assert stats.chisquare(found, wanted).pvalue > 1e-3
    assert stats.chisquare(found, other).pvalue < 1e-6


REMEDIES: dict[str, Document] = {
    "oversample": {"oversample": True},
    "undersample": {"undersample": {"ratio": 0.5}},
    "smote": {"smote": {"neighbours": 2}},
    "weighted_sampling": {"weighted_sampling": {"power": 0.7}},
    "two": {"oversample": {"ratio": 0.5}, "weighted_sampling": True, "class_weights": False},
}


@pytest.mark.parametrize("data", [DIGITS, MOONS], ids=["digits", "moons"])
@pytest.mark.parametrize("remedies", REMEDIES.values(), ids=REMEDIES)
def test_a_race_trains_as_plain_networks_on_the_same_examples(data: Document, remedies: Document) -> None:
    running = three_lanes({**data, "imbalance": 8.0}, remedies)
    held_back = running.data.validation_targets
    assert torch.equal(running.groups[0].data.validation_targets, held_back), "scores stay comparable"
    check_against_plain(running)


def test_a_race_is_really_trained_on_the_balanced_part() -> None:
    running = three_lanes({**DIGITS, "imbalance": 8.0}, {"smote": {"neighbours": 2}})
    before, after = running.data.targets, running.groups[0].data.targets
    assert len(set(torch.bincount(after).tolist())) == 1
    assert torch.bincount(after)[0] == torch.bincount(before).max()


KEYS = ["oversample", "undersample", "smote", "weighted_sampling"]


@pytest.mark.parametrize("key", KEYS)
def test_there_are_no_classes_to_balance(key: str) -> None:
    with pytest.raises(ExperimentError, match="predicts numbers") as caught:
        read_document({"data": CURVE, "remedies": {key: True}}, catalogue(), Limits())
    assert caught.value.path == f"remedies.{key}"
    document = {
        "data": {"name": "copy"},
        "model": {"layers": [{"kind": "dense", "units": 4}]},
        "remedies": {key: True},
    }
    with pytest.raises(ExperimentError, match="every position"):
        read_document(document, catalogue(), Limits())


def test_smote_and_rotation_do_not_go_together_on_images() -> None:
    both = {"smote": True, "augment_rotate": True}
    with pytest.raises(ExperimentError, match="blends two images") as caught:
        read_document({"data": DIGITS, "remedies": both}, catalogue(), Limits())
    assert caught.value.path == "remedies.smote"
    fine = {"oversample": True, "augment_rotate": True}
    read_document({"data": DIGITS, "remedies": fine}, catalogue(), Limits())


def test_more_neighbours_than_any_class_can_have_are_refused_at_once() -> None:
    document = {"data": {"name": "iris"}, "remedies": {"smote": {"neighbours": 60}}}
    with pytest.raises(ExperimentError, match="39 neighbours at most") as caught:
        read_document(document, catalogue(), Limits())
    assert caught.value.path == "remedies.smote.neighbours"


def test_more_neighbours_than_the_rarest_class_has_are_refused_before_training() -> None:
    with pytest.raises(ExperimentError, match="neighbours at most") as caught:
        three_lanes({**DIGITS, "imbalance": 40.0}, {"smote": {"neighbours": 5}})
    assert caught.value.path == "remedies.smote.neighbours"


def test_no_balance_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("initviz.catalog.datasets.file_access.BYTES_IN_ALL", 10**6)
    for key in ("oversample", "smote"):
        with pytest.raises(ExperimentError, match="INITVIZ_MAX_MEMORY_GB"):
            rebalanced(key)
