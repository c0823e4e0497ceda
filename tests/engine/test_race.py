"""What makes a race fair: a lane depends on nothing but itself, and looking changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch

from initviz.engine.race import Race
from initviz.engine.state import RaceState
from initviz.experiment.errors import InitVizError
from tests.engine.oracle import Document, network, race

DIGITS: Document = {
    "steps": 60,
    "data": {"name": "digits", "batch_size": 128},
    "model": {"family": "mlp", "depth": 3, "width": 24, "activation": "relu"},
    "optimizer": {"name": "adam", "lr": 0.003},
}
CONVOLUTIONAL: Document = {
    **DIGITS,
    "model": {
        "layers": [
            {"kind": "conv", "channels": 8},
            {"kind": "activation"},
            {"kind": "max_pool"},
            {"kind": "conv", "channels": 6},
            {"kind": "activation", "function": "tanh"},
            {"kind": "flatten"},
            {"kind": "dense", "units": 16},
            {"kind": "residual", "activation": "hard_tanh"},
        ]
    },
}
MODELS = pytest.mark.parametrize("document", [DIGITS, CONVOLUTIONAL], ids=["dense", "convolutional"])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
LANES: list[Document] = [
    {"name": "zeros", "init": {"weight": {"name": "zeros"}}},
    {"name": "He", "init": {"weight": {"name": "he_normal"}}},
    {"name": "LSUV", "init": {"weight": {"name": "lsuv"}}, "seed": 5},
]
EXPLODING: Document = {"name": "exploding", "init": {"weight": {"name": "normal", "mean": 0.0, "std": 900.0}}}


def losses(running: Race, visit: Callable[[RaceState], None] = lambda state: None) -> torch.Tensor:
    """Run to the end; return ``(S, K)``."""
    rows = []
    for state in running:
        rows.append(state.loss.clone())
        visit(state)
    return torch.stack(rows)


def rows(running: Race) -> list[torch.Tensor]:
    """Return each lane's row of weights."""
    found = {lane: row for group in running.groups for lane, row in zip(group.lanes, group.flat, strict=True)}
    return [found[lane].clone() for lane in range(running.num_lanes)]


@MODELS
@DTYPES
def test_a_lane_equals_the_same_experiment_alone(document: Document, dtype: str) -> None:
    together = race(document, dtype=dtype, lanes=LANES)
    assert len(together.groups) == 1
    found = losses(together)
    weights = rows(together)
    tolerance = {"float32": 2e-3, "float64": 1e-9}[dtype]
    for place, lane in enumerate(LANES):
        alone = race(document, dtype=dtype, lanes=[lane])
        torch.testing.assert_close(losses(alone)[:, 0], found[:, place], rtol=tolerance, atol=tolerance)
        assert together.target_stds[place] == pytest.approx(alone.target_stds[0], nan_ok=True)
        assert together.drawn_stds[place] == alone.drawn_stds[0]
        if dtype == "float64":
            torch.testing.assert_close(rows(alone)[0], weights[place], rtol=1e-6, atol=1e-8)


@MODELS
def test_a_start_does_not_depend_on_place_or_neighbours(document: Document) -> None:
    wanted = rows(race(document, lanes=LANES))
    turned = rows(race(document, lanes=[LANES[2], EXPLODING, LANES[1], LANES[0]]))
    for row, place in zip(wanted, (3, 2, 0), strict=True):
        assert torch.equal(row, turned[place])


@MODELS
@DTYPES
def test_the_same_experiment_gives_the_same_bits(document: Document, dtype: str) -> None:
    first, second = (race(document, dtype=dtype, lanes=LANES) for _ in range(2))
    assert torch.equal(losses(first), losses(second))
    for before, after in zip(rows(first), rows(second), strict=True):
        assert torch.equal(before, after)


