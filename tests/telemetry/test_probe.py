"""The probe tells the closed forms of variance propagation, and signals of any magnitude."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits
from initviz.telemetry.probe import LaneFacts, probe
from tests.telemetry.races import CONVOLUTIONAL, DIGITS, LANES, race

DEPTH, WIDTH = 30, 512


def deep(activation: str, dtype: str = "float32", depth: int = DEPTH, **weights: dict[str, object]) -> Race:
    return race(
        {
            "device": "cpu",
            "dtype": dtype,
            "steps": 10,
            "data": {"name": "gaussian", "dim": WIDTH, "classes": 10, "samples": 600, "batch_size": 128},
            "model": {"family": "mlp", "depth": depth, "width": WIDTH, "activation": activation},
            "lanes": [{"name": name, "init": {"weight": weight}} for name, weight in weights.items()],
        }
    )


def column(lane: LaneFacts, field: str) -> np.ndarray:
    return np.array([getattr(layer, field) for layer in lane.layers])


def test_relu_layers_keep_the_signal_with_he_and_halve_it_with_xavier() -> None:
    running = deep("relu", he={"name": "he_normal"}, xavier={"name": "xavier_normal"})
    he, xavier = probe(running, 256)
    # A layer's mean square fluctuates by a variance of about 5/n about its expectation: He et al. 2015; Hanin 2018.
    spread = math.sqrt(5 * DEPTH / WIDTH)
    q = column(he, "preactivation_q")[:DEPTH]
    assert abs(math.log(q[-1] / q[0])) < 3 * spread
    assert q[0] == pytest.approx(2.0, rel=0.1)
    # With Xavier and equal widths each layer halves it: the last of 30 is left with 2^-29 of the first.
    q = column(xavier, "preactivation_q")[:DEPTH]
    assert abs(math.log(q[-1] / q[0] * 2.0 ** (DEPTH - 1))) < 3 * spread
    # Backward, He keeps the gradient as well, and Xavier halves it too.
    back = column(he, "grad_preactivation_q")[:DEPTH]
    assert abs(math.log(back[0] / back[-1])) < 4 * spread
    back = column(xavier, "grad_preactivation_q")[:DEPTH]
    assert abs(math.log(back[0] / back[-1] * 2.0 ** (DEPTH - 1))) < 4 * spread


def test_weights_are_told_as_aimed_at_and_drawn() -> None:
    (lane,) = probe(deep("relu", depth=3, he={"name": "he_normal"}), 32)
    assert [layer.name for layer in lane.layers] == ["dense_1", "dense_2", "dense_3", "output"]
    assert {layer.kind for layer in lane.layers} == {"dense"}
    assert lane.layers[1].shape == (WIDTH, WIDTH)
    assert (lane.layers[1].fan_in, lane.layers[1].fan_out) == (WIDTH, WIDTH)
    assert (lane.layers[3].fan_in, lane.layers[3].fan_out) == (WIDTH, 10)
    for layer in lane.layers[:3]:
        aim = math.sqrt(2 / WIDTH)
        assert layer.target_std == pytest.approx(aim)
        assert layer.weight_std == pytest.approx(aim, rel=4 / math.sqrt(2 * WIDTH**2))
        assert abs(layer.weight_mean) < 4 * aim / WIDTH
    # The output layer sees no activation: its initializer aims at gain 1 or 2, but a positive number in any case.
    assert lane.layers[3].target_std > 0


@pytest.mark.parametrize(("dtype", "root"), [("float32", 1e-30), ("float64", 1e-100)])
def test_a_signal_that_all_but_vanished_is_reported_truly(dtype: str, root: float) -> None:
    # q of layer l is q_1 * (n std^2 / 2)^(l - 1): choose std so that z falls to ``root`` in the last of 20 layers.
    depth = 20
    factor = (root**2) ** (1 / depth)
    std = math.sqrt(2 * factor / WIDTH)
    (lane,) = probe(deep("relu", dtype, depth, tiny={"name": "normal", "std": std}), 128)
    q = column(lane, "preactivation_q")[:depth]
    wanted = 2 * factor ** np.arange(1, depth + 1)
    assert (np.abs(np.log(q / wanted)) < 4 * math.sqrt(5 * depth / WIDTH)).all()
    assert q[-1] < 1e-55
    variance = column(lane, "activation_var")[:depth]
    # Half a normal: E[relu(z)^2] - E[relu(z)]^2 = q (1/2 - 1/2 pi).
    np.testing.assert_allclose(variance / q, 0.5 - 0.5 / math.pi, rtol=0.3)
    back = column(lane, "grad_preactivation_q")
    assert back[-1] > 1e-3  # it starts at the output ...
    assert (back[1:-1] > 0).all()
    assert (back[5:-2] < back[6:-1]).all()  # ... and falls on its way back


def by_torch(running: Race, lane: int, inputs: torch.Tensor, targets: torch.Tensor) -> dict[str, np.ndarray]:
    """Work the same out with plain torch modules and autograd, in double precision."""
    (group,) = running.groups
    plan = running.blueprints[lane]
    modules = []
    for stage in plan.stages:
        part = catalogue().get("layer", stage.layer.name)
        modules.append(part.module(stage.layer, stage.input_shape).double())  # type: ignore[attr-defined]
    views = group.layout.views(group.flat[lane])
    x = inputs.double()
    outputs, weights = [], []
    for index, module in enumerate(modules):
        for slot, view in zip(group.layout.slots, views, strict=True):
            if slot.stage == index:
                module.get_parameter(slot.spec.name).data.copy_(view)
        x = module(x)
        if hasattr(module, "weight"):
            x.retain_grad()
            outputs.append(x)
            weights.append(module.weight)
    torch.nn.functional.cross_entropy(x, targets).backward()  # type: ignore[no-untyped-call]
    grads = [weight.grad for weight in weights]
    return {
        "preactivation_mean": np.array([float(z.mean().detach()) for z in outputs]),
        "preactivation_q": np.array([float((z.detach() ** 2).mean()) for z in outputs]),
        "grad_preactivation_q": np.array([float(((len(targets) * z.grad) ** 2).mean()) for z in outputs]),
        "grad_norm": np.array([float(torch.linalg.norm(grad)) for grad in grads]),
        "grad_weight_std": np.array([float(grad.std(correction=0)) for grad in grads]),
        "weight_mean": np.array([float(weight.detach().mean()) for weight in weights]),
        "weight_std": np.array([float(weight.detach().std(correction=0)) for weight in weights]),
    }


@pytest.mark.parametrize("document", [DIGITS, CONVOLUTIONAL], ids=["dense", "convolutional"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_facts_agree_with_plain_torch(document: dict[str, object], dtype: str) -> None:
    running = race({**document, "dtype": dtype}, lanes=LANES)
    for _ in range(2):  # so that zeros are not all there is
        next(running)
    inputs, targets = running.data.inputs[:50], running.data.targets[:50]
    lanes = probe(running, 50)
    assert [lane.name for lane in lanes] == [lane["name"] for lane in LANES]
    for index, lane in enumerate(lanes):
        wanted = by_torch(running, index, inputs, targets)
        for field, values in wanted.items():
            tolerance = 1e-9 if dtype == "float64" else 2e-3
            # Means are near 0 next to what is averaged.
            scale = np.sqrt(wanted["preactivation_q"]).max() if field.endswith("mean") else 0.0
            np.testing.assert_allclose(
                column(lane, field), values, rtol=tolerance, atol=1e-6 * scale + 1e-12, err_msg=field
            )


def test_nothing_is_trained_and_the_loss_is_that_of_the_first_step() -> None:
    running, other = race(DIGITS, lanes=LANES), race(DIGITS, lanes=LANES)
    before = running.groups[0].flat.clone()
    lanes = probe(running)
    assert running.step == 0
    assert torch.equal(running.groups[0].flat, before)
    state, plain = next(running), next(other)
    assert torch.equal(state.loss, plain.loss)
    np.testing.assert_allclose([lane.loss for lane in lanes], plain.loss.double().numpy(), rtol=1e-6)


def test_lanes_of_different_structure() -> None:
    lanes = [*LANES[2:], {"name": "deeper", "model": {"depth": 6}}]
    facts = probe(race(DIGITS, lanes=lanes), 40)
    assert [lane.name for lane in facts] == ["xavier", "he", "deeper"]
    assert [len(lane.layers) for lane in facts] == [5, 5, 7]


@pytest.mark.parametrize("batch", [0, -3])
def test_a_batch_of_nothing_is_refused(batch: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        probe(race(DIGITS), batch)


def test_a_batch_larger_than_the_data() -> None:
    running = Race(read_document(DIGITS, catalogue(), Limits()), catalogue(), Limits())
    (whole,) = probe(running, running.data.num_training)
    (more,) = probe(running, 10**6)
    assert repr(whole) == repr(more)  # which compares what is no number, too
