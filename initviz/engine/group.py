"""Lanes of one structure, one optimizer, one schedule and the same remedies, trained as one batch of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from initviz.catalog.parts import Reaction
from initviz.catalog.remedy_part import LossTerms, Rule, StoppingRule
from initviz.engine.averages import Averaged, together
from initviz.engine.data import Batches
from initviz.engine.layout import Layout
from initviz.engine.losses import loss_function
from initviz.engine.network import Network, by_lane
from initviz.engine.noise import Pass
from initviz.engine.precision import LossScale
from initviz.engine.remedies import Rules
from initviz.engine.state import GroupState
from initviz.engine.stopping import EarlyStopping
from initviz.engine.teaching import Lessons
from initviz.engine.updates import Updates
from initviz.experiment.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a group trains.

    Attributes:
        updates: From the tensors to train to what trains them.
        factor: From a step to the multiplier of the learning rate.
        reaction: What follows the scores beside it, or None.
        rules: What remedies do.
        terms: What changes the loss.
        lessons: What is learned from a teacher beside it, or None.
        stopping: When a lane is done, or None.
        scales_loss: Whether the loss is scaled, so that half precision does not lose its gradients.
        check_every: Steps between two looks for divergence; 1 looks at once.
        reference: A network of the same lanes in full precision where the group's is not, else None.
    """

    updates: Callable[[Tensor, Layout], Updates]
    factor: Callable[[int], float]
    reaction: Reaction | None
    rules: Sequence[Rule]
    terms: LossTerms
    lessons: Lessons | None
    stopping: StoppingRule | None
    scales_loss: bool
    check_every: int
    reference: Network | None