@MODELS
@DTYPES
@pytest.mark.parametrize("lanes", [LANES[1:2], LANES])
def test_looking_changes_nothing(document: Document, dtype: str, lanes: list[Document]) -> None:
    unwatched = race(document, dtype=dtype, lanes=lanes)
    watched = race(document, dtype=dtype, lanes=lanes)
    watched.keep_before = True
    watched.observe = True

    def look(state: RaceState) -> None:
        watched.observe = state.step % 3 != 0
        watched.evaluate()
        watched.predict(watched.data.inputs[:5])
        assert watched.diverged == {}
        for group in state.groups:
            for values in (group.preactivations, group.activations, group.grad_preactivations):
                for value in values:
                    float(value.square().mean())
        if state.step % 10 == 0:
            watched.look(watched.data.inputs[:7], watched.data.targets[:7])

    assert torch.equal(losses(unwatched), losses(watched, look))
    for before, after in zip(rows(unwatched), rows(watched), strict=True):
        assert torch.equal(before, after)


@MODELS
def test_torch_is_left_as_it_was(document: Document) -> None:
    state = torch.random.get_rng_state()
    numpy_state = copy.deepcopy(np.random.get_state())  # noqa: NPY002 - to see that it is untouched
    running = race(document, lanes=LANES)
    losses(running)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert str(np.random.get_state()) == str(numpy_state)  # noqa: NPY002 - to see that it is untouched
    assert torch.is_grad_enabled()
    assert float(torch.tensor(1e-39, dtype=torch.float32)) != 0.0


