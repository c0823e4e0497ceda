"""What a lane has of its own, and what it shares with all others, as changes to a document."""

from __future__ import annotations

from collections.abc import Mapping

from initviz.experiment.catalogue import Part
from initviz.experiment.edit import Table, get_value, remove_value, set_value
from initviz.experiment.errors import join_path
from initviz.experiment.merge import with_defaults
from initviz.experiment.parameters import Value
from initviz.experiment.values import Choice, LayerSpec, Tie

_NOTHING = object()
NAME_KEYS = ("name", "family", "kind")


def place(lane: int | None, path: str) -> str:
    """Return where a field stands: for all lanes (None), or for one."""
    return path if lane is None else join_path(f"lanes[{lane}]", path)


def has_own(document: Mapping[str, object], lane: int, path: str) -> bool:
    """Say whether a lane has something of its own at or below ``path``, such as ``init.weight``."""
    return get_value(document, place(lane, path), _NOTHING) is not _NOTHING


def names_own(document: Mapping[str, object], lane: int, path: str) -> bool:
    """Say whether a lane has chosen the part at ``path`` itself, not only some of its values."""
    table = get_value(document, place(lane, path))
    if not isinstance(table, dict):
        return has_own(document, lane, path)
    return any(key in table for key in (*NAME_KEYS, "layers"))


def differing_lanes(document: Mapping[str, object], path: str) -> tuple[int, ...]:
    """Return the lanes that have something of their own at or below ``path``."""
    lanes = document.get("lanes")
    count = len(lanes) if isinstance(lanes, list) else 0
    return tuple(lane for lane in range(count) if has_own(document, lane, path))


def inherit(document: Mapping[str, object], lane: int, path: str) -> Table:
    """Return the document in which a lane has nothing of its own at ``path`` any more."""
    result = remove_value(document, place(lane, path))
    parent = path
    while "." in parent:
        parent = parent.rpartition(".")[0]
        if get_value(result, place(lane, parent), _NOTHING) == {}:
            result = remove_value(result, place(lane, parent))
    return result


def choose_part(
    document: Mapping[str, object],
    lane: int | None,
    path: str,
    part: Part,
    *,
    name_key: str = "name",
    keep: tuple[str, ...] = (),
) -> Table:
    """Return the document in which another part is chosen, with its defaults.

    Where it is chosen for all lanes, what a lane had changed of the part before is dropped if the new part has no
    such parameter: the words would mean nothing any more.

    Args:
        document: What is edited.
        lane: Whose choice it is; None for all lanes.
        path: Where the part stands, such as ``optimizer``.
        part: What is chosen.
        name_key: Key under which its name is written.
        keep: Keys beside it that are not the part's and stay.
    """
    before = get_value(document, place(lane, path), {})
    kept = {key: before[key] for key in keep if key in before} if isinstance(before, dict) else {}
    result = set_value(document, place(lane, path), {name_key: part.key, **kept})
    if lane is None:
        known = {parameter.key for parameter in part.parameters} | set(keep)
        for other in differing_lanes(result, path):
            if names_own(result, other, path):
                continue
            own = get_value(result, place(other, path))
            for key in own if isinstance(own, dict) else ():
                if key not in known:
                    result = inherit(result, other, f"{path}.{key}")
    return result


def set_parameter(
    document: Mapping[str, object], lane: int | None, path: str, key: str, value: Value
) -> Table:
    """Return the document in which one parameter of the part at ``path`` has another value; None takes it out."""
    where = place(lane, join_path(path, key))
    if value is None:
        return (
            remove_value(document, where) if lane is None else inherit(document, lane, join_path(path, key))
        )
    return set_value(document, where, list(value) if isinstance(value, tuple) else value)


def choice_table(choice: Choice, part: Part, name_key: str = "name") -> Table:
    """Write a choice as a table: its name and the values that differ from the defaults."""
    table: Table = {name_key: choice.name}
    for parameter in part.parameters:
        value = choice[parameter.key]
        if value is not None and value != parameter.default:
            table[parameter.key] = list(value) if isinstance(value, tuple) else value
    return table


def full_table(choice: Choice, name_key: str = "name") -> Table:
    """Write a choice as a table with every value that it has."""
    table: Table = {name_key: choice.name}
    for key, value in choice.values:
        if value is not None:
            table[key] = list(value) if isinstance(value, tuple) else value
    return table


def layer_table(spec: LayerSpec, part: Part, initializers: Mapping[str, Part]) -> Table:
    """Write a layer as a table.

    Args:
        spec: The layer.
        part: Its kind.
        initializers: Every initializer by key.
    """
    table = choice_table(spec.layer, part, "kind")
    if part.parameters:
        # What a layer is about is worth reading even where it is the default.
        first = part.parameters[0]
        value = spec.layer[first.key]
        if value is not None and first.key not in table:
            items = list(table.items())
            written = list(value) if isinstance(value, tuple) else value
            table = dict([items[0], (first.key, written), *items[1:]])
    start: Table = {}
    for target, choice in (("weight", spec.weight), ("bias", spec.bias)):
        if choice is not None:
            start[target] = choice_table(choice, initializers[choice.name])
    if start:
        table["init"] = start
    if spec.tie is not None:
        table["tie"] = tie_table(spec.tie)
    return table


def tie_table(tie: Tie) -> Table:
    """Write whose weights a layer shares."""
    return {"layer": tie.layer, "transpose": True} if tie.transpose else {"layer": tie.layer}


def model_table(document: Mapping[str, object], lane: int | None) -> Table:
    """Return the model as it is written for all lanes, or as a lane has it of its own; empty where it has not."""
    source = with_defaults(document) if lane is None else document
    table = get_value(source, place(lane, "model"), {})
    return table if isinstance(table, dict) else {}
