"""Where a slider stops: round numbers only, by factors where a parameter is felt by factors."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable
from dataclasses import dataclass

from initviz.experiment.parameters import FloatParameter, IntParameter, Parameter

_MANTISSAS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
_INT_MANTISSAS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
_DECADES_BELOW = 3
_DECADES_ABOVE = 2
_LINEAR_STEPS = 100
_LARGEST_LINEAR_INT = 1000


@dataclass(frozen=True, slots=True)
class SliderScale:
    """The values that a slider can take.

    Attributes:
        stops: At least two values, ascending.
    """

    stops: tuple[float, ...]

    def index_of(self, value: float) -> int:
        """Return the position of the stop nearest to ``value``; an end where it lies outside."""
        right = bisect.bisect_left(self.stops, value)
        if right == 0:
            return 0
        if right == len(self.stops):
            return right - 1
        low, high = self.stops[right - 1], self.stops[right]
        return right if abs(high - value) <= abs(value - low) else right - 1

    def value_at(self, index: int) -> float:
        """Return the value at a position."""
        return self.stops[max(0, min(index, len(self.stops) - 1))]

    def step_from(self, value: float, steps: int) -> float:
        """Return the stop ``steps`` further on than ``value``, which need not be a stop itself."""
        if steps > 0:
            return self.value_at(bisect.bisect_right(self.stops, value) + steps - 1)
        return self.value_at(bisect.bisect_left(self.stops, value) + steps)


def slider_scale(parameter: Parameter) -> SliderScale | None:
    """Return where a parameter's slider stops, or None where a slider makes no sense.

    A logarithmic parameter gets some decades around its default, others every bounded range in about a hundred
    steps. Bounds are kept; an open bound is no stop.
    """
    if isinstance(parameter, FloatParameter):
        return _float_scale(parameter)
    if isinstance(parameter, IntParameter):
        return _int_scale(parameter)
    return None


def _float_scale(parameter: FloatParameter) -> SliderScale | None:
    if parameter.log:
        reference = abs(parameter.default or 0.0) or 1.0
        low = max(parameter.minimum, _power(math.floor(math.log10(reference)) - _DECADES_BELOW))
        high = min(parameter.maximum, _power(math.ceil(math.log10(reference)) + _DECADES_ABOVE))
        stops = [value for value in _decades(low, high, _MANTISSAS) if low <= value <= high]
        stops += [low, high]
        if parameter.minimum <= 0.0 <= parameter.maximum and not parameter.open_minimum:
            stops.append(0.0)
    elif math.isfinite(parameter.minimum) and math.isfinite(parameter.maximum):
        step = _nice_step((parameter.maximum - parameter.minimum) / _LINEAR_STEPS)
        count = math.floor((parameter.maximum - parameter.minimum) / step + 1e-9)
        decimals = max(0, -math.floor(math.log10(step)) + 1)
        stops = [round(parameter.minimum + step * index, decimals) for index in range(count + 1)]
        stops += [parameter.minimum, parameter.maximum]
    else:
        return None
    if parameter.default is not None:
        stops.append(parameter.default)
    return _scale(
        value
        for value in stops
        if (value > parameter.minimum if parameter.open_minimum else value >= parameter.minimum)
        and (value < parameter.maximum if parameter.open_maximum else value <= parameter.maximum)
    )


def _int_scale(parameter: IntParameter) -> SliderScale | None:
    minimum, maximum, default = parameter.minimum, parameter.maximum, parameter.default
    if not parameter.log:
        if maximum - minimum > _LARGEST_LINEAR_INT:
            return None
        return _scale(float(value) for value in range(minimum, maximum + 1))
    reference = max(1, abs(default or 1))
    low = max(minimum, 1, round(10.0 ** (math.floor(math.log10(reference)) - _DECADES_BELOW)))
    high = min(maximum, round(10.0 ** (math.ceil(math.log10(reference)) + 1) * 1.1))
    if reference >= 4 and reference & (reference - 1) == 0:
        # Who starts at 64 thinks in powers of two.
        powers = (2.0**exponent for exponent in range(64))
        stops = [value for power in powers for value in (power, 1.5 * power)]
    else:
        stops = _decades(low, high, _INT_MANTISSAS)
    whole = [float(value) for value in stops if value.is_integer() and low <= value <= high]
    if minimum <= 0:
        whole.append(float(minimum))
    if default is not None:
        whole.append(float(default))
    if maximum == high:
        whole.append(float(maximum))
    return _scale(value for value in whole if minimum <= value <= maximum)


def _decades(low: float, high: float, mantissas: tuple[float, ...]) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    # Through text, so that 3e-05 is exactly the number that a person would type.
    return [float(f"{mantissa}e{exponent}") for exponent in range(first, last + 1) for mantissa in mantissas]


def _power(exponent: int) -> float:
    return float(f"1e{exponent}")


def _nice_step(step: float) -> float:
    exponent = math.floor(math.log10(step))
    for mantissa in (1, 2, 5, 10):
        nice = float(f"{mantissa}e{exponent}")
        if nice >= step * (1 - 1e-9):
            return nice
    return step


def _scale(stops: Iterable[float]) -> SliderScale | None:
    ordered = tuple(sorted(set(stops)))
    return SliderScale(ordered) if len(ordered) > 1 else None
