"""What is said when an experiment cannot be what was asked for."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable

from initviz.experiment.text import Text

MAX_SHOWN = 60
"""Characters of a foreign value or name that a message repeats."""

MAX_PLACE = 400
"""Characters of a path that a message repeats."""

_BITS_SHOWN = 200
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = MAX_SHOWN
_SHORT.maxlevel = 2


def shown(value: object) -> str:
    """Return ``value`` as a message repeats it: short, in printable characters, whatever a file may hold."""
    if isinstance(value, int) and value.bit_length() > _BITS_SHOWN:
        return f"<{value.bit_length()} bits>"
    try:
        text = _SHORT.repr(value)
    except ValueError:  # a huge whole number inside a list
        text = f"<{type(value).__name__}>"
    return printable(text)


def printable(text: str, most: int = MAX_SHOWN) -> str:
    """Return ``text`` with what cannot be printed escaped, so that it cannot steer a terminal, and cut to ``most``."""
    escaped = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: most + 1])
    return escaped if len(escaped) <= most else escaped[: most - 3] + "..."


class InitVizError(Exception):
    """An error whose message is meant for the person in front of the program, in every language.

    Args:
        text: What is wrong and what to do next.
    """

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class ExperimentError(InitVizError):
    """A value, a key or a combination in an experiment that cannot be accepted; nothing was changed.

    Args:
        text: What is wrong and what to do next, without the place.
        path: Where, as dotted keys and list indices, such as ``lanes[1].init.weight.std``; empty for the whole.
    """

    def __init__(self, text: Text, path: str = "") -> None:
        place = printable(path, MAX_PLACE)
        super().__init__(Text(f"{place}: {text.en}", f"{place}：{text.zh}") if place else text)
        self.path = path
        self.reason = text

    def below(self, prefix: str) -> ExperimentError:
        """Return the same error seen from ``prefix``, one level further out."""
        return ExperimentError(self.reason, join_path(prefix, self.path))


def join_path(prefix: str, key: str) -> str:
    """Join two dotted paths; a key that starts with ``[`` is an index and takes no dot."""
    if not prefix or not key:
        return prefix or key
    return f"{prefix}{key}" if key.startswith("[") else f"{prefix}.{key}"


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """Return the known name most like ``wrong``, or None when nothing is close."""
    matches = difflib.get_close_matches(wrong[:MAX_SHOWN].lower(), list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def unknown_key(wrong: str, known: Iterable[str], path: str) -> ExperimentError:
    """Say that a key means nothing here, with the nearest right one."""
    names = sorted(known)
    close = nearest(wrong, names)
    wrong = printable(wrong)
    listing = ", ".join(names) if names else "—"
    if close is None:
        text = Text(
            f"there is no '{wrong}' here. Possible keys: {listing}.",
            f"这里没有“{wrong}”。可用的键：{listing}。",
        )
    else:
        text = Text(
            f"there is no '{wrong}' here. Did you mean '{close}'? Possible keys: {listing}.",
            f"这里没有“{wrong}”。您是否想写“{close}”？可用的键：{listing}。",
        )
    return ExperimentError(text, path)
