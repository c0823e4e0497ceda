"""Several networks trained side by side on the same mini-batches: an iterator of training states."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.catalog.parts import OptimizerPart, SchedulePart
from initviz.engine.allocator import keep_freed_memory
from initviz.engine.data import Batches
from initviz.engine.denormals import flushed
from initviz.engine.devices import failure, failures_in_words, resolve
from initviz.engine.group import Group
from initviz.engine.losses import accuracy, loss_function
from initviz.engine.network import Network
from initviz.engine.start import Start, draw_start
from initviz.engine.state import RaceState
from initviz.experiment.blueprint import Blueprint, blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.limits import Limits
from initviz.experiment.values import Experiment

LOOK_EXAMPLES = 1024
"""Most examples that a start which looks at data is shown."""
CHUNK = 1024
"""Examples that are evaluated at a time at most ..."""
CHUNK_NUMBERS = 2**24
"""... and fewer where one layer of all lanes would hold more numbers than these."""
LAZY_CHECK = 32
"""Steps between two looks for divergence where reading a loss stalls the device."""


def check_interval(device: torch.device) -> int:
    """Return after how many steps to look for divergence."""
    return 1 if device.type == "cpu" else LAZY_CHECK


def chunk_size(group: Group) -> int:
    """Return how many examples of any number a group evaluates at a time, so that memory stays bounded."""
    widest = max(math.prod(stage.output_shape) for stage in group.blueprint.stages)
    return max(1, min(CHUNK, CHUNK_NUMBERS // (group.num_lanes * widest)))


class Race(Iterator[RaceState]):
    """All lanes of an experiment. ``next(race)`` makes one update of every lane and returns what it saw.

    It keeps no time, starts no thread, and draws every random number from generators of its own.

    Attributes:
        experiment: What is trained.
        catalogue: Where its parts are declared.
        device: Where.
        data: Training and validation part, in batches.
        blueprints: Each lane's network.
        groups: The lanes, in groups that share structure, optimizer and schedule.
        target_stds: Of each lane's measured layers: the standard deviation aimed at; NaN where there is none.
        drawn_stds: Of each lane's measured layers: the standard deviation drawn.
        step: Updates made.
        observe: Set before ``next`` to keep what flows through the measured layers in that step; nothing else changes.
        keep_before: Set to keep the weights before the update in every step.

    Args:
        experiment: What to train.
        catalogue: Where its parts are declared.
        limits: Bounds on sizes.
        device: Overrides the experiment's.
        on_data_loaded: Called when the data are there and the weights are drawn next, so that a person can be told.
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
    ) -> None:
        keep_freed_memory()
        self.experiment = experiment
        dtype = torch.float64 if experiment.dtype == "float64" else torch.float32
        self.device = resolve(experiment.device if device is None else device, dtype)
        self.blueprints: tuple[Blueprint, ...] = tuple(
            blueprint(lane.recipe, experiment.data, catalogue, limits, f"lanes[{index}]")
            for index, lane in enumerate(experiment.lanes)
        )
        self.step = 0
        self.observe = False
        self.keep_before = False
        self._dtype = dtype
        self.catalogue = catalogue
        self._check_every = check_interval(self.device)
        with failures_in_words(self.device):
            self.data = Batches(experiment.data, experiment.seed, catalogue, self.device, dtype)
            if on_data_loaded is not None:
                on_data_loaded()
            starts = self._draw()
            self.groups = self._make_groups([start.row for start in starts])
        self.target_stds = tuple(start.target_stds for start in starts)
        self.drawn_stds = tuple(start.drawn_stds for start in starts)
        ends = [lane for group in self.groups for lane in group.lanes]
        self._order = torch.tensor(np.argsort(ends), device=self.device)
        self._group_of = tuple(
            next(g for g, group in enumerate(self.groups) if lane in group.lanes)
            for lane in range(self.num_lanes)
        )

    def _draw(self) -> list[Start]:
        inputs = self.data.inputs[:LOOK_EXAMPLES]
        return [
            draw_start(plan, self.catalogue, lane.recipe.seed, inputs, self._dtype)
            for plan, lane in zip(self.blueprints, self.experiment.lanes, strict=True)
        ]

    def _make_groups(self, rows: list[Tensor]) -> tuple[Group, ...]:
        members: dict[object, list[int]] = {}
        for index, (plan, lane) in enumerate(zip(self.blueprints, self.experiment.lanes, strict=True)):
            key = (plan.structure, lane.recipe.optimizer, lane.recipe.schedule)
            members.setdefault(key, []).append(index)
        return tuple(
            self._make_group(lanes, torch.stack([rows[lane] for lane in lanes])) for lanes in members.values()
        )

    def _make_group(self, lanes: list[int], start: Tensor) -> Group:
        recipe = self.experiment.lanes[lanes[0]].recipe
        optimizer = self.catalogue.get("optimizer", recipe.optimizer.name)
        schedule = self.catalogue.get("schedule", recipe.schedule.name)
        if not isinstance(optimizer, OptimizerPart) or not isinstance(schedule, SchedulePart):
            raise TypeError(f"{optimizer.key} and {schedule.key} are not an optimizer and a schedule")
        return Group(
            lanes,
            Network(self.blueprints[lanes[0]], self.catalogue, len(lanes)),
            start.to(self.device),
            lambda parameters: optimizer.build(recipe.optimizer, parameters),
            schedule.factor(recipe.schedule, self.experiment.steps),
            self._check_every,
        )

    @property
    def num_lanes(self) -> int:
        """Lanes (K)."""
        return len(self.experiment.lanes)

    @property
    def total_steps(self) -> int:
        """Updates in the whole run."""
        return self.experiment.steps

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
                inputs, targets = self.data.batch(step)
                states = tuple(
                    group.step(step, inputs, targets, self.observe, self.keep_before) for group in self.groups
                )
        except (RuntimeError, MemoryError) as error:
            raise failure(self.device, error) from error
        self.step = step + 1
        rates = [group.lr(step) for group in self.groups]
        return RaceState(step, tuple(rates[g] for g in self._group_of), states, self._order)

    def look(self, inputs: Tensor, targets: Tensor) -> RaceState:
        """Return what a step on these examples would see, observed, without making an update.

        Nothing is flushed to zero here, so that a signal of 1e-40 is told as it is.

        Args:
            inputs: ``(B, *shape)`` as the network sees them.
            targets: As in ``Batches.targets``.
        """
        with failures_in_words(self.device), flushed(False):
            states = tuple(group.look(inputs, targets) for group in self.groups)
        rates = [group.lr(self.step) for group in self.groups]
        return RaceState(self.step, tuple(rates[g] for g in self._group_of), states, self._order)

    def evaluate(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return loss and accuracy of every lane over the validation part, ``(K,)`` each.

        NaN for a diverged lane, for the accuracy of a regression, and where nothing was held back. After the last
        update a lane whose loss is not finite here has diverged, though no step is left that would show it.
        """
        inputs, targets = self.data.validation_inputs, self.data.validation_targets
        count = len(inputs)
        loss = np.full(self.num_lanes, np.nan)
        right = np.full(self.num_lanes, np.nan)
        if count == 0:
            return loss, right
        task = self.data.info.task
        with failures_in_words(self.device), flushed(True):
            for group in self.groups:
                totals = torch.zeros(2, group.num_lanes, dtype=torch.float64)
                loss_of = loss_function(task)
                size = chunk_size(group)
                losses = []
                for first in range(0, count, size):
                    chunk = inputs[first : first + size]
                    outputs = group.outputs(chunk)
                    part = targets[first : first + size]
                    losses.append((self.step, loss_of(outputs, part)[0], chunk))
                    totals[0] += losses[-1][1].cpu().double() * len(part)
                    totals[1] += accuracy(outputs, part, task).cpu().double() * len(part)
                if self.step >= self.total_steps:
                    group.freeze_bad(losses)
                scores = group.without_diverged(totals[0]), group.without_diverged(totals[1])
                loss[list(group.lanes)], right[list(group.lanes)] = (s.numpy() / count for s in scores)
        return loss, right

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
