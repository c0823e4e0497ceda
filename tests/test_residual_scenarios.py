"""What the lessons on residual networks and autoencoders say is what the summaries of their scenarios show."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from initviz.catalog.index import catalogue
from initviz.experiment.blueprint import blueprint
from initviz.experiment.files import load_experiment
from initviz.experiment.limits import Limits
from initviz.resources import resource
from tests.test_scenarios import summary

pytestmark = pytest.mark.slow


def test_deep_networks_learn_with_skips_that_are_scaled() -> None:
    lanes = summary("residual_connections", 120)
    assert lanes["No skips"]["val_accuracy"] < 0.4
    assert lanes["Residual"]["diverged_at"] == 1
    assert lanes["Residual"]["initial_loss"] > 1e6
    assert lanes["Residual, 1/√32"]["val_accuracy"] > 0.9


def test_both_orders_learn_and_pre_activation_starts_lower() -> None:
    lanes = summary("pre_and_post_activation", 80)
    assert lanes["No skips"]["val_accuracy"] < 0.3
    assert lanes["Pre, no norm"]["status"] == "diverged"
    before, after = lanes["Pre-activation"], lanes["Post-activation"]
    assert before["initial_loss"] < 3
    assert after["initial_loss"] > 6
    assert min(before["val_accuracy"], after["val_accuracy"]) > 0.6


def test_as_many_convolutions_learn_only_with_skips() -> None:
    lanes = summary("conv_residual")
    assert lanes["No skips"]["status"] == "stalled"
    assert lanes["Residual, 1/√8"]["val_accuracy"] > 0.75
    assert lanes["Residual, batch norm"]["val_accuracy"] > 0.85


def test_branches_that_start_at_zero_learn_where_others_diverge() -> None:
    lanes = summary("zero_branch", 100)
    assert lanes.pop("He")["diverged_at"] == 1
    assert len(lanes) == 3
    assert all(lane["val_accuracy"] > 0.85 for lane in lanes.values())


def test_tied_weights_lose_nothing_and_mend_no_start() -> None:
    own, tied, small, small_tied = summary("autoencoder").values()
    assert abs(tied["val_loss"] / own["val_loss"] - 1) < 0.1
    assert own["val_loss"] < 0.03
    assert min(small["val_loss"], small_tied["val_loss"]) > 0.07
    path = Path(str(resource("scenarios", "autoencoder.toml")))
    experiment = load_experiment(path, catalogue(), Limits())
    plans = [blueprint(lane.recipe, experiment.data, catalogue(), Limits()) for lane in experiment.lanes[:2]]
    assert [plan.num_parameters for plan in plans] == [2 * 3052 + 202, 3052 + 202]
    widths = [stage.output_shape[0] for stage in plans[0].stages if stage.layer.name == "dense"]
    assert sum(a * b for a, b in pairwise((64, *widths))) == 2 * 3052
