"""Singular values and Jacobians, against NumPy and against ``torch.autograd.functional`` on plain networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.telemetry.isometry import GroupSpectra, Span, SpectraLooker, finished
from initviz.telemetry.monitor import Monitor
from initviz.telemetry.probe_isometry import probe_isometry
from initviz.telemetry.spectra import NUM_RANKS, Floats, Spectra, blank, effective_rank, put
from tests.engine.oracle import network
from tests.telemetry.races import CONVOLUTIONAL, DIGITS, DOCUMENTS, LANES, TEXT, race, with_model

TWO = [
    {"name": "a", "init": {"weight": {"name": "xavier_normal"}, "bias": {"name": "normal", "std": 0.1}}},
    {"name": "b", "seed": 5, "init": {"weight": {"name": "normal", "std": 0.3}}},
]
SMALL: dict[str, Any] = {**DIGITS, "dtype": "float64", "lanes": TWO}
MODELS: dict[str, dict[str, Any]] = {
    "tanh": {"family": "mlp", "depth": 4, "width": 12, "activation": "tanh"},
    "prelu": {"family": "mlp", "depth": 3, "width": 9, "activation": "gelu"},
    "batch_norm": {
        "layers": [
            {"kind": "flatten"},
            {"kind": "dense", "units": 10},
            {"kind": "batch_norm"},
            {"kind": "activation", "function": "relu"},
            {"kind": "dense", "units": 8},
            {"kind": "batch_norm"},
            {"kind": "activation", "function": "tanh"},
        ]
    },
    "dropout": {
        "layers": [
            {"kind": "flatten"},
            {"kind": "dense", "units": 10},
            {"kind": "activation", "function": "tanh"},
            {"kind": "dropout"},
            {"kind": "dense", "units": 7},
        ]
    },
    "cnn": {"family": "cnn", "blocks": 2, "channels": 3, "activation": "tanh"},
    "resnet_mlp": {"family": "resnet_mlp", "blocks": 3, "width": 8},
    "resnet": {"family": "resnet", "blocks": 1, "channels": 2},
    "autoencoder": {"family": "autoencoder", "depth": 4, "width": 12, "bottleneck": 5, "activation": "tanh"},
    "rnn": {"family": "recurrent", "cell": "rnn", "width": 5},
    "gru": {"family": "recurrent", "cell": "gru", "width": 5, "depth": 2},
    "lstm": {"family": "recurrent", "cell": "lstm", "width": 5},
    "transformer": {"family": "transformer", "width": 8, "heads": 2, "blocks": 2},
}


def document_of(name: str) -> dict[str, Any]:
    model = MODELS[name]
    if name == "transformer":
        return {**TEXT, "dtype": "float64", "model": model, "lanes": TWO}
    if model.get("family") == "recurrent":
        return {**SMALL, "data": {"name": "adding", "length": 10, "batch_size": 32}, "model": model}
    if name == "autoencoder":
        return {**SMALL, "data": {**SMALL["data"], "reconstruct": True}, "model": model}
    return {**SMALL, "model": model}


def plain(running: Race, lane: int, batch: Tensor) -> nn.Sequential:
    """Return a lane in plain torch, as it answers once it normalizes by the statistics of a batch."""
    built = network(running, lane)
    norms = [module for module in built.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    if norms:
        built.eval()
        for module in norms:
            module.train()
            module.momentum = None  # the plain mean over all batches, here one
        with torch.no_grad():
            built(batch)
    return built.eval()


def reference(layers: nn.Module, x: Tensor) -> Tensor:
    found: Tensor = torch.autograd.functional.jacobian(  # type: ignore[no-untyped-call]
        lambda y: layers(y[None])[0], x
    )
    return found.reshape(-1, x.numel())


def test_every_family_is_tried() -> None:
    tried = {model.get("family") for model in MODELS.values()}
    assert {part.key for part in catalogue().parts("family")} <= tried


@pytest.mark.parametrize("name", MODELS)
def test_jacobians_are_those_of_autograd(name: str) -> None:
    running = race(document_of(name))
    for _ in range(2):
        next(running)
    checked = 0
    for group in running.groups:
        looker = GroupSpectra(group, running.data.inputs, catalogue())
        inputs = running.data.inputs[:3].double()
        rows = group.flat.double()
        for place, lane in enumerate(group.lanes):
            built = plain(running, lane, running.data.inputs[:128])
            for span in (looker.span, looker.hidden_span):
                if span is None or span.extents[0] * span.extents[1] > 100_000:
                    continue
                found = looker.jacobian(rows, span, inputs)[place]
                starts = built[: span.first](inputs) if span.first else inputs
                for example, start in zip(found, starts, strict=True):
                    wanted = reference(built[span.first : span.stop], start.detach())
                    torch.testing.assert_close(example, wanted, rtol=1e-9, atol=1e-12)
                checked += 1
    assert checked >= 2 or name == "resnet"


def test_the_spans_are_told_from_what_a_network_is() -> None:
    def spans(document: dict[str, Any]) -> tuple[Span | None, Span | None]:
        running = race(document)
        looker = GroupSpectra(running.groups[0], running.data.inputs, catalogue())
        return looker.span, looker.hidden_span

    whole, hidden = spans({**SMALL, "model": MODELS["tanh"]})
    assert whole is not None
    assert whole.extents == (10, 64)
    assert hidden is not None
    assert hidden.extents == (12, 12)
    _, alone = spans(with_model({**SMALL, "model": MODELS["tanh"]}, depth=1))
    assert alone is None  # a single hidden layer: from it to itself is no way
    symbols, _ = spans(document_of("transformer"))
    assert symbols is None


def look_at(running: Race) -> Spectra:
    looker = SpectraLooker(running, catalogue())
    spectra, sameness = finished(
        looker.parts(running.step, [group.flat for group in running.groups], None, [])
    )
    assert sameness is None
    return spectra


@pytest.mark.parametrize("name", ["digits", "convolutional", "mixed", "text", "alone"])
def test_weights_have_the_singular_values_of_numpy(name: str) -> None:
    running = race(DOCUMENTS[name])
    next(running)
    spectrum = look_at(running).weights
    for group in running.groups:
        for place, lane in enumerate(group.lanes):
            for layer, slot in enumerate(group.layout.measured):
                matrix = group.flat[place, slot.offset : slot.stop].double().numpy()
                matrix = matrix.reshape(slot.spec.shape[0], -1)  # a kernel is (O, I * height * width)
                wanted = np.linalg.svd(matrix, compute_uv=False)
                check(spectrum, (lane, layer), wanted)


def check(spectrum: Any, place: tuple[int, int], wanted: Floats) -> None:
    floor = 1e-12 * max(wanted[0], 1e-30)
    assert spectrum.count[place] == len(wanted)
    ranks = np.arange(len(wanted))
    if len(wanted) > NUM_RANKS:
        ranks = np.linspace(0, len(wanted) - 1, NUM_RANKS).round().astype(int)
    np.testing.assert_allclose(spectrum.values[place][: len(ranks)], wanted[ranks], rtol=1e-9, atol=floor)
    assert np.isnan(spectrum.values[place][len(ranks) :]).all()
    assert spectrum.largest[place] == pytest.approx(wanted[0], rel=1e-9)
    assert spectrum.smallest[place] == pytest.approx(wanted[-1], rel=1e-6, abs=floor)
    if wanted[0] > 0:
        squares = np.square(wanted)
        assert spectrum.mean_square[place] == pytest.approx(squares.mean(), rel=1e-9)
        assert spectrum.spread[place] == pytest.approx(squares.std() / squares.mean(), rel=1e-7, abs=1e-12)
        stable = squares.sum() / squares[0]
        assert spectrum.stable_rank[place] == pytest.approx(stable, rel=1e-9)


def test_gates_are_taken_one_by_one() -> None:
    running = race(
        {**document_of("lstm"), "lanes": [{"name": "o", "init": {"weight": {"name": "orthogonal"}}}]}
    )
    group = running.groups[0]
    spectrum = look_at(running).weights
    tall = [place for place, slot in enumerate(group.layout.measured) if slot.spec.blocks == 4]
    assert tall
    for place in tall:  # each gate is orthogonal by itself; the four together have singular values of 2
        assert spectrum.largest[0, place] == pytest.approx(1, rel=1e-6)
        assert spectrum.smallest[0, place] == pytest.approx(1, rel=1e-6)


def test_effective_rank_by_hand() -> None:
    assert effective_rank(np.array([3.0, 3.0, 3.0, 3.0])) == pytest.approx(4)
    assert effective_rank(np.array([5.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective_rank(np.zeros(3)) == 0
    # Shares 1/2, 1/4, 1/4: entropy 1.5 ln 2.
    assert effective_rank(np.array([2.0, 1.0, 1.0])) == pytest.approx(2**1.5)


def test_what_singular_values_come_to_by_hand() -> None:
    spectrum = blank((4,))
    put(spectrum, 0, np.array([[1.0, 2.0, 2.0]]), 3)
    put(spectrum, 1, np.zeros((1, 3)), 3)
    put(spectrum, 2, np.array([[1.0, np.nan]]), 3)
    put(spectrum, 3, np.array([[4.0, 1.0], [2.0, 1e-17]]), 2)
    assert spectrum.values[0, :3].tolist() == [2.0, 2.0, 1.0]
    assert spectrum.condition_number[0] == 2
    assert spectrum.mean_square[0] == pytest.approx(3)
    assert spectrum.spread[0] == pytest.approx(math.sqrt(2) / 3)
    assert spectrum.quartiles()[:, 0].tolist() == [2.0, 2.0, 2.0, 1.0, 1.0]
    assert (spectrum.effective_rank[1], spectrum.largest[1], spectrum.mean_square[1]) == (0, 0, 0)
    assert math.isnan(spectrum.condition_number[1])
    assert spectrum.count[2] == 0
    assert math.isnan(spectrum.largest[2])
    # Two matrices in one place; what rounding hides is 0.
    assert spectrum.values[3, :4].tolist() == [4.0, 2.0, 1.0, 0.0]
    assert spectrum.condition_number[3] == math.inf
    assert spectrum.effective_rank[3] == pytest.approx((effective_rank(np.array([4.0, 1.0])) + 1) / 2)


def test_squares_out_of_range_do_no_harm() -> None:
    spectrum = blank((2,))
    put(spectrum, 0, np.array([[3e-200, 1e-200]]), 2)
    put(spectrum, 1, np.array([[3e200, 1e200]]), 2)
    assert spectrum.spread[0] == pytest.approx(spectrum.spread[1]) == pytest.approx(0.8)
    assert spectrum.mean_square.tolist() == [0.0, math.inf]
    np.testing.assert_allclose(spectrum.condition_number, 3)
    assert spectrum.effective_rank[0] == pytest.approx(spectrum.effective_rank[1])


DEEP_LINEAR = with_model(SMALL, depth=6, width=64, activation="identity")
ORTHOGONAL = [
    {"name": "orthogonal", "init": {"weight": {"name": "orthogonal"}}},
    {"name": "gaussian", "init": {"weight": {"name": "xavier_normal"}}},
]


def test_an_orthogonal_linear_network_is_an_isometry_and_a_gaussian_one_is_not() -> None:
    """Products of n Gaussian matrices: squares of mean 1 and variance n (Fuss-Catalan numbers), Pennington 2017."""
    spectra = look_at(race(DEEP_LINEAR, lanes=ORTHOGONAL))
    hidden = spectra.hidden_jacobian
    np.testing.assert_allclose(hidden.values[0][np.isfinite(hidden.values[0])], 1, rtol=1e-6)
    assert hidden.spread[0] < 1e-6
    assert hidden.mean_square[1] == pytest.approx(1, abs=0.4)
    assert hidden.spread[1] == pytest.approx(math.sqrt(5), rel=0.25)  # five weights between six hidden layers
    assert spectra.weights.spread[1, 3] == pytest.approx(
        1, rel=0.15
    )  # of one square matrix: Marchenko-Pastur


def test_watching_singular_values_changes_no_bit() -> None:
    watched, alone = race(DOCUMENTS["mixed"]), race(DOCUMENTS["mixed"])
    now = [0.0]

    def clock() -> float:
        now[0] += 0.004  # every part of the work is cut off after the first
        return now[0]

    monitor = Monitor(watched, 1, clock=clock)
    seen = set()
    for _ in range(60):
        now[0] += 100
        monitor.advance(True)
        frame = monitor.frame()
        if frame.spectra is not None:
            seen.add(frame.spectra.step)
        next(alone)
    assert len(seen) > 1
    for mine, theirs in zip(watched.groups, alone.groups, strict=True):
        assert torch.equal(mine.flat, theirs.flat)


def test_a_look_tells_of_the_step_at_which_it_began() -> None:
    running = race(DOCUMENTS["digits"])
    start = look_at(race(DOCUMENTS["digits"]))
    now = [0.0]
    monitor = Monitor(running, 1, clock=lambda: now[0])
    for _ in range(5):
        now[0] += 100
        monitor.advance(True)
    first = monitor.frame().spectra
    assert first is not None
    assert first.step == 4
    running = race(DOCUMENTS["digits"])
    ticks = [0.0]

    def clock() -> float:
        ticks[0] += 0.2
        return ticks[0]

    slow = Monitor(running, 1, clock=clock)
    for _ in range(200):
        ticks[0] += 1000
        slow.advance(True)
        spectra = slow.frame().spectra
        if spectra is not None:
            break
    assert spectra is not None
    assert spectra.step == 0  # though it was done many steps later
    np.testing.assert_array_equal(spectra.weights.values, start.weights.values)


def test_a_lane_that_diverged_has_none() -> None:
    lanes = [{"name": "wild", "optimizer": {"name": "sgd", "lr": 1e6}}, *LANES[2:3]]
    monitor = Monitor(race(with_model(DIGITS, activation="identity"), lanes=lanes), 1)
    for _ in range(120):
        monitor.advance()
    assert monitor.lanes[0].outcome == "diverged"
    monitor.advance(True)
    spectra = monitor.frame().spectra
    assert spectra is not None
    assert np.isnan(spectra.weights.values[0]).all()
    assert np.isnan(spectra.jacobian.values[0]).all()
    assert np.isfinite(spectra.jacobian.largest[1:]).all()
    assert not spectra.weights.values.flags.writeable


def test_what_takes_too_long_is_left_out() -> None:
    wide = {"layers": [{"kind": "flatten"}, {"kind": "dense", "units": 600}, {"kind": "dense", "units": 600}]}
    spectra = look_at(race(SMALL, model=wide))
    assert spectra.weights.count[0].tolist() == [64, 0, 10]
    assert np.isnan(spectra.weights.values[:, 1]).all()
    assert spectra.hidden_jacobian.count.tolist() == [0, 0]
    assert spectra.jacobian.count.tolist() == [10, 10]


def test_probe_tells_all_singular_values_of_every_example() -> None:
    running = race(SMALL, model=MODELS["tanh"])
    facts = probe_isometry(running, 2)
    built = network(running, 1)
    for example, told in zip(running.data.inputs[:2], facts[1].jacobian.singular_values or (), strict=True):
        wanted = np.linalg.svd(reference(built, example).numpy(), compute_uv=False)
        np.testing.assert_allclose(told, wanted, rtol=1e-9)
    assert facts[1].jacobian.condition_number == pytest.approx(
        max(map(max, facts[1].jacobian.singular_values or ()))
        / min(map(min, facts[1].jacobian.singular_values or ()))
    )
    assert facts[0].layers[0].spectral_norm == pytest.approx(
        torch.linalg.matrix_norm(network(running, 0)[1].weight, 2).item(), rel=1e-9
    )
    with pytest.raises(ValueError, match="at least 1"):
        probe_isometry(running, 0)


def test_images_have_jacobians_too() -> None:
    facts = probe_isometry(race({**CONVOLUTIONAL, "lanes": LANES[2:]}))
    assert all(len(lane.jacobian.singular_values or ()) == 4 for lane in facts)


def test_the_start_is_kept_and_a_complete_frame_tells_of_now() -> None:
    ticks = [0.0]

    def clock() -> float:
        ticks[0] += 0.2  # a part of the work at each look
        return ticks[0]

    monitor = Monitor(race(DOCUMENTS["digits"]), 1, clock=clock)
    monitor.advance(True)
    assert monitor.frame().spectra is None
    for _ in range(4):
        monitor.advance()
    monitor.advance(True)
    frame = monitor.frame(complete=True)
    assert frame.spectra is not None
    assert frame.first_spectra is not None
    assert (frame.first_spectra.step, frame.spectra.step) == (0, 6)
    start = look_at(race(DOCUMENTS["digits"]))
    np.testing.assert_array_equal(frame.first_spectra.weights.values, start.weights.values)
    other = race(DOCUMENTS["digits"])
    for _ in range(6):
        next(other)
    np.testing.assert_array_equal(frame.spectra.weights.values, look_at(other).weights.values)
