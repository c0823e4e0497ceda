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

from initviz.experiment.blueprint import check_depth
from initviz.experiment.catalogue import Catalogue, Part
from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError, join_path, shown, unknown_key
from initviz.experiment.fields import (
    BATCH_SIZE,
    DATA_FIELDS,
    DTYPE,
    IMBALANCE,
    LABEL_NOISE,
    LANE_OVERRIDES,
    LANE_OWN_KEYS,
    RECONSTRUCT,
    SEED,
    STANDARDIZE,
    STEPS,
    TOP_LEVEL_KEYS,
    VALIDATION,
)
from initviz.experiment.limits import Limits
from initviz.experiment.merge import as_table, merge_overrides, with_defaults, with_keys
from initviz.experiment.parameters import Parameter, PartParameter, PathParameter, Value, check_values
from initviz.experiment.remedies import read_remedies
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
    InitSpec,
    Lane,
    LayerSpec,
    ModelSpec,
    Recipe,
    Tie,
)

NUM_COLORS = 16
MAX_NAME = 200
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
    recipe = in_folder(_read_recipe(base, catalogue, limits, ""), catalogue, folder)
    tables = stage_tables(stages, base, catalogue, limits)
    experiment = Experiment(
        name=_name(base["name"], "name"),
        seed=recipe.seed,
        device=_device(base["device"]),
        dtype=DTYPE.check(base["dtype"], "dtype"),
        steps=steps,
        data=data,
        base=recipe,
        lanes=_read_lanes(lanes, base, recipe, catalogue, limits, folder),
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


def _name(value: object, path: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME or not value.isprintable():
        raise ExperimentError(
            Text(
                f"expected a printable name of 1 to {MAX_NAME} characters.",
                f"名称应为 1 到 {MAX_NAME} 个可打印字符。",
            ),
            path,
        )
    return value


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


def read_choice(
    value: object, kind: str, catalogue: Catalogue, path: str, *, name_key: str = "name"
) -> Choice:
    """Check a table that names a part and sets its parameters, such as ``{name = "normal", std = 0.01}``."""
    table = as_table(value, path)
    if name_key not in table:
        raise ExperimentError(
            Text(
                f"the key '{name_key}' is missing. Write {name_key} = \"...\", one of the {kind}s that "
                f"'initviz list {kind}' shows.",
                f"缺少键“{name_key}”。请写 {name_key} = \"...\"，可选项见 'initviz list {kind}'。",
            ),
            path,
        )
    name = table[name_key]
    if not isinstance(name, str):
        raise ExperimentError(
            Text("expected a name in quotes.", "应为引号中的名称。"), join_path(path, name_key)
        )
    part = catalogue.get(kind, name, join_path(path, name_key))
    rest = {key: item for key, item in table.items() if key != name_key}
    return _fill(part, rest, catalogue, path)


def _fill(part: Part, given: Mapping[str, object], catalogue: Catalogue, path: str) -> Choice:
    values = check_values(part.parameters, given, path)
    for parameter in part.parameters:
        if isinstance(parameter, PartParameter):
            name = cast(str, values[parameter.key])
            chosen = catalogue.get(parameter.part_kind, name, join_path(path, parameter.key))
            values[parameter.key] = chosen.key
    choice = Choice(part.key, tuple(values.items()))
    problem = part.problem(choice)
    if problem is not None:
        raise ExperimentError(problem, path)
    return choice


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


def _read_recipe(
    base: Mapping[str, object],
    catalogue: Catalogue,
    limits: Limits,
    path: str,
    model: ModelSpec | None = None,
) -> Recipe:
    """Read what a lane trains with; ``model`` is given where it is known already, since it may be long."""
    init_path = join_path(path, "init")
    init = as_table(base["init"], init_path)
    for key in init:
        if key not in ("weight", "bias"):
            raise unknown_key(key, ("weight", "bias"), join_path(init_path, key))
    model_path = join_path(path, "model")
    return Recipe(
        seed=cast(int, SEED.check(base["seed"], join_path(path, "seed"))),
        model=model or _read_model(as_table(base["model"], model_path), catalogue, limits, model_path),
        init=InitSpec(
            weight=_read_init(init["weight"], "weight", catalogue, join_path(init_path, "weight")),
            bias=_read_init(init["bias"], "bias", catalogue, join_path(init_path, "bias")),
        ),
        optimizer=read_choice(base["optimizer"], "optimizer", catalogue, join_path(path, "optimizer")),
        schedule=read_choice(base["schedule"], "schedule", catalogue, join_path(path, "schedule")),
        remedies=read_remedies(base["remedies"], catalogue, join_path(path, "remedies")),
    )


def _read_init(value: object, target: str, catalogue: Catalogue, path: str) -> Choice:
    choice = read_choice(value, "initializer", catalogue, path)
    targets = getattr(catalogue.get("initializer", choice.name), "targets", ("weight", "bias"))
    if target not in targets:
        raise ExperimentError(
            Text(
                f"'{choice.name}' cannot start a {target}. Choose another initializer.",
                f"“{choice.name}”不能用于{'权重' if target == 'weight' else '偏置'}。请换一种初始化方法。",
            ),
            path,
        )
    return choice


def _read_model(table: Table, catalogue: Catalogue, limits: Limits, path: str) -> ModelSpec:
    if "layers" in table:
        for key in table:
            if key not in ("layers", "output_tie"):
                raise ExperimentError(
                    Text(
                        "a model has either a family or a list of layers, not both. Remove one of them.",
                        "模型要么用 family，要么用 layers 列表，不能两者都用。请删去其中之一。",
                    ),
                    join_path(path, key),
                )
        layers = table["layers"]
        if not isinstance(layers, list):
            raise ExperimentError(
                Text("expected a list of layers.", "应为层的列表。"), join_path(path, "layers")
            )
        check_depth(len(layers), limits, path)  # before any of them is looked at
        return ModelSpec(
            family=None,
            layers=tuple(
                _read_layer(layer, catalogue, join_path(path, f"layers[{index}]"))
                for index, layer in enumerate(layers)
            ),
            output_tie=_read_tie(table.get("output_tie"), join_path(path, "output_tie")),
        )
    return ModelSpec(family=read_choice(table, "family", catalogue, path, name_key="family"))


def _read_layer(value: object, catalogue: Catalogue, path: str) -> LayerSpec:
    table = dict(as_table(value, path))
    init = as_table(table.pop("init", {}), join_path(path, "init"))
    tie = _read_tie(table.pop("tie", None), join_path(path, "tie"))
    for key in init:
        if key not in ("weight", "bias"):
            raise unknown_key(key, ("weight", "bias"), join_path(path, f"init.{key}"))
    starts = {
        target: _read_init(init[target], target, catalogue, join_path(path, f"init.{target}"))
        for target in ("weight", "bias")
        if target in init
    }
    return LayerSpec(
        layer=read_choice(table, "layer", catalogue, path, name_key="kind"),
        weight=starts.get("weight"),
        bias=starts.get("bias"),
        tie=tie,
    )


def _read_tie(value: object, path: str) -> Tie | None:
    """Read ``{layer = "dense_1", transpose = true}``; whether there is such a layer is seen with the blueprint."""
    if value is None:
        return None
    table = as_table(value, path)
    for key in table:
        if key not in ("layer", "transpose"):
            raise unknown_key(key, ("layer", "transpose"), join_path(path, key))
    transpose = table.get("transpose", False)
    if not isinstance(transpose, bool):
        raise ExperimentError(
            Text("expected true or false.", "应为 true 或 false。"), join_path(path, "transpose")
        )
    return Tie(_name(table.get("layer"), join_path(path, "layer")), transpose)


def _read_lanes(
    value: object,
    base: Mapping[str, object],
    recipe: Recipe,
    catalogue: Catalogue,
    limits: Limits,
    folder: Path | None,
) -> tuple[Lane, ...]:
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
        name = _name(table.get("name", f"lane {index + 1}"), join_path(path, "name"))
        if name in taken:
            raise ExperimentError(
                Text(f"two lanes are called '{name}'. Rename one.", f"有两条赛道都叫“{name}”。请改名。"),
                join_path(path, "name"),
            )
        taken.add(name)
        color = table.get("color", index % NUM_COLORS)
        if isinstance(color, bool) or not isinstance(color, int) or not 0 <= color < NUM_COLORS:
            raise ExperimentError(
                Text(f"expected 0 to {NUM_COLORS - 1}.", f"应为 0 到 {NUM_COLORS - 1}。"),
                join_path(path, "color"),
            )
        merged = merge_overrides(base, {key: table[key] for key in LANE_OVERRIDES if key in table}, path)
        shared = None if "model" in table else recipe.model
        lanes.append(
            Lane(
                name,
                color,
                in_folder(_read_recipe(merged, catalogue, limits, path, shared), catalogue, folder),
            )
        )
    return tuple(lanes)
