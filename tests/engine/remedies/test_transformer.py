"""Transformers raced in lanes, against the same networks in ``torch.nn``, trained alone by ``torch.optim``."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from initviz.catalog.index import catalogue
from initviz.catalog.parts import TorchLayerPart
from initviz.engine.race import Race
from tests.engine.oracle import Document, race

STEPS = 20
TOLERANCE = 1e-9
SYMBOLS = 31

TEXT: Document = {
    "dtype": "float64",
    "steps": STEPS,
    "data": {"name": "text", "length": 12, "batch_size": 6},
    "init": {"weight": {"name": "xavier_normal"}, "bias": {"name": "normal", "std": 0.1}},
    "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9},
    "lanes": [
        {"name": "a"},
        {"name": "b", "seed": 7},
        {"name": "c", "init": {"weight": {"name": "normal", "std": 0.02}}},
    ],
}
EMBEDDING: Document = {"kind": "embedding", "vocabulary": SYMBOLS, "units": 8}
FAMILY: Document = {"family": "transformer", "width": 8, "heads": 2, "blocks": 2}

MODELS: dict[str, Document] = {
    "embedding": {"layers": [EMBEDDING]},
    "learned positions": {"layers": [EMBEDDING, {"kind": "positions", "encoding": "learned"}]},
    "sinusoidal positions": {"layers": [EMBEDDING, {"kind": "positions", "encoding": "sinusoidal"}]},
    **{
        f"{kind}, norm {norm}": {"layers": [EMBEDDING, {"kind": "positions"}, {"kind": kind, "norm": norm}]}
        for kind in ("attention", "feed_forward")
        for norm in ("pre", "post", "none")
    },
    "transformer, norm before": FAMILY,
    "transformer, norm after": {**FAMILY, "norm": "post", "encoding": "sinusoidal"},
    "transformer, no norm": {**FAMILY, "norm": "none", "activation": "relu"},
    "transformer, tied": {**FAMILY, "tied": True},
    "list, tied": {
        "layers": [EMBEDDING, {"kind": "positions"}, {"kind": "attention"}, {"kind": "feed_forward"}],
        "output_tie": {"layer": "embedding_1"},
    },
}


def plain_network(running: Race, lane: int) -> nn.Sequential:
    """Return a lane's network in ``torch.nn``, a tied weight being one and the same parameter."""
    group = next(group for group in running.groups if lane in group.lanes)
    modules: list[nn.Module] = []
    for stage in group.blueprint.stages:
        part = catalogue().get("layer", stage.layer.name)
        assert isinstance(part, TorchLayerPart)
        modules.append(part.module(stage.layer, stage.input_shape))
    plain = nn.Sequential(*modules).to(torch.float64)
    found = dict(plain.named_parameters())
    views = group.layout.views(group.flat[group.lanes.index(lane)])
    with torch.no_grad():
        for slot, view in zip(group.layout.slots, views, strict=True):
            found.pop(f"{slot.stage}.{slot.spec.name}").copy_(view)
    assert not found
    for slot in group.layout.slots:
        tie = slot.spec.tied_to
        if tie is not None:
            assert not tie.transpose
            mine, owner = modules[slot.stage], modules[tie.stage].get_parameter(tie.name)
            assert torch.equal(mine.get_parameter(slot.spec.name), owner)
            setattr(mine, slot.spec.name, owner)
    return plain


def optimizer_of(running: Race, lane: int, parameters: list[nn.Parameter]) -> Optimizer:
    chosen = running.experiment.lanes[lane].recipe.optimizer
    if chosen.name == "adam":
        return Adam(parameters, lr=chosen.number("lr"), eps=chosen.number("eps"))
    return SGD(parameters, lr=chosen.number("lr"), momentum=chosen.number("momentum"))