def outputs_of(
    plain: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Return the output of every module, by name, with its gradient kept."""
    found: dict[str, torch.Tensor] = {}
    for name, module in plain.named_modules():

        def keep(
            module: torch.nn.Module, given: tuple[torch.Tensor], output: torch.Tensor, name: str = name
        ) -> None:
            if output.requires_grad:
                output.retain_grad()
            found[name] = output

        module.register_forward_hook(keep)
    torch.nn.functional.cross_entropy(plain(inputs), targets).backward()  # type: ignore[no-untyped-call]
    return found


@MODELS
@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("trains", [True, False], ids=["step", "look"])
def test_signals_are_those_of_the_plain_network(document: Document, lanes: int, trains: bool) -> None:
    running = race(document, dtype="float64", lanes=LANES[-lanes:])
    for _ in range(3):
        next(running)
    inputs, targets = running.data.batch(running.step)
    plain = [network(running, lane) for lane in range(lanes)]
    wanted = [outputs_of(module, inputs, targets) for module in plain]
    running.observe = True
    state = next(running) if trains else running.look(inputs, targets)
    group = state.groups[0]
    measured = running.groups[0].network.measured
    assert tuple(layer.name for layer in measured) == running.blueprints[0].measured_layers
    assert len(group.preactivations) == len(group.activations) == len(measured)
    for place, layer in enumerate(measured):
        for lane, outputs in enumerate(wanted):
            if layer.is_inner:
                before, after = outputs[f"{layer.stage}.first"], outputs[f"{layer.stage}.activation"]
            else:
                output = outputs[f"{layer.stage}"]
                before = outputs.get(f"{layer.stage}.second", output)  # what a block adds to the stream
                after = output if layer.activation_stage is None else outputs[f"{layer.activation_stage}"]
            torch.testing.assert_close(group.preactivations[place][lane], before.detach())
            torch.testing.assert_close(group.grad_preactivations[place][lane], before.grad)
            torch.testing.assert_close(group.activations[place][lane], after.detach())
    for lane, module in enumerate(plain):
        gradients = running.groups[0].layout.views(running.groups[0].grad[lane])
        by_name = dict(module.named_parameters())
        for slot, gradient in zip(running.groups[0].layout.slots, gradients, strict=True):
            torch.testing.assert_close(gradient, by_name[f"{slot.stage}.{slot.spec.name}"].grad)


@MODELS
def test_before_holds_the_weights_before_the_update(document: Document) -> None:
    running = race(document, lanes=LANES)
    weights = rows(running)
    assert next(running).groups[0].before is None
    running.keep_before = True
    weights = rows(running)
    state = next(running)
    assert state.groups[0].before is not None
    assert torch.equal(state.groups[0].before, torch.stack(weights))
    assert not torch.equal(state.groups[0].before, running.groups[0].flat)
    assert state.groups[0].preactivations == ()


def test_the_run_ends_after_its_steps() -> None:
    running = race(DIGITS, steps=3)
    assert [state.step for state in running] == [0, 1, 2]
    assert running.step == running.total_steps == 3
    with pytest.raises(StopIteration):
        next(running)


def test_scores_are_means_over_the_validation_part() -> None:
    running = race(DIGITS, dtype="float64", lanes=LANES)
    losses(running)
    found_losses, found_accuracies = running.evaluate()
    inputs, targets = running.data.validation_inputs, running.data.validation_targets
    predictions = running.predict(inputs)
    for lane in range(3):
        outputs = network(running, lane)(inputs).detach()
        torch.testing.assert_close(predictions[lane], outputs)
        wanted = torch.nn.functional.cross_entropy(outputs, targets)
        assert found_losses[lane] == pytest.approx(float(wanted), rel=1e-12)
        share = (outputs.argmax(1) == targets).double().mean()
        assert found_accuracies[lane] == pytest.approx(float(share), rel=1e-12)
    assert found_accuracies[1] > 0.8


def test_wide_layers_are_evaluated_a_few_examples_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running = race(DIGITS, dtype="float64", lanes=LANES)
    (group,) = running.groups
    losses, accuracies = running.evaluate()
    predictions = running.predict(running.data.inputs)
    seen: list[int] = []
    outputs = group.outputs

    def noting(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(len(inputs))
        return outputs(inputs)

    monkeypatch.setattr(group, "outputs", noting)
    monkeypatch.setattr(
        "initviz.engine.scores.CHUNK_NUMBERS", 3 * 64 * 20
    )  # three lanes, of 64 numbers at most
    again, shares = running.evaluate()
    np.testing.assert_allclose(again, losses, rtol=1e-12)
    np.testing.assert_allclose(shares, accuracies, rtol=1e-12)
    for found, wanted in zip(running.predict(running.data.inputs), predictions, strict=True):
        torch.testing.assert_close(found, wanted)
    assert max(seen) == 20
    assert sum(seen) == len(running.data.validation_inputs) + running.data.num_training


def test_accuracy_of_a_step_is_that_of_its_batch() -> None:
    for name in ("digits", "moons"):
        running = race(DIGITS, data={"name": name, "batch_size": 50}, lanes=LANES)
        for _ in range(5):
            inputs, targets = running.data.batch(running.step)
            before = running.predict(inputs)
            accuracy = next(running).accuracy
            for lane, outputs in enumerate(before):
                guess = outputs.argmax(1) if name == "digits" else (outputs[:, 0] > 0).to(targets.dtype)
                assert float(accuracy[lane]) == pytest.approx(float((guess == targets).double().mean()))


def test_nothing_held_back_has_no_scores() -> None:
    running = race(DIGITS, data={"name": "digits", "validation": 0.0}, lanes=LANES)
    for scores in running.evaluate():
        assert np.isnan(scores).all()


def test_sixteen_lanes_of_two_hundred_layers() -> None:
    running = race(
        {
            "steps": 3,
            "data": {"name": "digits"},
            "model": {"family": "mlp", "depth": 199, "width": 16, "activation": "tanh"},
            "lanes": [{"name": str(lane), "seed": lane} for lane in range(16)],
        }
    )
    assert len(running.groups) == 1
    assert len(running.blueprints[0].measured_layers) == 200
    assert torch.isfinite(losses(running)).all()


def test_what_the_device_says_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    running = race(DIGITS)

    def full(*given: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(running.data, "batch", full)
    with pytest.raises(InitVizError, match=r"ran out of memory.*smaller batch"):
        next(running)
    monkeypatch.undo()
    assert next(running).step == 0


def test_denormals_are_flushed_in_training_and_true_in_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arithmetic on denormal numbers is two hundred times slower, but a look must tell how small a signal is."""
    shrink: Document = {"weight": {"name": "constant", "value": 1e-4}, "bias": {"name": "zeros"}}
    running = race(DIGITS, model={**DIGITS["model"], "depth": 16}, init=shrink)
    inputs, targets = running.data.inputs[:8].abs(), running.data.targets[:8]
    place = 14

    def smallest(state: RaceState) -> float:
        return float(state.groups[0].preactivations[place].double().abs().amax())

    looked = smallest(running.look(inputs, targets))
    assert 0.0 < looked < torch.finfo(torch.float32).tiny
    running.observe = True
    monkeypatch.setattr(running.data, "batch", lambda step: (inputs, targets))
    assert smallest(next(running)) == 0.0
