"""What the window, a recording and the command line see of a run: frozen values and read-only arrays.

Axes: S steps, K lanes, L measured layers (the most of any lane; a lane with fewer is padded with NaN or zero
counts), N bins, T time steps of a sequence, C classes, G gauges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from initviz.catalog.remedy_part import Gauge
from initviz.experiment.values import Task, groups_of
from initviz.telemetry.ensemble import Answers
from initviz.telemetry.spectra import Spectra
from initviz.telemetry.units import Activity, Sameness
from initviz.theory.prediction import Prediction

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Counts = NDArray[np.int64]
Scale = Literal["linear", "log10"]
Outcome = Literal["ok", "stalled", "stopped", "diverged"]


@dataclass(frozen=True, slots=True)
class LaneInfo:
    """A lane as it is named and drawn.

    Attributes:
        name: What it is called; no other lane is called the same.
        color: Index into the lane palette.
        layers: Name of every measured layer, from input to output.
        num_parameters: Trainable numbers.
        target_stds: Standard deviation that each measured layer's weight initializer aims at; NaN where it has
            none.
        drawn_stds: Standard deviation of the numbers drawn, before the first step.
        tests_rates: True where the learning rate rises during the whole run, at least tenfold: its loss against the
            rate tells which rate suits.
        prediction: What theory says of its start; None where nobody asked it.
        group: Index of the lane as the person wrote it, which may have become several that differ in their seed.
        member: Which of those it is, 0 first.
        group_name: What the person calls all of them; empty where that is ``name``.
        seed: What its numbers are drawn from.
        beside: What is scored beside its raw weights: averaged ``weights``, or the ``answers`` of several together;
            empty for nothing.
    """

    name: str
    color: int
    layers: tuple[str, ...]
    num_parameters: int
    target_stds: tuple[float, ...]
    drawn_stds: tuple[float, ...]
    tests_rates: bool = False
    prediction: Prediction | None = None
    group: int = 0
    member: int = 0
    group_name: str = ""
    seed: int = 0
    beside: Literal["", "weights", "answers"] = ""

    @property
    def title(self) -> str:
        """What the person calls it, the same for all its seeds."""
        return self.group_name or self.name


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What stays the same during a run.

    Attributes:
        run_id: Distinguishes runs of one program start; later runs have larger numbers.
        name: The experiment's title.
        device: Where it trains, as torch names it, such as ``cpu`` or ``cuda:0``.
        task: Decides whether accuracy means anything.
        total_steps: Updates in the whole run.
        steps_per_epoch: Updates in which every training example is seen once.
        constant_loss: Training loss of the best constant prediction; within 2 % of it a lane is stalled.
        lanes: All lanes, in order.
        class_names: Names of the classes; empty for regression.
        points: Training inputs ``(S, 2)`` of a two-dimensional data set, as the network sees them, for the
            decision boundary; empty ``(0, 2)`` otherwise.
        point_classes: Class of each point, ``(S,)``.
        recurrent_layers: Names of the layers that hand a state on from one time step to the next, in any lane.
        gauges: What the remedies of the lanes show while they work (G).
    """

    run_id: int
    name: str
    device: str
    task: Task
    total_steps: int
    steps_per_epoch: int
    constant_loss: float
    lanes: tuple[LaneInfo, ...]
    class_names: tuple[str, ...]
    points: Floats
    point_classes: Counts
    recurrent_layers: tuple[str, ...] = ()
    gauges: tuple[Gauge, ...] = ()

    @property
    def num_layers(self) -> int:
        """Most measured layers of any lane (L)."""
        return max(len(lane.layers) for lane in self.lanes)

    @property
    def groups(self) -> tuple[range, ...]:
        """Of each lane as the person wrote it, the indices of its lanes: one a seed."""
        return groups_of([lane.member for lane in self.lanes])

    @property
    def firsts(self) -> tuple[LaneInfo, ...]:
        """Of each lane as the person wrote it, the first: its first seed."""
        return tuple(lane for lane in self.lanes if lane.member == 0)


