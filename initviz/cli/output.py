"""How results are printed: JSON for programs, tables for people."""

from __future__ import annotations

import json
import math
import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

_SMALL = 1e-3
_LARGE = 1e5


def finite(value: Json) -> Json:
    """Return ``value`` with null for every number that JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [finite(item) for item in value]
    return value


def print_json(value: Json) -> None:
    """Print one JSON value on stdout; readable Chinese where the terminal can show it."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    print_text(json.dumps(finite(value), ensure_ascii=encoding != "utf8", indent=2, allow_nan=False))


def print_text(text: str) -> None:
    """Print a result on stdout, and let it leave this process at once.

    Raises:
        BrokenPipeError: Nobody reads it any more.
        InitVizError: It cannot be written, for want of room say.
    """
    try:
        print(text, flush=True)
    except OSError as error:
        _silence_stdout()
        if isinstance(error, BrokenPipeError):
            raise
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InitVizError(
            Text(
                f"the result cannot be written ({reason}). Send it to another place, or make room.",
                f"无法写出结果（{reason}）。请换一个输出位置，或腾出空间。",
            )
        ) from error


def _silence_stdout() -> None:
    """Let Python not try again to write what cannot be written when it leaves."""
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)


def display_width(text: str) -> int:
    """Return how many columns of a terminal a text takes; Chinese characters take two."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text: str, columns: int) -> str:
    """Return a text that takes ``columns`` at most; what is cut off leaves an ellipsis."""
    if display_width(text) <= columns:
        return text
    kept, width = "", 1
    for character in text:
        width += _columns(character)
        if width > columns:
            break
        kept += character
    return kept.rstrip() + "…" if columns > 0 else ""


def pad(text: str, columns: int, right: bool = False) -> str:
    """Fill a text up with spaces to so many columns, on the left where it is to stand ``right``."""
    space = " " * max(0, columns - display_width(text))
    return space + text if right else text + space


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with so many significant digits; a dash where there is none."""
    if value is None or math.isnan(value):
        return "—"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0.0:
        return "0"
    if not _SMALL <= abs(value) < _LARGE:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def percent(value: float | None) -> str:
    """Return a share in percent; a dash where there is none."""
    return "—" if value is None or math.isnan(value) else f"{100 * value:.1f} %"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a table with aligned columns.

    Args:
        header: Titles of the columns.
        rows: Cells, as many a row as there are titles.
        left: The first so many columns are set left, the others right.
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(display_width(line[column]) for line in lines) for column in range(len(header))]
    rule = ["─" * width for width in widths]
    return "\n".join(
        "  ".join(pad(cell, widths[column], column >= left) for column, cell in enumerate(line)).rstrip()
        for line in (lines[0], rule, *lines[1:])
    )
