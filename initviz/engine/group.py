"""Lanes of one structure, one optimizer and one schedule, trained as one batch of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from initviz.engine.layout import Layout
from initviz.engine.losses import loss_function
from initviz.engine.network import Network, by_lane
from initviz.engine.state import GroupState
from initviz.experiment.blueprint import Blueprint


class Group:
    """K lanes that run in the same tensor operations.

    Args:
        lanes: Which of the race's lanes these are, in order.
        network: Their layers.
        start: ``(K, P)`` where they start; trained in place.
        build_optimizer: From the tensors to train to what trains them.
        factor: From a step to the multiplier of the learning rate.
        check_every: Steps between two looks for divergence; 1 looks at once.

    Attributes:
        lanes: Which of the race's lanes these are, in order.
        blueprint: Their network; it tells everything but their starts.
        network: Its layers.
        layout: Where each tensor lies in a row.
        flat: ``(K, P)`` all trained numbers.
        grad: ``(K, P)`` their gradients at the latest step.
        frozen: Of lanes that diverged, by position in the group: the ``(P,)`` weights with which they did. Their
            rows of ``flat`` and ``grad`` are 0 from then on.
        bad_layers: Of the same lanes: the step, and the first measured layer whose output was not finite.
    """

    def __init__(
        self,
        lanes: Sequence[int],
        network: Network,
        start: Tensor,
        build_optimizer: Callable[[list[Tensor]], Optimizer],
        factor: Callable[[int], float],
        check_every: int,
    ) -> None:
        self.lanes = tuple(lanes)
        self.network = network
        self.blueprint: Blueprint = network.blueprint
        self.layout: Layout = network.layout
        self.flat = start
        self.grad = torch.zeros_like(start)
        self.frozen: dict[int, Tensor] = {}
        self.bad_layers: dict[int, tuple[int, str]] = {}
        self._bound = network.bind(self.flat, self.grad)
        self._loss = loss_function(self.blueprint.data.task)
        self.flat.grad = self.grad
        self._optimizer = build_optimizer([self.flat])
        self._base_lr = float(self._optimizer.param_groups[0]["lr"])
        self._factor = factor
        self._check_every = check_every
        self._alive = torch.ones(len(self.lanes), dtype=torch.bool, device=start.device)
        self._unread: list[tuple[int, Tensor, Tensor]] = []

    @property
    def num_lanes(self) -> int:
        """Lanes in the group (K)."""
        return len(self.lanes)

    def lr(self, step: int) -> float:
        """Return the learning rate of the update at ``step``."""
        return self._base_lr * self._factor(step)

    def step(
        self, step: int, inputs: Tensor, targets: Tensor, observe: bool, keep_before: bool
    ) -> GroupState:
        """Make one update.

        Args:
            step: Updates made so far.
            inputs: ``(B, *shape)``.
            targets: Of the batch.
            observe: Whether to keep what flows through the measured layers.
            keep_before: Whether to keep the weights before the update.
        """
        with torch.no_grad():
            if len(self.frozen) == self.num_lanes and not observe:
                return self._nothing(inputs, targets)
            state = self._backward(inputs, targets, observe)
            if keep_before or observe:
                state.before = self.flat.clone()
            self._check(step, state, inputs)
            if self.frozen:
                self._silence()
            self._optimizer.param_groups[0]["lr"] = self.lr(step)
            if self._check_every > 1:
                self._step_the_alive()
            else:
                self._optimizer.step()
        return state

    def _step_the_alive(self) -> None:
        """Update every lane but those that diverged, which momentum would carry on."""
        before = self.flat.clone()
        self._optimizer.step()
        self.flat.copy_(torch.where(self._alive.unsqueeze(1), self.flat, before))

    def _nothing(self, inputs: Tensor, targets: Tensor) -> GroupState:
        """Return the step of a group in which every lane diverged: nothing is computed any more."""
        outputs = self.flat.new_full(
            (self.num_lanes, len(inputs), self.blueprint.data.num_outputs), torch.nan
        )
        return GroupState(self, outputs, targets, self.flat.new_full((self.num_lanes,), torch.nan), self.flat)

    def _backward(self, inputs: Tensor, targets: Tensor, observe: bool) -> GroupState:
        signals = None
        if observe:
            outputs, kept, signals = self._bound.forward_observed(inputs)
            loss, grad = self._loss(outputs, targets)
            self._bound.backward_observed(grad, kept, signals)
        else:
            outputs, kept = self._bound.forward(inputs)
            loss, grad = self._loss(outputs, targets)
            self._bound.backward(grad, kept)
        return GroupState(self, by_lane(outputs, len(self.lanes)), targets, loss, None, signals)

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
                if not is_finite and lane not in self.frozen:
                    self._freeze(lane, step, inputs)

    def _freeze(self, lane: int, step: int, inputs: Tensor) -> None:
        self.bad_layers[lane] = (step, self._first_bad_layer(lane, inputs))
        self.frozen[lane] = self.flat[lane].clone()
        for value in self._optimizer.state[self.flat].values():
            if isinstance(value, Tensor) and value.shape == self.flat.shape:
                value[lane] = 0

    def _first_bad_layer(self, lane: int, inputs: Tensor) -> str:
        _, _, signals = self._bound.forward_observed(inputs)
        for place, layer in enumerate(self.network.measured):
            for value in (signals.preactivations[place], signals.activations[place]):
                if not bool(by_lane(value, self.num_lanes)[lane].isfinite().all()):
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

    # Looking

    def outputs(self, inputs: Tensor) -> Tensor:
        """Return ``(K, B, O)`` for inputs ``(B, *shape)`` without training; NaN for diverged lanes."""
        with torch.no_grad():
            outputs = by_lane(self._bound.outputs(inputs), self.num_lanes)
        self.settle()
        if self.frozen:
            outputs = outputs.clone()
            outputs[list(self.frozen)] = torch.nan
        return outputs

    def look(self, inputs: Tensor, targets: Tensor) -> GroupState:
        """Return what a step would see, observed, without making an update; ``grad`` is overwritten."""
        with torch.no_grad():
            state = self._backward(inputs, targets, observe=True)
        state.before = self.flat
        return state
