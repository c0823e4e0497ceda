"""From the values of trials to experiments: one that all of them share, a lane for each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.edit import Table, set_value
from initviz.experiment.errors import ExperimentError
from initviz.experiment.fields import LANE_OVERRIDES, LANE_OWN_KEYS
from initviz.experiment.merge import as_table, merge_overrides, with_keys
from initviz.experiment.text import Text
from initviz.sweep.study import Scalar, Study

Values = Mapping[str, Scalar]
"""Of every field's path, what the storage keeps of its value."""


def base_tables(experiment: Mapping[str, object]) -> Table:
    """Return the tables of an experiment with its only lane laid over them.

    Raises:
        ExperimentError: It has several lanes.
    """
    tables = dict(experiment)
    lanes = tables.pop("lanes", [])
    if not isinstance(lanes, list) or len(lanes) > 1:
        raise ExperimentError(
            Text(
                "a study trains one network a trial. Keep one lane, or none, and search what the lanes differ in.",
                "每次试验只训练一个网络。请只保留一条赛道或不写赛道，并把各赛道的不同之处作为搜索的字段。",
            ),
            "lanes",
        )
    if lanes:
        lane = {k: v for k, v in as_table(lanes[0], "lanes[0]").items() if k not in LANE_OWN_KEYS}
        tables = merge_overrides(tables, lane, "lanes[0]")
    return tables


def _overrides(study: Study, values: Values) -> tuple[Table, Table]:
    """Return what the values change for all lanes of a race, and what for their lane alone."""
    shared: Table = {}
    own: Table = {}
    for item in study.fields:
        value = item.space.value(values[item.path])
        top = item.path.partition(".")[0].partition("[")[0]
        try:
            if top in LANE_OVERRIDES and "[" not in item.path:
                own = set_value(own, item.path, value)
            else:
                shared = set_value(shared, item.path, value)
        except (KeyError, ValueError) as error:
            raise ExperimentError(
                Text(
                    f"'{item.path}' is no place that a value can be put in. Write keys with dots between them.",
                    f"无法在“{item.path}”处写入值。请写用点连接的键。",
                )
            ) from error
    return shared, own


def race_key(study: Study, values: Values) -> str:
    """Return what is equal for trials that may be lanes of one race."""
    return json.dumps(_overrides(study, values)[0], sort_keys=True, default=str)


def structure_key(study: Study, values: Values) -> str:
    """Return what is equal for trials whose lanes run in the same tensor operations, as far as the fields tell."""
    own = {k: v for k, v in _overrides(study, values)[1].items() if k not in ("seed", "init")}
    return json.dumps(own, sort_keys=True, default=str)


def race_document(
    study: Study, trials: Sequence[tuple[int, Values]], catalogue: Catalogue, device: str | None = None
) -> Table:
    """Return an experiment in which each trial is a lane, or as many as the study has seeds.

    Args:
        study: What is searched.
        trials: Number and values of each; they agree in ``race_key``.
        catalogue: Names the parts.
        device: Overrides the experiment's.
    """
    base = with_keys(base_tables(study.experiment), catalogue)
    shared, _ = _overrides(study, trials[0][1])
    tables = merge_overrides(base, with_keys(shared, catalogue)) if shared else base
    if device is not None:
        tables = {**tables, "device": device}
    lanes = []
    for number, values in trials:
        own = _overrides(study, values)[1]
        seed = own.get("seed", tables.get("seed", 0))
        for place in range(study.seeds):
            lane: Table = {"name": f"{number}.{place}", **own}
            if study.seeds > 1 and isinstance(seed, int):
                lane["seed"] = seed + place
            lanes.append(lane)
    return {**tables, "lanes": lanes}


def trial_document(study: Study, number: int, values: Values, catalogue: Catalogue) -> Table:
    """Return a trial as an experiment of its own, which gives the same numbers when it is run.

    Args:
        study: What is searched.
        number: The trial's.
        values: What it tried.
        catalogue: Names the parts.
    """
    base = with_keys(base_tables(study.experiment), catalogue)
    shared, own = _overrides(study, values)
    seed = own.pop("seed", None)
    tables = merge_overrides(base, with_keys(shared, catalogue)) if shared else base
    tables = merge_overrides(tables, with_keys(own, catalogue))
    name = f"{study.name[:150]}: {number}"
    first = cast(int, tables.get("seed", 0) if seed is None else seed)
    lanes: list[Table] = [
        {"name": f"{number}" if study.seeds == 1 else f"{number}, seed {first + place}"}
        for place in range(study.seeds)
    ]
    if study.seeds > 1 or seed is not None:
        for place, lane in enumerate(lanes):
            lane["seed"] = first + place
    return {**tables, "name": name, "lanes": lanes}
