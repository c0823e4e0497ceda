"""Layers that read step by step: lanes against plain ``torch.nn`` networks, and depth through time as a fact."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from initviz.catalog.index import catalogue
from initviz.catalog.lstm_steps import LstmSteps
from initviz.engine.network import Network
from initviz.engine.race import Race
from initviz.experiment.errors import ExperimentError
from tests.engine.oracle import Document, network, race

STEPS = 20
TOLERANCE = 1e-9

ADDING: Document = {"name": "adding", "length": 9, "samples": 120, "batch_size": 16}
COPY: Document = {"name": "copy", "length": 3, "delay": 4, "samples": 120, "batch_size": 16}
MNIST1D: Document = {"name": "mnist1d", "samples": 120, "batch_size": 16}
DIGITS: Document = {"name": "digits", "batch_size": 16}
LANES: list[Document] = [
    {"name": "a"},
    {"name": "b", "seed": 7},
    {"name": "c", "init": {"weight": {"name": "normal", "std": 0.2}}},
]
FEW: Document = {"init": {"weight": {"name": "xavier_normal"}, "bias": {"name": "normal", "std": 0.1}}}


def family(cell: str, **values: Any) -> Document:
    return {"family": "recurrent", "cell": cell, "width": 6, **values}


def layers(*kinds: Document) -> Document:
    return {"layers": list(kinds)}


def cell(kind: str, **values: Any) -> Document:
    return {"kind": kind, "units": 6, **values}


LAST, MEAN = {"kind": "last_step"}, {"kind": "mean_over_time"}

NETWORKS: dict[str, tuple[Document, Document]] = {
    "rnn, tanh": (ADDING, family("rnn")),
    "rnn, relu": (ADDING, family("rnn", activation="relu", recurrent_start="identity")),
    "rnn, any function": (ADDING, family("rnn", activation="softplus")),
    "rnn, no bias": (ADDING, layers(cell("rnn", bias=False), LAST)),
    "rnn, any function, no bias": (ADDING, layers(cell("rnn", bias=False, activation="elu"), LAST)),
    "gru": (ADDING, family("gru")),
    "gru, no bias": (ADDING, layers(cell("gru", bias=False), LAST)),
    "lstm": (ADDING, family("lstm")),
    "lstm, no bias": (ADDING, layers(cell("lstm", bias=False), LAST)),
    "two layers": (ADDING, family("lstm", depth=2)),
    "three cells": (ADDING, layers(cell("rnn"), cell("gru"), cell("lstm"), MEAN)),
    "an answer a step": (COPY, family("gru")),
    "mean over time": (ADDING, layers(cell("gru"), MEAN)),
    "mean of the input": (ADDING, layers(MEAN, {"kind": "dense", "units": 6})),
    "last of the input": (ADDING, layers(LAST, {"kind": "dense", "units": 6})),
    "dense at every step": (
        COPY,
        layers(
            {"kind": "dense", "units": 5}, {"kind": "activation"}, cell("rnn"), {"kind": "dense", "units": 5}
        ),
    ),
    "dense at every step, no bias": (COPY, layers({"kind": "dense", "units": 5, "bias": False}, cell("rnn"))),
    "dense alone": (COPY, layers({"kind": "dense", "units": 5}, {"kind": "activation", "function": "tanh"})),
    "flattened at once": (ADDING, layers({"kind": "flatten"}, {"kind": "dense", "units": 6})),
    "flattened later": (ADDING, layers(cell("rnn"), {"kind": "flatten"})),
    "a list read step by step": (MNIST1D, layers({"kind": "steps", "size": 8}, cell("gru"), LAST)),
    "units read step by step": (
        MNIST1D,
        layers({"kind": "dense", "units": 12}, {"kind": "steps", "size": 3}, cell("rnn"), LAST),
    ),
    "a sequence of numbers": ({**MNIST1D, "form": "sequence"}, family("rnn")),
    "symbols": ({"name": "text", "length": 8, "batch_size": 16}, family("gru")),
    "an image read row by row": (DIGITS, family("lstm")),
    "channels read row by row": (
        DIGITS,
        layers({"kind": "conv", "channels": 2}, {"kind": "steps"}, cell("rnn"), LAST),
    ),
}

OPTIMIZERS: dict[str, Document] = {
    "sgd": {"name": "sgd", "lr": 0.01, "momentum": 0.5},
    "adam": {"name": "adam", "lr": 0.003},
}


def optimizer_of(name: str, parameters: list[nn.Parameter]) -> Optimizer:
    return SGD(parameters, lr=0.01, momentum=0.5) if name == "sgd" else Adam(parameters, lr=0.003)


def running(data: Document, model: Document, lanes: list[Document] = LANES, **changes: Any) -> Race:
    return race({"dtype": "float64", "steps": STEPS, **FEW}, data=data, model=model, lanes=lanes, **changes)


def loss_of(race: Race, outputs: Tensor, targets: Tensor) -> Tensor:
    if race.data.info.task == "regression":
        return nn.functional.mse_loss(outputs, targets)
    return nn.functional.cross_entropy(outputs.flatten(0, -2), targets.flatten())


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_lanes_are_plain_networks_trained_alone(name: str, optimizer: str, lanes: int) -> None:
    data, model = NETWORKS[name]
    mine = running(data, model, LANES[:lanes], optimizer=OPTIMIZERS[optimizer])
    assert len(mine.groups) == 1
    plain = [network(mine, lane) for lane in range(lanes)]
    optimizers = [optimizer_of(optimizer, list(each.parameters())) for each in plain]
    first = mine.groups[0].flat.clone()
    for step in range(STEPS):
        inputs, targets = mine.data.batch(step)
        found = next(mine).loss.tolist()
        for each, rule, ours in zip(plain, optimizers, found, strict=True):
            rule.zero_grad()
            loss = loss_of(mine, each(inputs), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            rule.step()
            assert ours == pytest.approx(loss.item(), abs=TOLERANCE)
    group = mine.groups[0]
    assert (group.flat - first).abs().max() > 1e-3
    for lane, each in enumerate(plain):
        theirs = dict(each.named_parameters())
        for slot, view in zip(group.layout.slots, group.layout.views(group.flat[lane]), strict=True):
            assert torch.allclose(view, theirs[f"{slot.stage}.{slot.spec.name}"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", ["rnn, tanh", "gru", "lstm", "an image read row by row"])
def test_a_lane_among_others_is_the_lane_alone(name: str) -> None:
    data, model = NETWORKS[name]
    together = running(data, model)
    for _ in range(STEPS):
        next(together)
    for index, lane in enumerate(LANES):
        alone = running(data, model, [lane])
        for _ in range(STEPS):
            next(alone)
        difference = (alone.groups[0].flat[0] - together.groups[0].flat[index]).abs().max()
        assert difference < 1e-12


@pytest.mark.parametrize("name", ["rnn, tanh", "gru", "lstm"])
def test_a_step_that_is_watched_gives_the_same_numbers(name: str) -> None:
    data, model = NETWORKS[name]
    watched, unwatched = running(data, model), running(data, model)
    watched.observe = True
    for _ in range(3):
        next(watched)
        next(unwatched)
    assert torch.equal(watched.groups[0].flat, unwatched.groups[0].flat)


@pytest.mark.parametrize("lanes", [1, 3])
def test_all_lanes_of_an_lstm_at_once_are_those_in_turn(lanes: int) -> None:
    """On an accelerator, and in mixed precision, the steps of all lanes run as one."""
    random = torch.Generator().manual_seed(1)
    shape = (4, 7, 20) if lanes == 1 else (lanes, 4, 7, 20)
    given = torch.randn(shape, generator=random, dtype=torch.float64).transpose(-3, -2).requires_grad_()
    recurrent = torch.randn((*shape[:-3], 20, 5), generator=random, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(LstmSteps.apply, (given, recurrent))
    for lane in range(lanes):
        own, weight = (given, recurrent) if lanes == 1 else (given[lane], recurrent[lane])
        plain = nn.LSTM(20, 5, bias=False).to(torch.float64)
        with torch.no_grad():
            plain.get_parameter("weight_ih_l0").copy_(torch.eye(20))
            plain.get_parameter("weight_hh_l0").copy_(weight)
            found = LstmSteps.apply(given, recurrent)  # type: ignore[no-untyped-call]
            assert torch.allclose(found if lanes == 1 else found[lane], plain(own)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_mixed_precision_stays_near(kind: str) -> None:
    mixed, full = (
        running(ADDING, family(kind), dtype="float32", remedies={"mixed_precision": on})
        for on in (True, False)
    )
    mixed.observe = True
    for _ in range(STEPS):
        state, wanted = next(mixed), next(full)
        assert torch.allclose(state.loss, wanted.loss, atol=0.1)
    assert not torch.equal(mixed.groups[0].flat, full.groups[0].flat)
    assert all(grad.isfinite().all() for grad in state.groups[0].grad_preactivations)


def unrolled(
    kind: str, weights: dict[str, Tensor], inputs: Tensor, head: nn.Module
) -> tuple[Tensor, list[Tensor]]:
    """Run one of torch's cells step by step; return the answer after the last one, and the states."""
    kinds = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}
    one: Any = kinds[kind](inputs.shape[2], 6).to(torch.float64)
    with torch.no_grad():
        for name, value in weights.items():
            one.get_parameter(name.removesuffix("_l0")).copy_(value)
    states: list[Tensor] = []
    carried: Any = None
    for step in inputs.unbind(1):
        carried = one(step, carried)
        states.append(carried[0] if kind == "lstm" else carried)
        states[-1].retain_grad()
    return head(states[-1]), states


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_the_gradient_at_every_step_is_that_of_cells_in_a_row(kind: str, lanes: int) -> None:
    mine = running(ADDING, family(kind), LANES[:lanes])
    plain = [network(mine, lane) for lane in range(lanes)]
    inputs, targets = mine.data.batch(0)
    mine.observe = True
    state = next(mine).groups[0]
    assert [layer.name for layer in mine.groups[0].network.measured] == [
        f"{kind}_1.1",
        f"{kind}_1.2",
        "output",
    ]
    through_time, output = state.grad_preactivations[:2]
    for lane, each in enumerate(plain):
        weights = dict(each[0].named_parameters())
        answer, states = unrolled(kind, {k: v.detach() for k, v in weights.items()}, inputs, each[-1])
        loss_of(mine, answer, targets).backward()  # type: ignore[no-untyped-call]
        seen = torch.stack([state.detach() for state in states], 1)
        found = torch.stack([state.grad for state in states if state.grad is not None], 1)
        if kind == "rnn":
            found = found * (1 - seen.square())
            assert torch.allclose(state.preactivations[0][lane], torch.atanh(seen), atol=TOLERANCE)
        assert torch.allclose(state.activations[0][lane], seen, rtol=0, atol=TOLERANCE)
        assert torch.allclose(through_time[lane], found, rtol=0, atol=TOLERANCE)
        assert through_time[lane, :, 0].abs().max() > 1e-6
        assert not output[lane, :, :-1].any(), "only the last step is answered for"


