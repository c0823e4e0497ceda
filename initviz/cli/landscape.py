"""``initviz landscape``: the loss around the weights of every lane."""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from initviz.catalog.index import catalogue
from initviz.cli.arguments import Command, Options
from initviz.cli.experiments import add_device, add_file, limits, read_experiment
from initviz.cli.interruption import INTERRUPTED, Interruption
from initviz.cli.output import Json, number, print_json, print_text, table
from initviz.cli.progress import Progress
from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Language, Text
from initviz.experiment.values import Experiment
from initviz.telemetry.landscape import COLUMNS, EXAMPLES, LINE_POINTS, RESOLUTIONS, LandscapeRequest

if TYPE_CHECKING:
    from initviz.telemetry.landscape import Landscape

MOST_POINTS = 501


def configure(options: Options) -> None:
    """Add the arguments."""
    add_file(options)
    options.add(
        "--steps",
        metavar="N",
        type=options.whole_number(0),
        default=0,
        help=Text("train for N steps first; none by default", "先训练 N 步；默认不训练"),
    )
    options.add(
        "--line",
        action="store_true",
        help=Text("along one direction instead of two", "只沿一个方向，而不是两个"),
    )
    options.add(
        "--reach",
        metavar="R",
        type=options.number(0.0),
        default=1.0,
        help=Text(
            "how far on either side, in lengths of each filter; 1 by default",
            "两侧的范围，以各滤波器的长度为单位；默认 1",
        ),
    )
    options.add(
        "--points",
        metavar="N",
        type=options.whole_number(3, MOST_POINTS),
        help=Text(
            f"points a side, an odd number; {RESOLUTIONS[1]} by default, {LINE_POINTS} with --line",
            f"每边的点数（奇数）；默认 {RESOLUTIONS[1]}，用 --line 时为 {LINE_POINTS}",
        ),
    )
    options.add(
        "--examples",
        metavar="N",
        type=options.whole_number(1),
        default=EXAMPLES,
        help=Text(
            f"training examples that the loss is the mean of; {EXAMPLES} by default",
            f"取多少个训练样本的平均损失；默认 {EXAMPLES}",
        ),
    )
    options.add(
        "--seed",
        metavar="N",
        type=options.whole_number(0),
        default=0,
        help=Text("seed of directions and examples; 0 by default", "方向与样本的随机种子；默认 0"),
    )
    add_device(options)
    options.add(
        "--csv",
        metavar="OUT",
        type=Path,
        help=Text("write every loss to OUT.csv", "把所有损失写入 OUT.csv"),
    )
    options.add("--json", action="store_true", help=Text("print JSON", "输出 JSON"))


def execute(given: argparse.Namespace, language: Language) -> int:
    """Print the losses."""
    points = given.points or (LINE_POINTS if given.line else RESOLUTIONS[1])
    if points % 2 == 0:
        raise ExperimentError(
            Text(
                f"expected an odd number, so that the weights themselves are one of the points, but found {points}.",
                f"应为奇数，这样权重本身也是其中一点；实际是 {points}。",
            ),
            "--points",
        )
    if given.reach <= 0:
        raise ExperimentError(Text("expected a number above 0.", "应为大于 0 的数。"), "--reach")
    experiment = read_experiment(given.file, {"device": given.device})
    if given.steps > experiment.steps:
        raise ExperimentError(
            Text(
                f"the experiment has {experiment.steps:,} steps. Ask for fewer, or give it more.",
                f"该实验共 {experiment.steps:,} 步。请减少步数，或增加实验的步数。",
            ),
            "--steps",
        )
    request = LandscapeRequest(not given.line, given.reach, points, given.examples, given.seed)
    found = look(experiment, given.steps, request, language)
    if found is None:
        return INTERRUPTED
    names = [lane.name for lane in experiment.lanes]
    if given.csv is not None:
        _write(found, names, given.csv)
    if given.json:
        print_json(_to_json(found, names))
    else:
        print_text(_to_text(found, names, language))
    return 0