@dataclass(frozen=True, slots=True)
class Scalars:
    """What is measured exactly at every step, for a stretch of consecutive steps; none is ever dropped.

    Attributes:
        steps: ``(S,)`` updates made *before* the measured forward pass: the first entry of a run is 0.
        loss: ``(S, K)`` mean training loss of the batch; NaN after a lane diverged or was stopped.
        accuracy: ``(S, K)`` share of the batch classified rightly; NaN for regression.
        lr: ``(S, K)`` learning rate of the update that follows.
        weight_norm: ``(S, K, L)`` L2 norm of each measured layer's weight before the update.
        grad_norm: ``(S, K, L)`` L2 norm of its gradient.
        update_norm: ``(S, K, L)`` L2 norm of its change; NaN where it was not measured.
    """

    steps: Counts
    loss: Floats
    accuracy: Floats
    lr: Floats
    weight_norm: Singles
    grad_norm: Singles
    update_norm: Singles


@dataclass(frozen=True, slots=True)
class Validation:
    """Scores on the examples that were held back.

    Attributes:
        step: Updates made.
        loss: ``(K,)``.
        accuracy: ``(K,)``; NaN for regression.
        averaged_loss: ``(K,)`` of the averaged weights (SWA, EMA), or None where no lane has any; NaN for a lane
            without.
        averaged_accuracy: ``(K,)`` of the same; None where ``averaged_loss`` is.
    """

    step: int
    loss: Floats
    accuracy: Floats
    averaged_loss: Floats | None = None
    averaged_accuracy: Floats | None = None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of one quantity in every lane and layer, with edges that stay the same for a whole run.

    Attributes:
        edges: ``(N+1,)`` in the quantity's unit, or decades of its magnitude where ``scale`` is ``log10``.
        scale: ``log10`` counts log10 of absolute values; exact zeros are then in ``below``.
        counts: ``(K, L, N)``.
        below: ``(K, L)`` values below the first edge.
        above: ``(K, L)`` values above the last edge.
        not_finite: ``(K, L)`` NaN and infinite values.
        sampled: True where a rotating sample stands for the whole tensor.
    """

    edges: Floats
    scale: Scale
    counts: Counts
    below: Counts
    above: Counts
    not_finite: Counts
    sampled: bool


@dataclass(frozen=True, slots=True)
class Signal:
    """Moments of the signal that flows forward and the gradient that flows back; each ``(K, L)``.

    Attributes:
        preactivation_mean: Mean over batch and units.
        preactivation_q: Mean square E[z^2].
        activation_mean: Mean after the activation.
        activation_var: Variance after the activation.
        grad_preactivation_q: Mean square of dC/dz, C the loss of one example (gradient of the batch's mean
            loss times the batch size).
        dead_fraction: Share of units that are zero for the whole batch; NaN where the activation cannot die.
        saturated_fraction: Share of values in the flat ends of the activation; NaN where there are none.
        identical_fraction: Share of hidden units whose incoming weights equal another unit's exactly.
    """

    preactivation_mean: Floats
    preactivation_q: Floats
    activation_mean: Floats
    activation_var: Floats
    grad_preactivation_q: Floats
    dead_fraction: Floats
    saturated_fraction: Floats
    identical_fraction: Floats


@dataclass(frozen=True, slots=True)
class Boundary:
    """Each lane's answer on a grid over a two-dimensional data set.

    Attributes:
        extent: ``(x_min, x_max, y_min, y_max)`` in the units the network sees.
        classes: ``(K, H, W)`` int16 most likely class, row 0 at ``y_min``.
        confidence: ``(K, H, W)`` float32 probability of that class; NaN for a diverged lane.
    """

    extent: tuple[float, float, float, float]
    classes: NDArray[np.int16]
    confidence: Singles


@dataclass(frozen=True, slots=True)
class Confusion:
    """Which class each lane takes the examples of each class for.

    Attributes:
        step: Updates made.
        counts: ``(K, C, C)`` examples: the true class in rows, the answer in columns; zero for a diverged lane.
        held_back: True where these are the examples held back, False where they are those it is trained on.
    """

    step: int
    counts: Counts
    held_back: bool

    def class_accuracy(self) -> Floats:
        """Return the share of each class's examples that is answered rightly, ``(K, C)``; NaN without examples."""
        totals = self.counts.sum(axis=2)
        right = np.diagonal(self.counts, axis1=1, axis2=2)
        return np.where(totals > 0, right / np.maximum(totals, 1), np.nan)