class Group:
    """K lanes that run in the same tensor operations.

    Args:
        lanes: Which of the race's lanes these are, in order.
        network: Their layers.
        start: ``(K, P)`` where they start; trained in place.
        seeds: The lanes' own.
        data: The examples as they are served to these lanes.
        training: How they train.

    Attributes:
        lanes: Which of the race's lanes these are, in order.
        blueprint: Their network; it tells everything but their starts.
        network: Its layers.
        layout: Where each tensor lies in a row.
        data: The examples as they are served to these lanes.
        flat: ``(K, P)`` all trained numbers.
        grad: ``(K, P)`` their gradients at the latest step.
        buffers: ``(K, Q)`` what layers keep beside them.
        frozen: Of lanes that diverged, by position in the group: the ``(P,)`` weights with which they did. Their
            rows of ``flat`` and ``grad`` are 0 from then on.
        bad_layers: Of the same lanes: the step, and the first measured layer whose output was not finite.
        stopped: Of lanes that were stopped early, by position: the step, and the step of the weights that they keep.
        last_lr: Learning rate of the latest update.
    """

    def __init__(
        self,
        lanes: Sequence[int],
        network: Network,
        start: Tensor,
        seeds: Sequence[int],
        data: Batches,
        training: Training,
    ) -> None:
        self.lanes = tuple(lanes)
        self.network = network
        self.blueprint: Blueprint = network.blueprint
        self.layout: Layout = network.layout
        self.data = data
        self.flat = start
        self.grad = torch.zeros_like(start)
        self.buffers = network.fresh_buffers(start)
        self.frozen: dict[int, Tensor] = {}
        self.bad_layers: dict[int, tuple[int, str]] = {}
        self.rules = Rules(training.rules, len(self.lanes))
        self._seeds = tuple(seeds)
        self._now = Pass(seeds, start.device)
        self._bound = network.bind(self.flat, self.grad, self._now, self.buffers)
        self._ties = network.layout.tied_views(self.flat)
        self._loss = loss_function(self.blueprint.data.task, training.terms)
        self._lessons = training.lessons
        self.flat.grad = self.grad
        self._updates = training.updates(self.flat, self.layout)
        self._factor = training.factor
        self._reaction = training.reaction
        self._stopping = None if training.stopping is None else EarlyStopping(training.stopping)
        self.stopped: dict[int, tuple[int, int]] = {} if self._stopping is None else self._stopping.stopped
        self._loss_scale = LossScale() if training.scales_loss else None
        self._reference = training.reference
        self._check_every = training.check_every
        self._alive = torch.ones(len(self.lanes), dtype=torch.bool, device=start.device)
        self._unread: list[tuple[int, Tensor, Tensor]] = []
        self._epoch_losses: list[Tensor] = []
        self._averaged: Averaged | None = None
        self._averages_kept: dict[int, Tensor] = {}
        self._snapshots_kept: dict[int, list[Tensor]] = {}
        self.last_lr = self.lr(0)

    @property
    def num_lanes(self) -> int:
        """Lanes in the group (K)."""
        return len(self.lanes)

    @property
    def hears_scores(self) -> bool:
        """Whether something about the training follows the scores on held-back examples after every epoch."""
        return self._stopping is not None or self._reaction is not None

    def lr(self, step: int) -> float:
        """Return the learning rate of the update at ``step``, as far as the scores so far tell."""
        factor = self._factor(step)
        if self._reaction is not None:
            factor *= self._reaction.factor
        return self._updates.base_lr * self.rules.rate(step, factor)

    def step(self, step: int, observe: bool, keep_before: bool) -> GroupState:
        """Make one update.

        Args:
            step: Updates made so far.
            observe: Whether to keep what flows through the measured layers.
            keep_before: Whether to keep the weights before the update.
        """
        inputs, targets = self.data.batch(step)
        with torch.no_grad():
            if len(self.frozen) + len(self.stopped) == self.num_lanes and not observe:
                return self._nothing(step, inputs, targets)
            held = self._hold()
            self._note_share(step)
            state = self._backward(step, inputs, targets, observe, keeps=True)
            if keep_before or observe:
                state.before = self.flat.clone()
            self._check(step, state, inputs)
            if self.frozen:
                self._silence()
            self._update(step)
            if held is not None:
                self._put_back(held)
            if self._reaction is not None:
                self._epoch_losses.append(state.loss)
        return state

    def _update(self, step: int) -> None:
        """Change the weights by the gradients that there are."""
        self.last_lr = self.lr(step)
        if self._loss_scale is not None and not self._unscale(self._loss_scale):
            return
        self.rules.gradient(step, self.flat, self.grad)
        if self._check_every > 1:
            before = self.flat.clone()
            self._updates.step(self.last_lr, step)
            # Momentum would carry on a lane that diverged.
            self.flat.copy_(torch.where(self._alive.unsqueeze(1), self.flat, before))
        else:
            self._updates.step(self.last_lr, step)
        for owner, copy in self._ties:
            copy.copy_(owner)
        self.rules.updated(step, self.flat)

    def _hold(self) -> tuple[Tensor, Tensor] | None:
        """Return weights and buffers where lanes are done, so that theirs can be put back after the update."""
        return (self.flat.clone(), self.buffers.clone()) if self.stopped else None

    def _put_back(self, held: tuple[Tensor, Tensor]) -> None:
        lanes = list(self.stopped)
        self.flat[lanes], self.buffers[lanes] = held[0][lanes], held[1][lanes]

    def _nothing(self, step: int, inputs: Tensor, targets: Tensor) -> GroupState:
        """Return the step of a group in which every lane is done or diverged: nothing is computed any more."""
        self.last_lr = self.lr(step)
        outputs = self.flat.new_full(
            (self.num_lanes, len(inputs), *self.blueprint.stages[-1].output_shape), torch.nan
        )
        return GroupState(self, outputs, targets, self.flat.new_full((self.num_lanes,), torch.nan), self.flat)

    def _backward(self, step: int, inputs: Tensor, targets: Tensor, observe: bool, keeps: bool) -> GroupState:
        self._now.begin(step, training=True, keeps=keeps)
        if not observe:
            outputs, kept = self._bound.forward(inputs)
            outputs = outputs.to(self.flat.dtype)
            loss, grad = self._graded(inputs, outputs, targets)
            self._bound.backward(self._scaled(grad), kept)
            return self._state(outputs, targets, loss)
        outputs, kept, signals = self._bound.forward_observed(inputs)
        outputs = outputs.to(self.flat.dtype)
        loss, grad = self._graded(inputs, outputs, targets)
        self._bound.backward_observed(self._scaled(grad), kept, signals)
        if self._loss_scale is not None:
            for value in signals.grad_preactivations:
                value.div_(self._loss_scale.value)
        state = self._state(outputs, targets, loss)
        state.signals = signals
        if self._reference is not None:
            self._count_underflow(step, inputs, targets)
        return state

    def _graded(self, inputs: Tensor, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the plain loss, and the gradient of the loss that is trained on, a teacher's part included."""
        loss, grad = self._loss(outputs, targets)
        if self._lessons is None:
            return loss, grad
        grad, soft = self._lessons.blend(inputs, outputs, grad)
        self.rules.note("soft_loss", self._running(self.without_diverged(soft)))
        self.rules.note("hard_loss", self._running(self.without_diverged(loss)))
        return loss, grad

    def _note_share(self, step: int) -> None:
        share = self.data.share_in_use(step)
        if share is not None:
            self.rules.note("share_in_use", self.flat.new_full((self.num_lanes,), share))

    def _state(self, outputs: Tensor, targets: Tensor, loss: Tensor) -> GroupState:
        return GroupState(self, by_lane(outputs, self.num_lanes, False), targets, self._running(loss))

    def _running(self, loss: Tensor) -> Tensor:
        """Return losses ``(K,)`` with NaN for lanes that are done."""
        if not self.stopped:
            return loss
        loss = loss.clone()
        loss[list(self.stopped)] = torch.nan
        return loss

    # Half precision

    def _scaled(self, grad: Tensor) -> Tensor:
        return grad if self._loss_scale is None else grad * self._loss_scale.value

    def _unscale(self, scale: LossScale) -> bool:
        """Undo the scale of the loss; False where a gradient overflowed, so that the update is to be left out."""
        self.grad.div_(scale.value)
        is_finite = bool(self.grad.isfinite().all())
        scale.update(is_finite)
        self.rules.note("loss_scale", self.flat.new_full((self.num_lanes,), scale.value))
        return is_finite

    def _count_underflow(self, step: int, inputs: Tensor, targets: Tensor) -> None:
        """Measure which share of gradients that are not 0 in full precision became 0."""
        if self._reference is None:
            return
        full = torch.zeros_like(self.grad)
        bound = self._reference.bind(self.flat, full, self._now, self.buffers)
        self._now.begin(step, training=True, keeps=False)
        outputs, kept = bound.forward(inputs)
        bound.backward(self._graded(inputs, outputs, targets)[1], kept)
        alive = full != 0
        lost = alive & (self.grad == 0)
        self.rules.note("underflowed", lost.sum(1) / alive.sum(1).clamp(min=1))

    # Divergence

    def _check(self, step: int, state: GroupState, inputs: Tensor) -> None:
        """Freeze every lane whose loss is not finite, at once or, where a look stalls the device, a little later."""
        if self._check_every > 1:
            self._check_lazily(step, state, inputs)
            return
        total = state.loss.sum().item()
        if total - total != 0.0:
            self.freeze_bad([(step, state.loss, inputs)])
        if self.frozen:
            state.loss = self.without_diverged(state.loss)

    def _check_lazily(self, step: int, state: GroupState, inputs: Tensor) -> None:
        """Stop a lane on the device itself, and only now and then ask the device which did."""
        self._alive.logical_and_(state.loss.isfinite())
        stopped = self._alive.logical_not()
        state.loss = state.loss.masked_fill(stopped, torch.nan)
        self.grad.masked_fill_(stopped.unsqueeze(1), 0.0)
        self._unread.append((step, state.loss, inputs))
        if len(self._unread) >= self._check_every:
            self.settle()

    def settle(self) -> None:
        """Find out which lanes diverged in steps that were not looked at yet; this waits for the device."""
        if self._unread:
            self.freeze_bad(self._unread)
            self._unread = []

    @torch.no_grad()
    def freeze_bad(self, steps: list[tuple[int, Tensor, Tensor]]) -> None:
        """Freeze every lane with a loss that is not finite.

        Args:
            steps: In order; of each the losses ``(K,)``, and inputs with which the first bad layer can be found.
        """
        finite = torch.stack([loss for _, loss, _ in steps]).isfinite().tolist()
        for (step, _, inputs), row in zip(steps, finite, strict=True):
            for lane, is_finite in enumerate(row):
                if not is_finite and lane not in self.frozen and lane not in self.stopped:
                    self._freeze(lane, step, inputs)

    def _freeze(self, lane: int, step: int, inputs: Tensor) -> None:
        self.bad_layers[lane] = (step, self._first_bad_layer(lane, step, inputs))
        self.frozen[lane] = self.flat[lane].clone()
        self._updates.forget(lane)

    def _first_bad_layer(self, lane: int, step: int, inputs: Tensor) -> str:
        self._now.begin(step, training=True, keeps=False)
        _, _, signals = self._bound.forward_observed(inputs)
        for place, layer in enumerate(self.network.measured):
            image = self.network.images[place]
            for value in (signals.preactivations[place], signals.activations[place]):
                if not bool(by_lane(value, self.num_lanes, image)[lane].isfinite().all()):
                    return layer.name
        return self.network.measured[-1].name

    def _silence(self) -> None:
        """Keep diverged lanes at 0, so that no number of theirs can reach a neighbour."""
        lanes = list(self.frozen)
        self.flat[lanes] = 0
        self.grad[lanes] = 0

    def without_diverged(self, values: Tensor) -> Tensor:
        """Return ``(K,)`` values with NaN for every lane that diverged."""
        if not self.frozen:
            return values
        kept = values.clone()
        kept[list(self.frozen)] = torch.nan
        return kept

    # Scores

    @torch.no_grad()
    def hear(self, step: int, loss: Tensor, accuracy: Tensor) -> None:
        """Take in the scores on held-back examples after an epoch.

        Args:
            step: Updates made.
            loss: ``(K,)``; NaN without such examples.
            accuracy: ``(K,)``.
        """
        if self._reaction is not None:
            losses = torch.stack(self._epoch_losses).mean(0) if self._epoch_losses else loss
            self._epoch_losses = []
            self._reaction.hear(float(losses[0]), float(loss[0]))
        if self._stopping is not None:
            averaged = self.rules.averaged()
            for lane in self._stopping.hear(step, loss, accuracy, self.flat, self.buffers):
                if averaged is not None:
                    self._averages_kept[lane] = averaged[lane].clone()
                self._snapshots_kept[lane] = self.rules.snapshots()

    def averaged_outputs(self) -> Callable[[Tensor], Tensor] | None:
        """Return what computes outputs ``(K, B, O)`` with averaged weights, or None where there are none."""
        averaged = self.rules.averaged()
        if averaged is None:
            return self._snapshot_outputs()
        rows = averaged.clone()
        for lane, row in self._averages_kept.items():
            rows[lane] = row
        return self._outputs_with(rows)

    def _snapshot_outputs(self) -> Callable[[Tensor], Tensor] | None:
        """Return what computes the answers of all snapshots together, or None where there are none."""
        kept = self.rules.snapshots()
        if not kept:
            return None

        def outputs(inputs: Tensor) -> Tensor:
            task = self.blueprint.data.task
            found = together([self._outputs_with(rows)(inputs) for rows in kept], task)
            for lane, own in self._snapshots_kept.items():
                parts = [self._outputs_with(rows)(inputs)[lane] for rows in own]
                found[lane] = together(parts, task) if parts else self.outputs(inputs)[lane]
            return self._without_frozen(found)

        return outputs

    def _outputs_with(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return what computes outputs ``(K, B, O)`` with other weights ``(K, P)``."""
        if self._averaged is None:
            self._averaged = Averaged(self.network, self.flat, self._seeds)
        with torch.no_grad():
            bound = self._averaged.load(rows, self.data.epoch_inputs)

        def outputs(inputs: Tensor) -> Tensor:
            with torch.no_grad():
                found = by_lane(bound.outputs(inputs).to(self.flat.dtype), self.num_lanes, False)
            return self._without_frozen(found)

        return outputs

    # Looking

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return ``(K, B, O)`` for inputs ``(B, *shape)`` without training; NaN for diverged lanes."""
        with torch.no_grad():
            self._now.begin(0, training=False, keeps=False)
            outputs = by_lane(self._bound.outputs(inputs).to(self.flat.dtype), self.num_lanes, False)
        self.settle()
        return self._without_frozen(outputs)

    def _without_frozen(self, outputs: Tensor) -> Tensor:
        if self.frozen:
            outputs = outputs.clone()
            outputs[list(self.frozen)] = torch.nan
        return outputs

    def look(self, step: int, inputs: Tensor, targets: Tensor) -> GroupState:
        """Return what a step would see, observed, without making an update; ``grad`` is overwritten."""
        with torch.no_grad():
            state = self._backward(step, inputs, targets, observe=True, keeps=False)
            if self._loss_scale is not None:
                self.grad.div_(self._loss_scale.value)
        state.before = self.flat
        return state
