"""The lanes of an experiment: each as it is written, and what it becomes when it is repeated over seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError, join_path, unknown_key
from initviz.experiment.fields import LANE_OVERRIDES, LANE_OWN_KEYS, REPEAT, SEED, TOP_LEVEL_KEYS
from initviz.experiment.limits import Limits
from initviz.experiment.merge import as_table, merge_overrides, with_keys
from initviz.experiment.recipe import read_name, read_recipe
from initviz.experiment.sources import in_folder
from initviz.experiment.text import Text
from initviz.experiment.values import Lane, Recipe

NUM_COLORS = 16


def read_lanes(
    value: object,
    base: Mapping[str, object],
    recipe: Recipe,
    catalogue: Catalogue,
    limits: Limits,
    folder: Path | None,
) -> tuple[Lane, ...]:
    """Read ``[[lanes]]``: each differs from the experiment in what it names, and ``repeat`` makes several of it.

    A lane that is repeated becomes that many lanes in a row, which differ in their seed alone: the first has the
    seed that is written, the next one more, and so on.

    Args:
        value: The list as the file gives it; empty for one lane without differences.
        base: The experiment's tables, defaults filled in.
        recipe: What they say.
        catalogue: What may be named.
        limits: Bounds on sizes; every repetition counts as a network.
        folder: What names of files are relative to.
    Raises:
        ExperimentError: A lane that cannot be read, with its place among the lanes as they are written.
    """
    if not isinstance(value, list):
        raise ExperimentError(
            Text("expected a list; write [[lanes]].", "应为列表；请写 [[lanes]]。"), "lanes"
        )
    if not value:
        title = catalogue.get("initializer", recipe.init.weight.name).title.en
        return (Lane(title, 0, recipe),)
    limits.check("lanes", len(value), Text("lanes", "赛道数"), "lanes")
    lanes: list[Lane] = []
    taken: set[str] = set()
    for index, item in enumerate(value):
        path = f"lanes[{index}]"
        table = with_keys(as_table(item, path), catalogue)
        _check_keys(table, path)
        name = read_name(table.get("name", f"lane {index + 1}"), join_path(path, "name"))
        color = _color(table.get("color", index % NUM_COLORS), join_path(path, "color"))
        place = join_path(path, REPEAT.key)
        repeat = cast(int, REPEAT.check(table.get(REPEAT.key, REPEAT.default), place))
        seeds = Text("networks (each seed of a lane is one)", "网络数（赛道的每个种子算一个）")
        limits.check("networks", len(lanes) + repeat, seeds, place)
        merged = merge_overrides(base, {key: table[key] for key in LANE_OVERRIDES if key in table}, path)
        shared = None if "model" in table else recipe.model
        own = in_folder(read_recipe(merged, catalogue, limits, path, shared), catalogue, folder)
        SEED.check(own.seed + repeat - 1, place)
        members = repeated(Lane(name, color, own, group=index), repeat)
        names = {name, *(member.name for member in members)}
        if twice := sorted(names & taken):
            raise ExperimentError(
                Text(
                    f"two lanes are called '{twice[0]}'. Rename one.", f"有两条赛道都叫“{twice[0]}”。请改名。"
                ),
                join_path(path, "name"),
            )
        taken |= names
        lanes.extend(members)
    return tuple(lanes)


def repeated(lane: Lane, times: int) -> tuple[Lane, ...]:
    """Return a lane once a seed, each member named after its own; a single one stays as it is.

    Args:
        lane: As it is written, with its first seed.
        times: How many seeds.
    """
    if times == 1:
        return (lane,)
    return tuple(
        replace(
            lane,
            name=f"{lane.name} · {lane.recipe.seed + member}",
            recipe=replace(lane.recipe, seed=lane.recipe.seed + member),
            member=member,
            group_name=lane.name,
        )
        for member in range(times)
    )


def _check_keys(table: Table, path: str) -> None:
    for key in table:
        if key in LANE_OWN_KEYS or key in LANE_OVERRIDES:
            continue
        if key in TOP_LEVEL_KEYS:
            raise ExperimentError(
                Text(
                    "all lanes share this, so that they can be compared; set it for the whole experiment.",
                    "所有赛道共用这一项，这样才能比较；请在整个实验中设置它。",
                ),
                join_path(path, key),
            )
        raise unknown_key(key, (*LANE_OWN_KEYS, *LANE_OVERRIDES), join_path(path, key))


def _color(value: object, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < NUM_COLORS:
        raise ExperimentError(Text(f"expected 0 to {NUM_COLORS - 1}.", f"应为 0 到 {NUM_COLORS - 1}。"), path)
    return value
