"""What can be told of every layer before any training: its weights, the signal forward, and the gradient back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from initviz.engine.denormals import flushed
from initviz.engine.race import Race
from initviz.engine.state import GroupState
from initviz.experiment.text import Text
from initviz.telemetry.foretelling import input_signal, predictions
from initviz.telemetry.frame import Floats
from initviz.telemetry.moments import Flow, signal_moments
from initviz.telemetry.norms import robust_norm
from initviz.theory.prediction import Phase, Prediction


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """A measured layer at its start; NaN where a number means nothing.

    Attributes:
        name: Its name in the network.
        kind: Kind of the layer that the weight belongs to.
        shape: Of the weight, ``(O, I)`` or ``(O, I, *kernel)``.
        fan_in: Inputs that feed one output.
        fan_out: Outputs that one input feeds.
        weight_mean: Mean of the weights.
        weight_std: Their standard deviation.
        target_std: Standard deviation that the initializer aims at.
        preactivation_mean: Mean of z over batch and units.
        preactivation_q: E[z^2] over batch and units.
        activation_mean: Mean after the activation.
        activation_var: Variance after the activation.
        grad_preactivation_q: E[(dC/dz)^2] over batch and units, C the loss of one example.
        grad_weight_std: Standard deviation of the gradient of the batch's mean loss by the weights.
        grad_norm: Its L2 norm.
        predicted_q: What theory says of ``preactivation_q``.
        predicted_grad_q: What theory says of ``grad_preactivation_q``, from the output layer's measured one on.
        chi: What theory says the mean square of the gradient is multiplied by on its way back through the layer's
            weight and the activation before it.
        phase: ``ordered``, ``critical`` or ``chaotic``: the side of criticality on which the repeated hidden layer
            lies, the same for all layers; None where hidden layers differ.
        xi_c: Depth scale of its correlations, in layers, likewise.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    fan_in: int
    fan_out: int
    weight_mean: float
    weight_std: float
    target_std: float
    preactivation_mean: float
    preactivation_q: float
    activation_mean: float
    activation_var: float
    grad_preactivation_q: float
    grad_weight_std: float
    grad_norm: float
    predicted_q: float
    predicted_grad_q: float
    chi: float
    phase: Phase | None
    xi_c: float


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """A lane at its start.

    Attributes:
        name: What the person calls it.
        loss: Mean loss of the examples.
        layers: Its measured layers, from input to output.
        not_covered: What theory has no prediction for, or None.
    """

    name: str
    loss: float
    layers: tuple[LayerFacts, ...]
    not_covered: Text | None


def probe(race: Race, batch: int | None = None) -> tuple[LaneFacts, ...]:
    """Look at every lane as it stands, without training it.

    Args:
        race: Usually before its first step.
        batch: How many training examples to look at, all when there are fewer; the next step's batch when None.
    Raises:
        ValueError: ``batch`` is below 1.
        InitVizError: The device failed or ran out of memory.
    """
    if batch is not None and batch < 1:
        raise ValueError(f"the number of examples must be at least 1, not {batch}")
    data = race.data
    inputs, targets = data.batch(race.step) if batch is None else (data.inputs[:batch], data.targets[:batch])
    told = predictions(race, input_signal(inputs))
    state = race.look(inputs, targets)
    found: dict[int, LaneFacts] = {}
    with flushed(False), torch.no_grad():
        losses = state.loss.double().cpu().tolist()
        for group in state.groups:
            for place, facts in enumerate(_layers(race, group, told)):
                lane = group.group.lanes[place]
                said = told[lane].not_covered
                found[lane] = LaneFacts(race.experiment.lanes[lane].name, losses[lane], facts, said)
    return tuple(found[lane] for lane in range(race.num_lanes))


def _layers(race: Race, state: GroupState, told: Sequence[Prediction]) -> list[tuple[LayerFacts, ...]]:
    """Return the facts of each lane of a group."""
    group = state.group
    measured = group.network.measured
    moments = signal_moments(Flow.of(state), [False] * len(measured))
    weights = group.flat if state.before is None else state.before
    columns = []
    for layer in measured:
        slot = layer.slot
        columns.append(
            (_spread(weights[:, slot.offset : slot.stop]), _spread(group.grad[:, slot.offset : slot.stop]))
        )
    anchors = moments.grad_preactivation_q[:, -1]
    return [
        tuple(
            LayerFacts(
                name=layer.name,
                kind=group.blueprint.stages[layer.stage].layer.name,
                shape=layer.slot.spec.shape,
                fan_in=layer.context.fan_in,
                fan_out=layer.context.fan_out,
                weight_mean=float(weight.mean[place]),
                weight_std=float(weight.std[place]),
                target_std=race.target_stds[lane][index],
                preactivation_mean=float(moments.preactivation_mean[place, index]),
                preactivation_q=float(moments.preactivation_q[place, index]),
                activation_mean=float(moments.activation_mean[place, index]),
                activation_var=float(moments.activation_var[place, index]),
                grad_preactivation_q=float(moments.grad_preactivation_q[place, index]),
                grad_weight_std=float(grad.std[place]),
                grad_norm=float(grad.norm[place]),
                predicted_q=float(told[lane].preactivation_q[index]),
                predicted_grad_q=float(told[lane].grad_preactivation_q[index] * anchors[place]),
                chi=float(told[lane].chi[index]),
                phase=told[lane].phase,
                xi_c=told[lane].xi_c,
            )
            for index, (layer, (weight, grad)) in enumerate(zip(measured, columns, strict=True))
        )
        for place, lane in enumerate(group.lanes)
    ]


@dataclass(frozen=True, slots=True)
class _Spread:
    """Of each lane's numbers, ``(K,)``: mean, standard deviation and L2 norm."""

    mean: Floats
    std: Floats
    norm: Floats


def _spread(rows: Tensor) -> _Spread:
    """Measure rows ``(K, n)`` in double precision, whatever their magnitude."""
    wide = rows.cpu().double()
    mean = wide.mean(1, keepdim=True)
    count = math.sqrt(wide.shape[1])
    return _Spread(
        mean.squeeze(1).numpy(),
        np.asarray(robust_norm(wide - mean).numpy() / count),
        robust_norm(wide).numpy(),
    )
