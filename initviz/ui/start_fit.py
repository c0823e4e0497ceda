"""Whether a start fits the activation and the network: what becomes of the signal, foretold layer by layer."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from initviz.catalog.parts import ActivationPart, InitializerPart
from initviz.engine.layout import Layout
from initviz.engine.structure import IDENTITY, MeasuredLayer, layer_part, measured_layers
from initviz.experiment.blueprint import Blueprint, blueprint
from initviz.experiment.catalogue import Catalogue
from initviz.experiment.limits import Limits
from initviz.experiment.values import Choice, DataSpec, InitSpec, Recipe
from initviz.theory.moments import second_moment, slope_moment

Verdict = Literal["fits", "signal", "gradient", "nothing", "equal", "renewed", "partly", "adapts", "unknown"]
MARGIN = 1.25
"""A start that changes the signal a layer by less than this factor more than the recommended one does, fits."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is foretold of the signal through the hidden layers at the start.

    Attributes:
        factor: What the mean square of the activations is multiplied by a layer; the first one, which the data feed,
            counts only where it is alone.
        left: Mean square after the last hidden layer, 1 at the input.
        slope: What the mean square of the gradient is multiplied by a layer, backwards.
        layers: Hidden layers with weights.
    """

    factor: float
    left: float
    slope: float
    layers: int


@dataclass(frozen=True, slots=True)
class StartFit:
    """How a start suits its network.

    Attributes:
        verdict: ``fits``; ``signal`` or ``gradient`` where that shrinks or grows too much; ``nothing`` where no signal
            gets through; ``equal`` where all units of a layer start alike; ``renewed`` where normalization sets the
            size anew; ``partly`` where it does so between layers such as attention, within which the size of the
            weights counts all the same; ``adapts`` where the start measures the network itself; ``unknown`` where the
            network has layers for which no forecast is made.
        start: The initializer of the hidden weights.
        activation: Key of the function that most hidden layers apply.
        better: Key of the initializer that is recommended for it; empty where there is none to offer.
        forecast: The numbers, where there are any.
    """

    verdict: Verdict
    start: str
    activation: str
    better: str = ""
    forecast: Forecast | None = None


class _UnforetoldError(Exception):
    """There is no forecast; the argument is the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict: Verdict = verdict


def start_fit(recipe: Recipe, data: DataSpec, catalogue: Catalogue, limits: Limits) -> StartFit:
    """Judge how the weights of a network start, from theory alone: nothing is drawn.

    Args:
        recipe: What a lane trains with.
        data: What it is fed.
        catalogue: Where the parts are declared.
        limits: Bounds on sizes.
    """
    plan = blueprint(recipe, data, catalogue, limits)
    hidden = _hidden(plan, catalogue)
    start, activation = recipe.init.weight.name, IDENTITY
    if hidden:
        start = Counter(plan.stages[layer.stage].weight.name for layer in hidden).most_common(1)[0][0]
        activation = Counter(layer.activation for layer in hidden).most_common(1)[0][0]
    better = _recommended(activation, catalogue)
    try:
        found = _forecast(plan, hidden, catalogue)
    except _UnforetoldError as reason:
        offer = better if reason.verdict in ("nothing", "equal") and better != start else ""
        return StartFit(reason.verdict, start, activation, offer)
    if better in ("", start):
        return StartFit("fits", start, activation, "", found)
    suited = _started(recipe, catalogue.get("initializer", better).choose())
    try:
        rival = _forecast(blueprint(suited, data, catalogue, limits), hidden, catalogue)
    except _UnforetoldError:
        return StartFit("fits", start, activation, "", found)
    if _worse(found.factor, rival.factor):
        return StartFit("signal", start, activation, better, found)
    if found.layers > 1 and _worse(found.slope, rival.slope):
        return StartFit("gradient", start, activation, better, found)
    return StartFit("fits", start, activation, "", found)


def _started(recipe: Recipe, weight: Choice) -> Recipe:
    return replace(recipe, init=InitSpec(weight, recipe.init.bias))


