"""Every scalar of a run so far and its heat maps, in bounded memory: what the curves are drawn from.

Nothing here needs torch, so that the window can draw without it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from initviz.telemetry.ensemble import AnswersKept
from initviz.telemetry.frame import Frame, Histogram, LaneState, RunInfo, Scalars, Validation
from initviz.telemetry.heatmap import HeatMap, HistogramMap, PeakColumns, ShareColumns
from initviz.telemetry.landscape import Landscape
from initviz.telemetry.series import Series, Track
from initviz.telemetry.spectra import Spectra
from initviz.telemetry.units import Activity, Sameness

Quantity = Literal["weights", "gradients", "updates", "preactivations", "activations"]
QUANTITIES: tuple[Quantity, ...] = ("weights", "gradients", "updates", "preactivations", "activations")

MAX_COLUMNS = 512
LAYER_ELEMENTS = 1_000_000
"""Most numbers in a series by layer, so that 200 layers of 16 lanes stay within 4 MB."""
MAP_BYTES = 32_000_000
"""About how much all histogram maps together take."""


class RunHistory:
    """What is known of one run; append in the order of steps, read at any time from the same thread.

    Args:
        info: The run.
        capacity: Most points a curve; beyond it, points are merged into pairs of minimum and maximum.

    Attributes:
        info: The run.
        frame: The latest frame, or None.
        first_frame: The first frame, or None: the signal at the start.
        first_spectra: The first singular values, or None: those of the start.
        first_sameness: How alike units were then, or None.
        first_activity: How many units did nothing then, or None.
        landscape: The latest losses around the weights that somebody asked for, or None.
        answers: What the lanes answered to the examples held back, by and by, for ensembles of them.
        last_step: Latest step of the scalars, -1 before the first.
        version: Grows with everything that is added, so that a view can tell whether there is anything new.
    """

    def __init__(self, info: RunInfo, capacity: int = 10_000) -> None:
        lanes, layers = len(info.lanes), info.num_layers
        few = max(256, min(capacity, LAYER_ELEMENTS // max(1, lanes * layers)))
        self.info = info
        self.frame: Frame | None = None
        self._lanes: tuple[LaneState, ...] = ()
        self.first_frame: Frame | None = None
        self.first_spectra: Spectra | None = None
        self.first_sameness: Sameness | None = None
        self.first_activity: Activity | None = None
        self.answers = AnswersKept()
        self.landscape: Landscape | None = None
        self.last_step = -1
        self.version = 0
        self._loss = Track((lanes,), capacity)
        self._accuracy = Track((lanes,), capacity)
        self._lr = Track((lanes,), capacity)
        self._weight_norm = Track((lanes, layers), few, np.float32)
        self._grad_norm = Track((lanes, layers), few, np.float32)
        self._update_ratio = Track((lanes, layers), few, np.float32)
        self._validation_loss = Track((lanes,), capacity)
        self._validation_accuracy = Track((lanes,), capacity)
        self._averaged_loss = Track((lanes,), capacity)
        self._averaged_accuracy = Track((lanes,), capacity)
        gauges = len(info.gauges)
        self._gauges = Track(
            (gauges, lanes), max(256, min(capacity, LAYER_ELEMENTS // max(1, gauges * lanes)))
        )
        self._dead = Track((lanes, layers), few, np.float32)
        self._saturated = Track((lanes, layers), few, np.float32)
        self._peaks = PeakColumns((lanes, layers), MAX_COLUMNS)
        self._shares: dict[str, ShareColumns] = {}

    def append(self, scalars: Scalars) -> None:
        """Add a stretch of steps.

        Raises:
            ValueError: It does not come after what is held.
        """
        steps = scalars.steps
        if not len(steps):
            return
        if int(steps[0]) <= self.last_step:
            raise ValueError(f"step {int(steps[0])} comes after step {self.last_step} in the history")
        self._loss.append(steps, scalars.loss)
        self._accuracy.append(steps, scalars.accuracy)
        self._lr.append(steps, scalars.lr)
        self._weight_norm.append(steps, scalars.weight_norm)
        self._grad_norm.append(steps, scalars.grad_norm)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = scalars.update_norm / scalars.weight_norm
            ratio[scalars.weight_norm == 0] = np.nan
            ratio[scalars.update_norm == 0] = 0.0  # what is not moved stays as it is, even a weight of zero
            decades = np.log10(scalars.grad_norm)
        measured = ~np.isnan(ratio).all(axis=(1, 2))
        self._update_ratio.append(steps[measured], ratio[measured])
        self._peaks.append(steps, decades)
        self.last_step = int(steps[-1])
        self.version += 1

    def add_validation(self, validation: Validation) -> None:
        """Add scores; those of a step that is already known, or before it, are ignored."""
        if validation.step <= self._validation_loss.last_step:
            return
        steps = np.array([validation.step], dtype=np.int64)
        self._validation_loss.append(steps, validation.loss[None])
        self._validation_accuracy.append(steps, validation.accuracy[None])
        if validation.averaged_loss is not None and validation.averaged_accuracy is not None:
            self._averaged_loss.append(steps, validation.averaged_loss[None])
            self._averaged_accuracy.append(steps, validation.averaged_accuracy[None])
        self.version += 1

    @property
    def lanes(self) -> tuple[LaneState, ...]:
        """How each lane fares by the latest word; empty before the first."""
        return self._lanes

    def set_lanes(self, lanes: tuple[LaneState, ...]) -> None:
        """Take note of how each lane fares; that comes more often than frames do."""
        self._lanes = lanes
        self.version += 1

    def add_frame(self, frame: Frame) -> None:
        """Keep the latest frame and add its histograms to the maps; one of an earlier step is ignored.

        Another one of the same step takes the place of the first, and adds to the maps only what the first, at rest,
        did not have.

        Raises:
            ValueError: It belongs to another run.
        """
        if frame.run_id != self.info.run_id:
            raise ValueError(f"a frame of run {frame.run_id} in the history of run {self.info.run_id}")
        same_step = self.frame is not None and frame.step == self.frame.step
        moves = self.frame is not None and self.frame.at_rest and not frame.at_rest
        if self.frame is not None and frame.step <= self.frame.step and not (same_step and moves):
            if same_step:
                self.frame = frame
                self._lanes = frame.lanes
                self._keep_answers(frame)
                self._keep_firsts(frame)
                self.version += 1
            return
        if self.first_frame is None or same_step:
            self.first_frame = frame
        self.frame = frame
        self._lanes = frame.lanes
        if frame.validation is not None:
            self.add_validation(frame.validation)
        self._keep_answers(frame)
        self._keep_firsts(frame)
        if not same_step:
            steps = np.array([frame.step], dtype=np.int64)
            self._dead.append(steps, np.clip(frame.signal.dead_fraction, 0.0, 1.0)[None])
            self._saturated.append(steps, np.clip(frame.signal.saturated_fraction, 0.0, 1.0)[None])
        if len(self.info.gauges) and not frame.at_rest:
            self._gauges.append(np.array([frame.step], dtype=np.int64), frame.gauges[None])
        for quantity in QUANTITIES:
            if frame.at_rest if quantity == "updates" else same_step:
                continue  # nothing has moved yet; or the map has it from the look at rest
            histogram: Histogram = getattr(frame, quantity)
            if quantity not in self._shares:
                column_bytes = 2 * len(QUANTITIES) * histogram.counts.size
                columns = min(MAX_COLUMNS, max(32, MAP_BYTES // max(1, column_bytes)))
                self._shares[quantity] = ShareColumns(columns // 2 * 2)
            self._shares[quantity].append(frame.step, histogram)
        self.version += 1

    def _keep_answers(self, frame: Frame) -> None:
        if frame.answers is not None:
            self.answers.append(frame.answers)

    def _keep_firsts(self, frame: Frame) -> None:
        if self.first_spectra is None:
            self.first_spectra = frame.first_spectra or frame.spectra
        if self.first_sameness is None:
            self.first_sameness = frame.first_sameness or frame.sameness
        if self.first_activity is None:
            self.first_activity = frame.activity

    def loss(self) -> Series:
        """Training loss of each batch, ``(S', K)``."""
        return self._loss.read()

    def accuracy(self) -> Series:
        """Training accuracy of each batch, ``(S', K)``; NaN for regression."""
        return self._accuracy.read()

    def lr(self) -> Series:
        """Learning rate, ``(S', K)``."""
        return self._lr.read()

    def weight_norm(self) -> Series:
        """L2 norm of each layer's weight, ``(S', K, L)``."""
        return self._weight_norm.read()

    def grad_norm(self) -> Series:
        """L2 norm of each layer's weight gradient, ``(S', K, L)``."""
        return self._grad_norm.read()

    def update_ratio(self) -> Series:
        """Norm of each layer's change over the norm of its weight, ``(S', K, L)``.

        Only steps where it was measured; 0 where nothing moved, and NaN where a weight of zero did.
        """
        return self._update_ratio.read()

    def validation(self) -> Series:
        """Loss on the examples held back, ``(S', K)``."""
        return self._validation_loss.read()

    def validation_accuracy(self) -> Series:
        """Accuracy on the examples held back, ``(S', K)``; NaN for regression."""
        return self._validation_accuracy.read()

    def averaged(self) -> Series:
        """Loss of the averaged weights on the examples held back, ``(S', K)``; no points where no lane has any."""
        return self._averaged_loss.read()

    def averaged_accuracy(self) -> Series:
        """Accuracy of the same, ``(S', K)``; NaN for regression."""
        return self._averaged_accuracy.read()

    def gauges(self) -> Series:
        """What the remedies show, ``(S', G, K)``, in the order of ``RunInfo.gauges``; NaN where a lane has none."""
        return self._gauges.read()

    def dead(self) -> Series:
        """Share of units that are zero for a whole batch, ``(S', K, L)``; NaN where an activation cannot die."""
        return self._dead.read()

    def saturated(self) -> Series:
        """Share of values in the flat ends of their activation, ``(S', K, L)``; NaN where there are none."""
        return self._saturated.read()

    def grad_norm_map(self) -> HeatMap:
        """Decades of the largest gradient norm in each column of steps."""
        return self._peaks.read()

    def histogram_map(self, quantity: Quantity, lane: int, layer: int) -> HistogramMap | None:
        """Return how one layer's histogram changed over the run, or None before the first frame."""
        columns = self._shares.get(quantity)
        return None if columns is None else columns.read(lane, layer)