@dataclass(frozen=True, slots=True)
class TimeGradient:
    """How much of the gradient reaches each time step of a recurrent layer.

    Attributes:
        layer: Its name.
        norms: ``(K, T)`` L2 norm of dC/dh_t over batch and units, C the mean loss of the batch; NaN for a lane that
            has no such layer, and after it diverged or was stopped.
    """

    layer: str
    norms: Floats


@dataclass(frozen=True, slots=True)
class LaneState:
    """How a lane fares.

    Attributes:
        outcome: ``diverged`` and ``stopped`` are for good; ``stalled`` while the recent training loss is within 2 % of
            the best constant prediction's, above or below.
        diverged_at: Step at which its loss was first not finite, or None.
        bad_layer: First measured layer whose output was not finite then, or None.
        train_loss: Mean training loss over the last epoch or the steps so far, up to the step at which the lane was
            stopped; NaN when diverged.
        initial_loss: Loss on the first batch.
        best_loss: Smallest ``train_loss`` so far.
        judged: False while it is too early to tell whether it stalls; ``outcome`` is ``ok`` then.
        stopped_at: Step at which early stopping ended it, or None.
        best_step: Step of its best weights, which it has now if they were put back; None where it was not stopped.
        is_worse: True where the loss lies above the band in which a lane is stalled, and falls by less than 2 % an
            epoch: it answers worse than a constant, and does not learn. ``outcome`` is ``ok`` then.
    """

    outcome: Outcome
    diverged_at: int | None
    bad_layer: str | None
    train_loss: float
    initial_loss: float
    best_loss: float
    judged: bool = True
    stopped_at: int | None = None
    best_step: int | None = None
    is_worse: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One full look at a run.

    Attributes:
        run_id: The run it belongs to.
        step: Updates made before it.
        weights: Of weights, linear.
        gradients: Of weight gradients, log10.
        updates: Of weight changes by the step that followed, log10; zero counts where not measured.
        preactivations: Linear.
        activations: Linear.
        signal: Moments.
        validation: The latest scores, or None before the first.
        boundary: The latest grid, or None.
        lanes: How each lane fares.
        steps_per_s: Recent training rate.
        confusion: The latest counts, or None for regression, for very many classes, and before the first.
        time_gradients: Of every recurrent layer; empty where there is none.
        gauges: ``(G, K)`` what the remedies show, in the order of ``RunInfo.gauges``; NaN where a lane has none.
        answers: What the lanes latest answered to the examples held back, from which the scores of any ensemble of
            them follow; None for a single lane, without such examples, and before the first.
        spectra: The latest singular values of weights and Jacobians, or None before the first; they tell of which step.
        sameness: The latest count of how alike units are, likewise.
        first_spectra: The first singular values, as a rule those of the start.
        first_sameness: The first count of how alike units are, likewise.
        activity: The latest count of how many units do nothing, likewise.
        at_rest: True where no update followed the look: the start is shown, and nothing has moved yet.
    """

    run_id: int
    step: int
    weights: Histogram
    gradients: Histogram
    updates: Histogram
    preactivations: Histogram
    activations: Histogram
    signal: Signal
    validation: Validation | None
    boundary: Boundary | None
    lanes: tuple[LaneState, ...]
    steps_per_s: float
    confusion: Confusion | None = None
    time_gradients: tuple[TimeGradient, ...] = ()
    gauges: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    answers: Answers | None = None
    spectra: Spectra | None = None
    sameness: Sameness | None = None
    first_spectra: Spectra | None = None
    first_sameness: Sameness | None = None
    activity: Activity | None = None
    at_rest: bool = False
