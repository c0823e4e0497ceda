"""Samples are values of the tensor they stand for, and rotate through it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from initviz.telemetry.sampling import (
    ALL_SAMPLES,
    FEWEST_SAMPLES,
    SAMPLES,
    Grid,
    RowSampler,
    SignalSampler,
    samples_wanted,
)
from tests.telemetry.races import CONVOLUTIONAL, DIGITS, LANES, race


def numbered(running_shape: tuple[int, ...]) -> torch.Tensor:
    """Return a tensor in which every value tells its place."""
    return torch.arange(float(torch.Size(running_shape).numel())).view(running_shape)


@pytest.mark.parametrize("document", [DIGITS, CONVOLUTIONAL], ids=["digits", "convolutional"])
def test_everything_is_taken_in_order_when_exact(document: dict[str, object]) -> None:
    (group,) = race(document, lanes=LANES).groups
    sampler = RowSampler(group, None)
    assert not sampler.sampled
    rows = numbered(tuple(group.flat.shape))
    place = torch.zeros(4, sum(sampler.sizes))
    sampler.take(rows, 3, place)
    wanted = [rows[:, slot.offset : slot.stop] for slot in group.layout.measured]
    assert torch.equal(place, torch.cat(wanted, 1))
    assert sampler.sizes == [slot.spec.size for slot in group.layout.measured]


def test_a_sample_of_weights_comes_from_its_layer_and_rotates() -> None:
    (group,) = race(DIGITS, lanes=LANES).groups
    sampler = RowSampler(group, 1024)
    assert sampler.sampled
    rows = numbered(tuple(group.flat.shape))
    seen: list[set[float]] = [set() for _ in group.layout.measured]
    for look in range(32):
        place = torch.full((4, sum(sampler.sizes)), -1.0)
        sampler.take(rows, look, place)
        parts = torch.split(place, sampler.sizes, dim=1)
        for layer, (slot, part) in enumerate(zip(group.layout.measured, parts, strict=True)):
            offsets = part - torch.arange(4.0)[:, None] * group.layout.size
            assert (offsets >= slot.offset).all()
            assert (offsets < slot.stop).all()
            assert len(set(offsets[0].tolist())) == part.shape[1]
            assert (offsets == offsets[0]).all()
            assert 600 <= part.shape[1] <= 1024
            seen[layer].update(offsets[0].tolist())
    for slot, places in zip(group.layout.measured, seen, strict=True):
        assert len(places) >= 0.95 * slot.spec.size - 5


@given(
    batch=st.integers(1, 200), units=st.integers(1, 3000), wanted=st.one_of(st.none(), st.integers(256, 1024))
)
def test_a_grid_stays_within_the_tensor(batch: int, units: int, wanted: int | None) -> None:
    grid = Grid.over(batch, units, wanted)
    assert (grid.examples - 1) * grid.example_stride + grid.example_stride <= batch
    assert (grid.units - 1) * grid.unit_stride + grid.unit_stride <= units
    assert grid.size >= 1
    if wanted is None or batch * units <= wanted:
        assert grid.size == batch * units
        assert not grid.sampled
    else:
        assert grid.size <= 2 * wanted


@pytest.mark.parametrize("shape", [(2, 128, 64), (1, 128, 640), (3, 64, 8, 8, 8), (2, 100, 3), (1, 5000, 1)])
def test_a_sample_of_a_signal_rotates_through_all_of_it(shape: tuple[int, ...]) -> None:
    signal = numbered(shape)
    per_lane = signal[0].numel()
    sampler = SignalSampler([signal], 1024)
    section = torch.zeros(shape[0], sum(sampler.sizes))
    places = sampler.places(section)
    seen: set[float] = set()
    assert 500 <= sampler.sizes[0] <= 2048 or sampler.sizes[0] == per_lane
    for look in range(2000):
        sampler.take([signal], look, places)
        lane = torch.arange(float(shape[0]))[:, None] * per_lane
        assert torch.equal(section - lane, section[:1].expand_as(section))
        seen.update(section[0].tolist())
        if len(seen) == per_lane:
            break
    assert len(seen) >= 0.9 * per_lane


def test_a_signal_in_the_layout_of_grouped_convolutions() -> None:
    joined = numbered((64, 2 * 8, 4, 4))
    signal = joined.view(64, 2, 8, 4, 4).transpose(0, 1)
    sampler = SignalSampler([signal], None)
    section = torch.zeros(2, sum(sampler.sizes))
    sampler.take([signal], 5, sampler.places(section))
    assert torch.equal(section, signal.flatten(1))
    some = SignalSampler([signal], 256)
    section = torch.zeros(2, sum(some.sizes))
    some.take([signal], 5, some.places(section))
    for lane in range(2):
        assert np.isin(section[lane].numpy(), signal[lane].flatten().numpy()).all()
    assert len(set(section[0].tolist())) == some.sizes[0]


def test_the_last_batch_of_an_epoch_may_be_smaller() -> None:
    for batch in (128, 21, 1):
        signal = numbered((2, batch, 64))
        sampler = SignalSampler([signal, signal[:, :, :10]], 1024)
        section = torch.zeros(2, sum(sampler.sizes))
        sampler.take([signal, signal[:, :, :10]], 9, sampler.places(section))
        assert np.isin(section.numpy(), signal.numpy()).all()


def test_fewer_values_where_tensors_are_many() -> None:
    assert samples_wanted(1) == SAMPLES
    assert samples_wanted(4 * 13) == SAMPLES
    assert samples_wanted(256) == ALL_SAMPLES // 256
    assert samples_wanted(16 * 201) == FEWEST_SAMPLES
