"""What changes the weights of a group of lanes: one optimizer for all, or one a lane where it sees whole tensors."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor
from torch.optim import Optimizer

from initviz.catalog.parts import OptimizerPart
from initviz.engine.layout import Layout, view_of
from initviz.experiment.values import Choice


class Updates(Protocol):
    """The update rule of a group."""

    @property
    def base_lr(self) -> float:
        """Learning rate that schedules multiply."""
        ...

    def step(self, lr: float) -> None:
        """Make an update of every lane at a learning rate."""
        ...

    def forget(self, lane: int) -> None:
        """Forget what is remembered of a lane, so that no number of it can do harm any more."""
        ...


def updates(part: OptimizerPart, choice: Choice, flat: Tensor, layout: Layout) -> Updates:
    """Return the update rule for the lanes of ``flat`` ``(K, P)``, whose gradient is there already."""
    if part.apart:
        return _Apart(part, choice, flat, layout)
    return _Together(part.build(choice, [flat]), flat)


class _Together:
    """An elementwise rule on the one flat tensor."""

    def __init__(self, optimizer: Optimizer, flat: Tensor) -> None:
        self._optimizer = optimizer
        self._flat = flat
        self.base_lr = float(optimizer.param_groups[0]["lr"])

    def step(self, lr: float) -> None:
        self._optimizer.param_groups[0]["lr"] = lr
        self._optimizer.step()

    def forget(self, lane: int) -> None:
        for value in self._optimizer.state[self._flat].values():
            if isinstance(value, Tensor) and value.shape == self._flat.shape:
                value[lane] = 0


class _Apart:
    """A rule that looks at whole tensors: an optimizer a lane, on that lane's tensors."""

    def __init__(self, part: OptimizerPart, choice: Choice, flat: Tensor, layout: Layout) -> None:
        self._optimizers: list[Optimizer | None] = []
        for lane in range(len(flat)):
            tensors = []
            for slot in layout.slots:
                if slot.spec.tied_to is None:
                    tensor = view_of(flat[lane], slot)
                    tensor.grad = view_of(flat.grad[lane], slot) if flat.grad is not None else None
                    tensors.append(tensor)
            self._optimizers.append(part.build(choice, tensors))
        first = self._optimizers[0]
        self.base_lr = float(first.param_groups[0]["lr"]) if first is not None else 0.0

    def step(self, lr: float) -> None:
        for optimizer in self._optimizers:
            if optimizer is not None:
                for group in optimizer.param_groups:
                    group["lr"] = lr * group.get("lr_share", 1.0)
                optimizer.step()

    def forget(self, lane: int) -> None:
        self._optimizers[lane] = None