def _worse(mine: float, other: float) -> bool:
    """Say whether a factor a layer lies farther from 1 than another, by more than the margin."""
    if mine <= 0:
        return other > 0
    return abs(math.log(mine)) > abs(math.log(max(other, 1e-300))) + math.log(MARGIN)


def _recommended(activation: str, catalogue: Catalogue) -> str:
    part = catalogue.get("activation", activation)
    return part.recommended if isinstance(part, ActivationPart) else ""


def _hidden(plan: Blueprint, catalogue: Catalogue) -> tuple[MeasuredLayer, ...]:
    layers = measured_layers(plan, Layout(plan), catalogue)
    return tuple(layer for layer in layers if not layer.context.is_output)


def _forecast(plan: Blueprint, hidden: tuple[MeasuredLayer, ...], catalogue: Catalogue) -> Forecast:
    """Follow the mean square of the signal from the input, where it is 1, through every hidden layer.

    Raises:
        _UnforetoldError: It cannot be followed.
    """
    stages = plan.stages[:-1]
    effects = {layer_part(stage, catalogue).signal for stage in stages}
    if "renewed" in effects:
        within = [
            stage
            for stage in stages
            if stage.tensors
            and layer_part(stage, catalogue).signal == "other"
            and not layer_part(stage, catalogue).is_activation
        ]
        raise _UnforetoldError("partly" if within else "renewed")
    known = all(
        layer_part(stage, catalogue).is_activation or layer_part(stage, catalogue).signal in ("sum", "same")
        for stage in stages
    )
    if not hidden or not known or plan.data.tokens:
        raise _UnforetoldError("unknown")
    size, sizes, slopes = 1.0, [], []
    for layer in hidden:
        q = layer.context.fan_in * _weight_variance(plan, layer, catalogue) * size
        q += _bias_moment(plan, layer, catalogue)
        part = catalogue.get("activation", layer.activation)
        if not isinstance(part, ActivationPart):
            raise _UnforetoldError("unknown")
        curve = part.curve(_activation_choice(plan, layer))
        slope = slope_moment(curve, q)
        slopes.append(layer.context.fan_out * _weight_variance(plan, layer, catalogue) * slope)
        size = second_moment(curve, q)
        sizes.append(size)
    if sizes[-1] == 0 or not any(slopes):
        raise _UnforetoldError("nothing")
    later = len(sizes) - 1
    factor = (sizes[-1] / sizes[0]) ** (1 / later) if later else sizes[0]
    backward = math.exp(sum(math.log(max(s, 1e-300)) for s in slopes[1:]) / later) if later else 1.0
    return Forecast(factor, sizes[-1], backward, len(sizes))


def _activation_choice(plan: Blueprint, layer: MeasuredLayer) -> Choice:
    stage = plan.stages[layer.stage if layer.activation_stage is None else layer.activation_stage]
    return stage.layer


def _weight_variance(plan: Blueprint, layer: MeasuredLayer, catalogue: Catalogue) -> float:
    choice = plan.stages[layer.stage].weight
    part = catalogue.get("initializer", choice.name)
    if not isinstance(part, InitializerPart):
        raise _UnforetoldError("unknown")
    if part.data_driven:
        raise _UnforetoldError("adapts")
    std = part.target_std(choice, layer.context)
    if std is None:
        raise _UnforetoldError("unknown")
    if not part.centred(choice):
        raise _UnforetoldError("equal" if std == 0 else "unknown")
    return std**2


def _bias_moment(plan: Blueprint, layer: MeasuredLayer, catalogue: Catalogue) -> float:
    """Return the variance of the biases; a bias that is the same everywhere shifts all units alike."""
    stage = plan.stages[layer.stage]
    if not any(spec.role == "bias" for spec in stage.tensors):
        return 0.0
    part = catalogue.get("initializer", stage.bias.name)
    if not isinstance(part, InitializerPart):
        return 0.0
    std = part.target_std(stage.bias, layer.context)
    values = [value for _, value in stage.bias.values if isinstance(value, int | float)]
    if std is None or (not part.centred(stage.bias) and (any(values) or not values)):
        raise _UnforetoldError("unknown")
    return std**2
