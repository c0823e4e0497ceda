"""From the tables of a file to a checked experiment.

A *document* is the plain form of an experiment: nested dictionaries, as TOML gives them. The window edits documents
(see ``initviz.experiment.edit``) and reads them anew, so that the file and the forms pass through the same checks.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from initviz.experiment.catalogue import Catalogue, Part
from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError, join_path, shown, unknown_key
from initviz.experiment.fields import (
    BATCH_SIZE,
    DATA_FIELDS,
    DTYPE,
    IMBALANCE,
    LABEL_NOISE,
    RECONSTRUCT,
    STANDARDIZE,
    STEPS,
    TOP_LEVEL_KEYS,
    VALIDATION,
)
from initviz.experiment.lanes import read_lanes
from initviz.experiment.limits import Limits
from initviz.experiment.merge import as_table, with_defaults, with_keys
from initviz.experiment.parameters import Parameter, PathParameter, Value, check_values
from initviz.experiment.recipe import read_choice, read_name, read_recipe
from initviz.experiment.sizes import check_sizes
from initviz.experiment.sources import check_sources, in_folder
from initviz.experiment.stages import StageTable, stage_tables
from initviz.experiment.text import Text
from initviz.experiment.values import (
    SCHEMA,
    Choice,
    DataSpec,
    EarlierStage,
    Experiment,
)

MAX_NESTING = 32
"""Levels of tables and lists; an experiment needs fewer than ten."""

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:[0-9]{1,3})?")


def read_document(
    document: Mapping[str, object],
    catalogue: Catalogue,
    limits: Limits,
    folder: Path | None = None,
    earlier: Sequence[str] = (),
) -> Experiment:
    """Check a document and return the experiment it describes.

    Args:
        document: Tables as TOML gives them; it is not changed.
        catalogue: What may be named.
        limits: Bounds on sizes, checked before anything is built.
        folder: What names of files in it are relative to; the folder that the program runs in where None.
        earlier: Names of the stages that are trained before it, where it describes a stage itself.
    Raises:
        ExperimentError: Anything that is wrong, with the place and what to do.
    """
    check_nesting(document)
    given = copy.deepcopy(dict(document))
    for key in given:
        if key not in TOP_LEVEL_KEYS:
            raise unknown_key(key, TOP_LEVEL_KEYS, key)
    _check_schema(given.get("schema", SCHEMA))
    lanes, stages = given.pop("lanes", []), given.pop("stages", [])
    base = with_defaults(with_keys(given, catalogue))
    steps = cast(int, STEPS.check(base["steps"], "steps"))
    limits.check("steps", steps, Text("steps", "步数"), "steps")
    data = _read_data(as_table(base["data"], "data"), catalogue, limits, folder)
    recipe = in_folder(read_recipe(base, catalogue, limits, ""), catalogue, folder)
    tables = stage_tables(stages, base, catalogue, limits)
    experiment = Experiment(
        name=read_name(base["name"], "name"),
        seed=recipe.seed,
        device=_device(base["device"]),
        dtype=DTYPE.check(base["dtype"], "dtype"),
        steps=steps,
        data=data,
        base=recipe,
        lanes=read_lanes(lanes, base, recipe, catalogue, limits, folder),
        stages=tuple(
            EarlierStage(
                stage.name,
                stage.role,
                _read_stage(stage.document, index, catalogue, limits, folder, tables),
                str((folder or Path()).absolute() / stage.weights) if stage.weights else "",
            )
            for index, stage in enumerate(tables)
        ),
        _document=copy.deepcopy(dict(document)),
    )
    check_sources(experiment, catalogue, earlier)
    check_sizes(experiment, catalogue, limits)
    return experiment


def _read_stage(
    document: Table,
    index: int,
    catalogue: Catalogue,
    limits: Limits,
    folder: Path | None,
    tables: Sequence[StageTable],
) -> Experiment:
    """Read what a stage trains; what is wrong with it is told as of its place among the stages."""
    before = [table.name for table in tables[:index]]
    try:
        return read_document(document, catalogue, limits, folder, before)
    except ExperimentError as error:
        raise ExperimentError(
            error.reason, join_path(f"stages[{index}]", error.path.removeprefix("lanes[0]."))
        ) from error


def check_nesting(document: Mapping[str, object]) -> None:
    """Refuse tables in tables without end, which nothing after this could walk through.

    Raises:
        ExperimentError: More than ``MAX_NESTING`` levels.
    """
    level: list[object] = [document]
    for _ in range(MAX_NESTING):
        below: list[object] = []
        for item in level:
            if isinstance(item, Mapping):
                below.extend(item.values())
            elif isinstance(item, list | tuple):
                below.extend(item)
        if not below:
            return
        level = below
    raise ExperimentError(
        Text(
            f"tables and lists are nested more than {MAX_NESTING} levels deep. Remove what is not an experiment's.",
            f"表和列表嵌套超过 {MAX_NESTING} 层。请删去不属于实验的内容。",
        )
    )


def _check_schema(value: object) -> None:
    if value != SCHEMA or isinstance(value, bool):
        raise ExperimentError(
            Text(
                f"this program reads schema {SCHEMA}, not {shown(value)}. A newer InitViz may read the file.",
                f"本程序读取的格式版本是 {SCHEMA}，而不是 {shown(value)}。较新的 InitViz 或许能读这个文件。",
            ),
            "schema",
        )


def _device(value: object) -> str:
    if not isinstance(value, str) or not _DEVICE.fullmatch(value):
        raise ExperimentError(
            Text(
                f"expected auto, cpu, cuda, cuda:N or mps, but found {shown(value)}.",
                f"应为 auto、cpu、cuda、cuda:N 或 mps，实际是 {shown(value)}。",
            ),
            "device",
        )
    return value


def _in_folder(choice: Choice, part: Part, folder: Path | None) -> Choice:
    """Return the choice with the name of every file made whole; the document keeps what the person wrote."""
    if folder is None:
        return choice
    paths = {parameter.key for parameter in part.parameters if isinstance(parameter, PathParameter)}
    return Choice(
        choice.name,
        tuple(
            (
                key,
                str(folder.absolute() / value)
                if key in paths and isinstance(value, str) and value
                else value,
            )
            for key, value in choice.values
        ),
    )


def _read_data(table: Table, catalogue: Catalogue, limits: Limits, folder: Path | None) -> DataSpec:
    own = {parameter.key for parameter in DATA_FIELDS}
    dataset_table = {key: value for key, value in table.items() if key not in own}
    name = dataset_table.get("name")
    if isinstance(name, str):
        part = catalogue.get("dataset", name, "data.name")
        _known_keys(dataset_table, (*part.parameters, *DATA_FIELDS), "data")
    dataset = read_choice(dataset_table, "dataset", catalogue, "data")
    dataset = _in_folder(dataset, catalogue.get("dataset", dataset.name), folder)
    values: dict[str, Value] = check_values(
        DATA_FIELDS, {key: value for key, value in table.items() if key in own}, "data"
    )
    batch_size = cast(int, values[BATCH_SIZE.key])
    limits.check("batch_size", batch_size, Text("examples a batch", "每批样本数"), "data.batch_size")
    return DataSpec(
        dataset=dataset,
        batch_size=batch_size,
        standardize=cast(bool, values[STANDARDIZE.key]),
        validation=cast(float, values[VALIDATION.key]),
        reconstruct=cast(bool, values[RECONSTRUCT.key]),
        label_noise=cast(float, values[LABEL_NOISE.key]),
        imbalance=cast(float, values[IMBALANCE.key]),
    )


def _known_keys(table: Mapping[str, object], parameters: tuple[Parameter, ...], path: str) -> None:
    known = {"name", *(parameter.key for parameter in parameters)}
    for key in table:
        if key not in known:
            raise unknown_key(key, known, join_path(path, key))
