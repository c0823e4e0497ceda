"""Networks of earlier stages that teach: their answers, their losses, and what lanes learn from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from initviz.catalog.remedy_part import Distillation
from initviz.engine.data import Batches
from initviz.engine.network import Network
from initviz.engine.noise import Pass
from initviz.experiment.blueprint import Blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.errors import ExperimentError
from initviz.experiment.stages import stage_name
from initviz.experiment.text import Text
from initviz.experiment.values import DataSpec, Experiment, Task

if TYPE_CHECKING:
    from initviz.engine.weights import Weights

CHUNK = 1024
"""Examples that are answered at a time where all are."""


class TrainedStage(Protocol):
    """What is needed of an earlier stage to ask its network."""

    @property
    def blueprint(self) -> Blueprint:
        """Its layers."""
        ...

    @property
    def experiment(self) -> Experiment:
        """What it was trained on."""
        ...

    @property
    def weights(self) -> Weights:
        """What it learned."""
        ...


class Teacher:
    """The network of an earlier stage, which answers as it does outside of training.

    Args:
        name: Of the stage, for messages.
        stage: What it learned.
        data: The examples of those who ask; an answer is to inputs as these have them.
        catalogue: Where layers and data sets are declared.
    Raises:
        ExperimentError: The stage's weights are not those of its network.
    """

    def __init__(self, name: str, stage: TrainedStage, data: Batches, catalogue: Catalogue) -> None:
        network = Network(stage.blueprint, catalogue, 1)
        row = data.inputs.new_zeros(1, network.layout.size)
        buffers = network.fresh_buffers(row)
        _fill(name, network, row, buffers, dict(stage.weights))
        self._shape = stage.blueprint.data.shape
        self._task: Task = stage.blueprint.data.task
        self._now = Pass([0], row.device)
        self._bound = network.bind(row, torch.zeros_like(row), self._now, buffers)
        self._scale = _other_scale(stage.experiment, data, catalogue)

    @torch.no_grad()
    def answers(self, inputs: Tensor) -> Tensor:
        """Return its outputs ``(B, O)``, or ``(B, T, O)``, for inputs ``(B, *shape)`` as those who ask have them."""
        if self._scale is not None:
            factor, shift = self._scale
            inputs = inputs * factor + shift
        self._now.begin(0, training=False, keeps=False)
        return self._bound.outputs(inputs.reshape(len(inputs), *self._shape))

    def losses(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return its loss of every example, ``(S,)``; the mean over the positions where each has an answer."""
        parts = zip(torch.split(inputs, CHUNK), torch.split(targets, CHUNK), strict=True)
        return torch.cat([_each_loss(self.answers(x), y, self._task) for x, y in parts])


