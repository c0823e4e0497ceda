"""A lane repeated over seeds gives, seed by seed, the numbers of the same lane written out with that seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from initviz.catalog.index import catalogue
from initviz.engine.race import Race
from initviz.experiment.document import read_document
from initviz.experiment.limits import Limits

BASE: dict[str, Any] = {
    "seed": 3,
    "steps": 12,
    "data": {"name": "moons", "samples": 200, "batch_size": 32},
    "model": {"family": "mlp", "depth": 3, "width": 9},
    "optimizer": {"name": "adam", "lr": 0.01},
}
DROPOUT = {"layers": [{"kind": "dense", "units": 9}, {"kind": "dropout"}, {"kind": "dense", "units": 5}]}


def losses(lanes: list[dict[str, Any]]) -> np.ndarray:
    experiment = read_document({**BASE, "lanes": lanes}, catalogue(), Limits())
    race = Race(experiment, catalogue(), Limits())
    found = [state.loss.clone() for state in race]
    return torch.stack(found).double().numpy()


@pytest.mark.parametrize("own", [{}, {"seed": 11}, {"model": DROPOUT}])
def test_each_member_is_the_lane_written_out_with_its_seed(own: dict[str, Any]) -> None:
    first = own.get("seed", BASE["seed"])
    other = {"name": "other", "optimizer": {"lr": 0.03}}
    repeated = losses([other, {"name": "many", "repeat": 3, **own}])
    written = losses([other, *({"name": f"{k}", **own, "seed": first + k} for k in range(3))])
    assert repeated.shape == (12, 4)
    np.testing.assert_array_equal(repeated, written)
    assert len({tuple(column) for column in repeated.T.tolist()}) == 4


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_a_member_is_the_same_as_alone(seed: int) -> None:
    repeated = losses([{"name": "many", "repeat": 3}])
    alone = losses([{"name": "one", "seed": seed}])
    np.testing.assert_allclose(repeated[:, seed - 3], alone[:, 0], rtol=2e-5)


def test_seeds_start_from_the_seeds_of_another_lane_one_by_one() -> None:
    start = {"init": {"weight": {"name": "from_weights", "source": "lane:many"}}}
    found = losses([{"name": "many", "repeat": 3}, {"name": "copies", "repeat": 4, **start}])
    np.testing.assert_array_equal(found[0, 3:], found[0, [0, 1, 2, 0]])
    one = {"init": {"weight": {"name": "from_weights", "source": "lane:many · 4"}}}
    found = losses([{"name": "copies", "repeat": 2, **one}, {"name": "many", "repeat": 3}])
    np.testing.assert_array_equal(found[0, :2], found[0, [3, 3]])
