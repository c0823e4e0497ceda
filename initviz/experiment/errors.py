"""What is said when an experiment cannot be what was asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from initviz.experiment.text import Text


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
        super().__init__(Text(f"{path}: {text.en}", f"{path}：{text.zh}") if path else text)
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
    matches = difflib.get_close_matches(wrong.lower(), list(known), n=1, cutoff=0.5)
    return matches[0] if matches else None


def unknown_key(wrong: str, known: Iterable[str], path: str) -> ExperimentError:
    """Say that a key means nothing here, with the nearest right one."""
    names = sorted(known)
    close = nearest(wrong, names)
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
