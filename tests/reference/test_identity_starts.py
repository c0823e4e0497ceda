"""Starts at which residual blocks add nothing, and a start that looks at data."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from initviz.telemetry.probe import probe
from tests.reference.starts import Floats, Table, measured, race_at_start, squared_singular_values

WIDTH = 64


def blocks(number: int, **values: object) -> Table:
    """Return a network of residual blocks of two dense layers."""
    return {"family": "resnet_mlp", "blocks": number, "width": WIDTH, "activation": "relu", **values}


def stream(model: Table, start: str, lanes: int) -> Floats:
    """Return E[x^2] of the stream before the first block and after each but the last, ``(lanes, blocks)``.

    What a block adds up counts as the activation of its last weight; after the last block the network's own follows.
    """
    race = race_at_start(model, {"weight": {"name": start}}, lanes=lanes)
    square = measured(race, "activation_var") + measured(race, "activation_mean") ** 2
    assert square.shape[1] == 1 + 2 * model["blocks"]
    first = measured(race, "preactivation_q")[:, :1]
    return np.concatenate([first, square[:, 2:-1:2]], axis=1)


def test_he_doubles_the_variance_a_block_and_fixup_adds_nothing() -> None:
    """Zhang et al. 2019 (Fixup), arXiv:1901.09321, section 2: Var x grows by Var F(x) a block, to 2^L with He.

    The paper's blocks start with an activation ("pre-activation" here). Ours that do not ("plain") treble it: their
    branch gets the whole stream, He's first layer makes 2 of it and the second keeps that.
    """
    number, lanes = 16, 8
    for order, factor in (("pre_activation", 2.0), ("plain", 3.0)):
        found = stream(blocks(number + 1, order=order), "he_normal", lanes)
        growth = np.log(found[:, -1] / found[:, 0])
        # A branch of two layers fluctuates by 2 * 5 / width, and is (1 - 1/factor) of what it is added to.
        deviation = math.sqrt(number * 2 * 5 / WIDTH) * (1 - 1 / factor)
        bias = deviation**2 / 2
        assert growth.mean() == pytest.approx(
            number * math.log(factor), abs=3 * deviation / math.sqrt(lanes) + bias
        )
    for start in ("fixup", "skipinit", "rezero"):
        found = stream(blocks(number), start, 2)
        np.testing.assert_array_equal(found, np.broadcast_to(found[:, :1], found.shape))


def test_fixup_is_what_its_paper_says() -> None:
    """Zhang et al. 2019, section 4: He times L^(-1/(2m-2)) inside a branch, last layer of it and output layer 0.

    So all classes are equally likely at the start, and the loss is the logarithm of their number.
    """
    number = 16
    race = race_at_start(blocks(number), {"weight": {"name": "fixup"}})
    (lane,) = probe(race, 64)
    assert lane.loss == pytest.approx(math.log(10), rel=1e-12)
    inner, last = lane.layers[1:-1:2], lane.layers[2:-1:2]
    assert len(inner) == len(last) == number
    for layer in inner:
        # Branches of m = 2 layers; a deviation of n^2 normal numbers is known to 1 / sqrt(2 n^2).
        wanted = math.sqrt(2 / WIDTH) / math.sqrt(number)
        assert layer.weight_std == pytest.approx(wanted, rel=5 / math.sqrt(2) / WIDTH)
    for layer in (*last, lane.layers[-1]):
        assert layer.weight_std == layer.weight_mean == 0.0
    assert lane.layers[0].weight_std == pytest.approx(math.sqrt(2 / WIDTH), rel=5 / math.sqrt(2) / WIDTH)


@pytest.mark.parametrize("start", ["fixup", "skipinit", "rezero"])
def test_the_jacobian_of_all_blocks_is_the_identity(start: str) -> None:
    """Bachlechner et al. 2021 (ReZero), arXiv:2003.04887, section 3: isometry at any depth, here 64 blocks."""
    race = race_at_start(blocks(64), {"weight": {"name": start}}, lanes=2)
    for lane in range(2):
        np.testing.assert_array_equal(squared_singular_values(race, lane, first=1), 1.0)
    # With He's start and all branches counted in full they spread over many powers of ten.
    race = race_at_start(blocks(64), {"weight": {"name": "he_normal"}})
    values = squared_singular_values(race, 0, first=1)
    assert values.max() / np.median(values) > 100


def test_rezero_s_first_step_moves_the_factors_alone() -> None:
    """Bachlechner et al. 2021, section 3: with alpha = 0 the weights of a branch get no gradient, alpha does."""
    number = 8
    race = race_at_start(blocks(number), {"weight": {"name": "rezero"}})
    (lane,) = probe(race, 64)
    for layer in lane.layers[1:-1]:
        assert layer.weight_std > 0
        assert layer.grad_norm == 0.0
    assert lane.layers[0].grad_norm > 0
    (group,) = race.groups
    factors = [
        grad
        for slot, grad in zip(group.layout.slots, group.layout.views(group.grad[0]), strict=True)
        if slot.spec.size == 1
    ]
    assert len(factors) == number
    assert all(bool((factor != 0).all()) for factor in factors)


ACTIVATIONS = ("identity", "relu", "leaky_relu", "tanh", "sigmoid", "elu", "gelu", "softplus", "hard_tanh")


def test_lsuv_gives_every_layer_s_output_unit_variance() -> None:
    """Mishkin and Matas 2016, arXiv:1511.06422, algorithm 1: |Var(B_l) - 1| < 0.1, from orthonormal matrices.

    On the examples that it is shown, the first thousand and 24 at most, and for any activation, where no formula was
    asked for. Twenty layers, digits.
    """
    depth = 20
    race = race_at_start(
        {"family": "mlp", "depth": depth, "width": WIDTH},
        {"weight": {"name": "lsuv"}},
        lanes=[{"name": key, "model": {"activation": key}} for key in ACTIVATIONS],
        data={"name": "digits", "batch_size": 64},
    )
    for key, lane in zip(ACTIVATIONS, probe(race, 1024), strict=True):
        for layer in lane.layers:
            variance = layer.preactivation_q - layer.preactivation_mean**2
            assert abs(variance - 1) < 0.1, (key, layer.name, variance)
    for group in race.groups:
        for slot, weight in zip(group.layout.slots, group.layout.views(group.flat[0]), strict=True):
            if slot.spec.role == "weight":
                # Orthonormal rows or columns, times one number.
                values = torch.linalg.svdvals(weight)
                torch.testing.assert_close(values, values.mean().expand_as(values), rtol=1e-9, atol=0.0)
