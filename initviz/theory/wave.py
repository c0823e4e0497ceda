"""The signal on its way through a network: sizes, correlations, and how far they scatter from draw to draw.

Shapes: G groups of examples of equal size, which differ in the length of their inputs; P places of an image or a
sequence, 1 where there are none; C groups of pairs of examples.

Scatter is that of the logarithm of the mean square over batch and units. Given the layer before, the units of a layer
are independent normal variables, so that their mean square has the relative variance 2/n, and that after an activation
Var[phi^2] / (n E[phi^2]^2), 5/n for ReLU; examples that differ average some of it out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from initviz.theory.quadrature import Floats

SMALL = 1e-12


@dataclass(frozen=True, slots=True)
class InputSignal:
    """What goes into a network.

    Attributes:
        q: Mean square of the entries of an example, for groups of equally many examples, ascending; or one for all.
        correlation: Of two different examples, x·y / sqrt(x·x y·y), for groups of equally many pairs; or one for all.
        examples: In a batch.
        is_sample: Whether a batch is drawn from more examples than it has, so that it may be larger or smaller.
        fourth: E[x^4] / E[x^2]^2 over the entries; 3 for normal ones.
        places: Mean square at each place of an image, row by row, or of a sequence, as a multiple of that over all
            places; empty where there are none, or where all are alike.
    """

    q: tuple[float, ...] = (1.0,)
    correlation: tuple[float, ...] = (0.0,)
    examples: int = 64
    is_sample: bool = False
    fourth: float = 3.0
    places: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Wave:
    """The signal at one point, on its way forward.

    Attributes:
        q: ``(G, P)`` mean square over the units; NaN where theory has lost it.
        c: ``(C,)`` mean product of two examples in units of the mean square.
        c_noise: ``(C,)`` variance of ``c`` over draws.
        examples: In a batch.
        units: Numbers at each place (n).
        places: Extents of the places: empty, ``(T,)`` or ``(H, W)``.
        is_normal: Whether each unit is a normal variable over draws of the weights.
        is_renewed: Whether it has just been normalized over the batch, so that it is normal only roughly.
        mean: Mean over the units.
        third: Mean third power in units of the mean square's 3/2nd.
        fourth: Mean fourth power in units of the squared mean square.
        kurtosis: Excess kurtosis of units that are normal but for the few inputs they sum.
        joint_kurtosis: The same of the squares of two examples, over all pairs of a batch.
        rigid: Share of the scatter of lengths that is missing because they are set, or kept by the weight.
        rigid_pairs: The same of the products of two examples.
        noise: Variance of ln q from what was drawn before, within the branch.
        bias: What ln q may be off by at this width because its map is not straight.
        own: Variance of ln of the mean square of these very units about q.
        sensitivity: d ln q / d ln q of what came into the branch.
    """

    q: Floats
    c: Floats
    c_noise: Floats
    examples: int
    units: int
    places: tuple[int, ...]
    is_normal: bool = False
    is_renewed: bool = False
    mean: float = 0.0
    third: float = 0.0
    fourth: float = 3.0
    kurtosis: float = 0.0
    joint_kurtosis: float = 0.0
    rigid: float = 0.0
    rigid_pairs: float = 0.0
    noise: float = 0.0
    bias: float = 0.0
    own: float = 0.0
    sensitivity: float = 0.0

    @property
    def size(self) -> float:
        """Mean square over examples and places."""
        return average(self.q)

    def over_pairs(self, values: Floats, of_one: float) -> float:
        """Return a mean over all pairs of examples of a batch, each with itself included.

        Args:
            values: ``(C,)`` of pairs of different examples; taken for those of equal ones where not known.
            of_one: Of an example with itself.
        """
        mean = average(values)
        if math.isnan(mean):
            mean = of_one
        return mean + (of_one - mean) / self.examples

    @property
    def same_squares(self) -> float:
        """Mean squared correlation of the pairs of a batch: 1 where all examples are alike."""
        return min(1.0, self.over_pairs(np.square(self.c) + self.c_noise, 1.0))


def average(values: Floats) -> float:
    """Return the mean of all, in a third of the time that NumPy's takes for a few."""
    if values.size == 1:
        return float(values.item())
    return float(np.add.reduce(values, axis=None)) / values.size


def log_variance(relative: float) -> float:
    """Return the variance of the logarithm of a mean square whose own relative variance is given.

    Few degrees of freedom scatter more on a logarithmic scale: for chi-squared with k of them, which has the relative
    variance 2/k, it is the trigamma function of k/2.

    Args:
        relative: Variance of the mean square in units of its squared mean, at least 0.
    """
    if not relative > 0:
        return relative if math.isnan(relative) else 0.0
    x, found = 1 / relative, 0.0
    while x < 6:
        found += 1 / x**2
        x += 1
    return found + 1 / x + 1 / (2 * x**2) + 1 / (6 * x**3) - 1 / (30 * x**5)


def first_wave(signal: InputSignal, shape: tuple[int, ...]) -> Wave:
    """Return what goes into the first layer.

    Args:
        signal: What is known of the inputs.
        shape: One example: ``(F,)``, ``(T, F)`` or ``(C, H, W)``.
    """
    is_image = len(shape) == 3
    places = shape[1:] if is_image else shape[:-1]
    count = math.prod(places)
    q = np.repeat(np.array(signal.q)[:, None], count, axis=1)
    if len(signal.places) == count and count > 1:
        q = q * np.array(signal.places)
    groups = np.array(signal.q)
    spread = 0.0
    if signal.is_sample and average(groups) > 0:
        spread = float(groups.var()) / average(groups) ** 2 / signal.examples
    return Wave(
        q=q,
        c=np.array(signal.correlation),
        c_noise=np.zeros(len(signal.correlation)),
        examples=signal.examples,
        units=shape[0] if is_image else shape[-1],
        places=tuple(places),
        fourth=signal.fourth,
        noise=spread,
    )
