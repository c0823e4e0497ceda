"""The NumPy form of every activation, against torch's function and autograd's slope."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch

from initviz.catalog.activations import PARTS
from initviz.catalog.index import catalogue
from initviz.catalog.parts import ActivationPart
from initviz.experiment.values import Choice

CHOICES = [
    *(pytest.param(part, part.choose(), id=part.key) for part in PARTS),
    *(
        pytest.param(
            part,
            catalogue().get("layer", "activation").choose(function=part.key, slope=0.3),
            id=f"{part.key} with a slope",
        )
        for part in PARTS
    ),
]


@pytest.mark.parametrize(("part", "choice"), CHOICES)
def test_value_and_slope_are_torch_s(part: ActivationPart, choice: Choice) -> None:
    curve = part.curve(choice)
    grid = np.concatenate(
        [np.linspace(-19, 19, 2001), np.geomspace(1e-9, 1e3, 50), -np.geomspace(1e-9, 1e3, 50)]
    )
    x = grid[(np.abs(grid[:, None] - np.array([*curve.corners, np.inf])) > 1e-10).all(axis=1)]
    at = torch.from_numpy(x).requires_grad_()
    y = part.function(choice)(at)
    (slope,) = torch.autograd.grad(y.sum(), at)
    # torch takes softplus for the identity above 20, where it is off by 2e-9, and has 1/6 in single precision.
    np.testing.assert_allclose(curve.value(x), y.detach().numpy(), rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(curve.slope(x), slope.numpy(), rtol=1e-7, atol=1e-13)


@pytest.mark.parametrize(("part", "choice"), CHOICES)
def test_between_its_corners_it_is_smooth(part: ActivationPart, choice: Choice) -> None:
    """A polynomial through a stretch without corners fits the slope; through a stretch with one it would not."""
    curve = part.curve(choice)
    bounds = [-8.0, *curve.corners, 8.0]
    for low, high in itertools.pairwise(bounds):
        start = low
        while start < high:
            stop = min(high, start + 1.0)
            x = np.linspace(start, stop, 41)[1:-1]
            fitted = np.polynomial.Polynomial.fit(x, curve.slope(x), 14)
            assert np.abs(fitted(x) - curve.slope(x)).max() < 1e-6
            start = stop


def test_prelu_starts_as_leaky_relu_with_its_own_slope() -> None:
    layer = catalogue().get("layer", "prelu")
    (part,) = (part for part in PARTS if part.key == "leaky_relu")
    assert part.curve(layer.choose()).value(np.array([-2.0]))[0] == pytest.approx(-0.5)
    assert part.curve(layer.choose(slope=0.1)).value(np.array([-2.0]))[0] == pytest.approx(-0.2)


def test_one_choice_gives_one_curve() -> None:
    for part in PARTS:
        assert part.curve(part.choose()) is part.curve(part.choose())


def test_theory_needs_no_torch() -> None:
    code = """if True:
        import sys
        from initviz.catalog.index import catalogue
        from initviz.theory.mean_field import mean_field
        for part in catalogue().parts("activation"):
            mean_field(part.curve(part.choose()), 1.5, 0.2)
        loaded = {name.partition(".")[0] for name in sys.modules}
        assert not loaded & {"torch", "PySide6", "pyqtgraph", "sklearn"}, loaded
    """
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
