"""Norms agree with torch.linalg.norm in double precision, whatever the magnitude."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from initviz.telemetry.ledger import Ledger
from initviz.telemetry.norms import DirectNorms, LayerNorms, RingNorms, layer_norms, robust_norm
from tests.telemetry.races import CONVOLUTIONAL, DIGITS, LANES, MOONS, race

SIZES = [5, 64, 64, 64, 1, 300]


def rows(scales: list[float], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(len(scales), sum(SIZES) + 9, generator=generator, dtype=torch.float64)
    return (values * torch.tensor(scales, dtype=torch.float64)[:, None]).to(dtype)


def expected(buffer: torch.Tensor) -> np.ndarray:
    """Return norms ``(K, L)`` from scaled double precision: nothing here can vanish or overflow."""
    found = np.zeros((len(buffer), len(SIZES)))
    for lane, row in enumerate(buffer.double()):
        for layer, part in enumerate(row[: sum(SIZES)].split(SIZES)):
            peak = float(part.abs().max()) or 1.0
            found[lane, layer] = float(torch.linalg.norm(part / peak)) * peak
    return found


@settings(deadline=None, max_examples=60)
@given(exponents=st.lists(st.integers(-37, 36), min_size=1, max_size=5))
def test_norms_of_any_magnitude(exponents: list[int]) -> None:
    buffer = rows([10.0**exponent for exponent in exponents])
    norms = LayerNorms(SIZES)
    found = norms.exact(norms.views(buffer))
    assert found.shape == (len(exponents), len(SIZES))
    np.testing.assert_allclose(found, expected(buffer), rtol=3e-6)


@pytest.mark.parametrize("exponent", [-300, -200, -150, -100, 0, 100, 150, 200, 300])
def test_norms_of_any_magnitude_in_double_precision(exponent: int) -> None:
    buffer = rows([10.0**exponent, 1.0], torch.float64)
    norms = LayerNorms(SIZES)
    np.testing.assert_allclose(norms.exact(norms.views(buffer)), expected(buffer), rtol=1e-13)


def test_a_vanishing_gradient_is_not_zero() -> None:
    buffer = torch.full((1, sum(SIZES)), 1e-25)
    norms = LayerNorms(SIZES)
    np.testing.assert_allclose(norms.exact(norms.views(buffer))[0], 1e-25 * np.sqrt(SIZES), rtol=1e-6)
    assert float(torch.linalg.vector_norm(buffer)) == 0.0  # what plain squaring makes of it


@pytest.mark.parametrize("size", [4096, 8193, 65_536, 200_704, 1_000_003])
@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-20])
def test_many_equal_numbers_lose_no_digits(size: int, value: float) -> None:
    norms = LayerNorms([size])
    found = norms.exact(norms.views(torch.full((1, size), value)))
    np.testing.assert_allclose(found, float(np.float32(value)) * np.sqrt(size), rtol=2e-5)


def test_zero_infinity_and_nan() -> None:
    buffer = torch.zeros(3, sum(SIZES))
    buffer[1, 0] = torch.inf
    buffer[2, -1] = torch.nan
    norms = LayerNorms(SIZES)
    found = norms.exact(norms.views(buffer))
    assert (found[0] == 0).all()
    assert np.isinf(found[1, 0])
    assert (found[1, 1:] == 0).all()
    assert np.isnan(found[2, -1])
    assert (found[2, :-1] == 0).all()


@pytest.mark.parametrize("scale", [0.0, 1e-38, 1e-25, 1.0, 1e25, 1e37, float("inf"), float("nan")])
def test_the_form_for_other_devices(scale: float) -> None:
    values = torch.tensor([[1.0, -2.0, 2.0]]) * scale
    found = float(robust_norm(values)[0])
    np.testing.assert_allclose(found, 3.0 * scale, rtol=1e-6)


@pytest.mark.parametrize("document", [MOONS, DIGITS, CONVOLUTIONAL], ids=["moons", "digits", "convolutional"])
@pytest.mark.parametrize("kind", [RingNorms, DirectNorms])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_norms_of_a_race(
    document: dict[str, object], kind: type[RingNorms] | type[DirectNorms], dtype: str
) -> None:
    running = race(document, lanes=LANES, dtype=dtype)
    (group,) = running.groups
    recorder = kind(group)
    weights, grads, updates = [], [], []
    tables = []
    for step in range(19):
        before = group.flat.clone()
        running.observe = step % 5 == 2
        state = next(running)
        weights.append(before)
        grads.append(group.grad.clone())
        updates.append(group.flat - before)
        recorder.note(step % 7, state.groups[0])
        if step % 7 == 6:
            tables.append(recorder.drain(7))
    tables.append(recorder.drain(5))
    for name, buffers in (("weight", weights), ("grad", grads), ("update", updates)):
        found = np.concatenate([getattr(table, name) for table in tables])
        assert found.shape == (19, 4, len(group.layout.measured))
        for step, buffer in enumerate(buffers):
            if name == "update" and kind is DirectNorms and step % 5 != 2:
                assert np.isnan(found[step]).all()
                continue
            for layer, slot in enumerate(group.layout.measured):
                part = buffer[:, slot.offset : slot.stop].double()
                np.testing.assert_allclose(
                    found[step, :, layer], torch.linalg.norm(part, dim=1).numpy(), rtol=2e-6
                )


def test_norms_on_observed_steps_only() -> None:
    running = race(DIGITS, lanes=LANES)
    (group,) = running.groups
    recorder = DirectNorms(group, every_step=False)
    for step in range(4):
        running.observe = step == 2
        state = next(running)
        recorder.note(step, state.groups[0])
        if step == 2:
            before = state.groups[0].before
            assert before is not None
            last = group.layout.measured[-1]
            wanted = torch.linalg.norm(before[:, last.offset : last.stop], dim=1)
    table = recorder.drain(4)
    for values in (table.weight, table.grad, table.update):
        assert np.isnan(values[[0, 1, 3]]).all()
        assert np.isfinite(values[2]).all()
    np.testing.assert_allclose(table.weight[2, :, -1], wanted.numpy(), rtol=1e-6)


def test_weights_before_a_step_are_let_go_once_they_are_measured() -> None:
    running = race({**DIGITS, "model": {"family": "mlp", "depth": 4, "width": 128, "activation": "relu"}})
    running.keep_before = True
    ledger = Ledger(running)
    for _ in range(5):
        state = next(running)
        before = state.groups[0].before
        assert before is not None
        copy = weakref.ref(before)
        ledger.note(state)
        del before, state
        assert copy() is None
    settled = ledger.settle()
    assert settled is not None
    assert (settled[0].update_norm > 0).all()


def test_small_buffers_are_kept_and_large_ones_reduced_at_once() -> None:
    assert isinstance(layer_norms(race(MOONS).groups[0], True), RingNorms)
    wide = race({**DIGITS, "model": {"family": "mlp", "depth": 4, "width": 128, "activation": "relu"}})
    assert isinstance(layer_norms(wide.groups[0], True), DirectNorms)
    assert isinstance(layer_norms(race(MOONS).groups[0], False), DirectNorms)
