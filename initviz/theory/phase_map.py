"""The plane of sigma_w and sigma_b: on which side of criticality a start lies, and over how many layers it forgets.

A map is worked out in portions of a few milliseconds, coarse first, so that a window draws it while it gets sharper.

References:
    Poole et al. 2016, arXiv:1606.05340; Schoenholz et al. 2017, arXiv:1611.01232.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from initviz.catalog.parts import Curve
from initviz.theory.mean_field import START
from initviz.theory.moments import LARGEST, SMALLEST, Table, table
from initviz.theory.quadrature import Floats, cuts, normal_nodes

COLUMNS, ROWS = 97, 65
"""Places of the finished map; one less is a multiple of ``COARSEST``."""
COARSEST = 8
ORDERS = 64
"""Hermite polynomials; the rest of the series is closed by one power that gives its sum and its slope at c = 1."""
_Q_LOW, _Q_HIGH, _Q_ROWS = -3.0, 3.0, 49
_LOOKED_AT = np.geomspace(SMALLEST, LARGEST, 97)
"""Where the map of q is looked at for a change of its direction."""
_HALVINGS = 9
_REFINED = 14


def _nodes() -> Floats:
    """Return correlations from 0 to 1, dense near 1, where the map of the correlation bends most."""
    return 1 - np.linspace(1.0, 0.0, 65) ** 3


CORRELATIONS = _nodes()
_POWERS = CORRELATIONS[:, None] ** np.arange(ORDERS)


def correlation_row(curve: Curve, q: float) -> tuple[Floats, Floats, float]:
    """Return E[phi(u) phi(v)] and E[phi'(u) phi'(v)] at ``CORRELATIONS``, as shares of their values at c = 1.

    Args:
        curve: The activation phi.
        q: Variance of u and v, > 0.
    Returns:
        Both, and the slope of the first at c = 1.
    """
    size = math.sqrt(q)
    z, weights = normal_nodes(cuts(curve, size))
    value, slope = curve.value(size * z), curve.slope(size * z)
    whole = float(weights @ np.square(value))
    whole_slope = q * float(weights @ np.square(slope))
    if whole <= 0 or whole_slope <= 0:
        return np.ones(len(CORRELATIONS)), np.ones(len(CORRELATIONS)), 0.0
    terms = np.empty(ORDERS)
    before, now = np.zeros_like(z), weights * value
    for order in range(ORDERS):
        terms[order] = now.sum() ** 2
        before, now = now, (z * now - math.sqrt(order) * before) / math.sqrt(order + 1)
    orders = np.arange(ORDERS)
    products = _POWERS @ terms
    slopes = _POWERS[:, :-1] @ (orders * terms)[1:]
    rest, rest_slope = whole - float(terms.sum()), whole_slope - float(orders @ terms)
    if rest > 1e-12 * whole and rest_slope > rest:
        power = rest_slope / rest
        products = products + rest * CORRELATIONS**power
        slopes = slopes + rest_slope * CORRELATIONS ** (power - 1)
    return products / whole, slopes / whole_slope, whole_slope / whole


class PhaseMap:
    """What becomes of every start in a rectangle of the plane.

    Attributes:
        sigma_w: ``(C,)`` from left to right, > 0.
        sigma_b: ``(R,)`` from bottom to top, 0 first.
        log_chi: ``(R, C)`` ln chi at the fixed point of q: below 0 gradients shrink. NaN where not known yet.
        rate: ``(R, C)`` 1 / xi_c, at least 0; NaN where q grows without bound, and where not known yet.
        bounded: ``(R, C)`` False where q grows without bound.
        critical: ``(R,)`` sigma_w at which chi first passes 1, also where it jumps; NaN where it does not, and before
            the map is finished.
        stride: Every so many-th row and column is known; 1 for the finished map.

    Args:
        curve: The activation.
        width: Largest sigma_w.
        height: Largest sigma_b.
        keep: Share of the activations that dropout keeps.
    """

    def __init__(self, curve: Curve, width: float, height: float, keep: float = 1.0) -> None:
        self.sigma_w = np.linspace(0.0, width, COLUMNS)
        self.sigma_w[0] = 1e-3 * width
        self.sigma_b = np.linspace(0.0, height, ROWS)
        self.keep = keep
        self.log_chi = np.full((ROWS, COLUMNS), np.nan)
        self.rate = np.full((ROWS, COLUMNS), np.nan)
        self.bounded = np.ones((ROWS, COLUMNS), dtype=np.bool_)
        self.critical = np.full(ROWS, np.nan)
        self.stride = 2 * COARSEST
        self._curve = curve
        self._products = np.empty((_Q_ROWS, len(CORRELATIONS)))
        self._slopes = np.empty_like(self._products)
        self._ends = np.empty(_Q_ROWS)
        self._second = np.empty(len(_LOOKED_AT))
        self._table: Table | None = None
        self._work = self._portions()

    @property
    def finished(self) -> bool:
        """True when nothing is left to do."""
        return self.stride == 1

    def work(self) -> bool:
        """Do the next portion, at most a few milliseconds; return whether anything is left."""
        return next(self._work, None) is not None

    def finish(self) -> None:
        """Do all that is left."""
        while self.work():
            pass

    def _portions(self) -> Iterator[bool]:
        self._table = table(self._curve)  # made in the run that this is the theory of, as a rule
        self._second[:] = self._table.second_at(_LOOKED_AT)
        yield True
        for place, q in enumerate(np.logspace(_Q_LOW, _Q_HIGH, _Q_ROWS).tolist()):
            self._products[place], self._slopes[place], self._ends[place] = correlation_row(self._curve, q)
            yield True
        stride = COARSEST
        while stride >= 1:
            for row in range(0, ROWS, stride):
                old = row % (2 * stride) == 0 and stride < COARSEST
                columns = np.arange(0, COLUMNS, stride)
                self._fill(row, columns[1::2] if old else columns)
                yield True
            if stride == 1:
                yield from self._find_critical()
            self.stride = stride
            stride //= 2

    def _find_critical(self) -> Iterator[bool]:
        """Find the critical line in every row, by halves: where chi jumps there is nothing to interpolate."""
        rows = self._table
        assert rows is not None
        passed = (self.log_chi[:, 1:] > 0) & (self.log_chi[:, :-1] <= 0)
        first = np.argmax(passed, axis=1)
        low, high = self.sigma_w[first], self.sigma_w[first + 1]
        for _ in range(_REFINED):
            middle = (low + high) / 2
            q = np.clip(self._fixed_q(rows, middle, self._biases()), SMALLEST, LARGEST)
            ordered = np.square(middle) / self.keep * rows.slope_at(q) <= 1 + 1e-9
            low, high = np.where(ordered, middle, low), np.where(ordered, high, middle)
            yield True
        self.critical[:] = np.where(passed.any(axis=1), (low + high) / 2, np.nan)

    def _biases(self) -> Floats:
        # With dropout even a vanishing bias decides how alike examples become; none at all would be a jump.
        return self.sigma_b if self.keep == 1.0 else np.maximum(self.sigma_b, 1e-4 * self.sigma_b[-1])

    def _fill(self, row: int, columns: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        rows = self._table
        assert rows is not None
        sigma_w, sigma_b = self.sigma_w[columns], float(self._biases()[row])
        q = self._fixed_q(rows, sigma_w, sigma_b)
        bounded = q < LARGEST
        gain = np.square(sigma_w) / self.keep
        chi = gain * rows.slope_at(np.clip(q, SMALLEST, LARGEST))
        rate = self._rate(rows, sigma_w, sigma_b, q, chi)
        self.bounded[row, columns] = bounded
        self.log_chi[row, columns] = np.log(np.maximum(chi, 1e-300))
        self.rate[row, columns] = np.where(bounded, rate, np.nan)

    def _fixed_q(self, rows: Table, sigma_w: Floats, sigma_b: Floats | float) -> Floats:
        """Return what q goes to from ``START``, for each sigma_w: 0 or infinity at the ends of the table."""
        gain = np.square(sigma_w) / self.keep
        rises = (
            gain[:, None] * self._second + np.square(sigma_b + np.zeros_like(sigma_w))[:, None] - _LOOKED_AT
        )
        up = gain * rows.second_at(np.array([START])) + sigma_b**2 > START
        above = _LOOKED_AT > START
        # The first row above from which q falls, or the last one below from which it rises.
        stops = np.where(up[:, None], above & (rises <= 0), ~above & (rises >= 0))
        found = stops.any(axis=1)
        low = np.where(
            up, np.argmax(stops, axis=1) - 1, len(_LOOKED_AT) - 1 - np.argmax(stops[:, ::-1], axis=1)
        )
        low = np.clip(low, 0, len(_LOOKED_AT) - 2)
        left, right = np.log(_LOOKED_AT[low]), np.log(_LOOKED_AT[low + 1])
        # The bracket that START lies in is cut at it, so that another fixed point in it is not taken.
        inside = (left < math.log(START)) & (right > math.log(START))
        left = np.where(inside & up, math.log(START), left)
        right = np.where(inside & ~up, math.log(START), right)

        def ahead(log_q: Floats) -> Floats:
            return np.log(np.maximum(gain * rows.second_at(np.exp(log_q)) + sigma_b**2, 1e-300)) - log_q

        for _ in range(_HALVINGS):
            middle = (left + right) / 2
            grows = ahead(middle) > 0
            left, right = np.where(grows, middle, left), np.where(grows, right, middle)
        at_left, at_right = ahead(left), ahead(right)
        falls = at_left > at_right
        share = np.where(falls, at_left / np.where(falls, at_left - at_right, 1.0), 0.5)
        log_q = left + np.clip(share, 0.0, 1.0) * (right - left)
        return np.where(found, np.exp(log_q), np.where(up, np.inf, 0.0))

    def _rate(self, rows: Table, sigma_w: Floats, sigma_b: float, q: Floats, chi: Floats) -> Floats:
        """Return 1 / xi_c: minus the logarithm of the slope of the correlation map where it stands still."""
        at = np.clip(q, 10**_Q_LOW, 10**_Q_HIGH)
        place = (np.log10(at) - _Q_LOW) / (_Q_HIGH - _Q_LOW) * (_Q_ROWS - 1)
        row = np.minimum(place.astype(np.int64), _Q_ROWS - 2)
        share = (place - row)[:, None]
        products = (1 - share) * self._products[row] + share * self._products[row + 1]
        slopes = (1 - share) * self._slopes[row] + share * self._slopes[row + 1]
        size = np.clip(q, SMALLEST, LARGEST)
        gain = np.square(sigma_w)
        # What lies between two rows is made exact at c = 1: near criticality all depends on the slope there.
        ends = (1 - share[:, 0]) * self._ends[row] + share[:, 0] * self._ends[row + 1]
        exact = at * rows.slope_at(at) / rows.second_at(at)
        products = 1 - (1 - products) * (exact / np.where(ends > 0, ends, 1.0))[:, None]
        whole = (gain * rows.second_at(size))[:, None] * products + sigma_b**2
        # As shares of q, which is what comes back at c = 1, so that rounding leaves no crossing there.
        ahead = whole / (whole[:, -1:] / self.keep + sigma_b**2 * (1 - 1 / self.keep)) - CORRELATIONS
        if self.keep == 1.0:
            # 1 is a fixed point itself: the other one is where the rest of the map crosses.
            ahead[:, :-1] /= 1 - CORRELATIONS[:-1]
            ahead[:, -1] = 1 - chi
        first = np.argmax(ahead <= 0, axis=1)
        first = np.where((ahead <= 0).any(axis=1), first, len(CORRELATIONS) - 1)
        before = np.maximum(first - 1, 0)
        lane = np.arange(len(q))
        above, below = ahead[lane, before], ahead[lane, first]
        part = np.where(above > below, above / np.where(above > below, above - below, 1.0), 0.0)
        part = np.clip(part, 0.0, 1.0)
        slope = gain * rows.slope_at(size) * ((1 - part) * slopes[lane, before] + part * slopes[lane, first])
        if self.keep == 1.0:
            # Two equal examples stay equal: what parts them is chi itself.
            slope = np.where(chi <= 1, chi, np.minimum(slope, 1.0))
        return np.asarray(-np.log(np.clip(slope, 1e-300, 1.0)))


def segments_of(field: Floats, level: float, x: Floats, y: Floats) -> Floats:
    """Return the contour of a field at a level as straight pieces ``(n, 4)`` of x1, y1, x2, y2 (marching squares).

    Args:
        field: ``(R, C)``; squares with a corner that is not finite are left out.
        level: Of the contour.
        x: ``(C,)`` of the columns.
        y: ``(R,)`` of the rows.
    """
    corners = np.stack((field[:-1, :-1], field[:-1, 1:], field[1:, 1:], field[1:, :-1])) - level
    over = corners > 0
    crossed = over != np.roll(over, -1, axis=0)  # edges: bottom, right, top, left
    crossed &= np.isfinite(corners).all(axis=0)
    rises = np.where(crossed, corners - np.roll(corners, -1, axis=0), 1.0)
    share = np.where(crossed, corners, 0.0) / rises
    x_low, x_high = (np.broadcast_to(part, field[:-1, :-1].shape) for part in (x[:-1], x[1:]))
    y_low, y_high = (np.broadcast_to(part[:, None], field[:-1, :-1].shape) for part in (y[:-1], y[1:]))
    starts = np.stack((x_low, x_high, x_high, x_low)), np.stack((y_low, y_low, y_high, y_high))
    points = [start + share * (np.roll(start, -1, axis=0) - start) for start in starts]
    pieces = []
    for first in range(4):
        for second in range(first + 1, 4):
            met = crossed[first] & crossed[second]
            between = np.zeros_like(met)
            for other in range(4):
                if other not in (first, second):
                    between |= crossed[other]
            # In a saddle all four edges are crossed: neighbours are joined, which cuts off two corners.
            wanted = met & (~between if second - first != 1 or first == 1 else True)
            pieces.append(
                np.stack([points[axis][edge][wanted] for edge in (first, second) for axis in (0, 1)], axis=1)
            )
    return np.concatenate(pieces)
