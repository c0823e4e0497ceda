"""Several networks trained side by side on the same mini-batches: an iterator of training states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.catalog.remedy_part import Gauge
from initviz.engine.allocator import keep_freed_memory
from initviz.engine.data import Batches
from initviz.engine.denormals import flushed
from initviz.engine.devices import failure, failures_in_words, resolve
from initviz.engine.grouping import make_groups
from initviz.engine.matching import MatchReport
from initviz.engine.remedies import chosen
from initviz.engine.scores import chunk_size, confusion, score
from initviz.engine.start import Start
from initviz.engine.starts import draw_starts
from initviz.engine.state import RaceState
from initviz.experiment.blueprint import Blueprint, blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.limits import Limits
from initviz.experiment.values import Experiment

if TYPE_CHECKING:
    from initviz.engine.stages import StageResult

LOOK_EXAMPLES = 1024
"""Most examples that a start which looks at data is shown."""
LAZY_CHECK = 32
"""Steps between two looks for divergence where reading a loss stalls the device."""


def check_interval(device: torch.device) -> int:
    """Return after how many steps to look for divergence."""
    return 1 if device.type == "cpu" else LAZY_CHECK


class Race(Iterator[RaceState]):
    """All lanes of an experiment. ``next(race)`` makes one update of every lane and returns what it saw.

    It keeps no time, starts no thread, and draws every random number from generators of its own.

    Attributes:
        experiment: What is trained.
        catalogue: Where its parts are declared.
        device: Where.
        data: Training and validation part, in batches.
        blueprints: Each lane's network.
        groups: The lanes, in groups that share structure, optimizer, schedule and remedies.
        gauge_infos: What remedies show while they work.
        target_stds: Of each lane's measured layers: the standard deviation aimed at; NaN where there is none.
        drawn_stds: Of each lane's measured layers: the standard deviation drawn.
        stages: What earlier stages have learned, by name.
        match_reports: Of lanes that start from elsewhere: what was loaded, and what was not and why.
        step: Updates made.
        observe: Set before ``next`` to keep what flows through the measured layers in that step; nothing else changes.
        keep_before: Set to keep the weights before the update in every step.

    Args:
        experiment: What to train.
        catalogue: Where its parts are declared.
        limits: Bounds on sizes.
        device: Overrides the experiment's.
        on_data_loaded: Called when the data are there and the weights are drawn next, so that a person can be told.
        stages: What the experiment's earlier stages have learned; they are trained here and now where None.
    Raises:
        InitVizError: The device is missing or too small, or the experiment is impossible.
    """

    def __init__(
        self,
        experiment: Experiment,
        catalogue: Catalogue,
        limits: Limits,
        device: str | None = None,
        on_data_loaded: Callable[[], None] | None = None,
        stages: Mapping[str, StageResult] | None = None,
    ) -> None:
        keep_freed_memory()
        self.experiment = experiment
        dtype = torch.float64 if experiment.dtype == "float64" else torch.float32
        self.device = resolve(experiment.device if device is None else device, dtype)
        self.blueprints: tuple[Blueprint, ...] = tuple(
            blueprint(lane.recipe, experiment.data, catalogue, limits, f"lanes[{lane.group}]")
            for lane in experiment.lanes
        )
        self.step = 0
        self.observe = False
        self.keep_before = False
        self._dtype = dtype
        self.catalogue = catalogue
        self._check_every = check_interval(self.device)
        if stages is None:
            from initviz.engine.stages import prepare  # which makes races itself

            stages = prepare(experiment, catalogue, limits, device)
        self.stages = dict(stages)
        with failures_in_words(self.device):
            self.data = Batches(experiment.data, experiment.seed, catalogue, self.device, dtype)
            if on_data_loaded is not None:
                on_data_loaded()
            starts = self._draw(limits)
            rows = [start.row for start in starts]
            self.groups = make_groups(
                experiment,
                self.blueprints,
                rows,
                self.data,
                catalogue,
                self.device,
                self._check_every,
                self.stages,
            )
            self._set_buffers(starts)
        self.match_reports: dict[int, MatchReport] = {
            lane: start.report for lane, start in enumerate(starts) if start.report is not None
        }
        self.target_stds = tuple(start.target_stds for start in starts)
        self.drawn_stds = tuple(start.drawn_stds for start in starts)
        ends = [lane for group in self.groups for lane in group.lanes]
        self._order = torch.tensor(np.argsort(ends), device=self.device)
        self._group_of = tuple(
            next(g for g, group in enumerate(self.groups) if lane in group.lanes)
            for lane in range(self.num_lanes)
        )

    def _draw(self, limits: Limits) -> list[Start]:
        inputs = self.data.inputs[:LOOK_EXAMPLES]
        return draw_starts(
            self.experiment, self.blueprints, self.catalogue, inputs, self._dtype, self.stages, limits
        )

    def _set_buffers(self, starts: Sequence[Start]) -> None:
        for group in self.groups:
            for place, lane in enumerate(group.lanes):
                group.buffers[place] = starts[lane].buffers.to(self.device)

    @property
    def num_lanes(self) -> int:
        """Lanes (K)."""
        return len(self.experiment.lanes)

    @property
    def total_steps(self) -> int:
        """Updates in the whole run."""
        return self.experiment.steps

    @property
    def gauge_infos(self) -> tuple[Gauge, ...]:
        """What remedies of any lane show while they work."""
        found = {
            gauge.key: gauge
            for lane in self.experiment.lanes
            for part, _ in chosen(lane.recipe, self.catalogue)
            for gauge in part.gauges
        }
        return tuple(found.values())

    def gauges(self) -> dict[str, NDArray[np.float64]]:
        """Return what remedies show now, ``(K,)`` each; NaN for lanes without."""
        found = {info.key: np.full(self.num_lanes, np.nan) for info in self.gauge_infos}
        for group in self.groups:
            for key, values in group.rules.gauges().items():
                if key in found:
                    found[key][list(group.lanes)] = values.double().cpu().numpy()
        return found

    @property
    def stopped(self) -> dict[int, tuple[int, int]]:
        """Lanes that were stopped early: at which step, and of which step the weights are that they keep."""
        found = {group.lanes[place]: fate for group in self.groups for place, fate in group.stopped.items()}
        return dict(sorted(found.items()))

    def stop(self, lane: int) -> None:
        """Let a lane keep the weights that it has; the others go on, and a group with nobody left computes nothing.

        Args:
            lane: A lane that may be done or diverged already; then nothing changes.
        """
        for group in self.groups:
            if lane in group.lanes:
                place = group.lanes.index(lane)
                if place not in group.frozen:
                    group.stopped.setdefault(place, (self.step, self.step))

    @property
    def diverged(self) -> dict[int, tuple[int, str]]:
        """Lanes whose loss was not finite: at which step, and the first measured layer that gave no finite number."""
        with torch.no_grad(), failures_in_words(self.device):
            for group in self.groups:
                group.settle()
        found = {
            group.lanes[place]: fate for group in self.groups for place, fate in group.bad_layers.items()
        }
        return dict(sorted(found.items()))

    def __next__(self) -> RaceState:
        """Make one update of every lane.

        Raises:
            StopIteration: All updates are made.
            InitVizError: The device failed or ran out of memory.
        """
        if self.step >= self.total_steps:
            raise StopIteration
        step = self.step
        try:
            with flushed(True):
                states = tuple(group.step(step, self.observe, self.keep_before) for group in self.groups)
                self.step = step + 1
                rates = [group.last_lr for group in self.groups]
                self._tell_scores()
        except (RuntimeError, MemoryError) as error:
            raise failure(self.device, error) from error
        return RaceState(step, tuple(rates[g] for g in self._group_of), states, self._order)

    def _tell_scores(self) -> None:
        """After an epoch, tell the groups that follow their scores what these are."""
        for group in self.groups:
            if group.hears_scores and self.step % group.data.steps_per_epoch == 0:
                loss, right = score(group, self.data, group.outputs)
                group.hear(self.step, loss, right)

    def look(self, inputs: Tensor, targets: Tensor) -> RaceState:
        """Return what a step on these examples would see, observed, without making an update.

        Nothing is flushed to zero here, so that a signal of 1e-40 is told as it is.

        Args:
            inputs: ``(B, *shape)`` as the network sees them.
            targets: As in ``Batches.targets``.
        """
        with failures_in_words(self.device), flushed(False):
            states = tuple(group.look(self.step, inputs, targets) for group in self.groups)
        rates = [group.lr(self.step) for group in self.groups]
        return RaceState(self.step, tuple(rates[g] for g in self._group_of), states, self._order)

    def look_ahead(self) -> RaceState:
        """Return what the next step will see, observed, without making it.

        Every group looks at its own batch, as in training, so that step gives the same numbers afterwards.
        """
        with failures_in_words(self.device), flushed(True):
            states = tuple(group.look(self.step, *group.data.batch(self.step)) for group in self.groups)
        rates = [group.lr(self.step) for group in self.groups]
        return RaceState(self.step, tuple(rates[g] for g in self._group_of), states, self._order)

    def evaluate(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return loss and accuracy of every lane over the validation part, ``(K,)`` each.

        NaN for a diverged lane, for the accuracy of a regression, and where nothing was held back. After the last
        update a lane whose loss is not finite here has diverged, though no step is left that would show it.
        """
        loss = np.full(self.num_lanes, np.nan)
        right = np.full(self.num_lanes, np.nan)
        if not len(self.data.validation_inputs):
            return loss, right
        with failures_in_words(self.device), flushed(True):
            for group in self.groups:
                losses, share = score(group, self.data, group.outputs)
                if self.step >= self.total_steps:
                    group.freeze_bad([(self.step, losses, self.data.validation_inputs[:LOOK_EXAMPLES])])
                loss[list(group.lanes)] = group.without_diverged(losses).cpu().numpy()
                right[list(group.lanes)] = group.without_diverged(share).cpu().numpy()
        return loss, right

    def evaluate_averaged(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Return what ``evaluate`` does for averaged weights; NaN for lanes without, None where no lane has any."""
        loss = np.full(self.num_lanes, np.nan)
        right = np.full(self.num_lanes, np.nan)
        is_any = False
        with failures_in_words(self.device), flushed(True):
            for group in self.groups:
                outputs = group.averaged_outputs()
                if outputs is not None and len(self.data.validation_inputs):
                    losses, share = score(group, self.data, outputs)
                    loss[list(group.lanes)], right[list(group.lanes)] = (
                        losses.cpu().numpy(),
                        share.cpu().numpy(),
                    )
                    is_any = True
        return (loss, right) if is_any else None

    def confusion(self) -> NDArray[np.int64]:
        """Return how often each class was taken for each other, ``(K, C, C)``, true classes in rows.

        Counted over the examples held back, or over the training part where there are none; ``(K, 0, 0)`` for
        regression and for more classes than anybody could tell apart.
        """
        with failures_in_words(self.device), flushed(True):
            parts = [confusion(group, self.data) for group in self.groups]
        counts = np.zeros((self.num_lanes, *parts[0].shape[1:]), dtype=np.int64)
        for group, part in zip(self.groups, parts, strict=True):
            counts[list(group.lanes)] = part
        return counts

    def predict(self, inputs: Tensor | NDArray[np.floating]) -> list[Tensor]:
        """Return every lane's outputs for any inputs.

        Args:
            inputs: ``(N, *shape)`` as the network sees them (standardized where the training inputs are).
        Returns:
            ``(N, O)`` a lane, on the CPU; NaN for a diverged lane.
        """
        given = torch.as_tensor(inputs).to(self._dtype).to(self.device)
        found: dict[int, Tensor] = {}
        with failures_in_words(self.device), flushed(True):
            for group in self.groups:
                chunks = [group.outputs(chunk) for chunk in torch.split(given, chunk_size(group))]
                outputs = torch.cat(chunks, 1).cpu() if len(chunks) > 1 else chunks[0].cpu()
                found.update(zip(group.lanes, outputs.unbind(0), strict=True))
        return [found[lane] for lane in range(self.num_lanes)]
