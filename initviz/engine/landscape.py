"""How the loss changes around the weights of every lane, along directions that suit the size of each filter."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.engine.denormals import flushed
from initviz.engine.devices import failures_in_words
from initviz.engine.group import Group
from initviz.engine.layout import Layout, view_of
from initviz.engine.losses import loss_function
from initviz.engine.network import Bound, Network, by_lane
from initviz.engine.noise import Pass
from initviz.engine.race import Race
from initviz.engine.seeding import generator

MOST_ROWS = 8
"""Lanes times points that are evaluated as lanes of one network."""
ROW_NUMBERS = 2**22
"""Numbers that all rows of weights hold at most ..."""
SLICE_PRODUCTS = 1e8
"""... and products that one pass makes, so that training waits for some ten milliseconds at most."""
CONVOLUTION = 3.0
"""How much longer a product takes in a convolution of small pictures."""
FEWEST_EXAMPLES = 8

Floats = NDArray[np.float64]


def directions(layout: Layout, flat: Tensor, count: int, seed: int) -> Tensor:
    """Return random directions in which each filter is as long as the same filter of the weights.

    A filter is what feeds one unit: a row of a matrix, a kernel of a convolution, an embedding. Biases and what
    normalizations learn are not moved. Every lane has the same directions before its filters scale them.

    Args:
        layout: Where the tensors lie.
        flat: ``(K, P)`` the weights.
        count: Directions (D).
        seed: Of the draws.
    Returns:
        ``(D, K, P)``, of the type and on the device of ``flat``.
    References:
        Li et al. 2018, arXiv:1712.09913.
    """
    source = generator(seed, "landscape")
    drawn = torch.randn(count, layout.size, generator=source, dtype=torch.float64)
    found = torch.zeros(count, *flat.shape, dtype=flat.dtype, device=flat.device)
    for slot in layout.slots:
        if slot.spec.role != "weight" or len(slot.spec.shape) < 2 or slot.spec.tied_to is not None:
            continue
        own = drawn[:, slot.offset : slot.stop].view(count, slot.spec.shape[0], -1)
        own = own / torch.linalg.vector_norm(own, dim=2, keepdim=True)
        sizes = torch.linalg.vector_norm(view_of(flat, slot).flatten(2).double(), dim=2, keepdim=True)
        moved = own.to(flat.device).unsqueeze(1) * sizes.unsqueeze(0)
        view_of(found, slot).copy_(moved.view(count, flat.shape[0], *slot.spec.shape))
    return found


class Survey:
    """Evaluates the loss of every lane on a grid around its weights, as they are now; training may go on meanwhile.

    Everything is copied here: weights, what layers keep beside them, and which examples. Layers run as in evaluation,
    with the running numbers as they are, and in full precision.

    Attributes:
        examples: How many training examples the loss is the mean of.

    Args:
        race: The lanes.
        along: ``(N,)`` steps along the first direction, in lengths of the filters.
        across: ``(M,)`` steps along the second; a single 0 for a line.
        examples: Training examples to draw at most.
        seed: Of directions and examples.
    """

    def __init__(self, race: Race, along: Floats, across: Floats, examples: int, seed: int) -> None:
        self._device = race.device
        self._num_lanes = race.num_lanes
        self._shape = (len(across), len(along))
        grid = np.stack(np.meshgrid(along, across), axis=-1).reshape(-1, 2)
        held = len(race.data.inputs)
        self.examples = min(examples, held)
        chosen = torch.randperm(held, generator=generator(seed, "landscape examples"))[: self.examples]
        chosen = chosen.sort().values.to(race.data.inputs.device)
        inputs, targets = race.data.inputs[chosen], race.data.targets[chosen]
        self._parts = [
            _GroupSurvey(group, race, grid, inputs.to(self._device), targets.to(self._device), seed)
            for group in race.groups
        ]

    def slices(self) -> Generator[float, None, Floats]:
        """Work on; yields the share that is done after every slice.

        Returns:
            ``(K, M, N)`` losses; NaN for a lane that diverged.
        """
        found = np.full((self._num_lanes, *self._shape), np.nan)
        total = sum(part.num_slices for part in self._parts)
        done = 0
        for part in self._parts:
            for index in range(part.num_slices):
                with failures_in_words(self._device), flushed(True), torch.no_grad():
                    part.work(index)
                done += 1
                yield done / total
            for lane, losses in part.losses():
                found[lane] = losses.reshape(self._shape)
        return found


class _GroupSurvey:
    """The lanes of a group, several points of the grid at once as lanes of one larger network."""

    def __init__(
        self, group: Group, race: Race, grid: Floats, inputs: Tensor, targets: Tensor, seed: int
    ) -> None:
        lanes = group.num_lanes
        with torch.no_grad():
            self._weights = group.flat.detach().clone()
            self._buffers = group.buffers.detach().clone()
            self._directions = directions(group.layout, self._weights, 2, seed)
        self._lanes, self._diverged = group.lanes, frozenset(group.frozen)
        self._grid = grid
        self._points = max(1, min(MOST_ROWS // lanes, ROW_NUMBERS // self._weights.numel(), len(grid)))
        self._network = Network(group.blueprint, race.catalogue, lanes * self._points)
        self._rows = self._weights.repeat(self._points, 1)
        self._now = Pass([0] * len(self._rows), self._weights.device)
        buffers = self._buffers.repeat(self._points, 1)
        self._bound: Bound = self._network.bind(self._rows, torch.zeros_like(self._rows), self._now, buffers)
        self._loss = loss_function(group.blueprint.data.task)
        most = int(SLICE_PRODUCTS / (len(self._rows) * _products(self._network)))
        self._chunks = [
            (inputs[place : place + size], targets[place : place + size])
            for size in [max(FEWEST_EXAMPLES, most)]
            for place in range(0, len(inputs), size)
        ]
        self._num_batches = math.ceil(len(grid) / self._points)
        self._sums = np.zeros((self._num_batches * self._points, lanes))
        self._examples = len(inputs)

    @property
    def num_slices(self) -> int:
        return self._num_batches * len(self._chunks)

    def work(self, index: int) -> None:
        """Evaluate one chunk of the examples at a few points."""
        batch, chunk = divmod(index, len(self._chunks))
        if chunk == 0:
            self._move_to(batch)
        inputs, targets = self._chunks[chunk]
        self._now.begin(0, training=False, keeps=False)
        outputs = by_lane(self._bound.outputs(inputs).to(self._rows.dtype), len(self._rows), False)
        losses, _ = self._loss(outputs, targets)
        here = slice(batch * self._points, (batch + 1) * self._points)
        self._sums[here] += losses.double().cpu().numpy().reshape(self._points, -1) * len(targets)

    def _move_to(self, batch: int) -> None:
        lanes = len(self._lanes)
        for place in range(self._points):
            # The last batch is filled up with points that were seen already.
            at = self._grid[min(batch * self._points + place, len(self._grid) - 1)]
            row = self._rows[place * lanes : (place + 1) * lanes]
            row.copy_(self._weights)
            for step, direction in zip(at.tolist(), self._directions, strict=True):
                row.add_(direction, alpha=step)
        self._network.repeat_shared(self._rows)

    def losses(self) -> list[tuple[int, Floats]]:
        """Return each lane of the race with its losses over the grid."""
        means = self._sums[: len(self._grid)] / self._examples
        return [
            (lane, np.full(len(self._grid), np.nan) if place in self._diverged else means[:, place])
            for place, lane in enumerate(self._lanes)
        ]


def _products(network: Network) -> float:
    """Return about how many products a network makes of one example in one lane, those of convolutions weighted."""
    total = 0.0
    for slot in network.layout.slots:
        if slot.spec.role == "weight":
            shape = network.blueprint.stages[slot.stage].output_shape
            kernel = CONVOLUTION if len(slot.spec.shape) > 2 else 1.0
            total += kernel * slot.spec.size * max(1.0, math.prod(shape) / slot.spec.shape[0])
    return max(1.0, total)
