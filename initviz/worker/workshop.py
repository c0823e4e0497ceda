"""Builds runs in the training thread: the only place of the window's side that imports torch."""

from __future__ import annotations

import sys

from initviz.experiment.catalogue import Catalogue
from initviz.experiment.limits import Limits
from initviz.experiment.text import Text
from initviz.experiment.values import Experiment
from initviz.worker.messages import Device
from initviz.worker.preload import preload_torch
from initviz.worker.training import Announce, Pacer, TrainingRun

LOADING_TORCH = Text("Loading PyTorch", "正在加载 PyTorch")
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

    def build(self, experiment: Experiment, run_id: int, announce: Announce) -> TrainingRun:
        """Load the data, draw the weights, and set up what is measured."""
        self.warm_up(announce)
        announce(0.6, LOADING_DATA)
        from initviz.engine.race import Race
        from initviz.telemetry.monitor import Monitor

        race = Race(
            experiment,
            self._catalogue,
            self._limits,
            on_data_loaded=lambda: announce(0.8, DRAWING_WEIGHTS),
        )
        announce(0.95, WARMING_UP)
        monitor = Monitor(race, run_id, catalogue=self._catalogue)
        announce(1.0, READY)
        return monitor

    def devices(self) -> tuple[Device, ...]:
        """Return the CPU and every graphics card that torch can use."""
        from initviz.engine.devices import list_devices

        return tuple(Device(device.key, device.title) for device in list_devices())

    def pacer(self) -> Pacer:
        """Return a fresh governor."""
        from initviz.telemetry.governor import Governor

        return Governor()
