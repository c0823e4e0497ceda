"""A lane that runs away is told and stopped, and its neighbours never notice."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from initviz.catalog.index import catalogue
from initviz.engine import race as race_module
from tests.engine.oracle import Document, race
from tests.engine.test_race import CONVOLUTIONAL, DIGITS, MODELS, losses, rows

CALM: list[Document] = [{"name": "He"}, {"name": "other", "seed": 4}]
WILD: Document = {"name": "wild", "init": {"weight": {"name": "normal", "mean": 0.0, "std": 900.0}}}
MILD: Document = {"name": "wild", "init": {"weight": {"name": "normal", "mean": 0.0, "std": 0.1}}}


def deep(document: Document) -> Document:
    """Return a document with so many wide weights that std 900 overflows single precision."""
    layers = [{"kind": "dense", "units": 24}, {"kind": "activation"}] * 12
    given = document["model"].get("layers", [{"kind": "flatten"}])
    return {**document, "model": {"layers": [*given, *layers]}}


@MODELS
@pytest.mark.parametrize("optimizer", [part.key for part in catalogue().parts("optimizer")])
def test_a_diverging_neighbour_changes_nothing(document: Document, optimizer: str) -> None:
    settings: Document = {"optimizer": {"name": optimizer, "lr": 0.003}, "steps": 25}
    calm = race(deep(document), lanes=[CALM[0], MILD, CALM[1]], **settings)
    wild = race(deep(document), lanes=[CALM[0], WILD, CALM[1]], **settings)
    wanted, found = losses(calm), losses(wild)
    assert torch.equal(wanted[:, [0, 2]], found[:, [0, 2]])
    for lane in (0, 2):
        assert torch.equal(rows(calm)[lane], rows(wild)[lane])
    assert torch.isnan(found[:, 1]).all()
    assert torch.isfinite(found[:, [0, 2]]).all()
    assert list(wild.diverged) == [1]
    assert calm.diverged == {}


def test_step_and_layer_are_those_of_the_first_number_that_is_not_finite() -> None:
    running = race(deep(DIGITS), lanes=[CALM[0], WILD])
    weights = rows(running)[1]
    inputs, _ = running.data.batch(0)
    x = inputs.flatten(1)
    finite = []
    for view in running.groups[0].layout.views(weights)[::2]:
        z = x @ view.T
        finite.append(bool(z.isfinite().all()))
        x = torch.relu(z)
    place = finite.index(False)
    next(running)
    step, layer = running.diverged[1]
    assert step == 0
    assert layer == running.blueprints[1].measured_layers[place]
    assert 5 < place < 12
    assert torch.equal(running.groups[0].frozen[1], weights)


@pytest.mark.parametrize("lanes", [1, 2])
def test_divergence_on_the_way(lanes: int) -> None:
    fast: Document = {"name": "fast", "seed": 2}
    running = race(
        DIGITS, optimizer={"name": "sgd", "lr": 1e4, "momentum": 0.9}, lanes=[fast, {"name": "b"}][:lanes]
    )
    found = losses(running)[:, 0]
    step, layer = running.diverged[0]
    assert 0 < step < 20
    assert torch.isfinite(found[:step]).all()
    assert torch.isnan(found[step:]).all()
    assert layer in running.blueprints[0].measured_layers
    loss, accuracy = running.evaluate()
    assert math.isnan(loss[0])
    assert math.isnan(accuracy[0])
    assert torch.isnan(running.predict(running.data.inputs[:4])[0]).all()


@pytest.mark.parametrize("lanes", [[WILD], [CALM[0], WILD]])
def test_what_is_looked_at_after_divergence(lanes: list[Document]) -> None:
    running = race(deep(DIGITS), lanes=lanes)
    place = len(lanes) - 1
    next(running)
    running.observe = True
    state = next(running)
    group = state.groups[0]
    assert torch.isnan(state.loss[place])
    assert torch.isnan(state.accuracy[place])
    assert len(group.preactivations) == len(running.blueprints[0].measured_layers)
    assert (running.groups[0].flat[place] == 0).all()
    assert (running.groups[0].grad[place] == 0).all()
    if place:
        assert torch.isfinite(state.loss[0])
    running.observe = False
    state = next(running)
    assert torch.isnan(state.loss[place])
    assert state.groups[0].outputs.shape == (len(lanes), 128, 10)


@MODELS
@pytest.mark.parametrize("steps", [25, 40])
def test_looking_late_tells_the_same(document: Document, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where reading a loss stalls the device, the engine looks only now and then; what it tells is the same."""
    settings: Document = {"steps": steps, "optimizer": {"name": "sgd", "lr": 0.003}}
    lanes = [CALM[0], WILD, {**CALM[1], "optimizer": {"lr": 1e6}}]
    at_once = race(deep(document), lanes=lanes, **settings)
    wanted = losses(at_once)
    monkeypatch.setattr(race_module, "check_interval", lambda device: 7)
    late = race(deep(document), lanes=lanes, **settings)
    found = losses(late)
    assert torch.equal(wanted.nan_to_num(-1.0), found.nan_to_num(-1.0))
    assert late.diverged == at_once.diverged
    assert len(late.diverged) == 2
    assert torch.equal(rows(late)[0], rows(at_once)[0])
    assert (np.isnan(late.evaluate()[0]) == [False, True, True]).all()


def test_a_convolution_with_one_bad_lane() -> None:
    """Grouped convolutions pad channels in memory: a neighbour's NaN must not be read as padding."""
    lanes = [{"name": str(lane), "seed": lane} for lane in range(3)]
    document = {**CONVOLUTIONAL, "steps": 1}
    clean, spoiled = race(document, lanes=lanes), race(document, lanes=lanes)
    spoiled.groups[0].flat[1] = torch.nan
    next(clean)
    next(spoiled)
    for lane in (0, 2):
        assert torch.equal(rows(clean)[lane], rows(spoiled)[lane])
