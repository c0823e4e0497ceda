"""Averaged weights, scored beside the raw ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from initviz.engine.network import Bound, Network
from initviz.engine.noise import Pass
from initviz.experiment.values import Task


class Averaged:
    """A second network of the same lanes whose weights are averages of the trained ones.

    Args:
        network: The lanes' network.
        flat: ``(K, P)`` gives shape, type and device.
        seeds: Of the lanes.
    """

    def __init__(self, network: Network, flat: Tensor, seeds: Sequence[int]) -> None:
        self._network = network
        self._flat = torch.zeros_like(flat)
        self._buffers = network.fresh_buffers(flat)
        self._now = Pass(seeds, flat.device)
        self._bound: Bound = network.bind(self._flat, torch.zeros_like(flat), self._now, self._buffers)

    def load(self, flat: Tensor, batches: Callable[[], Sequence[Tensor]]) -> Bound:
        """Take averaged weights and return the network that runs with them.

        Layers that keep running numbers get new ones: the plain mean over the batches, as
        ``torch.optim.swa_utils.update_bn`` finds them.

        Args:
            flat: ``(K, P)``.
            batches: Gives the inputs of every batch of an epoch; asked only where a layer keeps numbers.
        """
        self._flat.copy_(flat)
        self._network.repeat_shared(self._flat)
        if self._buffers.numel():
            self._renew(batches())
        self._now.begin(0, training=False, keeps=False)
        return self._bound

    def _renew(self, batches: Sequence[Tensor]) -> None:
        """Replace the running numbers by plain means.

        A layer moves its running number r to (1 - m) r + m s, s being the statistic of the batch. From 0 it moves to
        m s and from 1 to 1 - m more than that, which tells m and with it s, whatever the layer's own m.
        """
        buffers = self._buffers
        momentum = 1.0 - (self._run(batches[0], 0, 1.0) - self._run(batches[0], 0, 0.0))
        momentum = torch.where(momentum.abs() < 1e-12, torch.ones_like(momentum), momentum)
        total = torch.zeros_like(buffers, dtype=torch.float64)
        for index, inputs in enumerate(batches):
            total += (self._run(inputs, index, 0.0) / momentum).double()
        buffers.copy_(total / len(batches))

    def _run(self, inputs: Tensor, step: int, start: float) -> Tensor:
        self._buffers.fill_(start)
        self._now.begin(step, training=True, keeps=True)
        self._bound.outputs(inputs)
        return self._buffers.clone()


def together(outputs: Sequence[Tensor], task: Task) -> Tensor:
    """Return logits of the mean of several networks' probabilities; of a regression, the mean prediction.

    Args:
        outputs: Of each network, any shape ``(..., O)``.
        task: What is learned.
    """
    stacked = torch.stack(list(outputs))
    if task == "regression":
        return stacked.mean(0)
    if task == "binary":
        yes = torch.logsumexp(functional.logsigmoid(stacked), 0)
        return yes - torch.logsumexp(functional.logsigmoid(-stacked), 0)
    return torch.logsumexp(functional.log_softmax(stacked, -1), 0) - math.log(len(outputs))
