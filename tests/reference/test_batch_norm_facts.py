"""What batch normalization does to the gradient of a deep network at its start."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.reference.starts import gaussian, measured, plain, race_at_start


def test_plain_relu_with_batch_norm_explodes_by_1_21_a_layer() -> None:
    """Yang et al. 2019, arXiv:1902.08129, section 3: the norm of the gradient grows by sqrt(pi / (pi - 1)) = 1.211.

    Its square, which is measured, grows by pi / (pi - 1) = 1.467, whatever the weights' variance: batch norm divides by
    the deviation of what the weights make of relu(u), u standard normal, whose variance over the batch is
    (1/2 - 1/(2 pi)) times theirs, and the gradient comes back through the same weights and a half of the units. That is
    for batches without end; with B examples batch norm takes two directions of B out of the gradient, and the
    examples have a correlation of -1/(B - 1), so that the variance is larger.
    """
    width, depth, lanes, batch = 200, 24, 4, 200
    model = plain(depth, width, "relu", normalization="batch_norm", normalization_place="before")
    growths = []
    for start in ("he_normal", "xavier_normal"):
        race = race_at_start(
            model,
            {"weight": {"name": start}},
            lanes=lanes,
            data=gaussian(width, samples=300) | {"batch_size": batch},
        )
        back = measured(race, "grad_preactivation_q", batch=batch)
        growths.append(np.log(back[:, 2] / back[:, -1]) / (depth - 3))
    found = np.concatenate(growths)
    c = -1 / (batch - 1)
    shared = (math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / (2 * math.pi)
    wanted = (1 - 2 / batch) * 0.5 / (0.5 - shared)
    assert wanted == pytest.approx(math.pi / (math.pi - 1), rel=0.02)
    assert math.sqrt(math.pi / (math.pi - 1)) == pytest.approx(1.211, abs=5e-4)
    # The gradient of a unit is averaged over width units; what it fluctuates by is at most that of ReLU layers.
    noise = math.sqrt(5 / width / (depth - 3) / len(found))
    assert math.exp(found.mean() / 2) == pytest.approx(math.sqrt(wanted), abs=4 * noise)
    assert math.exp(found.mean() / 2) == pytest.approx(1.21, abs=0.02 + 4 * noise)
    # Without it the same start keeps the gradient.
    race = race_at_start(plain(depth, width, "relu"), {"weight": {"name": "he_normal"}}, lanes=lanes)
    back = measured(race, "grad_preactivation_q")
    growth = np.log(back[:, 2] / back[:, -1]) / (depth - 3)
    assert growth.mean() == pytest.approx(
        0.0, abs=4 * math.sqrt(5 / width / (depth - 3) / lanes) + 2.5 / width
    )
