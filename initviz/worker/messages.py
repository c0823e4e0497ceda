"""What the window tells the training thread, and what the thread reports back. All of it is frozen."""

from __future__ import annotations

from dataclasses import dataclass

from initviz.experiment.text import Text
from initviz.experiment.values import Experiment
from initviz.telemetry.frame import RunInfo


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Import what training needs before anybody asks for it."""

    run_id: int


@dataclass(frozen=True, slots=True)
class Load:
    """Give up the run there is and build another one."""

    run_id: int
    experiment: Experiment


@dataclass(frozen=True, slots=True)
class Play:
    """Train on until told otherwise."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop training; the last step made is shown in full."""


@dataclass(frozen=True, slots=True)
class StepOnce:
    """Make exactly one update."""


@dataclass(frozen=True, slots=True)
class SetSpeed:
    """Make so many updates a second at most; 0 for as many as the machine can."""

    steps_per_s: float


@dataclass(frozen=True, slots=True)
class SetWatching:
    """Say whether anybody sees the frames of a run that plays."""

    watching: bool


@dataclass(frozen=True, slots=True)
class ListDevices:
    """Look for everything that can be trained on; only torch knows."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the thread."""


Command = WarmUp | Load | Play | Pause | StepOnce | SetSpeed | SetWatching | ListDevices | Stop


@dataclass(frozen=True, slots=True)
class TorchLoaded:
    """PyTorch is imported, so other threads may use it without waiting."""

    run_id: int


@dataclass(frozen=True, slots=True)
class Device:
    """Something that can be trained on.

    Attributes:
        key: Name in files: ``cpu``, ``cuda:N`` or ``mps``.
        title: Name in the window.
    """

    key: str
    title: Text


@dataclass(frozen=True, slots=True)
class DevicesFound:
    """What this machine can train on."""

    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far loading is, 0 to 1, and what is being done."""

    run_id: int
    fraction: float
    text: Text


@dataclass(frozen=True, slots=True)
class Started:
    """A run is built and stands before its first update."""

    run_id: int
    info: RunInfo


@dataclass(frozen=True, slots=True)
class Finished:
    """A run has made all its updates."""

    run_id: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A run cannot be built or cannot go on."""

    run_id: int
    text: Text


Report = TorchLoaded | DevicesFound | Progress | Started | Finished | Failed
