"""Changes to a document, each giving a new one, so that undo is only keeping the old."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping

Table = dict[str, object]
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for match in _STEP.finditer(path):
        key, index = match.groups()
        steps.append(key if key is not None else int(index))
    if not steps:
        raise ValueError(f"not a path: {path!r}")
    return steps


def get_value(document: Mapping[str, object], path: str, default: object = None) -> object:
    """Return what stands at a dotted path such as ``lanes[1].init.weight.std``, or ``default``."""
    place: object = document
    for step in _steps(path):
        if isinstance(step, int) and isinstance(place, list) and step < len(place):
            place = place[step]
        elif isinstance(step, str) and isinstance(place, Mapping) and step in place:
            place = place[step]
        else:
            return default
    return copy.deepcopy(place)


def set_value(document: Mapping[str, object], path: str, value: object) -> Table:
    """Return a copy with ``value`` at ``path``; tables on the way are made, list entries must exist."""
    result: Table = copy.deepcopy(dict(document))
    *way, last = _steps(path)
    place: object = result
    for step in way:
        if isinstance(step, str) and isinstance(place, dict):
            place = place.setdefault(step, {})
        elif isinstance(step, int) and isinstance(place, list):
            place = place[step]
        else:
            raise KeyError(path)
    if isinstance(last, str) and isinstance(place, dict):
        place[last] = copy.deepcopy(value)
    elif isinstance(last, int) and isinstance(place, list):
        place[last] = copy.deepcopy(value)
    else:
        raise KeyError(path)
    return result


def remove_value(document: Mapping[str, object], path: str) -> Table:
    """Return a copy without what stands at ``path``; nothing happens where there is nothing."""
    result: Table = copy.deepcopy(dict(document))
    *way, last = _steps(path)
    place: object = result
    for step in way:
        if isinstance(step, str) and isinstance(place, dict) and step in place:
            place = place[step]
        elif isinstance(step, int) and isinstance(place, list) and step < len(place):
            place = place[step]
        else:
            return result
    if isinstance(last, str) and isinstance(place, dict):
        place.pop(last, None)
    elif isinstance(last, int) and isinstance(place, list) and last < len(place):
        del place[last]
    return result
