"""Examples as tensors: split, standardized, and served in the same order to every lane."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initviz.catalog.parts import Examples, LoadableDatasetPart
from initviz.engine.seeding import derive_seed, generator
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError
from initviz.experiment.text import Text
from initviz.experiment.values import DataInfo, DataSpec

EPOCH_COPY_BYTES = 64_000_000
"""Largest training part of which a shuffled copy is kept, so that a batch is a slice and not a gather."""


class Batches:
    """The training and the validation part of a data set, and the batch of every step.

    Attributes:
        info: Shape, task and number of outputs.
        inputs: ``(S, *shape)`` training inputs as the network sees them.
        targets: ``(S,)`` class indices (int64), ``(S,)`` 0 or 1 (floating) for the binary task, or
            ``(S, num_outputs)`` for regression.
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
    """

    def __init__(
        self, spec: DataSpec, seed: int, catalogue: Catalogue, device: torch.device, dtype: torch.dtype
    ) -> None:
        part = catalogue.get("dataset", spec.dataset.name, "data.name")
        if not isinstance(part, LoadableDatasetPart):
            raise TypeError(f"{part.key} cannot be loaded")
        self.info: DataInfo = part.describe(spec.dataset)
        examples = part.load(spec.dataset, seed)
        training, held_back = split(examples, spec.validation, seed)
        if len(training) == 0:
            raise ExperimentError(
                Text(
                    "the data set has no examples to train on.",
                    "数据集中没有可供训练的样本。",
                ),
                "data",
            )
        inputs = examples.inputs
        self.mean, self.scale = column_scale(inputs[training], spec.standardize)
        standardized = (inputs - self.mean) / self.scale
        self.class_names = examples.class_names
        self.constant_loss = constant_loss(examples.targets[training])
        flat = self.info.shape == (2,) and self.info.task != "regression"
        self.points: NDArray[np.float64] = standardized[training] if flat else np.zeros((0, 2))
        self.point_classes: NDArray[np.int64] = (
            examples.targets[training].astype(np.int64) if flat else np.zeros(0, dtype=np.int64)
        )

        def place(array: NDArray[np.generic], as_dtype: torch.dtype) -> Tensor:
            return torch.tensor(array).to(as_dtype).to(device)

        target_dtype = torch.int64 if self.info.task == "classification" else dtype
        self.inputs = place(standardized[training], dtype)
        self.targets = place(examples.targets[training], target_dtype)
        self.validation_inputs = place(standardized[held_back], dtype)
        self.validation_targets = place(examples.targets[held_back], target_dtype)
        self.batch_size = min(spec.batch_size, len(training))
        self.steps_per_epoch = math.ceil(len(training) / self.batch_size)
        self._seed = seed
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)
        self._copies = self.inputs.nbytes <= EPOCH_COPY_BYTES
        self._shuffled = (self.inputs, self.targets)

    @property
    def num_training(self) -> int:
        """Training examples (S)."""
        return len(self.inputs)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets of a step; every epoch has its own order, which only the seed decides."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._start_epoch(epoch)
        first = place * self.batch_size
        last = first + self.batch_size
        if self._copies:
            inputs, targets = self._shuffled
            return inputs[first:last], targets[first:last]
        chosen = self._order[first:last]
        return self.inputs[chosen], self.targets[chosen]

    def _start_epoch(self, epoch: int) -> None:
        order = torch.randperm(self.num_training, generator=generator(self._seed, "order", epoch))
        self._order = order.to(self.inputs.device)
        self._epoch = epoch
        if self._copies:
            self._shuffled = (self.inputs[self._order], self.targets[self._order])


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
    classes = np.unique(targets) if examples.targets.dtype == np.int64 else [None]
    for name in classes:
        members = np.arange(len(shuffled)) if name is None else np.flatnonzero(targets == name)
        # At least one example of a class stays to be learned from.
        held_back[members[: min(round(validation * len(members)), len(members) - 1)]] = True
    return shuffled[~held_back], shuffled[held_back]


def column_scale(
    inputs: NDArray[np.float64], standardize: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the standard deviation of every input column; 0 and 1 where nothing is to be changed.

    A column that never varies is only shifted.
    """
    shape = inputs.shape[1:]
    if not standardize:
        return np.zeros(shape), np.ones(shape)
    scale = inputs.std(axis=0)
    return inputs.mean(axis=0), np.where(scale > 0, scale, 1.0)


def constant_loss(targets: NDArray[np.int64] | NDArray[np.float64]) -> float:
    """Return the mean loss of the best prediction that does not look at the input.

    Args:
        targets: ``(S,)`` class indices: the entropy of the class shares, in nats; ``(S, num_outputs)`` numbers: the
            variance, averaged over the outputs.
    """
    if targets.dtype == np.int64:
        shares = np.bincount(targets) / len(targets)
        shares = shares[shares > 0]
        return float(-(shares * np.log(shares)).sum())
    return float(targets.var(axis=0).mean())
