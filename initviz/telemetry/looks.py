"""A full look at an observed step: histograms of everything and the moments of the signal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from initviz.catalog.parts import ActivationPart
from initviz.engine.denormals import flushed
from initviz.engine.group import Group
from initviz.engine.race import Race
from initviz.engine.state import GroupState, RaceState
from initviz.experiment.catalogue import Catalogue
from initviz.telemetry import axes
from initviz.telemetry.activity import ActivityWatch
from initviz.telemetry.frame import Floats, Histogram, Signal, TimeGradient
from initviz.telemetry.histogram import Axis, Tally, frozen, merged
from initviz.telemetry.history import Quantity
from initviz.telemetry.moments import Flow, Moments, signal_moments
from initviz.telemetry.sampling import RowSampler, SignalSampler, samples_wanted
from initviz.telemetry.symmetry import identical_fractions
from initviz.telemetry.time_gradients import TimeGradients
from initviz.telemetry.units import Activity

SECTIONS: tuple[Quantity, ...] = ("weights", "preactivations", "activations", "gradients", "updates")
"""The quantities in the order in which they are counted: those on axes of decades last."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one step, all lanes in order."""

    step: int
    histograms: dict[Quantity, Histogram]
    signal: Signal
    time_gradients: tuple[TimeGradient, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How signals of one shape are sampled, and where all samples of a group lie."""

    preactivations: SignalSampler
    activations: SignalSampler
    tally: Tally
    places: dict[Quantity, list[Tensor]]


class GroupLooker:
    """Looks at one group.

    Args:
        group: The lanes.
        catalogue: Declares the activations.
        wanted: Values to sample a lane and layer, or None for all.
    """

    def __init__(self, group: Group, catalogue: Catalogue, wanted: int | None) -> None:
        self.group = group
        self._wanted = wanted
        self._rows = RowSampler(group, wanted)
        self._plans: dict[tuple[torch.Size, ...], _Plan] = {}
        self.activations = [
            cast("ActivationPart", catalogue.get("activation", layer.activation))
            for layer in group.network.measured
        ]
        self._can_die = [part.dead_below for part in self.activations]
        self._flat_ends = [part.saturation for part in self.activations]
        self.typical_reach = 2.0 / math.sqrt(
            np.median([max(1, layer.context.fan_in) for layer in group.network.measured])
        )

    def weights(self, state: GroupState) -> Tensor:
        """Return the weights before the update, ``(K, P)``; of a lane that diverged, those with which it did."""
        rows = self.group.flat if state.before is None else state.before
        if self.group.frozen:
            rows = rows.clone()
            for lane, row in self.group.frozen.items():
                rows[lane] = row
        return rows

    def sample(self, state: GroupState, flow: Flow, look: int) -> tuple[Tally, list[bool]]:
        """Sample every quantity of an observed step.

        Returns:
            The samples, a section a quantity in the order of ``SECTIONS``, and which of them are partial.
        """
        plan = self._plan(flow)
        places = dict(zip(SECTIONS, plan.tally.sections, strict=True))
        rows = self._rows
        rows.take(self.weights(state), look, places["weights"])
        rows.take(self.group.grad, look, places["gradients"])
        rows.take(self.group.flat, look, places["updates"])
        places["updates"].sub_(places["weights"])
        plan.preactivations.take(flow.preactivations, look, plan.places["preactivations"])
        plan.activations.take(flow.activations, look, plan.places["activations"])
        partial = {
            "preactivations": plan.preactivations.sampled,
            "activations": plan.activations.sampled,
        }
        return plan.tally, [partial.get(quantity, rows.sampled) for quantity in SECTIONS]

    def _plan(self, flow: Flow) -> _Plan:
        before, after = flow.preactivations, flow.activations
        shapes = tuple(signal.shape for signal in (*before, *after))
        plan = self._plans.get(shapes)
        if plan is None:
            first, second = SignalSampler(before, self._wanted), SignalSampler(after, self._wanted)
            sizes: dict[Quantity, list[int]] = {"preactivations": first.sizes, "activations": second.sizes}
            tally = Tally(
                self.group.num_lanes,
                [sizes.get(quantity, self._rows.sizes) for quantity in SECTIONS],
                self.group.flat.dtype,
            )
            sections = dict(zip(SECTIONS, tally.sections, strict=True))
            places: dict[Quantity, list[Tensor]] = {
                "preactivations": first.places(sections["preactivations"]),
                "activations": second.places(sections["activations"]),
            }
            plan = self._plans[shapes] = _Plan(first, second, tally, places)
        return plan

    def moments(self, flow: Flow) -> Moments:
        """Measure the signal of an observed step."""
        return signal_moments(flow, self._can_die)

    def saturated(self, tally: Tally) -> Floats:
        """Return the share of sampled activations in the flat ends of their function, ``(K, L)``."""
        section = SECTIONS.index("activations")
        shares = np.full(tally.shape, np.nan)
        for ends in {ends for ends in self._flat_ends if ends is not None}:
            values = tally.sections[section]
            flat = ((values <= ends[0]) | (values >= ends[1])).numpy()
            counts = np.add.reduceat(flat, tally.starts(section), axis=1, dtype=np.int64)
            mine = [place for place, own in enumerate(self._flat_ends) if own == ends]
            shares[:, mine] = (counts / np.array(tally.sizes[section]))[:, mine]
        return shares


class Looker:
    """Looks at a race; the axes of its histograms are chosen at the first look.

    Args:
        race: The race.
        catalogue: Declares the activations.
        exact: True to count every value instead of a rotating sample.

    Attributes:
        activity: How many units did nothing when ``count_copies`` was last called, or None before.
    """

    def __init__(self, race: Race, catalogue: Catalogue, exact: bool = False) -> None:
        layers = [len(group.layout.measured) for group in race.groups]
        tensors = sum(group.num_lanes * count for group, count in zip(race.groups, layers, strict=True))
        wanted = None if exact else samples_wanted(tensors)
        self._groups = [GroupLooker(group, catalogue, wanted) for group in race.groups]
        self._time_gradients = TimeGradients(race, catalogue)
        self._activity = ActivityWatch(race.groups, [looker.activations for looker in self._groups])
        self.activity: Activity | None = None
        self._race = race
        self._shape = (race.num_lanes, max(layers))
        self._data_scale = float(race.data.inputs[:1024].double().square().mean().sqrt())
        self._axes: list[Axis] | None = None
        self._moved = False
        self._looks = 0
        self._identical: Floats = np.full(self._shape, np.nan)

    def count_copies(self, state: RaceState) -> None:
        """Count identical and idle units anew; until then, looks tell the last count again.

        Args:
            state: An observed step.
        """
        self._identical = self._whole(
            [
                identical_fractions(looker.group, looker.weights(group))
                for looker, group in zip(self._groups, state.groups, strict=True)
            ]
        )
        self.activity = self._activity.look(state, self._gone(state.step))

    def _gone(self, step: int) -> list[int]:
        """Return the lanes that diverged before a step."""
        return [
            looker.group.lanes[place]
            for looker in self._groups
            for place, fate in looker.group.bad_layers.items()
            if fate[0] < step
        ]

    def look(self, state: RaceState, at_rest: bool = False) -> Look:
        """Reduce an observed step.

        Args:
            state: The step.
            at_rest: True where no update followed: nothing has moved, and the same is seen again when one does.
        """
        with flushed(True), torch.no_grad():
            return self._look(state, at_rest)

    def _look(self, state: RaceState, at_rest: bool) -> Look:
        pairs = list(zip(self._groups, state.groups, strict=True))
        flows = [Flow.of(group) for group in state.groups]
        samples = [
            looker.sample(group, flow, self._looks)
            for (looker, group), flow in zip(pairs, flows, strict=True)
        ]
        if not at_rest:
            self._looks += 1
        moments = [looker.moments(flow) for looker, flow in zip(self._groups, flows, strict=True)]
        saturated = [
            looker.saturated(tally) for looker, (tally, _) in zip(self._groups, samples, strict=True)
        ]
        if self._axes is None or not self._moved:
            # What has not moved yet tells nothing about how far it will.
            self._axes = self._choose_axes([tally for tally, _ in samples])
            self._moved = not at_rest
        fates = [
            (looker.group.lanes[place], fate[0])
            for looker in self._groups
            for place, fate in looker.group.bad_layers.items()
        ]
        # The engine keeps a lane that diverged at zero: its weights are known, everything else is not.
        gone = [lane for lane, step in fates if step < state.step]
        # One that was stopped early keeps its weights; no gradient is of any use to it any more.
        ended = [lane for lane, (step, _) in self._race.stopped.items() if step < state.step]
        idle = sorted({*ended, *(lane for lane, step in fates if step <= state.step)})
        unmoved = list(range(self._race.num_lanes)) if at_rest else idle
        blank = {"weights": [], "gradients": idle, "updates": unmoved}
        counted = [tally.count(self._axes, partial) for tally, partial in samples]
        histograms = {
            quantity: merged(
                self._axes[place],
                self._shape,
                [(looker.group.lanes, own[place]) for looker, own in zip(self._groups, counted, strict=True)],
                blank.get(quantity, gone),
            )
            for place, quantity in enumerate(SECTIONS)
        }
        return Look(
            state.step,
            histograms,
            self._signal(moments, saturated, gone, ended),
            self._time_gradients.of(state, idle),
        )

    def _choose_axes(self, tallies: Sequence[Tally]) -> list[Axis]:
        def scales(quantity: Quantity) -> list[Floats]:
            place = SECTIONS.index(quantity)
            return [axes.root_mean_squares(tally, place) for tally in tallies]

        typical = max(looker.typical_reach for looker in self._groups)
        chosen: dict[Quantity, Axis] = {
            "weights": axes.weight_axis(scales("weights"), typical),
            "gradients": axes.magnitude_axis(scales("gradients")),
            "updates": axes.magnitude_axis(scales("updates")),
            "preactivations": axes.signal_axis(scales("preactivations"), self._data_scale),
            "activations": axes.signal_axis(scales("activations"), self._data_scale),
        }
        return [chosen[quantity] for quantity in SECTIONS]

    def _whole(self, parts: Sequence[Floats]) -> Floats:
        """Return ``(K, L)`` of all lanes from that of the groups."""
        if len(parts) == 1:
            return parts[0]
        whole = np.full(self._shape, np.nan)
        for looker, part in zip(self._groups, parts, strict=True):
            whole[list(looker.group.lanes), : part.shape[1]] = part
        return whole

    def _signal(
        self, moments: Sequence[Moments], saturated: Sequence[Floats], gone: list[int], ended: list[int]
    ) -> Signal:
        def whole(name: str, blank: list[int]) -> Floats:
            values = self._whole([getattr(moment, name) for moment in moments])
            values[blank] = np.nan
            return frozen(values)

        shares = self._whole(saturated)
        shares[gone] = np.nan
        return Signal(
            preactivation_mean=whole("preactivation_mean", gone),
            preactivation_q=whole("preactivation_q", gone),
            activation_mean=whole("activation_mean", gone),
            activation_var=whole("activation_var", gone),
            grad_preactivation_q=whole("grad_preactivation_q", [*gone, *ended]),
            dead_fraction=whole("dead_fraction", gone),
            saturated_fraction=frozen(shares),
            identical_fraction=frozen(self._identical.copy()),
        )
