"""What a lane trains with: network, start, optimizer, schedule and remedies, read from their tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from initviz.experiment.blueprint import check_depth
from initviz.experiment.catalogue import Catalogue, Part
from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError, join_path, unknown_key
from initviz.experiment.fields import SEED
from initviz.experiment.limits import Limits
from initviz.experiment.merge import as_table
from initviz.experiment.parameters import PartParameter, check_values
from initviz.experiment.remedies import read_remedies
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, InitSpec, LayerSpec, ModelSpec, Recipe, Tie

MAX_NAME = 200


def read_name(value: object, path: str) -> str:
    """Check what a person calls something: one printable line.

    Raises:
        ExperimentError: It is anything else, or too long.
    """
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME or not value.isprintable():
        raise ExperimentError(
            Text(
                f"expected a printable name of 1 to {MAX_NAME} characters.",
                f"名称应为 1 到 {MAX_NAME} 个可打印字符。",
            ),
            path,
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


def read_recipe(
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
    return Tie(read_name(table.get("layer"), join_path(path, "layer")), transpose)
