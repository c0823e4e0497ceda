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
        squares: ``(5, ORDERS)`` squared coefficients of phi, phi', phi^2, phi'^2, the first two in units of their mean
            square, the others in units of their squared mean; and the products of those of phi^2 and phi'^2.
        rest: ``(5,)`` what is missing in the sums of these.
        even: ``(4,)`` share of the even orders in the tails.
        powers: ``(4,)`` with which the tails fall.
        fourth: E[phi^4] / E[phi^2]^2.
        slope_fourth: E[phi'^4] / E[phi'^2]^2.
        cross: E[phi^2 phi'^2] / (E[phi^2] E[phi'^2]).
        fourth_bend: By how much E[phi^2] grows, relatively, for each unit of excess kurtosis of the input.
        sixth: The same for E[phi^4] in units of E[phi^2]^2.
        mean: E[phi] in units of the root of E[phi^2].
        third: E[phi^3] in units of its 3/2nd power.
    """

    squares: Floats
    rest: Floats
    even: Floats
    powers: Floats
    fourth: float
    slope_fourth: float
    cross: float
    fourth_bend: float
    sixth: float
    mean: float
    third: float

    def products(self, c: Floats) -> Products:
        """Return the means of products of two normal variables of this variance.

        Args:
            c: ``(G,)`` their correlations, -1 to 1.
        """
        found = self.squares @ c**_ORDER
        if self.rest[:4].max() > NEGLIGIBLE:
            parity = self.even[:, None] + (1 - self.even)[:, None] * np.sign(c)
            found[:4] += self.rest[:4, None] * parity * _tails(np.abs(c), self.powers)
        found[4] += self.rest[4] * np.where(c > 0, np.abs(c) ** ORDERS, 0.0)
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
        self._rows: dict[int, Floats] = {}
        self._four: dict[int, Floats] = {}

    def at(self, q: float) -> Expansion:
        """Return the expansion at a variance, > 0."""
        if self._homogeneous:
            row = self._row(0)
        else:
            place = (math.log(max(q, TINY)) - math.log(SMALLEST)) / self._step
            place = min(max(place, 1.0), self._last - 1.0)
            first = min(math.floor(place), self._last - 2) - 1
            t = place - first - 1
            if first not in self._four:
                self._four[first] = np.stack([self._row(first + shift) for shift in range(4)])
            # Lagrange's weights of four rows in equal distance
            shares = np.array(
                [
                    -t * (t - 1) * (t - 2) / 6,
                    (t + 1) * (t - 1) * (t - 2) / 2,
                    -(t + 1) * t * (t - 2) / 2,
                    (t + 1) * t * (t - 1) / 6,
                ]
            )
            row = shares @ self._four[first]
        squares = row[: 5 * ORDERS].reshape(5, ORDERS)
        end = row[5 * ORDERS :]
        return Expansion(squares, end[:5], end[5:9], end[9:13], *end[13:].tolist())

    def _row(self, number: int) -> Floats:
        if number not in self._rows:
            log_q = 0.0 if self._homogeneous else math.log(SMALLEST) + number * self._step
            self._rows[number] = self._expand(math.exp(log_q / 2))
        return self._rows[number]

    def _expand(self, size: float) -> Floats:
        """Return everything that an expansion consists of, in one row."""
        z, weights = normal_nodes(cuts(self._curve, size))
        value, slope = self._curve.value(size * z), self._curve.slope(size * z)
        squares = np.square(np.stack([value, slope]))
        means = np.maximum(squares @ weights, TINY)
        value, slope = value / math.sqrt(means[0]), slope / math.sqrt(means[1])
        square, slope_square = squares / means[:, None]
        polynomials = _polynomials(z)
        coefficients = (np.stack([value, slope, square, slope_square]) * weights) @ polynomials.T
        bent = weights * polynomials[4] / math.sqrt(24)
        fourth, slope_fourth = np.square(square) @ weights, np.square(slope_square) @ weights
        cross = (square * slope_square) @ weights
        terms = np.concatenate([np.square(coefficients), coefficients[2:3] * coefficients[3:]])
        rest = np.array([1.0, 1.0, fourth, slope_fourth, cross]) - terms.sum(axis=1)
        rest[:4] = np.maximum(rest[:4], 0.0)
        four = terms[:4]
        # The first of the last eight orders is even.
        even = (four[:, -8::2].sum(axis=1) + TINY) / (four[:, -8:].sum(axis=1) + TINY)
        powers = JUMP_POWERS
        if not self._jumps:
            # A power p leaves 2^(p - 1) - 1 times as much between a half and the whole of the orders as beyond.
            later = four[:, ORDERS // 2 :].sum(axis=1)
            powers = np.clip(1 + np.log2(1 + later / np.maximum(rest[:4], TINY)), SLOWEST, FASTEST)
        scalars = [
            fourth,
            slope_fourth,
            cross,
            square @ bent,
            np.square(square) @ bent,
            coefficients[0, 0],
            coefficients[0] @ coefficients[2],
        ]
        return np.concatenate([terms.ravel(), rest, even, powers, scalars])


@functools.lru_cache(maxsize=64)
def spectrum(curve: Curve) -> Spectrum:
    """Return the expansions of an activation, kept once they are worked out."""
    return Spectrum(curve)