# Through time is depth.


def norms_over_time(start: Document, length: int = 30, **values: Any) -> tuple[Tensor, Tensor]:
    """Return dC/dz at every step of a vanilla network at its start, ``(T,)`` norms over batch and units, and W_hh."""
    data = {**ADDING, "length": length, "standardize": False}
    model = layers(cell("rnn", units=16, **values), LAST)
    mine = running(data, model, [{"name": "a", "init": {"weight": start, "bias": {"name": "zeros"}}}])
    mine.observe = True
    group = mine.groups[0]
    names = [slot.spec.name for slot in group.layout.slots]
    recurrent = group.layout.views(group.flat[0])[names.index("weight_hh_l0")].clone()
    grads = next(mine).groups[0].grad_preactivations[0][0]
    return grads.transpose(0, 1).flatten(1).norm(dim=1), recurrent


@pytest.mark.parametrize("std", [0.02, 0.05, 0.1])
def test_a_small_recurrent_start_loses_the_gradient_at_the_rate_of_its_spectral_norm(std: float) -> None:
    norms, recurrent = norms_over_time({"name": "normal", "std": std})
    largest = torch.linalg.matrix_norm(recurrent, 2)
    assert largest < 1
    for earlier, later in pairwise(norms):
        assert earlier <= largest * later * (1 + 1e-9)
    assert norms[0] < norms[-1] * largest**29


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.0])
def test_an_orthogonal_start_shrinks_the_gradient_by_its_gain_a_step(gain: float) -> None:
    norms, recurrent = norms_over_time(
        {"name": "normal", "std": 0.01}, recurrent_start="orthogonal", recurrent_gain=gain
    )
    assert torch.allclose(recurrent @ recurrent.T, gain**2 * torch.eye(16, dtype=torch.float64))
    rates = norms[:-1] / norms[1:]
    assert rates.max() <= gain * (1 + 1e-9)
    assert rates.min() > gain * 0.97, "tanh is nearly linear where the states are small"


