"""Mean-field theory of a signal in a deep, wide network whose layers are all alike, at its start.

Conventions: width n, weights of mean 0 and variance sigma_w^2 / n, biases of variance sigma_b^2, q = E[z^2] of the
pre-activations z. Dropout keeps each activation with probability ``keep`` and divides it by that.

With two examples of the same q, whose pre-activations have correlation c:

- q' = sigma_w^2 / keep E[phi(z)^2] + sigma_b^2
- c' = (sigma_w^2 E[phi(u) phi(v)] + sigma_b^2) / q': the masks of two examples differ, so c = 1 does not stay 1
- chi = sigma_w^2 / keep E[phi'(z)^2]: what the gradient's mean square is multiplied by on its way back through a layer

References:
    Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from initviz.catalog.parts import Curve
from initviz.theory.moments import (
    EXPLODED,
    product_moment,
    second_moment,
    second_moment_slope,
    slope_moment,
    slope_product_moment,
    table,
)
from initviz.theory.prediction import Phase
from initviz.theory.spectrum import spectrum

CRITICAL = 1e-3
"""So near 1 chi counts as critical: the depth scale is then a thousand layers or more."""
MARGINAL = 1e-9
"""A factor so near 1 leaves everything as it is, in any network."""
ROUNDING = 1e-12
"""Relative error within which a map counts as giving back what it was given."""
START = 1.0
"""q from which the fixed point is sought, where nothing else is said: that of standardized inputs."""
WIDEST, NARROWEST = 1e3, 1e-3
"""Bounds of sigma_w within which a critical one is sought."""


@dataclass(frozen=True, slots=True)
class MeanField:
    """What becomes of a signal in many layers that are all alike.

    Attributes:
        q_star: What q goes to: a fixed point of its map, 0, or infinity.
        c_star: What the correlation of two examples goes to. Where q goes to 0, that for vanishing biases.
        chi: sigma_w^2 / keep E[phi'^2] at q_star.
        slope: Slope of the correlation map at c_star.
        xi_q: Depth scale of q, in layers: its distance from q_star falls like exp(-depth / xi_q). Infinite where it
            falls more slowly, NaN where q goes to infinity.
        xi_c: Depth scale of the correlation, likewise.
        phase: ``ordered`` where gradients shrink (chi < 1), ``chaotic`` where they grow.
    """

    q_star: float
    c_star: float
    chi: float
    slope: float
    xi_q: float
    xi_c: float
    phase: Phase


def q_map(curve: Curve, sigma_w: float, sigma_b: float, q: float, keep: float = 1.0) -> float:
    """Return q of the next layer.

    Args:
        curve: The activation.
        sigma_w: Weights have variance sigma_w^2 / n.
        sigma_b: Standard deviation of the biases.
        q: E[z^2] of this layer, at least 0.
        keep: Share of the activations that dropout keeps, above 0 to 1.
    """
    return sigma_w**2 / keep * second_moment(curve, q) + sigma_b**2


def q_path(
    curve: Curve, sigma_w: float, sigma_b: float, q: float, layers: int, keep: float = 1.0
) -> tuple[float, ...]:
    """Return q of so many layers one after the other, the first given."""
    found = [q]
    for _ in range(layers - 1):
        found.append(q_map(curve, sigma_w, sigma_b, found[-1], keep))
    return tuple(found)


def c_map(curve: Curve, sigma_w: float, sigma_b: float, q: float, c: float, keep: float = 1.0) -> float:
    """Return the correlation in the next layer of two examples with the same q.

    Args:
        curve: The activation.
        sigma_w: Weights have variance sigma_w^2 / n.
        sigma_b: Standard deviation of the biases.
        q: E[z^2] of this layer, of either example, > 0.
        c: Correlation in this layer, -1 to 1.
        keep: Share of the activations that dropout keeps.
    """
    shared = sigma_w**2 * product_moment(curve, q, c) + sigma_b**2
    return shared / q_map(curve, sigma_w, sigma_b, q, keep)


def chi_at(curve: Curve, sigma_w: float, q: float, keep: float = 1.0) -> float:
    """Return what the mean square of the gradient is multiplied by on its way back through a layer.

    Args:
        curve: The activation before the layer's weight.
        sigma_w: Of the weight.
        q: Of the pre-activations that the activation is applied to; may be 0 or infinite.
        keep: Share of the activations that dropout keeps.
    """
    return sigma_w**2 / keep * slope_moment(curve, _within_range(q))


def _within_range(q: float) -> float:
    return min(q, EXPLODED)


def fixed_q(curve: Curve, sigma_w: float, sigma_b: float, keep: float = 1.0, start: float = START) -> float:
    """Return what q goes to from ``start``: the next fixed point on its way, 0, or infinity.

    Where every q is fixed, as with ReLU at criticality, it is ``start`` itself.

    Args:
        curve: The activation.
        sigma_w: Weights have variance sigma_w^2 / n.
        sigma_b: Standard deviation of the biases.
        keep: Share of the activations that dropout keeps.
        start: q of the first layer, > 0.
    """

    def ahead(q: float) -> float:
        return q_map(curve, sigma_w, sigma_b, q, keep) - q

    grows = ahead(start)
    if abs(grows) <= ROUNDING * start:
        return start
    rows = table(curve)
    rises = sigma_w**2 / keep * rows.second + sigma_b**2 - rows.q
    # A map that gives back what it was given, to rounding, still creeps on: it takes a change of sign to stop it.
    margin = ROUNDING * rows.q
    if grows > 0:
        beyond = np.flatnonzero((rows.q > start) & (rises < -margin))
        if not len(beyond):
            return math.inf
        low, high = max(start, float(rows.q[beyond[0] - 1])), float(rows.q[beyond[0]])
    else:
        beyond = np.flatnonzero((rows.q < start) & (rises > margin))
        if not len(beyond):
            return 0.0
        last = beyond[-1]
        low = float(rows.q[last])
        high = min(start, float(rows.q[last + 1])) if last + 1 < len(rows.q) else start
    return crossing(ahead, low, high)


def crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function changes its sign between two bounds, to rounding, by Ridders' method."""
    at_low, at_high = function(low), function(high)
    if at_low == 0 or at_low * at_high > 0:
        return low
    for _ in range(60):
        if at_high == 0 or high - low <= 4e-16 * (abs(low) + abs(high)):
            break
        middle = (low + high) / 2
        at_middle = function(middle)
        if at_middle == 0:
            return middle
        root = math.sqrt(at_middle * at_middle - at_low * at_high)
        guess = middle + (middle - low) * math.copysign(1.0, at_low) * at_middle / root
        at_guess = function(guess)
        if at_guess == 0:
            return guess
        marks = sorted(((low, at_low), (middle, at_middle), (guess, at_guess), (high, at_high)))
        before = low, high
        for (left, at_left), (right, at_right) in itertools.pairwise(marks):
            if at_left * at_right <= 0:
                low, at_low, high, at_high = left, at_left, right, at_right
                break
        if (low, high) == before:
            break
    return high if abs(at_high) < abs(at_low) else low


def fixed_c(curve: Curve, sigma_w: float, sigma_b: float, q: float, keep: float = 1.0) -> float:
    """Return the correlation that two examples go to once q stands still.

    The map is a power series without negative terms, so that besides 1 it has one fixed point at most, which attracts.

    Args:
        curve: The activation.
        sigma_w: Weights have variance sigma_w^2 / n.
        sigma_b: Standard deviation of the biases.
        q: The fixed point of q; may be 0 or infinite.
        keep: Share of the activations that dropout keeps.
    """
    q = _within_range(q)
    if keep == 1.0:
        slope = sigma_w**2 * slope_moment(curve, q)
        size = q_map(curve, sigma_w, sigma_b, q)
        if q <= 0 or size == 0 or slope * q / size <= 1 + MARGINAL:
            return 1.0
    elif q <= 0:
        return 1.0

    def ahead(c: float) -> float:
        return c_map(curve, sigma_w, sigma_b, q, c, keep) - c

    if ahead(0.0) <= ROUNDING:
        return 0.0
    high = 1.0
    if keep == 1.0:  # 1 is a fixed point itself: the other one lies below
        gap = 1e-1
        while gap > 1e-9 and ahead(1 - gap) >= 0:
            gap /= 4
        high = 1 - gap
        if ahead(high) >= 0:
            return 1.0
    # The expansion finds it to four digits in no time; Newton's method does the rest.
    rough = crossing(lambda c: _rough_c_map(curve, sigma_w, sigma_b, q, c, keep) - c, 0.0, high)
    size = q_map(curve, sigma_w, sigma_b, q, keep)
    slope_at_one = sigma_w**2 * slope_moment(curve, q) * q / size
    for _ in range(5):
        slope = slope_at_one * float(spectrum(curve).at(q).products(np.array([rough])).slope[0])
        step = ahead(rough) / (1 - slope) if slope < 1 else math.inf
        if not 0 <= rough + step <= high:
            break
        rough += step
        if abs(step) < 1e-8:  # the next one would be a thousand times smaller
            return rough
    return crossing(ahead, 0.0, high)


def _rough_c_map(curve: Curve, sigma_w: float, sigma_b: float, q: float, c: float, keep: float) -> float:
    share = float(spectrum(curve).at(q).products(np.array([c])).value[0])
    shared = sigma_w**2 * second_moment(curve, q) * share + sigma_b**2
    return shared / q_map(curve, sigma_w, sigma_b, q, keep)


@functools.lru_cache(maxsize=1024)
def mean_field(
    curve: Curve, sigma_w: float, sigma_b: float, keep: float = 1.0, start: float = START
) -> MeanField:
    """Return what becomes of a signal in many layers that are all alike.

    Args:
        curve: The activation.
        sigma_w: Weights have variance sigma_w^2 / n; at least 0.
        sigma_b: Standard deviation of the biases; at least 0.
        keep: Share of the activations that dropout keeps, above 0 to 1.
        start: q of the first layer, > 0.
    """
    q = fixed_q(curve, sigma_w, sigma_b, keep, start)
    c = fixed_c(curve, sigma_w, sigma_b, q, keep)
    chi = chi_at(curve, sigma_w, q, keep)
    at = _within_range(q)
    slope = sigma_w**2 * slope_product_moment(curve, at, c)
    if math.isinf(q):  # there is no fixed point: the map of the correlation is that of ever larger signals
        slope *= at / q_map(curve, sigma_w, sigma_b, at, keep)
        xi_q = math.nan
    else:
        xi_q = depth_scale(sigma_w**2 / keep * second_moment_slope(curve, q))
    return MeanField(q, c, chi, slope, xi_q, depth_scale(slope), phase_of(chi))


def phase_of(chi: float) -> Phase:
    """Return on which side of the critical line a layer lies."""
    if abs(chi - 1) <= CRITICAL:
        return "critical"
    return "ordered" if chi < 1 else "chaotic"


def depth_scale(factor: float) -> float:
    """Return in how many layers what is multiplied by ``factor`` a layer falls to 1/e; infinite where it does not."""
    if factor <= 0:
        return 0.0
    return -1 / math.log(factor) if factor < 1 - MARGINAL else math.inf


@functools.lru_cache(maxsize=1024)
def critical_sigma_w(curve: Curve, sigma_b: float, keep: float = 1.0, start: float = START) -> float:
    """Return the smallest sigma_w at which chi reaches 1, NaN where none does.

    Some activations (GELU, SiLU) have two fixed points of q; where q leaves one for the other, chi jumps, and the
    sigma_w of the jump is returned.

    Args:
        curve: The activation.
        sigma_b: Standard deviation of the biases.
        keep: Share of the activations that dropout keeps.
        start: q of the first layer, > 0.
    """

    def excess(sigma_w: float) -> float:
        return chi_at(curve, sigma_w, fixed_q(curve, sigma_w, sigma_b, keep, start), keep) - 1

    widths: list[float] = np.geomspace(NARROWEST, WIDEST, 61).tolist()
    low = widths[0]
    for width in widths[1:]:
        if excess(width) >= 0:
            # Where q jumps from one fixed point to another this ends at the jump.
            return crossing(lambda sigma: excess(sigma) + ROUNDING, low, width)
        low = width
    return math.nan


__all__ = [
    "MeanField",
    "c_map",
    "chi_at",
    "critical_sigma_w",
    "depth_scale",
    "fixed_c",
    "fixed_q",
    "mean_field",
    "phase_of",
    "q_map",
    "q_path",
]
