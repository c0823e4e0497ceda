"""Hermite expansions of an activation: what a layer makes of any correlation, for many at once.

For normal u, v with correlation c, E[f(u) f(v)] = sum of f_k^2 c^k over the coefficients f_k of f in normalized Hermite
polynomials. The series is cut off after ``ORDERS`` terms; what is left at c = 1, which is known exactly, is laid out
along a power law that goes on as the coefficients fall: like k^-5/2 for a corner, like k^-3/2 for a jump.

References:
    Poole et al. 2016, arXiv:1606.05340; Daniely et al. 2016, arXiv:1602.05897.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from initviz.catalog.parts import Curve
from initviz.theory.moments import TINY, is_homogeneous
from initviz.theory.quadrature import Floats, cuts, legendre, normal_nodes

ORDERS = 48
SMALLEST, LARGEST, ROWS_A_DECADE = 1e-8, 1e8, 8
"""Range of q in which expansions are worked out, beyond which they hardly change, and how densely."""
NEGLIGIBLE = 1e-7
"""Share of a series that may be left out without laying out its tail."""

JUMP_POWERS = np.array([2.5, 1.5, 2.5, 1.5])
SLOWEST, FASTEST = 1.3, 12.0
"""Bounds of the power with which a tail falls."""
_ORDER = np.arange(ORDERS)[:, None]


@dataclass(frozen=True, slots=True)
class Products:
    """Means of products over pairs of normal variables, for G correlations; each ``(G,)``.

    Attributes:
        value: E[phi(u) phi(v)] / E[phi^2].
        slope: E[phi'(u) phi'(v)] / E[phi'^2].
        square: E[phi(u)^2 phi(v)^2] / E[phi^2]^2.
        slope_square: E[phi'(u)^2 phi'(v)^2] / E[phi'^2]^2.
        mixed: E[phi(u)^2 phi'(v)^2] / (E[phi^2] E[phi'^2]).
    """

    value: Floats
    slope: Floats
    square: Floats
    slope_square: Floats
    mixed: Floats


@dataclass(frozen=True, slots=True)
class Expansion:
    """Of an activation phi at one variance.

    Attributes:
        coefficients: ``(4, ORDERS)`` of phi, phi', phi^2, phi'^2, the first two in units of the root of their mean
            square, the others in units of their mean.
        fourth: E[phi^4] / E[phi^2]^2.
        slope_fourth: E[phi'^4] / E[phi'^2]^2.
        cross: E[phi^2 phi'^2] / (E[phi^2] E[phi'^2]).
        fourth_bend: By how much E[phi^2] grows, relatively, for each unit of excess kurtosis of the input.
        sixth: The same for E[phi^4] in units of E[phi^2]^2.
        jumps: Whether the slope jumps somewhere, which decides how the coefficients fall.
    """

    coefficients: Floats
    fourth: float
    slope_fourth: float
    cross: float
    fourth_bend: float
    sixth: float
    jumps: bool

    def products(self, c: Floats) -> Products:
        """Return the means of products of two normal variables of this variance.

        Args:
            c: ``(G,)`` their correlations, -1 to 1.
        """
        parts = self.coefficients
        squares = np.concatenate([np.square(parts), parts[2:3] * parts[3:]])
        found = squares @ c**_ORDER
        rest = np.array([1.0, 1.0, self.fourth, self.slope_fourth, self.cross]) - squares.sum(axis=1)
        squares, rest_of_squares = squares[:4], np.maximum(rest[:4], 0.0)
        if (rest_of_squares > NEGLIGIBLE).any():
            # The first of the last eight orders is even.
            even = (squares[:, -8::2].sum(axis=1) + TINY) / (squares[:, -8:].sum(axis=1) + TINY)
            parity = even[:, None] + (1 - even)[:, None] * np.sign(c)
            power = JUMP_POWERS
            if not self.jumps:
                # A power p leaves 2^(p - 1) - 1 times as much between a half and the whole of the orders as beyond.
                later = squares[:, ORDERS // 2 :].sum(axis=1)
                power = np.clip(1 + np.log2(1 + later / np.maximum(rest_of_squares, TINY)), SLOWEST, FASTEST)
            found[:4] += rest_of_squares[:, None] * parity * _tails(np.abs(c), power)
        found[4] += rest[4] * np.where(c > 0, np.abs(c) ** ORDERS, 0.0)
        return Products(found[0], found[1], found[2], found[3], found[4])


def _tails(c: Floats, powers: Floats) -> Floats:
    """Return the mean of c^k over k > ORDERS, weighted with k^-power, ``(len(powers), G)``."""
    orders, t, weights = _tail_nodes()
    shares = weights * t ** (2 * powers[:, None] - 3)
    falls = np.exp(np.log(np.maximum(c, TINY)) * orders[:, None])
    found: Floats = (shares / shares.sum(axis=1, keepdims=True)) @ falls
    return found


@functools.cache
def _tail_nodes() -> tuple[Floats, Floats, Floats]:
    nodes, weights = legendre(24)
    t = (nodes + 1) / 2
    return ORDERS / np.square(t), t, weights


@functools.lru_cache(maxsize=2)
def _polynomial_factors() -> tuple[Floats, Floats]:
    k = np.arange(ORDERS, dtype=np.float64)
    return 1 / np.sqrt(k + 1), np.sqrt(k / (k + 1))


def _polynomials(z: Floats) -> Floats:
    """Return the normalized Hermite polynomials, ``(ORDERS, n)``."""
    found = np.empty((ORDERS, len(z)))
    found[0], found[1] = 1.0, z
    up, back = _polynomial_factors()
    for k in range(1, ORDERS - 1):
        np.multiply(z * up[k], found[k], out=found[k + 1])
        found[k + 1] -= back[k] * found[k - 1]
    return found


class Spectrum:
    """The expansions of an activation, worked out at round values of ln q when they are asked for.

    Args:
        curve: The activation phi.
    """

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        self._homogeneous = is_homogeneous(curve)
        corners = np.array(curve.corners)
        aside = 1e-7 * (1 + np.abs(corners))
        steps = curve.slope(corners + aside) - curve.slope(corners - aside)
        self._jumps = bool((np.abs(steps) > 1e-5).any())
        self._step = math.log(10) / ROWS_A_DECADE
        self._last = round(math.log(LARGEST / SMALLEST) / self._step)
        self._rows: dict[int, tuple[Floats, Floats]] = {}
        self._four: dict[int, tuple[Floats, Floats]] = {}

    def at(self, q: float) -> Expansion:
        """Return the expansion at a variance, > 0."""
        if self._homogeneous:
            coefficients, scalars = self._row(0)
        else:
            place = (math.log(max(q, TINY)) - math.log(SMALLEST)) / self._step
            place = min(max(place, 1.0), self._last - 1.0)
            first = min(math.floor(place), self._last - 2) - 1
            t = place - first - 1
            # Lagrange's weights of four rows in equal distance
            shares = np.array(
                [
                    -t * (t - 1) * (t - 2) / 6,
                    (t + 1) * (t - 1) * (t - 2) / 2,
                    -(t + 1) * t * (t - 2) / 2,
                    (t + 1) * t * (t - 1) / 6,
                ]
            )
            if first not in self._four:
                rows = [self._row(first + shift) for shift in range(4)]
                self._four[first] = (np.stack([row[0] for row in rows]), np.stack([row[1] for row in rows]))
            many, few = self._four[first]
            coefficients, scalars = np.tensordot(shares, many, 1), shares @ few
        fourth, slope_fourth, cross, fourth_bend, sixth = scalars.tolist()
        return Expansion(coefficients, fourth, slope_fourth, cross, fourth_bend, sixth, self._jumps)

    def _row(self, number: int) -> tuple[Floats, Floats]:
        if self._homogeneous:
            number = 0
        if number not in self._rows:
            log_q = 0.0 if self._homogeneous else math.log(SMALLEST) + number * self._step
            self._rows[number] = self._expand(math.exp(log_q / 2))
        return self._rows[number]

    def _expand(self, size: float) -> tuple[Floats, Floats]:
        z, weights = normal_nodes(cuts(self._curve, size))
        value, slope = self._curve.value(size * z), self._curve.slope(size * z)
        squares = np.square(np.stack([value, slope]))
        means = np.maximum(squares @ weights, TINY)
        value, slope = value / math.sqrt(means[0]), slope / math.sqrt(means[1])
        square, slope_square = squares / means[:, None]
        polynomials = _polynomials(z)
        coefficients = (np.stack([value, slope, square, slope_square]) * weights) @ polynomials.T
        bent = weights * polynomials[4] / math.sqrt(24)
        scalars = np.array(
            [
                np.square(square) @ weights,
                np.square(slope_square) @ weights,
                (square * slope_square) @ weights,
                square @ bent,
                np.square(square) @ bent,
            ]
        )
        return coefficients, scalars


@functools.lru_cache(maxsize=64)
def spectrum(curve: Curve) -> Spectrum:
    """Return the expansions of an activation, kept once they are worked out."""
    return Spectrum(curve)
