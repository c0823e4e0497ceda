"""Examples as tensors: split, standardized, and served in the same order to every lane."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.catalog.remedy_part import Curriculum, RemedyPart, TrainingExamples
from initviz.engine.curriculum import Lineup, ranks
from initviz.engine.seeding import derive_seed, generator
from initviz.engine.shares import thin_out, wrong_labels
from initviz.experiment.blueprint import SEQUENCE_AXES, data_info
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Text
from initviz.experiment.values import Choice, DataInfo, DataSpec

EPOCH_COPY_BYTES = 64_000_000
"""Largest training part of which a shuffled copy is kept, so that a batch is a slice and not a gather."""

TeacherLosses = Callable[[str, Tensor, Tensor], Tensor]
"""From a stage (``stage:NAME``), inputs and targets to the loss of every example, ``(S,)``."""


class Batches:
    """The training and the validation part of a data set, and the batch of every step.

    Attributes:
        spec: Which examples these are.
        seed: Decides the split and the order.
        info: Shape, task and number of outputs.
        inputs: ``(S, *shape)`` training inputs as the network sees them.
        targets: ``(S,)`` class indices (int64), ``(S, T)`` where every position has one, ``(S,)`` 0 or 1 (floating) for
            the binary task, or ``(S, num_outputs)`` for regression.
        validation_inputs: The same for the part held back; may be empty.
        validation_targets: The same.
        batch_size: Examples a step, at most S.
        steps_per_epoch: Steps in which every training example is seen once; the last may be a smaller batch.
        constant_loss: Training loss of the best constant prediction.
        class_names: Names of the classes; empty for regression.
        mean: ``(*shape)`` what was subtracted from the inputs.
        scale: ``(*shape)`` what they were divided by.
        points: ``(S, 2)`` training inputs of a two-dimensional data set, else ``(0, 2)``.
        point_classes: ``(S,)`` their classes, else ``(0,)``.
        wrong: ``(S,)`` whether the label was replaced by a wrong one on purpose.
    """

    def __init__(
        self, spec: DataSpec, seed: int, catalogue: Catalogue, device: torch.device, dtype: torch.dtype
    ) -> None:
        part = catalogue.get("dataset", spec.dataset.name, "data.name")
        if not isinstance(part, LoadableDatasetPart):
            raise TypeError(f"{part.key} cannot be loaded")
        self.info: DataInfo = data_info(spec, catalogue)
        examples = part.load(spec.dataset, seed)
        training, held_back = split(examples, spec.validation, seed)
        training = thin_out(training, examples.targets, spec.imbalance)
        if len(training) == 0:
            raise ExperimentError(
                Text(
                    "the data set has no examples to train on.",
                    "数据集中没有可供训练的样本。",
                ),
                "data",
            )
        self.mean, self.scale = column_scale(
            examples.inputs[training], spec.standardize and not self.info.tokens
        )
        standardized = (examples.inputs - self.mean) / self.scale
        targets = standardized.reshape(len(standardized), -1) if spec.reconstruct else examples.targets
        self.class_names = () if spec.reconstruct else examples.class_names
        learned = wrong_labels(targets[training], self.info.num_outputs, spec.label_noise, seed)
        self.wrong: NDArray[np.bool_] = (learned != targets[training]).reshape(len(training), -1).any(axis=1)
        self.constant_loss = constant_loss(learned)
        flat = self.info.shape == (2,) and self.info.task != "regression"
        self.points: NDArray[np.float64] = standardized[training] if flat else np.zeros((0, 2))
        self.point_classes: NDArray[np.int64] = (
            learned.astype(np.int64) if flat else np.zeros(0, dtype=np.int64)
        )

        def place(array: NDArray[np.generic], as_dtype: torch.dtype) -> Tensor:
            return torch.tensor(array).to(as_dtype).to(device)

        target_dtype = torch.int64 if self.info.task == "classification" else dtype
        self.inputs = place(standardized[training], dtype)
        self.targets = place(learned, target_dtype)
        self.validation_inputs = place(standardized[held_back], dtype)
        self.validation_targets = place(targets[held_back], target_dtype)
        self.spec = spec
        self.seed = seed
        self._weights: Tensor | None = None
        self._lineup: Lineup | None = None
        self._changes: list[tuple[RemedyPart, Choice]] = []
        self._serve()

    def _serve(self) -> None:
        """Get ready to serve the training part from the first epoch on."""
        self.batch_size = min(self.spec.batch_size, len(self.inputs))
        self.steps_per_epoch = math.ceil(len(self.inputs) / self.batch_size)
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)
        self._copies = self.inputs.nbytes <= EPOCH_COPY_BYTES
        self._shuffled = (self.inputs, self.targets)

    def remedied(
        self,
        remedies: Sequence[tuple[RemedyPart, Choice]],
        total_steps: int,
        teacher_losses: TeacherLosses,
    ) -> Batches:
        """Return the same examples as some remedies serve them; the very same object where none concerns the data.

        The part held back stays as it is, and the order of the examples too where their number does not change.

        Args:
            remedies: What is switched on.
            total_steps: Updates in the whole run, over which a curriculum spreads.
            teacher_losses: Asked where a curriculum goes by a teacher.
        Raises:
            ExperimentError: A remedy cannot do its work on these examples.
        """
        mine = [(part, choice) for part, choice in remedies if serves(part)]
        if not mine:
            return self
        served = copy.copy(self)
        for part, choice in mine:
            if part.rebalance is not None:
                inputs, targets = part.rebalance(
                    choice,
                    served.inputs.double().cpu().numpy(),
                    served.targets.cpu().numpy().astype(np.int64),
                    np.random.default_rng(derive_seed(self.seed, "rebalance", part.key)),
                )
                served.inputs = torch.tensor(inputs).to(self.inputs)
                served.targets = torch.tensor(targets).to(self.targets)
                served.wrong = np.zeros(
                    len(targets), dtype=np.bool_
                )  # nobody asks: see the curriculum's mismatch
        for part, choice in mine:
            if part.sampling is not None:
                shares = part.sampling(choice, served.targets.cpu().numpy().astype(np.int64))
                served._weights = torch.tensor(shares, dtype=torch.float64)
        served._changes = [(part, choice) for part, choice in mine if part.augment is not None]
        served._serve()
        for part, choice in mine:
            if part.curriculum is not None:
                served._lineup = served._line_up(part.curriculum(choice), total_steps, teacher_losses)
        return served

    def _line_up(self, curriculum: Curriculum, total_steps: int, teacher_losses: TeacherLosses) -> Lineup:
        """Put the examples in the order in which a curriculum brings them into use."""
        losses = np.zeros(0)
        if curriculum.teacher:
            found = teacher_losses(curriculum.teacher, self.inputs, self.targets)
            losses = found.double().cpu().numpy()
        targets = self.targets.cpu().numpy()
        is_one_class = self.info.task != "regression" and targets.ndim == 1
        difficulty = curriculum.difficulty(
            TrainingExamples(
                inputs=self.inputs.double().cpu().numpy(),
                targets=targets.astype(np.int64) if is_one_class else targets,
                wrong=self.wrong,
                teacher_losses=losses,
            )
        )
        classes = targets.astype(np.int64) if is_one_class and curriculum.by_class else None
        places = ranks(-difficulty if curriculum.hard_first else difficulty, classes)
        return Lineup(
            curriculum, torch.tensor(places, device=self.inputs.device), total_steps, self.batch_size
        )

    @property
    def num_training(self) -> int:
        """Training examples (S)."""
        return len(self.inputs)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of a step; every epoch has its own order, which only the seed decides.

        While a curriculum holds examples back, a batch is as large as it would be, and is taken from those in use in
        the epoch's order, from the start again once they have all had their turn.
        """
        inputs, targets = self._drawn(step, self._lineup)
        return self._changed(step, inputs, targets) if self._changes else (inputs, targets)

    def epoch_inputs(self) -> list[Tensor]:
        """Return the inputs of every batch of the first epoch, with all examples in use."""
        batches = [(step, *self._drawn(step, None)) for step in range(self.steps_per_epoch)]
        return [self._changed(step, inputs, targets)[0] for step, inputs, targets in batches]

    def share_in_use(self, step: int) -> float | None:
        """Return the share of the examples that a curriculum has in use at a step, or None where there is none."""
        return None if self._lineup is None else self._lineup.share(step)

    def _drawn(self, step: int, lineup: Lineup | None) -> tuple[Tensor, Tensor]:
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._start_epoch(epoch)
        first = place * self.batch_size
        last = first + self.batch_size
        if lineup is not None and not lineup.is_full(step):
            chosen = self._among(lineup.in_use(step), first, min(last, self.num_training), epoch)
            return self.inputs[chosen], self.targets[chosen]
        if self._copies:
            inputs, targets = self._shuffled
            return inputs[first:last], targets[first:last]
        chosen = self._order[first:last]
        return self.inputs[chosen], self.targets[chosen]

    def _among(self, in_use: Tensor, first: int, last: int, epoch: int) -> Tensor:
        """Return which examples make the batch that would be places ``first`` to ``last`` of the epoch's order."""
        if self._weights is not None:
            random = generator(self.seed, "order", epoch, first)
            weights = self._weights * in_use.cpu()
            drawn = torch.multinomial(weights, last - first, replacement=True, generator=random)
            return drawn.to(in_use.device)
        members = self._order[in_use[self._order]]
        return members[torch.arange(first, last, device=members.device) % len(members)]

    def _changed(self, step: int, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return a batch as the augmentations change it: by noise that the seed and the step decide alone."""
        for part, choice in self._changes:
            random = torch.Generator(inputs.device)
            random.manual_seed(derive_seed(self.seed, "augment", part.key, step))
            if part.augment is not None:
                inputs, targets = part.augment(choice, inputs, targets, random, self.info)
        return inputs, targets

    def _start_epoch(self, epoch: int) -> None:
        random = generator(self.seed, "order", epoch)
        if self._weights is None:
            order = torch.randperm(self.num_training, generator=random)
        else:
            order = torch.multinomial(self._weights, self.num_training, replacement=True, generator=random)
        self._order = order.to(self.inputs.device)
        self._epoch = epoch
        if self._copies:
            self._shuffled = (self.inputs[self._order], self.targets[self._order])


def serves(part: RemedyPart) -> bool:
    """Say whether a remedy changes which examples are served, or how."""
    return not (
        part.rebalance is None and part.sampling is None and part.augment is None and part.curriculum is None
    )


def split(examples: Examples, validation: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose which examples are trained on and which are held back, the same share of every class.

    Args:
        examples: All of them.
        validation: Share held back, 0 to 0.9.
        seed: Decides the choice.
    Returns:
        Indices of the training part and of the part held back, both shuffled.
    """
    random = np.random.default_rng(derive_seed(seed, "split"))
    shuffled = random.permutation(len(examples.inputs))
    targets = examples.targets[shuffled]
    held_back = np.zeros(len(shuffled), dtype=bool)
    by_class = examples.targets.dtype == np.int64 and examples.targets.ndim == 1
    classes = np.unique(targets) if by_class else [None]
    for name in classes:
        members = np.arange(len(shuffled)) if name is None else np.flatnonzero(targets == name)
        # At least one example of a class stays to be learned from.
        held_back[members[: min(round(validation * len(members)), len(members) - 1)]] = True
    return shuffled[~held_back], shuffled[held_back]


def column_scale(
    inputs: NDArray[np.float64], standardize: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the standard deviation of every input column; 0 and 1 where nothing is to be changed.

    A column that never varies is only shifted. All steps of a sequence are one column: the same weights read them.
    """
    shape = inputs.shape[1:]
    if not standardize:
        return np.zeros(shape), np.ones(shape)
    axes = (0, 1) if len(shape) == SEQUENCE_AXES else 0
    scale = inputs.std(axis=axes)
    mean, scale = inputs.mean(axis=axes), np.where(scale > 0, scale, 1.0)
    return np.broadcast_to(mean, shape).copy(), np.broadcast_to(scale, shape).copy()


def constant_loss(targets: NDArray[np.int64] | NDArray[np.float64]) -> float:
    """Return the mean loss of the best prediction that does not look at the input.

    Args:
        targets: ``(S,)`` or ``(S, T)`` class indices: the entropy of the class shares, in nats; ``(S, num_outputs)``
            numbers: the variance, averaged over the outputs.
    """
    if targets.dtype == np.int64:
        shares = np.bincount(targets.ravel()) / targets.size
        shares = shares[shares > 0]
        return float(-(shares * np.log(shares)).sum())
    return float(targets.var(axis=0).mean())
