"""Axes that stand still: ranges that grow in steps, and few ticks at round places.

Coordinates are data units on a linear axis and decades (log10) on a logarithmic one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from initviz.telemetry.frame import Floats
from initviz.views.numbers import MINUS, percent, plain, power_of_ten, whole

_MANTISSAS = (0.0, math.log10(2), math.log10(5), 1.0)
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Tick:
    """A marked place on an axis.

    Attributes:
        at: Coordinate.
        label: Its number; empty for a minor tick.
    """

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of coordinates.

    Attributes:
        low: Coordinate at the left or bottom end.
        high: Coordinate at the other end, above ``low``.
        log: Whether coordinates are decades.
        percent: Whether ticks show shares as per cent.
    """

    low: float
    high: float
    log: bool = False
    percent: bool = False

    def share(self, coordinates: Floats) -> Floats:
        """Return the place along the axis, 0 at the low end and 1 at the high one; NaN stays NaN."""
        return (coordinates - self.low) / (self.high - self.low)

    def coordinates(self, values: Floats) -> Floats:
        """Turn data into coordinates; zero on a logarithmic axis becomes -inf, a negative number NaN."""
        if not self.log:
            return np.asarray(values, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log10(np.asarray(values, dtype=np.float64))

    def value(self, coordinate: float) -> float:
        """Return the data unit at a coordinate; 0 or inf where it is beyond a float."""
        if not self.log:
            return coordinate
        return 0.0 if coordinate < -307 else math.inf if coordinate > 308 else 10.0**coordinate

    def ticks(self, most: int) -> tuple[Tick, ...]:
        """Return at most ``most`` labelled ticks, and on a logarithmic axis with room the minor ones between."""
        most = max(2, most)
        return _log_ticks(self, most) if self.log else _linear_ticks(self, most)


def nice_step(span: float, most: int) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that fits into ``span`` at most ``most`` times."""
    rough = max(span, 1e-300) / max(1, most)
    power = 10.0 ** math.floor(math.log10(rough))
    for factor in (1.0, 2.0, 5.0):
        if factor * power >= rough * (1 - _EPSILON):
            return factor * power
    return 10.0 * power


def _linear_ticks(axis: Axis, most: int) -> tuple[Tick, ...]:
    step = nice_step(axis.high - axis.low, most - 1)
    first = math.ceil(axis.low / step - _EPSILON)
    last = math.floor(axis.high / step + _EPSILON)
    digits = max(0, -math.floor(math.log10(step) + _EPSILON))
    places = [round(number * step, digits + 1) for number in range(first, last + 1)]
    if axis.percent:
        return tuple(Tick(at, percent(at)) for at in places)
    largest = max((abs(at) for at in places), default=0.0)
    if not 1e-4 <= largest < 1e5:
        return tuple(Tick(at, plain(at)) for at in places)
    return tuple(Tick(at, _decimal(at, digits)) for at in places)


def _decimal(value: float, digits: int) -> str:
    """Return a number with the decimals that all ticks of its axis have; a bare nought for zero."""
    if value == 0 or digits == 0:
        return whole(round(value))
    return f"{value:.{digits}f}".replace("-", MINUS)


def _log_ticks(axis: Axis, most: int) -> tuple[Tick, ...]:
    span = axis.high - axis.low
    first, last = math.ceil(axis.low - _EPSILON), math.floor(axis.high + _EPSILON)
    if last - first < 2:
        return _fine_log_ticks(axis, most)
    every = max(1, round(nice_step(last - first, most - 1)))
    while (last - first) // every + 1 > most:
        every += 1
    ticks = [
        Tick(float(exponent), power_of_ten(exponent))
        for exponent in range(first, last + 1)
        if exponent % every == 0
    ]
    if every == 1 and span <= 6:
        ticks += [
            Tick(exponent + math.log10(digit), "")
            for exponent in range(first - 1, last + 1)
            for digit in range(2, 10)
            if axis.low <= exponent + math.log10(digit) <= axis.high
        ]
    elif every > 1 and span <= 40:
        ticks += [Tick(float(exponent), "") for exponent in range(first, last + 1) if exponent % every]
    return tuple(ticks)


def _fine_log_ticks(axis: Axis, most: int) -> tuple[Tick, ...]:
    """Below two decades: 1, 2, 5 or 1, 3 while they fit, else round numbers."""
    exponents = range(math.floor(axis.low) - 1, math.ceil(axis.high) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        places = [
            exponent + math.log10(digit)
            for exponent in exponents
            for digit in digits
            if axis.low - _EPSILON <= exponent + math.log10(digit) <= axis.high + _EPSILON
        ]
        if 2 <= len(places) <= most:
            return tuple(Tick(at, plain(10.0**at)) for at in places)
    values = _linear_ticks(Axis(axis.value(axis.low), axis.value(axis.high)), most)
    return tuple(Tick(math.log10(tick.at), tick.label) for tick in values if tick.at > 0)


class SteadyRange:
    """A range that grows in steps as data comes, and shrinks only when it has become far too large.

    Args:
        log: Coordinates are decades and ends fall on 1, 2 or 5 times a power of ten.
        least: Smallest span, in coordinates.
    """

    def __init__(self, log: bool = False, least: float = 1e-6) -> None:
        self._log = log
        self._least = least
        self._axis: Axis | None = None

    def reset(self) -> None:
        """Forget the range: a new run begins."""
        self._axis = None

    def fit(self, low: float, high: float) -> Axis:
        """Return a range that holds ``low`` to ``high``; ends that are not finite keep the range as it is."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return self._axis or Axis(0.0, 1.0, self._log)
        wanted = self._round(low, max(high, low + self._least))
        held = self._axis
        if held is None:
            self._axis = wanted
        elif low < held.low or high > held.high:
            self._axis = Axis(min(wanted.low, held.low), max(wanted.high, held.high), self._log)
            if wanted.high - wanted.low < 0.5 * (self._axis.high - self._axis.low):
                self._axis = wanted
        elif wanted.high - wanted.low < 0.5 * (held.high - held.low):
            self._axis = wanted
        assert self._axis is not None
        return self._axis

    def _round(self, low: float, high: float) -> Axis:
        span = high - low
        if not self._log:
            step = nice_step(span, 5)
            return Axis(
                math.floor(low / step + _EPSILON) * step, math.ceil(high / step - _EPSILON) * step, False
            )
        if span < 3:
            return Axis(_mantissa_below(low), -_mantissa_below(-high, mirrored=True), True)
        step = 1 if span <= 12 else 2 if span <= 30 else 5
        return Axis(
            math.floor(low / step + _EPSILON) * float(step),
            math.ceil(high / step - _EPSILON) * float(step),
            True,
        )


def _mantissa_below(decades: float, mirrored: bool = False) -> float:
    """Return the nearest 1, 2 or 5 times a power of ten at or below; mirrored, for the negated upper end."""
    whole_part = math.floor(decades + _EPSILON)
    places = sorted(1 - m for m in _MANTISSAS) if mirrored else list(_MANTISSAS)
    return whole_part + max(m for m in places if m <= decades - whole_part + _EPSILON)


def growing_end(last: int, total: int, least: int = 20) -> int:
    """Return where the axis of steps ends: 1, 2 or 5 times a power of ten above ``last``, at most ``total``.

    Args:
        last: Latest step.
        total: Updates in the whole run.
        least: Smallest end.
    """
    needed = max(last, min(least, total), 1)
    power = int(10 ** math.floor(math.log10(needed)))
    end = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= needed)
    return max(last, min(end, total), 1)
