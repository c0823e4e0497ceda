"""Studies as TOML files; whatever is wrong is said at its place before anything is built."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from initviz.experiment.blueprint import data_info
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.document import check_nesting, read_document
from initviz.experiment.edit import Table
from initviz.experiment.errors import ExperimentError, join_path, shown, unknown_key
from initviz.experiment.files import load_document, with_whole_paths
from initviz.experiment.limits import Limits
from initviz.experiment.merge import as_table
from initviz.experiment.parameters import ChoiceParameter, IntParameter
from initviz.experiment.text import Text
from initviz.sweep.experiments import base_tables, race_document
from initviz.sweep.spaces import read_field
from initviz.sweep.study import Choices, Field, Objective, Pruner, PrunerName, SamplerName, Score, Study

SCHEMA = 1
MOST_TRIALS = 10_000
DEFAULT_TRIALS = 50

SAMPLER = ChoiceParameter(
    "sampler",
    Text("Sampler", "采样方法"),
    "tpe",
    Text("How the values of the next trial are found.", "如何选取下一次试验的取值。"),
    (
        ("grid", Text("every combination", "全部组合")),
        ("random", Text("at random", "随机")),
        ("tpe", Text("tree-structured Parzen estimator", "树结构 Parzen 估计（TPE）")),
        ("gp", Text("Gaussian process", "高斯过程")),
    ),
)
OBJECTIVE = ChoiceParameter(
    "objective",
    Text("Objective", "目标"),
    "val_loss",
    Text("What is to become best.", "以什么为优化目标。"),
    (
        ("val_loss", Text("validation loss", "验证损失")),
        ("val_accuracy", Text("validation accuracy", "验证准确率")),
        ("train_loss", Text("training loss", "训练损失")),
    ),
)
SCORE = ChoiceParameter(
    "score",
    Text("Score that counts", "计分方式"),
    "best",
    Text("The best score of a trial, or its last one.", "取一次试验中的最好成绩，或最后成绩。"),
    (("best", Text("best", "最好")), ("last", Text("last", "最后"))),
)
PRUNER = ChoiceParameter(
    "name",
    Text("Pruner", "剪枝方法"),
    "none",
    Text("How hopeless trials are told early.", "如何提前识别没有希望的试验。"),
    (
        ("none", Text("none", "不剪枝")),
        ("median", Text("worse than the median", "低于中位数")),
        ("halving", Text("successive halving", "逐次减半")),
    ),
)
TRIALS = IntParameter(
    "trials",
    Text("Trials", "试验次数"),
    DEFAULT_TRIALS,
    Text("How many in all; every combination where a grid says nothing.", "总次数；网格搜索默认为全部组合。"),
    minimum=1,
    maximum=MOST_TRIALS,
)
SEED = IntParameter(
    "seed",
    Text("Seed", "随机种子"),
    0,
    Text("Decides which values are tried.", "决定尝试哪些取值。"),
    maximum=2**31 - 1,
)
SEEDS = IntParameter(
    "seeds",
    Text("Seeds a trial", "每次试验的种子数"),
    1,
    Text(
        "Lanes a trial, which differ in their seed; the mean of their scores counts.",
        "每次试验用多少个随机种子；取成绩的平均值。",
    ),
    minimum=1,
    maximum=1000,
)
REPORTS = IntParameter(
    "reports",
    Text("Scores a trial", "每次试验的评分次数"),
    20,
    Text("How often a trial is scored, evenly over its steps.", "一次试验中均匀评分的次数。"),
    minimum=1,
    maximum=1000,
)
BATCH = IntParameter(
    "batch",
    Text("Trials at once", "同时进行的试验数"),
    16,
    Text("How many trials are asked for at once, to share races.", "一次取多少个试验，以便共享训练。"),
    minimum=1,
    maximum=1000,
)
WARMUP = IntParameter(
    "warmup",
    Text("Warmup", "预热"),
    5,
    Text("Scores that are waited for before a trial may be stopped.", "试验至少评分多少次之后才可能被停止。"),
    maximum=1000,
)
REDUCTION = IntParameter(
    "reduction",
    Text("Reduction", "缩减倍数"),
    3,
    Text("One trial of so many goes on from stage to stage.", "每个阶段从多少次试验中保留一次。"),
    minimum=2,
    maximum=100,
)
STARTUP = IntParameter(
    "startup",
    Text("Finished before", "先完成的试验数"),
    5,
    Text("Trials that must be finished before one is stopped.", "至少完成多少次试验之后才开始剪枝。"),
    maximum=MOST_TRIALS,
)

_PLAIN = (SAMPLER, OBJECTIVE, SCORE, SEED, SEEDS, REPORTS)
_KEYS = (
    "schema",
    "name",
    "experiment",
    "fields",
    "trials",
    "pruner",
    "batch",
    *(parameter.key for parameter in _PLAIN),
)


def load_study(path: Path, catalogue: Catalogue, limits: Limits) -> Study:
    """Read a study file.

    Args:
        path: A TOML file.
        catalogue: What its experiment may name.
        limits: Bounds on sizes.
    Raises:
        ExperimentError: The file cannot be read or describes nothing that can be searched; the message starts with
            the file's name.
    """
    try:
        return read_study(load_document(path, limits), catalogue, limits, path.parent)
    except ExperimentError as error:
        if error.path.startswith(str(path)):
            raise
        place = f"{path}: {error.path}" if error.path else str(path)
        raise ExperimentError(error.reason, place) from error


def read_study(
    document: Mapping[str, object], catalogue: Catalogue, limits: Limits, folder: Path | None = None
) -> Study:
    """Check a study's document and return the study.

    Args:
        document: Tables as TOML gives them; it is not changed.
        catalogue: What its experiment may name.
        limits: Bounds on sizes.
        folder: What names of files in it are relative to.
    Raises:
        ExperimentError: Anything that is wrong, with the place and what to do.
    """
    check_nesting(document)
    given = copy.deepcopy(dict(document))
    for key in given:
        if key not in _KEYS:
            raise unknown_key(key, _KEYS, key)
    if given.get("schema", SCHEMA) != SCHEMA or isinstance(given.get("schema"), bool):
        raise ExperimentError(
            Text(
                f"this program reads schema {SCHEMA}, not {shown(given['schema'])}. "
                "A newer InitViz may read the file.",
                f"本程序读取的格式版本是 {SCHEMA}，而不是 {shown(given['schema'])}。"
                "较新的 InitViz 或许能读这个文件。",
            ),
            "schema",
        )
    written, whole, experiment_place = _experiment(given.get("experiment"), catalogue, limits, folder)
    values = {parameter.key: parameter.check(given.get(parameter.key, parameter.default), parameter.key)
              for parameter in _PLAIN}  # fmt: skip
    batch = given.get("batch")
    study = Study(
        name=_name(given.get("name", whole.get("name", "Untitled"))),
        experiment=whole,
        fields=_fields(given.get("fields")),
        sampler=cast(SamplerName, values["sampler"]),
        trials=cast(int, TRIALS.check(given.get("trials", TRIALS.default), "trials")),
        objective=cast(Objective, values["objective"]),
        score=cast(Score, values["score"]),
        pruner=_pruner(given.get("pruner", "none")),
        seed=cast(int, values["seed"]),
        seeds=cast(int, values["seeds"]),
        reports=cast(int, values["reports"]),
        batch=None if batch is None else cast(int, BATCH.check(batch, "batch")),
        document={**given, "experiment": written},
        folder=folder,
    )
    limits.check("lanes", study.seeds, Text("lanes a trial", "每次试验的赛道数"), "seeds")
    _check_experiment(study, catalogue, limits, experiment_place)
    study = _with_grid(study, given)
    _check_corners(study, catalogue, limits)
    return study


def _experiment(
    value: object, catalogue: Catalogue, limits: Limits, folder: Path | None
) -> tuple[Table, Table, str]:
    """Return the experiment as written, the same with whole paths, and where it stands."""
    if isinstance(value, str) and value:
        path = Path(value) if folder is None else folder / value
        written, its_folder, place = load_document(path, limits), path.parent, f"experiment ({value})"
    elif isinstance(value, dict):
        written, its_folder, place = as_table(value, "experiment"), folder or Path(), "experiment"
    else:
        raise ExperimentError(
            Text(
                "expected an experiment: a table, or the name of its file in quotes.",
                "应为一个实验：写成表，或写成引号中的文件名。",
            ),
            "experiment",
        )
    try:
        read_document(written, catalogue, limits, its_folder)
        return written, with_whole_paths(written, catalogue, its_folder), place
    except ExperimentError as error:
        raise error.below(place) from error


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 150 or not value.isprintable():
        raise ExperimentError(
            Text("expected a printable name of 1 to 150 characters.", "名称应为 1 到 150 个可打印字符。"),
            "name",
        )
    return value


def _fields(value: object) -> tuple[Field, ...]:
    if not isinstance(value, list) or not value:
        raise ExperimentError(
            Text(
                "a study needs at least one field to search. Write [[fields]] with a path and choices, or low "
                "and high.",
                "至少要有一个要搜索的字段。请写 [[fields]]，并给出 path 以及 choices，或 low 与 high。",
            ),
            "fields",
        )
    found: list[Field] = []
    for index, item in enumerate(value):
        place = f"fields[{index}]"
        field = read_field(as_table(item, place), place)
        if field.path in {other.path for other in found}:
            raise ExperimentError(
                Text(
                    f"'{field.path}' is searched twice. Remove one.",
                    f"“{field.path}”出现了两次，请删去一个。",
                ),
                join_path(place, "path"),
            )
        found.append(field)
    return tuple(found)


def _pruner(value: object) -> Pruner:
    if isinstance(value, str):
        return Pruner(cast(PrunerName, PRUNER.check(value, "pruner")))
    table = as_table(value, "pruner")
    parameters = (PRUNER, WARMUP, REDUCTION, STARTUP)
    for key in table:
        if key not in {parameter.key for parameter in parameters}:
            raise unknown_key(key, [p.key for p in parameters], join_path("pruner", key))
    checked = {p.key: p.check(table.get(p.key, p.default), join_path("pruner", p.key)) for p in parameters}
    return Pruner(
        cast(PrunerName, checked["name"]),
        cast(int, checked["warmup"]),
        cast(int, checked["reduction"]),
        cast(int, checked["startup"]),
    )


def _with_grid(study: Study, given: Mapping[str, object]) -> Study:
    """Bound a grid by its combinations, and refuse one that has no end."""
    if study.sampler != "grid":
        return study
    for index, field in enumerate(study.fields):
        if not isinstance(field.space, Choices) and math.isinf(field.space.size):
            raise ExperimentError(
                Text(
                    "a grid needs an end: give a step, or choices, or take another sampler.",
                    "网格搜索需要有限个取值：请给出 step 或 choices，或换一种采样方法。",
                ),
                f"fields[{index}]",
            )
    if study.grid_size > MOST_TRIALS:
        raise ExperimentError(
            Text(
                f"the grid has {study.grid_size:,.0f} combinations, more than {MOST_TRIALS:,}. "
                "Give fewer values, or take another sampler.",
                f"网格共有 {study.grid_size:,.0f} 种组合，超过了 {MOST_TRIALS:,}。请减少取值，或换一种采样方法。",
            ),
            "fields",
        )
    size = int(study.grid_size)
    return replace(study, trials=min(study.trials, size) if "trials" in given else size)


def _check_experiment(study: Study, catalogue: Catalogue, limits: Limits, place: str) -> None:
    try:
        base_tables(study.experiment)
        document = read_document({**study.experiment, "lanes": []}, catalogue, limits)
    except ExperimentError as error:
        raise error.below(place) from error
    if study.objective != "train_loss" and document.data.validation == 0:
        raise ExperimentError(
            Text(
                "nothing is held back in this experiment, so there is no such score. Set data.validation above 0, or "
                "take train_loss.",
                "该实验没有留出验证集，因此没有这个成绩。请把 data.validation 设为大于 0，或改用 train_loss。",
            ),
            "objective",
        )
    if study.objective == "val_accuracy" and data_info(document.data, catalogue).task == "regression":
        raise ExperimentError(
            Text("a regression has no accuracy. Take val_loss.", "回归任务没有准确率。请改用 val_loss。"),
            "objective",
        )


def _check_corners(study: Study, catalogue: Catalogue, limits: Limits) -> None:
    for values in study.corners():
        try:
            read_document(race_document(study, [(0, values)], catalogue), catalogue, limits)
        except ExperimentError as error:
            index, guilty = _guilty(study, error.path)
            tried = ", ".join(f"{path} = {value}" for path, value in values.items())
            what = f"{error.path}: " if error.path and error.path != guilty else ""
            raise ExperimentError(
                Text(
                    f"with {tried}: {what}{error.reason.en}",
                    f"当 {tried} 时：{what}{error.reason.zh}",
                ),
                "fields" if index is None else f"fields[{index}]",
            ) from error


def _guilty(study: Study, path: str) -> tuple[int | None, str]:
    """Return which field an error's place belongs to, and its path."""
    within = path.split("].", 1)[1] if path.startswith("lanes[") and "]." in path else path
    for index, field in enumerate(study.fields):
        if within == field.path or within.startswith((f"{field.path}.", f"{field.path}[")):
            return index, field.path
    for index, field in enumerate(study.fields):
        if within and field.path.startswith(f"{within}."):
            return index, field.path
    return None, ""