def test_a_recurrent_start_of_ones_on_the_diagonal_keeps_the_gradient_of_a_relu() -> None:
    norms, recurrent = norms_over_time(
        {"name": "constant", "value": 0.01}, activation="relu", recurrent_start="identity"
    )
    assert torch.equal(recurrent, torch.eye(16, dtype=torch.float64))
    assert torch.allclose(norms, norms[-1].expand_as(norms)), "every unit is on, so nothing is lost"


def test_an_open_forget_gate_keeps_more_of_the_gradient() -> None:
    """At a start near 0 the memory is multiplied by sigmoid(forget bias) at every step."""

    def rate(forget_bias: float) -> float:
        model = layers(cell("lstm", forget_bias=forget_bias), LAST)
        start = {"weight": {"name": "normal", "std": 0.01}, "bias": {"name": "zeros"}}
        mine = running({**ADDING, "length": 20}, model, [{"name": "a", "init": start}])
        mine.observe = True
        norms = next(mine).groups[0].grad_preactivations[0][0].transpose(0, 1).flatten(1).norm(dim=1)
        return float((norms[2] / norms[12]) ** 0.1)

    for bias in (0.0, 1.0, 3.0):
        assert rate(bias) == pytest.approx(float(torch.sigmoid(torch.tensor(bias))), abs=0.02)


