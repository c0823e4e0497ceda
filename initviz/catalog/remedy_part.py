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
        is_table: As in ``TensorSpec.is_table``.
    """

    name: str
    offset: int
    shape: tuple[int, ...]
    role: str
    is_output: bool
    is_shared: bool = False
    is_table: bool = False

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """Tensors that may not move as freely as the rest.

    Each behaves as a parameter of plain PyTorch that has ``requires_grad = False`` until the thaw, and then stands in a
    group of the optimizer with a rate of its own: the optimizer knows nothing of it before.

    Attributes:
        names: Which, as in ``TensorPlace.name``.
        thaw: Step from which they move, or None where they never do.
        rate: Multiplier of the learning rate from then on.
    """

    names: frozenset[str]
    thaw: int | None
    rate: float

    def share(self, step: int) -> float:
        """Return the multiplier of the learning rate at a step: 0 while they are frozen."""
        return self.rate if self.thaw is not None and step >= self.thaw else 0.0


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
        held: What is not to move as freely as the rest, or None.
    """

    num_lanes: int
    size: int
    tensors: tuple[TensorPlace, ...]
    total_steps: int
    steps_per_epoch: int
    lr: float
    held: HeldBack | None = None


class Rule:
    """What a remedy does to a group of lanes while they train. Every hook may be left as it is; none may mix lanes.

    Class attribute ``order`` decides who comes first among several: penalties 10, what is frozen 15, centralization
    20, clipping 30.
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
class Distillation:
    """What of the loss comes from a teacher's answers; scores on held-back examples stay plain.

    The loss is ``(1 - share)`` times the usual one plus ``share`` times ``temperature ** 2`` times the Kullback-Leibler
    divergence of the student's answer from the teacher's, both softened: logits divided by ``temperature``.

    Attributes:
        teacher: The stage that is learned from, as ``stage:NAME``.
        temperature: Above 0.
        share: From 0 to 1.
    """

    teacher: str
    temperature: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingExamples:
    """The training part, as a curriculum sees it.

    Attributes:
        inputs: ``(S, *shape)`` as the network sees them.
        targets: As in the data set: ``(S,)`` class indices, ``(S, T)``, or ``(S, num_outputs)`` numbers.
        wrong: ``(S,)`` whether the label was replaced by a wrong one on purpose.
        teacher_losses: ``(S,)`` each example's loss by the teacher; empty where there is none.
    """

    inputs: NDArray[np.float64]
    targets: NDArray[np.int64] | NDArray[np.float64]
    wrong: NDArray[np.bool_]
    teacher_losses: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curriculum:
    """In which order the examples come into use.

    Attributes:
        difficulty: From the training part to a number an example, ``(S,)``; the easiest have the smallest.
        share: From the progress through the run, 0 to 1, to the share of the examples in use.
        hard_first: Whether the hardest come first instead.
        by_class: Whether the share is taken of every class, so that no class has to wait.
        teacher: The stage whose losses are asked for, as ``stage:NAME``, or empty.
    """

    difficulty: Callable[[TrainingExamples], NDArray[np.float64]]
    share: Callable[[float], float]
    hard_first: bool = False
    by_class: bool = True
    teacher: str = ""


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
        hold: Tells which tensors do not move as freely as the rest.
        loss: Changes the loss. Given the training targets and the number of classes (0 for regression).
        rebalance: Makes another training part, once: from inputs ``(S, *shape)``, targets ``(S,)`` and a random source.
        sampling: Weights ``(S,)`` with which the examples of an epoch are drawn, with replacement.
        curriculum: Brings the examples into use little by little.
        distillation: Lets a teacher's answers be learned.
        augment: Changes a batch: inputs ``(B, *shape)``, targets, and a generator that depends on seed and step alone.
            Mixed targets are probabilities ``(B, C)``. The scale is that of the standardized inputs.
        stopping: Ends lanes early.
        precision: ``bfloat16`` or ``float16``: the type that products are computed in.
        gauges: What its rule shows.
        beside: What its rule has scored beside the raw weights: averaged ``weights``, or the ``answers`` of several
            together; empty for nothing.
    """

    rule: Callable[[Choice, GroupPlan], Rule] | None = None
    hold: Callable[[Choice, GroupPlan], HeldBack] | None = None
    loss: Callable[[Choice, NDArray[np.int64] | NDArray[np.float64], int], LossTerms] | None = None
    rebalance: Rebalance | None = None
    sampling: Callable[[Choice, NDArray[np.int64]], NDArray[np.float64]] | None = None
    curriculum: Callable[[Choice], Curriculum] | None = None
    distillation: Callable[[Choice], Distillation] | None = None
    augment: Callable[[Choice, Tensor, Tensor, Generator, DataInfo], tuple[Tensor, Tensor]] | None = None
    stopping: Callable[[Choice], StoppingRule] | None = None
    precision: Callable[[Choice], Literal["bfloat16", "float16"]] | None = None
    gauges: tuple[Gauge, ...] = ()
    beside: Literal["", "weights", "answers"] = ""


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
