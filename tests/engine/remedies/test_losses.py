"""Label smoothing and class weights: as PyTorch's and scikit-learn's, in a race and alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn

from initviz.catalog.index import catalogue
from initviz.catalog.remedy_part import LossTerms, RemedyPart
from initviz.engine.losses import loss_function
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from tests.engine.oracle import Document
from tests.engine.remedies.side_by_side import CURVE, DIGITS, MOONS, check_against_plain, three_lanes

RANDOM = np.random.default_rng(0)
UNEVEN = RANDOM.choice(5, 400, p=[0.5, 0.25, 0.15, 0.07, 0.03])


def terms(key: str, targets: object = UNEVEN, classes: int = 5, **values: object) -> LossTerms:
    part = catalogue().get("remedy", key)
    assert isinstance(part, RemedyPart)
    assert part.loss is not None
    return part.loss(part.choose(**values), np.asarray(targets), classes)  # type: ignore[arg-type]


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    found = terms("class_weights", rule="balanced").class_weights
    wanted = compute_class_weight("balanced", classes=np.arange(5), y=UNEVEN)
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(("rule", "power"), [("balanced", 1.0), ("inverse_root", 0.5)])
def test_weights_go_with_rarity_and_leave_the_mean_example_at_1(rule: str, power: float) -> None:
    found = np.array(terms("class_weights", rule=rule).class_weights)
    counts = np.bincount(UNEVEN)
    assert found[UNEVEN].mean() == pytest.approx(1.0, rel=1e-12)
    assert found[4] / found[0] == pytest.approx((counts[0] / counts[4]) ** power, rel=1e-12)


def test_a_class_without_examples_spoils_nothing() -> None:
    found = terms("class_weights", [0, 0, 2, 2], 3).class_weights
    assert found is not None
    assert np.isfinite(found).all()
    assert (found[0], found[2]) == (1.0, 1.0)


def weighted_binary(smoothing: float, weights: tuple[float, float]) -> nn.Module:
    class Loss(nn.Module):
        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            each = nn.functional.binary_cross_entropy_with_logits(
                outputs.squeeze(1), targets * (1 - smoothing) + smoothing / 2, reduction="none"
            )
            shares = torch.tensor(weights, dtype=outputs.dtype)[targets.long()]
            return (each * shares).sum() / shares.sum()

    return Loss()


REMEDIES: dict[str, Document] = {
    "smoothing": {"label_smoothing": {"share": 0.2}},
    "weights": {"class_weights": True},
    "roots": {"class_weights": {"rule": "inverse_root"}},
    "both": {"label_smoothing": {"share": 0.3}, "class_weights": True},
}


@pytest.mark.parametrize("remedies", REMEDIES.values(), ids=REMEDIES)
def test_a_race_trains_as_cross_entropy_with_these_arguments_does(remedies: Document) -> None:
    running = three_lanes({**DIGITS, "imbalance": 8.0}, remedies)
    counts = torch.bincount(running.data.targets, minlength=10).double()
    assert counts.max() > 4 * counts.min()
    power = 0.5 if remedies.get("class_weights") == {"rule": "inverse_root"} else 1.0
    weights = counts**-power if "class_weights" in remedies else None
    share = remedies.get("label_smoothing", {}).get("share", 0.0)
    check_against_plain(running, nn.CrossEntropyLoss(label_smoothing=share, weight=weights))


@pytest.mark.parametrize("remedies", REMEDIES.values(), ids=REMEDIES)
def test_two_classes_with_one_output_train_the_same_way(remedies: Document) -> None:
    running = three_lanes({**MOONS, "imbalance": 5.0}, remedies)
    counts = torch.bincount(running.data.targets.long(), minlength=2).double()
    power = 0.5 if remedies.get("class_weights") == {"rule": "inverse_root"} else 1.0
    first, second = (counts**-power).tolist() if "class_weights" in remedies else (1.0, 1.0)
    share = remedies.get("label_smoothing", {}).get("share", 0.0)
    check_against_plain(running, weighted_binary(share, (first, second)))


def test_the_loss_that_is_shown_stays_the_plain_one() -> None:
    outputs = torch.randn(3, 8, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    targets = torch.arange(8) % 5
    plain = loss_function("classification")
    changed = loss_function("classification", LossTerms(0.3, (1.0, 2.0, 3.0, 4.0, 5.0)))
    assert torch.equal(plain(outputs, targets)[0], changed(outputs.clone(), targets)[0])
    assert not torch.allclose(plain(outputs, targets)[1], changed(outputs.clone(), targets)[1])


@pytest.mark.parametrize("key", ["label_smoothing", "class_weights"])
def test_there_are_no_classes_in_a_regression(key: str) -> None:
    document = {"data": CURVE, "lanes": [{"name": "a"}, {"name": "b", "remedies": {key: True}}]}
    with pytest.raises(ExperimentError, match="predicts numbers") as caught:
        read_document(document, catalogue(), Limits())
    assert caught.value.path == f"lanes[1].remedies.{key}"
    autoencoder = {"data": {**DIGITS, "reconstruct": True}, "remedies": {key: True}}
    with pytest.raises(ExperimentError, match="predicts numbers"):
        read_document(autoencoder, catalogue(), Limits())


def test_class_weights_need_one_class_an_example() -> None:
    document = {
        "data": {"name": "copy"},
        "model": {"layers": [{"kind": "dense", "units": 4}]},
        "remedies": {"class_weights": True},
    }
    with pytest.raises(ExperimentError, match="every position") as caught:
        read_document(document, catalogue(), Limits())
    assert caught.value.path == "remedies.class_weights"
