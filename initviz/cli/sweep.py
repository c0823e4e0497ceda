"""``initviz sweep``: searches the fields of an experiment."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from initviz.catalog.index import catalogue
from initviz.cli.arguments import Command, Options
from initviz.cli.experiments import add_device, limits
from initviz.cli.interruption import INTERRUPTED, Interruption
from initviz.cli.output import Json, number, print_json, print_text, table
from initviz.cli.sweep_progress import SweepProgress
from initviz.experiment.errors import ExperimentError
from initviz.experiment.files import load_document, save_document
from initviz.experiment.text import Language, Text
from initviz.sweep.reading import MOST_TRIALS, load_study, read_study
from initviz.sweep.records import STATE_TITLES, Standing, TrialRecord
from initviz.sweep.storage import HEARTBEAT_S, Place, find_place
from initviz.sweep.study import Study

if TYPE_CHECKING:
    from initviz.sweep.results import Results

STORAGE_VARIABLE = "INITVIZ_STORAGE"
"""Where the storage stands for those who keep passwords off the command line."""
ROWS = 10
"""Trials that the table shows."""


def configure(options: Options) -> None:
    """Add the arguments."""
    options.add("file", metavar="STUDY", type=Path, help=Text("a study, as TOML", "搜索文件（TOML）"))
    options.add(
        "--trials",
        metavar="N",
        type=options.whole_number(1, MOST_TRIALS),
        help=Text(
            "trials in all, those of earlier times and of other machines counted; as the file says by default",
            "试验总次数，包括以前和其他机器上的；默认以文件为准",
        ),
    )
    options.add(
        "--storage",
        metavar="URL",
        help=Text(
            "where trials are kept: postgresql://user@host/database for several machines, or a file; by default "
            f"{STORAGE_VARIABLE}, else a file of yours",
            "试验保存在哪里：多台机器共用时写 postgresql://用户@主机/数据库，或写文件名；"
            f"默认取环境变量 {STORAGE_VARIABLE}，否则为您自己的文件",
        ),
    )
    options.add(
        "--name",
        metavar="NAME",
        help=Text(
            "name of the study in the storage; the file's by default", "搜索在存储中的名称；默认以文件为准"
        ),
    )
    options.add(
        "--batch",
        metavar="N",
        type=options.whole_number(1, 1000),
        help=Text("trials taken on at once, to train side by side", "一次取多少个试验一起训练"),
    )
    options.add(
        "--heartbeat",
        metavar="S",
        type=options.whole_number(1, 3600),
        default=HEARTBEAT_S,
        help=Text(
            f"seconds between two signs of life; after three without one, a worker's trials are given to others; "
            f"{HEARTBEAT_S} by default",
            f"心跳间隔（秒）；连续三次没有心跳，其试验就交给其他进程；默认 {HEARTBEAT_S}",
        ),
    )
    add_device(options)
    options.add(
        "--csv",
        metavar="OUT",
        type=Path,
        help=Text("write all trials to OUT.csv", "把所有试验写入 OUT.csv"),
    )
    options.add(
        "--best",
        metavar="OUT",
        type=Path,
        help=Text("write the best trial as an experiment, OUT.toml", "把最佳试验写成实验文件 OUT.toml"),
    )
    options.add("--json", action="store_true", help=Text("print JSON", "输出 JSON"))


def execute(given: argparse.Namespace, language: Language) -> int:
    """Search, and print what was found."""
    study = _study(given)
    place = _place(given.storage)
    for option, path in (("--csv", given.csv), ("--best", given.best)):
        if path is not None and not path.absolute().parent.is_dir():
            raise ExperimentError(
                Text(
                    f"there is no folder '{path.absolute().parent}'. Make it first, or choose another.",
                    f"没有文件夹“{path.absolute().parent}”。请先建立它，或另选一个。",
                ),
                option,
            )
    standing, interrupted = _search(study, place, given, language)
    from initviz.sweep.results import best_document, list_trials, write_csv

    results = list_trials(study, place)
    if given.csv is not None:
        write_csv(results, given.csv)
    best = best_document(results, catalogue())
    if given.best is not None and best is not None:
        save_document(best, given.best)
    if given.json:
        print_json(_to_json(study, place, standing, results.trials, results.best))
    else:
        print_text(_to_text(results, place, standing, language))
    if interrupted:
        return INTERRUPTED
    if given.best is not None and best is None:
        raise ExperimentError(
            Text(
                "no trial is complete, so there is no best one to write. Nothing was written.",
                "没有完成的试验，因此没有可写出的最佳试验。没有写入任何文件。",
            ),
            "--best",
        )
    return 0


def _study(given: argparse.Namespace) -> Study:
    changes = {"name": given.name, "trials": given.trials, "batch": given.batch}
    changed = {key: value for key, value in changes.items() if value is not None}
    if not changed:
        return load_study(given.file, catalogue(), limits())
    document = load_document(given.file, limits())
    try:
        study = read_study({**document, **changed}, catalogue(), limits(), given.file.parent)
    except ExperimentError as error:
        if error.path in changed:
            raise ExperimentError(error.reason, f"--{error.path}") from error
        place = f"{given.file}: {error.path}" if error.path else str(given.file)
        raise ExperimentError(error.reason, place) from error
    return study


def _place(storage: str | None) -> Place:
    named = storage is not None
    try:
        return find_place(storage if named else os.environ.get(STORAGE_VARIABLE))
    except ExperimentError as error:
        where = "--storage" if named else STORAGE_VARIABLE
        raise ExperimentError(error.reason, where) from None


def _search(
    study: Study, place: Place, given: argparse.Namespace, language: Language
) -> tuple[Standing, bool]:
    with SweepProgress(sys.stderr, language) as progress, Interruption() as interruption:
        progress.say(Text("Loading Optuna and PyTorch", "正在加载 Optuna 和 PyTorch"))
        from initviz.sweep.worker import run_study

        def tell(standing: Standing) -> bool:
            progress.hear(standing)
            return not interruption.wanted

        standing = run_study(
            study,
            place,
            catalogue(),
            limits(),
            tell,
            device=given.device,
            heartbeat_s=given.heartbeat,
        )
        return standing, interruption.wanted


def _to_json(
    study: Study,
    place: Place,
    standing: Standing,
    trials: tuple[TrialRecord, ...],
    best: TrialRecord | None,
) -> Json:
    return {
        "name": study.name,
        "storage": place.shown,
        "objective": study.objective,
        "direction": "maximize" if study.maximizes else "minimize",
        "target": standing.target,
        "finished": standing.finished,
        "counts": {str(state): count for state, count in standing.counts.items()},
        "best": None if best is None else _trial_to_json(best),
        "trials": [_trial_to_json(record) for record in trials],
    }


def _trial_to_json(record: TrialRecord) -> Json:
    return {
        "number": record.number,
        "state": record.state,
        "value": record.value,
        "values": dict(record.values),
        "diverged_at": record.diverged_at,
        "seconds": record.seconds,
        "repeats": record.repeats,
        "is_repeated": record.is_repeated,
        "reason": None if record.reason is None else record.reason.en,
    }


def _to_text(results: Results, place: Place, standing: Standing, language: Language) -> str:
    from initviz.sweep.results import importances, rank

    study = results.study
    shown = rank(results.counted, study.maximizes)[:ROWS]
    heads = (Text("trial", "试验"), Text("state", "状态"), _OBJECTIVES[study.objective])
    header = [*(text.in_language(language) for text in heads), *(field.path for field in study.fields)]
    rows = [
        (
            str(record.number),
            STATE_TITLES[record.state].in_language(language),
            number(record.value),
            *(_value(record.values.get(field.path)) for field in study.fields),
        )
        for record in shown
    ]
    lines = [table(header, rows, left=2)] if rows else []
    counts = {state: n for state, n in standing.counts.items() if n}
    said = Text(
        ", ".join(f"{n} {STATE_TITLES[state].en}" for state, n in counts.items()),
        "，".join(f"{STATE_TITLES[state].zh} {n}" for state, n in counts.items()),
    )
    lines.append(
        Text(
            f"{standing.finished:,} of {standing.target:,} trials ({said.en or 'none'}), kept in {place.shown}",
            f"{standing.target:,} 次试验中的 {standing.finished:,} 次（{said.zh or '无'}），保存在 {place.shown}",
        ).in_language(language)
    )
    if standing.finished < standing.target:
        lines.append(
            Text("The same command goes on from here.", "再次执行同一命令即可从这里继续。").in_language(
                language
            )
        )
    shares = importances(results)
    if shares:
        told = ", ".join(f"{path} {100 * share:.0f} %" for path, share in shares.items())
        lines.append(Text(f"What decides: {told}", f"起决定作用的：{told}").in_language(language))
    return "\n\n".join(lines)


_OBJECTIVES = {
    "val_loss": Text("val loss", "验证损失"),
    "val_accuracy": Text("val accuracy", "验证准确率"),
    "train_loss": Text("train loss", "训练损失"),
}


def _value(value: object) -> str:
    if isinstance(value, float):
        return number(value)
    return "—" if value is None else str(value)


COMMAND = Command(
    "sweep",
    Text("search the fields of an experiment", "搜索实验中各字段的最佳取值"),
    Text(
        "Search any fields of an experiment: grid, random, TPE or Gaussian process. Trials are kept, so Ctrl-C and the "
        "same command again goes on; on several machines with one --storage, the work is shared.",
        "搜索实验中的任意字段：网格、随机、TPE 或高斯过程。试验会保存下来，按 Ctrl-C 后再次执行同一命令即可继续；"
        "多台机器使用同一个 --storage 时共同分担。",
    ),
    configure,
    execute,
)
