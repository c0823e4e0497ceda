"""Numbers as a person types and reads them."""

from __future__ import annotations

import math
import unicodedata

from initviz.experiment.parameters import FloatParameter, FloatsParameter, IntParameter, Parameter, Value

UNBOUNDED_INT = 2**31 - 1
"""An upper bound from here on only guards the machine; it is not worth a word in a tooltip."""


def format_number(value: float) -> str:
    """Return ``value`` in its shortest exact form: ``0.01``, ``2000``, ``1e-5``, ``2.5e7``.

    Args:
        value: Any number; whole numbers lose their point.
    """
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    text = repr(value)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    text = text.removesuffix(".0")
    digits = text.lstrip("-")
    if digits.isdigit() and len(digits) > 6:
        significant = digits.rstrip("0")
        if len(significant) <= 4:
            sign = "-" if value < 0 else ""
            head, tail = significant[0], significant[1:]
            return f"{sign}{head}{'.' + tail if tail else ''}e{len(digits) - 1}"
    return text


def format_value(value: Value) -> str:
    """Return any parameter's value as text; None is empty."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(format_number(item) for item in value)
    if isinstance(value, bool | str):
        return str(value)
    return format_number(value)


def plain_number(text: str) -> str:
    """Return ``text`` with full-width digits, typographic minus signs and decimal commas made plain."""
    plain = unicodedata.normalize("NFKC", text).strip()
    for minus in "−–—":
        plain = plain.replace(minus, "-")
    plain = plain.replace("\u2009", "").replace("\u202f", "").replace(" ", "").replace("_", "")
    if plain.count(",") == 1 and "." not in plain and not _is_grouping(plain):
        return plain.replace(",", ".")
    return plain.replace(",", "")


def _is_grouping(text: str) -> bool:
    """Say whether the one comma of ``text`` parts thousands, as in ``2,000``."""
    head, tail = text.split(",")
    return len(tail) == 3 and tail.isdigit() and head.lstrip("+-").isdigit() and not head.startswith("0")


def parse_float(text: str) -> float | None:
    """Return the finite number that ``text`` says, or None where it says none."""
    try:
        number = float(plain_number(text))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def parse_int(text: str) -> int | None:
    """Return the whole number that ``text`` says (``2000``, ``2e3``), or None where it says none."""
    plain = plain_number(text)
    try:
        return int(plain)
    except ValueError:
        number = parse_float(text)
        return int(number) if number is not None and number.is_integer() else None


def parse_floats(text: str) -> tuple[float, ...] | None:
    """Return the numbers of a list parted by commas, semicolons or blanks, or None where one is no number."""
    plain = unicodedata.normalize("NFKC", text).replace("、", ",").strip().strip("[]()")
    for mark in ";,":
        plain = plain.replace(mark, " ")
    numbers = [parse_float(word) for word in plain.split()]
    found = tuple(number for number in numbers if number is not None)
    return found if len(found) == len(numbers) else None


def range_text(parameter: Parameter) -> str:
    """Return what a number must satisfy, such as ``0 ≤ x < 1``; empty where it may be anything."""
    if isinstance(parameter, IntParameter):
        high = "" if parameter.maximum >= UNBOUNDED_INT else format_number(parameter.maximum)
        return _between(format_number(parameter.minimum), "≤", high, "≤")
    if isinstance(parameter, FloatParameter | FloatsParameter):
        open_minimum = isinstance(parameter, FloatParameter) and parameter.open_minimum
        low = "" if parameter.minimum == -math.inf else format_number(parameter.minimum)
        high = "" if parameter.maximum == math.inf else format_number(parameter.maximum)
        return _between(low, "<" if open_minimum else "≤", high, "<" if parameter.open_maximum else "≤")
    return ""


def _between(low: str, low_sign: str, high: str, high_sign: str) -> str:
    if low and high:
        return f"{low} {low_sign} x {high_sign} {high}"
    if low:
        return f"x {'>' if low_sign == '<' else '≥'} {low}"
    return f"x {high_sign} {high}" if high else ""


def format_count(number: int) -> str:
    """Return a count with thin spaces between thousands, as on all axes: ``12 345``."""
    return f"{number:,}".replace(",", "\u2009")


def format_bytes(number: float) -> str:
    """Return a memory size in decimal units, three significant digits: ``1.23 MB``."""
    for unit in ("B", "kB", "MB"):
        if number < 999.5:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"


def format_three(value: float) -> str:
    """Return a measured number with three significant digits: ``0.0123``, ``2.30``, ``1.2e-30``."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-3 or size >= 1e5:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    decimals = max(0, 2 - math.floor(math.log10(float(f"{size:.2e}"))))
    return f"{value:.{decimals}f}"
