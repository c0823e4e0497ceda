"""What the window tells the training thread, and what the thread reports back. All of it is frozen."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from initviz.engine import stage_progress
from initviz.experiment.text import Text
from initviz.experiment.values import Experiment
from initviz.telemetry.frame import RunInfo

if TYPE_CHECKING:
    from initviz.worker.training import TrainingRun


class Errand(Protocol):
    """Something that is worked out of a run beside its training, in slices between its updates."""

    def begin(self, run: TrainingRun) -> Generator[float, None, object]:
        """Do the work; called, as every slice of it, in the training thread.

        Args:
            run: What is being trained. Between two slices it may make updates, so that whatever is to belong to one
                moment has to be copied in the first slice. After every slice its weights, gradients, buffers and
                random numbers are as they were before, also where the slice ends in an error or is the last one
                before the generator is closed.
        Yields:
            How far it is, 0 to 1, after a slice of some ten milliseconds.
        Returns:
            What came of it; frozen, since it goes to another thread.
        """
        ...


StageAnswer = stage_progress.Answer
"""What is to become of the stage that is being trained."""


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
class SaveWeights:
    """Write a lane's weights as they are now to a file."""

    run_id: int
    lane: int
    path: Path


@dataclass(frozen=True, slots=True)
class RunErrand:
    """Work something out of the run, beside its training."""

    run_id: int
    number: int
    errand: Errand


@dataclass(frozen=True, slots=True)
class CancelErrand:
    """Give an errand up; nothing more is heard of it."""

    number: int


@dataclass(frozen=True, slots=True)
class Stop:
    """End the thread."""


Command = (
    WarmUp
    | Load
    | Play
    | Pause
    | StepOnce
    | SetSpeed
    | SetWatching
    | ListDevices
    | SaveWeights
    | RunErrand
    | CancelErrand
    | Stop
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress(stage_progress.StageProgress):
    """How far an earlier stage is, while a run is being built.

    Attributes:
        run_id: The run that is being built.
    """

    run_id: int


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The person has called the building of a run off."""

    run_id: int
    text: Text


@dataclass(frozen=True, slots=True)
class WeightsSaved:
    """A lane's weights are in a file.

    Attributes:
        run_id: The run.
        lane: Name of the lane.
        step: Updates made.
        path: The file.
    """

    run_id: int
    lane: str
    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class WeightsNotSaved:
    """A lane's weights could not be written; the run goes on."""

    run_id: int
    text: Text


@dataclass(frozen=True, slots=True)
class ErrandProgress:
    """How far an errand is, 0 to 1."""

    run_id: int
    number: int
    fraction: float


@dataclass(frozen=True, slots=True)
class ErrandDone:
    """What came of an errand."""

    run_id: int
    number: int
    result: object


@dataclass(frozen=True, slots=True)
class ErrandFailed:
    """An errand has ended on an error; the run goes on."""

    run_id: int
    number: int
    text: Text


@dataclass(frozen=True, slots=True)
class ErrandCancelled:
    """An errand was given up: it was asked to be, or its run has ended."""

    run_id: int
    number: int


ErrandReport = ErrandProgress | ErrandDone | ErrandFailed | ErrandCancelled
Report = (
    TorchLoaded
    | DevicesFound
    | Progress
    | StageProgress
    | Started
    | Finished
    | Cancelled
    | Failed
    | WeightsSaved
    | WeightsNotSaved
    | ErrandReport
)


def begins_alike(one: Experiment, other: Experiment) -> bool:
    """Say whether two experiments have the same stages, to be trained in the same way."""
    return bool(one.stages) and (one.stages, one.device, one.dtype) == (
        other.stages,
        other.device,
        other.dtype,
    )