def look(
    experiment: Experiment, steps: int, request: LandscapeRequest, language: Language
) -> Landscape | None:
    """Train a while, and work out the losses around the weights; None where Ctrl-C ended it.

    Args:
        experiment: What is trained.
        steps: Updates before.
        request: What is to be worked out.
        language: Of the progress bar.
    """
    names = tuple(lane.name for lane in experiment.lanes)
    with Progress(sys.stderr, max(1, steps), names, language) as progress, Interruption() as interruption:
        progress.say(Text("Loading PyTorch", "正在加载 PyTorch"))
        import torch

        torch.set_num_threads(1)  # two threads on busy cores are slower, and give other numbers
        from initviz.engine.race import Race
        from initviz.telemetry.landscape import landscape

        race = Race(experiment, catalogue(), limits())
        progress.start()
        while race.step < steps and not interruption.wanted:
            loss = next(race).loss
            if race.step % 16 == 0:
                progress.update(race.step, loss.tolist())
        slices = landscape(race, 0, request)
        told_s = 0.0
        while not interruption.wanted:
            try:
                done = next(slices)
            except StopIteration as end:
                found: Landscape = end.value
                return found
            if time.perf_counter() - told_s > 0.1:
                told_s = time.perf_counter()
                progress.say(Text(f"Losses around the weights: {done:.0%}", f"权重周围的损失：{done:.0%}"))
    return None


def _to_json(found: Landscape, names: list[str]) -> Json:
    return {
        "step": found.step,
        "examples": found.examples,
        "seed": found.request.seed,
        "direction_1": found.along.tolist(),
        "direction_2": found.across.tolist() if found.is_plane else None,
        "lanes": [
            {
                "name": name,
                "loss_at_weights": found.at_center(lane),
                "loss": found.loss[lane].tolist() if found.is_plane else found.loss[lane, 0].tolist(),
            }
            for lane, name in enumerate(names)
        ],
    }


def _to_text(found: Landscape, names: list[str], language: Language) -> str:
    heads = (
        Text("lane", "赛道"),
        Text("loss at the weights", "权重处的损失"),
        Text("least", "最小"),
        Text("largest", "最大"),
    )
    rows = [
        (name, number(found.at_center(lane)), *(number(float(end)) for end in _ends(found, lane)))
        for lane, name in enumerate(names)
    ]
    said = Text(
        f"Training loss of {found.examples:,} examples around the weights of step {found.step:,}, "
        f"up to {found.request.reach:g} lengths of each filter away",
        f"第 {found.step:,} 步权重周围（至多 {found.request.reach:g} 倍滤波器长度）{found.examples:,} 个样本的训练损失",
    )
    return f"{said.in_language(language)}\n\n{table([head.in_language(language) for head in heads], rows)}"


def _ends(found: Landscape, lane: int) -> tuple[float, float]:
    known = found.loss[lane][found.loss[lane] == found.loss[lane]]  # what is no number is not equal to itself
    return (float(known.min()), float(known.max())) if known.size else (float("nan"), float("nan"))


def _write(found: Landscape, names: list[str], path: Path) -> None:
    temporary = path.parent / f".initviz-{os.getpid()}.tmp"
    try:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(found.rows(names))
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ExperimentError(
            Text(
                f"'{path}' cannot be written ({reason}); nothing was changed. Choose another folder.",
                f"无法写入“{path}”（{reason}）；没有任何改动。请选择其他文件夹。",
            ),
            "--csv",
        ) from error


COMMAND = Command(
    "landscape",
    Text("show the loss around the weights", "显示权重周围的损失"),
    Text(
        "Work out the training loss around the weights of every lane, along two random directions in which each filter "
        "is as long as that of the weights, or along one.",
        "计算每条赛道的权重周围的训练损失：沿两个（或一个）随机方向移动，其中每个滤波器都与权重的对应滤波器等长。",
    ),
    configure,
    execute,
)