def mean_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over examples and positions."""
    return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten())


@pytest.mark.parametrize("model", MODELS)
def test_three_lanes_train_as_three_networks_alone(model: str) -> None:
    check(race(TEXT, model=MODELS[model]))


@pytest.mark.parametrize("tied", [False, True])
def test_with_adam(tied: bool) -> None:
    check(race(TEXT, model={**FAMILY, "tied": tied}, optimizer={"name": "adam", "lr": 0.01, "eps": 1e-6}))


def check(running: Race) -> None:
    """Train a race and each of its lanes alone, and compare losses, gradients of the last step, and final weights."""
    assert [group.lanes for group in running.groups] == [(0, 1, 2)], "one batch of tensors"
    networks = [plain_network(running, lane) for lane in range(3)]
    optimizers = [
        optimizer_of(running, lane, list(plain.parameters())) for lane, plain in enumerate(networks)
    ]
    first = copy.deepcopy(networks)
    for step in range(STEPS):
        inputs, targets = running.data.batch(step)
        wanted = []
        for plain, optimizer in zip(networks, optimizers, strict=True):
            optimizer.zero_grad()
            loss = mean_loss(plain(inputs), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            wanted.append(loss.item())
        found = next(running).loss.tolist()
        assert found == pytest.approx(wanted, rel=TOLERANCE, abs=TOLERANCE), step
    for lane, plain in enumerate(networks):
        trained = dict(plain_network(running, lane).named_parameters())
        for name, value in plain.named_parameters():
            assert torch.allclose(trained[name], value, rtol=TOLERANCE, atol=TOLERANCE), name
        moved = [
            not torch.equal(before, after)
            for before, after in zip(first[lane].parameters(), plain.parameters(), strict=True)
        ]
        assert all(moved), "every tensor learns"


def test_a_shared_weight_is_counted_once_and_stays_one() -> None:
    running = race(TEXT, model={**FAMILY, "tied": True})
    apart = race(TEXT, model=FAMILY)
    assert apart.blueprints[0].num_parameters - running.blueprints[0].num_parameters == SYMBOLS * 8
    (group,) = running.groups
    for _ in range(STEPS):
        next(running)
    views = {
        (slot.stage, slot.spec.name): view
        for slot, view in zip(group.layout.slots, group.layout.views(group.flat), strict=True)
    }
    embedding, output = views[0, "weight"], views[len(group.blueprint.stages) - 1, "weight"]
    assert torch.equal(embedding, output)
    assert len({float(value) for value in embedding.norm(dim=(1, 2))}) == 3, "of three lanes"


def test_no_answer_depends_on_a_later_letter() -> None:
    running = race(TEXT, model=FAMILY)
    for _ in range(3):
        next(running)
    (group,) = running.groups
    inputs = running.data.inputs[:4].clone()
    before = group.outputs(inputs)
    inputs[:, 7] = (inputs[:, 7] + 1) % SYMBOLS
    after = group.outputs(inputs)
    assert before.shape == (3, 4, 12, SYMBOLS)
    assert torch.equal(before[:, :, :7], after[:, :, :7])
    assert ((before[:, :, 7:] - after[:, :, 7:]).abs().amax(-1) > 1e-9).all()


@pytest.mark.parametrize("start", ["fixup", "skipinit", "rezero"])
@pytest.mark.parametrize("blocks", [1, 4])
def test_starts_for_residual_branches_begin_as_if_there_were_no_blocks(start: str, blocks: int) -> None:
    """The network then is embedding, positions and output alone, however deep."""
    changes: dict[str, Any] = {"init": {"weight": {"name": start}}, "lanes": [{"name": "a"}]}
    deep = race(TEXT, model={**FAMILY, "blocks": blocks, "norm": "none"}, **changes)
    outputs = deep.groups[0].outputs(deep.data.inputs[:4])[0]
    plain = plain_network(deep, 0)
    without = nn.Sequential(plain[0], plain[1], plain[-1])
    assert torch.equal(outputs, without(deep.data.inputs[:4]))
    assert (outputs.std() > 0.1) == (start != "fixup"), "Fixup's output layer starts at 0 too"


def test_fixup_scales_values_and_the_way_up_and_leaves_queries_and_keys_alone() -> None:
    document = {**TEXT, "init": {"weight": {"name": "fixup"}}, "lanes": [{"name": "a"}]}
    running = race(document, model={**FAMILY, "width": 64, "blocks": 8})
    plain = plain_network(running, 0)
    he, branches, layers = (2 / 64) ** 0.5, 16, 2
    shrunk = he * branches ** (-1 / (2 * layers - 2))
    attention, dense = plain[2], plain[3]
    for module, name, std in (
        (attention, "query", he),
        (attention, "key", he),
        (attention, "value", shrunk),
        (attention, "out", 0.0),
        (dense, "up", shrunk),
        (dense, "down", 0.0),
    ):
        assert module.get_parameter(f"{name}.weight").std().item() == pytest.approx(std, rel=0.1), name
