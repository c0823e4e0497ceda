"""Builds runs in the training thread: the only place of the window's side that imports torch."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import printable
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.experiment.values import Experiment
from initviz.worker import messages
from initviz.worker.preload import preload_torch
from initviz.worker.training import Announce, CancelledError, HearStage, Pacer, TrainingRun

if TYPE_CHECKING:
    from initviz.engine.stage_progress import Answer, StageProgress
    from initviz.engine.stages import StageResult

LOADING_TORCH = Text("Loading PyTorch", "正在加载 PyTorch")
TRAINING_STAGES = Text("Training what comes before the lanes", "正在训练前置阶段")
LOADING_DATA = Text("Loading the data", "正在加载数据")
DRAWING_WEIGHTS = Text("Drawing the weights", "正在抽取权重")
WARMING_UP = Text("Warming up", "正在预热")
READY = Text("Ready", "就绪")


def flush_denormals_here() -> bool:
    """Let the calling thread take denormal numbers for zero, if torch is imported; say whether it does.

    They appear where a signal vanishes, and make a matrix product two hundred times slower. It is a setting of the
    processor a thread, so it has to be made in each.
    """
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.set_flush_denormal(True))


class TorchWorkshop:
    """Builds a race and what measures it.

    Args:
        catalogue: Where the parts of an experiment are declared.
        limits: Bounds on sizes.
    """

    def __init__(self, catalogue: Catalogue, limits: Limits) -> None:
        self._catalogue = catalogue
        self._limits = limits
        self._warm = False
        self._prepared: tuple[Experiment, dict[str, StageResult]] | None = None

    def warm_up(self, announce: Announce) -> None:
        """Import torch, and what its first optimizer imports."""
        if self._warm:
            return
        announce(0.0, LOADING_TORCH)
        preload_torch()
        announce(0.2, LOADING_TORCH)
        import torch

        flush_denormals_here()
        torch.set_num_threads(1)  # two threads on busy cores are slower, and give other numbers
        announce(0.4, WARMING_UP)
        parameter = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([parameter], lr=0.1)
        parameter.grad = torch.zeros(1)
        optimizer.step()
        self._warm = True

    def build(
        self, experiment: Experiment, run_id: int, announce: Announce, hear_stage: HearStage
    ) -> TrainingRun:
        """Train the earlier stages, load the data, draw the weights, and set up what is measured.

        Raises:
            CancelledError: The person called it off while a stage was trained.
            InitVizError: It cannot be built.
        """
        self.warm_up(announce)
        from initviz.engine.race import Race
        from initviz.telemetry.monitor import Monitor

        if experiment.stages:
            announce(0.5, TRAINING_STAGES)
        stages = self._stages(experiment, run_id, hear_stage)
        announce(0.6, LOADING_DATA)
        race = Race(
            experiment,
            self._catalogue,
            self._limits,
            on_data_loaded=lambda: announce(0.8, DRAWING_WEIGHTS),
            stages=stages,
        )
        announce(0.95, WARMING_UP)
        monitor = Monitor(race, run_id, catalogue=self._catalogue)
        announce(1.0, READY)
        self._prepared = None
        return monitor

    def _stages(self, experiment: Experiment, run_id: int, hear_stage: HearStage) -> dict[str, StageResult]:
        """Return what the stages have learned.

        What was prepared for a run that was given up afterwards is used for one that begins alike, so that a stage
        that was skipped needs not be skipped again.
        """
        prepared, self._prepared = self._prepared, None
        if not experiment.stages:
            return {}
        if prepared is not None and messages.begins_alike(prepared[0], experiment):
            found = prepared[1]
        else:
            found = self._prepare(experiment, run_id, hear_stage)
        self._prepared = (experiment, found)
        return found

    def _prepare(self, experiment: Experiment, run_id: int, hear_stage: HearStage) -> dict[str, StageResult]:
        from initviz.engine import stages

        last: StageProgress | None = None

        def listen(progress: StageProgress) -> Answer:
            nonlocal last
            last = progress
            return hear_stage(_report(run_id, progress))

        try:
            return stages.prepare(experiment, self._catalogue, self._limits, listener=listen)
        except stages.CancelledError as error:
            raise CancelledError(_cancelled(last)) from error

    def devices(self) -> tuple[messages.Device, ...]:
        """Return the CPU and every graphics card that torch can use."""
        from initviz.engine.devices import list_devices

        return tuple(messages.Device(device.key, device.title) for device in list_devices())

    def pacer(self) -> Pacer:
        """Return a fresh governor."""
        from initviz.telemetry.governor import Governor

        return Governor()


def _report(run_id: int, progress: StageProgress) -> messages.StageProgress:
    return messages.StageProgress(run_id=run_id, **asdict(progress))


def _cancelled(last: StageProgress | None) -> Text:
    """Return what is said once the person has called the stages off."""
    name = "" if last is None else printable(last.name)
    step, total = (0, 0) if last is None else (last.step, last.total)
    return Text(
        f"The stage '{name}' was cancelled at step {step:,} of {total:,}, so no lane was started. Stages that were "
        "done are kept. Press play or reset to train this one from its beginning.",
        f"阶段“{name}”在第 {step:,} 步（共 {total:,} 步）被取消，赛道均未开始。已完成的阶段会保留。"
        "按“播放”或“重置”可从头训练此阶段。",
    )
