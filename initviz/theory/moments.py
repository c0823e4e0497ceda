"""What an activation makes of a normal signal: how much of its size, and of the gradient's, it lets through."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initviz.catalog.parts import Curve
from initviz.theory.quadrature import Floats, cuts, mean_product, normal_nodes

Ints = NDArray[np.int64]

TINY, HUGE = 1e-300, 1e300
LARGEST_LOG = math.log(1.7e308)
FEW = 8
"""Numbers up to which Python is quicker than NumPy."""
VANISHING, EXPLODED = 1e-24, 1e24
"""Mean squares that stand for the limits of 0 and infinity."""
SMALLEST, LARGEST, ROWS_A_DECADE = 1e-12, 1e12, 16
"""Range of the table of moments, and its density: cubic interpolation between its rows is good to 1e-6."""


@functools.lru_cache(maxsize=512)
def shifted(curve: Curve, by: float) -> Curve:
    """Return ``curve(x + by)`` as a curve of x: what an activation is where every unit has the same bias."""
    if by == 0:
        return curve
    return Curve(
        value=lambda x: curve.value(x + by),
        slope=lambda x: curve.slope(x + by),
        corners=tuple(corner - by for corner in (*curve.corners, 0.0)),
    )


@functools.lru_cache(maxsize=256)
def _line(curve: Curve, size: float) -> tuple[Floats, Floats, Floats]:
    """Return nodes z, weights, and ``size * z``."""
    z, weights = normal_nodes(cuts(curve, size))
    return z, weights, size * z


@functools.lru_cache(maxsize=4096)
def second_moment(curve: Curve, q: float) -> float:
    """Return E[phi(z)^2] for z normal with mean 0 and variance ``q``, by quadrature.

    Args:
        curve: The activation phi.
        q: Variance of what goes in, at least 0, finite.
    References:
        He et al. 2015, arXiv:1502.01852; Poole et al. 2016, arXiv:1606.05340.
    """
    if q <= 0:
        return float(curve.value(np.zeros(1))[0]) ** 2
    _, weights, x = _line(curve, math.sqrt(q))
    return float(weights @ np.square(curve.value(x)))


@functools.lru_cache(maxsize=4096)
def slope_moment(curve: Curve, q: float) -> float:
    """Return E[phi'(z)^2] for z normal with mean 0 and variance ``q``: what it makes of the gradient's mean square.

    Args:
        curve: The activation phi.
        q: Variance of what goes in; 0 gives the slope at 0, from both sides.
    References:
        Schoenholz et al. 2017, arXiv:1611.01232.
    """
    if q <= 0:
        return slope_moment(curve, VANISHING)
    _, weights, x = _line(curve, math.sqrt(q))
    return float(weights @ np.square(curve.slope(x)))


@functools.lru_cache(maxsize=4096)
def second_moment_slope(curve: Curve, q: float) -> float:
    """Return dE[phi(z)^2]/dq = E[phi'^2 + phi phi'']; by parts, so that corners need no second derivative."""
    if q <= 0:
        return second_moment_slope(curve, VANISHING)
    z, weights, x = _line(curve, math.sqrt(q))
    return float(weights @ (curve.value(x) * curve.slope(x) * z)) / math.sqrt(q)


def product_moment(curve: Curve, q: float, c: float) -> float:
    """Return E[phi(u) phi(v)] for normal u, v of variance ``q`` and correlation ``c``."""
    if q <= 0:
        return second_moment(curve, 0.0)
    return mean_product(curve, curve, math.sqrt(q), c)


def slope_product_moment(curve: Curve, q: float, c: float) -> float:
    """Return E[phi'(u) phi'(v)] for normal u, v of variance ``q`` and correlation ``c``."""
    return mean_product(curve, curve, math.sqrt(q if q > 0 else VANISHING), c, slopes=True)


def is_homogeneous(curve: Curve) -> bool:
    """Say whether the function is linear on either side of 0, so that every size of the signal is treated alike."""
    x = np.array([-1e6, -3.0, -1.0, -1e-6, 1e-6, 1.0, 3.0, 1e6])
    slopes = curve.slope(x)
    return (
        bool((slopes[:4] == slopes[0]).all() and (slopes[4:] == slopes[4]).all())
        and not curve.value(0 * x).any()
    )


@dataclass(frozen=True, slots=True)
class Glance:
    """Moments of an activation at some variances.

    Attributes:
        second: E[phi^2] at each.
        slope: E[phi'^2] at each.
        growth: Mean of d ln E[phi^2] / d ln q.
        slope_growth: Mean of d ln E[phi'^2] / d ln q.
    """

    second: Floats
    slope: Floats
    growth: float
    slope_growth: float


class Table:
    """Moments of an activation against ln q, for many values at once.

    Beyond its ends they go on as powers of q, as the functions of the catalogue do, which are linear or constant there.

    Attributes:
        q: ``(R,)`` ascending; the moments at these are as exact as ``second_moment``.
        second: ``(R,)`` E[phi^2].
        slope: ``(R,)`` E[phi'^2].

    Args:
        curve: The activation phi.
    """

    def __init__(self, curve: Curve) -> None:
        rows_wanted = round(math.log10(LARGEST / SMALLEST) * ROWS_A_DECADE) + 1
        self._homogeneous = is_homogeneous(curve)
        self._at_zero = second_moment(curve, 0.0)
        if self._homogeneous:
            rows_wanted = 3
        self._log_q = np.linspace(math.log(SMALLEST), math.log(LARGEST), rows_wanted)
        self.q = np.exp(self._log_q)
        rows = np.empty((4, len(self.q)))
        for place, size in enumerate(np.sqrt(self.q).tolist()):
            z, weights = normal_nodes(cuts(curve, size))
            bent = weights * (np.square(z) - 1) / 2  # the mean with these is the derivative by ln q
            squares = np.square(np.stack([curve.value(size * z), curve.slope(size * z)]))
            rows[:2, place] = squares @ weights
            rows[2:, place] = squares @ bent
        moments = np.maximum(rows[:2], TINY)
        self.second, self.slope = moments
        self._logs = np.log(moments)
        self._bends = rows[2:] / moments
        self._plain = float(self._log_q[0]), float(self._log_q[1] - self._log_q[0])
        self._plain_rows = list(zip(self._logs.tolist(), self._bends.tolist(), strict=True))

    def second_at(self, q: Floats) -> Floats:
        """Return E[phi(z)^2] at each variance, at least 0; NaN gives NaN."""
        found = self._at(0, np.nan_to_num(q, nan=1.0))
        return np.where(q > 0, found, np.where(np.isnan(q), np.nan, self._at_zero))

    def slope_at(self, q: Floats) -> Floats:
        """Return E[phi'(z)^2] at each variance, at least 0; NaN gives NaN, unless it is the same at all."""
        found = self._at(1, np.nan_to_num(q, nan=1.0))
        return found if self._homogeneous else np.where(np.isnan(q), np.nan, found)

    def look(self, q: Floats) -> Glance:
        """Return everything at once, where many layers are gone through.

        Args:
            q: ``(G, P)`` variances, at least 0.
        """
        if self._homogeneous:
            whole, slope = float(self.second[0] / self.q[0]), float(self.slope[0])
            return Glance(whole * q, np.full_like(q, slope), 1.0, 0.0)
        if not q.min() > 0:
            return Glance(self.second_at(q), self.slope_at(q), 1.0, 0.0)
        if q.size <= FEW:
            return self._look_at_few(q)
        row, t = self._place(q)
        step = self._log_q[1] - self._log_q[0]
        low, high = self._logs[:, row], self._logs[:, row + 1]
        left, right = self._bends[:, row], self._bends[:, row + 1]
        inside = np.minimum(np.maximum(t, 0.0), 1.0)
        rest = 1 - inside
        logs = low * (rest**2 * (1 + 2 * inside)) + high * (inside**2 * (1 + 2 * rest))
        logs += (step * inside * rest) * (left * rest - right * inside)
        if (inside != t).any():
            ends = self._bends[:, [0, -1]].reshape(2, 2, *(1,) * q.ndim)
            logs += step * (np.minimum(t, 0) * ends[:, 0] + np.maximum(t - 1, 0) * ends[:, 1])
        with np.errstate(over="ignore"):
            second, slope_moments = np.exp(logs)
        growth, slope_growth = (rest * left + inside * right).reshape(2, -1).mean(axis=1).tolist()
        return Glance(second, slope_moments, growth, slope_growth)

    def _look_at_few(self, q: Floats) -> Glance:
        """Do the same without NumPy, whose calls cost more than a few numbers do."""
        low, step, last = self._plain[0], self._plain[1], len(self.q) - 2
        found: tuple[list[float], ...] = ([], [])
        growths = [0.0, 0.0]
        for value in q.ravel().tolist():
            place = (math.log(min(max(value, TINY), HUGE)) - low) / step
            row = min(max(int(place), 0), last)
            t = place - row
            inside = min(max(t, 0.0), 1.0)
            rest = 1 - inside
            for which, (logs, bends) in enumerate(self._plain_rows):
                log = logs[row] * rest * rest * (1 + 2 * inside) + logs[row + 1] * inside * inside * (
                    1 + 2 * rest
                )
                log += step * inside * rest * (bends[row] * rest - bends[row + 1] * inside)
                log += step * (min(t, 0.0) * bends[0] + max(t - 1, 0.0) * bends[-1])
                found[which].append(math.exp(log) if log < LARGEST_LOG else math.inf)
                growths[which] += rest * bends[row] + inside * bends[row + 1]
        second, slope = (np.array(values).reshape(q.shape) for values in found)
        return Glance(second, slope, growths[0] / q.size, growths[1] / q.size)

    def growth_at(self, q: Floats) -> Floats:
        """Return d ln E[phi^2] / d ln q at each variance, > 0."""
        return self._bend(0, q)

    def slope_growth_at(self, q: Floats) -> Floats:
        """Return d ln E[phi'^2] / d ln q at each variance, > 0."""
        return self._bend(1, q)

    def _place(self, q: Floats) -> tuple[Ints, Floats]:
        """Return the row before each variance, and how many rows it lies after that."""
        log_q = np.log(np.minimum(np.maximum(q, TINY), HUGE))
        step = self._log_q[1] - self._log_q[0]
        row = np.minimum(np.maximum((log_q - self._log_q[0]) / step, 0), len(self.q) - 2).astype(np.int64)
        return row, (log_q - self._log_q[row]) / step

    def _at(self, which: int, q: Floats) -> Floats:
        row, t = self._place(q)
        logs, bends, step = self._logs[which], self._bends[which], self._log_q[1] - self._log_q[0]
        low, high, left, right = logs[row], logs[row + 1], step * bends[row], step * bends[row + 1]
        inside = np.clip(t, 0.0, 1.0)
        rest = 1 - inside
        found = (
            low * rest**2 * (1 + 2 * inside)
            + high * inside**2 * (1 + 2 * rest)
            + inside * rest * (left * rest - right * inside)
        )
        beyond = step * (np.minimum(t, 0) * bends[0] + np.maximum(t - 1, 0) * bends[-1])
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(found + beyond))

    def _bend(self, which: int, q: Floats) -> Floats:
        row, t = self._place(q)
        inside = np.clip(t, 0.0, 1.0)
        bends = self._bends[which]
        return np.asarray((1 - inside) * bends[row] + inside * bends[row + 1])


@functools.lru_cache(maxsize=64)
def table(curve: Curve) -> Table:
    """Return the table of an activation's moments, kept once it is made."""
    return Table(curve)
