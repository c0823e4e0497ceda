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
from typing import Literal

import numpy as np

from initviz.catalog.parts import Curve
from initviz.theory.moments import LARGEST, SMALLEST, TINY, is_homogeneous
from initviz.theory.quadrature import Floats, cuts, legendre, normal_nodes

ORDERS = 48
ROWS_A_DECADE = 10
NEGLIGIBLE = 1e-7
"""Share of a series that may be left out without laying out its tail."""

Series = Literal["value", "slope", "square", "slope_square"]
SERIES: tuple[Series, ...] = ("value", "slope", "square", "slope_square")
JUMP_POWERS = (2.5, 1.5, 2.5, 1.5)
SLOWEST, FASTEST = 1.3, 12.0
"""Bounds of the power with which a tail falls."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """Of an activation phi at M variances.

    Attributes:
        coefficients: ``(4, M, ORDERS)`` of phi, phi', phi^2, phi'^2, the first two in units of the root of their mean
            square, the others in units of their mean.
        fourth: ``(M,)`` E[phi^4] / E[phi^2]^2.
        slope_fourth: ``(M,)`` E[phi'^4] / E[phi'^2]^2.
        cross: ``(M,)`` E[phi^2 phi'^2] / (E[phi^2] E[phi'^2]).
        fourth_bend: ``(M,)`` by how much E[phi^2] grows, relatively, for each unit of excess kurtosis of the input.
        sixth: ``(M,)`` the same for E[phi^4] in units of E[phi^2]^2.
        jumps: Whether the slope jumps somewhere, which decides how the coefficients fall.
    """

    coefficients: Floats
    fourth: Floats
    slope_fourth: Floats
    cross: Floats
    fourth_bend: Floats
    sixth: Floats
    jumps: bool

    def series(self, name: Series, c: Floats) -> Floats:
        """Return E[f(u) f(v)], in the units of the coefficients, ``(M, G)`` for correlations of that shape.

        Args:
            name: Which function f.
            c: ``(M, G)``, -1 to 1.
        """
        place = SERIES.index(name)
        squares = np.square(self.coefficients[place])
        whole = (np.ones_like(self.fourth), np.ones_like(self.fourth), self.fourth, self.slope_fourth)[place]
        rest = np.maximum(whole - squares.sum(axis=1), 0.0)
        found = _powers(squares, c)
        if (rest > NEGLIGIBLE).any():
            last = squares[:, -8:]
            # The first of the last eight orders is even.
            even = (last[:, ::2].sum(axis=1) + TINY) / (last.sum(axis=1) + TINY)
            parity = even[:, None] + (1 - even)[:, None] * np.sign(c)
            power = np.full(len(rest), JUMP_POWERS[place])
            if not self.jumps:
                power = self._power(squares, rest)
            found = found + rest[:, None] * parity * _tail(np.abs(c), power)
        return np.asarray(found)

    @staticmethod
    def _power(squares: Floats, rest: Floats) -> Floats:
        """Estimate how fast the squared coefficients go on falling from how they fell."""
        # A power p leaves 2^(p - 1) - 1 times as much between a half and the whole of the orders as beyond.
        later = squares[:, ORDERS // 2 :].sum(axis=1)
        power: Floats = np.clip(1 + np.log2(1 + later / np.maximum(rest, TINY)), SLOWEST, FASTEST)
        return power

    def mixed(self, c: Floats) -> Floats:
        """Return E[phi(u)^2 phi'(v)^2] in units of both means, ``(M, G)``; pinned at c = 1."""
        products = self.coefficients[2] * self.coefficients[3]
        rest = self.cross - products.sum(axis=1)
        found: Floats = _powers(products, c) + rest[:, None] * np.where(c > 0, np.abs(c) ** ORDERS, 0.0)
        return found


def _powers(coefficients: Floats, c: Floats) -> Floats:
    """Return the sum of ``coefficients[:, k] c^k``."""
    found = np.zeros_like(c)
    for column in coefficients.T[::-1]:
        found = found * c + column[:, None]
    return found


def _tail(c: Floats, power: Floats) -> Floats:
    """Return the mean of c^k over k > ORDERS, weighted with k^-power, ``(M, G)``."""
    nodes, weights = legendre(24)
    t = (nodes + 1) / 2  # k = ORDERS / t^2
    shares = (power - 1)[:, None] * weights * t ** (2 * power[:, None] - 3)
    powers = np.exp(np.log(np.maximum(c, TINY))[..., None] * (ORDERS / np.square(t)))
    found: Floats = np.einsum("mgn,mn->mg", powers, shares / shares.sum(axis=1, keepdims=True))
    return found


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

    def at(self, q: Floats) -> Expansion:
        """Return the expansions at variances ``(M,)``, > 0."""
        place = np.log(np.maximum(q, TINY)) / self._step - math.log(SMALLEST) / self._step
        place = np.full_like(place, 1.0) if self._homogeneous else np.clip(place, 1.0, self._last - 1.0)
        first = np.minimum(np.floor(place).astype(np.int64), self._last - 2) - 1
        t = place - first - 1
        # Lagrange's weights of four rows in equal distance
        shares = np.stack(
            [
                -t * (t - 1) * (t - 2) / 6,
                (t + 1) * (t - 1) * (t - 2) / 2,
                -(t + 1) * t * (t - 2) / 2,
                (t + 1) * t * (t - 1) / 6,
            ]
        )
        wanted = np.unique(first)
        rows = {int(row): None for start in wanted for row in range(int(start), int(start) + 4)}
        table = [self._row(row) for row in rows]
        index = {row: number for number, row in enumerate(rows)}
        which = np.array([[index[int(row) + shift] for row in first] for shift in range(4)])
        coefficients, scalars = (np.stack([row[part] for row in table]) for part in (0, 1))
        mixed = np.einsum("sm,smfk->fmk", shares, coefficients[which])
        told = np.einsum("sm,smf->fm", shares, scalars[which])
        return Expansion(mixed, told[0], told[1], told[2], told[3], told[4], self._jumps)

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
