"""``initviz run``: trains all lanes without a window."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from initviz.catalog.index import catalogue
from initviz.cli.arguments import Command, Options
from initviz.cli.experiments import add_device, add_file, limits, read_experiment
from initviz.cli.interruption import INTERRUPTED, Interruption
from initviz.cli.metrics import MetricsFile, check_suffix
from initviz.cli.outcome import Outcome, RateCurves
from initviz.cli.output import print_json, print_text
from initviz.cli.progress import Progress
from initviz.cli.stages import StagesInterruptedError, StageTeller, loaded_to_json
from initviz.cli.weight_files import OPTION, weight_files
from initviz.experiment.fields import SEED, STEPS
from initviz.experiment.parts import DatasetPart
from initviz.experiment.text import Language, Text
from initviz.experiment.values import Experiment
from initviz.telemetry.frame import Scalars
from initviz.telemetry.target import TargetSteps

if TYPE_CHECKING:
    from initviz.engine.race import Race
    from initviz.engine.stages import StageResult
    from initviz.telemetry.monitor import Monitor

TAKE_INTERVAL_S = 0.1
"""Measurements are taken over this often, so that their memory stays small."""


def configure(options: Options) -> None:
    """Add the arguments."""
    add_file(options)
    options.add(
        "--steps",
        metavar="N",
        type=options.whole_number(STEPS.minimum, STEPS.maximum),
        help=Text("train so many steps; as the file says by default", "训练步数；默认以文件为准"),
    )
    options.add(
        "--seed",
        metavar="S",
        type=options.whole_number(SEED.minimum, SEED.maximum),
        help=Text("seed of all random numbers; as the file says by default", "随机种子；默认以文件为准"),
    )
    add_device(options)
    options.add(
        "--target",
        metavar="LOSS",
        type=options.number(0.0),
        help=Text(
            "tell after how many steps the training loss has fallen to LOSS; half of a constant prediction's by "
            "default",
            "报告训练损失降到 LOSS 时经过的步数；默认为常数预测损失的一半",
        ),
    )
    options.add(
        "--metrics",
        metavar="OUT",
        type=Path,
        help=Text(
            "write every step's measurements to OUT.csv, OUT.jsonl or OUT.parquet, a row a step and lane",
            "把每一步的测量写入 OUT.csv、OUT.jsonl 或 OUT.parquet，每步每条赛道一行",
        ),
    )
    options.add(
        OPTION,
        metavar="DIR_OR_FILE",
        type=Path,
        help=Text(
            "write the weights that every lane ends with into this folder, a .safetensors file a lane; a single lane "
            "may be given a file",
            "把每条赛道最终的权重写入此文件夹，每条赛道一个 .safetensors 文件；只有一条赛道时可以直接指定文件",
        ),
    )
    options.add("--json", action="store_true", help=Text("print JSON", "输出 JSON"))


def execute(given: argparse.Namespace, language: Language) -> int:
    """Train, and print what came of it."""
    if given.metrics is not None:
        check_suffix(given.metrics, "--metrics")
    changes = {"steps": given.steps, "seed": given.seed, "device": given.device}
    experiment = read_experiment(given.file, changes)
    names = [lane.name for lane in experiment.lanes]
    files = () if given.save_weights is None else weight_files(given.save_weights, names)
    try:
        outcome = train(experiment, given.metrics, language, given.target, files)
    except StagesInterruptedError:
        return INTERRUPTED
    if given.json:
        print_json(outcome.to_json())
    else:
        print_text(outcome.to_text(language))
    return INTERRUPTED if outcome.interrupted else 0


def train(
    experiment: Experiment,
    metrics: Path | None,
    language: Language,
    target: float | None = None,
    files: Sequence[Path] = (),
) -> Outcome:
    """Train all lanes to the end, or until Ctrl-C.

    Args:
        experiment: What to train.
        metrics: File for every step's measurements, or None.
        language: Of the progress bar.
        target: Training loss after how many steps of which is told; None for half of a constant prediction's.
        files: Of each lane where its weights are written in the end; empty where they are not.
    Raises:
        StagesInterruptedError: Ctrl-C came while a stage was trained; that has been told.
        InitVizError: Something cannot be trained, or not be written.
    """
    names = tuple(lane.name for lane in experiment.lanes)
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(sys.stderr, experiment.steps, names, language))
        for line in data_report(experiment):
            progress.tell(line)
        interruption = stack.enter_context(Interruption())
        progress.say(Text("Loading PyTorch", "正在加载 PyTorch"))
        import torch

        torch.set_num_threads(1)  # two threads on busy cores are slower, and give other numbers
        progress.clear()
        teller = StageTeller(experiment, sys.stderr, language, lambda: interruption.wanted)
        learned, stages = teller.prepare()
        monitor = build_monitor(experiment, progress, learned, norms=metrics is not None)
        tell_loaded(monitor.race, progress)
        curves = RateCurves(monitor.info) if any(lane.tests_rates for lane in monitor.info.lanes) else None
        reaching = TargetSteps(monitor.info, target)
        file = None if metrics is None else stack.enter_context(MetricsFile(metrics, monitor.info))
        progress.start()
        start_s = taken_s = time.perf_counter()

        def take() -> None:
            scalars = monitor.take_scalars()
            if scalars is not None:
                if file is not None:
                    file.write(scalars)
                if curves is not None:
                    curves.note(scalars)
                reaching.note(scalars)
                progress.update(monitor.step, _latest(scalars))

        while not monitor.finished and not interruption.wanted:
            monitor.advance()
            if time.perf_counter() - taken_s >= TAKE_INTERVAL_S:
                take()
                taken_s = time.perf_counter()
        take()
        wall_s = time.perf_counter() - start_s
        validation = monitor.validate()  # may show that the last update was the end of a lane
        for place, path in enumerate(files):
            monitor.save_weights(path, place)
        if files:
            progress.tell(saved_text(files))
        return Outcome(
            steps=monitor.step,
            wall_s=wall_s,
            info=monitor.info,
            lanes=monitor.lanes,
            validation=validation,
            confusion=monitor.confusion(),
            ensemble=monitor.ensemble(),
            gauges=monitor.gauges(),
            curves=curves.read() if curves is not None else (),
            target_loss=reaching.target,
            steps_to_target=reaching.read(),
            interrupted=not monitor.finished,
            stages=stages,
            loaded=tuple(
                loaded_to_json(monitor.race.match_reports.get(place)) for place in range(len(names))
            ),
            weight_files=tuple(str(path) for path in files),
        )


def tell_loaded(race: Race, progress: Progress) -> None:
    """Say of every lane that starts from elsewhere what was loaded and what was not, once for all its seeds."""
    for place, report in race.match_reports.items():
        lane = race.experiment.lanes[place]
        if lane.member == 0:
            said = report.summary()
            progress.tell(Text(f"{lane.title}: {said.en}", f"{lane.title}：{said.zh}"))


def saved_text(files: Sequence[Path]) -> Text:
    """Say where weights were written."""
    if len(files) == 1:
        return Text(f"Weights saved as {files[0]}.", f"权重已保存为 {files[0]}。")
    return Text(
        f"Weights of {len(files)} lanes saved in {files[0].parent}.",
        f"{len(files)} 条赛道的权重已保存在 {files[0].parent}。",
    )


def data_report(experiment: Experiment) -> tuple[Text, ...]:
    """Return what was read from the person's own files, a sentence each; nothing where there are none."""
    dataset = experiment.data.dataset
    part = catalogue().get("dataset", dataset.name)
    return part.report(dataset) if isinstance(part, DatasetPart) else ()


def _latest(scalars: Scalars) -> Sequence[float]:
    latest: list[float] = scalars.loss[-1].tolist()
    return latest


def build_monitor(
    experiment: Experiment, progress: Progress, stages: Mapping[str, StageResult], norms: bool
) -> Monitor:
    """Load the data and draw the weights; with ``norms``, measure those of every step and layer."""
    progress.say(Text("Loading the data and drawing the weights", "正在加载数据、抽取权重"))
    from initviz.engine.race import Race
    from initviz.telemetry.monitor import Monitor

    race = Race(experiment, catalogue(), limits(), stages=stages)
    race.keep_before = norms  # the change of a large network is measured only where this is kept
    return Monitor(race, run_id=1, norms=norms)


COMMAND = Command(
    "run",
    Text("train all lanes without a window", "不开窗口，训练所有赛道"),
    Text(
        "Train all lanes of an experiment and print how each fared. A progress bar is shown on stderr.",
        "训练实验中的所有赛道，并打印各赛道的结果。进度条显示在标准错误上。",
    ),
    configure,
    execute,
)
