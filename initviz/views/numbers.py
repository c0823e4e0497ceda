"""Numbers as they stand in a plot: three significant digits, thin-space thousands, powers of ten."""

from __future__ import annotations

import math

THIN_SPACE = "\u2009"
MINUS = "\u2212"
MISSING = "–"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def whole(value: int) -> str:
    """Return a whole number with thin spaces between thousands; four digits stay together.

    >>> whole(12345)
    '12\u2009345'
    """
    text = f"{value:,}".replace(",", THIN_SPACE) if abs(value) >= 10_000 else str(value)
    return text.replace("-", MINUS)


def power_of_ten(exponent: int) -> str:
    """Return ``10`` with a raised exponent.

    >>> power_of_ten(-3)
    '10⁻³'
    """
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def significant(value: float, digits: int = 3) -> str:
    """Return a number with that many significant digits; very large and small ones as a power of ten.

    >>> significant(0.000123456)
    '1.23×10⁻⁴'
    >>> significant(0.5)
    '0.500'
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    mantissa, exponent = f"{abs(value):.{digits - 1}e}".split("e")
    power = int(exponent)
    if -4 < power < 5:
        decimals = max(0, digits - 1 - power)
        rounded = float(f"{abs(value):.{digits - 1}e}")
        text = whole(round(rounded)) if decimals == 0 else f"{rounded:.{decimals}f}"
    else:
        text = f"{mantissa}×{power_of_ten(power)}"
    return text if value > 0 else MINUS + text


def percent(share: float) -> str:
    """Return a share of one as per cent, with one decimal below ten.

    >>> percent(0.0213), percent(0.5)
    ('2.1\u2009%', '50\u2009%')
    """
    if not math.isfinite(share):
        return MISSING
    value = 100 * share
    text = f"{value:.1f}" if 0 < abs(value) < 9.95 else f"{value:.0f}"
    return f"{text}{THIN_SPACE}%"


def plain(value: float) -> str:
    """Return a tick's number without digits that say nothing.

    >>> plain(0.20000000000000001), plain(1000000.0), plain(0.0)
    ('0.2', '10⁶', '0')
    """
    if value == 0:
        return "0"
    magnitude = abs(value)
    sign = MINUS if value < 0 else ""
    if 1e-3 <= magnitude < 1e5:
        text = f"{magnitude:.6g}"
        return sign + (whole(int(text)) if text.isdigit() else text)
    mantissa, exponent = f"{magnitude:.2e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    power = power_of_ten(int(exponent))
    return sign + (power if mantissa == "1" else f"{mantissa}×{power}")