class Teachers:
    """The teachers of a race; each is made once.

    Args:
        stages: What was trained before, by name.
        data: The examples of the race.
        catalogue: Where layers and data sets are declared.
    """

    def __init__(self, stages: Mapping[str, TrainedStage], data: Batches, catalogue: Catalogue) -> None:
        self._stages = stages
        self._data = data
        self._catalogue = catalogue
        self._made: dict[str, Teacher] = {}

    def named(self, source: str) -> Teacher:
        """Return the teacher ``stage:NAME``.

        Raises:
            ExperimentError: Nothing of that name was trained, or its weights are not whole.
        """
        name = stage_name(source)
        if name not in self._stages:
            raise ExperimentError(
                Text(
                    f"there is no stage called '{name}'. Add it below [[stages]].",
                    f"没有名为“{name}”的阶段。请在 [[stages]] 下添加它。",
                ),
                "stages",
            )
        if name not in self._made:
            self._made[name] = Teacher(name, self._stages[name], self._data, self._catalogue)
        return self._made[name]

    def losses(self, source: str, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of every example, ``(S,)``, by the teacher ``stage:NAME``."""
        return self.named(source).losses(inputs, targets)


class Lessons:
    """What a group of lanes learns from a teacher.

    Args:
        teacher: Who is asked.
        terms: How much its answers count.
        task: What is learned.
    """

    def __init__(self, teacher: Teacher, terms: Distillation, task: Task) -> None:
        self._teacher = teacher
        self._terms = terms
        self._task: Task = task

    def blend(self, inputs: Tensor, outputs: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradient of the whole loss, and the soft loss alone.

        Args:
            inputs: ``(B, *shape)`` of the batch; the teacher answers once for all lanes.
            outputs: ``(K, B, O)`` or ``(B, O)`` of the lanes.
            grad: Of the hard loss by the outputs.
        """
        share = self._terms.share
        answers = self._teacher.answers(inputs).to(outputs.dtype)
        loss, soft = soft_loss(outputs, answers, self._terms.temperature, self._task)
        return grad * (1.0 - share) + soft * share, loss


def soft_loss(outputs: Tensor, answers: Tensor, temperature: float, task: Task) -> tuple[Tensor, Tensor]:
    """Return how far softened answers are from a teacher's, and the gradient of that by the outputs.

    That is ``temperature ** 2`` times the Kullback-Leibler divergence of the outputs' distribution from the teacher's,
    in nats, the mean over examples and positions; the factor keeps its gradient as large as that of the hard loss.

    Args:
        outputs: Logits ``(K, B, O)`` or ``(B, O)``, with an axis of positions before the last where these have answers.
        answers: The teacher's logits, the same without a lane axis.
        temperature: What all logits are divided by.
        task: ``classification``, or ``binary`` with a single logit.
    Returns:
        ``(K,)`` or ``(1,)``, and a tensor shaped as ``outputs``.
    References:
        Hinton et al. 2015, arXiv:1503.02531.
    """
    mine, theirs = outputs / temperature, answers / temperature
    if task == "binary":
        known, found = torch.sigmoid(theirs), torch.sigmoid(mine)
        each = known * (functional.logsigmoid(theirs) - functional.logsigmoid(mine))
        each = each + (1.0 - known) * (functional.logsigmoid(-theirs) - functional.logsigmoid(-mine))
    else:
        logs, wanted = functional.log_softmax(mine, -1), functional.log_softmax(theirs, -1)
        known, found = wanted.exp(), logs.exp()
        each = known * (wanted - logs)
    count = math.prod(answers.shape[:-1])
    lanes = outputs.numel() // answers.numel()
    loss = each.reshape(lanes, -1).sum(1) * (temperature**2 / count)
    return loss, (found - known) * (temperature / count)


def _each_loss(outputs: Tensor, targets: Tensor, task: Task) -> Tensor:
    if task == "regression":
        return (outputs - targets).square().mean(-1)
    if task == "binary":
        return functional.binary_cross_entropy_with_logits(outputs.squeeze(-1), targets, reduction="none")
    each = functional.cross_entropy(outputs.flatten(0, -2), targets.flatten(), reduction="none")
    return each.view(len(targets), -1).mean(1)


def _fill(name: str, network: Network, row: Tensor, buffers: Tensor, weights: Mapping[str, Tensor]) -> None:
    """Put a stage's numbers in their places; a teacher with a layer missing would teach nonsense."""
    stages = network.blueprint.stages
    places = {
        f"{stages[slot.stage].name}.{slot.spec.name}": view
        for slot, view in zip(network.layout.slots, network.layout.views(row[0]), strict=True)
        if slot.spec.tied_to is None
    }
    offset = 0
    for stage in stages:
        for spec in stage.buffers:
            places[f"{stage.name}.{spec.name}"] = buffers[0, offset : offset + spec.size].view(spec.shape)
            offset += spec.size
    for key, place in places.items():
        found = weights.get(key)
        if found is None or found.shape != place.shape:
            raise ExperimentError(
                Text(
                    f"the weights of the stage '{name}' do not fit its network: '{key}' is missing or has another "
                    "shape. Give the stage the network that the weights were saved from.",
                    f"阶段“{name}”的权重与其网络不符：缺少“{key}”或其形状不同。请让该阶段使用保存这些权重时的网络。",
                ),
                "stages",
            )
        place.copy_(found)
    network.repeat_shared(row)


def _other_scale(theirs: Experiment, ours: Batches, catalogue: Catalogue) -> tuple[Tensor, Tensor] | None:
    """Return factor and shift from our inputs to those that a stage was trained on, or None where they are equal."""
    if _scaled_by(theirs.data, theirs.seed) == _scaled_by(ours.spec, ours.seed):
        return None
    other = Batches(theirs.data, theirs.seed, catalogue, torch.device("cpu"), torch.float64)
    mean, scale = (array.reshape(ours.mean.shape) for array in (other.mean, other.scale))
    like = ours.inputs
    return (
        torch.tensor(ours.scale / scale, dtype=like.dtype, device=like.device),
        torch.tensor((ours.mean - mean) / scale, dtype=like.dtype, device=like.device),
    )


def _scaled_by(data: DataSpec, seed: int) -> tuple[object, ...]:
    return data.dataset, data.standardize, data.validation, data.imbalance, seed