# Starts.


def tensors(mine: Race, lane: int = 0) -> dict[str, Tensor]:
    group = next(group for group in mine.groups if lane in group.lanes)
    row = group.flat[group.lanes.index(lane)]
    return {
        f"{slot.stage}.{slot.spec.name}": view
        for slot, view in zip(group.layout.slots, group.layout.views(row), strict=True)
    }


@pytest.mark.parametrize(("kind", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_every_gate_has_a_start_of_its_own(kind: str, gates: int) -> None:
    mine = running(
        ADDING,
        family(kind),
        [
            {"name": "orthogonal", "model": {"recurrent_start": "orthogonal", "recurrent_gain": 0.7}},
            {"name": "identity", "model": {"recurrent_start": "identity"}},
            {"name": "as the network", "init": {"weight": {"name": "orthogonal"}}},
        ],
    )
    assert len(mine.groups) == 1, "a start makes no other structure"
    square = torch.eye(6, dtype=torch.float64)
    for block in tensors(mine, 0)["0.weight_hh_l0"].chunk(gates):
        assert torch.allclose(block @ block.T, 0.49 * square)
    assert torch.equal(tensors(mine, 1)["0.weight_hh_l0"], square.repeat(gates, 1))
    for block in tensors(mine, 2)["0.weight_hh_l0"].chunk(gates):
        assert torch.allclose(block @ block.T, square)
    assert torch.equal(tensors(mine, 0)["0.weight_ih_l0"], tensors(mine, 1)["0.weight_ih_l0"])
    assert mine.target_stds[0][1] == pytest.approx(0.7 * mine.target_stds[2][1])


def test_fans_are_those_of_a_gate() -> None:
    mine = running(
        ADDING, family("lstm", width=400), [{"name": "a", "init": {"weight": {"name": "xavier_normal"}}}]
    )
    aims, drawn = mine.target_stds[0], mine.drawn_stds[0]
    assert aims[:2] == pytest.approx([(2 / 402) ** 0.5, (2 / 800) ** 0.5])
    assert drawn[:2] == pytest.approx(aims[:2], rel=0.05)


def test_the_forget_bias_raises_one_gate() -> None:
    lanes: list[Document] = [
        {"name": "open", "model": {"forget_bias": 2.5}},
        {"name": "half", "model": {"forget_bias": 0.0}},
    ]
    mine = running(ADDING, family("lstm"), lanes)
    assert len(mine.groups) == 1
    raised = tensors(mine, 0)["0.bias_ih_l0"] - tensors(mine, 1)["0.bias_ih_l0"]
    assert raised.tolist() == pytest.approx([0.0] * 6 + [2.5] * 6 + [0.0] * 12)
    assert torch.equal(tensors(mine, 0)["0.bias_hh_l0"], tensors(mine, 1)["0.bias_hh_l0"])


def test_lsuv_leaves_a_recurrent_layer_orthogonal() -> None:
    mine = running(
        {**ADDING, "samples": 400},
        family("rnn", width=32),
        [{"name": "a", "init": {"weight": {"name": "lsuv"}}}],
    )
    recurrent = tensors(mine)["0.weight_hh_l0"]
    assert torch.allclose(recurrent @ recurrent.T, torch.eye(32, dtype=torch.float64))
    outputs = mine.predict(mine.data.inputs)[0]
    assert float(outputs.var(correction=0)) == pytest.approx(1.0, abs=0.1), "the output layer is scaled"


# What is told of a network.


def test_weights_through_time_count_once() -> None:
    short, long = (
        running({**ADDING, "length": n}, family("rnn")).blueprints[0].num_parameters for n in (5, 50)
    )
    assert short == long == 6 * 2 + 6 * 6 + 2 * 6 + 7


def test_which_of_them_tell_their_own_gradient() -> None:
    mine = running(DIGITS, layers({"kind": "steps"}, {"kind": "dense"}, cell("rnn"), LAST))
    kinds = {
        stage.layer.name: type(form).__name__
        for stage, form in zip(
            mine.blueprints[0].stages, Network(mine.blueprints[0], catalogue(), 1).forms(), strict=True
        )
    }
    assert kinds["rnn"] == "AutogradForm"
    assert "AutogradForm" not in {kinds["steps"], kinds["dense"], kinds["last_step"]}


@pytest.mark.parametrize(
    ("data", "model", "words"),
    [
        (
            DIGITS,
            layers(cell("rnn"), LAST),
            "layer 1 (rnn_1): it needs a sequence, but its input is an image",
        ),
        (
            MNIST1D,
            layers(cell("gru"), LAST),
            "layer 1 (gru_1): it needs a sequence, but its input is a list of 40",
        ),
        (ADDING, layers({"kind": "steps"}), "sequence already"),
        (ADDING, layers({"kind": "residual"}), "its input is a sequence of shape 9 x 2"),
        (ADDING, layers({"kind": "conv"}), "its input is a sequence of shape 9 x 2"),
        (ADDING, layers(LAST, MEAN), "layer 2 (mean_over_time_1): it needs a sequence"),
        (MNIST1D, layers({"kind": "steps", "size": 7}), "40 numbers cannot be read 7 at a time"),
        (ADDING, layers(cell("rnn")), "one answer is wanted for the whole sequence"),
        (COPY, layers(cell("rnn"), LAST), "every position of the sequence needs an answer"),
    ],
)
def test_a_network_that_cannot_be_is_answered_in_words(data: Document, model: Document, words: str) -> None:
    with pytest.raises(ExperimentError) as error:
        running(data, model)
    assert words in error.value.reason.en
    assert error.value.path.startswith("model")
    assert error.value.reason.zh.endswith("。")
