"""The tables of what is trained before the lanes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from initviz.experiment.catalogue import Catalogue, Part
from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError, join_path, unknown_key
from initviz.experiment.limits import Limits
from initviz.experiment.merge import as_table, merge_overrides, with_keys
from initviz.experiment.text import Text

ROLES = ("pretrain", "teacher")
OWN_KEYS = ("name", "role", "weights")
SHARED_KEYS = ("schema", "device", "dtype", "stages", "lanes")
"""Keys of an experiment that a stage may not have: what all stages share, and what has no place in one."""
PREFIX = "stage:"
"""What the name of a stage has before it where lanes use what the stage learned."""
OVERRIDES = ("seed", "steps", "data", "model", "init", "optimizer", "schedule", "remedies")


@dataclass(frozen=True, slots=True)
class StageTable:
    """One stage, its experiment as a document of its own."""

    name: str
    role: Literal["pretrain", "teacher"]
    weights: str
    document: Table


def stage_name(source: str) -> str:
    """Return NAME of ``stage:NAME``, or an empty text for anything else."""
    return source[len(PREFIX) :].strip() if source.startswith(PREFIX) else ""


def stage_tables(
    value: object, base: Mapping[str, object], catalogue: Catalogue, limits: Limits
) -> list[StageTable]:
    """Read ``[[stages]]``: each differs from the main experiment in what it names.

    Args:
        value: The list as the file gives it.
        base: The main experiment's tables, defaults filled in.
        catalogue: What may be named.
        limits: Bounds on sizes; there may be as many stages as lanes.
    Raises:
        ExperimentError: A stage that cannot be read, with its place.
    """
    if not isinstance(value, list):
        raise ExperimentError(Text("expected a list of stages.", "应为阶段的列表。"), "stages")
    limits.check("lanes", len(value), Text("stages", "阶段数"), "stages")
    found: list[StageTable] = []
    for index, item in enumerate(value):
        path = f"stages[{index}]"
        table = with_keys(as_table(item, path), catalogue)
        for key in table:
            if key not in OWN_KEYS and key not in OVERRIDES:
                raise unknown_key(key, (*OWN_KEYS, *OVERRIDES), join_path(path, key))
        role = table.get("role", ROLES[0])
        if role not in ROLES:
            raise ExperimentError(
                Text("expected pretrain or teacher.", "应为 pretrain 或 teacher。"), join_path(path, "role")
            )
        name, weights = table.get("name", role), table.get("weights", "")
        if not isinstance(name, str) or not name.strip() or name in {stage.name for stage in found}:
            raise ExperimentError(
                Text("every stage needs a name of its own.", "每个阶段都要有自己的名称。"),
                join_path(path, "name"),
            )
        if not isinstance(weights, str):
            raise ExperimentError(
                Text("expected the name of a file in quotes.", "应为引号中的文件名。"),
                join_path(path, "weights"),
            )
        own = {key: table[key] for key in OVERRIDES if key in table}
        document = merge_overrides(_before_all(base, catalogue), own, path) | {
            "name": name,
            "lanes": [{"name": name}],
        }
        found.append(StageTable(name, cast(Literal["pretrain", "teacher"], role), weights, document))
    return found


def _before_all(base: Mapping[str, object], catalogue: Catalogue) -> Table:
    """Return the main experiment's tables without what works with an earlier stage, or with another lane."""
    return dict(base) | {
        "init": _drawn(as_table(base["init"], "init"), catalogue),
        "remedies": {
            key: item
            for key, item in as_table(base["remedies"], "remedies").items()
            if not _uses_stage(catalogue.get("remedy", key, "remedies"), item)
        },
    }


def _drawn(init: Table, catalogue: Catalogue) -> Table:
    """Return how the main experiment starts, with the draw behind it where it starts from elsewhere."""
    weight = init.get("weight")
    if not isinstance(weight, dict) or not isinstance(weight.get("name"), str):
        return init
    part = catalogue.get("initializer", weight["name"], "init.weight.name")
    if not getattr(part, "loads", False):
        return init
    fallback = weight.get("fallback", part.parameter("fallback").default)
    return init | {"weight": {"name": fallback}}


def _uses_stage(part: Part, item: object) -> bool:
    given = item if isinstance(item, dict) else {}
    return bool(part.stage(part.choose(**given)))
