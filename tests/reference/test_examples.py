"""The examples that a race learns from are scikit-learn's own, split, standardized and served as the manual says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from tests.reference.plain import race_of

LOAD = {"digits": load_digits, "wine": load_wine, "breast_cancer": load_breast_cancer, "iris": load_iris}


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("name", LOAD)
def test_examples_are_the_real_ones(name: str, standardize: bool, tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(
        f"""
        device = "cpu"
        dtype = "float64"
        seed = 6
        data = {{ name = "{name}", batch_size = 33, validation = 0.25, standardize = {str(standardize).lower()} }}
        model = {{ family = "mlp", depth = 1, width = 4 }}
        """,
        encoding="utf-8",
    )
    bunch = LOAD[name]()
    raw = np.asarray(bunch.data) / (16 if name == "digits" else 1)
    data = race_of(path).data
    batches = [data.batch(step) for step in range(data.steps_per_epoch)]
    inputs = np.concatenate([x.flatten(1).numpy() for x, _ in batches])
    targets = np.concatenate([y.numpy() for _, y in batches]).astype(int)
    held_back = data.validation_inputs.flatten(1).numpy()
    held_back_targets = data.validation_targets.numpy().astype(int)
    assert [len(y) for _, y in batches[:-1]] == [33] * (len(batches) - 1)

    # Find every example among scikit-learn's; a column that never varies tells nothing.
    mean, scale = np.zeros(raw.shape[1]), np.ones(raw.shape[1])
    found: list[int] = []
    if standardize:
        np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-12)
        varies = inputs.std(axis=0) > 1e-6
        np.testing.assert_allclose(inputs.std(axis=0)[varies], 1, rtol=1e-12)
        mean, scale = data.mean.flatten(), data.scale.flatten()
    whole = np.concatenate([inputs, held_back]) * scale + mean
    for row, target in zip(whole, np.concatenate([targets, held_back_targets]), strict=True):
        distance = np.abs(raw - row).max(axis=1) + 1e3 * (bunch.target != target)
        distance[found] = np.inf
        found.append(int(distance.argmin()))
        assert distance[found[-1]] < 1e-9 * np.abs(raw).max()
    assert sorted(found) == list(range(len(raw)))
    training = found[: len(inputs)]
    if standardize:
        np.testing.assert_allclose(mean, raw[training].mean(axis=0), rtol=1e-12)
        spread = raw[training].std(axis=0)
        np.testing.assert_allclose(scale, np.where(spread > 0, spread, 1), rtol=1e-12)

    # A quarter of every class is held back; the order of the next epoch is another one.
    counts, back = Counter(bunch.target.tolist()), Counter(held_back_targets.tolist())
    assert all(abs(back[label] - count / 4) <= 0.5 for label, count in counts.items())
    again = [data.batch(data.steps_per_epoch + step)[1].numpy() for step in range(data.steps_per_epoch)]
    assert Counter(np.concatenate(again).astype(int).tolist()) == Counter(targets.tolist())
    assert (np.concatenate(again).astype(int) != targets).any()
