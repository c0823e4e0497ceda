"""The scenarios of the transformer show what their lessons say."""

from __future__ import annotations

import math

import pytest

from initviz.catalog.datasets.text import vocabulary
from tests.test_scenarios import summary

pytestmark = pytest.mark.slow

BEST_CONSTANT = 2.85
"""Loss of the best fixed guess on the text, nearly."""


def test_small_weights_begin_without_a_preference_and_large_ones_far_off() -> None:
    lanes = summary("transformer_starts")
    small, xavier, large, largest = lanes.values()
    assert small["initial_loss"] == pytest.approx(math.log(len(vocabulary())), abs=0.05)
    first = [lane["initial_loss"] for lane in lanes.values()]
    assert first == sorted(first)
    assert largest["initial_loss"] > 11
    # By heart is not the same as well.
    assert xavier["train_loss"] < small["train_loss"] - 0.3
    assert small["val_loss"] < BEST_CONSTANT - 0.4
    assert all(lane["val_loss"] > small["val_loss"] + 0.4 for lane in (xavier, large, largest))
    assert min(large["val_loss"], largest["val_loss"]) > BEST_CONSTANT - 0.1


def test_with_the_norm_after_the_sum_deep_transformers_stall() -> None:
    lanes = summary("norm_before_or_after")
    before, after, without, rezero = lanes.values()
    assert after["status"] == "stalled"
    assert (without["status"], without["diverged_at"] < 20) == ("diverged", True)
    for lane in (before, rezero):
        assert lane["status"] == "ok"
        assert lane["train_loss"] < after["train_loss"] - 0.5
        assert lane["val_loss"] < after["val_loss"] - 0.3
    assert rezero["train_loss"] < before["train_loss"]


def test_a_shared_table_learns_about_as_well() -> None:
    xavier, xavier_tied, small, small_tied = summary("tied_embedding").values()
    for apart, tied in ((xavier, xavier_tied), (small, small_tied)):
        assert tied["train_loss"] == pytest.approx(apart["train_loss"], abs=0.15)
        assert tied["val_loss"] < apart["val_loss"] + 0.1
        assert tied["status"] == apart["status"] == "ok"
