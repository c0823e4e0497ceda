"""Augmentation: as SciPy and NumPy move pictures, from the generator that is passed in alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch import Tensor

from initviz.catalog.index import catalogue
from initviz.catalog.remedies.image_changes import moved, rotated
from initviz.catalog.remedy_part import RemedyPart
from initviz.experiment.document import read_document
from initviz.experiment.errors import ExperimentError
from initviz.experiment.limits import Limits
from initviz.experiment.values import DataInfo
from tests.engine.oracle import Document
from tests.engine.remedies.side_by_side import CURVE, DIGITS, MOONS, check_against_plain, three_lanes

IMAGES = torch.randn(50, 2, 7, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
TARGETS = torch.arange(50) % 10
INFO = DataInfo((2, 7, 9), "classification", 10, 50)
KEYS = ["augment_shift", "augment_rotate", "augment_flip", "augment_erase", "augment_noise", "mixup"]


def random(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def augmented(
    key: str,
    inputs: Tensor = IMAGES,
    targets: Tensor = TARGETS,
    info: DataInfo = INFO,
    seed: int = 1,
    **values: Any,
) -> tuple[Tensor, Tensor]:
    part = catalogue().get("remedy", key)
    assert isinstance(part, RemedyPart)
    assert part.augment is not None
    return part.augment(part.choose(**values), inputs, targets, random(seed), info)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_generator_alone_decides_and_the_batch_is_left_alone(key: str, dtype: torch.dtype) -> None:
    inputs, state = IMAGES.to(dtype), torch.get_rng_state()
    before = inputs.clone()
    first, again, other = (augmented(key, inputs, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(inputs, before), "a batch is a view of all examples"
    assert torch.equal(state, torch.get_rng_state())
    assert (first.dtype, first.shape) == (dtype, inputs.shape)


@pytest.mark.parametrize("shape", [(30, 40), (30, 12, 5), (30, 3, 8, 8)])
def test_noise_is_normal_and_fresh_for_every_number(shape: tuple[int, ...]) -> None:
    inputs = torch.randn(shape, dtype=torch.float64, generator=random(9))
    noise = (augmented("augment_noise", inputs, std=0.3)[0] - inputs).flatten().numpy()
    assert stats.kstest(noise, stats.norm(0, 0.3).cdf).pvalue > 1e-3
    assert len(set(noise.tolist())) == noise.size


def test_shifts_are_those_of_scipy() -> None:
    found, targets = augmented("augment_shift", most=2)
    assert torch.equal(targets, TARGETS)
    draws = random()
    down = torch.randint(-2, 3, (50,), generator=draws)
    right = torch.randint(-2, 3, (50,), generator=draws)
    assert set(down.tolist()) == set(right.tolist()) == {-2, -1, 0, 1, 2}
    for image, before, y, x in zip(found, IMAGES, down.tolist(), right.tolist(), strict=True):
        wanted = ndimage.shift(before.numpy(), (0, y, x), order=0, mode="nearest")
        assert np.array_equal(image.numpy(), wanted)


@pytest.mark.parametrize("shape", [(20, 40), (20, 12, 5)])
def test_signals_and_sequences_move_along_their_length(shape: tuple[int, ...]) -> None:
    inputs = torch.randn(shape, dtype=torch.float64, generator=random(9))
    places = torch.randint(-3, 4, (20,), generator=random())
    found = augmented("augment_shift", inputs, most=3)[0]
    assert torch.equal(found, moved(inputs, places))
    for after, before, place in zip(found, inputs, places.tolist(), strict=True):
        wanted = ndimage.shift(before.numpy(), (place, *[0] * (before.dim() - 1)), order=0, mode="nearest")
        assert np.array_equal(after.numpy(), wanted)


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (12, 5)])
@pytest.mark.parametrize("degrees", [0.0, 10.0, -33.0, 90.0, 180.0])
def test_rotations_are_those_of_scipy(size: tuple[int, int], degrees: float) -> None:
    images = torch.randn(3, 2, *size, dtype=torch.float64, generator=random(4))
    angle = torch.full((3,), np.deg2rad(degrees), dtype=torch.float64)
    found = rotated(images, angle).numpy()
    wanted = ndimage.rotate(images.numpy(), degrees, axes=(3, 2), reshape=False, order=1, mode="nearest")
    # SciPy turns from the first axis named to the second: with the first row on top, counterclockwise.
    assert found == pytest.approx(wanted, abs=1e-9)


def test_a_quarter_turn_is_counterclockwise() -> None:
    images = torch.randn(3, 1, 6, 6, dtype=torch.float64, generator=random(4))
    quarter = torch.full((3,), np.pi / 2, dtype=torch.float64)
    assert rotated(images, quarter).numpy() == pytest.approx(
        np.rot90(images.numpy(), 1, axes=(2, 3)), abs=1e-9
    )


def test_angles_are_drawn_evenly_and_one_an_image() -> None:
    ramp = torch.linspace(-1, 1, 41, dtype=torch.float64).expand(4000, 1, 41, 41)
    found = augmented("augment_rotate", ramp, degrees=30.0)[0]
    slope_down = (found[:, 0, 21, 20] - found[:, 0, 19, 20]) / 2
    slope_right = (found[:, 0, 20, 21] - found[:, 0, 20, 19]) / 2
    angles = torch.rad2deg(torch.atan2(slope_down, slope_right)).numpy()
    assert stats.kstest(angles, stats.uniform(-30, 60).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("direction", "axis"), [("horizontal", 2), ("vertical", 1)])
def test_flips_are_those_of_numpy_and_as_many_as_asked(direction: str, axis: int) -> None:
    images = torch.randn(2000, 1, 4, 5, dtype=torch.float64, generator=random(4))
    found = augmented("augment_flip", images, direction=direction, chance=0.3)[0]
    flipped = 0
    for after, before in zip(found.numpy(), images.numpy(), strict=True):
        if not np.array_equal(after, before):
            assert np.array_equal(after, np.flip(before, axis))
            flipped += 1
    assert stats.binomtest(flipped, 2000, 0.3).pvalue > 1e-3
    assert torch.equal(augmented("augment_flip", images, chance=0.0)[0], images)


@pytest.mark.parametrize("shape", [(3000, 2, 10, 10), (3000, 10), (3000, 10, 3)])
def test_a_patch_of_the_size_asked_for_is_erased_anywhere(shape: tuple[int, ...]) -> None:
    inputs = torch.ones(shape, dtype=torch.float64)
    found = augmented("augment_erase", inputs, size=0.4, chance=0.5)[0]
    gone = found == 0
    hit = gone.flatten(1).any(1)
    assert stats.binomtest(int(hit.sum()), 3000, 0.5).pvalue > 1e-3
    if len(shape) == 4:
        assert torch.equal(gone[:, 0], gone[:, 1]), "all channels"
        sides = [gone[hit, 0].any(2), gone[hit, 0].any(1)]
        assert (gone[hit, 0].sum((1, 2)) == 16).all()
    else:
        sides = [gone[hit] if len(shape) == 2 else gone[hit].all(2)]
        assert (gone[hit].flatten(1).sum(1) == 4 * inputs[0, 0].numel()).all()
    for side in sides:
        first = side.int().argmax(1)
        assert (side.sum(1) == 4).all()
        assert all(bool(row[at : at + 4].all()) for row, at in zip(side, first, strict=True)), "in one piece"
        assert stats.chisquare(torch.bincount(first, minlength=7).numpy()).pvalue > 1e-3


def blend(seed: int, alpha: float) -> tuple[float, Tensor]:
    draws = random(seed)
    order = torch.randperm(50, generator=draws)
    source = int(torch.randint(2**62, (1,), generator=draws).item())
    return float(np.random.default_rng(source).beta(alpha, alpha)), order


def test_mixup_blends_inputs_and_labels_alike() -> None:
    inputs, targets = augmented("mixup", alpha=0.8)
    share, order = blend(1, 0.8)
    labels = np.eye(10)[TARGETS.numpy()]
    x = IMAGES.numpy()
    assert inputs.numpy() == pytest.approx(share * x + (1 - share) * x[order], abs=1e-12)
    assert targets.numpy() == pytest.approx(share * labels + (1 - share) * labels[order], abs=1e-12)
    assert targets.sum(1).numpy() == pytest.approx(1.0)
    again = augmented("mixup", inputs, targets, seed=2)[1]
    assert again.sum(1).numpy() == pytest.approx(1.0), "what is mixed already is mixed as it is"


@pytest.mark.parametrize(
    ("info", "targets"),
    [
        (DataInfo((2,), "binary", 1, 50), (torch.arange(50) % 2).double()),
        (DataInfo((2,), "regression", 3, 50), torch.randn(50, 3, dtype=torch.float64, generator=random(5))),
    ],
)
def test_other_targets_are_blended_as_numbers(info: DataInfo, targets: Tensor) -> None:
    found = augmented("mixup", torch.zeros(50, 2, dtype=torch.float64), targets, info, alpha=0.8)[1]
    share, order = blend(1, 0.8)
    assert torch.allclose(found, share * targets + (1 - share) * targets[order], atol=1e-12)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_the_proportion_follows_a_beta_distribution(alpha: float) -> None:
    inputs = torch.eye(2, dtype=torch.float64)
    shares = []
    for seed in range(800):
        mixed = augmented("mixup", inputs, torch.tensor([0, 1]), seed=seed, alpha=alpha)[0]
        if mixed[0, 1] > 0:  # not blended with itself
            shares.append(float(mixed[0, 0]))
    assert len(shares) > 300
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 1e-3


REMEDIES: dict[str, Document] = {
    "augment_shift": {"augment_shift": {"most": 2}},
    "augment_rotate": {"augment_rotate": True},
    "augment_flip": {"augment_flip": {"direction": "vertical"}},
    "augment_erase": {"augment_erase": True},
    "augment_noise": {"augment_noise": {"std": 0.5}},
    "mixup": {"mixup": {"alpha": 1.0}},
    "all": dict.fromkeys(KEYS, True),
}


@pytest.mark.parametrize("remedies", REMEDIES.values(), ids=REMEDIES)
def test_a_race_trains_as_plain_networks_on_the_same_batches(remedies: Document) -> None:
    running = three_lanes(DIGITS, remedies)
    data = running.groups[0].data
    inputs, targets = data.batch(3)
    assert not torch.equal(inputs, running.data.batch(3)[0])
    assert torch.equal(inputs, data.batch(3)[0]), "the step decides, not how often it was asked for"
    assert not torch.equal(inputs, data.batch(3 + data.steps_per_epoch)[0][: len(inputs)])
    assert targets.is_floating_point() == ("mixup" in remedies)
    check_against_plain(running)


@pytest.mark.parametrize(("data", "key"), [(MOONS, "mixup"), (CURVE, "mixup"), (CURVE, "augment_noise")])
def test_other_tasks_train_the_same_way(data: Document, key: str) -> None:
    check_against_plain(three_lanes(data, {key: True}))


def test_mixup_goes_with_smoothed_labels() -> None:
    running = three_lanes(DIGITS, {"mixup": {"alpha": 1.0}, "label_smoothing": {"share": 0.2}})
    check_against_plain(running, torch.nn.CrossEntropyLoss(label_smoothing=0.2))


TEXT: Document = {
    "data": {"name": "text"},
    "model": {"family": "transformer"},
}
SEQUENCES: Document = {"data": {"name": "copy"}, "model": {"layers": [{"kind": "dense", "units": 4}]}}
AUTOENCODER: Document = {"data": {**DIGITS, "reconstruct": True}}


@pytest.mark.parametrize(
    ("document", "key", "said"),
    [
        ({"data": MOONS}, "augment_rotate", "only images"),
        ({"data": MOONS}, "augment_flip", "only images"),
        *(
            (AUTOENCODER, key, "give back the inputs")
            for key in ("augment_shift", "augment_rotate", "augment_flip")
        ),
        *((TEXT, key, "symbols") for key in ("augment_noise", "augment_shift", "augment_erase", "mixup")),
        (SEQUENCES, "augment_shift", "every position"),
        (SEQUENCES, "mixup", "every position"),
    ],
)
def test_what_cannot_be_varied_is_refused_in_words(document: Document, key: str, said: str) -> None:
    with pytest.raises(ExperimentError, match=said) as caught:
        read_document({**document, "remedies": {key: True}}, catalogue(), Limits())
    assert caught.value.path == f"remedies.{key}"


def test_a_batch_of_one_has_nothing_to_blend() -> None:
    document = {"data": {**DIGITS, "batch_size": 1}, "remedies": {"mixup": True}}
    with pytest.raises(ExperimentError, match="larger batch") as caught:
        read_document(document, catalogue(), Limits())
    assert caught.value.path == "data.batch_size"


def test_noise_and_erasing_make_an_autoencoder_clean_up() -> None:
    for key in ("augment_noise", "augment_erase"):
        running = three_lanes(AUTOENCODER["data"], {key: True})
        inputs, targets = running.groups[0].data.batch(0)
        clean, wanted = running.data.batch(0)
        assert not torch.equal(inputs, clean)
        assert torch.equal(targets, wanted)
        check_against_plain(running)
