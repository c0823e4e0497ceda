"""What can be switched on beside network, optimizer and schedule, and what each such remedy may do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from initviz.experiment.catalogue import Part
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Generator, Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorPlace:
    """Where one tensor lies in a lane's row.

    Attributes:
        name: Layer and tensor, such as ``dense_3.weight``.
        offset: Elements before it.
        shape: Of one lane.
        role: As in ``TensorSpec.role``.
        is_output: Whether it belongs to the output layer.
        is_shared: Whether it only repeats the numbers of an earlier tensor: its gradient is part of that one's already,
            so norms over all trained numbers must leave it out.
    """

    name: str
    offset: int
    shape: tuple[int, ...]
    role: str
    is_output: bool
    is_shared: bool = False

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan:
    """What a remedy is told about the lanes it works on.

    Attributes:
        num_lanes: K.
        size: Elements of a row (P).
        tensors: Every tensor's place, in the order of the layers.
        total_steps: Updates in the whole run.
        steps_per_epoch: Updates in which every training example is seen once.
        lr: Base learning rate.
    """

    num_lanes: int
    size: int
    tensors: tuple[TensorPlace, ...]
    total_steps: int
    steps_per_epoch: int
    lr: float


class Rule:
    """What a remedy does to a group of lanes while they train. Every hook may be left as it is; none may mix lanes.

    Class attribute ``order`` decides who comes first among several: penalties 10, centralization 20, clipping 30.
    """

    order: int = 0

    def rate(self, step: int, factor: float) -> float:
        """Return the multiplier of the base learning rate at a step, given what it would be otherwise."""
        return factor

    def gradient(self, step: int, flat: Tensor, grad: Tensor) -> None:
        """Change the gradients in place before the update; both ``(K, P)``."""

    def updated(self, step: int, flat: Tensor) -> None:
        """Look at, or change in place, the weights ``(K, P)`` after the update at ``step``."""

    def averaged(self) -> Tensor | None:
        """Return weights ``(K, P)`` that are scored beside the raw ones, or None where there are none (yet)."""
        return None

    def snapshots(self) -> list[Tensor]:
        """Return weights ``(K, P)`` kept earlier, whose probabilities are averaged and scored beside the raw weights.

        A tensor that was returned once is never changed, so that a lane which is stopped can go on using it.
        """
        return []

    def gauges(self) -> dict[str, Tensor]:
        """Return what is to be shown, ``(K,)`` each, by the keys of ``RemedyPart.gauges``."""
        return {}


@dataclass(frozen=True, slots=True)
class LossTerms:
    """What changes the loss that is trained on; scores on held-back examples stay plain.

    Attributes:
        smoothing: Share of every target's probability that is spread over all classes.
        class_weights: ``(C,)`` how much an example of each class counts, mean 1 over the training examples, or None.
    """

    smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """When a lane is done.

    Attributes:
        metric: ``loss`` or ``accuracy`` on the held-back examples, looked at after every epoch.
        patience: Epochs without an improvement after which a lane stops.
        min_delta: Smallest change that counts as one.
        restore_best: Whether the weights of the best epoch are put back then.
    """

    metric: Literal["loss", "accuracy"]
    patience: int
    min_delta: float
    restore_best: bool


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that a remedy shows while it works, a lane.

    Attributes:
        key: Short name, unique among all remedies.
        title: Name in the window.
        unit: Of the number, or empty; ``%`` for shares, which run from 0 to 1.
    """

    key: str
    title: Text
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyPart(Part):
    """Something that is switched on beside network, optimizer and schedule, by one or more of the following.

    Attributes:
        rule: Acts on gradients and weights of a group of lanes.
        loss: Changes the loss. Given the training targets and the number of classes (0 for regression).
        rebalance: Makes another training part, once: from inputs ``(S, *shape)``, targets ``(S,)`` and a random source.
        sampling: Weights ``(S,)`` with which the examples of an epoch are drawn, with replacement.
        augment: Changes a batch: inputs ``(B, *shape)``, targets, and a generator that depends on seed and step alone.
            Mixed targets are probabilities ``(B, C)``. The scale is that of the standardized inputs.
        stopping: Ends lanes early.
        precision: ``bfloat16`` or ``float16``: the type that products are computed in.
        gauges: What its rule shows.
    """

    rule: Callable[[Choice, GroupPlan], Rule] | None = None
    loss: Callable[[Choice, NDArray[np.int64] | NDArray[np.float64], int], LossTerms] | None = None
    rebalance: Rebalance | None = None
    sampling: Callable[[Choice, NDArray[np.int64]], NDArray[np.float64]] | None = None
    augment: Callable[[Choice, Tensor, Tensor, Generator, DataInfo], tuple[Tensor, Tensor]] | None = None
    stopping: Callable[[Choice], StoppingRule] | None = None
    precision: Callable[[Choice], Literal["bfloat16", "float16"]] | None = None
    gauges: tuple[Gauge, ...] = ()


class Rebalance(Protocol):
    """Makes another training part out of the one there is."""

    def __call__(
        self,
        choice: Choice,
        inputs: NDArray[np.float64],
        targets: NDArray[np.int64],
        random: np.random.Generator,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return inputs ``(S', *shape)`` and targets ``(S',)``."""
        ...
